"""Which clusters are followed, and who reads the feed here: set, shown, and forgotten."""

from __future__ import annotations

import contextlib
import hashlib

from cucmos_shell.cluster import membership, peering
from cucmos_shell.cluster.peer_log import following, put_following, put_record
from cucmos_shell.cluster.peering import FeedAccount, PeerCluster, PeerStatus
from cucmos_shell.errors import NotFound, Refused, ShellError, Unavailable
from cucmos_shell.node.access import passwords
from cucmos_shell.node.tasks.agent import bus_of, joined, log_of
from cucmos_shell.node.tasks.peers import LOOK_SECONDS, asked
from cucmos_shell.results import Commit, Value
from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cluster.peering import PeeringRecord
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.store import Snapshot

HTTPS = "https"
DEFAULT_PORT = 8443


def usual_port(node: Node) -> int:
    """The port at which nodes of this product offer a feed."""
    ports = [
        port.port
        for spec in node.profile.services.values()
        for port in spec.listens
        if port.speaks == HTTPS
    ]
    return ports[0] if ports else DEFAULT_PORT


def shown_certificate(node: Node, host: str, port: int) -> bytes:
    """The certificate that a server shows, in DER. Raises Unavailable."""
    try:
        return node.world.server_certificate(host, port, LOOK_SECONDS)
    except Unanswered as error:
        raise _silent(host, error) from None


def _silent(host: str, error: Unanswered) -> Unavailable:
    reason = error.reason
    return Unavailable("The feed of {host} cannot be read: {reason}", host=host, reason=reason)


def pin_of(der: bytes) -> str:
    """What a server is known by: the SHA-256 of its certificate."""
    return hashlib.sha256(der).hexdigest()


def add(node: Node, peer: PeerCluster, password: str) -> Conversation[PeerCluster]:
    """Follow a cluster from now on, in place of the one of that name.

    Its feed is read for that. `peer` knows neither its cluster nor its password yet. Raises
    Refused, Unavailable, BusAway; nothing is changed then.
    """
    snapshot = node.snapshot()
    member, secrets = joined(snapshot), membership.secrets(snapshot)
    if secrets is None:
        raise Refused("This node does not have the key of its cluster yet")
    sealed = peering.sealed_password(secrets, peer.name, password)
    probe: PeerCluster = peer.replace(password=sealed, cluster="")
    try:
        feed = asked(node, probe)
    except Unanswered as error:
        raise _silent(peer.host, error) from None
    if feed.cluster == member.cluster:
        raise Refused("{host} belongs to this cluster itself", host=peer.host)
    for other in peering.peers(snapshot).values():
        if other.cluster == feed.cluster and other.name != peer.name:
            raise Refused("That cluster is followed already, as {name}", name=other.name)
    made: PeerCluster = probe.replace(cluster=feed.cluster)
    yield from _say(node, made, PeerStatus())
    return made


def remove(node: Node, name: str) -> Conversation[None]:
    """Follow a cluster no more; what it gave stays. Raises NotFound, Refused, BusAway."""
    peer = find(node.snapshot(), name)
    yield from _say(node, peer.replace(removed=True, password="", when=node.now()))


def find(snapshot: Snapshot, name: str) -> PeerCluster:
    """The peer of that name. Raises NotFound; Refused for a node that has joined no cluster."""
    joined(snapshot)
    peer = peering.peers(snapshot).get(name)
    if peer is None:
        raise NotFound("There is no peer {name}", name=name)
    return peer


def add_account(node: Node, name: str, password: str, who: str) -> Conversation[None]:
    """Let an account read the feed of this cluster. Raises Refused, BusAway."""
    joined(node.snapshot())
    passwords.check_strength(password, name)
    yield from _say(node, FeedAccount(name, passwords.make_hash(password), who, node.now()))


def remove_account(node: Node, name: str) -> Conversation[None]:
    """Let an account read the feed no more. Raises NotFound, Refused, BusAway."""
    joined(node.snapshot())
    account = peering.accounts(node.snapshot()).get(name)
    if account is None:
        raise NotFound("No account {name} reads the feed", name=name)
    yield from _say(node, account.replace(removed=True, phc="", when=node.now()))


def _say(node: Node, record: PeeringRecord, status: PeerStatus | None = None) -> Conversation[None]:
    """Tell the cluster, and keep it here."""
    snapshot = node.snapshot()
    with contextlib.closing(bus_of(node, joined(snapshot))) as bus:
        log = log_of(bus, snapshot)
        put_record(log, record)
        if status is not None:
            put_following(log, record.name, status)
    yield Commit(lambda change: peering.put_records(change, {record.key: record}))


# --- how it goes ---------------------------------------------------------------------------------


class PeerStanding(Value):
    """How the following of a peer goes: `taken` are the certificates that are here from it.

    `trouble` says why it is not followed, or why nobody knows.
    """

    peer: PeerCluster
    taken: int
    status: PeerStatus


def standings(node: Node) -> tuple[tuple[PeerStanding, ...], str]:
    """How it goes with each peer; and why the bus could not be asked. Raises Refused."""
    snapshot = node.snapshot()
    member = joined(snapshot)
    trouble, known = "", dict[str, PeerStatus]()
    try:
        with contextlib.closing(bus_of(node, member)) as bus:
            known = following(log_of(bus, snapshot))
    except ShellError as error:
        trouble = error.message()
    rows = (
        PeerStanding(peer, _taken(node, snapshot, peer), known.get(peer.name, PeerStatus()))
        for peer in peering.peers(snapshot).values()
    )
    return tuple(rows), trouble


def _taken(node: Node, snapshot: Snapshot, peer: PeerCluster) -> int:
    count = 0
    for store in node.profile.distribution.stores:
        known = membership.known(snapshot, store)
        for sha256, marks in peering.all_marks(snapshot, store).items():
            entry = known.find(sha256) if marks.origin == peer.cluster else None
            count += entry is not None and entry.present
    return count


def offered_at(node: Node, snapshot: Snapshot) -> Iterator[tuple[int, str]]:
    """The ports at which this node would offer its feed, and the SHA-256 of what they show."""
    for row in node.services.listening(snapshot):
        if row.port.speaks == HTTPS and row.sha256:
            yield row.port.port, row.sha256
