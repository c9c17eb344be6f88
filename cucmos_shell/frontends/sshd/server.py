"""One process that serves connections, from the first to an end in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import asyncssh

from cucmos_shell.frontends.sshd.access import Access, Throttle
from cucmos_shell.frontends.sshd.algorithms import algorithms
from cucmos_shell.frontends.sshd.channel import SHUTDOWN
from cucmos_shell.frontends.sshd.schedule import keep, watch
from cucmos_shell.node import Node
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.frontends.sshd.channel import Channel

VERSION = "cucmos-shell"
COMPLAINTS_MOST = 20
OTHERS_SECONDS = 1.0
THREADS = 32
HASHING_MOST = 2
BACKLOG = 1024
CONNECTIONS_MOST, CONNECTIONS_EACH = 8192, 512
WINDOW = 128 * 1024
LOGIN_SECONDS = 30
KEEPALIVE_SECONDS, KEEPALIVES_LOST = 60, 3
# Running steps get this long to come to their end when the server stops, and the log after them.
GRACE, LAST_GRACE = 10.0, 1.0
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _connections_most() -> int:
    """As many as there are descriptors for, with as many again left for files and folders."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return min(CONNECTIONS_MOST, max(16, soft // 2))


class Options(Value):
    """How to serve; `port` 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 2222
    admin: str = "admin"
    admin_password_file: str | None = None
    workers: int = 1
    legacy_algorithms: bool = False
    pid_file: str | None = None


class _Complaints:
    """What goes wrong on the event loop itself: a word about it, not its data, and not for ever."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        number = getattr(error, "errno", None)
        text = os.strerror(number) if isinstance(number, int) else type(error).__name__
        if text not in self._said and len(self._said) < COMPLAINTS_MOST:
            self._said.add(text)
            sys.stderr.write(f"cucmos-shell: internal error ({text})\n")
            sys.stderr.flush()


class Server:
    """One process that serves connections."""

    def __init__(self, node: Node, options: Options, keys: list[asyncssh.SSHKeyPair]) -> None:
        self.node = node
        self.started = node.now()
        self.throttle = Throttle()
        self.connections: set[Access] = set()
        self.channels: set[Channel] = set()
        self.ending = False
        self.connections_most = _connections_most()
        self._signed_in: dict[str, int] = {}
        self._turns = ((0, 0.0), (0, 0.0))
        self._options = options
        self._keys = keys
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(THREADS, "step")
        self._running = 0
        # Made here, by one thread, since any session may be the first to ask for them.
        _ = node.accounts, node.logins, node.services
        # Argon2id takes much memory for a moment, which the C library keeps for each thread.
        self._hashing = ThreadPoolExecutor(HASHING_MOST, "password")

    # --- connections --------------------------------------------------------------------------------

    def admit(self, name: str) -> bool:
        """Whether `name` may have one more connection; one account does not take them all."""
        count = self._signed_in.get(name, 0)
        if count >= min(CONNECTIONS_EACH, self.connections_most // 2):
            return False
        self._signed_in[name] = count + 1
        return True

    def dismiss(self, name: str) -> None:
        """One of its connections has gone."""
        self._signed_in[name] -= 1
        if not self._signed_in[name]:
            del self._signed_in[name]

    def turn(self, who: int, now: float) -> bool:
        """Note that `who` runs a step; whether anybody else has done so in the last second."""
        last, before = self._turns
        self._turns = ((who, now), before if last[0] == who else last)
        return now - self._turns[1][1] < OTHERS_SECONDS

    # --- work off the event loop --------------------------------------------------------------------

    async def off_loop(self, function: Callable[..., Any], *arguments: object) -> Any:
        """The result of a function that is run in a thread."""
        self._running += 1
        try:
            return await self._loop.run_in_executor(self._pool, function, *arguments)
        finally:
            self._running -= 1

    async def hashing(self, function: Callable[..., Any], *arguments: object) -> Any:
        """The same for what hashes passwords, which is done by few threads."""
        return await self._loop.run_in_executor(self._hashing, function, *arguments)

    def work(self, function: Callable[[], object], then: Callable[[object], None] | None) -> None:
        """Run `function` in a thread; what it returns, or raises, goes to `then` on the loop."""

        def run() -> None:
            result: object
            try:
                result = function()
            except BaseException as error:
                result = error
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(done, result)

        def done(result: object) -> None:
            self._running -= 1
            if then is not None:
                then(result)

        # After the end there are no threads any more: what is still to be done is left undone.
        with contextlib.suppress(RuntimeError):
            self._pool.submit(run)
            self._running += 1

    # --- life ---------------------------------------------------------------------------------------

    async def run(
        self, listener: socket.socket, ready: Callable[[], None], parent: int | None = None
    ) -> bool:
        """Serve until a signal says to stop; whether all that ran has come to its end.

        `parent` is the end of a pipe that becomes readable when the process is to stop, too.
        """
        stop = asyncio.Event()
        self._loop.set_exception_handler(_Complaints())
        if parent is not None:
            self._loop.add_reader(parent, stop.set)
        for number in ENDING:
            self._loop.add_signal_handler(number, stop.set)
        acceptor = await asyncssh.listen(
            sock=listener,
            server_factory=lambda: Access(self),
            server_host_keys=self._keys,
            server_version=VERSION,
            **algorithms(self._options.legacy_algorithms),
            backlog=BACKLOG,
            config=None,
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            x11_forwarding=False,
            gss_host=None,
            window=WINDOW,
            login_timeout=LOGIN_SECONDS,
            keepalive_interval=KEEPALIVE_SECONDS,
            keepalive_count_max=KEEPALIVES_LOST,
        )
        gc.collect()
        gc.freeze()
        schedules = [asyncio.ensure_future(keep(self)), asyncio.ensure_future(watch(self))]
        ready()
        await stop.wait()
        for schedule in schedules:
            schedule.cancel()
        return await self._end(acceptor)

    async def _end(self, acceptor: asyncssh.SSHAcceptor) -> bool:
        """Take no more connections, tell the sessions, let steps that run come to their end."""
        self.ending = True
        acceptor.close()
        for channel in list(self.channels):
            channel.hang_up(SHUTDOWN)
        await self._until(self._all_finished, GRACE)
        for channel in list(self.channels):
            channel.abandon()
        await self._until(lambda: not (self.channels or self._running), LAST_GRACE)
        for access in list(self.connections):
            access.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._hashing.shutdown(wait=False, cancel_futures=True)
        # What is said last still has to leave.
        await asyncio.sleep(0)
        return not self._running

    def _all_finished(self) -> bool:
        return not self._running and all(channel.finished for channel in self.channels)

    async def _until(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = self._loop.time() + seconds
        while not done() and self._loop.time() < deadline:
            await asyncio.sleep(0.02)
