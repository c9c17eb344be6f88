"""A person's terminal and a session, brought together without doing any I/O.

A front end (console, SSH channel, test) passes bytes in with `receive`, writes what `take_output`
gives, runs in a worker thread what `take_work` gives and hands the result to `worked`, and calls
`tick` when `deadline` has come. Everything else, in particular the order of things, is here.
"""

from __future__ import annotations

from cucmos_shell.results import Ask, AskText, Done, DropAnswers, Paste, Pause, Say, Secret
from cucmos_shell.terminal.ahead import AnswersAhead
from cucmos_shell.terminal.editor import LineEditor
from cucmos_shell.terminal.events import (
    Answer,
    AnswersDropped,
    Closed,
    CompletionWanted,
    Dropped,
    HelpWanted,
    Interrupted,
    Key,
    Line,
    Pasted,
)
from cucmos_shell.terminal.pager import Paging
from cucmos_shell.terminal.patience import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cucmos_shell.terminal import events
    from cucmos_shell.terminal.protocols import NodeTime, Partner, Running, Work

# Output waits this long for the prompt or question that mostly follows at once, to be written
# together with it: clients that look at the end of what they read are confused by less.
TOGETHER = 0.05
CHUNK = 4096
INTERRUPTED = "Control-C pressed"
RESTARTED = "The node has been restarted: this session is over"
IDLE = "The session was idle for too long and is closed"


