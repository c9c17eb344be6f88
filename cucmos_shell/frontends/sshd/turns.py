"""Whose input is worked on next: each account, and each network before the sign-in, has its turn.

Who asks for little is served at once. Whoever has used more of the event loop than that stands in
a line, of which each round of the loop serves one: so a flood of many connections takes as much of
a round as one of a single connection, and a connection that nobody heard of lately waits for none.
"""

from __future__ import annotations

import time
from collections import deque

from cucmos_shell.frontends.shares import Share

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Protocol

    class Asker(Protocol):
        """A connection whose input may have to wait."""

        share: Share

        def work(self, left: Callable[[], float]) -> bool:
            """Work on input until it is gone, or no seconds are `left`; whether it is not gone."""


# Seconds of the loop a turn takes; a packet that takes longer is worked through all the same.
TURN = 0.001
# What may be used without standing in the line: a part of all the time, and so many seconds of it
# at a time. Those who have not signed in have it together, too, since they may be one.
FREE, BURST = 0.05, 0.02
STRANGERS_FREE, STRANGERS_BURST = 0.2, 0.1
# A turn that could not be divided is followed by so many times as long without one, if there are
# others: key exchanges with large groups take 50 ms.
UNDIVIDED, REST, MAX_REST = 0.01, 20.0, 2.0
OTHERS_SECONDS = 1.0
# If there are others, turns in the line are so many times their length apart, and take a third of
# the loop at most: a thread that needs the interpreter now and then waits for each, and a process
# that asks for all of a processor gets none when it has something urgent.
APART = 2.0
MAX_SHARES = 1024


class Turns:
    """The line; `clock` tells the processor seconds of the thread that the loop runs in."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._next = 0.0
        self._given = False
        self._strangers: Share = Share(STRANGERS_FREE, STRANGERS_BURST)
        self._shares: dict[str, Share] = {}
        self._line: deque[Share] = deque()
        self._call: asyncio.Handle | None = None

    def stranger(self, network: str) -> Share:
        """The share of those who have not signed in, and come from this network."""
        return self._share_of(f"a:{network}", self._strangers)

    def account(self, name: str) -> Share:
        """The share of an account."""
        return self._share_of(f"n:{name}", None)

    def count(self, share: Share, seconds: float) -> None:
        """Note that something outside of turns takes so long."""
        share.charge(seconds, self._loop.time())

    def crowded(self) -> bool:
        """Whether those who have not signed in take more of the loop than is served at once."""
        return not self._strangers.modest(self._loop.time())

    def _share_of(self, key: str, whole: Share | None) -> Share:
        found = self._shares.get(key)
        if found is None:
            if len(self._shares) >= MAX_SHARES:
                now = self._loop.time()
                kept = {k: p for k, p in self._shares.items() if not p.forgettable(now)}
                self._shares = kept
            found = self._shares[key] = Share(FREE, BURST, whole)
        return found

    def ask(self, asker: Asker) -> None:
        """Let `asker` work, now or when it is its turn. It must not wait for one already."""
        now = self._loop.time()
        at_once = asker.share.modest(now) and now >= asker.share.rests_until
        if at_once and not self._give(asker, now):
            return
        self._enter(asker)
        self._go_on()

    def _enter(self, asker: Asker) -> None:
        share = asker.share
        if not share.waiting:
            self._line.append(share)
        share.waiting.append(asker)

    def _give(self, asker: Asker, now: float) -> bool:
        """A turn. Returns whether there is more to do."""
        share, begun = asker.share, self._clock()
        self._given = True
        try:
            return asker.work(lambda: begun + TURN - self._clock())
        finally:
            self._given = False
            self._charge(share, self._clock() - begun, now)

    def beside(self, asker: Asker, function: Callable[[], object]) -> None:
        """Run what is done for `asker` outside of its turns, too, so that it counts."""
        if self._given:
            function()
            return
        begun = self._clock()
        function()
        self._charge(asker.share, self._clock() - begun, self._loop.time())

    def _charge(self, share: Share, spent: float, now: float) -> None:
        share.charge(spent, now)
        others = self._others(share, now)
        self._next = now + APART * min(spent, UNDIVIDED) if others else now
        if spent >= UNDIVIDED and others:
            share.rests_until = now + min(REST * spent, MAX_REST)

    def _others(self, share: Share, now: float) -> bool:
        return any(
            other is not share and now - other.last < OTHERS_SECONDS
            for other in self._shares.values()
        )

    def _serve(self) -> None:
        """One turn, for the first in the line that need not rest."""
        self._call = None
        now = self._loop.time()
        for _ in range(len(self._line)):
            share = self._line.popleft()
            if share.rests_until > now:
                self._line.append(share)
                continue
            asker = share.waiting.popleft()
            if share.waiting:
                self._line.append(share)
            if self._give(asker, now):
                self._enter(asker)
            break
        self._go_on()

    def _go_on(self) -> None:
        """Have the next turn in the next round of the loop, or when the first has rested."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        if self._line:
            now = self._loop.time()
            first = max(self._next, min(share.rests_until for share in self._line))
            if first > now:
                self._call = self._loop.call_at(first, self._serve)
            else:
                self._call = self._loop.call_soon(self._serve)
