"""One question by HTTP, as RFC 6960 (appendix A.1) puts it to a responder.

No redirects, no proxies, no https, 64 KiB at most, one deadline for everything: a time-out of a
socket is per read, and a server that sends an octet a second never meets it.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
from typing import NamedTuple

from cucmos_shell.errors import BadValue
from cucmos_shell.world.connect import Deadline, connect
from cucmos_shell.world.unanswered import Unanswered
from cucmos_shell.world.uri import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.world.connect import Resolve

MAX_BODY = 64 * 1024
_HEAD = 16 * 1024
_REASON = 128


class Limits(NamedTuple):
    """What an answer may take: until when, how many octets, and of which media type it is.

    `asks_why`: what a refusal says in words is wanted; of that, `secrets` are kept.
    """

    deadline: Deadline
    most: int
    takes: str
    asks_why: bool = False
    secrets: tuple[str, ...] = ()

    def too_large(self) -> Unanswered:
        """The error for an answer of more octets."""
        size = f"{self.most >> 20} MiB" if self.most >> 20 else f"{self.most >> 10} KiB"
        return Unanswered(f"its answer is larger than {size}")


class _Reader(io.RawIOBase):
    """Reads from a socket as long as the deadline and the limit allow."""

    def __init__(self, connection: socket.socket, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._connection.settimeout(self._limits.deadline.left())
        count = self._connection.recv_into(buffer)
        self._count += count
        if self._count > self._limits.most + _HEAD:
            raise self._limits.too_large()
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
    head = (
        f"POST {where.path} HTTP/1.1\r\nHost: {where.authority}\r\nConnection: close\r\n"
        f"Content-Type: {sends}\r\nAccept: {takes}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    limits = Limits(deadline, MAX_BODY, takes)
    return ask(connection, "POST", head.encode("ascii") + body, limits)


def ask(connection: socket.socket, method: str, request: bytes, limits: Limits) -> bytes:
    """The body of the answer to a request on a connection, which is closed then.

    Raises Unanswered.
    """
    deadline = limits.deadline
    try:
        connection.settimeout(deadline.left())
        connection.sendall(request)
        return _answer(_Wire(_Reader(connection, limits)), method, limits)
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


def _answer(wire: _Wire, method: str, limits: Limits) -> bytes:
    response = http.client.HTTPResponse(wire, method=method)  # type: ignore[arg-type]
    # What is left to the collector of garbage is closed in no order, and may complain.
    with contextlib.closing(response):
        response.begin()
        return _body(response, limits)


def _body(response: http.client.HTTPResponse, limits: Limits) -> bytes:
    if response.status != 200:
        moved = " (redirects are not followed)" if 300 <= response.status < 400 else ""
        why = _kept(_why(response) if limits.asks_why else response.reason, limits.secrets)
        raise Unanswered(f"it answered {response.status} {why}{moved}".strip())
    if (response.length or 0) > limits.most:
        raise limits.too_large()
    kind = (response.headers.get_content_type() or "").lower()
    if kind != limits.takes:
        raise Unanswered(f"its answer is {kind[:64]}, not {limits.takes}")
    data = response.read(limits.most + 1)
    if len(data) > limits.most:
        raise limits.too_large()
    if response.length:
        raise Unanswered("its answer ends early")
    return data


def _why(response: http.client.HTTPResponse) -> str:
    """The first line of a refusal in words, else its reason."""
    if response.headers.get_content_type() == "text/plain":
        line = response.read(_HEAD).decode("ascii", "replace").partition("\n")[0].strip()
        if line:
            return line
    return response.reason


def _kept(text: str, secrets: tuple[str, ...]) -> str:
    """Words of a server that may have been told secrets, without these, and not too many."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text[:_REASON]
