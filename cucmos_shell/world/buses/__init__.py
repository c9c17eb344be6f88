"""Buses by their addresses. Loaded when asked for.

dir:PATH                            a folder of this machine
etcd+https://HOST,HOST,HOST/NAME    an etcd of so many members, and the name of the bus in it
"""

from __future__ import annotations

from cucmos_shell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.world.bus import Bus
    from cucmos_shell.world.buses.etcd.places import EtcdAddress

# Where, below the folder `base`, the files are that an etcd asks for.
CREDENTIALS = "bus"


def open_bus(address: str, base: str, now: Callable[[], float]) -> Bus:
    """The bus at that address; whether there is one shows when it is used first.

    A relative PATH begins at the folder `base`, whose folder CREDENTIALS has what an etcd wants to
    see of a node; `now` gives seconds since the epoch. Raises BadValue.
    """
    etcd = _etcd(address)
    if etcd is not None:
        from cucmos_shell.world.buses.etcd.bus import EtcdBus

        return EtcdBus(etcd, address, f"{base}/{CREDENTIALS}")
    from cucmos_shell.world.buses.directory import DirectoryBus

    return DirectoryBus(_folder(address, base), now)


def create_bus(address: str, base: str, now: Callable[[], float]) -> Bus:
    """A new and empty bus at that address. Raises BadValue, Refused if there is one, BusAway."""
    etcd = _etcd(address)
    if etcd is not None:
        from cucmos_shell.world.buses.etcd.changes import create_etcd

        create_etcd(etcd, address, f"{base}/{CREDENTIALS}")
    else:
        from cucmos_shell.world.buses import directory

        directory.create(_folder(address, base))
    return open_bus(address, base, now)


def check_files(folder: str) -> None:
    """Raise Unavailable unless a folder has files as CREDENTIALS is to have them."""
    from cucmos_shell.errors import Unavailable
    from cucmos_shell.world.buses.etcd.wire import trusting
    from cucmos_shell.world.unanswered import Unanswered

    try:
        trusting(folder)
    except Unanswered as error:
        raise Unavailable("{reason}", reason=error.reason) from None


def _etcd(address: str) -> EtcdAddress | None:
    if not address.startswith("etcd+"):
        return None
    from cucmos_shell.world.buses.etcd.places import parse_address

    found = parse_address(address)
    if found is None:
        raise _no_address(address)
    return found


def _folder(address: str, base: str) -> str:
    scheme, _, path = address.partition(":")
    if scheme != "dir" or not path or "\0" in path:
        raise _no_address(address)
    return f"{base}/{path}" if path[0] != "/" else path


def _no_address(address: str) -> BadValue:
    template = "{address} is no address of a bus, such as dir:PATH or etcd+https://HOST,HOST,HOST"
    return BadValue(template, address=address)
