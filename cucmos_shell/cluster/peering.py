"""The peers of a cluster, and the accounts that read its feed: as they stand on the bus and with
each node.

    peers/NAME       a cluster that this one follows; its password is sealed with the cluster's key
    feeds/ACCOUNT    an account that peers read the feed with; its password is hashed
    following/NAME   how the following of a peer goes, as the node says that does it

The first two lie with each node, too, as a document like that of its secrets. What the entries of a
trust store say of peers is in `STORE.marks` of the store's unit `cluster`.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode

from cucmos_shell.cluster.entries import LAST_SECOND, MAX_REVISION, marks, marks_data
from cucmos_shell.cluster.signed import content
from cucmos_shell.results import Value
from cucmos_shell.store.paths import MEMBERSHIP as UNIT
from cucmos_shell.store.paths import PEERS as DOCUMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cucmos_shell.cluster.membership import Secrets
    from cucmos_shell.cluster.taking import Marks
    from cucmos_shell.store.transaction import Reader, Transaction
    from cucmos_shell.world.bus import Item

PEERS, FEEDS, FOLLOWING = "peers/", "feeds/", "following/"


class PeerCluster(Value):
    """A cluster that is followed as `name`: where its feed is, with which `account` it is read, and
    the SHA-256 of the certificate it must have (`pin`).

    `cluster` is what it called itself when it was first read. `password` is sealed. `who` has said
    so at `when`; `removed`: it is followed no more.
    """

    name: str
    host: str
    port: int
    account: str
    pin: str
    cluster: str
    password: str
    who: str
    when: float
    removed: bool = False

    @property
    def key(self) -> str:
        """Where it lies on the bus."""
        return f"{PEERS}{self.name}"


class FeedAccount(Value):
    """An account that peers read the feed of this cluster with; `phc` is the hash of its password.

    `who` has said so at `when`; `removed`: nobody reads with it any more.
    """

    name: str
    phc: str
    who: str
    when: float
    removed: bool = False

    @property
    def key(self) -> str:
        """Where it lies on the bus."""
        return f"{FEEDS}{self.name}"


class PeerStatus(Value):
    """How the following of a peer goes: the era's number and revision of the last feed that
    counted, and when that was read; or since when, and how often, there is `trouble` instead."""

    number: int = 0
    revision: int = 0
    read: float = 0.0
    trouble: str = ""
    since: float = 0.0
    failures: int = 0


PeeringRecord = PeerCluster | FeedAccount


def is_record(key: str) -> bool:
    """Whether a peer or an account lies at a key of the log."""
    return key.startswith((PEERS, FEEDS))


def record(item: Item) -> PeeringRecord:
    """What lies there. Raises LookupError, TypeError, ValueError for what no member writes."""
    return _record(item.key, content(item))


def _record(key: str, data: Mapping[str, Any]) -> PeeringRecord:
    made: PeeringRecord = PeerCluster(**data) if key.startswith(PEERS) else FeedAccount(**data)
    if key != made.key:
        raise ValueError(f"{key} is another one")
    _whole(getattr(made, "port", 0))
    _moment(made.when)
    return made


def following(item: Item) -> PeerStatus:
    """How the following of a peer goes. Raises as `record`."""
    found = PeerStatus(**content(item))
    for number in (found.number, found.revision, found.failures):
        _whole(number)
    _moment(found.read)
    _moment(found.since)
    if not isinstance(found.trouble, str):
        raise TypeError("the trouble is no text")
    return found


def _whole(value: object) -> None:
    if not isinstance(value, int) or not 0 <= value <= MAX_REVISION:
        raise TypeError("not a number")


def _moment(value: object) -> None:
    if type(value) not in (int, float) or not 0 <= value <= LAST_SECOND:  # type: ignore[operator]
        raise TypeError("not a moment")


# --- secrets -------------------------------------------------------------------------------------


def sealed_password(secrets: Secrets, name: str, password: str) -> str:
    """The password of a peer, for whoever has the key of the cluster."""
    from cucmos_shell.pki import sealed

    octets = password.encode("utf-8", "surrogatepass")
    return b64encode(sealed.wrap(_key(secrets), octets, _context(name))).decode("ascii")


def password(secrets: Secrets, peer: PeerCluster) -> str | None:
    """The password of a peer; None if it was sealed with another key."""
    from cucmos_shell.pki import sealed

    try:
        found = sealed.unwrap(_key(secrets), b64decode(peer.password), _context(peer.name))
    except ValueError:
        return None
    return None if found is None else found.decode("utf-8", "surrogatepass")


def _key(secrets: Secrets) -> bytes:
    made: bytes = hmac.digest(secrets.cluster, b"passwords of peers", "sha256")
    return made


def _context(name: str) -> bytes:
    return f"password of the peer {name}".encode()


# --- with the node -------------------------------------------------------------------------------


def records(reader: Reader) -> dict[str, PeeringRecord]:
    """The peers and accounts that the node knows, with those that are removed, by their keys."""
    return {key: _record(key, data) for key, data in reader.document(DOCUMENT).items()}


def peers(reader: Reader) -> dict[str, PeerCluster]:
    """The peers that are followed, by their names."""
    every = (one for one in records(reader).values() if isinstance(one, PeerCluster))
    return {one.name: one for one in sorted(every, key=lambda p: p.name) if not one.removed}


def accounts(reader: Reader) -> dict[str, FeedAccount]:
    """The accounts that read the feed, by their names."""
    every = (one for one in records(reader).values() if isinstance(one, FeedAccount))
    return {one.name: one for one in sorted(every, key=lambda a: a.name) if not one.removed}


def put_records(change: Transaction, more: Mapping[str, PeeringRecord]) -> None:
    """Keep these peers and accounts, too."""
    new = {key: dict(one.__dict__) for key, one in more.items()}
    change.put_document(DOCUMENT, {**change.document(DOCUMENT), **new})


def forget(change: Transaction) -> None:
    """Forget them all."""
    change.put_document(DOCUMENT, {})


def all_marks(reader: Reader, store: str) -> dict[str, Marks]:
    """What the entries of a trust store say of peers, by SHA-256, where they do."""
    raw = reader.find_file(UNIT, f"{store}.marks")
    rows: dict[str, dict[str, Any]] = json.loads(raw) if raw else {}
    return {sha256: marks(data) for sha256, data in rows.items()}


def put_marks(change: Transaction, store: str, now: Mapping[str, Marks]) -> None:
    """Keep what entries of a trust store say of peers from now on."""
    before = all_marks(change, store)
    rows = {key: marks_data(value) for key, value in {**before, **now}.items()}
    rows = {key: data for key, data in rows.items() if data}
    if rows or before:
        data = json.dumps(rows).encode("ascii") + b"\n" if rows else None
        change.put_file(UNIT, f"{store}.marks", data)
