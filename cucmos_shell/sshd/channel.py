"""One channel: a shell with or without a terminal, a command with or without one, SFTP or scp.

The event loop only moves bytes; every step of a command runs in a thread.
"""

from __future__ import annotations

import asyncio
from functools import partial

from asyncssh.stream import SSHServerStreamSession

from cucmos_shell.caller import Settings
from cucmos_shell.errors import ShellError
from cucmos_shell.line_editor import TYPE_AHEAD_LIMIT
from cucmos_shell.login import parse_command
from cucmos_shell.session import Session
from cucmos_shell.sshd.batch_channel import BatchChannel
from cucmos_shell.sshd.files import Files
from cucmos_shell.terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.accounts import Account
    from cucmos_shell.logins import Login
    from cucmos_shell.sshd.access import Access
    from cucmos_shell.sshd.server import Server

SFTP_VERSION = 3
SHUTDOWN = "The node is shutting down; the session is closed"
# A step of somebody who has typed ahead waits so many times as long as the last one took.
PACE, PACE_MOST = 3.0, 0.1
_CTRL_C, _END = b"\x03", b"\x04"


class Channel(SSHServerStreamSession[bytes]):
    """A session channel of a connection that has signed in."""

    def __init__(self, server: Server, access: Access, account: Account) -> None:
        super().__init__(
            None, lambda chan: Files(chan, server, access, account), SFTP_VERSION, True
        )
        self._server = server
        self._access = access
        self._account = account
        self._events = asyncio.get_running_loop()
        self._size: tuple[int, int] | None = None
        self._served = False
        self._lost = False
        self._eof = self._told_end = self._line_open = False
        self._stalled = False
        self._reading = True
        self._waiting = bytearray()
        self._terminal: Terminal | None = None
        self._lines: list[str] | None = None
        self._keep_going = False
        self._status = 0
        self._batch: BatchChannel | None = None
        self._drained: asyncio.Event | None = None
        self._login: Login | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._begun = self._spent = 0.0

    # --- requests ---------------------------------------------------------------------------------

    def connection_made(self, chan: Any) -> None:
        super().connection_made(chan)
        self._server.channels.add(self)

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:
        self._size = (int(term_size[0]), int(term_size[1]))
        return True

    def shell_requested(self) -> bool:
        self._served = True
        return True

    def exec_requested(self, command: str) -> bool:
        self._served = not command.startswith("scp ")
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        if self._served:
            self._conn.create_task(self._start())  # type: ignore[union-attr]
        else:
            super().session_started()

    # --- beginning --------------------------------------------------------------------------------

    def _session(self, interactive: bool, output: str = "text") -> Session:
        return Session(
            self._server.node,
            account=self._account.name,
            level=self._account.level,
            origin=f"ssh/{self._access.address}",
            interactive=interactive,
            settings=Settings(output=output),
        )

    async def _start(self) -> None:
        command = self._chan.get_command()  # type: ignore[union-attr]
        try:
            if command is None:
                await self._start_shell()
            else:
                await self._start_command(command)
        except (ShellError, OSError) as error:
            text = error.message() if isinstance(error, ShellError) else str(error.strerror)
            self._write(f"{text}\r\n".encode())
            self._finish(1)

    async def _start_shell(self) -> None:
        logins, name = self._server.node.logins, self._account.name
        origin = f"ssh/{self._access.address}"

        def begin() -> tuple[Login, float, list[str], Session]:
            login = logins.begin(name, origin)
            return login, logins.timeout(), logins.history(name), self._session(True)

        self._login, timeout, history, session = await self._server.off_loop(begin)
        if self._lost:
            self._end_login()
            return
        columns, rows = self._size or (0, 0)
        self._terminal = Terminal(
            session,
            columns=columns,
            rows=rows,
            history=history,
            idle_timeout=timeout,
            echo=self._size is not None,
        )
        self._terminal.start(session.banner, self._events.time())
        self._pump()

    async def _start_command(self, command: str) -> None:
        options, lines = parse_command(command)
        output = "json" if "--json" in options else "text"
        self._keep_going = "--keep-going" in options
        asks = self._size is not None and "--yes" not in options

        def begin() -> tuple[Session, float]:
            return self._session(asks, output), self._server.node.logins.timeout()

        session, timeout = await self._server.off_loop(begin)
        if self._size is not None and asks:
            self._lines = lines
            columns, rows = self._size
            self._terminal = Terminal(
                session, columns=columns, rows=rows, idle_timeout=timeout, prompts=False
            )
            self._terminal.start((), self._events.time())
            self._pump()
            return
        self._batch = BatchChannel(
            session,
            write=self._write_when_drained,
            off_loop=self._server.off_loop,
            patience=timeout,
            yes="--yes" in options,
            keep_going=self._keep_going,
        )
        self._batch.input.feed(bytes(self._waiting))
        self._waiting.clear()
        if self._eof:
            self._batch.input.end()
        if self._lost:
            self._batch.lose()
        self._flow()
        self._finish(await self._batch.run(lines))

    # --- what comes in ------------------------------------------------------------------------------

    def data_received(self, data: bytes, datatype: Any) -> None:
        if not self._served:
            super().data_received(data, datatype)
        elif self._batch is not None:
            self._batch.input.feed(data)
            self._flow()
        else:
            self._waiting += data
            self._line_open = data[-1:] not in b"\r\n"
            self._pump()

    def eof_received(self) -> bool:
        if not self._served:
            return super().eof_received()
        self._eof = True
        if self._batch is not None:
            self._batch.input.end()
        else:
            # A last line without an end is a line; the end of input ends the session.
            if self._line_open:
                self._waiting += b"\r"
            self._pump()
        return True

    def terminal_size_changed(self, width: int, height: int, *_: int) -> None:
        self._size = (width, height)
        if self._terminal is not None:
            self._terminal.resize(width, height)

    def signal_received(self, signal: str) -> None:
        if self._terminal is not None and signal == "INT":
            self._terminal.receive(_CTRL_C, self._events.time())
            self._pump()
        elif self._served and signal in ("HUP", "TERM", "INT"):
            self.hang_up()

    def break_received(self, msec: int) -> bool:
        if self._terminal is not None:
            self._terminal.receive(_CTRL_C, self._events.time())
            self._pump()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._server.channels.discard(self)
        self._access.channel_closed()
        if not self._served:
            super().connection_lost(exc)
            return
        if self._drained is not None:
            self._drained.set()
        self.hang_up()
        if self._terminal is None:
            self._end_login()

    def hang_up(self, reason: str = "") -> None:
        """End the session: at once if nothing runs, else with the step that runs."""
        if self._batch is not None:
            self._batch.lose()
        if self._terminal is not None:
            if reason:
                self._terminal.editor.output.write(reason)
            self._terminal.hang_up()
            self._pump()

    def node_restarted(self) -> None:
        """The node was restarted: a shell at its prompt ends."""
        if self._terminal is not None and self._lines is None:
            self._terminal.node_restarted()
            self._pump()

    # --- what goes out ------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        if self._served:
            self._stalled = True
        else:
            super().pause_writing()

    def resume_writing(self) -> None:
        if not self._served:
            super().resume_writing()
            return
        self._stalled = False
        if self._drained is not None:
            self._drained.set()
        self._pump()

    def _write(self, data: bytes) -> None:
        if not self._lost and not self._closing:
            self._chan.write(data)  # type: ignore[union-attr]

    async def _write_when_drained(self, text: str) -> None:
        self._write(text.encode("utf-8", "backslashreplace"))
        self._flow()
        while self._stalled and not self._lost:
            self._drained = asyncio.Event()
            await self._drained.wait()

    def _flow(self) -> None:
        """Read on, or stop reading: nobody types ahead without an end."""
        wants = (
            not self._batch.input.full
            if self._batch is not None
            else not self._waiting or self._eof
        )
        if wants != self._reading and not self._lost and self._chan is not None:
            self._reading = wants
            if wants:
                self._chan.resume_reading()
            else:
                self._chan.pause_reading()

    # --- the terminal -------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Bring the terminal and the channel together, until neither has anything to do."""
        terminal = self._terminal
        if terminal is None or self._closing:
            self._flow()
            return
        now = self._events.time()
        deadline = terminal.deadline
        if deadline is not None and now >= deadline:
            terminal.tick(now)
        more = True
        while more:
            more = self._feed(terminal, now)
            if self._lines is not None:
                self._next_line(terminal, self._lines)
            work = terminal.take_work()
            if work is not None:
                self._start_work(terminal, work)
            out = b"" if self._stalled and not self._lost else terminal.take_output(now)
            self._write(out)
            more = more or bool(out)
        if terminal.ended and (self._lost or not len(terminal.editor.output)):
            self._finish(self._status)
            return
        self._flow()
        self._set_timer(terminal)

    def _feed(self, terminal: Terminal, now: float) -> bool:
        """Give the terminal what it has room for; whether that was anything."""
        fed = False
        while self._waiting and not terminal.ended and (room := terminal.editor.room):
            data = bytes(self._waiting[:room])
            del self._waiting[:room]
            terminal.receive(data, now)
            fed = True
        if self._eof and not self._waiting and terminal.waiting:
            # The end of input is Ctrl-D; where that means nothing, it is the end all the same.
            if self._told_end:
                terminal.hang_up()
            else:
                self._told_end = True
                terminal.receive(_END, now)
                self._events.call_soon(self._pump)
        return fed

    def _start_work(self, terminal: Terminal, work: Callable[[], object]) -> None:
        """Run a step; who has typed ahead leaves the others their turn first."""
        begin = partial(self._server.work, work, partial(self._worked, terminal))
        ahead = self._waiting or terminal.editor.room < TYPE_AHEAD_LIMIT
        if ahead and self._spent and not self._lost:
            pause = min(PACE * self._spent, PACE_MOST)
            self._events.call_later(pause, begin)
            self._begun = self._events.time() + pause
        else:
            self._begun = self._events.time()
            begin()

    def _worked(self, terminal: Terminal, result: object) -> None:
        now = self._events.time()
        self._spent = now - self._begun
        terminal.worked(result, now)
        self._pump()

    def _next_line(self, terminal: Terminal, lines: list[str]) -> None:
        """The next line of a command that has a terminal to ask at."""
        if not terminal.idle or terminal.ended:
            return
        self._status = self._status or terminal.status
        if not lines or (terminal.status and not self._keep_going):
            terminal.ended = True
        else:
            terminal.run_line(lines.pop(0))

    def _set_timer(self, terminal: Terminal) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = terminal.deadline
        if deadline is not None:
            self._timer = self._events.call_at(deadline, self._pump)

    # --- the end --------------------------------------------------------------------------------------

    def _finish(self, status: int) -> None:
        if self._closing:
            return
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if not self._lost:
            self._chan.exit(status)  # type: ignore[union-attr]
        self._end_login()

    def _end_login(self) -> None:
        login, self._login = self._login, None
        if login is not None:
            self._server.work(partial(self._server.node.logins.end, login), None)
