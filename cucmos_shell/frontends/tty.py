"""A terminal device: raw for as long as a session lasts, and the loop that serves it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import threading
import time
from collections import deque
from queue import SimpleQueue

from cucmos_shell.terminal.keys import preload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any, ClassVar

    from cucmos_shell.terminal import Terminal
    from cucmos_shell.terminal.protocols import Work

READ_SIZE = 4096
# Work that is still running when the line is lost gets this long to come to its end.
GRACE = 0.5

_INPUT, _OUTPUT, _LOCAL, _CONTROL, _CHARACTERS = 0, 1, 3, 2, 6


class RawMode:
    """Takes a terminal out of the kernel's hands: no echo, no signals, no line ends made up.

    Left however the block is left. `flush` drops what was typed and not read, which nobody must
    find at another prompt. A descriptor that is no terminal is left alone. Entered again inside,
    it knows what the terminal was before the outermost block, and leaves it so.
    """

    _before: ClassVar[dict[int, list[Any]]] = {}

    def __init__(self, descriptor: int, *, flush: bool = True) -> None:
        self._descriptor = descriptor
        self._flush = flush
        self._saved: list[Any] | None = None

    def __enter__(self) -> RawMode:
        try:
            now = termios.tcgetattr(self._descriptor)
        except termios.error:
            return self
        self._saved = self._before.setdefault(self._descriptor, now)
        self.again()
        return self

    def again(self) -> None:
        """Set the mode (once more, after somebody else has had the terminal)."""
        if self._saved is None:
            return
        mode = [*self._saved[:_CHARACTERS], list(self._saved[_CHARACTERS])]
        mode[_INPUT] &= ~(
            termios.BRKINT | termios.PARMRK | termios.INPCK | termios.ISTRIP
            | termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON | termios.IXOFF
        )  # fmt: skip
        mode[_OUTPUT] &= ~termios.OPOST
        mode[_LOCAL] &= ~(
            termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN
        )
        mode[_CONTROL] = mode[_CONTROL] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        mode[_CHARACTERS][termios.VMIN] = 1
        mode[_CHARACTERS][termios.VTIME] = 0
        self._set(mode)

    def _set(self, mode: list[Any]) -> None:
        # An error means that the line is lost, and its mode with it.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, mode)

    @classmethod
    def give_all_back(cls) -> None:
        """Set every terminal that was ever taken as it was before."""
        for descriptor, mode in cls._before.items():
            with contextlib.suppress(termios.error):
                termios.tcsetattr(descriptor, termios.TCSANOW, mode)

    def __exit__(self, *_: object) -> None:
        if self._saved is None:
            return
        if self._flush:
            with contextlib.suppress(termios.error):
                termios.tcflush(self._descriptor, termios.TCIFLUSH)
        self._set(self._saved)


class NoEcho(RawMode):
    """Takes only the echo away from a terminal."""

    def again(self) -> None:
        """Set the mode (once more, after somebody else has had the terminal)."""
        if self._saved is not None:
            mode = [*self._saved]
            mode[_LOCAL] &= ~termios.ECHO
            self._set(mode)


class Leaving:
    """Signals that end the program at once, while the block lasts; main thread only.

    Terminals are given back by the signal's handler itself: between taking one and being ready to
    give it back no block knows of it. A second signal does not wait for anything. `numbers` are the
    signals; the exit status is 128 and the signal's number.
    """

    def __init__(self, *numbers: int) -> None:
        self._numbers = numbers
        self._old: dict[int, Any] = {}
        self._left = False

    def __enter__(self) -> Leaving:
        for number in self._numbers:
            self._old[number] = signal.signal(number, self._leave)
        return self

    def _leave(self, number: int, _: FrameType | None) -> None:
        RawMode.give_all_back()
        if self._left:
            os._exit(128 + number)
        self._left = True
        raise SystemExit(128 + number)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class LineLost(BaseException):
    """A signal to end, seen while a write was blocked by a terminal that takes nothing."""


class Signals:
    """Signals as bytes in a pipe, while the block lasts; main thread only.

    `ending`: the number of the signal that wants the session to end, 0 if none. `noted`: a signal
    came since the last `drain`, perhaps in the same moment as input, and is to be seen first.
    `wake` is written to by anybody who wants the loop's attention.
    """

    ENDING = (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)
    NOTED = (signal.SIGINT, signal.SIGWINCH, signal.SIGCONT)

    def __init__(self) -> None:
        self.ending = 0
        self.writing = False
        self.noted = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        self.source, self.wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # First of all: a signal that only a handler has seen would wake nobody.
        self._old_wake = signal.set_wakeup_fd(self.wake, warn_on_full_buffer=False)
        for number in (*self.ENDING, *self.NOTED):
            self._old[number] = signal.signal(number, self._handle)
        self._old[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        return self

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.noted = True
        if number in self.ENDING:
            self.ending = number
            if self.writing:
                raise LineLost

    def drain(self) -> bytes:
        """The numbers of the signals since the last call, and a 0 for each other wake-up."""
        self.noted = False
        try:
            return os.read(self.source, READ_SIZE)
        except BlockingIOError:
            return b""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.writing = False
        signal.set_wakeup_fd(self._old_wake)
        for number, handler in self._old.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        os.close(self.source)
        os.close(self.wake)


class Worker:
    """One thread that does one thing after another, started with the first of them."""

    def __init__(self, wake: int) -> None:
        self._wake = wake
        self._jobs: SimpleQueue[tuple[Work, bool] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.results: deque[object] = deque()

    def submit(self, work: Work, report: bool = True) -> None:
        """Do `work`; its result, or its exception, goes to `results` if it is to be reported."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="work", daemon=True)
            self._thread.start()
        self._jobs.put((work, report))

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, report = job
            result: object
            try:
                result = work()
            except BaseException as error:
                result = error
            if report:
                self.results.append(result)
                try:
                    os.write(self._wake, b"\0")
                except OSError:
                    return

    def stop(self, patience: float) -> bool:
        """End the thread. Returns whether it ended within `patience` seconds."""
        if self._thread is None:
            return True
        self._jobs.put(None)
        self._thread.join(patience)
        return not self._thread.is_alive()


