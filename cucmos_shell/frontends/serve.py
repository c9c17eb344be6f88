"""`cucmos-shell serve`: puts together what a process serves, and how many processes do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import warnings
from functools import partial

from cucmos_shell.errors import Unavailable, UsageError, from_os
from cucmos_shell.frontends.confine import no_programs
from cucmos_shell.frontends.host import Host
from cucmos_shell.frontends.sshd.door import Door
from cucmos_shell.frontends.sshd.first_start import make_administrator
from cucmos_shell.frontends.sshd.host_keys import host_keys
from cucmos_shell.frontends.sshd.limits import limit_library
from cucmos_shell.frontends.sshd.server import BACKLOG, SshServer
from cucmos_shell.frontends.steps import lend
from cucmos_shell.frontends.workers import Workers
from cucmos_shell.node import Node
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.world import World

MAX_WORKERS = 64
# Steps are short; a thread that keeps the interpreter must not keep the event loop waiting.
SWITCH_SECONDS = 0.001


class ServeOptions(Value):
    """How to serve; `port` 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 2222
    admin: str = "admin"
    admin_password_file: str | None = None
    workers: int = 1
    legacy_algorithms: bool = False
    pid_file: str | None = None


def serve(state_dir: str, service: ServeOptions, world: World) -> int:
    """Serve the node in `state_dir` until a signal ends it. Returns the exit status."""
    if not 1 <= service.workers <= MAX_WORKERS:
        raise UsageError("the number of workers is one from 1 to {most}", most=MAX_WORKERS)
    limit_library()
    world = world.replace(wait=lend)
    node = Node.open(state_dir, world)
    node.audit.keep_reserve()
    make_administrator(node, service.admin, service.admin_password_file)
    keys = host_keys(node.layout, service.legacy_algorithms)
    listener = _listener(service.host, service.port)
    listen = partial(SshServer, listener=listener, keys=keys, legacy=service.legacy_algorithms)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host

    def ready() -> None:
        if service.pid_file:
            _write_pid(service.pid_file)
        sys.stdout.write(f"Listening on {shown}:{port}\n")
        sys.stdout.flush()

    def work(ready: Callable[[], None], parent: int | None = None) -> bool:
        # Each process opens the node for itself.
        served = node if parent is None else Node.open(state_dir, world)
        return _work(listen, served, service.workers, ready, parent)

    ended = True
    try:
        if service.workers == 1:
            ended = work(ready)
        else:
            Workers(service.workers, work, world).keep(ready)
    finally:
        if service.pid_file:
            with contextlib.suppress(OSError):
                os.unlink(service.pid_file)
    if not ended:
        # Python would wait for the threads, and a server somewhere may be silent for minutes.
        os._exit(0)
    return 0


def _work(
    listen: Callable[[Door], SshServer],
    node: Node,
    workers: int,
    ready: Callable[[], None],
    parent: int | None,
) -> bool:
    """Serve in this process; whether nothing runs any more."""
    no_programs()
    # What old algorithms are worth is the administrator's decision by now.
    warnings.simplefilter("ignore")
    # Whoever connects could have them say something, as often as they like.
    for name in ("asyncssh", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    sys.setswitchinterval(SWITCH_SECONDS)

    async def main() -> bool:
        host = Host()
        return await host.run((listen(Door(node, host, workers)),), ready, parent)

    return asyncio.run(main())


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


def _write_pid(path: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except OSError as error:
        raise from_os(error, "written", path) from error
