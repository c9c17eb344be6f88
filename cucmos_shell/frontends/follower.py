"""The follower: reads what other clusters offer, where this node is the one that does it.

When there is something new in a feed, or it is time to read it as a whole, it gives the command for
that, as a session of its own: the audit log has it. A peer that is silent keeps nobody waiting but
its next look.
"""

from __future__ import annotations

import contextlib

from cucmos_shell.cluster import membership, peering
from cucmos_shell.errors import ShellError
from cucmos_shell.node.tasks.agent import bus_of
from cucmos_shell.node.tasks.peers import asked
from cucmos_shell.node.tasks.presence import leads
from cucmos_shell.session.unattended import give
from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cluster.feed import Feed
    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.cluster.peering import PeerCluster
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot

LINE = "utils cluster peer sync {}"
ACCOUNT, ORIGIN = "agent", "server"
# Seconds between two looks: at the own cluster, whether there are peers and this node follows them;
# and at a peer, whether it has anything new.
LOOK, PEER_LOOK = 5.0, 30.0
# Seconds until the next look at a peer after a failure: twice as long after each, up to the most.
FAILED, MOST = 30.0, 1800.0


class _Course:
    """How it goes with a peer, by a clock that really passes: when to look, when to read all."""

    def __init__(self, peer: PeerCluster) -> None:
        self.peer = peer
        self.next = 0.0
        self.whole = 0.0
        self.patience = FAILED
        self.known: tuple[int, int] | None = None

    def fail(self, now: float) -> None:
        """Look again later, each time twice as late."""
        self.next, self.known = now + self.patience, None
        self.patience = min(2 * self.patience, MOST)

    def go_on(self, now: float) -> None:
        """Look again soon."""
        self.next, self.patience = now + PEER_LOOK, FAILED


class Follower:
    """Follows the peers of one node's cluster. `tick` does what there is to do."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._courses: dict[str, _Course] = {}
        self.said = ""

    def tick(self) -> float:
        """One look at one peer at most; seconds until the next one."""
        try:
            snapshot = self._node.snapshot()
            member = membership.member(snapshot)
            peers = peering.peers(snapshot) if member is not None else {}
            self._follow_those(peers)
            if member is None or not peers or not self._leads(member, snapshot):
                # Whoever leads again begins anew: another one has followed meanwhile.
                self._courses.clear()
                return LOOK
            self._look(snapshot)
        except (ShellError, OSError) as error:
            self.said = str(error)
        return LOOK if len(self._courses) < 5 else 1.0

    def _follow_those(self, peers: dict[str, PeerCluster]) -> None:
        """A peer that is new, or was set anew, is read at once."""
        kept = {name: one for name, one in self._courses.items() if peers.get(name) == one.peer}
        self._courses = {name: kept.get(name) or _Course(peer) for name, peer in peers.items()}

    def _leads(self, member: Membership, snapshot: Snapshot) -> bool:
        node = self._node
        if not node.services.running(node.profile.distribution.service):
            return False
        removed = [one.id for one in membership.nodes(snapshot) if one.removed]
        with contextlib.closing(bus_of(node, member)) as bus:
            return leads(bus, member, removed)

    def _look(self, snapshot: Snapshot) -> None:
        now = self._node.world.patience()
        due = [one for one in self._courses.values() if one.next <= now]
        if not due:
            return
        course = min(due, key=lambda one: one.next)
        if course.known is None or course.whole <= now or self._has_news(course):
            self._read(course, now)
        else:
            course.go_on(now)

    def _has_news(self, course: _Course) -> bool:
        """Whether a peer says more than it did, or something is wrong with it."""
        assert course.known is not None
        number, revision = course.known
        try:
            feed: Feed = asked(self._node, course.peer, revision)
        except (Unanswered, ShellError):
            return True  # The command says what it is.
        if feed.entries or feed.number != number or feed.full:
            return True
        course.known = number, feed.revision
        return False

    def _read(self, course: _Course, now: float) -> None:
        status, self.said = give(self._node, LINE.format(course.peer.name), ACCOUNT, origin=ORIGIN)
        if status:
            course.fail(now)
            return
        minutes = self._node.profile.distribution.reconcile_minutes
        course.whole = now + 60.0 * minutes
        course.known = self._read_up_to(course.peer)
        course.go_on(now)

    def _read_up_to(self, peer: PeerCluster) -> tuple[int, int] | None:
        """The era's number and the revision of the feed that was read last."""
        from cucmos_shell.node.tasks.peer_setting import standings

        for row in standings(self._node)[0]:
            if row.peer.name == peer.name and not row.status.trouble:
                return row.status.number, row.status.revision
        return None
