"""Addresses for the nodes of an inventory: one after the other, or one with many ports."""

from __future__ import annotations

import ipaddress

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Linux has all of 127.0.0.0/8 without being told. The first block stays for other servers.
FIRST, LOCAL, PORT = "127.0.1.1", "127.0.0.1", 2222
# A block of addresses has those that end in 1 to this.
LAST = 254
MAX_PORT = 65_535


class Listen(Value):
    """Where to listen, as it is written: an address, and a port unless that is None."""

    host: str = FIRST
    port: int | None = None

    def with_port(self, other: Listen | None) -> Listen:
        """With the port of another one, if it says none itself."""
        if self.port is not None or other is None:
            return self
        found: Listen = self.replace(port=other.port)
        return found


def listen_of(text: str) -> Listen:
    """`127.0.1.1`, `127.0.1.1:2222`, `[::1]:2222` or `host.example:2222`. Raises ValueError."""
    host, port = text, None
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest else None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host:
        raise ValueError(f"{text} names no address: 127.0.1.1:{PORT}, or 127.0.1.1")
    return Listen(host, None if port is None else _port(port))


def ports_of(text: str) -> range:
    """`2200-2999`. Raises ValueError."""
    first, dash, last = text.partition("-")
    if not dash:
        raise ValueError(f"{text} is no range of ports: 2200-2999")
    found = range(_port(first), _port(last) + 1)
    if not found or not found[0]:
        raise ValueError(f"{text} is no range of ports: 2200-2999")
    return found


def _port(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or int(text[:6]) > MAX_PORT:
        raise ValueError(f"{text or 'nothing'} is no port: 0 to {MAX_PORT}")
    return int(text)


class Addresses:
    """A row of addresses that is taken from; `why_no_more` says why it is at its end."""

    def __init__(self, row: Iterator[tuple[str, int]], why_no_more: str) -> None:
        self._row = row
        self.why_no_more = why_no_more

    @staticmethod
    def of(first: Listen, port: int | None = None) -> Addresses:
        """From that one on, each with the same port: `port`, else its own, else the usual one."""
        if port is None:
            port = PORT if first.port is None else first.port
        try:
            start = ipaddress.IPv4Address(first.host)
        except ValueError:
            why = f"only an IPv4 address is counted on from, not {first.host}"
            return Addresses(iter([(first.host, port)]), why)
        return Addresses(((host, port) for host in _from(start)), "they are at their end")

    @staticmethod
    def in_range(at: Listen | None, ports: range, port: int | None = None) -> Addresses:
        """One address with those ports, or with `port` for everybody."""
        host = LOCAL if at is None else at.host
        why = f"there are {len(ports)} ports in {ports[0]}-{ports[-1]}"
        return Addresses(((host, one if port is None else port) for one in ports), why)

    def take(self) -> tuple[str, int] | None:
        """The next address and port; None if there is none."""
        return next(self._row, None)


def _from(start: ipaddress.IPv4Address) -> Iterator[str]:
    """`start`, and those after it: 254 in a block, and then the next block."""
    number, most = int(start), int(ipaddress.IPv4Address("255.255.255.255"))
    while number <= most:
        yield str(ipaddress.IPv4Address(number))
        number += 1 if number & 0xFF < LAST else (number | 0xFF) + 2 - number
