"""Sockets at the addresses of this machine."""

from __future__ import annotations

import socket

from cucmos_shell.errors import Unavailable


def bound(host: str, port: int, what: str = "") -> socket.socket:
    """A socket at that address, which does not listen yet; port 0 is a free one.

    `what` it is for is said where it cannot be had. Raises Unavailable.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.setblocking(False)
        except BaseException:
            made.close()
            raise
    except OSError as error:
        raise refused(error, host, port, what) from error
    return made


def listening(host: str, port: int, backlog: int, what: str = "") -> socket.socket:
    """As `bound`, and it listens."""
    made = bound(host, port, what)
    try:
        made.listen(backlog)
    except OSError as error:
        made.close()
        raise refused(error, host, port, what) from error
    return made


def shown(sock: socket.socket) -> str:
    """Where a socket is, as `HOST:PORT`."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def refused(error: OSError, host: str, port: int, what: str) -> Unavailable:
    """What is said where an address cannot be had."""
    return Unavailable(
        "{host}:{port} cannot be listened on{what}: {reason}",
        host=host,
        port=port,
        what=f" ({what})" if what else "",
        reason=error.strerror or str(error),
    )
