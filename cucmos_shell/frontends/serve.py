"""`cucmos-shell serve`: puts together what a process serves, and how many processes do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import warnings
from functools import partial

from cucmos_shell.errors import UsageError, from_os
from cucmos_shell.frontends.addresses import LOCAL, PORT
from cucmos_shell.frontends.confine import no_programs
from cucmos_shell.frontends.descriptors import descriptors_for
from cucmos_shell.frontends.host import Host
from cucmos_shell.frontends.inventory import ADMIN, load
from cucmos_shell.frontends.inventory_install import Installation, profiles
from cucmos_shell.frontends.memory import give_back
from cucmos_shell.frontends.sshd.door import Door
from cucmos_shell.frontends.sshd.first_start import FirstPassword
from cucmos_shell.frontends.sshd.host_keys import KeyRing
from cucmos_shell.frontends.sshd.limits import limit_library
from cucmos_shell.frontends.sshd.seats import Opener, Seat, claimed, listen
from cucmos_shell.frontends.sshd.server import SshServer
from cucmos_shell.frontends.sshd.watch import Watch
from cucmos_shell.frontends.steps import lend
from cucmos_shell.frontends.workers import Workers
from cucmos_shell.node.lab.lab import open_lab
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from cucmos_shell.frontends.control import Answers, ControlPlace
    from cucmos_shell.frontends.host import Task
    from cucmos_shell.frontends.inventory import Inventory, Site
    from cucmos_shell.frontends.tls.places import TlsPlaces
    from cucmos_shell.node import Node
    from cucmos_shell.world import World

MAX_WORKERS = 64
# Steps are short; a thread that keeps the interpreter must not keep the event loop waiting.
SWITCH_SECONDS = 0.001


class ServeOptions(Value):
    """How to serve; `port` 0 takes a free one, `control` is where a lab is controlled.

    `tls_ports` says where the ports of services are (see `tls.places.hold`), None for nowhere. With
    an `inventory` there is no `host`, and a `port` is that of every node.
    """

    host: str | None = None
    port: int | None = None
    admin: str | None = None
    admin_password_file: str | None = None
    workers: int = 1
    legacy_algorithms: bool = False
    pid_file: str | None = None
    control: str | None = None
    tls_ports: str | None = None
    inventory: str | None = None


def serve(state_dir: str, service: ServeOptions, world: World) -> int:
    """Serve the node in `state_dir` until a signal ends it. Returns the exit status."""
    world = _begin(service, world)
    first = FirstPassword(service.admin or ADMIN, service.admin_password_file)
    opener = Opener(world, first, service.legacy_algorithms)
    node, keys = opener.prepare(state_dir)
    if service.control is not None:
        open_lab(state_dir, world)  # It is for a node of a lab only.
    place = _control(service, node.layout.control_token)
    port = PORT if service.port is None else service.port
    (listener,) = claimed((("", service.host or LOCAL, port),))
    ports = _ports(service, node, service.host or LOCAL)
    seats = (Seat(node.hostname, node, listener, keys, ports),)
    return _serve(seats, service, world, place, f"Listening on {seats[0].shown}\n")


def serve_inventory(service: ServeOptions, world: World) -> int:
    """Serve the nodes of an inventory until a signal ends it, those installed first that are not
    there. Returns the exit status."""
    world = _begin(service, world)
    assert service.inventory is not None
    inventory = load(service.inventory, service.port)
    descriptors_for(len(inventory.sites), _count_ports(inventory, service, world))
    sites = inventory.sites
    listeners = claimed([(site.name, site.host, site.port) for site in sites])
    password_file = service.admin_password_file or inventory.password_file
    first = FirstPassword(service.admin or inventory.admin, password_file)
    opener = Opener(world, first, service.legacy_algorithms, KeyRing(site.state for site in sites))
    seats = _seats(inventory, dict(zip(sites, listeners, strict=True)), opener, first, world)
    seats = [_with_ports(seat, site, service) for seat, site in zip(seats, sites, strict=True)]
    said = [f"Listening on {seat.shown} for {seat.name}\n" for seat in seats]
    place = _control(service, f"{os.path.abspath(service.inventory)}.token")
    last = f"Serving {len(seats)} nodes\n"
    return _serve(seats, service, world, place, "".join(said), last)


def _seats(
    inventory: Inventory,
    listeners: Mapping[Site, socket.socket],
    opener: Opener,
    first: FirstPassword,
    world: World,
) -> list[Seat]:
    """The nodes of an inventory, open; what is wrong with those that are there is said first."""
    missing = Installation(inventory, world)
    new = set(missing.sites)
    there = (site for site in inventory.sites if site not in new)
    seats = {site: opener.site(site, listeners[site]) for site in there}
    if missing:
        first.hash()
        missing.run(opener.prepare, _progress)
    seats.update({site: opener.site(site, listeners[site]) for site in missing.sites})
    return [seats[site] for site in inventory.sites]


def refuse_besides(options: Mapping[str, object]) -> None:
    """Raise UsageError if one of the options, which are for one node, has a value."""
    for option, value in options.items():
        if value is not None:
            raise UsageError(
                "{option} is for one node; the file of --inventory says it for many", option=option
            )


def _begin(service: ServeOptions, world: World) -> World:
    if not 1 <= service.workers <= MAX_WORKERS:
        raise UsageError("the number of workers is one from 1 to {most}", most=MAX_WORKERS)
    limit_library()
    lending: World = world.replace(wait=lend)
    return lending


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _serve(
    seats: Sequence[Seat],
    service: ServeOptions,
    world: World,
    place: ControlPlace | None,
    said: str,
    last: str = "",
) -> int:
    """Serve until a signal ends it; `said` is printed when clients are heard, and `last` behind
    the ports of services."""

    def ready() -> None:
        if service.pid_file:
            _write_pid(service.pid_file)
        control = f"Control at {place.shown}\n" if place else ""
        ports = "".join(f"{line}\n" for seat in seats for line in seat.port_lines())
        in_order = (control, ports) if not last else (ports, last, control)
        sys.stdout.write("".join((said, *in_order)))
        sys.stdout.flush()

    def work(ready: Callable[[], None], parent: int | None = None) -> bool:
        # Each process opens the nodes for itself.
        served = seats if parent is None else [seat.anew(world) for seat in seats]
        tasks = partial(_tasks, served, service=service, world=world, place=place)
        return _work(tasks, ready, parent)

    ended = True
    try:
        listen(seats)
        if service.workers == 1:
            ended = work(ready)
        else:
            Workers(service.workers, work, world).keep(ready)
    finally:
        _clean_up(service, place, *(seat.ports for seat in seats))
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


def _control(service: ServeOptions, token_file: str) -> ControlPlace | None:
    if service.control is None:
        return None
    from cucmos_shell.frontends import control

    return control.listen(service.control, token_file)


def _ports(service: ServeOptions, node: Node, host: str) -> TlsPlaces | None:
    if service.tls_ports is None:
        return None
    from cucmos_shell.frontends.tls.places import hold

    return hold(node, host, service.tls_ports)


def _count_ports(inventory: Inventory, service: ServeOptions, world: World) -> int:
    where = service.tls_ports
    if where is None:
        return 0
    from cucmos_shell.frontends.tls.places import wanted

    return sum(len(wanted(profile, where)) for profile in profiles(inventory, world))


def _with_ports(seat: Seat, site: Site, service: ServeOptions) -> Seat:
    other: Seat = seat.replace(ports=_ports(service, seat.node, site.host))
    return other


def _tasks(
    seats: Sequence[Seat],
    host: Host,
    *,
    service: ServeOptions,
    world: World,
    place: ControlPlace | None,
) -> Sequence[Task]:
    """What a process serves of the nodes."""
    doors = [Door(seat.node, host, service.workers) for seat in seats]
    servers = [
        SshServer(door, seat.listener, seat.keys, legacy=service.legacy_algorithms)
        for door, seat in zip(doors, seats, strict=True)
    ]
    tasks: list[Task] = [*servers, Watch(doors, host)]
    if place is not None:
        from cucmos_shell.frontends.control import Control

        tasks.append(Control(place, _answers(seats, service, world), host))
    if service.tls_ports is not None:
        from cucmos_shell.frontends.feed_route import routes as feed
        from cucmos_shell.frontends.tls.ports import TlsPorts

        tasks += [
            TlsPorts(seat.node, seat.ports, host, feed(seat.node, host), door.outage)
            for door, seat in zip(doors, seats, strict=True)
            if seat.ports
        ]
    return tasks


def _answers(seats: Sequence[Seat], service: ServeOptions, world: World) -> Answers:
    """What the control socket answers: of one node, or of all of an inventory."""
    if service.inventory is not None:
        from cucmos_shell.frontends.control_inventory import InventoryRoutes

        return InventoryRoutes({seat.name: (seat.node, seat.shown) for seat in seats}, world)
    from cucmos_shell.frontends.control_routes import Routes

    node = seats[0].node
    return Routes(node, open_lab(node.state_dir, world), seats[0].shown)


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
    give_back()

    async def main() -> bool:
        host = Host()
        return await host.run(tasks(host), ready, parent)

    return asyncio.run(main())


def _write_pid(path: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except OSError as error:
        raise from_os(error, "written", path) from error
