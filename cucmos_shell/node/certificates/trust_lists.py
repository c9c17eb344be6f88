"""The node's trust lists: made from its certificates, and changed together with them.

A list is a file in the store's unit `lists`. How it came to be is told only where that is not the
usual way, in a document of the node:
    {"mode": "mixed", "lists": {"NAME": {"made": "uploaded", "head": 12, "when": 1.7e9}}}
`made` is `uploaded`, `reset` (signed by the local signer) or `deleted`; `head` is the state that
the change began from, `when` is for uploaded ones.
"""

from __future__ import annotations

from cucmos_shell.errors import Damaged, Refused
from cucmos_shell.results import Value
from cucmos_shell.store.paths import LISTS
from cucmos_shell.store.snapshot import sha256_hex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from cucmos_shell.pki.trust_lists.build import Party, Signer
    from cucmos_shell.pki.trust_lists.form import TrustList
    from cucmos_shell.profile.lists import TrustListSpec
    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store import Snapshot
    from cucmos_shell.store.transaction import Reader, Transaction

DOCUMENT = "trust_lists.json"
MIXED, NON_SECURE = "mixed", "non-secure"
UPLOADED, RESET, DELETED = "uploaded", "reset", "deleted"


class ListImpact(Value):
    """What a new certificate of a unit does to the lists.

    `changed` are the files made anew, `stale` those that were uploaded and stay as they are.
    `outage` names the units that together leave phones without a signer they know, the one in
    question first: empty if there is no such danger. `service` is what brings phones a list.
    """

    changed: tuple[str, ...]
    stale: tuple[str, ...]
    outage: tuple[str, ...] = ()
    service: str = ""


