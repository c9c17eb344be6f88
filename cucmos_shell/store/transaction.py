"""Changes that happen together or not at all."""

from __future__ import annotations

import contextlib

from cucmos_shell.errors import Damaged, from_os
from cucmos_shell.store import paths
from cucmos_shell.store.commit import SECRETS, CommitPlan, CommitWriter
from cucmos_shell.store.draft import OwnDraft, TrustDraft
from cucmos_shell.store.prune import numbers, purge
from cucmos_shell.store.rows import Own, TrustIndex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from cucmos_shell.store.prune import Pins
    from cucmos_shell.store.rows import CertificateRow, RequestRow
    from cucmos_shell.store.snapshot import Snapshot
    from cucmos_shell.store.state_json import StateJson


class Transaction:
    """Reads like a snapshot that has the changes already; `commit` makes them, all at once.

    Nothing is written before `commit`. `now` is what the clock says; what came before what is told
    by the numbers of the states alone.
    """

    def __init__(
        self,
        layout: paths.Layout,
        base: Snapshot | None,
        *,
        who: str,
        what: str,
        now: float,
        before_commit: Iterable[Callable[[Transaction], None]] = (),
        pins: Pins = dict,
        boot: str = "",
    ) -> None:
        self._layout = layout
        self._known = base
        self.who, self._what = who, what
        self.head = base.head if base else 0
        self.now = now
        self._before_commit = tuple(before_commit)
        self._pins = pins
        self._boot = boot
        self._kinds: dict[str, str] = dict(base.note()["units"]) if base else {}
        self._owns: dict[str, OwnDraft] = {}
        self._trusts: dict[str, TrustDraft] = {}
        self._documents: dict[str, dict[str, Any]] = {}
        self._files: dict[str, dict[str, bytes | None]] = {}
        self._beside: dict[str, tuple[StateJson, bytes]] = {}
        self._forgotten: set[tuple[str, str]] = set()
        self._purge = False

    # --- reading ---------------------------------------------------------------------------------

    @property
    def units(self) -> tuple[str, ...]:
        """The units with a certificate of their own."""
        return tuple(unit for unit, kind in self._kinds.items() if kind == "own")

    @property
    def stores(self) -> tuple[str, ...]:
        """The trust stores."""
        return tuple(unit for unit, kind in self._kinds.items() if kind == "trust")

    @property
    def base(self) -> Snapshot:
        """The state that the change begins from. LookupError at a first installation."""
        if self._known is None:
            raise LookupError("a first installation has nothing to read")
        return self._known

    def own(self, unit: str) -> Own:
        """The unit's certificate, request and history."""
        return self._owns[unit].own if unit in self._owns else self.base.own(unit)

    def own_der(self, unit: str) -> bytes:
        """The unit's own certificate in DER."""
        return self._own_file(unit, paths.own_der(unit))

    def private_key_pem(self, unit: str) -> bytes:
        """The unit's private key: for its own use, never shown."""
        return self._own_file(unit, paths.private_key(unit))

    def request_key_pem(self, unit: str) -> bytes:
        """The private key of the pending request: for its own use, never shown."""
        return self._own_file(unit, paths.request_key(unit))

    def _own_file(self, unit: str, name: str) -> bytes:
        draft = self._owns.get(unit)
        if draft is None or name not in draft.changes:
            return self.base.file(unit, name)
        return draft.changes[name] or b""

    def trust(self, store: str) -> tuple[CertificateRow, ...]:
        """The rows of a trust store in listing order."""
        return self._trust(store).rows()

    def find_trust(self, store: str, name: str) -> CertificateRow | None:
        """The row of that file name (without extension), in any case."""
        return self._trust(store).find(name)

    def upload(self, store: str, sha256: str) -> CertificateRow | None:
        """The row of that certificate, unless it is only there as a copy of an own one."""
        return self._trust(store).upload(sha256)

    def owned(self, store: str, owner: str) -> CertificateRow | None:
        """The copy of the own certificate of that owner."""
        return self._trust(store).owned(owner)

    def named(self, store: str, common_name: str) -> list[CertificateRow]:
        """The rows of that common name."""
        return self._trust(store).named(common_name)

    def free_name(self, store: str, wanted: str) -> str:
        """`wanted`, or a variation that no certificate of the store has."""
        return self._trust(store).free_name(wanted)

    def settings(self) -> dict[str, Any]:
        """The node's settings."""
        return self.document(paths.SETTINGS)

    def document(self, name: str) -> dict[str, Any]:
        """A JSON file of the node; empty when nothing was ever put into it."""
        if name in self._documents:
            return dict(self._documents[name])
        return self._known.document(name) if self._known else {}

    def has(self, unit: str) -> bool:
        """Whether there is a unit of that name, of any kind."""
        return unit in self._kinds

    def uploads_changed(self, store: str) -> dict[str, tuple[bool, CertificateRow]]:
        """Uploads put in or taken out: SHA-256 → whether the store has it now, and its row."""
        return self._trusts[store].uploads_changed() if store in self._trusts else {}

    def find_file(self, unit: str, name: str) -> bytes | None:
        """A file of a unit that is nothing but files; None if there is none of that name."""
        if name in self._files.get(unit, ()):
            return self._files[unit][name]
        return self._known.find_file(unit, name) if self._known else None

    def beside(self, file: StateJson) -> bytes | None:
        """What the change puts into a small file beside the store; None if it leaves it alone."""
        staged = self._beside.get(file.path)
        return staged and staged[1]

    @property
    def behind(self) -> float:
        """By how many seconds the clock is behind the time of the last change; 0 if it is not."""
        return max(0.0, self._known.when - self.now) if self._known else 0.0

    # --- changing --------------------------------------------------------------------------------

    def define(self, units: Iterable[str], stores: Iterable[str]) -> None:
        """Say which units and trust stores there are, in listing order; new ones come to be."""
        for kind, names in (("own", units), ("trust", stores), ("node", (paths.NODE,))):
            for name in names:
                if not paths.is_clean(name):
                    raise ValueError(f"{name!r} cannot name a unit")
                if name not in self._kinds and kind == "trust":
                    self._trusts[name] = TrustDraft(TrustIndex())
                self._kinds.setdefault(name, kind)

    def _own(self, unit: str, *, anew: bool = False) -> OwnDraft:
        if unit not in self._owns:
            if self._kinds.get(unit) != "own":
                raise LookupError(f"no unit is called {unit!r}")
            draft = OwnDraft(unit)
            if self._known is not None and unit in self._known.units:
                try:
                    draft.own = self._known.own(unit)
                except Damaged:
                    if not anew:
                        raise
                    draft.drop_request()
            self._owns[unit] = draft
        return self._owns[unit]

    def _trust(self, store: str) -> TrustDraft:
        if store not in self._trusts:
            if self._kinds.get(store) != "trust":
                raise LookupError(f"no trust store is called {store!r}")
            self._trusts[store] = TrustDraft(self.base.index(store))
        return self._trusts[store]

    def put_own(
        self,
        unit: str,
        row: CertificateRow,
        certificate_der: bytes,
        key_pem: bytes,
        chain_ders: Iterable[bytes] = (),
        *,
        multi_server: bool = False,
    ) -> None:
        """Give the unit a certificate with its private key; a pending request stays.

        `multi_server`: it is for all nodes of the cluster.
        Damage to what the unit had is healed by it; where that is its index, its history begins
        anew, and the request is gone.
        """
        self._own(unit, anew=True).put(row, certificate_der, key_pem, chain_ders, multi_server)

    def put_request(self, unit: str, row: RequestRow, csr_pem: bytes, key_pem: bytes) -> None:
        """Give the unit a pending request with its private key; the one before is gone."""
        self._own(unit).put_request(row, csr_pem, key_pem)

    def drop_request(self, unit: str, *, forget: bool = True) -> None:
        """Take the unit's pending request away, if there is one.

        `forget`: its key goes from every version, too.
        """
        if self.own(unit).request is not None:
            self._own(unit).drop_request()
            if forget:
                self._forgotten.add((unit, paths.request_key(unit)))

    def put_trust(self, store: str, row: CertificateRow, der: bytes) -> None:
        """Put a certificate into a trust store, in place of the one of exactly that name."""
        if not paths.is_clean(row.name):
            raise ValueError(f"{row.name!r} cannot name a certificate")
        self._trust(store).put(row, der)

    def put_copy(self, store: str, unit: str, row: CertificateRow, der: bytes) -> CertificateRow:
        """Put a copy of the unit's own certificate into a trust store, in place of the last one.

        The copy belongs to the unit, not to its name: units may share a common name and a store.
        `row.name` is varied where another certificate has it. Returns the row as it was put.
        """
        draft = self._trust(store)
        before = draft.owned(unit)
        if before is not None:
            draft.remove(before.name)
        row = row._replace(name=draft.free_name(row.name), owner=unit)
        self.put_trust(store, row, der)
        return row

    def remove_trust(self, store: str, name: str) -> None:
        """Take the certificate of exactly that name out of a trust store."""
        self._trust(store).remove(name)

    def put_settings(self, settings: Mapping[str, Any]) -> None:
        """Replace the node's settings."""
        self.put_document(paths.SETTINGS, settings)

    def put_setting(self, name: str, value: object) -> None:
        """Give one of the node's settings its value."""
        self.put_settings({**self.settings(), name: value})

    def change_setting(self, name: str, /, **changes: Any) -> None:
        """Change some parts of one of the node's settings; its others stay."""
        self.put_setting(name, {**self.settings().get(name, {}), **changes})

    def put_document(self, name: str, data: Mapping[str, Any]) -> None:
        """Replace a JSON file of the node."""
        if dict(data) != self.document(name) or self._known is None:
            self._documents[name] = dict(data)

    def put_file(self, unit: str, name: str, data: bytes | None) -> None:
        """Put a file into a unit that is nothing but files, or take it away (None).

        The unit comes to be with its first file.
        """
        if not paths.is_clean(unit) or not paths.is_clean(name) or name == paths.MANIFEST:
            raise ValueError(f"{unit!r} and {name!r} cannot name a file")
        if self._kinds.get(unit, "files") != "files":
            raise LookupError(f"{unit!r} is no unit of files")
        with contextlib.suppress(Damaged):
            if data == self.find_file(unit, name):
                return
        self._kinds[unit] = "files"
        self._files.setdefault(unit, {})[name] = data

    def put_beside(self, file: StateJson, octets: bytes) -> None:
        """Replace a small file beside the store, as soon as the change of the store is true."""
        self._beside[file.path] = file, octets

    def purge(self) -> int:
        """Let every earlier state go once the change is true; returns how many there are."""
        self._purge = True
        return sum(number < self.head for number in numbers(self._layout.heads))

    # --- making it so -----------------------------------------------------------------------------

    def changed(self) -> list[str]:
        """The units that get a new version."""
        names = [*self._owns, *self._changed_trusts()]
        names += self._files
        return [*names, paths.NODE] if self._documents or self._known is None else names

    def _changed_trusts(self) -> dict[str, TrustDraft]:
        base = self._known
        return {s: d for s, d in self._trusts.items() if d.changes or not (base and base.has(s))}

    def touched(self) -> set[str]:
        """The units whose own certificate or request the change concerns."""
        return {unit for unit, draft in self._owns.items() if draft.changes}

    def renewed(self) -> set[str]:
        """The units that get a certificate of their own."""
        return {u for u, draft in self._owns.items() if paths.own_der(u) in draft.changes}

    def commit(self) -> int:
        """Make the changes durable and current; returns the head's number.

        First whatever follows every change has its say (`before_commit`), and may raise; then
        the store changes, then the small files beside it. With nothing to change, nothing is
        written. Raises Unavailable when nothing has changed, OutcomeUnknown when the change is made
        but the disk did not confirm that it will last.
        """
        for follow in self._before_commit:
            follow(self)
        head = self._commit_store() if self.changed() else self.head
        if self._purge:
            _purge(self._layout, head, self._pins)
        for file, octets in self._beside.values():
            file.replace(octets)
        return head

    def _commit_store(self) -> int:
        plan = CommitPlan(
            base=self._known,
            who=self.who,
            what=self._what,
            when=self.now,
            kinds=self._kinds,
            owns=self._owns,
            trusts=self._changed_trusts(),
            documents=self._documents,
            files=self._files,
            forgotten=self._forgotten | {(paths.NODE, n) for n in self._documents if n in SECRETS},
            pins=self._pins,
            boot=self._boot,
        )
        return CommitWriter(plan, self._layout).run()


def _purge(layout: paths.Layout, head: int, pins: Pins) -> None:
    try:
        purge(layout, head, pins)
    except OSError as error:
        raise from_os(error, "cleared") from error


if TYPE_CHECKING:
    Reader = Snapshot | Transaction
