"""Lines without a terminal: `-c`, a file, a pipe, an SSH exec. No banner, no prompt, no echo.

A script reads as what one would type: the lines that follow a command answer its questions, as
long as they are answers, and fill its pastes.
"""

from __future__ import annotations

import os
import signal

from cucmos_shell.cli.wording import choice
from cucmos_shell.results import Ask, AskText, Done, Paste, Pause, Say, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.session import Session

LINE_LIMIT = 65_536
INTERRUPTED = 130


class Lines:
    """The lines of a descriptor or of a list, with one line of look-ahead."""

    def __init__(self, source: int | Iterator[str] | None) -> None:
        self._source = source
        self._buffer = b""
        self._at_end = source is None
        self.terminal = isinstance(source, int) and os.isatty(source)
        self._ahead: list[str] = []

    def peek(self) -> str | None:
        """The next line without its end, left in place; None at the end."""
        if not self._ahead:
            line = self._read()
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[0]

    def next(self) -> str | None:
        """The next line without its end, taken; None at the end."""
        line = self.peek()
        self._ahead.clear()
        return line

    def _read(self) -> str | None:
        if self._source is None:
            return None
        if not isinstance(self._source, int):
            return next(self._source, None)
        while not self._at_end and b"\n" not in self._buffer:
            data = os.read(self._source, 65_536)
            self._at_end = not data
            if len(self._buffer) > LINE_LIMIT and b"\n" in data:
                data = data[data.index(b"\n") :]
            if len(self._buffer) <= LINE_LIMIT or b"\n" in data:
                self._buffer += data
        if not self._buffer:
            return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")


class Batch:
    """Runs lines of a session one after another; `write` gets whole lines of text.

    `answers` supplies what questions and pastes take; `yes` answers every yes/no question, and
    consumes a following answer line. A run stops at the first failure unless `keep_going`.
    """

    def __init__(
        self, session: Session, answers: Lines, *, yes: bool = False, keep_going: bool = False
    ) -> None:
        self._session = session
        self._answers = answers
        self._yes = yes
        self._keep_going = keep_going
        self._interrupted = False
        self._seen = False
        self._may_break = False

    def run(self, lines: Lines) -> int:
        """Run `lines` to their end; the exit status of the first failure, or 0; 130 for Ctrl-C."""
        first = 0
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            while not self._session.ended:
                with self:
                    line = lines.next()
                if line is None:
                    break
                status = self.run_line(line)
                first = first or status
                if self._interrupted:
                    return INTERRUPTED
                if status and not self._keep_going:
                    break
        except KeyboardInterrupt:
            return INTERRUPTED
        finally:
            signal.signal(signal.SIGINT, before)
        return first

    def _on_interrupt(self, number: int, frame: object) -> None:
        """Ctrl-C is looked at between steps, and breaks nothing off but waiting and reading."""
        self._interrupted = True
        if self._may_break:
            raise KeyboardInterrupt

    def __enter__(self) -> None:
        """Waiting or reading begins: Ctrl-C may break it off."""
        self._may_break = True
        if self._interrupted:
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        self._may_break = False

    def run_line(self, line: str) -> int:
        """Run one line; its exit status."""
        execution = self._session.execute(line)
        event = execution.step()
        try:
            while not isinstance(event, Done):
                try:
                    answer = self._meet(event)
                except KeyboardInterrupt:
                    self._seen = True
                    event = execution.interrupt()
                else:
                    event = execution.interrupt() if self._broken_off() else execution.step(answer)
        except OSError:
            # Nobody reads what it says any more; the log is still to know how it ended.
            while not isinstance(event, Done):
                event = execution.interrupt()
            raise
        return event.status

    def _broken_off(self) -> bool:
        """Whether Ctrl-C came during a step; True once."""
        seen, self._seen = self._seen, self._interrupted
        return self._interrupted and not seen

    def _meet(self, event: object) -> str | None:
        if isinstance(event, Say):
            self.write(event.text, 2 if event.aside else 1)
        elif isinstance(event, Pause):
            with self:
                self._session.node.world.sleep(event.seconds)
        else:
            with self:
                return self._answered(event)
        return None

    def _answered(self, event: object) -> str | None:
        if isinstance(event, Ask):
            return self._ask(event)
        if isinstance(event, AskText | Secret):
            self._question(event.prompt)
            if isinstance(event, Secret) and self._answers.terminal:
                return self._unseen()
            return self._answers.next()
        if isinstance(event, Paste):
            self._question(event.prompt + "\n")
            return self._paste()
        return None

    def _question(self, prompt: str) -> None:
        if self._answers.terminal:
            self.write(prompt)
        elif prompt and self._session.settings.output != "json":
            self.write(prompt.rstrip() + "\n")

    def _unseen(self) -> str | None:
        """A line typed on the terminal without echo."""
        import termios

        before = termios.tcgetattr(0)
        quiet = [*before]
        quiet[3] &= ~termios.ECHO
        try:
            termios.tcsetattr(0, termios.TCSADRAIN, quiet)
            return self._answers.next()
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)
            self.write("\n")

    def _ask(self, event: Ask) -> str | None:
        self._question(event.prompt)
        if self._answers.terminal and not self._yes:
            return self._answers.next()
        ahead = None if self._answers.terminal else self._answers.peek()
        answer = choice(ahead, event.choices)
        if answer is not None:
            self._answers.next()
        if self._yes and "yes" in event.choices:
            return "yes"
        if self._yes and "y" in event.choices:
            return "y"
        return answer

    def _paste(self) -> str | None:
        from cucmos_shell.cli.paste import PasteCollector

        collector = PasteCollector()
        while (line := self._answers.peek()) is not None and collector.feed(line):
            self._answers.next()
            if self._answers.terminal and collector.complete and not line:
                break
        return collector.text()

    def write(self, text: str, descriptor: int = 1) -> None:
        """Write whole lines to standard output, or elsewhere."""
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        while data:
            data = data[os.write(descriptor, data) :]
