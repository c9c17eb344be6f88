"""Work that waits for a thread: nobody's comes before that of all others."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# How much the threads of a `FewAtOnce` leave the processor to others.
NICE = 5
# The lines of a `FewAtOnce`, each of which is before those after it.
KNOWN, NEW, GUESSING = range(3)

# Whose work it is: first of which network or account, then of which name within it.
Whose = tuple[str, str]


class WaitingLine:
    """What waits, by whose it is: networks take turns, and names of a network."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, deque[Any]]] = {}
        self._sizes: Counter[str] = Counter()

    @property
    def size(self) -> int:
        """How much waits."""
        return self._sizes.total()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, whose: Whose, work: Any) -> None:
        """Add something at the end of those of the same name."""
        self._waiting.setdefault(whose[0], {}).setdefault(whose[1], deque()).append(work)
        self._sizes[whose[0]] += 1

    def take(self, may: Callable[[str], bool] = lambda first: True) -> Any:
        """What is next among those that `may`; None if there is none."""
        for first in self._waiting:
            if may(first):
                return self._take(first)
        return None

    def take_from_longest(self) -> Any:
        """What has waited longest of those of whom most waits; there must be something."""
        return self._take(max(self._sizes, key=self._sizes.__getitem__))

    def _take(self, first: str) -> Any:
        self._sizes[first] -= 1
        if not self._sizes[first]:
            del self._sizes[first]
        names = self._waiting.pop(first)
        second = next(iter(names))
        works = names.pop(second)
        work = works.popleft()
        # Whoever had a turn goes to the end.
        if works:
            names[second] = works
        if names:
            self._waiting[first] = names
        return work


class Lately:
    """Names for so many seconds each, and of so many at most: the oldest are forgotten first."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._ends: dict[str, float] = {}

    def note(self, name: str, now: float) -> None:
        """A name, from `now` on."""
        self._ends.pop(name, None)
        self._ends[name] = now + self._seconds
        if len(self._ends) > self._most:
            del self._ends[next(iter(self._ends))]

    def has(self, name: str, now: float) -> bool:
        """Whether it was noted within these seconds."""
        return self._ends.get(name, now) > now


class FewAtOnce:
    """A few threads for work that takes a processor, and waits in a line until one is free.

    They leave it to others where they can, which is of use for what does not hold the interpreter.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int, name: str) -> None:
        self._loop = loop
        self._most = most
        self._pool = ThreadPoolExecutor(most, name, _step_back)
        self._lines = _lines()
        self._running = 0

    async def run(
        self, line: int, whose: Whose, function: Callable[..., Any], *arguments: object
    ) -> Any:
        """The result of a function in one of the threads. Cancelled in time, it never runs.

        What is in the line KNOWN is before what is in NEW, and that before what is in GUESSING.
        """
        future: asyncio.Future[Any] = self._loop.create_future()
        self._lines[line].put(whose, (future, partial(function, *arguments)))
        self._next()
        return await future

    def close(self) -> None:
        """Begin nothing more."""
        self._lines = _lines()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _next(self) -> None:
        while self._running < self._most and any(self._lines):
            future, function = next(line for line in self._lines if line).take()
            if not future.done():
                self._running += 1
                running = self._loop.run_in_executor(self._pool, function)
                running.add_done_callback(partial(self._done, future))

    def _done(self, future: asyncio.Future[Any], ran: asyncio.Future[Any]) -> None:
        self._running -= 1
        error = None if ran.cancelled() else ran.exception()
        if ran.cancelled():
            future.cancel()
        elif not future.done():
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(ran.result())
        self._next()


def _lines() -> tuple[WaitingLine, ...]:
    return tuple(WaitingLine() for _ in (KNOWN, NEW, GUESSING))


def _step_back() -> None:
    # On Linux, of one thread.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _niceness())


def _niceness() -> int:
    return min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
