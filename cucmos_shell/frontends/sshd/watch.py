"""One look a second for all nodes of a process: what they have to do by themselves.

A look asks for a few marks of files. Only where one has changed, or a time has come that was known
of, is anything read: hundreds of nodes that do nothing cost next to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os

from cucmos_shell.errors import ShellError
from cucmos_shell.frontends.sshd.schedule import MIN_WAIT, follow, tick
from cucmos_shell.frontends.steps import NODE
from cucmos_shell.results import Value
from cucmos_shell.store.locks import share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cucmos_shell.frontends.host import Host
    from cucmos_shell.frontends.sshd.door import Door
    from cucmos_shell.node import Node
    from cucmos_shell.world.faults import StandingFault

    # A start of a node: see `Services.start_mark`.
    Start = tuple[int, float]

# Seconds between two looks, and those that sessions have to come to their end after a restart.
LOOK, LAST_WORDS = 1.0, 2.0


class Seen(Value):
    """What there is to do for a node.

    `restarted`: it was, and this is its start. `due`: the expiry monitor is to look. `changed`: its
    store is another than at the look before. `down`: the node is switched off, and that is all.
    """

    restarted: Start | None = None
    due: bool = False
    changed: bool = False
    down: bool = False


NOTHING, DOWN = Seen(), Seen(down=True)


class Lookout:
    """What is known of one node from one look to the next; `wait` seconds until the monitor's first
    turn, which on a clock that is moved by hand comes at once."""

    def __init__(
        self, node: Node, wait: float = MIN_WAIT, outage: StandingFault | None = None
    ) -> None:
        self._node = node
        self._outage = outage
        self._marks: tuple[object, ...] = ()
        self._now = node.now()
        self._start: Start | None = None
        # Whether the start has to be asked for, whatever the marks say, and when it does next.
        self._ask = True
        self._next_start: float | None = None
        self._due = self._now if node.world.movable else self._now + wait

    def monitored(self, wait: float) -> None:
        """The monitor has had its turn, and has the next in `wait` seconds."""
        self._due = self._now + wait

    def look(self) -> Seen:
        """What there is to do now; runs in a thread."""
        if self._outage is not None and self._outage.holds():
            return DOWN
        node, before, last = self._node, self._marks, self._now
        now = self._now = node.now()
        layout = node.layout
        marks = self._marks = _mark(layout.current), _mark(layout.services), _mark(layout.sent)
        back = now < last
        planned = self._next_start is not None and now >= self._next_start
        restarted = None
        if self._ask or planned or back or marks[1] != before[1]:
            restarted = self._restarted()
        # A clock that is moved by hand cannot be waited for, nor what else is done by hand there.
        due = now >= self._due or back or (node.world.movable and marks != before)
        return Seen(restarted, due, marks[:1] != before[:1])

    def _restarted(self) -> Start | None:
        """The node's start, if it is another one than before."""
        last = self._start
        try:
            # In this order no start that comes in between is missed.
            self._next_start = self._node.services.next_start()
            now = self._node.services.start_mark()
        except (ShellError, OSError):
            # It is said by the next command; the next look may find it mended.
            self._ask = True
            return None
        self._ask = False
        self._start = now if last is None else max(last, now)
        return now if last is not None and now > last else None


def _mark(path: str) -> tuple[int, int, int] | None:
    """What tells a file from the one that takes its place; None if there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class Ward:
    """A node that is looked after, on the event loop."""

    def __init__(self, door: Door, wait: float) -> None:
        self.door = door
        self.lookout = Lookout(door.node, wait, door.outage)
        self.late: tuple[Start, float] | None = None
        self.monitor: asyncio.Future[None] | None = None
        self.agent: asyncio.Future[None] | None = None
        self.agent_wanted = False

    def end_sessions(self, start: Start, again: bool) -> None:
        """End those that were there before that start of the node.

        Those at their prompts are told first; the rest, among them the one that did it, when it is
        said `again`.
        """
        era, booted = start
        for channel in list(self.door.channels):
            if channel.begun < booted or (channel.start is not None and channel.start[0] < era):
                channel.node_restarted(again)

    async def run_monitor(self) -> None:
        """Let the expiry monitor have its turn."""
        self.lookout.monitored(await self.door.host.by_itself(tick, self.door.node))


class Watch:
    """Looks after the nodes behind `doors`, as a task of the process that serves them."""

    def __init__(self, doors: Sequence[Door], host: Host, wait: float = MIN_WAIT) -> None:
        self._host = host
        self._wards = [Ward(door, wait) for door in doors]
        self._held = contextlib.ExitStack()
        self._task: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Look from now on. Meanwhile `show cert monitor` knows that somebody does."""
        for one in self._wards:
            with contextlib.suppress(OSError):
                self._held.enter_context(share(one.door.node.layout.schedule_lock))
        self._task = asyncio.ensure_future(self._run())

    def stop(self) -> None:
        """Look no more, and begin nothing."""
        running = [task for one in self._wards for task in (one.monitor, one.agent)]
        for task in (self._task, *running):
            if task is not None:
                task.cancel()
        self._held.close()

    @property
    def finished(self) -> bool:
        """What was begun are steps of the process, which it waits for."""
        return True

    def abandon(self) -> None:
        """Nothing is left to be given up."""

    @property
    def gone(self) -> bool:
        """Nobody comes here."""
        return True

    def close(self) -> None:
        """Nothing is left to be dropped."""

    async def _run(self) -> None:
        while True:
            for one, seen in await self._host.off_loop(NODE, self._look):
                self._act(one, seen)
            now = asyncio.get_running_loop().time()
            for one in self._wards:
                self._go_on(one, now)
            await asyncio.sleep(LOOK)

    def _look(self) -> list[tuple[Ward, Seen]]:
        found = [(one, one.lookout.look()) for one in self._wards]
        return [(one, seen) for one, seen in found if seen != NOTHING]

    def _act(self, one: Ward, seen: Seen) -> None:
        if seen.down:
            for connection in list(one.door.connections):
                connection.drop()
        if seen.restarted is not None:
            one.end_sessions(seen.restarted, again=False)
            until = asyncio.get_running_loop().time() + LAST_WORDS
            one.late = (seen.restarted, until)
        if seen.due and (one.monitor is None or one.monitor.done()):
            one.monitor = asyncio.ensure_future(one.run_monitor())
        one.agent_wanted = one.agent_wanted or seen.changed

    def _go_on(self, one: Ward, now: float) -> None:
        """What does not wait for anything to be seen."""
        if one.late is not None and now >= one.late[1]:
            one.end_sessions(one.late[0], again=True)
            one.late = None
        if one.agent_wanted and (one.agent is None or one.agent.done()):
            one.agent_wanted = False
            one.agent = asyncio.ensure_future(follow(one.door))
