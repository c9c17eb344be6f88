"""prompt_toolkit on a pair of descriptors: reads a line, and shows what is known of it."""

from __future__ import annotations

import asyncio
import os

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import CompletionState
from prompt_toolkit.completion import Completion
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.layout import Dimension, Float, FloatContainer, walk
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.utils import get_cwidth

from cucmos_shell.frontends.rich import keys, menu, theme
from cucmos_shell.frontends.rich.lookup import SOON, Colours, Insight, Lookup
from cucmos_shell.frontends.rich.toolbar import toolbar
from cucmos_shell.terminal.output import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding.key_processor import KeyPress

    from cucmos_shell.frontends.rich.background import Background, Inquiry
    from cucmos_shell.frontends.rich.protocols import RichPartner
    from cucmos_shell.node.node import Attention


class Ended(Exception):
    """The reading of a line was broken off: by a signal, or because nobody typed."""


class Screen(Vt100_Output):
    """A terminal that is never asked where its cursor is.

    Where nobody answers, the question delays and the missing answer is complained about; where
    somebody does, the answer may come when a command reads already. So the toolbar stands below
    the line and its menu, not on the last row.
    """

    def get_rows_below_cursor_position(self) -> int:
        """So many rows are there at least."""
        return 1


class SessionHistory(InMemoryHistory):
    """The lines that the session lets into a history; `lines` (oldest first) is kept up to date."""

    def __init__(self, session: RichPartner, lines: list[str]) -> None:
        super().__init__(lines)
        self._session = session
        self._lines = lines

    def append_string(self, string: str) -> None:
        """Keep a line that the session lets in, unless it is the last one again."""
        if "\n" not in string and self._session.remember(string) and self._lines[-1:] != [string]:
            self._lines.append(string)
            super().append_string(string)


