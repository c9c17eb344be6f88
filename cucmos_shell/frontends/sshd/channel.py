"""One channel: a shell with or without a terminal, a command with or without one, SFTP or scp.

The event loop only moves bytes; every step of a command runs in a thread.
"""

from __future__ import annotations

import asyncio
from functools import partial

from asyncssh import EXTENDED_DATA_STDERR
from asyncssh.stream import SSHServerStreamSession

from cucmos_shell.cli.caller import Settings
from cucmos_shell.cli.wording import failure_json, failure_text
from cucmos_shell.errors import ShellError, from_os
from cucmos_shell.frontends.sshd.batch_channel import BatchChannel
from cucmos_shell.frontends.sshd.files import Files
from cucmos_shell.frontends.sshd.terminal_channel import TerminalChannel
from cucmos_shell.frontends.steps import NODE
from cucmos_shell.frontends.who import parse_command
from cucmos_shell.session import Session
from cucmos_shell.session.script import Script
from cucmos_shell.terminal import Terminal
from cucmos_shell.terminal.terminal import RESTARTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.frontends.sshd.access import Access
    from cucmos_shell.frontends.sshd.door import Door
    from cucmos_shell.node.access.sessions import AccountHistory, Login

SFTP_VERSION = 3
# What a variable of the environment takes beside its octets.
OVERHEAD = 200
SHUTDOWN = "The node is shutting down; the session is closed"


