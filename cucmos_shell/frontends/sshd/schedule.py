"""What a node that is served does by itself: the expiry monitor, when it is due, and its agent.

Several workers, and cron, may run the monitor: it lets one run at a time, and what is due is
worked out anew from what was done last.
"""

from __future__ import annotations

import asyncio

from cucmos_shell.errors import ShellError
from cucmos_shell.frontends.agent import NAP, Agent
from cucmos_shell.frontends.follower import Follower
from cucmos_shell.node.services.plan import STARTED
from cucmos_shell.node.tasks.expiry_run import next_run
from cucmos_shell.session.unattended import give

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.frontends.sshd.door import Door
    from cucmos_shell.node import Node

LINE = "utils cert monitor run"
ACCOUNT, ORIGIN = "monitor", "server"
MIN_WAIT, MAX_WAIT = 60.0, 900.0
# Seconds until the next look, at least, at a service that is about to start.
SOON = 1.0


def tick(node: Node) -> float:
    """Run the monitor if it is due and its service is started; seconds until the next look."""
    node.audit.keep_reserve()
    try:
        service = node.services.state(node.profile.expiry_monitor_service)
        if service.state == STARTED:
            if next_run(node) <= node.now():
                give(node, LINE, ACCOUNT, origin=ORIGIN)
            return min(max(next_run(node) - node.now(), MIN_WAIT), MAX_WAIT)
        if service.until is not None:
            return min(max(service.until - node.now(), SOON), MAX_WAIT)
    except (ShellError, OSError):
        pass  # A command says it to whoever asks; the next look may find it mended.
    return MAX_WAIT


async def follow(door: Door) -> None:
    """Be the node's agent in its cluster, as long as it is in one, and follow the peers of that."""
    agent = Agent(door.node, door.outage)
    peers = asyncio.ensure_future(_follow_peers(door, agent))
    try:
        while True:
            wait = await door.host.by_itself(agent.tick)
            if not agent.needed:
                return
            await asyncio.sleep(wait)
    finally:
        peers.cancel()
        agent.end()


async def _follow_peers(door: Door, agent: Agent) -> None:
    follower = Follower(door.node)
    while True:
        wait = await door.host.by_itself(follower.tick) if agent.in_place else NAP
        await asyncio.sleep(wait)
