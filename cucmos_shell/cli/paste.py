"""Pasted blocks between `-----BEGIN` and `-----END`: which lines belong to a paste, and its end."""

from __future__ import annotations

BEGIN = "-----BEGIN"
_KEY = "PRIVATE KEY-----"
_END, _END_NAME = "-----END ", 200
# The same as a pattern.
END = f"{_END}.{{0,{_END_NAME}}}?-----"
SKIPPED = ("subject=", "issuer=", "Bag Attributes")
MAX_LENGTH = 1 << 20
NOTHING = "Nothing was pasted: the BEGIN line of a certificate is missing"
TOO_LONG = "The paste is longer than 1 MiB: nothing was kept"
STRAY_KEY = "The line was dropped: part of a key or certificate seems to stand on it"
STRAY_BLOCK = "The pasted block was dropped: no command had asked for it"


def begins_block(line: str) -> bool:
    """Whether `line` opens a block: at its beginning, or a private key behind anything else."""
    if BEGIN not in line:
        return False
    return line.lstrip(" \t").startswith(BEGIN) or line.rstrip().endswith(_KEY)


def _ends_block(line: str) -> bool:
    """Whether `END` occurs in `line`: no pattern is compiled for a line that is no paste."""
    at = -1
    while (at := line.find(_END, at + 1)) >= 0:
        behind = at + len(_END)
        if line.find("-----", behind, behind + _END_NAME + 5) >= 0:
            return True
    return False


class PasteCollector:
    """The lines of one paste; `text` is what lies between the BEGIN and END lines, both included.

    `before`: how many lines with any text came before the first block. `inside`: a block is open.
    `complete`: at least one block came, and none is open.
    `oversize`: the blocks went over `limit` characters; nothing is kept then.
    """

    def __init__(self, limit: int = MAX_LENGTH) -> None:
        self.before = 0
        self.inside = False
        self.complete = False
        self.oversize = False
        self._limit = limit
        self._lines: list[str] = []
        self._size = 0

    def feed(self, line: str) -> bool:
        """Take `line` (without its end). False: it ends the paste and does not belong to it."""
        if not self.inside:
            if not begins_block(line):
                self.before += not self.complete and bool(line.strip())
                return not self.complete or _skippable(line)
            self.open()
        self._keep(line)
        if _ends_block(line):
            self.inside, self.complete = False, True
        return True

    def open(self) -> None:
        """A BEGIN was seen; its line follows."""
        self.inside, self.complete = True, False

    def drop(self) -> None:
        """Keep nothing, now or later."""
        self.oversize = True
        self._lines.clear()

    def refusal(self) -> str:
        """Why there is no text in it, in one line; empty if there is."""
        if self.oversize:
            return TOO_LONG
        if self._lines or not self.before:
            return ""
        lines = "1 line was" if self.before == 1 else f"{self.before} lines were"
        return f"{NOTHING}; {lines} taken for text before it, and not run"

    def _keep(self, line: str) -> None:
        self._size += len(line) + 1
        if self._size > self._limit:
            self.drop()
        if not self.oversize:
            self._lines.append(line)

    def text(self) -> str:
        """All blocks, each line ended by LF; empty if there were none or too much."""
        return "".join(f"{line}\n" for line in self._lines)


def _skippable(line: str) -> bool:
    return not line or line[0] in " \t" or line.startswith(SKIPPED)
