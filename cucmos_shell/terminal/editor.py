"""The quiet line: what a terminal sends and is sent, decided byte by byte.

No I/O, no threads, no clock: bytes in (`receive`), bytes out (`output.take`), events out
(`next_event`), the time as `now` on any steady clock. Console, SSH channel and tests feed it alike.

Between an event and the next call that reads (`prompt`, `ask`, ...) input is kept unread and
silent; what is read is echoed when it is read, on the line it belongs to.
"""

from __future__ import annotations

from cucmos_shell.cli.paste import BEGIN, STRAY_BLOCK, begins_block
from cucmos_shell.terminal import events
from cucmos_shell.terminal.command_line import CommandLine
from cucmos_shell.terminal.decoder import Decoder, in_quotes, plain_octets, visible
from cucmos_shell.terminal.field import MAX_LINE
from cucmos_shell.terminal.history import History
from cucmos_shell.terminal.keys import CONTROL_KEYS, ESCAPE, Sequence, single_key
from cucmos_shell.terminal.kills import Kills
from cucmos_shell.terminal.output import Output, clean
from cucmos_shell.terminal.paste import PasteReader, any_text, silently
from cucmos_shell.text import FAILURE, PROMPT, listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cucmos_shell.terminal.ahead import AnswersAhead

MAX_TYPE_AHEAD = 16_384
LATE_ENTER = 1.0
# Keys that repaint long lines can ask for much output; no more is begun before some was taken.
MAX_OUTPUT = 1 << 18

TOO_LONG = f"The line is longer than {MAX_LINE} characters and was dropped"

_CR, _LF, _TAB, _HELP, _CTRL_C, _CTRL_D, _CTRL_L = b"\r\n\t?\x03\x04\x0c"
_LINE_ENDS = b"\r\n"
# Keys that a search in the history understands itself: Ctrl-G, Backspace, Ctrl-R, `?`.
_SEARCHING = b"\x07\x08\x12?\x7f"

# What is being read: the editor's `mode`.
_BUSY, _LINE, _ANSWER, _SECRET, PASTE, _STRAY, _KEY = range(7)


