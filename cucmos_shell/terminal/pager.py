"""Pages of output: which lines may be shown now, and what is asked between them.

Pages are written as `take()` gives them, and while they are `waiting`, `prompt` is put behind them
and a single key read; if `key` knows it, `wipe` is put and `take()` gives more. `Paging` does that.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.terminal.editor import LineEditor

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


class Paging:
    """The pages that an editor's terminal shows at the moment, if any."""

    def __init__(self, editor: LineEditor) -> None:
        self._editor = editor
        self._pages: Pager | Viewer | None = None

    def add(self, text: str, *, viewer: bool) -> None:
        """More text; a `viewer` goes back, too, and is begun anew."""
        if viewer:
            self._pages = Viewer(text)
            return
        self._pages = self._pages or Pager(self._editor.rows, self._editor.columns)
        self._pages.add(text)

    def show(self, now: float) -> bool:
        """Write what may be shown. Returns whether a key decides how it goes on."""
        pages = self._pages
        if pages is None:
            return False
        self._editor.output.write(pages.take())
        if pages.waiting:
            self._editor.output.put(pages.prompt)
            self._editor.read_key(now)
        return pages.waiting

    def key(self, name: str) -> bool:
        """Whether a key has a meaning; then more is to be shown."""
        if self._pages is None or not self._pages.key(name):
            return False
        self._editor.output.put(self._pages.wipe)
        return True

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        if isinstance(self._pages, Pager):
            self._pages.rows, self._pages.columns = rows, columns

    def end(self) -> None:
        """Break off, taking away what asks for a key."""
        if self._pages is not None and self._pages.waiting:
            self._editor.output.put(self._pages.wipe)
        self._pages = None

    def forget(self) -> None:
        """All was shown."""
        self._pages = None
