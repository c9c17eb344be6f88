"""The rich console (`--rich`): menus, history search and a toolbar, for people who ask for them.

prompt_toolkit reads the command lines. What a command then says and asks goes through the same
terminal as everywhere else, so that questions, pastes and pages have one set of rules.
"""

from __future__ import annotations

import os
import signal
import time

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.output.vt100 import Vt100_Output

from cucmos_shell.cli.paste import begins_block
from cucmos_shell.frontends.tty import RawMode, Signals, TtyLoop, size
from cucmos_shell.terminal import Terminal
from cucmos_shell.terminal.decoder import in_quotes
from cucmos_shell.terminal.output import clean
from cucmos_shell.terminal.terminal import IDLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType
    from typing import Any

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.key_binding.key_processor import KeyPress

    from cucmos_shell.terminal.protocols import Partner

    Attention = Callable[[], tuple[int, int]]

KEYS_HELP = "Tab completes   ? helps   Ctrl-R searches   Ctrl-D leaves"
MENU_ROWS = 6
STALE = 30.0


class SessionCompleter(Completer):
    """What Tab would do, as a menu."""

    def __init__(self, session: Partner) -> None:
        self._session = session

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """The words that may stand at the cursor."""
        text = document.text_before_cursor
        found = self._session.complete(text)
        if found.insert and not found.insert.endswith(" "):
            # All words agree in more characters than were typed: the menu shows the words.
            agreed = text[: len(text) - found.erase] + found.insert
            candidates = self._session.complete(agreed).candidates or (agreed,)
        else:
            candidates = found.candidates
        if not candidates and found.insert:
            begun = text[: len(text) - found.erase].rpartition(" ")[2]
            word = begun + found.insert
            yield Completion(found.insert, start_position=-found.erase, display=word.rstrip())
        for word in candidates:
            more = word.endswith("*")
            word = word.removesuffix("*")
            begun = _begun(text, word)
            yield Completion(
                word, start_position=-begun, display=word, display_meta="…" if more else ""
            )


def _begun(text: str, word: str) -> int:
    """How many characters at the end of `text` are the beginning of `word`."""
    folded, wanted = text.casefold(), word.casefold()
    for length in range(min(len(folded), len(wanted)), 0, -1):
        if folded.endswith(wanted[:length]) and folded[: len(folded) - length][-1:] in ("", " "):
            return length
    return 0


class SessionHistory(InMemoryHistory):
    """The lines that the session lets into a history; `lines` (oldest first) is kept up to date."""

    def __init__(self, session: Partner, lines: list[str]) -> None:
        super().__init__(lines)
        self._session = session
        self._lines = lines

    def append_string(self, string: str) -> None:
        """Keep a line that the session lets in, unless it is the last one again."""
        if "\n" not in string and self._session.remember(string) and self._lines[-1:] != [string]:
            self._lines.append(string)
            super().append_string(string)


class Toolbar:
    """Services that wait for a restart and certificates that end soon, as one line."""

    def __init__(self, attention: Attention | None) -> None:
        self._attention = attention
        self._text = ""
        self._read_at = 0.0

    def forget(self) -> None:
        """Have the numbers looked up again, since a command may have changed them."""
        self._read_at = 0.0

    def __call__(self) -> str:
        now = time.monotonic()
        if not self._read_at or now - self._read_at > STALE:
            self._read_at = now
            self._text = self._read()
        return self._text

    def _read(self) -> str:
        if self._attention is None:
            return f" {KEYS_HELP}"
        try:
            restarts, ending = self._attention()
        except Exception:
            # The toolbar is an extra: a state that can't be read is for the commands to report.
            return f" {KEYS_HELP}"
        return f" Restarts pending: {restarts}   Certificates expiring soon: {ending}   {KEYS_HELP}"


class _Ended(Exception):
    """The reading of a line was broken off: by a signal, or because nobody typed."""


class _Screen(Vt100_Output):
    """A terminal that is never asked where its cursor is.

    Where nobody answers, the question delays and the missing answer is complained about; where
    somebody does, the answer may come when a command reads already. So the toolbar stands below
    the line and its menu, not on the last row.
    """

    def get_rows_below_cursor_position(self) -> int:
        return 1


