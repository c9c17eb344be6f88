"""Following other clusters: their feeds are read, and what they say is told to the log here.

See `cluster.taking`. The network comes first, the lock afterwards: nothing waits for a peer. What
is told the nodes of the cluster apply as whatever else its log says.
"""

from __future__ import annotations

import contextlib

from cucmos_shell.cluster import membership, peering
from cucmos_shell.cluster.feed import MAX_FEED, MEDIA, PATH, FeedMistake, read
from cucmos_shell.cluster.membership import Said
from cucmos_shell.cluster.peer_log import following, put_following
from cucmos_shell.cluster.peering import PeerStatus
from cucmos_shell.cluster.taking import DROP, KEEP_OUT, PUT
from cucmos_shell.errors import Busy, NotFound, Refused, ShellError
from cucmos_shell.node.tasks.agent import bus_of, joined, log_of, meet_fault, sync, turn
from cucmos_shell.node.tasks.alarms import raising
from cucmos_shell.node.tasks.peer_words import Lie, tell_words
from cucmos_shell.node.tasks.round_lines import came_and_went
from cucmos_shell.results import TEXT, Commit, Progress, Value, each, maybe, record
from cucmos_shell.text import safe
from cucmos_shell.world.https import HttpsQuestion, OtherCertificate
from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cucmos_shell.cluster.feed import Feed
    from cucmos_shell.cluster.log import Log
    from cucmos_shell.cluster.peering import PeerCluster
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

    Key = tuple[str, str]

# Seconds for a whole feed, and for a look whether there is anything new.
WHOLE_SECONDS, LOOK_SECONDS = 60.0, 8.0
MAX_TROUBLE = 300
# So often a peer may be silent before there is an alarm; a lie is told at once.
SILENT = 2
NOBODY = "No other cluster is followed"
DELETED = "it was deleted here; upload it here to bring it back"
PEER = record(
    peer=TEXT, trouble=maybe(TEXT), added=each(TEXT), removed=each(TEXT), kept_out=each(TEXT)
)


class PeerRead(Value):
    """What came of a peer's feed: names as lists show them, or the `trouble` with it."""

    name: str
    trouble: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept_out: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The text: what came, went and was kept out."""
        if self.trouble:
            return [f"{self.name}: {self.trouble}; nothing was changed", *self.details]
        counts = f"new {len(self.added)}, deleted {len(self.removed)}"
        lines = [f"{self.name}: {counts}, kept out {len(self.kept_out)}"]
        kept_out = [f"{name}, kept out: {DELETED}" for name in self.kept_out]
        return lines + came_and_went(self.added, self.removed, kept_out)

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "peer": self.name,
            "trouble": self.trouble or None,
            "added": self.added,
            "removed": self.removed,
            "kept_out": self.kept_out,
        }


class PeersRead(Value):
    """What came of the feeds that were read; a failure where one of them could not be."""

    form = record(peers=each(PEER))

    rows: tuple[PeerRead, ...]

    @property
    def failure(self) -> ShellError | None:
        """The error, where a peer could not be followed."""
        troubled = [row.name for row in self.rows if row.trouble]
        if not troubled:
            return None
        failure = Refused("Not followed: {names}", names=", ".join(troubled))
        failure.data = self.data()
        return failure

    def lines(self) -> list[str]:
        """The text, peer by peer."""
        return [line for row in self.rows for line in row.lines()] or [NOBODY]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {"peers": self.rows}


# --- asking --------------------------------------------------------------------------------------


def question(node: Node, peer: PeerCluster, since: int | None = None) -> HttpsQuestion:
    """The question for a peer's feed, whole or after a revision. Raises Refused."""
    secrets = membership.secrets(node.snapshot())
    password = peering.password(secrets, peer) if secrets else None
    if password is None:
        again = f"Give it again: set cluster peer {peer.name}"
        raise Lie("The password for it cannot be read here", details=(again,))
    path = PATH if since is None else f"{PATH}?since={since}"
    return HttpsQuestion(
        peer.host, peer.port, peer.pin, path, peer.account, password, MEDIA, MAX_FEED,
        WHOLE_SECONDS if since is None else LOOK_SECONDS,
    )  # fmt: skip


