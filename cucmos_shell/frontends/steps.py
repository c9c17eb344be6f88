"""Threads for the steps of commands: what an account's steps take, they take from each other.

Steps of those who have used little of the processor lately begin at once. Of the others an account
has one at a time, and all together two. A step that waits for the network lends its place in the
pool meanwhile.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cucmos_shell.frontends.lines import WaitingLine
from cucmos_shell.frontends.shares import Share

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

# Steps that run at once, of all and of one account (those that wait for the network among these),
# and so many more threads for steps that wait for the network. Once half of those are taken, of an
# account FEW: a dozen accounts do not take them all.
THREADS, EACH, FEW, MAX_AWAY = 32, 8, 1, 96
# Steps that run at once of those who have used more than FREE of a processor, BURST seconds of it
# at a time.
MAX_HEAVY, FREE, BURST = 2, 0.1, 0.1
# Each such step is followed by so many times its length without one, if there are others.
APART, MAX_APART = 2.0, 0.1
OTHERS_SECONDS = 1.0
MAX_SHARES = 1024
# The node itself, whose steps are counted by whoever makes them.
NODE = ""

_thread = threading.local()


def lend(wait: Callable[[], T]) -> T:
    """What `wait` gives, which waits for somebody outside: others have its place meanwhile."""
    step: RunningStep | None = getattr(_thread, "step", None)
    if step is None:
        return wait()
    step.steps.tell(step.left)
    try:
        return wait()
    finally:
        step.steps.tell(step.back)


class RunningStep:
    """A step of an account that runs; all but `run` is for the thread of the loop."""

    def __init__(
        self,
        steps: Steps,
        whose: str,
        function: Callable[[], object],
        then: Callable[[object], None],
    ) -> None:
        self.steps = steps
        self.whose = whose
        self.heavy = False
        self.away = False
        self._function = function
        self._then = then

    def run(self) -> None:
        """Run it, in a thread of the pool."""
        result: object
        _thread.step = self
        begun = time.thread_time()
        try:
            result = self._function()
        except BaseException as error:
            result = error
        _thread.step = None
        spent = time.thread_time() - begun
        self.steps.tell(lambda: self.steps.ended(self, spent, lambda: self._then(result)))

    def left(self) -> None:
        """It waits for the network now."""
        self.steps.leave(self)

    def back(self) -> None:
        """It waits no more."""
        self.steps.come_back(self)


class Steps:
    """The pool; made on the loop, for whose thread it is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pool = ThreadPoolExecutor(THREADS + MAX_AWAY, "step")
        self._line = WaitingLine()
        self._shares: dict[str, Share] = {}
        self._of: dict[str, int] = {}
        self._heavy_of: set[str] = set()
        self._at_work = self._away = self._heavy = 0
        self.running = 0

    def begin(
        self, whose: str, function: Callable[[], object], then: Callable[[object], None]
    ) -> None:
        """Run `function` when it is its turn; what it returns, or raises, goes to `then`."""
        self.running += 1
        self._line.put((whose, ""), RunningStep(self, whose, function, then))
        self._go_on()

    def close(self) -> None:
        """Begin nothing more."""
        self._line = WaitingLine()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def tell(self, function: Callable[[], object]) -> None:
        """Have `function` called on the loop, from any thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    # --- whose turn it is -------------------------------------------------------------------------

    def _go_on(self) -> None:
        while self._at_work < THREADS and (step := self._line.take(self._may)) is not None:
            step.heavy = not self._modest(step.whose)
            self._count(step, 1)
            self._of[step.whose] = self._of.get(step.whose, 0) + 1
            # After the end there are no threads any more: what is still to be done is left undone.
            with contextlib.suppress(RuntimeError):
                self._pool.submit(step.run)

    def _may(self, whose: str) -> bool:
        if whose == NODE:
            return True
        if self._of.get(whose, 0) >= (EACH if self._away < MAX_AWAY // 2 else FEW):
            return False
        if self._modest(whose):
            return True
        rests = self._loop.time() < self._shares[whose].rests_until
        return self._heavy < MAX_HEAVY and whose not in self._heavy_of and not rests

    def _modest(self, whose: str) -> bool:
        return whose not in self._shares or self._shares[whose].modest(self._loop.time())

    def _count(self, step: RunningStep, more: int) -> None:
        self._at_work += more
        if step.heavy:
            self._heavy += more
            (self._heavy_of.add if more > 0 else self._heavy_of.discard)(step.whose)

    def ended(self, step: RunningStep, spent: float, then: Callable[[], object]) -> None:
        """A step has ended, and has taken so many processor seconds."""
        if step.away:
            self.come_back(step)
        self.running -= 1
        self._count(step, -1)
        self._of[step.whose] -= 1
        if not self._of[step.whose]:
            del self._of[step.whose]
        self._charge(step, spent)
        then()
        self._go_on()

    def _charge(self, step: RunningStep, spent: float) -> None:
        if step.whose == NODE:
            return
        now = self._loop.time()
        share = self._shares.get(step.whose)
        if share is None:
            if len(self._shares) >= MAX_SHARES:
                self._shares = {k: s for k, s in self._shares.items() if not s.forgettable(now)}
            share = self._shares[step.whose] = Share(FREE, BURST)
        share.charge(spent, now)
        others = any(
            s is not share and now - s.last < OTHERS_SECONDS for s in self._shares.values()
        )
        if step.heavy and others:
            pause = min(APART * spent, MAX_APART)
            share.rests_until = now + pause
            self._loop.call_later(pause, self._go_on)

    # --- who waits for the network ----------------------------------------------------------------

    def leave(self, step: RunningStep) -> None:
        """A step waits for the network, and others may have its place."""
        if self._away < MAX_AWAY and not step.away:
            step.away = True
            self._away += 1
            self._count(step, -1)
            self._go_on()

    def come_back(self, step: RunningStep) -> None:
        """It goes on, beside whoever has its place."""
        if step.away:
            step.away = False
            self._away -= 1
            self._count(step, 1)
