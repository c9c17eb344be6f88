"""The process that serves: threads that all its tasks share, signals, and an end in order.

What it serves are tasks (an SSH server, and whatever else listens); it knows them by protocol.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from functools import partial

from cucmos_shell.frontends.guesses import Guesses
from cucmos_shell.frontends.steps import MAX_RUNS, NODE, Steps
from cucmos_shell.frontends.turns import Turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from cucmos_shell.frontends.lines import Whose

    class Task(Protocol):
        """Something that is served until the process ends."""

        async def start(self) -> None:
            """Begin; whoever comes from now on is served."""

        def stop(self) -> None:
            """Take nobody more, and tell those who are there that it ends."""

        @property
        def finished(self) -> bool:
            """Whether nothing is done for anybody any more."""

        def abandon(self) -> None:
            """Give up what has not come to its end in time."""

        @property
        def gone(self) -> bool:
            """Whether nobody is there any more."""

        def close(self) -> None:
            """Drop whoever is still there."""


MAX_COMPLAINTS = 20
# What a connection leaves are circles, and a few of them keep much: they are looked for after some
# two thousand new objects, where Python waits for seventy thousand. What is there by then is frozen
# and is not looked through, and where much is not, Python waits for a quarter of that all the same.
COLLECT = 700, 3, 1
# Running steps get this long to come to their end when the process stops, and the log after them.
GRACE, LAST_GRACE = 10.0, 1.0
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Complaints:
    """What goes wrong on the event loop itself: a word about it, not its data, and not for ever."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        number = getattr(error, "errno", None)
        text = os.strerror(number) if isinstance(number, int) else type(error).__name__
        if text not in self._said and len(self._said) < MAX_COMPLAINTS:
            self._said.add(text)
            sys.stderr.write(f"cucmos-shell: internal error ({text})\n")
            sys.stderr.flush()


class Host:
    """A process that serves; made on its event loop.

    `turns` are of all connections, whatever node or port they come to: they have one loop.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.turns = Turns(self._loop)
        self._steps = Steps(self._loop)
        self._guesses = Guesses(self._loop)
        self._runs = asyncio.Semaphore(MAX_RUNS)

    # --- work off the event loop ------------------------------------------------------------------

    async def off_loop(self, whose: str, function: Callable[..., Any], *arguments: object) -> Any:
        """The result of a function that is run in a thread, when it is the turn of `whose`."""
        future: asyncio.Future[Any] = self._loop.create_future()

        def then(result: object) -> None:
            if future.done():
                return
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

        self._steps.begin(whose, partial(function, *arguments), then)
        return await future

    async def by_itself(self, function: Callable[..., Any], *arguments: object) -> Any:
        """As `off_loop`, for what a node does by itself and may take its time: a few at once."""
        async with self._runs:
            return await self.off_loop(NODE, function, *arguments)

    async def hashing(
        self, likely: bool, whose: Whose, function: Callable[..., Any], *arguments: object
    ) -> Any:
        """As `off_loop`, in one of the few threads that hash passwords, when it is their turn.

        What is `likely` to be right comes first. Whatever raises SignInRefused, or returns False,
        was wrong.
        """
        return await self._guesses.run(likely, whose, function, *arguments)

    def work(
        self, whose: str, function: Callable[[], object], then: Callable[[object], None]
    ) -> None:
        """Run `function` in a thread; what it returns, or raises, goes to `then` on the loop."""
        self._steps.begin(whose, function, then)

    # --- life -------------------------------------------------------------------------------------

    async def run(
        self, tasks: Sequence[Task], ready: Callable[[], None], parent: int | None = None
    ) -> bool:
        """Serve until a signal says to stop. Returns whether all that ran has come to its end.

        `ready` is called when all tasks have started. `parent` is the end of a pipe that becomes
        readable when the process is to stop, too.
        """
        stop = asyncio.Event()
        self._loop.set_exception_handler(_Complaints())
        if parent is not None:
            self._loop.add_reader(parent, stop.set)
        for number in ENDING:
            self._loop.add_signal_handler(number, stop.set)
        for task in tasks:
            await task.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
        ready()
        await stop.wait()
        return await self._end(tasks)

    async def _end(self, tasks: Sequence[Task]) -> bool:
        """Let steps that run come to their end, and drop what does not."""
        for task in tasks:
            task.stop()
        await self._until(lambda: not self._steps.running and all(t.finished for t in tasks), GRACE)
        for task in tasks:
            task.abandon()
        await self._until(
            lambda: not self._steps.running and all(t.gone for t in tasks), LAST_GRACE
        )
        for task in tasks:
            task.close()
        self._steps.close()
        self._guesses.close()
        # What is said last still has to leave.
        await asyncio.sleep(0)
        for number in ENDING:
            # It ends already: another signal is not to end it otherwise once the loop is closed.
            self._loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        return not self._steps.running

    async def _until(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = self._loop.time() + seconds
        while not done() and self._loop.time() < deadline:
            await asyncio.sleep(0.02)
