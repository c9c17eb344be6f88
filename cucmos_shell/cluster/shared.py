"""What a node keeps of the multi-server certificates of its cluster, and what it wishes of them.

A thing is `own/UNIT`, the certificate, or `csr/UNIT`, the request for one: its key in the log, too.

    shared.json    {THING: {sha256, given}}: what the log said last, and who was given the key
    asked.json     {THING: {…}}: what was done here and is not told yet
"""

from __future__ import annotations

import json

from cucmos_shell.cluster.membership import revisions
from cucmos_shell.cluster.rules import Wish, wished
from cucmos_shell.results import Value
from cucmos_shell.store.paths import MEMBERSHIP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from cucmos_shell.store.transaction import Reader, Transaction

SHARED, ASKED = "shared.json", "asked.json"
OWN, REQUEST = "own", "csr"
KINDS = (OWN, REQUEST)


class KnownThing(Value):
    """What the log said of a thing: SHA-256 of the certificate or request, empty for none.

    `given` are the nodes that are known to have been given its key; `awaited` that the node itself
    was not.
    """

    sha256: str
    given: tuple[str, ...] = ()
    awaited: bool = False


class Asked(Value):
    """A wish of a thing, made by `account` at `when`."""

    wish: Wish
    account: str
    when: float


class Held(Value):
    """A thing as the node has it; `key_pem` is for sealing only."""

    sha256: str
    ders: tuple[bytes, ...]
    text: str
    not_before: int
    key_pem: bytes

    def __repr__(self) -> str:
        return f"<Held {self.sha256}>"


class Sharing(Value):
    """What was told: what is known of it now, by things, with revisions and marks (`seen`).

    `stale` are wishes that have become nothing. `complete`: nothing is left to be told.
    """

    known: Mapping[str, KnownThing]
    seen: Mapping[str, tuple[int, str]]
    stale: tuple[str, ...]
    complete: bool

    @property
    def changed(self) -> bool:
        """Whether the node has something to keep of it."""
        return bool(self.known or self.stale)

    def reached(self, revision: int) -> int:
        """Up to which revision the log is known, when it was up to `revision` before."""
        for one, _ in sorted(self.seen.values()):
            if one == revision + 1:
                revision = one  # nobody else has said anything in between
        return revision


def thing(kind: str, unit: str) -> str:
    """The key of a thing."""
    return f"{kind}/{unit}"


def parts(thing: str) -> tuple[str, str]:
    """Kind and unit."""
    kind, _, unit = thing.partition("/")
    return kind, unit


def known(reader: Reader) -> dict[str, KnownThing]:
    """What the log said last, by things."""
    raw = reader.find_file(MEMBERSHIP, SHARED)
    rows: dict[str, dict[str, Any]] = json.loads(raw) if raw else {}
    return {
        key: KnownThing(row["sha256"], tuple(row["given"]), row["awaited"])
        for key, row in rows.items()
    }


def awaited(reader: Reader) -> tuple[str, ...]:
    """The things whose key the node has not been given."""
    return tuple(sorted(key for key, row in known(reader).items() if row.awaited))


def put_known(change: Transaction, value: Mapping[str, KnownThing]) -> None:
    """Keep what the log said."""
    _put(change, SHARED, {key: row.__dict__ for key, row in value.items()})


def asked(reader: Reader) -> dict[str, Asked]:
    """What is wished and not told, by things."""
    raw = reader.find_file(MEMBERSHIP, ASKED)
    rows: dict[str, dict[str, Any]] = json.loads(raw) if raw else {}
    return {
        key: Asked(
            Wish(row["present"], row["seen"], tuple(row["ids"])), row["account"], row["when"]
        )
        for key, row in rows.items()
    }


def put_asked(change: Transaction, value: Mapping[str, Asked]) -> None:
    """Keep what is wished."""
    rows = {
        key: {**row.wish._asdict(), "account": row.account, "when": row.when}
        for key, row in value.items()
    }
    _put(change, ASKED, rows)


def _put(change: Transaction, name: str, data: Mapping[str, Any]) -> None:
    if data or change.find_file(MEMBERSHIP, name) is not None:
        change.put_file(MEMBERSHIP, name, json.dumps(data).encode("ascii") + b"\n")


def sha256_of(reader: Reader, thing: str) -> str:
    """SHA-256 of what the node has of a thing; empty if it has none, or one of its own."""
    kind, unit = parts(thing)
    if unit not in reader.units:
        return ""
    own = reader.own(unit)
    if kind == OWN:
        return own.row.sha256 if own.row and own.multi_server else ""
    return own.request.sha256 if own.request and own.request.multi_server else ""


def follow(change: Transaction, units: Iterable[str], new_id: Callable[[], str]) -> list[str]:
    """Leave a wish for what the change has made of things; units whose own certificate leaves.

    `new_id` makes the name of an operation, which no other has.
    """
    touched = [unit for unit in units if unit in change.touched()]
    if not touched:
        return []
    said, wishes = known(change), asked(change)
    left = []
    for unit in touched:
        for kind in KINDS:
            key = thing(kind, unit)
            before, now = sha256_of(change.base, key), sha256_of(change, key)
            if before == now:
                continue
            told = said[key].sha256 if key in said else ""
            one = wishes.pop(key, None)
            gone = not now and change.own(unit).request is None and kind == REQUEST
            if now != told and (now or gone):
                wish = _wish(change, key, one, bool(now), new_id())
                wishes[key] = Asked(wish, change.who, change.now)
            if kind == OWN and not now and before == told:
                left.append(unit)
    put_asked(change, wishes)
    return left


def _wish(
    change: Transaction, key: str, before: Asked | None, present: bool, operation: str
) -> Wish:
    if before is not None:
        return wished(None, before.wish, present, operation)
    return Wish(present, revisions(change)(key), (operation,))
