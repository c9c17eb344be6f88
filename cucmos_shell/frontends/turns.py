"""Whose input is worked on next: each account, and each network before the sign-in, has its turn.

Who asks for little is served at once, unless many do together. Everybody else stands in a line, of
which each round of the loop serves one, whoever has had least of it: so a flood of many connections
takes as much of a round as one of a single connection, and who has asked for nothing lately comes
before all floods, however many they are (start-time fair queueing).
"""

from __future__ import annotations

import time
from operator import attrgetter

from cucmos_shell.frontends.shares import Share

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Protocol

    class Asker(Protocol):
        """A connection whose input may have to wait; a turn counts for `least` seconds."""

        share: Share
        least: float

        def work(self, left: Callable[[], float]) -> bool:
            """Work on input until it is gone, or no seconds are `left`; whether it is not gone."""


# Seconds of the loop a turn takes; a packet that takes longer is worked through all the same.
TURN = 0.001
# What may be used without standing in the line: a part of all the time, and so many seconds of it
# at a time. Those who have not signed in have it together, too, since they may be one, and so have
# all accounts.
FREE, BURST = 0.05, 0.02
TOGETHER_FREE, TOGETHER_BURST = 0.2, 0.1
# A turn that could not be divided is followed by so many times as long without one, if there are
# others: key exchanges with large groups take 50 ms. Who has had two in SLOW_SECONDS rests after
# those of all others, too.
UNDIVIDED, REST, MAX_REST, SLOW_SECONDS = 0.01, 30.0, 2.0, 60.0
OTHERS_SECONDS = 1.0
# If there are others, turns in the line are so many times their length apart, and take a third of
# the loop at most: a thread that needs the interpreter now and then waits for each, and a process
# that asks for all of a processor gets none when it has something urgent.
APART = 2.0
MAX_SHARES = 1024
_had = attrgetter("had")


class Turns:
    """The line; `clock` tells the processor seconds of the thread that the loop runs in."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._next = 0.0
        self._given = False
        self._had = self._rest_until = 0.0
        self._strangers: Share = Share(TOGETHER_FREE, TOGETHER_BURST)
        self._accounts: Share = Share(TOGETHER_FREE, TOGETHER_BURST)
        self._shares: dict[str, Share] = {}
        self._line: list[Share] = []
        self._call: asyncio.Handle | None = None

    def stranger(self, network: str) -> Share:
        """The share of those who have not signed in, and come from this network."""
        return self._share_of(f"a:{network}", self._strangers)

    def account(self, name: str) -> Share:
        """The share of an account."""
        return self._share_of(f"n:{name}", self._accounts)

    def count(self, share: Share, seconds: float) -> None:
        """Note that something outside of turns takes so long."""
        share.charge(seconds, self._loop.time())

    def crowded(self) -> bool:
        """Whether those who have not signed in take more of the loop than is served at once."""
        return not self._strangers.modest(self._loop.time())

    def in_the_way(self) -> bool:
        """Whether they do while accounts use the loop, too."""
        return self.crowded() and self._loop.time() - self._accounts.last < OTHERS_SECONDS

    def _share_of(self, key: str, whole: Share) -> Share:
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
        at_once = asker.share.modest(now) and now >= self._rests_until(asker.share)
        if at_once and not self._give(asker, now, at_once=True):
            return
        self._enter(asker)
        self._go_on()

    def _enter(self, asker: Asker) -> None:
        share = asker.share
        if not share.waiting:
            share.had = max(share.had, self._had)
            self._line.append(share)
        share.waiting.append(asker)

    def _give(self, asker: Asker, now: float, at_once: bool = False) -> bool:
        """A turn. Returns whether there is more to do."""
        share, begun = asker.share, self._clock()
        self._given = True
        try:
            return asker.work(lambda: begun + TURN - self._clock())
        finally:
            self._given = False
            self._charge(share, max(self._clock() - begun, asker.least), now, at_once)

    def beside(self, asker: Asker, function: Callable[[], object]) -> None:
        """Run what is done for `asker` outside of its turns, too, so that it counts."""
        if self._given:
            function()
            return
        begun = self._clock()
        function()
        spent, share = self._clock() - begun, asker.share
        self._charge(share, spent, self._loop.time(), at_once=not share.waiting)

    def _charge(self, share: Share, spent: float, now: float, at_once: bool = False) -> None:
        # What an account has in the line takes nothing from what others have at once.
        share.charge(spent, now, alone=share.whole is self._accounts and not at_once)
        if not at_once:
            share.had = max(share.had, self._had) + spent
        others = self._others(share, now)
        self._next = now + APART * min(spent, UNDIVIDED) if others else now
        if spent >= UNDIVIDED and others:
            share.rests_until = self._rest_until = now + min(REST * spent, MAX_REST)
            share.slow_until = now + SLOW_SECONDS if share.slow_at > now - SLOW_SECONDS else 0.0
            share.slow_at = now

    def _rests_until(self, share: Share) -> float:
        is_slow = share.slow_until > self._rest_until
        return self._rest_until if is_slow else share.rests_until

    def _others(self, share: Share, now: float) -> bool:
        return any(
            other is not share and (other.waiting or now - other.last < OTHERS_SECONDS)
            for other in self._shares.values()
        )

    def _serve(self) -> None:
        """One turn, for who has had least of those in the line that need not rest."""
        self._call = None
        now = self._loop.time()
        ready = [share for share in self._line if self._rests_until(share) <= now]
        if ready:
            share = min(ready, key=_had)
            self._had = share.had
            asker = share.waiting.popleft()
            if not share.waiting:
                self._line.remove(share)
            if self._give(asker, now):
                self._enter(asker)
        self._go_on()

    def _go_on(self) -> None:
        """Have the next turn in the next round of the loop, or when the first has rested."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        if self._line:
            now = self._loop.time()
            first = max(self._next, min(map(self._rests_until, self._line)))
            if first > now:
                self._call = self._loop.call_at(first, self._serve)
            else:
                self._call = self._loop.call_soon(self._serve)
