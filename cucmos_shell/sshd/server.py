"""The server process: first start, listening, workers on one port, and an end in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import asyncssh

from cucmos_shell.confine import no_programs
from cucmos_shell.errors import Unavailable, UsageError
from cucmos_shell.node import Node
from cucmos_shell.results import Value
from cucmos_shell.sshd.access import Access, Throttle
from cucmos_shell.sshd.algorithms import algorithms
from cucmos_shell.sshd.channel import SHUTDOWN
from cucmos_shell.sshd.first_start import make_administrator
from cucmos_shell.sshd.host_keys import host_keys
from cucmos_shell.sshd.schedule import keep, watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.sshd.channel import Channel
    from cucmos_shell.world import World

VERSION = "cucmos-shell"
THREADS = 32
HASHING_MOST = 2
BACKLOG = 1024
WINDOW = 128 * 1024
LOGIN_SECONDS = 30
KEEPALIVE_SECONDS, KEEPALIVES_LOST = 60, 3
# Running steps get this long to come to their end when the server stops.
GRACE = 10.0
RESTART_PAUSE = 1.0
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Steps are short; a thread that keeps the interpreter must not keep the event loop waiting.
SWITCH_SECONDS = 0.001


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


# --- processes -------------------------------------------------------------------------------------


def _listener(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise Unavailable(
            "{host}:{port} cannot be listened on: {reason}",
            host=host,
            port=port,
            reason=error.strerror or str(error),
        ) from error
    listener.setblocking(False)
    return listener


def serve(state_dir: str, options: Options, world: World) -> int:
    """Serve the node in `state_dir` until a signal ends it; the exit status."""
    if not 1 <= options.workers <= 64:
        raise UsageError("the number of workers is one from 1 to 64")
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    node = Node.open(state_dir, world)
    make_administrator(node, options.admin, options.admin_password_file)
    keys = host_keys(state_dir, options.legacy_algorithms)
    listener = _listener(options.host, options.port)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host

    def ready() -> None:
        if options.pid_file:
            _write_pid(options.pid_file)
        sys.stdout.write(f"Listening on {shown}:{port}\n")
        sys.stdout.flush()

    try:
        if options.workers == 1:
            _work(node, options, keys, listener, ready)
            return 0
        return _supervise(state_dir, options, world, keys, listener, ready)
    finally:
        if options.pid_file:
            with contextlib.suppress(OSError):
                os.unlink(options.pid_file)


def _write_pid(path: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except OSError as error:
        raise Unavailable(
            "{file} cannot be written: {reason}", file=path, reason=error.strerror or str(error)
        ) from error


def _work(
    node: Node,
    options: Options,
    keys: list[asyncssh.SSHKeyPair],
    listener: socket.socket,
    ready: Callable[[], None],
) -> None:
    no_programs()
    # What old algorithms are worth is the administrator's decision by now.
    warnings.simplefilter("ignore")
    sys.setswitchinterval(SWITCH_SECONDS)

    async def main() -> None:
        await Server(node, options, keys).run(listener, ready)

    asyncio.run(main())


def _supervise(
    state_dir: str,
    options: Options,
    world: World,
    keys: list[asyncssh.SSHKeyPair],
    listener: socket.socket,
    ready: Callable[[], None],
) -> int:
    """Keep so many workers on the one listening socket, until a signal ends all of them."""
    children: dict[int, float] = {}
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        for child in list(children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    def spawn() -> None:
        reader, writer = os.pipe()
        # A signal between the fork and the child's own handlers would be nobody's.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        child = os.fork()
        if not child:
            os.close(reader)
            status = 1
            try:
                for number in ENDING:
                    signal.signal(number, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
                node = Node.open(state_dir, world)
                _work(node, options, keys, listener, lambda: os.close(writer))
                status = 0
            finally:
                os._exit(status)
        os.close(writer)
        children[child] = time.monotonic()
        # From here on `stop` knows the child.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        if stopping:
            stop()
        # The worker closes its end when it accepts connections, or dies.
        os.read(reader, 1)
        os.close(reader)

    for number in ENDING:
        signal.signal(number, stop)
    for _ in range(options.workers):
        if not stopping:
            spawn()
    ready()
    while children:
        try:
            child, _ = os.wait()
        except InterruptedError:
            continue
        except ChildProcessError:
            break
        begun = children.pop(child, 0.0)
        if not stopping and time.monotonic() - begun < RESTART_PAUSE:
            time.sleep(RESTART_PAUSE)
        if not stopping:
            spawn()
    return 0
