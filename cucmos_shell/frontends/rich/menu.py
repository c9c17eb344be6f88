"""The menu below a command line: as tall as the terminal allows, each entry with what it is."""

from __future__ import annotations

from prompt_toolkit.application import get_app
from prompt_toolkit.data_structures import Point
from prompt_toolkit.filters import has_completions, has_focus, is_done
from prompt_toolkit.layout.containers import ConditionalContainer, Window
from prompt_toolkit.layout.controls import UIContent, UIControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.margins import Margin
from prompt_toolkit.utils import get_cwidth

from cucmos_shell.frontends.rich.theme import SOON_DAYS, days_class, parts
from cucmos_shell.text import counted, iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.layout.containers import WindowRenderInfo
    from prompt_toolkit.layout.controls import GetLinePrefixCallable

    from cucmos_shell.cli.suggest import Menu, MenuEntry

DAY = 86_400
_DATE = len("2031-11-17")
# Of a menu too wide for the terminal, names get so much before what is said of them; of a narrow
# terminal, all they need. Less than so many columns say nothing.
_NAMES, _OF, _WIDE, _LEAST = 3, 5, 40, 10


class Shown:
    """A menu as it is shown at `now`; its columns are measured once."""

    def __init__(self, menu: Menu, now: float) -> None:
        self.entries = menu.entries
        self.now = now
        self.names = max((_size(one.text) for one in menu.entries), default=0)
        self.about = max((self._width(one) for one in menu.entries), default=0)

    def _width(self, entry: MenuEntry) -> int:
        end = f"{_end(entry, self.now)}  " if entry.until else ""
        return len(end) + _size(entry.about)

    def columns(self, width: int) -> tuple[int, int]:
        """Characters for the names and for what is said of them, both with a blank around."""
        names = self.names + 2
        if not self.about:
            return min(names, width), 0
        about = self.about + 2
        if names + about > width:
            part = width * _NAMES // _OF if width >= _WIDE else width
            names = min(names, max(part, width - about))
            about = width - names
            if about < _LEAST:
                return min(self.names + 2, width), 0
        return names, about


def _end(entry: MenuEntry, now: float) -> str:
    """When the entry ends, and how soon if it is soon."""
    days = int((entry.until - now) // DAY)
    date = iso_time(entry.until)[:_DATE]
    if days < 0:
        return f"ended {date}"
    return f"ends {date} ({counted(days, 'day')})" if days < SOON_DAYS else f"ends {date}"


def _size(text: str) -> int:
    """The columns that `text` takes."""
    return len(text) if text.isascii() else get_cwidth(text)


def _cut(text: str, width: int) -> str:
    """`text` in exactly `width` columns."""
    if (size := _size(text)) > width:
        text = text[: max(0, width - 1)]
        while text and _size(text) > width - 1:
            text = text[:-1]
        text += "…" if width > 0 else ""
        size = get_cwidth(text)
    return text + " " * (width - size)


class _Rows(UIControl):
    def __init__(self, shown: Callable[[], Shown | None]) -> None:
        self._shown = shown

    def preferred_width(self, max_available_width: int) -> int | None:
        shown = self._shown()
        return sum(shown.columns(max_available_width)) if shown else 0

    def preferred_height(
        self,
        width: int,
        max_available_height: int,
        wrap_lines: bool,
        get_line_prefix: GetLinePrefixCallable | None,
    ) -> int | None:
        shown = self._shown()
        return len(shown.entries) if shown else 0

    def create_content(self, width: int, height: int) -> UIContent:
        shown, state = self._shown(), get_app().current_buffer.complete_state
        if shown is None or state is None:
            return UIContent()
        index = state.complete_index
        names, about = shown.columns(width)

        def line(i: int) -> StyleAndTextTuples:
            entry = shown.entries[i]
            row = [("", " " + _cut(entry.text, names - 1)), *_about(entry, about, shown.now)]
            if i == index:
                return [("class:menu.selected", text) for _, text in row]
            return [(f"class:menu class:{name}", text) for name, text in row]

        return UIContent(
            get_line=line, line_count=len(shown.entries), cursor_position=Point(0, index or 0)
        )


def _about(entry: MenuEntry, width: int, now: float) -> list[tuple[str, str]]:
    """What is said of an entry, in `width` columns and in parts with their classes."""
    if width <= 2:
        return [("", " " * width)]
    left, found = width - 2, [("", " ")]
    pieces = list(parts(entry.about))
    if entry.until:
        name = days_class(int((entry.until - now) // DAY))
        pieces = [(name, _end(entry, now)), ("", "  "), *pieces]
    for name, text in pieces:
        size = min(left, _size(text))
        found.append((name, _cut(text, size)))
        left -= size
    return [*found, ("", " " * (left + 1))]


class _ScrollMark(Margin):
    """Where the rows shown are among all of them, if not all are."""

    def __init__(self, scrolls: Callable[[], bool]) -> None:
        self._scrolls = scrolls

    def get_width(self, get_ui_content: Callable[[], UIContent]) -> int:
        return 1 if self._scrolls() else 0

    def create_margin(
        self, window_render_info: WindowRenderInfo, width: int, height: int
    ) -> StyleAndTextTuples:
        if not width:
            return []
        lines = max(1, window_render_info.content_height)
        size = max(1, height * height // lines)
        hidden = max(1, lines - height)
        first = (height - size) * window_render_info.vertical_scroll // hidden
        marks = ("█" if first <= row < first + size else "│" for row in range(height))
        return [("class:menu class:faint", "\n".join(marks))]


def container(shown: Callable[[], Shown | None], height: Callable[[], int]) -> ConditionalContainer:
    """The menu as a part of a layout, `height` rows high at most."""

    def scrolls() -> bool:
        menu = shown()
        return menu is not None and len(menu.entries) > height()

    window = Window(
        _Rows(shown),
        height=lambda: Dimension(min=1, max=height()),
        right_margins=[_ScrollMark(scrolls)],
        dont_extend_width=True,
        dont_extend_height=True,
        style="class:menu",
    )
    return ConditionalContainer(window, has_focus("DEFAULT_BUFFER") & has_completions & ~is_done)
