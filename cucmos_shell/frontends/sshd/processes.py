"""The processes of the server: the one that listens, and workers that share its port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import warnings

from cucmos_shell.errors import ShellError, Unavailable, UsageError
from cucmos_shell.frontends.confine import no_programs
from cucmos_shell.frontends.sshd.first_start import make_administrator
from cucmos_shell.frontends.sshd.host_keys import host_keys
from cucmos_shell.frontends.sshd.limits import limit_preparation
from cucmos_shell.frontends.sshd.server import BACKLOG, ENDING, Options, Server
from cucmos_shell.node import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    import asyncssh

    from cucmos_shell.world import World

WORKERS_MOST = 64
# A worker that ends sooner than this is followed by another only after as long a pause.
RESTART_PAUSE = 1.0
# Steps are short; a thread that keeps the interpreter must not keep the event loop waiting.
SWITCH_SECONDS = 0.001


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
    if not 1 <= options.workers <= WORKERS_MOST:
        raise UsageError("the number of workers is one from 1 to {most}", most=WORKERS_MOST)
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    limit_preparation()
    node = Node.open(state_dir, world)
    node.audit.keep_reserve()
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

    ended = True
    try:
        if options.workers == 1:
            ended = _work(node, options, keys, listener, ready)
        else:
            Workers(state_dir, options, world, keys, listener).keep(ready)
    finally:
        if options.pid_file:
            with contextlib.suppress(OSError):
                os.unlink(options.pid_file)
    if not ended:
        # Python would wait for the threads, and a server somewhere may be silent for minutes.
        os._exit(0)
    return 0


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
    parent: int | None = None,
) -> bool:
    """Serve in this process; whether nothing runs any more."""
    no_programs()
    # What old algorithms are worth is the administrator's decision by now.
    warnings.simplefilter("ignore")
    sys.setswitchinterval(SWITCH_SECONDS)

    async def main() -> bool:
        return await Server(node, options, keys).run(listener, ready, parent)

    return asyncio.run(main())


class Workers:
    """So many processes on one listening socket, until a signal ends all of them."""

    def __init__(
        self,
        state_dir: str,
        options: Options,
        world: World,
        keys: list[asyncssh.SSHKeyPair],
        listener: socket.socket,
    ) -> None:
        self._state_dir = state_dir
        self._options = options
        self._world = world
        self._keys = keys
        self._listener = listener
        # Closed when this process ends, however that happens; the workers watch the other end.
        self._alive, self._mine = os.pipe()
        self._children: dict[int, float] = {}
        self._stopping = False

    def keep(self, ready: Callable[[], None]) -> None:
        """Start them, say `ready` when all accept connections, and replace those that end."""
        for number in ENDING:
            signal.signal(number, self._stop)
        for _ in range(self._options.workers):
            self._spawn()
        ready()
        while self._children:
            try:
                child, _ = os.wait()
            except ChildProcessError:
                return
            lived = self._world.monotonic() - self._children.pop(child, 0.0)
            if lived < RESTART_PAUSE and not self._stopping:
                self._world.sleep(RESTART_PAUSE)
            self._spawn()

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for child in list(self._children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    def _spawn(self) -> None:
        """One more, unless all are to end; it has begun to accept connections, or has died."""
        if self._stopping:
            return
        reader, writer = os.pipe()
        # A signal between the fork and the child's own handlers would be nobody's.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        child = os.fork()
        if not child:
            os.close(reader)
            os.close(self._mine)
            self._be_worker(writer)
        os.close(writer)
        self._children[child] = self._world.monotonic()
        # From here on `_stop` knows the child.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        if self._stopping:
            self._stop()
        # The worker closes its end when it accepts connections, or dies.
        os.read(reader, 1)
        os.close(reader)

    def _be_worker(self, writer: int) -> NoReturn:
        status = 1
        try:
            for number in ENDING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            node = Node.open(self._state_dir, self._world)
            _work(
                node,
                self._options,
                self._keys,
                self._listener,
                lambda: os.close(writer),
                self._alive,
            )
            status = 0
        except ShellError as error:
            sys.stderr.write(f"cucmos-shell: {error.message()}\n")
        except Exception as error:
            # What the error says might hold foreign data or a key.
            sys.stderr.write(f"cucmos-shell: internal error ({type(error).__name__})\n")
        finally:
            sys.stderr.flush()
            os._exit(status)