class TrustLists:
    """The lists of one node. Making one does no I/O.

    `started_from` tells for a service the number of the state from which it was last started, a
    start by the given change included; 0 if it never was.
    """

    def __init__(self, profile: Profile, started_from: Callable[[str, Transaction], int]) -> None:
        self._appliance = profile
        self._started_from = started_from

    # --- reading -------------------------------------------------------------------------------

    def spec(self, title: str) -> TrustListSpec:
        """The list that commands call `title`. Raises Refused where the product has none."""
        for spec in self._appliance.trust_lists.values():
            if spec.title.casefold() == title.casefold():
                return spec
        raise Refused("{product} has no {title} file", product=self._product, title=title.upper())

    @property
    def _product(self) -> str:
        return self._appliance.product

    def raw(self, reader: Reader, spec: TrustListSpec) -> bytes | None:
        """The file; None if there is none."""
        return reader.find_file(LISTS, spec.name)

    def mode(self, reader: Reader) -> str:
        """`mixed` or `non-secure`."""
        return str(reader.document(DOCUMENT).get("mode", NON_SECURE))

    def made(self, reader: Reader, spec: TrustListSpec) -> str:
        """`uploaded`, `reset`, `deleted`, or empty for a list made the usual way."""
        return str(self._entry(reader, spec).get("made", ""))

    def modified(self, reader: Reader, spec: TrustListSpec) -> float | None:
        """When a list came that the node has not made; None for others."""
        when = self._entry(reader, spec).get("when")
        return None if when is None else float(when)

    def _entry(self, reader: Reader, spec: TrustListSpec) -> dict[str, Any]:
        entries = reader.document(DOCUMENT).get("lists", {})
        return dict(entries.get(spec.name, {}))

    def impact(
        self, snapshot: Snapshot, unit: str, pending: Callable[[str], Iterable[str]]
    ) -> ListImpact:
        """What a new certificate of `unit` would do.

        `pending` gives the units whose present certificate a service has not loaded: as long as the
        service that makes a list goes on, phones have the list with the one before.
        """
        changed: list[str] = []
        stale: list[str] = []
        outage: list[str] = []
        service = ""
        for spec in self._appliance.trust_lists.values():
            if unit not in spec.units or not self._kept(snapshot, spec):
                continue
            uploaded = self.made(snapshot, spec) == UPLOADED
            (stale if uploaded else changed).append(spec.name)
            for pair in spec.never_together:
                others = [other for other in pair if other != unit]
                if unit in pair and others and set(pending(spec.service)).issuperset(others):
                    outage += [unit, *others]
                    service = spec.service
        return ListImpact(tuple(changed), tuple(stale), tuple(dict.fromkeys(outage)), service)

    def _kept(self, reader: Reader, spec: TrustListSpec) -> bool:
        """Whether the list is there, or comes by itself."""
        return not spec.mixed_mode or self.raw(reader, spec) is not None

    # --- following the certificates --------------------------------------------------------------

    def follow(self, transaction: Transaction) -> None:
        """Make the lists anew that the change so far asks for; called before every commit.

        Raises Refused when a certificate is of a kind that a list cannot be made with.
        """
        if not self._appliance.trust_lists:
            return
        renewed = transaction.renewed()
        for spec in self._appliance.trust_lists.values():
            if self.made(transaction, spec) == UPLOADED:
                continue
            concerned = not renewed.isdisjoint(spec.units)
            try:
                due = self._due(transaction, spec, concerned)
            except Damaged:
                self._mend(transaction, spec, concerned)
            else:
                if due:
                    self.make(transaction, spec)

    def _mend(self, transaction: Transaction, spec: TrustListSpec, concerned: bool) -> None:
        """Make a damaged list anew. One that cannot be made hinders no change of other things."""
        try:
            self.make(transaction, spec)
        except (Damaged, Refused):
            if concerned:
                raise

    def _due(self, transaction: Transaction, spec: TrustListSpec, concerned: bool) -> bool:
        """Whether the list is to be made; `concerned`: a unit in it has another certificate."""
        missing = self.raw(transaction, spec) is None
        if concerned and self._kept(transaction, spec):
            return missing or self._differs(transaction, spec)
        if not spec.service or not (missing or self.made(transaction, spec)):
            return False
        began = int(self._entry(transaction, spec).get("head", 0))
        return self._started_from(spec.service, transaction) > began

    def _differs(self, transaction: Transaction, spec: TrustListSpec) -> bool:
        """Whether the list is not what it would be if it were made now."""
        from cucmos_shell.pki.trust_lists import build

        raw = self.raw(transaction, spec) or b""
        parties = b"".join(map(build.record, self._parties(transaction, spec)))
        return raw[int.from_bytes(raw[8:10], "big") :] != parties

    def make(
        self, transaction: Transaction, spec: TrustListSpec, signer: str | None = None
    ) -> bytes:
        """Make the list from the certificates as they are; `signer` overrides the profile's."""
        from cucmos_shell.pki.trust_lists import build

        unit = signer or spec.signer
        raw = build.build(
            spec.name,
            self._parties(transaction, spec),
            self._signer(transaction, spec, unit),
            digest=spec.digest,
            timestamp=int(transaction.now),
        )
        self._put(transaction, spec, raw, "" if unit == spec.signer else RESET)
        return raw

    def _parties(self, transaction: Transaction, spec: TrustListSpec) -> Iterator[Party]:
        from cucmos_shell.pki.trust_lists.build import Party
        from cucmos_shell.pki.trust_lists.form import ROLE_NUMBERS

        address = bytes(map(int, self._appliance.ip.split(".")))
        empty = spec.emptied if self.mode(transaction) != MIXED else ()
        for role, unit in spec.records:
            if transaction.own(unit).row is not None:
                der = b"" if role in empty else transaction.own_der(unit)
                yield Party(ROLE_NUMBERS[role], der, self._appliance.hostname, address)

    def _signer(self, transaction: Transaction, spec: TrustListSpec, unit: str) -> Signer:
        from cucmos_shell.pki.trust_lists.build import Signer

        try:
            return Signer(transaction.own_der(unit), transaction.private_key_pem(unit))
        except Refused as error:
            raise Refused(
                "The {title} file cannot be signed with the key of {unit}",
                title=spec.title,
                unit=unit,
                details=(error.message(),),
            ) from error

    def _put(
        self, transaction: Transaction, spec: TrustListSpec, raw: bytes | None, made: str
    ) -> None:
        transaction.put_file(LISTS, spec.name, raw)
        document = transaction.document(DOCUMENT)
        entries = dict(document.get("lists", {}))
        entries.pop(spec.name, None)
        if made:
            when = transaction.now if made == UPLOADED else None
            entries[spec.name] = {"made": made, "head": transaction.head, "when": when}
        if entries != document.get("lists", {}):
            transaction.put_document(DOCUMENT, {**document, "lists": entries})

    # --- commands --------------------------------------------------------------------------------

    def set_mode(self, transaction: Transaction, mode: str) -> None:
        """Bring the cluster into a mode, and the lists that depend on it up to it."""
        transaction.put_document(DOCUMENT, {**transaction.document(DOCUMENT), "mode": mode})
        for spec in self._appliance.trust_lists.values():
            if spec.mixed_mode and (mode == MIXED or self._kept(transaction, spec)):
                self.make(transaction, spec)

    def sign_again(self, transaction: Transaction, spec: TrustListSpec) -> bytes:
        """Keep the records of the list and sign it with the local signer's key."""
        from cucmos_shell.pki.trust_lists import build, read

        raw = self.raw(transaction, spec)
        if raw is None:
            raise Refused("There is no {title} file", title=spec.title)
        found = read.read(raw)
        again = build.sign_again(
            raw,
            found.header.size,
            spec.name,
            self._signer(transaction, spec, spec.local_signer),
            digest=spec.digest,
            timestamp=int(transaction.now),
        )
        read.verify(read.read(again))
        self._put(transaction, spec, again, RESET)
        return again

    def upload(
        self, transaction: Transaction, state: Snapshot, spec: TrustListSpec, raw: bytes
    ) -> TrustList:
        """Put a list from outside in place of the node's. Raises Refused.

        It has to be the file it claims to be, verify, and be signed by somebody known: a signer of
        the list before it, or a certificate of a trust store in `state`, on which the transaction
        is based.
        """
        from cucmos_shell.pki.trust_lists import read

        found = read.read(raw)
        if found.header.file_name != spec.name:
            raise Refused(
                "The file says that it is {other}, not {name}",
                other=found.header.file_name,
                name=spec.name,
            )
        signer = read.verify(found).certificate
        held = self.raw(transaction, spec)
        known = held is not None and signer in read.signers(read.read(held))
        sha256 = sha256_hex(signer)
        if not known and not any(state.index(store).holds(sha256) for store in state.stores):
            raise Refused(
                "The signer of the file is not known: {signer}",
                signer=found.header.signer_name,
                details=(
                    f"It is no signer of the {spec.title} file held now,",
                    "and its certificate is in no trust store.",
                ),
            )
        self._put(transaction, spec, raw, UPLOADED)
        return found

    def delete(self, transaction: Transaction, spec: TrustListSpec) -> None:
        """Take the list away; a list that a service makes comes back when that starts."""
        self._put(transaction, spec, None, DELETED)