def size(descriptor: int) -> tuple[int, int]:
    """Columns and rows of a terminal, 0 if unknown."""
    try:
        found = os.get_terminal_size(descriptor)
    except OSError:
        return 0, 0
    return found.columns, found.lines


class TtyLoop:
    """Serves `terminal` at a pair of descriptors until it is over, or `until` says so."""

    def __init__(
        self,
        terminal: Terminal,
        stdin: int,
        stdout: int,
        signals: Signals,
        raw: RawMode,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal = terminal
        self._stdin = stdin
        self._stdout = stdout
        self._signals = signals
        self._raw = raw
        self._clock = clock
        self._worker = Worker(signals.wake)
        self._lost = False
        self._end_by: float | None = None
        self._preloaded = False
        self._poll = select.poll()
        self._poll.register(signals.source, select.POLLIN)
        self._poll.register(stdin, select.POLLIN)
        self._listening = True

    def run(self, until: Callable[[], bool] = lambda: False) -> int:
        """Serve; 128 and the signal's number if a signal ended it, else 0."""
        terminal = self._terminal
        while True:
            work = terminal.take_work()
            if work is not None:
                self._worker.submit(work)
            try:
                more = self._write_some()
            except LineLost:
                more = False
                self._lose(self._signals.ending)
            if terminal.ended or until():
                if not more:
                    break
                continue
            if self._end_by is not None and self._clock() >= self._end_by:
                break
            self._wait(0.0 if more else self._patience())
        return 128 + self._signals.ending if self._signals.ending else 0

    def stop(self) -> bool:
        """End the worker. Returns whether it has ended."""
        return self._worker.stop(max(0.0, (self._end_by or self._clock() + GRACE) - self._clock()))

    def _patience(self) -> float | None:
        times = [t for t in (self._terminal.deadline, self._end_by) if t is not None]
        return max(0.0, min(times) - self._clock()) if times else None

    def _wait(self, patience: float | None) -> None:
        wants = self._terminal.wants_input and not self._lost
        if wants != self._listening:
            self._listening = wants
            if not self._lost:
                self._poll.modify(self._stdin, select.POLLIN if wants else 0)
        milliseconds = None if patience is None else int(patience * 1000 + 0.999)
        ready = self._poll.poll(milliseconds)
        if self._signals.noted:
            self._notice()
        for descriptor, flags in ready:
            if descriptor != self._stdin:
                self._notice()
            elif not self._lost:
                self._read(flags)
        now = self._clock()
        deadline = self._terminal.deadline
        if deadline is not None and now >= deadline:
            self._terminal.tick(now)

    def _read(self, flags: int) -> None:
        data = b""
        if flags & select.POLLIN:
            try:
                data = os.read(self._stdin, min(READ_SIZE, self._terminal.editor.room))
            except OSError:
                data = b""
        elif not flags & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
            return
        if not data:
            self._lose(signal.SIGHUP)
            return
        if not self._preloaded and len(data) == 1 and data[0] > 0x20 and data != b"?":
            # Single letters come from a person, whose first arrow key should not be late.
            self._preloaded = True
            self._worker.submit(preload, report=False)
        self._terminal.receive(data, self._clock())

    def _notice(self) -> None:
        """Signals and finished work."""
        numbers = self._signals.drain()
        now = self._clock()
        if self._signals.ending:
            self._lose(self._signals.ending)
        if signal.SIGINT in numbers:
            self._terminal.receive(b"\x03", now)
        if signal.SIGCONT in numbers:
            self._raw.again()
        if signal.SIGWINCH in numbers:
            self._terminal.resize(*size(self._stdout))
        while self._worker.results:
            self._terminal.worked(self._worker.results.popleft(), now)

    def _write_some(self) -> bool:
        """Write what is to be written now. Returns whether there is more."""
        data = self._terminal.take_output(self._clock())
        if not data or self._lost:
            return False
        rest = memoryview(data)
        signals = self._signals
        try:
            signals.writing = True
            while rest and not signals.ending:
                try:
                    rest = rest[os.write(self._stdout, rest) :]
                except BlockingIOError:
                    select.select([], [self._stdout], [], 1.0)
        except OSError:
            self._lose(signal.SIGHUP)
        finally:
            signals.writing = False
        return len(self._terminal.editor.output) > 0

    def _lose(self, number: int) -> None:
        """Nobody reads or types any more."""
        if self._lost:
            return
        self._lost = True
        self._signals.ending = self._signals.ending or number
        self._end_by = self._clock() + GRACE
        self._poll.unregister(self._stdin)
        self._terminal.hang_up(self._clock())
