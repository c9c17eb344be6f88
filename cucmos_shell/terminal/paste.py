"""A paste at a terminal: octets as they come, their echo, and the silences that end it.

Which lines belong to it is decided by `cli.paste`.
"""

from __future__ import annotations

import re

from cucmos_shell.cli.paste import (
    BEGIN,
    END,
    MAX_LENGTH,
    SKIPPED,
    PasteCollector,
)
from cucmos_shell.terminal.decoder import Decoder
from cucmos_shell.terminal.events import Interrupted, Pasted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SILENT = "Nothing was pasted for 60 seconds: nothing was kept"
CUT = "The paste ended without its END line, 60 seconds ago: nothing was kept"
QUIET_AFTER_END = 0.3
SILENCE = 60.0

_END_BYTES = re.compile(END.encode())
_BEGIN_BYTES = BEGIN.encode()
_SKIPPED_BYTES = tuple(word.encode() for word in SKIPPED)
_BLANKS = b" \t"
_PRIVATE = b"PRIVATE KEY"
_BEGINS = re.compile(rb"[ \t]*-----BEGIN")
# Text between two blocks is no longer than this.
MAX_BETWEEN = 4096
_SPECIAL = re.compile(rb"[\r\n\x03\x04]")
_INTERRUPT, _END_OF_INPUT = b"\x03", b"\x04"
# An END line is shorter than this, so no more of a line is searched again when bytes are added.
_LOOK_BACK = 256


def any_text(line: str) -> bool:
    """Whether there is anything on `line`: what takes all of it for a command."""
    return bool(line.strip())


def silently(_: int) -> str:
    """Nothing is shown but what was pasted."""
    return ""