class Terminal:
    """One terminal with one session.

    `columns`, `rows`: 0 if unknown. `idle_timeout`: seconds of `clock` without a key until the end.
    `over` is asked now and then whether an idle session has been ended elsewhere.
    `prompts=False`: somebody else reads the command lines and passes them to `run_line`; `idle`
    tells when one is done. `status` is that of the last command. `ended`: the session is over and
    the terminal may be left.
    """

    def __init__(
        self,
        session: Partner,
        *,
        columns: int = 0,
        rows: int = 0,
        history: list[str] | None = None,
        idle_timeout: float | None = None,
        echo: bool = True,
        prompts: bool = True,
        over: Callable[[], bool] | None = None,
        clock: NodeTime | None = None,
    ) -> None:
        self.editor = LineEditor(columns=columns, rows=rows, history=history, echo=echo)
        self.ended = False
        self.idle = True
        self.status = 0
        self._session = session
        self.editor.understands = session.understands
        session.width = columns
        self._pages = echo
        self._prompts = prompts
        self._patience = Patience(idle_timeout, over, clock)
        self._execution: Running | None = None
        self._work: Work | None = None
        self._then: Callable[[object, float], None] | None = None
        self._ready: list[object] = []
        self._interrupt_wanted = False
        self._interrupting = False
        self._hung_up = False
        self._said_all = False
        self._resume_at: float | None = None
        self._together_until: float | None = None
        self._paging = Paging(self.editor)

    # --- for the front end ----------------------------------------------------------------------

    def start(self, banner: Iterable[str], now: float) -> None:
        """Show the lines of `banner`, and the prompt."""
        self._patience.begin(now)
        self.editor.output.write("".join(f"{line}\n" for line in banner))
        if self._prompts:
            self.editor.prompt(now, self._session.prompt)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes from the terminal."""
        self._patience.heard(now)
        self.editor.receive(data, now)
        self._react(now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        self.editor.tick(now)
        if self._together_until is not None and now >= self._together_until:
            self._together_until = None
        if self._resume_at is not None and now >= self._resume_at:
            self._step(None)
        self._react(now)
        if self._idle_at is not None and self._patience.idle(now):
            self.hang_up(now, IDLE)
        elif self._patience.over(now, self.at_prompt):
            self.node_restarted(now)

    @property
    def deadline(self) -> float | None:
        """When `tick` and `take_output` are due even if nothing happens."""
        together = self._together_until if self.editor.output else None
        times = (
            self.editor.deadline,
            self._resume_at,
            together,
            self._idle_at,
            self._patience.look_at,
        )
        return min((time for time in times if time is not None), default=None)

    @property
    def at_prompt(self) -> bool:
        """Whether nothing of the session runs or asks."""
        return self._execution is None and not self.busy

    def node_restarted(self, now: float) -> None:
        """Nothing outlives a restart of the node: a session at its prompt is told, and ends.

        Any other ends with its next command (see `session`).
        """
        if self.at_prompt:
            self.hang_up(now, RESTARTED)

    @property
    def _idle_at(self) -> float | None:
        # Whoever does not read what there is, is idle, too.
        works = (self.busy and not self._ready) or self._resume_at is not None
        return None if works or self.ended else self._patience.idle_at

    @property
    def wants_input(self) -> bool:
        """Whether more bytes may be received."""
        return self.editor.wants_input

    @property
    def busy(self) -> bool:
        """Whether work is to be done, being done, or its result not looked at."""
        return self._then is not None

    @property
    def waiting(self) -> bool:
        """Whether nothing goes on before something is received."""
        return not (self.busy or self.ended or self._resume_at is not None)

    def take_work(self) -> Work | None:
        """What is to be run in a worker thread now; its result, or exception, goes to `worked`."""
        work, self._work = self._work, None
        return work

    def worked(self, result: object, now: float) -> None:
        """The work is done. While much output waits to be read, nothing is added to it."""
        self._ready.append(result)
        self._look_at_result(now)

    def take_output(self, now: float) -> bytes:
        """The next bytes for the terminal; call it until there are none."""
        output = self.editor.output
        if (
            self._together_until is not None
            and now < self._together_until
            and len(output) <= CHUNK
            and self.busy
        ):
            return b""
        out = output.take(CHUNK)
        if not output:
            self._together_until = None
        if self.editor.stalled and len(output) <= 2 * CHUNK:
            self.editor.receive(b"", now)
            self._react(now)
        self._look_at_result(now)
        return out

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size; 0 if unknown."""
        self._session.width = columns
        self.editor.resize(columns, rows)
        self._paging.resize(columns, rows)

    def hang_up(self, now: float, reason: str = "") -> None:
        """Nobody is there any more: break off what runs, then end.

        With a `reason`, somebody is, and reads it as the last word.
        """
        if self._hung_up:
            return
        self._hung_up = True
        if reason:
            self.editor.output.write(reason)
            self._said_all = True
        if self.busy:
            self._interrupt_wanted = True
            self._look_at_result(now)
        elif self._execution is not None:
            self._interrupt()
        else:
            self.ended = True

    def run_line(self, line: str) -> None:
        """Carry out `line`."""
        self.idle = False

        def begin() -> object:
            self._execution = self._session.execute(line)
            return self._execution.step()

        self._do(begin, self._go_on)

    def drop_block(self, first_line: str, now: float) -> None:
        """`first_line` begins a block that nobody asked for: drop it to its END."""
        self.idle = False
        self.editor.drop_block(first_line, now)
        self._react(now)

    # --- work -----------------------------------------------------------------------------------

    def _do(self, work: Work, then: Callable[[object, float], None]) -> None:
        self._work, self._then = work, then

    def _look_at_result(self, now: float) -> None:
        if self._ready and (self._hung_up or len(self.editor.output) <= 2 * CHUNK):
            then, self._then = self._then, None
            result = self._ready.pop()
            if then is not None:
                then(result, now)
            self._react(now)

    def _step(self, answer: str | None, refused: str = "") -> None:
        self._resume_at = None
        if (run := self._execution) is not None:
            self._do(lambda: run.refuse(refused) if refused else run.step(answer), self._go_on)

    def _interrupt(self) -> None:
        self._interrupting = True
        self._resume_at = None
        self._paging.end()
        if self._execution is not None:
            self._do(self._execution.interrupt, self._go_on)

    # --- events of the session ------------------------------------------------------------------

    def _go_on(self, event: object, now: float) -> None:
        """What came out of a step."""
        if isinstance(event, BaseException):
            # A session turns every error into words; what still gets here is its own bug.
            self.editor.output.write(
                f"Internal error ({type(event).__name__})\nExecuted command unsuccessfully"
            )
            event = Done(70)
        if isinstance(event, Say):
            self._say(event, now)
            return
        self._together_until = None
        if isinstance(event, Done):
            self._done(event, now)
        elif self._interrupt_wanted:
            self._interrupt_wanted = False
            self._interrupt()
        elif isinstance(event, Ask | AskText | Secret):
            self.editor.ask(event.prompt, now, secret=isinstance(event, Secret))
        elif isinstance(event, Paste):
            self.editor.paste(event.prompt, now)
        elif isinstance(event, DropAnswers):
            self.editor.read_by(AnswersAhead(event.lines, self._session.understands, now), now)
        elif isinstance(event, Pause):
            self._resume_at = now + event.seconds

    def _say(self, event: Say, now: float) -> None:
        breaking_off = self._interrupt_wanted or self._interrupting
        if event.paged and self._pages:
            if not breaking_off:
                self._paging.add(event.text, viewer=event.viewer)
                self._show_pages(now)
                return
        elif not self._said_all:
            self.editor.output.write(event.text)
            self._wait_for_more(now)
        if self._interrupt_wanted and not self._interrupting:
            self._interrupt_wanted = False
            self._interrupt()
        else:
            self._step(None)

    def _wait_for_more(self, now: float) -> None:
        self._together_until = self._together_until or now + TOGETHER

    def _done(self, event: Done, now: float) -> None:
        self.status = event.status
        self._execution = None
        self._paging.forget()
        self._interrupt_wanted = self._interrupting = False
        if event.ended or self._hung_up:
            self.ended = True
        elif self._prompts:
            self.editor.prompt(now, self._session.prompt)
        else:
            self.idle = True

    # --- events of the editor -------------------------------------------------------------------

    def _react(self, now: float) -> None:
        while not self.ended and (event := self.editor.next_event()) is not None:
            self._react_to(event, now)

    def _react_to(self, event: events.Event, now: float) -> None:
        if isinstance(event, Line):
            if self._session.remember(event.text):
                self.editor.remember(event.text)
            self.run_line(event.text)
        elif isinstance(event, Answer):
            self._step(event.text)
        elif isinstance(event, Pasted):
            self._step(event.text, event.problem)
        elif isinstance(event, Key):
            self._turn_page(event.name, now)
        elif isinstance(event, HelpWanted):
            text = event.text
            self._do(lambda: self._session.help(text), self._show_help)
        elif isinstance(event, CompletionWanted):
            text = event.text
            self._do(lambda: self._session.complete(text), self._show_completion)
        elif isinstance(event, Interrupted):
            self._interrupted(now)
        elif isinstance(event, Closed):
            self.ended = True
        elif isinstance(event, AnswersDropped):
            self._step(None)
        elif isinstance(event, Dropped):
            self.idle = True

    def _interrupted(self, now: float) -> None:
        """Ctrl-C, but not at the prompt."""
        if self._ready and self.editor.output:
            # Only its output was left of the command; whoever presses Ctrl-C wants no more of it.
            self.editor.output.discard()
            if self._execution is not None and isinstance(self._ready[0], Done):
                self.editor.output.write(INTERRUPTED)
            else:
                self._interrupt_wanted = True
            self._look_at_result(now)
        elif self.busy:
            self._interrupt_wanted = True
            if len(self.editor.output) > 2 * CHUNK:
                self.editor.output.discard()
        elif self._execution is not None and not self._interrupting:
            self._interrupt()

    def _show_help(self, result: object, now: float) -> None:
        if not self._break_off(now):
            lines = result if isinstance(result, tuple) else ()
            self.editor.show_help(lines, now)

    def _show_completion(self, result: object, now: float) -> None:
        if not self._break_off(now):
            insert, erase = getattr(result, "insert", ""), getattr(result, "erase", 0)
            self.editor.complete(insert, getattr(result, "candidates", ()), now, erase=erase)

    def _break_off(self, now: float) -> bool:
        """After Ctrl-C or a lost line nobody waits for help."""
        if self._hung_up:
            self.ended = True
        elif self._interrupt_wanted:
            self._interrupt_wanted = False
            self.editor.prompt(now, self._session.prompt)
        else:
            return False
        return True

    # --- the pager ------------------------------------------------------------------------------

    def _show_pages(self, now: float) -> None:
        if not self._paging.show(now):
            self._wait_for_more(now)
            self._step(None)

    def _turn_page(self, name: str, now: float) -> None:
        if self._paging.key(name):
            self._show_pages(now)
        else:
            self.editor.read_key(now)
