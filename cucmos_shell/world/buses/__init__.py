"""Buses by their addresses: `dir:PATH` is a folder of this machine. Loaded when asked for."""

from __future__ import annotations

from cucmos_shell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.world.bus import Bus


def open_bus(address: str, base: str, now: Callable[[], float]) -> Bus:
    """The bus at that address; whether there is one shows when it is used first.

    A relative PATH begins at the folder `base`; `now` gives seconds since the epoch.
    Raises BadValue.
    """
    from cucmos_shell.world.buses.directory import DirectoryBus

    return DirectoryBus(_folder(address, base), now)


def create_bus(address: str, base: str, now: Callable[[], float]) -> Bus:
    """A new and empty bus at that address. Raises BadValue, Refused if there is one, BusAway."""
    from cucmos_shell.world.buses import directory

    directory.create(_folder(address, base))
    return open_bus(address, base, now)


def _folder(address: str, base: str) -> str:
    scheme, _, path = address.partition(":")
    if scheme != "dir" or not path or "\0" in path:
        template = "{address} is no address of a bus, such as dir:PATH"
        raise BadValue(template, address=address)
    return f"{base}/{path}" if path[0] != "/" else path
