"""A thread in which the questions about a line are answered, so that no key waits for a disk."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from queue import Empty, SimpleQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


class Inquiry:
    """Something to be looked up; `answer` gets what it comes to, on the event loop it came from."""

    def __init__(self, ask: Callable[[], Any], answer: Callable[[Any], None]) -> None:
        self._ask = ask
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._dropped = False
        self._known = threading.Event()
        self._found: object = None

    def drop(self) -> None:
        """Nobody waits for the answer any more."""
        self._dropped = True

    def find(self) -> None:
        """Look it up, in a thread. What cannot be looked up is not answered."""
        if self._dropped:
            return
        try:
            found = self._ask()
        except Exception:
            # All of this is an extra: what goes wrong is for the commands to report.
            return
        self._found = found
        self._known.set()
        # A loop that is closed waits for no answer.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._give, context=self._context)

    def wait(self, patience: float) -> None:
        """Let the answer be given at once if it is found within `patience` seconds."""
        if self._known.wait(patience):
            self._give()

    def _give(self) -> None:
        if not self._dropped:
            self._dropped = True
            self._answer(self._found)


class Background:
    """Answers questions one after another; the process ends whatever it is at.

    `idly` is gone through, a step at a time, while nobody asks anything.
    """

    def __init__(self, idly: Iterator[object]) -> None:
        self._questions: SimpleQueue[Inquiry] = SimpleQueue()
        self._idly: Iterator[object] | None = idly
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def ask(self, ask: Callable[[], Any], answer: Callable[[Any], None]) -> Inquiry:
        """Let `answer` have what `ask` returns. To be called on an event loop."""
        question = Inquiry(ask, answer)
        self._questions.put(question)
        if not self._thread.is_alive():
            self._thread.start()
        return question

    def _run(self) -> None:
        while True:
            self._next().find()

    def _next(self) -> Inquiry:
        while self._idly is not None:
            with contextlib.suppress(Empty):
                return self._questions.get_nowait()
            try:
                next(self._idly)
            except Exception:
                # Its end; or what it does ahead of time fails again where it is needed.
                self._idly = None
        return self._questions.get()
