"""Pages of output: which lines may be shown now, and what is asked between them.

No I/O. A front end writes `take()`, and while `waiting` puts `prompt` behind it and reads a single
key; if `key` knows it, the front end puts `wipe` and goes on with `take()`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Pages(Protocol):
        """What `Pager` and `Viewer` have in common."""

        @property
        def waiting(self) -> bool: ...
        @property
        def prompt(self) -> str: ...
        @property
        def wipe(self) -> str: ...
        def add(self, text: str) -> None: ...
        def take(self) -> str: ...
        def key(self, name: str) -> bool: ...


USUAL_ROWS = 24
VIEWER_PAGE = 20
PAGER_PROMPT = "\x1b[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b[0m"
PAGER_WIPE = "\r\x1b[K"
VIEWER_PROMPT = (
    "\x1b[1m\r\noptions: q=quit, n=next, p=prev, b=begin, e=end (lines {} - {} of {}) : \x1b[0m"
)
VIEWER_END = "end of the file reached\n"


def page_length(rows: int) -> int:
    """Lines of a page on a terminal of `rows`, of which one is for the prompt."""
    return (rows if rows >= 2 else USUAL_ROWS) - 1


class Pager:
    """Output that stops at each page. More of it may be added at any time.

    A line wider than `columns` takes as many rows as the terminal breaks it into; 0 if unknown.

    It waits only when a line is left that does not fit, so never behind the last one.
    """

    prompt = PAGER_PROMPT
    wipe = PAGER_WIPE

    def __init__(self, rows: int, columns: int = 0) -> None:
        self.rows = rows
        self.columns = columns
        self.over = False
        self._lines: list[str] = []
        self._place = 0
        self._left = page_length(rows)

    def add(self, text: str) -> None:
        """More whole lines to show."""
        if not self.over:
            self._lines = self._lines[self._place :] + text.splitlines(keepends=True)
            self._place = 0

    @property
    def waiting(self) -> bool:
        """Whether a key decides how it goes on."""
        return not self._left and self._place < len(self._lines)

    def take(self) -> str:
        """The lines that may be shown now."""
        first = self._place
        while self._left and self._place < len(self._lines):
            rows = self._height(self._lines[self._place])
            if rows > self._left and self._place > first:
                self._left = 0
                break
            self._place += 1
            self._left = max(0, self._left - rows)
        return "".join(self._lines[first : self._place])

    def _height(self, line: str) -> int:
        if not self.columns:
            return 1
        return max(1, -(-len(line.rstrip("\n").expandtabs(8)) // self.columns))

    def key(self, name: str) -> bool:
        """Enter: one line; space: a page; q: no more of this output. Whether it is one of these."""
        if name == "enter":
            self._left = 1
        elif name == "space":
            self._left = page_length(self.rows)
        elif name in ("q", "Q"):
            self.over = True
            self._lines = []
            self._place = 0
        else:
            return False
        return True


class Viewer:
    """A text page by page, forward and back (CLI reference, `file view`: 20 lines a page)."""

    wipe = ""

    def __init__(self, text: str, page: int = VIEWER_PAGE) -> None:
        self.waiting = True
        self._lines = text.splitlines()
        self._page = page
        self._first = 0

    def add(self, text: str) -> None:
        """More whole lines behind the last one."""
        self._lines += text.splitlines()

    @property
    def _last_page(self) -> int:
        return max(0, len(self._lines) - 1) // self._page * self._page

    @property
    def _end(self) -> int:
        return min(self._first + self._page, len(self._lines))

    @property
    def prompt(self) -> str:
        """The options, and where in the text this page is."""
        return VIEWER_PROMPT.format(min(self._first + 1, self._end), self._end, len(self._lines))

    def take(self) -> str:
        """The page, and a line behind the last one."""
        if not self.waiting:
            return ""
        page = "".join(f"{line}\n" for line in self._lines[self._first : self._end])
        return page + (VIEWER_END if self._end == len(self._lines) else "")

    def key(self, name: str) -> bool:
        """q quits; n, p, b, e turn pages. Enter and others mean nothing, so `n` CR is `n`."""
        name = name.lower()
        if name == "q":
            self.waiting = False
        elif name == "n":
            self._first = min(self._first + self._page, self._last_page)
        elif name == "p":
            self._first = max(0, self._first - self._page)
        elif name == "b":
            self._first = 0
        elif name == "e":
            self._first = self._last_page
        else:
            return False
        return True
