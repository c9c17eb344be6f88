"""The rich console: a session, the reader of its lines, and the terminal that carries them out."""

from __future__ import annotations

import os
import signal
import time

from cucmos_shell.cli.paste import begins_block
from cucmos_shell.frontends.rich.background import Background
from cucmos_shell.frontends.rich.line import Ended, LineReader
from cucmos_shell.frontends.rich.moving import MovingTerminal
from cucmos_shell.frontends.rich.theme import Paint
from cucmos_shell.frontends.tty import RawMode, Signals, TtyLoop, size
from cucmos_shell.terminal.terminal import IDLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any

    from cucmos_shell.frontends.rich.protocols import RichPartner
    from cucmos_shell.node.node import Attention


class _Endings:
    """Signals to end, noted while the block lasts; `notify` is called in the signal handler."""

    def __init__(self) -> None:
        self.number = 0
        self.notify: Callable[[], None] = lambda: None
        self._old: dict[int, Any] = {}

    def __enter__(self) -> _Endings:
        for number in (*Signals.ENDING, signal.SIGINT):
            self._old[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, _: FrameType | None) -> None:
        # An interrupt between two readings finds nothing to interrupt.
        if number != signal.SIGINT:
            self.number = number
            self.notify()

    @property
    def status(self) -> int:
        """The exit status of a program that such a signal ended; 0 without one."""
        return 128 + self.number if self.number else 0

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class _Console:
    """The session, the line reader, and the terminal that carries out lines."""

    def __init__(
        self,
        session: RichPartner,
        stdin: int,
        stdout: int,
        raw: RawMode,
        endings: _Endings,
        history: list[str],
        idle_timeout: float | None,
        attention: Callable[[], Attention] | None,
        now: Callable[[], float],
    ) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._raw = raw
        self._endings = endings
        self._reader = LineReader(
            session,
            stdin,
            stdout,
            history,
            Background(session.walker.families()),
            attention,
            idle_timeout,
            now,
        )
        endings.notify = self._reader.signalled
        columns, rows = size(stdout)
        self._terminal = MovingTerminal(
            session, Paint(self._reader.depth), columns=columns, rows=rows,
            idle_timeout=idle_timeout,
        )  # fmt: skip

    def serve(self, banner: Iterable[str]) -> int:
        """Serve until the session ends. Returns the exit status."""
        try:
            self._terminal.start(banner, time.monotonic())
            status = self._drive()
            while not status and not self._terminal.ended:
                status = self._one_line()
        except OSError:
            return self._endings.status or 128 + signal.SIGHUP
        return status

    def _one_line(self) -> int:
        terminal = self._terminal
        try:
            if self._endings.number:
                raise Ended
            line = self._reader.read()
        except KeyboardInterrupt:
            return 0
        except EOFError:
            terminal.ended = True
            return 0
        except Ended:
            if not self._endings.number:
                terminal.editor.output.write(IDLE)
            terminal.ended = True
            return self._drive() or self._endings.status
        now = time.monotonic()
        lines = line.split("\n")
        behind = "".join(f"{each}\r" for each in lines[1:]).encode() + self._reader.typed_ahead()
        if begins_block(lines[0]):
            terminal.editor.receive(behind, now)
            terminal.drop_block(lines[0], now)
        elif lines[0].strip():
            terminal.receive(behind, now)
            terminal.run_line(lines[0])
        else:
            self._reader.give_back(behind)
            return 0
        status = self._drive()
        self._reader.give_back(terminal.editor.give_back())
        return status

    def _drive(self) -> int:
        """Serve the terminal until the line is done; 128 and the signal that ended it, or 0."""
        terminal = self._terminal
        with Signals() as signals:
            if self._endings.number:
                # It came before the loop could hear of it.
                signals.ending = self._endings.number
                os.write(signals.wake, b"\0")
            terminal.resize(*size(self._stdout))
            self._raw.again()
            loop = TtyLoop(terminal, self._stdin, self._stdout, signals, self._raw)
            status = loop.run(until=lambda: terminal.idle)
            gone = loop.stop()
        if not gone:
            self._raw.__exit__()
            os._exit(status)
        return status


def run(
    session: RichPartner,
    stdin_fd: int,
    stdout_fd: int,
    banner_lines: Iterable[str],
    *,
    history: list[str] | None = None,
    idle_timeout: float | None = None,
    attention: Callable[[], Attention] | None = None,
    now: Callable[[], float] = time.time,
) -> int:
    """Serve `session` at a terminal until it ends. Returns the exit status.

    `attention` gives what the toolbar is to name, `now` the seconds since the epoch. The rest is
    as in `console.run`.
    """
    with _Endings() as endings, RawMode(stdin_fd) as raw:
        console = _Console(
            session,
            stdin_fd,
            stdout_fd,
            raw,
            endings,
            history if history is not None else [],
            idle_timeout,
            attention,
            now,
        )
        return console.serve(banner_lines)
