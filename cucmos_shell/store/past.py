"""What came before the current state: which states are kept, secrets of old ones, the way back."""

from __future__ import annotations

import contextlib
import json
import os

from cucmos_shell.errors import NotFound, Refused
from cucmos_shell.pki.der import from_pems
from cucmos_shell.results import Value
from cucmos_shell.store import paths
from cucmos_shell.store.commit import SECRETS
from cucmos_shell.store.durable import read
from cucmos_shell.store.prune import numbers
from cucmos_shell.store.rows import LATER, CertificateRow, own_from_json
from cucmos_shell.store.snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.store.transaction import Transaction


class Change(Value):
    """A kept state: its number, when (seconds since the epoch), by whom, and by which command."""

    number: int
    when: float
    who: str
    what: str


def changes(layout: paths.Layout, current: int) -> Iterator[Change]:
    """The kept states that led to the current one, oldest first. A damaged note says nothing."""
    for number in numbers(layout.heads):
        if number > current:
            return
        try:
            note = json.loads(read(layout.head(number, paths.NOTE)))
            yield Change(number, float(note["when"]), str(note["who"]), str(note["what"]))
        except (OSError, ValueError, KeyError, TypeError):
            yield Change(number, 0.0, "", "")


def holding(layout: paths.Layout, unit: str, sha256: str) -> int | None:
    """The oldest version of the unit whose own certificate has that SHA-256; None if none has.

    A newer one may be what a killed change has left.
    """
    line = f"{sha256}  {paths.own_der(unit)}\n".encode("ascii")
    for number in numbers(layout.unit(unit)):
        with contextlib.suppress(OSError):
            if line in read(layout.version(unit, number, paths.MANIFEST)):
                return number
    return None


def former(layout: paths.Layout, unit: str, sha256: str) -> CertificateRow | None:
    """What lists said of an own certificate of the unit that may be another's now; None if gone."""
    version = holding(layout, unit, sha256)
    if version is None:
        return None
    try:
        return own_from_json(read(layout.version(unit, version, paths.INDEX)), version).row
    except (OSError, ValueError, KeyError, TypeError):
        return None  # Damage of what is not the state any more hinders nobody.


def go_back(change: Transaction, number: int) -> tuple[str, ...]:
    """Let `change` bring back the contents of state `number`; returns the units it concerns.

    Accounts and passwords stay as they are. Raises NotFound where the state is not kept, Refused
    where there is nothing to bring back, or a private key of it is gone.
    """
    layout = change.base.layout
    if number not in numbers(layout.heads) or number > change.head:
        raise NotFound("State {number} is not kept", number=number)
    old = Snapshot(layout, number)
    concerned = [unit for unit in old.note()["units"] if _differs(change, old, unit)]
    for unit in concerned:
        if unit in old.units:
            _own(change, old, unit)
        elif unit in old.stores:
            _trust(change, old, unit)
        elif unit == paths.MEMBERSHIP:
            continue  # what is shared since then stays known
        elif unit == paths.NODE:
            _documents(change, old)
        else:
            _files(change, old, unit)
    names = change.changed()
    if not names:
        raise Refused("State {number} does not differ from the current one", number=number)
    return tuple(names)


def _differs(change: Transaction, old: Snapshot, unit: str) -> bool:
    return change.base.has(unit) and change.base.version(unit) != old.version(unit)


def _own(change: Transaction, old: Snapshot, unit: str) -> None:
    before, then = change.own(unit), old.own(unit)
    row, request = then.row, then.request
    if row is not None and (before.row is None or before.row.sha256 != row.sha256):
        _require(old, unit, paths.private_key(unit), "certificate")
        chain = from_pems(old.chain_pem(unit))
        der, key = old.own_der(unit), old.private_key_pem(unit)
        change.put_own(unit, row, der, key, chain, multi_server=then.multi_server)
    if request is None:
        change.drop_request(unit, forget=False)
    elif request != before.request:
        _require(old, unit, paths.request_key(unit), "request")
        change.put_request(unit, request, old.request_pem(unit), old.request_key_pem(unit))


def _require(old: Snapshot, unit: str, name: str, what: str) -> None:
    if not os.path.lexists(old.path(unit, name)):
        raise Refused(
            "State {number} cannot come back: the private key of the {what} of {unit} is gone",
            number=old.head,
            what=what,
            unit=unit,
        )


def _trust(change: Transaction, old: Snapshot, store: str) -> None:
    wanted = {row.name: row for row in old.trust(store)}
    present = {row.name: row for row in change.trust(store)}
    for name in present.keys() - wanted.keys():
        change.remove_trust(store, name)
    for name, row in wanted.items():
        if not _same(row, present.get(name)):
            change.put_trust(store, row, old.certificate_der(row.sha256))


def _same(row: CertificateRow, other: CertificateRow | None) -> bool:
    """Whether they are alike but for what one of an earlier version lacks."""
    here, there = row._asdict(), other._asdict() if other else {}
    return all(there.get(name) == here[name] for name in here.keys() - LATER)


def _documents(change: Transaction, old: Snapshot) -> None:
    names = {*old.manifest(paths.NODE), *change.base.manifest(paths.NODE)} - SECRETS
    for name in sorted(names):
        change.put_document(name, old.document(name))


def _files(change: Transaction, old: Snapshot, unit: str) -> None:
    for name in sorted({*old.manifest(unit), *change.base.manifest(unit)}):
        change.put_file(unit, name, old.find_file(unit, name))
