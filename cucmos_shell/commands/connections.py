"""The node's connections, and the ports that are open on it."""

from __future__ import annotations

import os

from cucmos_shell.cli import Family
from cucmos_shell.cli.grammar import DATA, MIXED
from cucmos_shell.node.members import others
from cucmos_shell.results import TEXT, WHOLE, Value, each, maybe, record
from cucmos_shell.text import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node

family = Family()

ANY = "0.0.0.0"  # noqa: S104 - shown, not bound
LISTENING, CONNECTED = "LISTEN", "ESTABLISHED"
SSH, CLUSTER = "22", "8500"
FAR = 40_000  # where the other ends' ports begin


class Port(Value):
    """An open port, as the profile has it."""

    application: str
    protocol: str
    number: int
    kind: str
    translated: int | None
    about: str


def _ports(node: Node) -> list[Port]:
    found = []
    for line in node.profile.machine.ports:
        name, protocol, number, kind, other, about = line.split(" ", 5)
        translated = int(other) if other.isdigit() else None
        found.append(Port(name, protocol, int(number), kind, translated, about))
    return found


class Socket(Value):
    """A row of netstat(8)."""

    protocol: str
    local: str
    remote: str
    state: str


class Sockets(Value):
    """Connections under the product's heading."""

    form = each(record(protocol=TEXT, local=TEXT, remote=TEXT, state=TEXT))

    heading: str
    found: tuple[Socket, ...]

    def lines(self) -> list[str]:
        """The text: as netstat(8) shows them."""
        rows = (
            f"{one.protocol:<5}      0      0 {one.local:<27} {one.remote:<27} {one.state}".rstrip()
            for one in self.found
        )
        return [
            f"Active Internet connections ({self.heading})",
            "Proto Recv-Q Send-Q Local Address               Foreign Address             State",
            *rows,
        ]

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows: the headings."""
        return range(2)

    def data(self) -> list[dict[str, str]]:
        """The JSON form."""
        return [
            {
                "protocol": one.protocol,
                "local": one.local,
                "remote": one.remote,
                "state": one.state,
            }
            for one in self.found
        ]


def _connected(node: Node) -> Iterator[Socket]:
    """With the other nodes of the cluster, and with those who are signed in from elsewhere."""
    ip = node.profile.ip
    for number, one in enumerate(others(node)):
        if one.reachable:
            yield Socket("tcp", f"{ip}:{CLUSTER}", f"{one.ip}:{FAR + number}", CONNECTED)
    if not os.path.isdir(node.layout.sessions):
        return
    for number, login in enumerate(node.logins.now()):
        how, _, address = login.origin.partition("/")
        if how == "ssh" and address:
            yield Socket("tcp", f"{ip}:{SSH}", f"{address}:{FAR + number}", CONNECTED)


def _listening(node: Node) -> Iterator[Socket]:
    for port in _ports(node):
        state = LISTENING if port.protocol == "tcp" else ""
        yield Socket(port.protocol, f"{ANY}:{port.number}", f"{ANY}:*", state)


@family.command("show network status [{listen|all:what}]", basis=MIXED, level=0, form=Sockets.form)
def show_connections(node: Node, what: str = "") -> Sockets:
    """Show the node's connections: with other nodes of its cluster, and sessions from elsewhere.

    listen shows the ports that are open instead, all shows both.
    """
    found = [] if what == "listen" else list(_connected(node))
    if what:
        found += _listening(node)
    heading = {"": "w/o servers", "listen": "only servers", "all": "servers and established"}
    return Sockets(heading[what], tuple(found))


class Ports(Value):
    """Open ports."""

    form = each(
        record(
            application=TEXT,
            protocol=TEXT,
            port=WHOLE,
            type=TEXT,
            translated_port=maybe(WHOLE),
            status=TEXT,
            description=TEXT,
        )
    )

    found: tuple[Port, ...]

    def lines(self) -> list[str]:
        """The text: headings, and a row for each."""
        head = (
            "Application", "IPProtocol", "PortValue", "Type", "XlatedPort", "Status", "Description"
        )  # fmt: skip
        rows = (
            (
                p.application,
                p.protocol,
                str(p.number),
                p.kind,
                str(p.translated or "-"),
                "enabled",
                p.about,
            )
            for p in self.found
        )
        return columns((head, tuple("-" * len(name) for name in head), *rows))

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows: the headings."""
        return range(2)

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [
            {
                "application": p.application,
                "protocol": p.protocol,
                "port": p.number,
                "type": p.kind,
                "translated_port": p.translated,
                "status": "enabled",
                "description": p.about,
            }
            for p in self.found
        ]


@family.command(
    "show network ipprefs {all|enabled|public:what}", basis=DATA, level=0, form=Ports.form
)
def show_ports(node: Node, what: str) -> Ports:
    """Show the ports that are open on the product: all, those in use, or those for everybody."""
    found = [port for port in _ports(node) if what != "public" or port.kind == "public"]
    return Ports(tuple(found))
