"""Units and trust stores with changes that are not yet made."""

from __future__ import annotations

from cucmos_shell.pki.der import to_pem
from cucmos_shell.store import paths
from cucmos_shell.store.rows import Own, TrustIndex, best, by_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cucmos_shell.store.rows import CertificateRow, RequestRow

# Up to here a search through the index's octets is cheaper than reading all of its rows.
FEW = 16


class TrustDraft:
    """The rows of a trust store as a transaction sees them, and what it wants changed."""

    def __init__(self, index: TrustIndex) -> None:
        self.base = index
        self.changes: dict[str, CertificateRow | None] = {}
        self.added: dict[str, bytes] = {}
        # Names by what is asked for; tuples, which for one name take a third of a set.
        self._names: dict[str, tuple[str, ...]] = {}
        self._common: dict[str, tuple[str, ...]] = {}
        self._hashes: dict[str, tuple[str, ...]] = {}
        self._looked = 0
        self._base_names: dict[str, list[CertificateRow]] | None = None
        self._base_common: dict[str, list[CertificateRow]] = {}
        self._base_hashes: dict[str, list[CertificateRow]] = {}

    def put(self, row: CertificateRow, der: bytes) -> None:
        """Put in or replace the certificate of that name."""
        self.changes[row.name] = row
        self.added[row.sha256] = der
        for known, key in (
            (self._names, row.name.lower()),
            (self._common, row.common_name),
            (self._hashes, row.sha256),
        ):
            if row.name not in known.get(key, ()):
                known[key] = (*known.get(key, ()), row.name)

    def remove(self, name: str) -> None:
        """Take the certificate of exactly that name out."""
        self.changes[name] = None

    def rows(self) -> tuple[CertificateRow, ...]:
        """All rows in listing order."""
        if not self.changes:
            return self.base.rows()
        kept = [row for row in self.base.rows() if row.name not in self.changes]
        return tuple(by_name([*kept, *filter(None, self.changes.values())]))

    def find(self, name: str) -> CertificateRow | None:
        """The row of that name: the exact one, else one that differs by case only."""
        staged = self._staged(self._names.get(name.lower(), ()))
        return best([*staged, *self._unchanged(self._variants(name))], name)

    def named(self, common_name: str) -> list[CertificateRow]:
        """The rows of that common name."""
        staged = self._staged(self._common.get(common_name, ()))
        return [
            *(row for row in staged if row.common_name == common_name),
            *self._unchanged(self._with_common(common_name)),
        ]

    def owned(self, unit: str) -> CertificateRow | None:
        """The copy of the unit's own certificate."""
        staged = [row for row in self.changes.values() if row and row.owner == unit]
        stored = [row for row in self.base.search(unit) if row.owner == unit]
        return next(iter([*staged, *self._unchanged(stored)]), None)

    def upload(self, sha256: str) -> CertificateRow | None:
        """The row of that certificate, unless it is only there as a copy of an own one."""
        staged = self._staged(self._hashes.get(sha256, ()))
        rows = [*staged, *self._unchanged(self._with_hash(sha256))]
        return next((r for r in rows if r.sha256 == sha256 and not r.owner), None)

    def free_name(self, wanted: str) -> str:
        """`wanted`, or with `-2`, `-3` … behind it, so that no other certificate has the name."""
        name, number = wanted, 1
        while self.find(name) is not None:
            number += 1
            name = f"{wanted}-{number}"
        return name

    def uploads_changed(self) -> dict[str, tuple[bool, CertificateRow]]:
        """SHA-256 → whether it is there now, and its row, for what was put in or taken out.

        Copies of own certificates are no uploads.
        """
        found: dict[str, tuple[bool, CertificateRow]] = {}
        for name, row in self.changes.items():
            old = next((r for r in self._variants(name) if r.name == name), None)
            for one, present in ((old, False), (row, True)):
                if one is not None and not one.owner and (present or one.sha256 not in found):
                    found[one.sha256] = present, one
        return {
            sha256: (present or self.upload(sha256) is not None, row)
            for sha256, (present, row) in found.items()
        }

    def dropped(self) -> list[str]:
        """SHA-256 of the certificates whose rows are taken out or get another certificate."""
        gone = []
        for name, row in self.changes.items():
            old = next((r for r in self._variants(name) if r.name == name), None)
            if old is not None and (row is None or row.sha256 != old.sha256):
                gone.append(old.sha256)
        return gone

    def _staged(self, names: tuple[str, ...]) -> list[CertificateRow]:
        return [row for name in sorted(names) if (row := self.changes.get(name)) is not None]

    def _unchanged(self, rows: list[CertificateRow]) -> list[CertificateRow]:
        return [row for row in rows if row.name not in self.changes]

    def _counted(self) -> bool:
        """Whether so much was asked that all rows are worth reading (and they are, then)."""
        self._looked += 1
        if self._base_names is None and self._looked > FEW:
            self._base_names = {}
            for row in self.base.rows():
                self._base_names.setdefault(row.name.lower(), []).append(row)
                self._base_common.setdefault(row.common_name, []).append(row)
                self._base_hashes.setdefault(row.sha256, []).append(row)
        return self._base_names is not None

    def _variants(self, name: str) -> list[CertificateRow]:
        if self._counted() and self._base_names is not None:
            return self._base_names.get(name.lower(), [])
        return self.base.variants(name)

    def _with_hash(self, sha256: str) -> list[CertificateRow]:
        if self._counted():
            return self._base_hashes.get(sha256, [])
        return [r for r in self.base.search(sha256) if r.sha256 == sha256]

    def _with_common(self, common_name: str) -> list[CertificateRow]:
        if self._counted():
            return self._base_common.get(common_name, [])
        return [r for r in self.base.search(common_name) if r.common_name == common_name]


class OwnDraft:
    """What a transaction wants changed of a unit with a certificate of its own.

    `changes` maps file names to new contents, None where the file goes; others stay as they are.
    """

    __slots__ = ("_unit", "changes", "own")

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self.own = Own()
        self.changes: dict[str, bytes | None] = {}

    def __repr__(self) -> str:
        return "<OwnDraft>"

    def put(
        self,
        row: CertificateRow,
        der: bytes,
        key_pem: bytes,
        chain_ders: Iterable[bytes],
        multi_server: bool,
    ) -> None:
        """Put a certificate in place of the present one, with its key and its chain."""
        self.own = self.own.replace(row=row, multi_server=multi_server)
        self.changes[paths.own_pem(self._unit)] = to_pem(der)
        self.changes[paths.own_der(self._unit)] = der
        self.changes[paths.private_key(self._unit)] = key_pem
        self.changes[paths.CHAIN] = b"".join(map(to_pem, chain_ders)) or None

    def put_request(self, row: RequestRow, pem: bytes, key_pem: bytes) -> None:
        """Put a request in place of the pending one, with its key."""
        self.own = self.own.replace(request=row)
        self.changes[paths.request(self._unit)] = pem
        self.changes[paths.request_key(self._unit)] = key_pem

    def drop_request(self) -> None:
        """Take the pending request away."""
        self.own = self.own.replace(request=None)
        self.changes[paths.request(self._unit)] = None
        self.changes[paths.request_key(self._unit)] = None
