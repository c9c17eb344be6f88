"""Bytes for a terminal, and whether the next one stands at the start of a line."""

from __future__ import annotations

import re

from cucmos_shell.text import HIDDEN_PROMPT, PROMPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Behind either of these the cursor stands in the first column of an empty line.
_LINE_STARTS = (b"\n", b"\r\x1b[K")
_TAIL = max(map(len, _LINE_STARTS))
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """`text` as a terminal may get it: no control characters but LF and tab, and no prompt."""
    text = text.replace("\r\n", "\n")
    text = _CONTROLS.sub(lambda found: f"\\u{{{ord(found[0]):X}}}", text)
    return text.replace(PROMPT, HIDDEN_PROMPT)


class Output:
    """What waits to be written; `len()` of it in bytes.

    `paint` may add colours to text that was made clean, if somebody has asked for them.
    """

    def __init__(self) -> None:
        self.paint: Callable[[str], str] = str
        self._waiting = bytearray()
        self._taken = b"\n"

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def at_line_start(self) -> bool:
        """Whether the last byte was LF, or the line was wiped."""
        return (self._taken + self._waiting[-_TAIL:]).endswith(_LINE_STARTS)

    def start_line(self) -> None:
        """CR LF, unless a line starts here already."""
        if not self.at_line_start:
            self._waiting += b"\r\n"

    def put(self, text: str) -> None:
        """Exactly these characters: echo, prompts, repaints, the pager's own."""
        self._waiting += text.encode("utf-8", "backslashreplace")

    def write(self, text: str) -> None:
        """Whole lines, made clean, each ended by CR LF."""
        if text:
            self.start_line()
            text = clean(text if text[-1] == "\n" else text + "\n")
            self.put(self.paint(text).replace("\n", "\r\n"))

    def take(self, limit: int | None = None) -> bytes:
        """The next bytes for the terminal: all, or `limit` if there are more than twice as many.

        So the end of an output is never split from what is before it.
        """
        many = limit is not None and len(self._waiting) > 2 * limit
        out = bytes(self._waiting[:limit] if many else self._waiting)
        del self._waiting[: len(out)]
        self._taken = (self._taken + out[-_TAIL:])[-_TAIL:]
        return out

    def discard(self) -> None:
        """Forget what was not taken."""
        self._waiting.clear()