class PasteReader:
    """One paste at a terminal.

    Feed it bytes; `outcome` becomes `done`, `interrupted` (Ctrl-C) or `silent` (60 s without a
    byte); `quiet` tells that a timer or Ctrl-D ended it, so that a late Enter may be on its way.
    `take_echo` is what the terminal is to show: nothing of a private key. `understands` tells a
    command from text between two blocks. `skip_lf`: the next byte is dropped if it is LF, the
    second half of CR LF. `tell` gives what is shown behind a block's END line, by the number of
    blocks so far.
    """

    def __init__(
        self,
        now: float,
        understands: Callable[[str], bool],
        tell: Callable[[int], str] = silently,
        *,
        skip_lf: bool = False,
    ) -> None:
        self.outcome = ""
        self.quiet = False
        self._echo: list[str] = []
        # What may begin a block is shown once its line is whole; a private key's is not.
        self._held: list[str] = []
        self._hidden = False
        self.skip_lf = skip_lf
        self.collector = PasteCollector()
        self._tell = tell
        self._blocks = 0
        self._understands = understands
        # So much of what follows a block is lines that are no command.
        self._examined = 0
        self._heard = now
        self._line = bytearray()
        self._to_line_end = False
        self._decoder = Decoder()

    @property
    def deadline(self) -> float:
        """When silence ends the paste, on the clock of `now`."""
        return self._heard + (QUIET_AFTER_END if self.collector.complete else SILENCE)

    def result(self) -> Interrupted | Pasted:
        """What became of the paste, now that there is an outcome."""
        if self.outcome == "interrupted":
            return Interrupted()
        if self.outcome == "silent":
            return Pasted("", CUT if self.collector.inside else SILENT)
        return Pasted(self.collector.text(), self.collector.refusal())

    def take_echo(self) -> str:
        """What was taken since the last call, as the terminal may show it."""
        echo = "".join(self._echo)
        self._echo.clear()
        return echo

    def tick(self, now: float) -> None:
        """Let time pass."""
        if not self.outcome and now >= self.deadline:
            self.outcome = "done" if self.collector.complete else "silent"
            self.quiet = True

    def feed(self, data: bytes, now: float) -> int:
        """Take what belongs to the paste from the start of `data`; the number of bytes taken.

        Bytes not taken are either for somebody else (`outcome` is set) or not enough to tell.
        """
        self._heard = now
        place = 0
        while place < len(data) and not self.outcome:
            if self.skip_lf:
                self.skip_lf = False
                if data[place : place + 1] == b"\n":
                    place += 1
                    continue
            taken = self._take(data, place)
            if not taken:
                break
            place += taken
        return place

    def _take(self, data: bytes, place: int) -> int:
        found = _SPECIAL.search(data, place)
        end = found.start() if found else len(data)
        special = data[end : end + 1]
        if end == place:
            return self._take_special(special)
        if self.collector.complete and not self._to_line_end:
            taken = self._take_after_end(data[place:end], special)
            return self._look_beyond(data, place) if taken is None else taken
        return self._take_text(data[place:end])

    def _take_special(self, special: bytes) -> int:
        if special == _INTERRUPT:
            self.outcome = "interrupted"
        elif special == _END_OF_INPUT:
            if self._line:
                self._end_line()
            self.outcome, self.quiet = "done", True
        else:
            self.skip_lf = special == b"\r"
            self._show(self._decoder.flush())
            self._begin_shown()
            if not self._hidden:
                self._echo.append("\r\n")
            self._end_line()
        return 1

    def _show(self, text: str) -> None:
        if self._hidden:
            return
        self._held.append(text)
        if not self._opens():
            self._echo += self._held
            self._held.clear()

    def _opens(self) -> bool:
        """Whether the line so far may begin a block."""
        begun = bytes(self._line[:_LOOK_BACK]).lstrip(_BLANKS)
        return bool(begun) and (begun.startswith(_BEGIN_BYTES) or _BEGIN_BYTES.startswith(begun))

    def _begin_shown(self) -> None:
        """A line is whole: show what was held of it, unless a private key begins."""
        if self._opens() and _PRIVATE in self._line:
            self._hidden = True
        elif not self._hidden:
            self._echo += self._held
        self._held.clear()

    def _take_text(self, text: bytes) -> int:
        """Text of a line that belongs to the paste; stops behind an END."""
        collector, line = self.collector, self._line
        ended = None
        before = len(line)
        if not self._to_line_end:
            line += text
            if not collector.inside:
                begun = line.lstrip(_BLANKS)
                if begun.startswith(_BEGIN_BYTES):
                    collector.open()
                else:
                    # No block yet: only as much of the line as could still become a BEGIN.
                    line[:] = begun[:_LOOK_BACK]
            if collector.inside and b"-" in text:
                ended = _END_BYTES.search(line, max(0, before - _LOOK_BACK))
        taken = ended.end() - before if ended else len(text)
        self._show(self._decoder.decode(text[:taken]))
        if ended:
            self._begin_shown()
            self._hidden = False
            self._blocks += 1
            self._echo.append(self._tell(self._blocks))
            del line[before + taken :]
            self._end_line()
        elif len(line) > MAX_LENGTH:
            collector.drop()
            del line[:-_LOOK_BACK]
        return taken

    def _take_after_end(self, text: bytes, special: bytes) -> int | None:
        """The beginning of a line behind an END line; `special` is the byte that follows `text`.

        None for text that belongs to no block.
        """
        begun = text.lstrip(_BLANKS)
        if blank := len(text) - len(begun):
            self._line += text[:blank]
            self._echo.append(text[:blank].decode())
            return blank
        indented = bool(self._line)
        if begun.startswith(_BEGIN_BYTES):
            self.collector.open()
            return self._take_text(text)
        openings = (_BEGIN_BYTES,) if indented else (_BEGIN_BYTES, *_SKIPPED_BYTES)
        if any(word.startswith(begun) for word in openings):
            if not special:
                return 0
            if special == _INTERRUPT:
                self.outcome = "interrupted"
                return len(text) + 1
        if indented or begun.startswith(_SKIPPED_BYTES):
            self._to_line_end = True
            return self._take_text(text)
        return None

    def _look_beyond(self, data: bytes, place: int) -> int:
        """The bytes up to a block that follows lines which are no command.

        None are taken before it comes: without one they are lines again.
        """
        at = place + self._examined
        while not _BEGINS.match(data, at):
            found = _SPECIAL.search(data, at)
            if found is None:
                break
            line = data[at : found.start()].decode("utf-8", "replace")
            if found[0] in (_INTERRUPT, _END_OF_INPUT) or self._understands(line):
                self.outcome = "done"
                return 0
            at = found.end()
        else:
            self._examined = 0
            return at - place
        self._examined = at - place
        if len(data) - place > MAX_BETWEEN:
            self.outcome = "done"
        return 0

    def _end_line(self) -> None:
        if not self._to_line_end and self.collector.inside:
            self.collector.feed(self._line.decode("utf-8", "replace"))
        elif not self.collector.complete:
            self.collector.before += bool(self._line.strip())
        self._line.clear()
        self._to_line_end = False
