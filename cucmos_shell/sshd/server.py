"""One process that serves connections, from the first to an end in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import asyncssh

from cucmos_shell.node import Node
from cucmos_shell.results import Value
from cucmos_shell.sshd.access import Access, Throttle
from cucmos_shell.sshd.algorithms import algorithms
from cucmos_shell.sshd.channel import SHUTDOWN
from cucmos_shell.sshd.schedule import keep, watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.sshd.channel import Channel

VERSION = "cucmos-shell"
THREADS = 32
HASHING_MOST = 2
BACKLOG = 1024
WINDOW = 128 * 1024
LOGIN_SECONDS = 30
KEEPALIVE_SECONDS, KEEPALIVES_LOST = 60, 3
# Running steps get this long to come to their end when the server stops.
GRACE = 10.0
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Options(Value):
    """How to serve; `port` 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 2222
    admin: str = "admin"
    admin_password_file: str | None = None
    workers: int = 1
    legacy_algorithms: bool = False
    pid_file: str | None = None


class Server:
    """One process that serves connections."""

    def __init__(self, node: Node, options: Options, keys: list[asyncssh.SSHKeyPair]) -> None:
        self.node = node
        self.started = node.now()
        self.throttle = Throttle()
        self.connections: set[Access] = set()
        self.channels: set[Channel] = set()
        self.ending = False
        self._options = options
        self._keys = keys
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(THREADS, "step")
        # Argon2id takes much memory for a moment, which the C library keeps for each thread.
        self._hashing = ThreadPoolExecutor(HASHING_MOST, "password")

    # --- work off the event loop --------------------------------------------------------------------

    async def off_loop(self, function: Callable[..., Any], *arguments: object) -> Any:
        """The result of a function that is run in a thread."""
        return await self._loop.run_in_executor(self._pool, function, *arguments)

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
            if then is not None:
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(then, result)

        self._pool.submit(run)

    # --- life ---------------------------------------------------------------------------------------

    async def run(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        """Serve until a signal says to stop."""
        stop = asyncio.Event()
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
        await self._end(acceptor)

    async def _end(self, acceptor: asyncssh.SSHAcceptor) -> None:
        """Take no more connections, tell the sessions, let steps that run come to their end."""
        self.ending = True
        acceptor.close()
        for channel in list(self.channels):
            channel.hang_up(SHUTDOWN)
        deadline = self._loop.time() + GRACE
        while self.channels and self._loop.time() < deadline:
            await asyncio.sleep(0.02)
        for access in list(self.connections):
            access.close()
        await self._loop.run_in_executor(None, lambda: self._pool.shutdown(wait=True))
        self._hashing.shutdown(wait=False)
