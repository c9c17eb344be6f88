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
from cucmos_shell.frontends.sshd.watch import Watch
from cucmos_shell.frontends.steps import lend
from cucmos_shell.frontends.workers import Workers
from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import open_lab
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import asyncssh

    from cucmos_shell.frontends.control import ControlPlace
    from cucmos_shell.frontends.host import Task
    from cucmos_shell.frontends.tls.places import TlsPlaces
    from cucmos_shell.world import World

MAX_WORKERS = 64
# Steps are short; a thread that keeps the interpreter must not keep the event loop waiting.
SWITCH_SECONDS = 0.001


class ServeOptions(Value):
    """How to serve; `port` 0 takes a free one, `control` is where a lab is controlled.

    `tls_ports` says where the ports of services are (see `tls.places.hold`), None for nowhere.
    """

    host: str = "127.0.0.1"
    port: int = 2222
    admin: str = "admin"
    admin_password_file: str | None = None
    workers: int = 1
    legacy_algorithms: bool = False
    pid_file: str | None = None
    control: str | None = None
    tls_ports: str | None = None


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
    place = _control(service, state_dir, world)
    listener = _listener(service.host, service.port)
    ports = _ports(service, node)
    tasks = partial(_tasks, service=service, world=world, at=(listener, place, ports), keys=keys)

    def ready() -> None:
        if service.pid_file:
            _write_pid(service.pid_file)
        control = (f"Control at {place.shown}",) if place else ()
        lines = (f"Listening on {_shown(listener)}", *control, *(ports.lines() if ports else ()))
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()

    def work(ready: Callable[[], None], parent: int | None = None) -> bool:
        # Each process opens the node for itself.
        served = node if parent is None else Node.open(state_dir, world)
        return _work(partial(tasks, served), ready, parent)

    ended = True
    try:
        if service.workers == 1:
            ended = work(ready)
        else:
            Workers(service.workers, work, world).keep(ready)
    finally:
        _clean_up(service, place, ports)
    if not ended:
        # Python would wait for the threads, and a server somewhere may be silent for minutes.
        os._exit(0)
    return 0


def _clean_up(service: ServeOptions, *places: ControlPlace | TlsPlaces | None) -> None:
    for place in places:
        if place is not None:
            place.remove()
    if service.pid_file:
        with contextlib.suppress(OSError):
            os.unlink(service.pid_file)


def _control(service: ServeOptions, state_dir: str, world: World) -> ControlPlace | None:
    if service.control is None:
        return None
    from cucmos_shell.frontends import control

    return control.listen(service.control, state_dir, world)


def _ports(service: ServeOptions, node: Node) -> TlsPlaces | None:
    if service.tls_ports is None:
        return None
    from cucmos_shell.frontends.tls.places import hold

    return hold(node, service.host, service.tls_ports)


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _tasks(
    node: Node,
    host: Host,
    *,
    service: ServeOptions,
    world: World,
    at: tuple[socket.socket, ControlPlace | None, TlsPlaces | None],
    keys: list[asyncssh.SSHKeyPair],
) -> Sequence[Task]:
    """What a process serves of the node."""
    listener, place, ports = at
    door = Door(node, host, service.workers)
    tasks: list[Task] = [
        SshServer(door, listener, keys, legacy=service.legacy_algorithms),
        Watch((door,), host),
    ]
    if place is not None:
        from cucmos_shell.frontends.control import Control
        from cucmos_shell.frontends.control_routes import Routes

        routes = Routes(node, open_lab(node.state_dir, world), _shown(listener))
        tasks.append(Control(place, routes, host))
    if ports is not None:
        from cucmos_shell.frontends.feed_route import routes as feed
        from cucmos_shell.frontends.tls.ports import TlsPorts

        tasks.append(TlsPorts(node, ports, host, feed(node, host)))
    return tasks


def _work(
    tasks: Callable[[Host], Sequence[Task]], ready: Callable[[], None], parent: int | None
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
        return await host.run(tasks(host), ready, parent)

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
