"""What a node keeps of its cluster, in files of the store's unit `cluster`.

So it changes with the certificates in one step, and is restored with them. Its secrets are a
document of the node.

    member.json    which cluster, which node of it, where the bus is, what was applied
    nodes.json     the nodes of the cluster, as last heard of
    wishes.json    what was done here and is not told yet: {STORE: {SHA256: {…}}}
    said.json      what was kept out or had no effect, and why: the latest ones
    locked         the cluster's key, locked with a new password, until that is told
    seen.json      the revisions and marks of what else was read of the log
    STORE.known    see `known`
    STORE.marks    see `peering`
"""

from __future__ import annotations

import json

from cucmos_shell.cluster.known import Known, entry_of
from cucmos_shell.cluster.rules import Wish
from cucmos_shell.cluster.taking import Marks
from cucmos_shell.errors import Unavailable
from cucmos_shell.results import MOMENT, TEXT, Value, maybe, record
from cucmos_shell.store.paths import MEMBER_KEYS
from cucmos_shell.store.paths import MEMBERSHIP as UNIT
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from cucmos_shell.store.transaction import Reader, Transaction

MEMBER, NODES, WISHES, SAID = "member.json", "nodes.json", "wishes.json", "said.json"
SEEN, LOCKED = "seen.json", "locked"
FORMAT = 1
MAX_SAID = 100


class Membership(Value):
    """A node's place in its cluster.

    `cluster` and `node` are random names; `url` says where the bus is, `identity` which one it was
    when it was last read. `applied` is the revision up to which everything was applied, `fresh`
    that nothing was yet. `turn` counts the reports about it to the others, `mark` is that of the
    last one. `era` is the last one known of the log, the `era_number`-th. `copies` is the SHA-256
    of each unit's own certificate that the others were given. `unsure`: it has joined, and no
    member has vouched yet for what the bus says.
    """

    cluster: str
    node: str
    url: str
    identity: str
    fresh: bool = True
    applied: int = 0
    turn: int = 0
    mark: str = ""
    era: str = ""
    copies: Mapping[str, str] = {}
    unsure: bool = False
    era_number: int = 0

    def has_seen(self, floor: int) -> bool:
        """Whether the node knows what was deleted up to `floor`, or comes new and need not."""
        return self.fresh or self.applied >= floor


class Secrets(Value):
    """The key of the cluster, and the private key of the node; both raw."""

    cluster: bytes
    private: bytes

    def __repr__(self) -> str:
        return "<Secrets>"


class NodeRecord(Value):
    """A member of the cluster, as it described itself when it joined (at `when`).

    `sealing` is its public key, in hexadecimal: secrets that only this node is to have.
    """

    id: str
    hostname: str
    domain: str
    ip: str
    role: str
    product: str
    server: str
    when: float
    removed: bool = False
    sealing: str = ""


class Said(Value):
    """A wish that was dropped, or what else came otherwise than somebody would think: `what` was
    done to the certificate by `account` at `when`, and why."""

    form = record(store=maybe(TEXT), name=TEXT, what=TEXT, why=TEXT, account=TEXT, when=MOMENT)

    store: str
    sha256: str
    name: str
    what: str
    why: str
    account: str
    when: float

    @property
    def subject(self) -> str:
        """What it is about, as lists name it."""
        return f"{self.store}/{self.name}" if self.store else self.name

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "store": self.store or None,
            "name": self.subject,
            "what": self.what,
            "why": self.why,
            "account": self.account,
            "when": iso_time(self.when),
        }


class Told(Value):
    """A wish with what is told along with it: who made it, when (seconds since the epoch), what the
    certificate is called and shown as, and why, if not because somebody said so; and what the entry
    says of peers, and when it `begun`, which only who tells it knows."""

    wish: Wish
    name: str
    description: str
    account: str
    when: float
    reason: str = ""
    marks: Marks = Marks()
    begun: int = 0


def member(reader: Reader) -> Membership | None:
    """The node's place in its cluster; None if it has joined none. Raises Unavailable."""
    raw = reader.find_file(UNIT, MEMBER)
    if raw is None:
        return None
    data = json.loads(raw)
    if data.pop("format") > FORMAT:
        raise Unavailable("The node's cluster is of a newer version of this program")
    return Membership(**data)


def put_member(change: Transaction, value: Membership) -> None:
    """Keep the node's place in its cluster."""
    _put(change, MEMBER, {"format": FORMAT, **value.__dict__})


