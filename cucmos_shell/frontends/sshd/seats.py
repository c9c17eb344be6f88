"""Nodes about to be served: their addresses are theirs, and they are open."""

from __future__ import annotations

import os
import socket

from cucmos_shell.errors import Unavailable, UsageError
from cucmos_shell.frontends.listeners import bound, refused, shown
from cucmos_shell.frontends.sshd.first_start import make_administrator
from cucmos_shell.frontends.sshd.host_keys import host_keys
from cucmos_shell.node import Node
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncssh

    from cucmos_shell.frontends.inventory import Site
    from cucmos_shell.frontends.sshd.first_start import FirstPassword
    from cucmos_shell.frontends.sshd.host_keys import KeyRing
    from cucmos_shell.frontends.tls.places import TlsPlaces
    from cucmos_shell.world import World

BACKLOG = 1024
# How many addresses that are not to be had are named.
SHOWN = 20


class Seat(Value):
    """A node that is open, the socket that listens for it, its host keys, the ports of services."""

    name: str
    node: Node
    listener: socket.socket
    keys: list[asyncssh.SSHKeyPair]
    ports: TlsPlaces | None = None

    def port_lines(self) -> list[str]:
        """Where its services listen, a line each."""
        return list(self.ports.lines()) if self.ports is not None else []

    @property
    def shown(self) -> str:
        """Where it listens."""
        return shown(self.listener)

    def anew(self, world: World) -> Seat:
        """With the node opened once more, for another process."""
        other: Seat = self.replace(node=Node.open(self.node.state_dir, world))
        return other


def claimed(places: Sequence[tuple[str, str, int]]) -> list[socket.socket]:
    """Sockets that have those addresses (name, host and port), and nobody is heard at yet.

    Raises Unavailable, with all that are not to be had.
    """
    sockets, failures = [], []
    for name, host, port in places:
        try:
            sockets.append(bound(host, port, name))
        except Unavailable as error:
            failures.append(error.message())
    if failures:
        for one in sockets:
            one.close()
        more = failures[1:SHOWN]
        if len(failures) > SHOWN:
            more.append(f"({len(failures) - SHOWN} more)")
        raise Unavailable("{first}", details=more, first=failures[0])
    return sockets


def listen(seats: Sequence[Seat]) -> None:
    """Let clients come; they wait until somebody serves them. Raises Unavailable."""
    for seat in seats:
        try:
            seat.listener.listen(BACKLOG)
        except OSError as error:
            # Another server has claimed the address at the same moment.
            host, port = seat.listener.getsockname()[:2]
            raise refused(error, host, port, seat.name) from error


class Opener:
    """Opens nodes for their seats: each has an administrator and host keys then."""

    def __init__(
        self, world: World, first: FirstPassword, legacy: bool, ring: KeyRing | None = None
    ) -> None:
        self._world = world
        self._first = first
        self._legacy = legacy
        self._ring = ring

    def prepare(self, state: str) -> tuple[Node, list[asyncssh.SSHKeyPair]]:
        """The node in a state folder, and its host keys; both are made if they are missing.

        Raises ShellError.
        """
        node = Node.open(state, self._world)
        node.audit.keep_reserve()
        make_administrator(node, self._first)
        return node, host_keys(node.layout, self._legacy, self._ring)

    def seat(self, state: str, listener: socket.socket) -> Seat:
        """The node in a state folder, to be served at that socket. Raises ShellError."""
        node, keys = self.prepare(state)
        return Seat(node.hostname, node, listener, keys)

    def site(self, site: Site, listener: socket.socket) -> Seat:
        """The node of an inventory, to be served at that socket.

        Raises ShellError; UsageError where another one lies in its folder.
        """
        seat = self.seat(site.state, listener)
        profile = seat.node.profile
        product = profile.name if os.sep in site.profile else site.profile
        for what, here, wanted in (
            ("name", seat.name, site.name),
            ("profile", profile.name, product),
        ):
            if here != wanted:
                raise UsageError(
                    "{folder} holds a node whose {what} is {here}, not {wanted}",
                    folder=site.state, what=what, here=here, wanted=wanted,
                )  # fmt: skip
        return seat