def _files(stdin: int, stdout: int) -> tuple[Vt100Input, Screen]:
    """What prompt_toolkit reads and writes by; the descriptors themselves stay the caller's."""
    typed = open(stdin, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    shown = open(stdout, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    depth = ColorDepth.from_env()
    screen = Screen.from_pty(shown, term=os.environ.get("TERM"), default_color_depth=depth)
    assert isinstance(screen, Screen)
    return Vt100Input(typed), screen


class LineReader:
    """Reads command lines; `lines` is the history, oldest first."""

    def __init__(
        self,
        session: RichPartner,
        stdin: int,
        stdout: int,
        lines: list[str],
        background: Background,
        attention: Callable[[], Attention] | None,
        idle_timeout: float | None,
        now: Callable[[], float],
    ) -> None:
        self._session, self._stdout, self._background = session, stdout, background
        self._attention, self._now = attention, now
        self._idle_timeout = idle_timeout
        self._colours = Colours()
        self._lookup = Lookup(session.walker)
        self._shown: menu.Shown | None = None
        self._menu_start = 0
        self._closed = ""
        self._asked: Inquiry | None = None
        self._toolbar: Attention | None = None
        self._bar: StyleAndTextTuples = []
        self._bar_of: tuple[Attention | None, int] | None = None
        self._tallest = 0
        self.input, self._output = _files(stdin, stdout)
        self._size = self._output.get_size()
        self.depth = self._output.get_default_color_depth()
        self.prompts: PromptSession[str] = PromptSession(
            history=SessionHistory(session, lines),
            auto_suggest=AutoSuggestFromHistory(),
            complete_while_typing=False,
            bottom_toolbar=lambda: self._bar,
            style=theme.style(self.depth),
            include_default_pygments_style=False,
            key_bindings=keys.bindings(self),
            input=self.input,
            output=self._output,
        )
        self._arrange()

    def _arrange(self) -> None:
        """Have our menu instead of prompt_toolkit's, and hear of each change."""
        shown = menu.container(lambda: self._shown, self._rows)
        for part in walk(self.prompts.layout.container):
            if isinstance(part, FloatContainer):
                part.floats = [Float(xcursor=True, ycursor=True, content=shown)]
        control = self.prompts.layout.current_control
        assert isinstance(control, BufferControl)
        # As the session's own lexer it would not be asked again for the same text.
        control.lexer = self._colours
        control.menu_position = self._menu_place
        self.prompts.default_buffer.on_text_changed += self._changed
        self.prompts.app.before_render += lambda _: self._measure()
        self.prompts.layout.current_window.height = self._height

    # --- what is known of the line ---------------------------------------------------------------

    def _changed(self, buffer: Buffer) -> None:
        """What was asked about the line is of no use any more."""
        if self._asked is not None:
            self._asked.drop()
        if buffer.text != self._closed:
            self._closed = ""
        if buffer.text and "\n" not in buffer.text and self.prompts.app.is_running:
            # Not here: the cursor has not moved yet.
            asyncio.get_running_loop().call_soon(self._ask)

    def _ask(self) -> None:
        """Ask about the line as it is; what is known soon is painted together with the key."""
        document = self.prompts.default_buffer.document
        text, before = document.text, document.text_before_cursor
        if self._lookup.quick(before):
            self._answered(self._lookup(text, before))
            return
        self._asked = self._background.ask(lambda: self._lookup(text, before), self._answered)
        self._asked.wait(SOON)

    @property
    def known(self) -> Insight:
        """What is known of the line."""
        return self._colours.known

    def _answered(self, known: Insight) -> None:
        self._colours.known = known
        state = self.prompts.default_buffer.complete_state
        if known.text != self._closed and (state is None or state.complete_index is None):
            self._open_menu(known)
        self.prompts.app.invalidate()

    def complete(self) -> None:
        """Answer Tab: what is certain goes on the line; of what is not, the menu's first entry."""
        buffer = self.prompts.default_buffer
        before = buffer.document.text_before_cursor
        found = self._session.complete(before)
        if found.insert:
            buffer.delete_before_cursor(found.erase)
            buffer.insert_text(found.insert)
            return
        if buffer.complete_state is None:
            self._open_menu(self._lookup(buffer.text, before))
        if buffer.complete_state is not None:
            buffer.complete_next()

    def close_menu(self) -> None:
        """Have the line as it was typed, without a menu until it is changed."""
        buffer = self.prompts.default_buffer
        buffer.cancel_completion()
        self._closed = buffer.text

    def _open_menu(self, known: Insight) -> None:
        """Show the menu of `known`, unless the cursor has gone elsewhere; close one without any."""
        buffer = self.prompts.default_buffer
        if buffer.document.text_before_cursor != known.before:
            return
        self._menu_start = known.menu.start
        if not known.menu.entries:
            buffer.complete_state = None
            return
        start = known.menu.start - len(known.before)
        self._shown = menu.Shown(known.menu, self._now())
        buffer.complete_state = CompletionState(
            buffer.document, [Completion(e.text, start) for e in known.menu.entries]
        )

    # --- room for it -----------------------------------------------------------------------------

    def _measure(self) -> None:
        """Look once a painting how large the terminal is."""
        self._size = self._output.get_size()
        bar_of = (self._toolbar, self._size.columns)
        if bar_of != self._bar_of:
            self._bar_of, self._bar = bar_of, toolbar(*bar_of)

    def _line_rows(self, place: int | None = None) -> int:
        """The rows of the line up to the character at `place`, or up to the cursor."""
        text = self.prompts.default_buffer.document.text_before_cursor[:place]
        return get_cwidth(self._session.prompt + text) // max(1, self._size.columns) + 1

    def _menu_place(self) -> int | None:
        """Where a menu stands: below the word, or below the cursor if that is further down."""
        document = self.prompts.default_buffer.document
        if self._shown is None or self._menu_start > document.cursor_position:
            return None
        if self._line_rows(self._menu_start) < self._line_rows():
            return document.cursor_position
        return self._menu_start

    def _rows(self) -> int:
        """The rows a menu may have: what line and toolbar leave of the terminal."""
        return max(1, self._size.rows - self._line_rows() - 1)

    def _height(self) -> Dimension:
        """The rows of line and menu; they do not become less, so that the toolbar does not jump."""
        state = self.prompts.default_buffer.complete_state
        if self.prompts.app.is_done:
            self._tallest = 0
            return Dimension()
        wanted = min(len(state.completions), self._rows()) if state is not None else 0
        rows = max(self._tallest, self._line_rows() + wanted)
        self._tallest = min(rows, max(1, self._size.rows - 1))
        return Dimension(min=self._tallest)

    # --- reading ---------------------------------------------------------------------------------

    def show_help(self, document: Document) -> None:
        """Answer `?` above the line."""
        shown = f"{self._session.prompt}{document.text}?\n"
        help_lines = self._session.help(document.text_before_cursor)
        text = shown + clean("".join(f"{line}\n" for line in help_lines))
        run_in_terminal(lambda: self._show(text))

    def _show(self, text: str) -> None:
        os.write(self._stdout, text.replace("\n", "\r\n").encode("utf-8", "backslashreplace"))

    def _look_around(self) -> None:
        """See what the toolbar is to name: the command before may have changed it."""
        if self._attention is None:
            return

        def answered(found: Attention) -> None:
            self._toolbar = found
            self.prompts.app.invalidate()

        self._background.ask(self._attention, answered)

    def read(self) -> str:
        """One line. Raises EOFError, KeyboardInterrupt, or Ended after `break_off` or idle time."""
        application = self.prompts.app
        timer: list[Any] = []

        def touch(_: object = None) -> None:
            if self._idle_timeout is not None and application.loop is not None:
                for old in timer:
                    old.cancel()
                timer[:] = [application.loop.call_later(self._idle_timeout, self.break_off)]

        def begin() -> None:
            touch()
            self._look_around()

        application.key_processor.before_key_press += touch
        try:
            return self.prompts.prompt(self._session.prompt, pre_run=begin)
        finally:
            application.key_processor.before_key_press -= touch
            for old in timer:
                old.cancel()

    def break_off(self) -> None:
        """Let `read` raise Ended."""
        application = self.prompts.app
        if application.is_running and not application.is_done:
            application.exit(exception=Ended())

    def signalled(self) -> None:
        """As `break_off`, from a signal handler."""
        loop = self.prompts.app.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.break_off)

    def typed_ahead(self) -> bytes:
        """What was typed behind the line just read."""
        return "".join(key.data for key in get_typeahead(self.input)).encode()

    def give_back(self, data: bytes) -> None:
        """Let `data` be what is read first."""
        pressed: list[KeyPress] = []
        Vt100Parser(pressed.append).feed_and_flush(data.decode("utf-8", "replace"))
        store_typeahead(self.input, pressed)