class Channel(SSHServerStreamSession[bytes]):
    """A session channel of a connection that has signed in."""

    def __init__(self, door: Door, access: Access, name: str) -> None:
        super().__init__(None, lambda chan: Files(chan, door, access, name), SFTP_VERSION, True)
        self._door = door
        self._access = access
        self._name = name
        self.begun = door.node.now()
        self.start: tuple[int, float] | None = None
        self._size: tuple[int, int] | None = None
        self._served = self._lost = self._closing = False
        self._reading, self._paused, self._flushing = True, False, False
        self._drained = asyncio.Event()
        # What comes, and that it has ended, before there is anybody to take it.
        self._early = bytearray()
        self._early_end = False
        self._work: TerminalChannel | BatchChannel | None = None
        self._outflow = access.outflow(name, self.congestion_changed)
        self._login: Login | None = None

    # --- requests ---------------------------------------------------------------------------------

    def connection_made(self, chan: Any) -> None:
        super().connection_made(chan)
        self._door.channels.add(self)

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:
        self._size = (int(term_size[0]), int(term_size[1]))
        return True

    def shell_requested(self) -> bool:
        self._served = True
        self._access.uncount(self)
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

    async def _start(self) -> None:
        command = self._chan.get_command()  # type: ignore[union-attr]
        try:
            if command is None:
                await self._start_shell()
            else:
                await self._start_command(command)
        except (ShellError, OSError) as error:
            problem = error if isinstance(error, ShellError) else from_os(error)
            self.write(self._failure(problem, command).encode())
            self.finish(problem.status)

    def _failure(self, error: ShellError, command: str | None) -> str:
        """Why nothing could begin: a program reads it as any other failure."""
        if command is None:
            text = f"{error.message()}\n"
        elif "--json" in parse_command(command)[0]:
            text = failure_json(error, None)
        else:
            text = failure_text(error)
        return text if self._size is None else text.replace("\n", "\r\n")

    def _session(
        self, interactive: bool, output: str = "text", history: AccountHistory | None = None
    ) -> Session:
        """A session of the account as it is now."""
        account = self._access.still()
        session = Session(
            self._door.node,
            account=account.name,
            level=account.level,
            origin=f"ssh/{self._access.address}",
            interactive=interactive,
            settings=Settings(output=output),
            history=history,
            identity=account.identity,
        )
        session.caller.served, session.caller.by_key = True, self._access.by_key
        self.start = session.start
        return session

    async def _start_shell(self) -> None:
        logins, name = self._door.node.logins, self._name
        origin = f"ssh/{self._access.address}"

        def begin() -> tuple[Session, list[str], float, Login]:
            history = logins.history(self._access.still().identity)
            session, timeout = self._session(True, history=history), logins.timeout()
            # The last one: what has begun is ended by whoever gets it.
            return session, history.lines, timeout, logins.begin(name, origin)

        session, lines, timeout, self._login = await self._access.off_loop(begin)
        if self._over():
            return
        columns, rows = self._size or (0, 0)
        terminal = Terminal(
            session,
            columns=columns,
            rows=rows,
            history=lines,
            idle_timeout=timeout,
            clock=session.node.world,
            echo=self._size is not None,
        )
        terminal.start(session.banner, asyncio.get_running_loop().time())
        pasting = self._access.pasting(name)
        self._begin(TerminalChannel(terminal, self._work_of_account, self, pasting))

    async def _start_command(self, command: str) -> None:
        options, lines = parse_command(command)
        output = "json" if "--json" in options else "text"
        keep_going, yes = "--keep-going" in options, "--yes" in options
        asks = self._size is not None and not yes

        def begin() -> tuple[Session, float]:
            return self._session(asks, output), self._door.node.logins.timeout()

        session, timeout = await self._access.off_loop(begin)
        if self._over():
            return
        if self._size is not None and asks:
            columns, rows = self._size
            terminal = Terminal(
                session, columns=columns, rows=rows, idle_timeout=timeout, prompts=False,
                clock=session.node.world,
            )  # fmt: skip
            terminal.start((), asyncio.get_running_loop().time())
            pasting = self._access.pasting(self._name)
            whose = terminal, self._work_of_account, self, pasting
            self._begin(TerminalChannel(*whose, lines=lines, keep_going=keep_going))
            return
        batch = BatchChannel(
            Script(session, iter(lines), yes=yes, keep_going=keep_going),
            write=self._write_when_drained,
            off_loop=self._access.off_loop,
            flow=self.flow,
            patience=timeout,
        )
        self._begin(batch)
        self.finish(await batch.run())

    def _work_of_account(self, work: Callable[[], object], then: Callable[[object], None]) -> None:
        self._door.host.work(self._access.whose, work, lambda done: self.turn(partial(then, done)))

    def turn(self, function: Callable[[], object]) -> None:
        """Call `function` when it is the turn of the account."""
        self._access.turn(function)

    def _over(self) -> bool:
        """Whether nobody wants the session any more that has just been made ready."""
        if self._lost:
            self._end_login()
        elif self._door.ending:
            self.write(f"{SHUTDOWN}\r\n".encode())
            self.finish(1)
        return self._lost or self._closing

    def _begin(self, work: TerminalChannel | BatchChannel) -> None:
        self._work = work
        early, self._early = bytes(self._early), bytearray()
        if early:
            work.feed(early)
        if self._early_end:
            work.end()
        if isinstance(work, TerminalChannel):
            work.pump()
        self.flow()

    # --- what comes in ----------------------------------------------------------------------------

    def data_received(self, data: bytes, datatype: Any) -> None:
        if not self._served:
            super().data_received(data, datatype)
        elif self._lost or self._closing:
            return
        elif self._work is None:
            self._early += data
        else:
            self._work.feed(data)
        self.flow()

    def eof_received(self) -> bool:
        if not self._served:
            return super().eof_received()
        if self._work is None:
            self._early_end = True
        else:
            self._work.end()
        return True

    def terminal_size_changed(self, width: int, height: int, *_: int) -> None:
        self._size = (width, height)
        if isinstance(self._work, TerminalChannel):
            self._work.resize(width, height)

    def signal_received(self, signal: str) -> None:
        if isinstance(self._work, TerminalChannel) and signal == "INT":
            self._work.interrupt()
        elif self._served and signal in ("HUP", "TERM", "INT"):
            self.hang_up()

    def break_received(self, msec: int) -> bool:
        if isinstance(self._work, TerminalChannel):
            self._work.interrupt()
        return True

    def node_restarted(self, again: bool) -> None:
        """The node was restarted: a shell at its prompt ends, and everything when told `again`."""
        if again:
            self.hang_up(RESTARTED)
        elif isinstance(self._work, TerminalChannel):
            self._work.node_restarted()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.channels.discard(self)
        self._access.channel_closed(self)
        self._lose()
        if not self._served:
            super().connection_lost(exc)

    def _lose(self) -> None:
        if self._lost:
            return
        self._lost = True
        self._outflow.close()
        self._drained.set()
        if self._work is not None:
            self._work.lose()

    def hang_up(self, reason: str = "") -> None:
        """End what the channel does: at once if nothing runs, else with the step that runs."""
        if not self._served:
            self._closing = True
            self._chan.close()  # type: ignore[union-attr]
        elif self._work is not None:
            self._work.hang_up(reason)

    # --- what goes out ----------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused = True
        self._drained.clear()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._paused = False
        self.congestion_changed()

    @property
    def stalled(self) -> bool:
        """Whether what is written now would only wait, in the channel or in its connection."""
        return self._paused or self._access.congested_now or self._outflow.waiting

    def congestion_changed(self) -> None:
        """Note that the connection takes no more for the time being, or takes it again."""
        if self.stalled:
            self._drained.clear()
            return
        self._drained.set()
        if isinstance(self._work, TerminalChannel):
            self._work.pump()

    async def _until_drained(self) -> None:
        while self.stalled and not self._lost:
            await self._drained.wait()

    async def read(self, datatype: Any, n: int, exact: bool) -> bytes:
        """What comes for SFTP and scp: no request is read while answers wait."""
        await self._until_drained()
        return bytes(await super().read(datatype, n, exact))

    async def drain(self, datatype: Any) -> None:
        """Wait until what is written leaves at once."""
        await super().drain(datatype)
        await self._until_drained()

    def environment_size(self) -> int:
        """Octets of what the client has told of its environment."""
        kept = self._chan.get_environment_bytes() if self._chan is not None else {}
        return sum(len(name) + len(value) + OVERHEAD for name, value in kept.items())

    def write(self, data: bytes, kind: int | None = None) -> None:
        """Send `data`, unless nobody is there to get it; `kind` is the one of extended data."""
        chan = self._chan
        if not data or self._lost or self._closing or chan is None:
            return
        if not self._closed_by_client():
            self._outflow.write(chan.write, data, kind)

    def _closed_by_client(self) -> bool:
        """Whether the client has closed the channel, which is not told while reading is paused."""
        if self._chan is None or not self._chan.is_closing():
            return False
        self._chan.resume_reading()
        self._lose()
        return True

    async def _write_when_drained(self, text: str, aside: bool = False) -> None:
        """Send `text`, what is no part of the output on the error output, as the program does."""
        kind = EXTENDED_DATA_STDERR if aside else None
        self.write(text.encode("utf-8", "backslashreplace"), kind)
        self.flow()
        await self._until_drained()

    def flow(self) -> None:
        """Read on, or stop reading."""
        over = not self._served or self._lost or self._closing
        if over or self._chan is None or self._closed_by_client():
            return
        wants = not self._work.full if self._work is not None else not self._early
        if wants == self._reading or self._flushing:
            return
        self._reading = self._flushing = wants
        if not wants:
            self._chan.pause_reading()
            return
        # All that is held comes at once: for each piece of it the client would get a window more.
        self._chan.resume_reading()
        self._flushing = False
        self.flow()

    # --- the end ----------------------------------------------------------------------------------

    def finish(self, status: int) -> None:
        """End the channel with the exit status of what it was for."""
        if self._closing or self._outflow.when_empty(partial(self.finish, status)):
            return
        self._closing = True
        if not self._lost and self._chan is not None:
            self._chan.exit(status)  # type: ignore[attr-defined]
            self._chan.resume_reading()
        self._end_login()

    def _end_login(self) -> None:
        login, self._login = self._login, None
        if login is not None:
            end = partial(self._door.node.logins.end, login)
            self._door.host.work(NODE, end, lambda result: None)

    @property
    def finished(self) -> bool:
        """Whether nothing is done here any more; what was said may still be on its way."""
        return self._closing or self._lost

    def abandon(self) -> None:
        """The process ends, and what runs here does not."""
        self._end_login()