class LineEditor:
    """One terminal.

    `columns` and `rows` are 0 if unknown. `history` is a list of lines, oldest first, which
    `remember` extends. `understands` tells commands from other lines, `tell` is a `PasteReader`'s.
    `output` is for the terminal; `echo=False` is for a channel without one: nothing is shown.
    `at_once` is how many characters keys may go through before the next `receive` goes on.
    """

    def __init__(
        self,
        *,
        columns: int = 0,
        rows: int = 0,
        history: list[str] | None = None,
        echo: bool = True,
    ) -> None:
        self.columns, self.rows = columns, rows
        self.history = History(history)
        self.understands: Callable[[str], bool] = any_text
        self.tell: Callable[[int], str] = silently
        self.at_once, self._spent = float("inf"), 0
        self._echoes = echo
        self.output = Output()
        self._events: list[events.Event] = []
        self._pending = b""
        self.mode, self._skip_lf = _BUSY, False
        self._late_until, self._after_dialogue, self._elsewhere = 0.0, False, False
        self._paste: PasteReader | AnswersAhead | None = None
        self._sequence: Sequence | None = None
        self._decoder, self._kills = Decoder(), Kills()
        self._field = CommandLine("", None, self._kills)

    # --- input ----------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more bytes may be received before something must be read."""
        return max(0, MAX_TYPE_AHEAD - len(self._pending))

    @property
    def wants_input(self) -> bool:
        """Whether bytes may be received; a channel stops reading while they may not."""
        return len(self._pending) < MAX_TYPE_AHEAD and not self.stalled

    @property
    def stalled(self) -> bool:
        """Whether input waits: for output to be taken, or its turn; `receive` nothing to go on."""
        return self.mode != _BUSY and bool(self._pending) and self._paste is None

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the terminal."""
        if self._late_until:
            if now < self._late_until and not self._pending:
                data = self._drop_line_ends(data)
            if data:
                self._late_until = 0.0
        self._pending = self._pending + data if self._pending else data
        self._read(now)

    def _drop_line_ends(self, data: bytes) -> bytes:
        rest = data.lstrip(_LINE_ENDS)
        if len(rest) < len(data):
            self._skip_lf = data[len(data) - len(rest) - 1] == _CR
        return rest

    def tick(self, now: float) -> None:
        """Let time pass; call it when `deadline` has come."""
        if self._paste is not None:
            self._paste.tick(now)
            self._end_paste(now)
            self._read(now)

    @property
    def deadline(self) -> float | None:
        """When `tick` is due."""
        return self._paste.deadline if self._paste is not None else None

    def next_event(self) -> events.Event | None:
        """What happened, in order; None if nothing."""
        if not self._events and self.mode == _BUSY and _CTRL_C in self._pending:
            # As a terminal does: the interrupt takes with it what was typed before it.
            self._pending = self._pending[self._pending.rindex(_CTRL_C) + 1 :]
            self._skip_lf = False
            return events.Interrupted()
        return self._events.pop(0) if self._events else None

    # --- what to read next ----------------------------------------------------------------------

    def prompt(self, now: float, text: str = PROMPT) -> None:
        """Read a command line. After a dialogue, type-ahead of bare line ends is dropped."""
        self._leave_dialogue()
        self._start_reading(_LINE, text, now)

    def give_back(self) -> bytes:
        """Let somebody else read the next command line: the type-ahead, as for `prompt`."""
        self._leave_dialogue()
        pending, self._pending = self._pending, b""
        return pending

    def _leave_dialogue(self) -> None:
        if self._after_dialogue and not self._pending.strip(_LINE_ENDS):
            self._pending = self._drop_line_ends(self._pending)
        self._after_dialogue = False

    def ask(self, prompt: str, now: float, *, secret: bool = False) -> None:
        """Read an answer on the line of `prompt`; a secret one is echoed as `*`."""
        self._start_reading(_SECRET if secret else _ANSWER, clean(prompt), now)

    def paste(self, prompt: str, now: float) -> None:
        """Read pasted blocks below the line `prompt`."""
        self.output.write(prompt)
        self.read_by(PasteReader(now, self.understands, self.tell, skip_lf=self._skip_lf), now)

    def read_by(self, reader: PasteReader | AnswersAhead, now: float) -> None:
        """Let `reader` take what comes; what it has come to is the event that ends it."""
        self.mode, self._after_dialogue, self._skip_lf = PASTE, True, False
        self._paste = reader
        self._read(now)

    def read_key(self, now: float) -> None:
        """Read a single key, without echo."""
        self._sequence = None
        self.mode = _KEY
        self._after_dialogue = True
        self._read(now)

    def remember(self, line: str) -> None:
        """Keep `line` in the history."""
        self.history.add(line)

    def show_help(self, lines: Iterable[str], now: float) -> None:
        """Answer `HelpWanted`: list `lines` and show the line again."""
        self._list(lines)
        self.mode = _LINE
        self._read(now)

    def complete(
        self, insert: str, candidates: Iterable[str], now: float, *, erase: int = 0
    ) -> None:
        """Answer `CompletionWanted`: insert what is certain, list what is not.

        `insert` takes the place of the last `erase` characters before the cursor.
        """
        self.output.put(self._field.insert(visible(insert), erase))
        if lines := listing(tuple(candidates), self.columns):
            self.output.put(self._field.leave())
            self._list(lines)
        self.mode = _LINE
        self._read(now)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size now; 0 if unknown."""
        self.columns = self._field.columns = columns
        self.rows = rows

    def _start_reading(self, mode: int, prompt: str, now: float) -> None:
        self.mode = mode
        self._after_dialogue = mode != _LINE
        self._fresh_line(prompt)
        self._read(now)

    def _fresh_line(self, prompt: str) -> None:
        """Show `prompt` and begin an empty line behind it."""
        history = self.history if self.mode == _LINE else None
        self._field = CommandLine(
            prompt, history, self._kills, columns=self.columns,
            secret=self.mode == _SECRET, echo=self._echoes,
        )  # fmt: skip
        self._sequence = None
        self._decoder = Decoder()
        self.history.leave()
        self._show_line()

    # --- reading --------------------------------------------------------------------------------

    def _read(self, now: float) -> None:
        """Read pending bytes, until they are used up or an event needs an answer first."""
        self._spent = 0
        while self._pending and self.mode != _BUSY and self._may_go_on:
            if self._paste is None:
                self._read_keys(now)
            elif not self._read_paste(self._paste, now):
                break

    @property
    def _may_go_on(self) -> bool:
        has_time = self._paste is not None or self._spent < self.at_once
        return has_time and len(self.output) < MAX_OUTPUT

    def _read_paste(self, paste: PasteReader | AnswersAhead, now: float) -> bool:
        taken = paste.feed(self._pending, now)
        self._pending = self._pending[taken:]
        echo = paste.take_echo()
        if self.mode == PASTE and self._echoes:
            self.output.put(echo)
        self._end_paste(now)
        return taken > 0 or self._paste is None

    def _read_keys(self, now: float) -> None:
        data, mode, place = self._pending, self.mode, 0
        while place < len(data) and self.mode == mode and self._may_go_on:
            run = b""
            if mode != _KEY and self._sequence is None:
                run = plain_octets(data, place, mode == _LINE, self._field.at_once)
            self._spent += self._field.cost(len(run))
            if run:
                self._skip_lf = False
                self.output.put(self._field.insert(self._decoder.decode(run)))
                place += len(run)
                continue
            byte = data[place]
            place += 1
            skipped, self._skip_lf = self._skip_lf and byte == _LF, False
            if not skipped:
                self._read_byte(byte, now)
        self._pending = data[place:]

    def _read_byte(self, byte: int, now: float) -> None:
        if self._sequence is not None:
            if self._sequence.take(byte):
                if self._sequence.whole:
                    key, self._sequence = self._sequence.key, None
                    if self.mode != _KEY:
                        self.output.put(self._field.press(key))
                return
            self._sequence = None
        if byte == ESCAPE:
            self.output.put(self._field.settle())
            self._sequence = Sequence()
        elif self.mode == _KEY:
            self._read_single_key(byte)
        elif byte >= 0x20 and byte not in (0x3F, 0x7F):
            self.output.put(self._field.insert(self._decoder.decode(bytes((byte,)))))
        else:
            self.output.put(self._field.insert(self._decoder.flush()))
            self._control(byte, now)

    def _read_single_key(self, byte: int) -> None:
        self._skip_lf = byte == _CR
        if byte == _CTRL_C:
            self._emit(events.Interrupted())
        elif name := single_key(byte):
            self._emit(events.Key(name))

    def _control(self, byte: int, now: float) -> None:
        """A control character, or `?`."""
        at_prompt = self.mode == _LINE
        if byte not in _SEARCHING:
            self.output.put(self._field.settle(at_end=byte in _LINE_ENDS))
        if byte in (_CR, _LF):
            self._skip_lf = byte == _CR
            self._enter(now)
        elif byte in (_TAB, _HELP):
            self._ask_grammar(byte)
        elif byte == _CTRL_C and at_prompt:
            self.output.put(self._field.leave())
            self._fresh_line(self._field.prompt)
        elif byte == _CTRL_C:
            self._emit(events.Interrupted())
        elif byte == _CTRL_D and at_prompt and not self._field.text:
            self.output.put("\r\n")
            self._emit(events.Closed())
        elif byte == _CTRL_D:
            self.output.put(self._field.press("delete"))
        elif byte == _CTRL_L:
            self._clear_screen()
        else:
            self.output.put(self._field.press(CONTROL_KEYS.get(byte, "")))

    def _ask_grammar(self, byte: int) -> None:
        """Tab or `?`; in an answer and inside open quotes plain characters."""
        before = self._field.before_cursor
        field = self._field
        if self.mode != _LINE or field.overflow or field.searching or in_quotes(before):
            self.output.put(self._field.insert(chr(byte)))
        elif byte == _TAB:
            self._emit(events.CompletionWanted(before))
        else:
            self.output.put(self._field.leave("?"))
            self._emit(events.HelpWanted(before))

    def _enter(self, now: float) -> None:
        field, text = self._field, self._field.text
        self.output.put(field.leave())
        if field.overflow:
            self.output.write(TOO_LONG if self.mode != _LINE else f"{TOO_LONG}\n{FAILURE}")
            self._fresh_line(field.prompt)
        elif self.mode != _LINE:
            self._emit(events.Answer(text))
        elif begins_block(text):
            self._start_stray_block(text, now)
        elif text.isspace() or not text:
            self._fresh_line(field.prompt)
        else:
            self._emit(events.Line(text))

    def _emit(self, event: events.Event) -> None:
        self.mode = _BUSY
        self._events.append(event)

    # --- the screen -----------------------------------------------------------------------------

    def _show_line(self) -> None:
        self.output.start_line()
        self.output.put(self._field.show())

    def _list(self, lines: Iterable[str]) -> None:
        self.output.write("".join(f"{line}\n" for line in lines))
        self._show_line()

    def _clear_screen(self) -> None:
        """Up by more rows than there are, clear, and the line again."""
        if self._echoes:
            self.output.put("\r" + "\x1b[A" * ((self.rows or 24) - 1) + "\x1b[J")
            self.output.put(self._field.show())

    # --- pastes ---------------------------------------------------------------------------------

    def drop_block(self, first_line: str, now: float) -> None:
        """A command line read elsewhere begins a block: drop it, then tell with `Dropped`."""
        self._elsewhere = True
        self._start_stray_block(first_line, now)
        self._read(now)

    def _start_stray_block(self, first_line: str, now: float) -> None:
        """A block nobody asked for must not become commands: read it silently to its END."""
        self.mode = _STRAY
        self._paste = paste = PasteReader(now, self.understands)
        paste.feed(first_line[first_line.index(BEGIN) :].encode() + b"\n", now)
        paste.skip_lf, self._skip_lf = self._skip_lf, False
        paste.take_echo()
        self._end_paste(now)

    def _end_paste(self, now: float) -> None:
        if (paste := self._paste) is None or not paste.outcome:
            return
        self._paste = None
        if paste.quiet:
            self._pending = self._drop_line_ends(self._pending)
            self._late_until = 0.0 if self._pending else now + LATE_ENTER
        else:
            self._skip_lf = self._skip_lf or paste.skip_lf
        if self.mode == _STRAY:
            self.output.write(STRAY_BLOCK)
            if self._elsewhere:
                self._elsewhere = False
                self._emit(events.Dropped())
            else:
                self.mode = _LINE
                self._fresh_line(self._field.prompt)
            return
        self.output.start_line()
        self._emit(paste.result())
