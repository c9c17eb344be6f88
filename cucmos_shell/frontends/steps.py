"""Threads for the steps of commands: what an account's steps take, they take from each other.

Steps of those who have used little of the processor lately begin at once. Of the others an account
has one at a time, and all together two. A step that waits for somebody outside (see `World.wait`)
leaves its place in the pool to others, and has one among those that wait until it ends.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cucmos_shell.errors import Busy
from cucmos_shell.frontends.lines import WaitingLine
from cucmos_shell.frontends.memory import trim
from cucmos_shell.frontends.shares import Share

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

# Steps that run at once, of all and of one account (those that wait for somebody outside among
# these), and so many more that wait. Once half of those are taken, an account has FEW: a dozen
# accounts do not take them all.
THREADS, EACH, FEW, MAX_AWAY = 32, 8, 1, 96
# What nodes do by themselves, which may wait as well, takes no more threads when there are more
# nodes.
MAX_RUNS = 4
# Steps that run at once of those who have used more than FREE of a processor, BURST seconds of it
# at a time.
MAX_HEAVY, FREE, BURST = 2, 0.1, 0.1
# Each such step is followed by so many times its length without one, if there are others.
APART, MAX_APART = 2.0, 0.1
OTHERS_SECONDS = 1.0
MAX_SHARES = 1024
# A step that has taken so many processor seconds may leave much memory behind.
MUCH = 0.05
# The node itself, whose steps are counted by whoever makes them.
NODE = ""

# A step cannot wait for its turn to wait: it would hold the thread that is missing.
CROWDED = "Too many commands wait for other servers at this moment; try again in a moment"

_thread = threading.local()


def lend(wait: Callable[[], T]) -> T:
    """What `wait` gives, which waits for somebody outside: others have its place meanwhile.

    Raises Busy, before the first `wait` of a step only, where there are too many that wait.
    """
    step: RunningStep | None = getattr(_thread, "step", None)
    if step is None:
        return wait()
    step.steps.let_wait(step)
    try:
        return wait()
    finally:
        step.steps.waited(step)


class RunningStep:
    """A step of an account that runs, in a thread of the pool."""

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
        self.at_work = True
        self._function = function
        self._then = then

    def run(self) -> None:
        """Run it."""
        result: object
        _thread.step = self
        begun = time.thread_time()
        try:
            result = self._function()
        except BaseException as error:
            result = error
        _thread.step = None
        spent = time.thread_time() - begun
        if spent > MUCH:
            trim()
        self.steps.tell(lambda: self.steps.ended(self, spent, lambda: self._then(result)))


class Steps:
    """The pool; made on the loop, for whose thread it is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pool = ThreadPoolExecutor(THREADS + MAX_AWAY + MAX_RUNS, "step")
        self._line = WaitingLine()
        self._shares: dict[str, Share] = {}
        self._of: dict[str, int] = {}
        self._heavy_of: set[str] = set()
        self._at_work = self._away = self._heavy = 0
        self._places = threading.Lock()
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
            self._at_work += 1
            self._weigh(step, 1)
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

    def _weigh(self, step: RunningStep, more: int) -> None:
        if step.heavy:
            self._heavy += more
            (self._heavy_of.add if more > 0 else self._heavy_of.discard)(step.whose)

    def ended(self, step: RunningStep, spent: float, then: Callable[[], object]) -> None:
        """A step has ended, and has taken so many processor seconds."""
        self.running -= 1
        self._at_work -= step.at_work
        self._weigh(step, -1)
        if step.away:
            with self._places:
                self._away -= 1
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

    # --- who waits for somebody outside -----------------------------------------------------------

    def let_wait(self, step: RunningStep) -> None:
        """A step, in whose thread this is, is about to wait: it gets a place once. Raises Busy.

        What nodes do by themselves has MAX_RUNS places of its own.
        """
        if not step.away and step.whose != NODE:
            with self._places:
                if self._away >= MAX_AWAY:
                    raise Busy(CROWDED)
                self._away += 1
            step.away = True
        if step.at_work or step.heavy:
            self.tell(lambda: self._left(step))

    def waited(self, step: RunningStep) -> None:
        """A step, in whose thread this is, goes on: its place may be somebody else's now."""
        if step.heavy:
            self.tell(lambda: self._weigh(step, 1))

    def _left(self, step: RunningStep) -> None:
        self._at_work -= step.at_work
        step.at_work = False
        self._weigh(step, -1)
        self._go_on()