def asked(node: Node, peer: PeerCluster, since: int | None = None) -> Feed:
    """What a peer offers. Raises Refused for what is no feed of it, Unanswered."""
    asking = question(node, peer, since)
    try:
        octets = node.world.https(asking)
    except OtherCertificate as error:
        raise Lie(
            "Its certificate is not the one that was confirmed (SHA-256 {sha256})",
            sha256=error.sha256, details=(f"If that is right: set cluster peer {peer.name}",),
        ) from None  # fmt: skip
    feed = read(octets)
    if peer.cluster and feed.cluster != peer.cluster:
        raise Lie(
            "It is another cluster than before ({cluster})", cluster=feed.cluster,
            details=(f"If that is right: set cluster peer {peer.name}",),
        )  # fmt: skip
    return feed


# --- following -----------------------------------------------------------------------------------


def follow(node: Node, name: str = "", *, confirmed: bool = False) -> Conversation[PeersRead]:
    """Read the feed of one peer, or of all, and tell what is new in it.

    `confirmed`: a person has agreed to a large loss. Raises NotFound, Refused (no member, service
    down), Busy, BusAway.
    """
    service, snapshot = node.profile.distribution.service, node.snapshot()
    joined(snapshot)
    if not node.services.running(service):
        raise Refused("{service} is not running", service=service)
    peers = peering.peers(snapshot)
    if name and name not in peers:
        raise NotFound("There is no peer {name}", name=name)
    rows = []
    for peer in (peers[name],) if name else peers.values():
        yield from meet_fault(node, "agent.round", peer.name)
        yield Progress(f"Reading the feed of {peer.name}", aside=True)
        rows.append((yield from _follow(node, peer, confirmed)))
    if any(row.added or row.removed for row in rows):
        with contextlib.suppress(Busy):  # the next round applies it
            yield from sync(node)
    return PeersRead(tuple(rows))


def _follow(node: Node, peer: PeerCluster, confirmed: bool) -> Conversation[PeerRead]:
    snapshot = node.snapshot()
    member = joined(snapshot)
    with contextlib.closing(bus_of(node, member)) as bus:
        log = log_of(bus, snapshot)
        before = following(log).get(peer.name, PeerStatus())
        try:
            feed = asked(node, peer)
            yield from meet_fault(node, "agent.apply", peer.name)
            with turn(node):
                done = tell_words(node, log, peer, feed, before, confirmed)
        except Unanswered as error:
            trouble = safe(error.reason, MAX_TROUBLE)
            yield from _troubled(node, log, peer, before, trouble, at_once=False)
            return PeerRead(peer.name, trouble)
        except (FeedMistake, Lie) as error:
            trouble = error.message()
            yield from _troubled(node, log, peer, before, trouble, at_once=True)
            return PeerRead(peer.name, trouble, details=error.details)
        put_following(log, peer.name, PeerStatus(feed.number, feed.revision, node.now()))
    said = _said(node, peer, done)
    if said:
        yield Commit(lambda change: membership.put_said(change, said))
    return _row(peer, done)


def _row(peer: PeerCluster, done: Mapping[Key, tuple[str, str]]) -> PeerRead:
    listed: dict[str, list[str]] = {}
    for (store, _), (what, name) in sorted(done.items()):
        listed.setdefault(what, []).append(f"{store}/{name}")
    return PeerRead(peer.name, "", *(tuple(listed.get(what, ())) for what in (PUT, DROP, KEEP_OUT)))


def _said(node: Node, peer: PeerCluster, done: Mapping[Key, tuple[str, str]]) -> list[Said]:
    return [
        Said(store, sha256, name, "kept out", DELETED, f"peer {peer.name}", node.now())
        for (store, sha256), (what, name) in sorted(done.items())
        if what == KEEP_OUT
    ]


def _troubled(
    node: Node, log: Log, peer: PeerCluster, before: PeerStatus, trouble: str, *, at_once: bool
) -> Conversation[None]:
    """Say on the bus that a peer cannot be followed, and raise an alarm when that is new."""
    failures = before.failures + 1 if before.trouble else 1
    other = trouble != before.trouble
    since = before.since if before.trouble else node.now()
    now = before.replace(trouble=trouble, since=since, failures=failures)
    put_following(log, peer.name, now)
    if (at_once and other) or (not at_once and failures == SILENT):
        alarm = node.alarms.make("ClusterPeerNotFollowed", Peer=peer.name, Reason=trouble)
        yield from raising(node, (alarm,))
