"""Earlier lines, and the way up and down through them."""

from __future__ import annotations

MAX_LINES = 500
MAX_LENGTH = 4096


class History:
    """The lines of `lines` (oldest first; shared with the caller) and a place among them."""

    def __init__(self, lines: list[str] | None = None) -> None:
        self.lines = lines if lines is not None else []
        self._place = len(self.lines)
        self._draft = ""

    def add(self, line: str) -> None:
        """Remember `line`, unless it is the last one again or too long to be of use."""
        if len(line) <= MAX_LENGTH and self.lines[-1:] != [line]:
            self.lines.append(line)
            del self.lines[:-MAX_LINES]
        self.leave()

    def leave(self) -> None:
        """Stand below the newest line again."""
        self._place = len(self.lines)
        self._draft = ""

    def older(self, text: str) -> str | None:
        """The line above; `text` is what stands on the screen. None at the top."""
        if self._place == 0:
            return None
        if self._place >= len(self.lines):
            self._place = len(self.lines)
            self._draft = text
        self._place -= 1
        return self.lines[self._place]

    def newer(self) -> str | None:
        """The line below, at last what was being typed. None at the bottom."""
        if self._place >= len(self.lines):
            return None
        self._place += 1
        return self.lines[self._place] if self._place < len(self.lines) else self._draft