def secrets(reader: Reader) -> Secrets | None:
    """The member's secrets; None if it has none: it joined by an earlier version."""
    data = reader.document(MEMBER_KEYS)
    if not data:
        return None
    return Secrets(bytes.fromhex(data["cluster"]), bytes.fromhex(data["private"]))


def put_secrets(change: Transaction, value: Secrets | None) -> None:
    """Keep the member's secrets, or forget them."""
    data = {"cluster": value.cluster.hex(), "private": value.private.hex()} if value else {}
    change.put_document(MEMBER_KEYS, data)


def locked(reader: Reader) -> bytes | None:
    """The cluster's key as it is to be locked from now on; None if it is."""
    return reader.find_file(UNIT, LOCKED)


def put_locked(change: Transaction, value: bytes | None) -> None:
    """Keep that it is to be told, or that it was."""
    change.put_file(UNIT, LOCKED, value)


def seen(reader: Reader) -> dict[str, tuple[int, str]]:
    """The revisions and marks of what was read last but for trust stores, by their keys."""
    raw = reader.find_file(UNIT, SEEN)
    rows = (json.loads(raw) if raw else {}).items()
    # An earlier version has kept no marks.
    return {key: (row, "") if isinstance(row, int) else (row[0], row[1]) for key, row in rows}


def put_seen(change: Transaction, value: Mapping[str, tuple[int, str]]) -> None:
    """Keep these revisions and marks."""
    _put(change, SEEN, dict(value))


def revisions(reader: Reader) -> Callable[[str], int]:
    """Gives the revision of a key of the log that the node knows, 0 for none."""
    stores: dict[str, Known] = {}
    others = seen(reader)

    def revision(key: str) -> int:
        place = entry_of(key)
        if place is None:
            return others[key][0] if key in others else 0
        store, sha256 = place
        if store not in stores:
            stores[store] = known(reader, store)
        entry = stores[store].find(sha256)
        return entry.revision if entry else 0

    return revision


def wishes(reader: Reader) -> dict[str, dict[str, Told]]:
    """Trust store → SHA-256 → what is wished, in the order in which it was."""
    raw = reader.find_file(UNIT, WISHES)
    data: dict[str, dict[str, Any]] = json.loads(raw) if raw else {}
    return {
        store: {sha256: _told(row) for sha256, row in rows.items()} for store, rows in data.items()
    }


def _told(row: dict[str, Any]) -> Told:
    wish = Wish(row["present"], row["seen"], tuple(row["ids"]))
    return Told(wish, row["name"], row["description"], row["account"], row["when"], row["reason"])


def put_wishes(change: Transaction, value: Mapping[str, Mapping[str, Told]]) -> None:
    """Keep what is wished."""
    data = {
        store: {
            sha256: {**told.wish._asdict(), "name": told.name,
                     "description": told.description, "account": told.account,
                     "when": told.when, "reason": told.reason}
            for sha256, told in rows.items()
        }
        for store, rows in value.items()
        if rows
    }  # fmt: skip
    _put(change, WISHES, data)


def said(reader: Reader) -> list[Said]:
    """What was kept out or had no effect, oldest first."""
    raw = reader.find_file(UNIT, SAID)
    return [Said(**row) for row in json.loads(raw)] if raw else []


def put_said(change: Transaction, more: Iterable[Said]) -> None:
    """Keep more of it, and forget the oldest."""
    rows = [*said(change), *more][-MAX_SAID:]
    _put(change, SAID, [row.__dict__ for row in rows])


def nodes(reader: Reader) -> list[NodeRecord]:
    """The nodes of the cluster, those that left it included, as last heard of."""
    raw = reader.find_file(UNIT, NODES)
    return [NodeRecord(**row) for row in json.loads(raw)] if raw else []


def put_nodes(change: Transaction, value: Iterable[NodeRecord]) -> None:
    """Keep which nodes there are."""
    _put(change, NODES, [row.__dict__ for row in value])


def known(reader: Reader, store: str) -> Known:
    """What the node has applied for a trust store."""
    return Known(reader.find_file(UNIT, f"{store}.known") or b"")


def put_known(change: Transaction, store: str, raw: bytes) -> None:
    """Keep what was applied for a trust store."""
    change.put_file(UNIT, f"{store}.known", raw)


def _put(change: Transaction, name: str, data: object) -> None:
    change.put_file(UNIT, name, json.dumps(data).encode("ascii") + b"\n")