class _Endings:
    """Signals to end, noted while the block lasts; `notify` is called in the signal handler."""

    def __init__(self) -> None:
        self.number = 0
        self.notify: Callable[[], None] = lambda: None
        self._old: dict[int, Any] = {}

    def __enter__(self) -> _Endings:
        for number in (*Signals.ENDING, signal.SIGINT):
            self._old[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, _: FrameType | None) -> None:
        # An interrupt between two readings finds nothing to interrupt.
        if number != signal.SIGINT:
            self.number = number
            self.notify()

    @property
    def status(self) -> int:
        """The exit status of a program that such a signal ended; 0 without one."""
        return 128 + self.number if self.number else 0

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class _LineReader:
    """prompt_toolkit's session on a pair of descriptors; `read` gives a line."""

    def __init__(
        self,
        session: Partner,
        stdin: int,
        stdout: int,
        lines: list[str],
        toolbar: Toolbar,
        idle_timeout: float | None,
        endings: _Endings,
    ) -> None:
        self._session = session
        self._stdout = stdout
        self._idle_timeout = idle_timeout
        self._endings = endings
        # prompt_toolkit wants files; the descriptors themselves stay the caller's.
        typed = open(stdin, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        shown = open(stdout, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        self.input = Vt100Input(typed)
        output = _Screen.from_pty(shown, term=os.environ.get("TERM"))
        self.prompts: PromptSession[str] = PromptSession(
            history=SessionHistory(session, lines),
            completer=SessionCompleter(session),
            complete_in_thread=True,
            complete_while_typing=True,
            bottom_toolbar=toolbar,
            reserve_space_for_menu=MENU_ROWS,
            key_bindings=self._keys(),
            input=self.input,
            output=output,
        )
        endings.notify = self._signalled

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @Condition
        def outside_quotes() -> bool:
            return not in_quotes(get_app().current_buffer.document.text_before_cursor)

        @keys.add("?", filter=outside_quotes)
        def _(event: KeyPressEvent) -> None:
            document = event.current_buffer.document
            shown = f"{self._session.prompt}{document.text}?\n"
            help_lines = self._session.help(document.text_before_cursor)
            text = shown + clean("".join(f"{line}\n" for line in help_lines))
            run_in_terminal(lambda: self._show(text))

        return keys

    def _show(self, text: str) -> None:
        os.write(self._stdout, text.replace("\n", "\r\n").encode("utf-8", "backslashreplace"))

    def read(self) -> str:
        """One line. Raises EOFError, KeyboardInterrupt, or _Ended after a signal or idle time."""
        if self._endings.number:
            raise _Ended
        application = self.prompts.app
        timer: list[Any] = []

        def touch(_: object = None) -> None:
            if self._idle_timeout is not None and application.loop is not None:
                for old in timer:
                    old.cancel()
                timer[:] = [application.loop.call_later(self._idle_timeout, self.break_off)]

        application.key_processor.before_key_press += touch
        try:
            return self.prompts.prompt(self._session.prompt, pre_run=touch)
        finally:
            application.key_processor.before_key_press -= touch
            for old in timer:
                old.cancel()

    def break_off(self) -> None:
        """Let `read` raise _Ended."""
        application = self.prompts.app
        if application.is_running and not application.is_done:
            application.exit(exception=_Ended())

    def _signalled(self) -> None:
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


class _Console:
    """The session, the line reader, and the terminal that carries out lines."""

    def __init__(
        self,
        session: Partner,
        stdin: int,
        stdout: int,
        raw: RawMode,
        endings: _Endings,
        history: list[str],
        idle_timeout: float | None,
        attention: Attention | None,
    ) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._raw = raw
        self._endings = endings
        self._toolbar = Toolbar(attention)
        self._reader = _LineReader(
            session, stdin, stdout, history, self._toolbar, idle_timeout, endings
        )
        columns, rows = size(stdout)
        self._terminal = Terminal(
            session, columns=columns, rows=rows, idle_timeout=idle_timeout, prompts=False
        )

    def serve(self, banner: Iterable[str]) -> int:
        """Serve until the session ends. Returns the exit status."""
        try:
            self._terminal.start(banner, time.monotonic())
            status = self._drive()
            while not status and not self._terminal.ended:
                status = self._one_line()
        except OSError:
            return self._endings.status or 128 + signal.SIGHUP
        return status

    def _one_line(self) -> int:
        terminal = self._terminal
        self._toolbar.forget()
        try:
            line = self._reader.read()
        except KeyboardInterrupt:
            return 0
        except EOFError:
            terminal.ended = True
            return 0
        except _Ended:
            if not self._endings.number:
                terminal.editor.output.write(IDLE)
            terminal.ended = True
            return self._drive() or self._endings.status
        now = time.monotonic()
        lines = line.split("\n")
        behind = "".join(f"{each}\r" for each in lines[1:]).encode() + self._reader.typed_ahead()
        if begins_block(lines[0]):
            terminal.editor.receive(behind, now)
            terminal.drop_block(lines[0], now)
        elif lines[0].strip():
            terminal.receive(behind, now)
            terminal.run_line(lines[0])
        else:
            self._reader.give_back(behind)
            return 0
        status = self._drive()
        self._reader.give_back(terminal.editor.give_back())
        return status

    def _drive(self) -> int:
        """Serve the terminal until the line is done; 128 and the signal that ended it, or 0."""
        terminal = self._terminal
        with Signals() as signals:
            if self._endings.number:
                # It came before the loop could hear of it.
                signals.ending = self._endings.number
                os.write(signals.wake, b"\0")
            terminal.resize(*size(self._stdout))
            self._raw.again()
            loop = TtyLoop(terminal, self._stdin, self._stdout, signals, self._raw)
            status = loop.run(until=lambda: terminal.idle)
            gone = loop.stop()
        if not gone:
            self._raw.__exit__()
            os._exit(status)
        return status


def run(
    session: Partner,
    stdin_fd: int,
    stdout_fd: int,
    banner_lines: Iterable[str],
    *,
    history: list[str] | None = None,
    idle_timeout: float | None = None,
    attention: Attention | None = None,
) -> int:
    """Serve `session` at a terminal until it ends. Returns the exit status.

    `attention` gives two numbers for the toolbar: services that wait for a restart, certificates
    that end soon. The rest is as in `console.run`.
    """
    with _Endings() as endings, RawMode(stdin_fd) as raw:
        console = _Console(
            session,
            stdin_fd,
            stdout_fd,
            raw,
            endings,
            history if history is not None else [],
            idle_timeout,
            attention,
        )
        return console.serve(banner_lines)
