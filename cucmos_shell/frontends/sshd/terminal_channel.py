"""A session at a terminal, brought together with a channel: bytes, time and worker threads."""

from __future__ import annotations

import asyncio

from cucmos_shell.session.script import Order
from cucmos_shell.terminal.editor import PASTE
from cucmos_shell.terminal.terminal import CHUNK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from cucmos_shell.frontends.sshd.faults import Pasting
    from cucmos_shell.terminal import Terminal

    class Wire(Protocol):
        """The channel as the terminal needs it."""

        @property
        def stalled(self) -> bool:
            """Whether the client takes nothing for the time being."""

        def write(self, data: bytes) -> None:
            """Send octets."""

        def flow(self) -> None:
            """Read on, or stop reading."""

        def turn(self, function: Callable[[], object]) -> None:
            """Call `function` when it is the turn of the account."""

        def finish(self, status: int) -> None:
            """End the channel with an exit status."""


# Somebody who reads slowly gets this many seconds for what is left when the session is over.
FAREWELL = 2.0
# What keys may go through in a turn (see `LineEditor`).
AT_ONCE = 8192
_CTRL_C, _END = b"\x03", b"\x04"


class TerminalChannel:
    """Runs a terminal on a channel; `run` runs a step in a thread and hands over its result.

    `lines` are the commands of a channel that brought them and has a terminal to ask at; None for a
    shell, which reads them from the channel. `pasting` sees what comes while something is pasted.
    """

    def __init__(
        self,
        terminal: Terminal,
        run: Callable[[Callable[[], object], Callable[[object], None]], None],
        wire: Wire,
        pasting: Pasting,
        *,
        lines: list[str] | None = None,
        keep_going: bool = False,
    ) -> None:
        self._terminal = terminal
        terminal.editor.at_once = AT_ONCE
        self._run = run
        self._wire = wire
        self._pasting = pasting
        self._lines = lines
        self._order = Order(keep_going)
        self._events = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._eof = self._told_end = self._line_open = False
        self._lost = self._finished = False
        self._leave_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked = False

    # --- what comes in ----------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether the channel should stop reading: nobody types ahead without an end."""
        return bool(self._waiting) and not self._eof

    def feed(self, data: bytes) -> None:
        """Bytes from the client."""
        self._waiting += data
        self._line_open = data[-1:] not in b"\r\n"
        self.pump()

    def end(self) -> None:
        """Nothing more will come: a last line without an end is a line, then the session ends."""
        self._eof = True
        if self._line_open:
            self._waiting += b"\r"
        self.pump()

    def interrupt(self) -> None:
        """Somebody pressed Ctrl-C, by a signal or a break."""
        self._terminal.receive(_CTRL_C, self._events.time())
        self.pump()

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        self._terminal.resize(columns, rows)

    # --- its end ----------------------------------------------------------------------------------

    def hang_up(self, reason: str = "") -> None:
        """End the session: at once if nothing runs, else with the step that runs."""
        now = self._events.time()
        if self._leave_at is None:
            self._leave_at = now + FAREWELL
        self._terminal.hang_up(now, reason)
        self.pump()

    def lose(self) -> None:
        """The client has gone."""
        self._lost = True
        self._terminal.editor.output.discard()
        self.hang_up()

    def node_restarted(self) -> None:
        """The node was restarted: a shell at its prompt ends."""
        if self._lines is None:
            self._terminal.node_restarted(self._events.time())
            self.pump()

    # --- bringing them together -------------------------------------------------------------------

    def pump(self) -> None:
        """Go on until neither side has anything to do."""
        if self._finished:
            return
        terminal, now = self._terminal, self._events.time()
        deadline = terminal.deadline
        if deadline is not None and now >= deadline:
            terminal.tick(now)
        more = True
        while more:
            more = self._feed(now)
            self._next_line()
            work = terminal.take_work()
            if work is not None:
                self._run(work, self._worked)
            if self._lost or not self._wire.stalled:
                out = terminal.take_output(now)
                self._wire.write(out)
                more = (more or bool(out)) and not self._keys_wait
        if terminal.ended and self._may_leave(now):
            self._finished = True
            if self._timer is not None:
                self._timer.cancel()
            # A command that was broken off by the end of input has failed, too.
            last = terminal.status if self._lines is not None else 0
            self._wire.finish(self._order.status or last)
            return
        self._wire.flow()
        self._set_timer()
        if self._keys_wait and not self._asked:
            self._asked = True
            self._events.call_soon(self._wire.turn, self._go_on)

    @property
    def _keys_wait(self) -> bool:
        """Whether there are keys left for another turn, and nothing else keeps them."""
        editor = self._terminal.editor
        return editor.stalled and len(editor.output) <= 2 * CHUNK and not self._wire.stalled

    def _go_on(self) -> None:
        self._asked = False
        self.pump()

    def _may_leave(self, now: float) -> bool:
        """Whether what was said last has been read, or nobody has any more time to read it."""
        if self._lost or not self._terminal.editor.output:
            return True
        if self._leave_at is None:
            self._leave_at = now + FAREWELL
        return now >= self._leave_at

    def _feed(self, now: float) -> bool:
        """Give the terminal what it has room for; whether that was anything."""
        terminal, fed = self._terminal, False
        while self._waiting and not terminal.ended and (room := terminal.editor.room):
            data = bytes(self._waiting[:room])
            del self._waiting[:room]
            self._receive(data, now)
            fed = True
            if self._keys_wait:
                break
        asks = self._lines is None or not terminal.idle
        if self._eof and not self._waiting and terminal.waiting and asks:
            # The end of input is Ctrl-D; where that means nothing, it is the end all the same.
            if self._told_end:
                terminal.hang_up(now)
            else:
                self._told_end = True
                terminal.receive(_END, now)
                self._events.call_soon(self.pump)
        return fed

    def _receive(self, data: bytes, now: float) -> None:
        """Give the terminal octets, as faults let them come while something is pasted."""
        terminal = self._terminal
        if terminal.editor.mode != PASTE:
            self._pasting.over()
            terminal.receive(data, now)
            return
        data, shown = self._pasting.take(data)
        if not shown:
            while out := terminal.take_output(now):
                self._wire.write(out)
        terminal.receive(data, now)
        if not shown:
            terminal.editor.output.discard()

    def _worked(self, result: object) -> None:
        self._terminal.worked(result, self._events.time())
        self.pump()

    def _next_line(self) -> None:
        """The next line of a command that has a terminal to ask at."""
        terminal = self._terminal
        if self._lines is None or not terminal.idle or terminal.ended:
            return
        self._order.ended(terminal.status)
        while self._lines and not self._order.over:
            line = self._lines.pop(0)
            if self._order.runs(line):
                terminal.run_line(line)
                return
        terminal.ended = True

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._terminal.deadline
        if self._terminal.ended:
            deadline = self._leave_at
        if deadline is not None:
            self._timer = self._events.call_at(deadline, self.pump)
