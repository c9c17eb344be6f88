"""The line behind a prompt: a field that knows earlier lines, and searches them."""

from __future__ import annotations

from cucmos_shell.terminal.field import Field
from cucmos_shell.terminal.history import MAX_LENGTH, History

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.terminal.kills import Kills

SEARCH = "(reverse-i-search)`{}': {}"
FAILED_SEARCH = "(failed reverse-i-search)`{}': {}"
MAX_PATTERN = 256


class _Search:
    """A search under way: `line` and `cursor` are what it leaves on the line, `place` where it is.

    `draft` is what stood there before.
    """

    def __init__(self, draft: str, cursor: int, place: int) -> None:
        self.draft = (draft, cursor)
        self.line = draft
        self.cursor = cursor
        self.place = place
        self.pattern = ""
        self.failed = False


class CommandLine(Field):
    """A field with a history (up, down, Ctrl-R) if there is one; all else is as in `Field`."""

    def __init__(
        self,
        prompt: str,
        history: History | None,
        kills: Kills,
        *,
        columns: int = 0,
        secret: bool = False,
        echo: bool = True,
    ) -> None:
        super().__init__(prompt, kills=kills, columns=columns, secret=secret, echo=echo)
        self._history = History() if history is None else history
        self._search: _Search | None = None

    @property
    def at_once(self) -> int:
        """How many octets may be typed together; each goes on with a search."""
        return super().at_once if self._search is None else 1

    def cost(self, octets: int) -> int:
        """How many characters are gone through; those of many lines for a search."""
        return super().cost(octets) if self._search is None else max(octets, 1) * MAX_LENGTH

    @property
    def searching(self) -> bool:
        """Whether what is typed is what is searched for."""
        return self._search is not None

    def insert(self, text: str, erase: int = 0) -> str:
        """Type `text`, or go on searching with it."""
        if self._search is None or not text:
            return super().insert(text, erase)
        return "".join(self._look_on(self._search, character) for character in text)

    def press(self, key: str) -> str:
        """An editing key by its name."""
        search = self._search
        if key == "search":
            return self._begin() if search is None else self._look(search, search.place - 1)
        if search is not None and key == "backspace":
            search.pattern = search.pattern[:-1]
            return self._look(search, len(self._history.lines) - 1)
        if key == "cancel":
            return self._end(search.draft) if search is not None else ""
        if key not in ("up", "down") or self.overflow:
            return self.settle() + super().press(key)
        line = self._history.older(self.text) if key == "up" else self._history.newer()
        return "" if line is None else self.replace(line, len(line))

    def settle(self, *, at_end: bool = False) -> str:
        """End a search; what it has found stays, the cursor where it was found or at its end."""
        search = self._search
        if search is None:
            return ""
        return self._end((search.line, len(search.line) if at_end else search.cursor))

    def _begin(self) -> str:
        if not self._history.lines or self.overflow:
            return ""
        text, cursor = self.text, len(self.before_cursor)
        self._search = _Search(text, cursor, len(self._history.lines) - 1)
        return self._show(self._search)

    def _end(self, shown: tuple[str, int]) -> str:
        self._search = None
        self._history.leave()
        return self.replace(*shown)

    def _look_on(self, search: _Search, character: str) -> str:
        if len(search.pattern) >= MAX_PATTERN:
            return ""
        search.pattern += character
        return self._look(search, search.place)

    def _look(self, search: _Search, place: int) -> str:
        """Look for the pattern from `place` on upwards; not found leaves what was found before."""
        lines, pattern = self._history.lines, search.pattern
        while pattern and place >= 0 and pattern not in lines[place]:
            place -= 1
        search.failed = bool(pattern) and place < 0
        if pattern and place >= 0:
            search.place, search.line = place, lines[place]
            search.cursor = lines[place].index(pattern)
        return self._show(search)

    def _show(self, search: _Search) -> str:
        form = FAILED_SEARCH if search.failed else SEARCH
        picture = form.format(search.pattern, search.line)
        return self.replace(picture, len(picture))
