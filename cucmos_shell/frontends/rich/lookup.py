"""What is known of a line while it is typed: what its words are, and what may come next."""

from __future__ import annotations

import time

from prompt_toolkit.lexers import Lexer

from cucmos_shell.cli.suggest import Menu
from cucmos_shell.errors import ShellError
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from cucmos_shell.cli.marks import Mark
    from cucmos_shell.frontends.rich.protocols import KnowsLines

# Seconds that a key may wait to be painted once instead of twice.
SOON = 0.004
# Of a longer menu, what is typed next picks from what is known.
MANY = 200


class Insight(Value):
    """What is known of the line `text`, and of where `before` ends in it."""

    text: str = ""
    before: str = ""
    marks: tuple[Mark, ...] = ()
    menu: Menu = Menu()


class Lookup:
    """Looks up what is known of a line; takes as long as the disk does."""

    def __init__(self, walker: KnowsLines) -> None:
        self._walker = walker
        self._last = Insight()
        self._took = SOON

    def __call__(self, text: str, before: str) -> Insight:
        """What is known of `text` with the cursor behind `before`; nothing if that fails."""
        began = time.monotonic()
        try:
            menu = self._menu(before)
            marks = self._walker.marks(text, menu if text == before else None)
            self._last = Insight(text, before, marks, menu)
        except (ShellError, OSError):
            self._last = Insight(text, before)
        self._took = time.monotonic() - began
        return self._last

    def quick(self, before: str) -> bool:
        """Whether it may be looked up without a thread: the same word was, a moment ago, soon."""
        begun = before.rpartition(" ")[0]
        return self._took < SOON and begun == self._last.before.rpartition(" ")[0]

    def _menu(self, before: str) -> Menu:
        known = self._last
        last, menu = known.before, known.menu
        added = before[len(last) :] if before.startswith(last) else " "
        if len(menu.entries) > MANY and not set(added) & set(' \t"|'):
            begin = before[menu.start :].casefold()
            left = [one for one in menu.entries if one.text.casefold().startswith(begin)]
            if left:
                return Menu(menu.start, tuple(left), menu.free)
        return self._walker.menu(before)


class Colours(Lexer):
    """The words of a line in the colours of what is known of them."""

    def __init__(self) -> None:
        self.known = Insight()

    def invalidation_hash(self) -> Hashable:
        """Changes when more is known."""
        return self.known.text, self.known.marks

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The parts of each line with their styles; of a text of several lines, nothing is known.

        What is known of the line before still holds up to where it was changed.
        """
        text, known = document.text, self.known
        pairs = zip(text, known.text, strict=False)
        least = min(len(text), len(known.text))
        same = next((i for i, (a, b) in enumerate(pairs) if a != b), least)
        marks = [] if "\n" in text else [mark for mark in known.marks if mark.end <= same]

        def line(number: int) -> StyleAndTextTuples:
            if not marks:
                return [("", document.lines[number])] if number < len(document.lines) else []
            parts: StyleAndTextTuples = []
            place = 0
            for mark in marks:
                parts.append(("", text[place : mark.start]))
                parts.append((f"class:{mark.kind}", text[mark.start : mark.end]))
                place = mark.end
            return [*parts, ("", text[place:])]

        return line
