"""The nodes of an inventory, all served by one process, for a test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cucmos_shell.testing.address import Address
from cucmos_shell.testing.node import PASSWORD, LabNode
from cucmos_shell.testing.server import InventoryServer, has_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from cucmos_shell.frontends.inventory import Inventory as InventoryFile
    from cucmos_shell.frontends.inventory import Site
    from cucmos_shell.frontends.sshd.first_start import FirstPassword
    from cucmos_shell.world import World


class Inventory(Mapping[str, LabNode]):
    """The nodes that an inventory file names, by host name, in the order of the file.

    What is not there is installed at once, some four nodes a second; docs/inventory.md has the form
    of the file. One process serves all, from the first use of an address on (`LabNode.ssh`): each
    node at a free port of its address, or where the file says with `free_ports=False`. The agents
    of clusters run in it, too. `stop` of a node does nothing here: `fault("node", "down")` takes
    one away. With `tls` services listen, too (`LabNode.tls`). The administrator's password is the
    one of `admin-password-file`, else the usual one.

    As a context manager it is closed at the end. Raises what the program says of mistakes.
    """

    def __init__(
        self, file: str | os.PathLike[str], *, free_ports: bool = True, tls: bool = False
    ) -> None:
        from cucmos_shell.frontends.descriptors import most_descriptors
        from cucmos_shell.frontends.inventory import load
        from cucmos_shell.frontends.password_file import first_line

        self.file = Path(file).absolute()
        self._options: tuple[str, ...] = ("--port", "0") if free_ports else ()
        if tls:
            self._options += ("--tls-ports", "0")
        # Each node that somebody has asked for has a lock.
        most_descriptors()
        self._inventory = load(str(self.file))
        self._sites: dict[str, Site] = {site.name: site for site in self._inventory.sites}
        self._nodes: dict[str, LabNode] = {}
        self._server: InventoryServer | None = None
        given = self._inventory.password_file
        self._password = PASSWORD if given is None else first_line(given)
        _install(self._inventory, self._password)

    def __getitem__(self, name: str) -> LabNode:
        if name not in self._nodes:
            node = LabNode(self._sites[name].state)
            node._elsewhere = partial(self._address, name)
            self._nodes[name] = node
        return self._nodes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sites)

    def __len__(self) -> int:
        return len(self._sites)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server, and close all nodes."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        for node in self._nodes.values():
            node.close()

    def cluster(self, name: str) -> list[LabNode]:
        """The nodes of the cluster of that name, the publisher first. Raises KeyError."""
        names = [site.name for site in self._sites.values() if site.cluster == name]
        if not name or not names:
            raise KeyError(name)
        return [self[one] for one in names]

    def _address(self, name: str) -> Address:
        if self._server is None:
            self._server = InventoryServer(self.file, self._options)
        return Address(*self._server.address(name), self._inventory.admin, self._password)


def _install(inventory: InventoryFile, password: str) -> None:
    """Install what is not there, with administrators of that password."""
    from cucmos_shell.frontends.inventory_install import Installation
    from cucmos_shell.frontends.sshd.first_start import FirstPassword
    from cucmos_shell.world import World

    world = World.real()
    missing = Installation(inventory, world)
    if not missing:
        return
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"{password}\n")
        file.flush()
        first = FirstPassword(inventory.admin, file.name)
        first.hash()
    states = [site.state for site in inventory.sites]
    missing.run(_prepare(world, first, states), lambda line: None)


def _prepare(world: World, first: FirstPassword, states: list[str]) -> Callable[[str], object]:
    """What makes a node ready to be served, as far as that is possible here."""
    if has_extra():
        from cucmos_shell.frontends.sshd.host_keys import KeyRing
        from cucmos_shell.frontends.sshd.seats import Opener

        return Opener(world, first, legacy=False, ring=KeyRing(states)).prepare

    from cucmos_shell.frontends.sshd.first_start import make_administrator
    from cucmos_shell.node import Node

    return lambda state: make_administrator(Node.open(state, world), first)
