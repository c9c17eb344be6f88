"""One question by HTTP, as RFC 6960 (appendix A.1) puts it to a responder.

No redirects, no proxies, no https, 64 KiB at most, one deadline for everything: a time-out of a
socket is per read, and a server that sends an octet a second never meets it.
"""

from __future__ import annotations

import http.client
import io
import socket

from cucmos_shell.errors import BadValue
from cucmos_shell.world.connect import Deadline, connect
from cucmos_shell.world.unanswered import Unanswered
from cucmos_shell.world.uri import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.world.connect import Resolve

MAX_BODY = 64 * 1024
_MAX_WIRE = MAX_BODY + 16 * 1024


class _Reader(io.RawIOBase):
    """Reads from a socket as long as the deadline and the limit allow."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._connection.settimeout(self._deadline.left())
        count = self._connection.recv_into(buffer)
        self._count += count
        if self._count > _MAX_WIRE:
            raise Unanswered(f"its answer is larger than {MAX_BODY // 1024} KiB")
        return count


class _Wire:
    """As much of a socket as `http.client` wants for reading an answer."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


def post(
    uri: str,
    body: bytes,
    *,
    sends: str,
    takes: str,
    seconds: float,
    resolve: Resolve = socket.getaddrinfo,
) -> bytes:
    """The body of the answer to `body`; `sends` and `takes` are media types.

    Raises Unanswered after `seconds` at the latest.
    """
    deadline = Deadline(seconds)
    try:
        where = parse(uri)
    except BadValue as error:
        raise Unanswered(error.message()) from None
    connection = connect(where.host, where.port, deadline, resolve)
    try:
        head = (
            f"POST {where.path} HTTP/1.1\r\nHost: {where.authority}\r\nConnection: close\r\n"
            f"Content-Type: {sends}\r\nAccept: {takes}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.settimeout(deadline.left())
        connection.sendall(head.encode("ascii") + body)
        return _answer(_Wire(_Reader(connection, deadline)), takes)
    except TimeoutError:
        raise deadline.missed() from None
    except (http.client.HTTPException, ValueError) as error:
        deadline.left()
        raise Unanswered(f"its answer is not HTTP ({type(error).__name__})") from None
    except OSError as error:
        deadline.left()
        raise Unanswered(error.strerror or type(error).__name__) from None
    finally:
        connection.close()


def _answer(wire: _Wire, takes: str) -> bytes:
    response = http.client.HTTPResponse(wire, method="POST")  # type: ignore[arg-type]
    response.begin()
    if response.status != 200:
        moved = " (redirects are not followed)" if 300 <= response.status < 400 else ""
        raise Unanswered(f"it answered {response.status} {response.reason[:64]}{moved}".strip())
    if (response.length or 0) > MAX_BODY:
        raise Unanswered(f"its answer is larger than {MAX_BODY // 1024} KiB")
    kind = (response.headers.get_content_type() or "").lower()
    if kind != takes:
        raise Unanswered(f"its answer is {kind[:64]}, not {takes}")
    data = response.read(MAX_BODY + 1)
    if len(data) > MAX_BODY:
        raise Unanswered(f"its answer is larger than {MAX_BODY // 1024} KiB")
    if response.length:
        raise Unanswered("its answer ends early")
    return data
