"""Lines that nobody types: `-c`, a file, a pipe. No banner, no prompt, no echo."""

from __future__ import annotations

import os

from cucmos_shell.results import Pause, Say
from cucmos_shell.session.script import Peek, Script, Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.session import Session

else:
    try:
        # `signal` makes enumerations of this, which takes a tenth of a one-shot command's time.
        import _signal as signal
    except ImportError:
        import signal

MAX_LINE = 65_536
INTERRUPTED = 130


class Lines:
    """The lines of a descriptor, with one line of look-ahead."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""
        self._at_end = False
        self._ahead: list[str] = []
        self.terminal = os.isatty(descriptor)

    def peek(self, wait: bool = True) -> str | None:
        """The next line without its end, left in place; None at the end, or if it is to come."""
        if not self._ahead and (line := self._read(wait)) is not None:
            self._ahead.append(line)
        return self._ahead[0] if self._ahead else None

    def take(self) -> None:
        """Take the line that `peek` showed."""
        self._ahead.clear()

    def _read(self, wait: bool) -> str | None:
        while not self._at_end and b"\n" not in self._buffer:
            while not self._ready():
                if not wait:
                    return None
                self._wait()
            data = os.read(self._descriptor, 65_536)
            self._at_end = not data
            if len(self._buffer) > MAX_LINE and b"\n" in data:
                data = data[data.index(b"\n") :]
            if len(self._buffer) <= MAX_LINE or b"\n" in data:
                self._buffer += data
        if not self._buffer or not (self._at_end or b"\n" in self._buffer):
            return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def _ready(self) -> bool:
        import select

        return bool(select.select([self._descriptor], [], [], 0)[0])

    def _wait(self) -> None:
        """Until there is input, or a signal: one that comes just before a read would be seen after
        it only, which is never where nobody types."""
        import select

        source, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        try:
            select.select([self._descriptor, source], [], [])
        finally:
            signal.set_wakeup_fd(before)
            os.close(source)
            os.close(wake)


def _columns() -> int:
    """The width of the terminal that standard output is; 0 if it is none, or does not know it."""
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return 0


class Batch:
    """Drives a script with standard output, and `answers` for what it asks (see `Script`)."""

    def __init__(self, session: Session, answers: Lines, **policy: bool) -> None:
        self._session = session
        self._answers = answers
        self._policy = policy
        self._script: Script | None = None
        self._may_break = False

    def run(self, lines: Iterator[str] | None = None) -> int:
        """Run `lines`, or those of the input itself, to their end.

        The exit status of the first failure, or 0; 130 for Ctrl-C.
        """
        self._session.width = _columns()
        typed = self._answers.terminal
        script = self._script = Script(self._session, lines, typed=typed, **self._policy)
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            status = self._drive(script)
        finally:
            signal.signal(signal.SIGINT, before)
        return INTERRUPTED if script.broken else status

    def _drive(self, script: Script) -> int:
        wants = script.run()
        answer: Any = None
        try:
            want = next(wants)
            while True:
                try:
                    answer = self._meet(want)
                except OSError as error:
                    want = wants.throw(error)
                else:
                    want = wants.send(answer)
        except StopIteration as stop:
            return int(stop.value)

    def _on_interrupt(self, number: int, frame: object) -> None:
        """Ctrl-C is looked at between steps, and breaks nothing off but waiting and reading."""
        if self._script is not None:
            self._script.broken = True
        if self._may_break:
            raise KeyboardInterrupt

    def _meet(self, want: object) -> Any:
        if isinstance(want, Work):
            return want.function()
        if isinstance(want, Say):
            self.write(want.text, 2 if want.aside else 1)
            return None
        # Waiting or reading begins: Ctrl-C may break it off.
        try:
            self._may_break = True
            try:
                if self._script is None or not self._script.broken:
                    return self._wait(want)
            finally:
                self._may_break = False
        except KeyboardInterrupt:
            return None
        return None

    def _wait(self, want: object) -> str | None:
        if isinstance(want, Pause):
            self._session.node.world.sleep(want.seconds)
        elif not isinstance(want, Peek):
            self._answers.take()
        elif want.secret and self._answers.terminal:
            return self._unseen()
        else:
            return self._answers.peek(wait=want.seconds != 0)
        return None

    def _unseen(self) -> str | None:
        """A line typed on the terminal without echo."""
        from cucmos_shell.frontends.tty import Leaving, NoEcho, Signals

        try:
            with Leaving(*Signals.ENDING), NoEcho(0, flush=False):
                return self._answers.peek()
        finally:
            self.write("\n")

    def write(self, text: str, descriptor: int = 1) -> None:
        """Write whole lines to standard output, or elsewhere."""
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        while data:
            data = data[os.write(descriptor, data) :]
