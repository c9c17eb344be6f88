"""The agent: looks whether the node and its cluster have something to tell each other.

If so, it gives the command for a round, as a session of its own: the audit log has it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from cucmos_shell.errors import ShellError
from cucmos_shell.frontends.follower import Follower
from cucmos_shell.node import Node
from cucmos_shell.node.tasks.agent import bus_of, news, waiting
from cucmos_shell.node.tasks.alarms import raise_alarms
from cucmos_shell.node.tasks.presence import alive
from cucmos_shell.session.unattended import give
from cucmos_shell.store import per_state
from cucmos_shell.store.locks import try_lock
from cucmos_shell.world.faults import StandingFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.store import Lock
    from cucmos_shell.world import World
    from cucmos_shell.world.bus import Bus

LINE = "utils cluster sync"
ACCOUNT, ORIGIN = "agent", "server"
# Seconds between two looks: of a member, of one for which nothing has come for a while (so many
# looks), and of a node that has joined nothing.
LOOK, CALM, IDLE = 0.1, 0.2, 2.0
CALM_AFTER = 50
# Seconds until the next look after a failure: twice as long after each, up to the most.
FAILED, MOST = 1.0, 30.0
# How often it says that the node can be reached.
RENEW = 5.0
# How long the bus may be away before there is an alarm.
AWAY = 60.0
# Seconds in which it notices that it is to end.
NAP = 1.0
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Agent:
    """The agent of one node. `tick` does what there is to do.

    `said` is what went wrong last, `needed` whether the node was in a cluster then. `outage` tells
    whether the node is down, as a fault of a lab wants it.
    """

    def __init__(self, node: Node, outage: StandingFault | None = None) -> None:
        self._node = node
        self._outage = outage or StandingFault(node.world.fault, "node", "down")
        self._waiting = per_state(node.store, lambda snapshot: waiting(node, snapshot))
        self._place: Lock | None = None
        self._bus: Bus | None = None
        self._url = ""
        self._shown: float | None = None
        self._away_since: float | None = None
        self._alarmed = False
        self._patience = FAILED
        self._nothing = 0
        self.said = ""
        self.needed = True

    def tick(self) -> float:
        """One look, and a round if there is something to tell; seconds until the next look."""
        try:
            found = self._waiting()
            self.needed = found.member is not None
            if found.member is None or not self._first():
                return IDLE
            if self._outage.holds():
                self.close()
                return LOOK
            bus = self._open(found.member)
            self._show(bus, found.member)
            if not self._node.services.running(self._node.profile.distribution.service):
                self._away_since = None
                return IDLE
            self._nothing += 1
            if found.untold or news(bus, found.member):
                self._nothing = 0
                if not self._round():
                    self._away(self.said.partition("\n")[0])
                    return self._later()
        except (ShellError, OSError) as error:
            self.close()
            self.said = str(error)
            self._away(self.said)
            return self._later()
        self._away_since = None
        self._patience = FAILED
        return LOOK if self._nothing < CALM_AFTER else CALM

    @property
    def in_place(self) -> bool:
        """Whether it is the agent of a node that has joined a cluster, and is not down."""
        return self._place is not None and not self._outage.holds()

    def _first(self) -> bool:
        """Whether it is the agent of its node: those of further workers wait for its end."""
        if self._place is None:
            os.makedirs(self._node.layout.run, mode=0o700, exist_ok=True)
            self._place = try_lock(self._node.layout.agent_place)
        return self._place is not None

    def _later(self) -> float:
        wait, self._patience = self._patience, min(2 * self._patience, MOST)
        return wait

    def _away(self, reason: str) -> None:
        """Say why there are no rounds with the cluster; an alarm, once that lasts for a while."""
        now = self._node.world.monotonic()
        if self._away_since is None:
            self._away_since, self._alarmed = now, False
        if now - self._away_since >= AWAY and not self._alarmed:
            alarm = self._node.alarms.make("ClusterUnreachable", Reason=reason)
            raise_alarms(self._node, (alarm,))
            self._alarmed = True

    def _open(self, member: Membership) -> Bus:
        if self._bus is None or self._url != member.url:
            self.close()
            self._bus, self._url = bus_of(self._node, member), member.url
        return self._bus

    def _show(self, bus: Bus, member: Membership) -> None:
        # A lease runs by the time that passes for all nodes.
        now = self._node.world.patience()
        if self._shown is None or now - self._shown >= RENEW:
            alive(self._node, bus, member)
            self._shown = now

    def _round(self) -> bool:
        status, self.said = give(self._node, LINE, ACCOUNT, origin=ORIGIN)
        return status == 0

    def close(self) -> None:
        """Let go of the bus."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def end(self) -> None:
        """Make way for another one."""
        self.close()
        if self._place is not None:
            self._place.release()
            self._place = None


def until_signal() -> Callable[[], bool]:
    """Whether no signal has said to end yet. No round is broken off; a second signal ends all."""
    came: list[int] = []

    def end(number: int, _: object) -> None:
        came.append(number)
        for one in ENDING:
            signal.signal(one, signal.SIG_DFL)

    for number in ENDING:
        signal.signal(number, end)
    return lambda: not came


def run(state_dir: str, world: World, going: Callable[[], bool]) -> int:
    """Be the agent of the node in `state_dir`, as long as `going` says; returns the exit status.

    What a round said goes to the standard error.
    """
    node = Node.open(state_dir, world)
    agent, follower = Agent(node), Follower(node)

    def follow() -> None:
        # A peer may be silent for a minute, in which the agent has to go on.
        while going():
            world.sleep(follower.tick() if agent.in_place else NAP)
            _say(follower)

    threading.Thread(target=follow, daemon=True, name="follower").start()
    try:
        while going():
            wait = agent.tick()
            _say(agent)
            while wait > 0 and going():
                world.sleep(min(wait, NAP))
                wait -= NAP
    finally:
        agent.end()
    return 0


def _say(one: Agent | Follower) -> None:
    if one.said:
        sys.stderr.write(one.said.rstrip("\n") + "\n")
        one.said = ""
