"""What the server does by itself: the expiry monitor, when it is due, and the end of sessions that
a restart of the node leaves behind.

Several workers, and cron, may run the monitor: it lets one run at a time, and what is due is
worked out anew from what was done last.
"""

from __future__ import annotations

import asyncio
import contextlib

from cucmos_shell.errors import ShellError
from cucmos_shell.frontends.agent import NAP, Agent
from cucmos_shell.frontends.follower import Follower
from cucmos_shell.node.tasks.expiry_run import next_run
from cucmos_shell.session.unattended import give
from cucmos_shell.store.locks import share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.frontends.sshd.door import Door
    from cucmos_shell.node import Node

LINE = "utils cert monitor run"
ACCOUNT, ORIGIN = "monitor", "server"
MIN_WAIT, MAX_WAIT = 60.0, 900.0
WATCH = 2.0


def tick(node: Node) -> float:
    """Run the monitor if it is due and its service is started; seconds until the next look."""
    node.audit.keep_reserve()
    try:
        if node.services.running(node.profile.expiry_monitor_service):
            if next_run(node) <= node.now():
                give(node, LINE, ACCOUNT, origin=ORIGIN)
            return min(max(next_run(node) - node.now(), MIN_WAIT), MAX_WAIT)
    except (ShellError, OSError):
        pass  # A command says it to whoever asks; the next look may find it mended.
    return MAX_WAIT


def _start(node: Node) -> tuple[int, float] | None:
    try:
        return node.services.start_mark()
    except (ShellError, OSError):
        return None  # It is said by the next command; the next look may find it mended.


async def watch(door: Door) -> None:
    """End the sessions that were there before the node was restarted, until cancelled.

    Those at their prompts are told first; the rest, among them the one that did it, has one more
    round to come to its end.
    """
    last: tuple[int, float] | None = None
    late: tuple[int, float] | None = None
    while True:
        now = await door.host.look(_start, door.node)
        if late is not None:
            _end_sessions(door, late, again=True)
            late = None
        if last is not None and now is not None and now > last:
            _end_sessions(door, now, again=False)
            late = now
        last = now if last is None else max(last, now or last)
        await asyncio.sleep(WATCH)


def _end_sessions(door: Door, start: tuple[int, float], again: bool) -> None:
    era, booted = start
    for channel in list(door.channels):
        if channel.begun < booted or (channel.start is not None and channel.start[0] < era):
            channel.node_restarted(again)


async def keep(door: Door, wait: float = MIN_WAIT) -> None:
    """Look again and again until cancelled; the first time `wait` seconds after the start.

    Meanwhile `show cert monitor` knows that somebody does.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            held.enter_context(share(door.node.layout.schedule_lock))
        while True:
            # A clock that is moved by hand cannot be waited for.
            await asyncio.sleep(door.node.world.nap(wait))
            wait = await door.host.by_itself(tick, door.node)


async def follow(door: Door) -> None:
    """Be the node's agent in its cluster until cancelled, and follow the peers of that."""
    agent = Agent(door.node)
    peers = asyncio.ensure_future(_follow_peers(door, agent))
    try:
        while True:
            await asyncio.sleep(await door.host.by_itself(agent.tick))
    finally:
        peers.cancel()
        agent.end()


async def _follow_peers(door: Door, agent: Agent) -> None:
    follower = Follower(door.node)
    while True:
        wait = await door.host.by_itself(follower.tick) if agent.in_place else NAP
        await asyncio.sleep(wait)
