"""Passwords that are to be hashed, which takes a processor: who is right waits for few guesses."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from cucmos_shell.frontends.lines import WaitingLine
from cucmos_shell.node.access.accounts import SignInRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.frontends.lines import Whose

# Argon2id takes a processor, and much memory for a moment.
MOST = 2
# How much its threads leave the processor to others.
NICE = 5
# A network that was wrong waits behind those that were not for so many seconds; so many networks.
WRONG_SECONDS, MAX_WRONG = 600.0, 4096


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


class Guesses:
    """A few threads, and the lines before them; for the thread of the loop.

    First are those that are likely to be right, then networks that have not been wrong lately: by
    turns the one that came last, since a crowd may be before it, and the one that came first. They
    leave the processor to others where they can: what hashes does not hold the interpreter.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int = MOST) -> None:
        self._loop = loop
        self._most = most
        self._pool = ThreadPoolExecutor(most, "password", _step_back)
        self._likely, self._new, self._wrong_ones = WaitingLine(), WaitingLine(), WaitingLine()
        self._wrong = Lately(WRONG_SECONDS, MAX_WRONG)
        self._running = 0
        self._newest = False

    async def run(
        self, likely: bool, whose: Whose, function: Callable[..., Any], *arguments: object
    ) -> Any:
        """The result of a function in one of the threads. Cancelled in time, it never runs.

        Whatever raises SignInRefused, or returns False, was wrong.
        """
        future: asyncio.Future[Any] = self._loop.create_future()
        line = self._likely if likely else self._new
        line.put(whose, (future, whose, partial(function, *arguments)))
        self._next()
        return await future

    def close(self) -> None:
        """Begin nothing more."""
        self._likely, self._new, self._wrong_ones = WaitingLine(), WaitingLine(), WaitingLine()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _next(self) -> None:
        while self._running < self._most and (taken := self._take()) is not None:
            future, whose, function = taken
            if not future.done():
                self._running += 1
                running = self._loop.run_in_executor(self._pool, function)
                running.add_done_callback(partial(self._done, future, whose[0]))

    def _take(self) -> Any:
        if self._likely:
            return self._likely.take()
        while self._new:
            self._newest = not self._newest
            taken = self._new.take_newest() if self._newest else self._new.take()
            if not self._wrong.has(taken[1][0], self._loop.time()):
                return taken
            self._wrong_ones.put(taken[1], taken)
        return self._wrong_ones.take()

    def _done(self, future: asyncio.Future[Any], network: str, ran: asyncio.Future[Any]) -> None:
        self._running -= 1
        if ran.cancelled():
            future.cancel()
            return
        error = ran.exception()
        # Whether anybody still waits for it or not.
        if isinstance(error, SignInRefused) or (error is None and ran.result() is False):
            self._wrong.note(network, self._loop.time())
        if not future.done():
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(ran.result())
        self._next()


def _step_back() -> None:
    # On Linux, of one thread.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _niceness())


def _niceness() -> int:
    return min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
