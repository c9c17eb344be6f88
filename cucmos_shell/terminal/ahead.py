"""Answers typed ahead to questions that do not come: dropped before they can become commands."""

from __future__ import annotations

import re

from cucmos_shell.cli.paste import begins_block
from cucmos_shell.terminal.events import AnswersDropped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds that such lines are waited for; a person needs longer to see that something is wrong.
PATIENCE = 0.3
_LINE_END = re.compile(rb"[\r\n\x03]")
_INTERRUPT = b"\x03"


class AnswersAhead:
    """Takes up to `most` whole lines that come within `PATIENCE`; `understands` a command ends it.

    Read by the editor as a paste is (`PasteReader`), without echo. Ctrl-C takes with it what was
    typed before.
    """

    quiet = False

    def __init__(self, most: int, understands: Callable[[str], bool], now: float) -> None:
        self.outcome = ""
        self.skip_lf = False
        self.deadline = now + PATIENCE
        self._left = most
        self._understands = understands

    def feed(self, data: bytes, now: float) -> int:
        """Take the lines that are dropped from the start of `data`; the number of bytes taken."""
        place = 0
        while not self.outcome:
            if self.skip_lf and data[place : place + 1]:
                self.skip_lf = False
                place += data[place : place + 1] == b"\n"
            end = _LINE_END.search(data, place)
            if end is None:
                break
            line = data[place : end.start()].decode("utf-8", "replace")
            interrupted = end[0] == _INTERRUPT
            if not interrupted and (begins_block(line) or self._understands(line)):
                self.outcome = "command"
                break
            place = end.end()
            self.skip_lf = end[0] == b"\r"
            self._left -= 1
            if not self._left or interrupted:
                self.outcome = "done"
        return place

    def tick(self, now: float) -> None:
        """Let time pass."""
        if not self.outcome and now >= self.deadline:
            self.outcome = "late"

    def take_echo(self) -> str:
        """Nothing is shown of it."""
        return ""

    def result(self) -> AnswersDropped:
        """That it is over."""
        return AnswersDropped()
