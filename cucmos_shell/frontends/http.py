"""HTTP/1.1 as a server here speaks it: one request a connection, and a deadline for everything.

It works on streams of asyncio, whatever they go over. `answer` is a whole connection, with routes
by path; the other functions are its parts, for whoever has other methods or forms of errors.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, unquote, urlsplit

from cucmos_shell.errors import ShellError
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    # Gets a GET or HEAD request for its path.
    Route = Callable[["Request"], Awaitable["Response"]]

# A reader needs this limit, by which too large a head is known.
MAX_HEAD = 16 * 1024
# Seconds for a head, for a body, for sending; and for all together, with what makes the answer.
SECONDS, WHOLE_SECONDS = 10.0, 60.0
# Octets of an answer that are written at once.
PIECE = 64 * 1024
TEXT = "text/plain; charset=utf-8"
REASONS = {
    200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large",
    429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


class HttpProblem(Exception):
    """A request that is answered with an error; `headers` go with the answer."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class Request(Value):
    """The head of a request. `target` is as it was sent, `path` and `query` are decoded; `client`
    is the address it came from, where there is one.

    Names of `headers` are in small letters; the last of a name counts, in `query` as well.
    """

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    client: str = ""

    def __repr__(self) -> str:
        # Headers may be a password.
        return f"<Request {self.method} {self.path!r}>"


class Response(Value):
    """An answer: its status, its body and the type of that, and headers besides.

    `sent` is called when it is, or will not be.
    """

    status: int = 200
    body: bytes = b""
    kind: str = TEXT
    headers: Mapping[str, str] = {}
    sent: Callable[[], object] | None = None

    def octets(self, body: bool = True) -> bytes:
        """What is sent; without the `body` where the request was for the head only."""
        lines = [
            f"HTTP/1.1 {self.status} {REASONS[self.status]}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {text}" for name, text in self.headers.items()),
            "Connection: close",
        ]
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode("latin-1") + (self.body if body else b"")


async def read_head(reader: asyncio.StreamReader) -> Request:
    """The head of a request.

    Raises HttpProblem; TimeoutError and IncompleteReadError where nobody waits for an answer.
    """
    try:
        async with asyncio.timeout(SECONDS):
            octets = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise HttpProblem(413, "the head of the request is too large") from None
    first, *lines = octets.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise HttpProblem(400, "this is no request of HTTP/1.1")
    try:
        parts = urlsplit(words[1])
    except ValueError:
        raise HttpProblem(400, "this is no address") from None
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): text.strip() for name, _, text in pairs}
    return Request(words[0], words[1], unquote(parts.path), query, headers)


async def read_body(reader: asyncio.StreamReader, request: Request, most: int) -> bytes:
    """The body of a request, of `most` octets. Raises as `read_head`."""
    if "transfer-encoding" in request.headers:
        raise HttpProblem(400, "a body is wanted by its length")
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) < 20):
        raise HttpProblem(400, "the length of the body is no number")
    if int(length) > most:
        raise HttpProblem(413, f"the body is larger than {most} octets")
    async with asyncio.timeout(SECONDS):
        return await reader.readexactly(int(length))


async def send(writer: asyncio.StreamWriter, response: Response, body: bool = True) -> None:
    """Send an answer, a piece when the one before has left. Raises OSError, TimeoutError."""
    octets = memoryview(response.octets(body))
    async with asyncio.timeout(SECONDS):
        for at in range(0, len(octets), PIECE):
            writer.write(octets[at : at + PIECE])
            await writer.drain()


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, routes: Mapping[str, Route]
) -> None:
    """Answer the request of one connection by what `routes` has for its path, and close it.

    A route may raise HttpProblem. What any other mistake of it would say stays here.
    """
    try:
        async with asyncio.timeout(WHOLE_SECONDS):
            response, body = await _response(reader, writer, routes)
            try:
                await send(writer, response, body)
            finally:
                if response.sent is not None:
                    response.sent()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        pass  # Nobody waits for an answer.
    finally:
        writer.close()


async def _response(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, routes: Mapping[str, Route]
) -> tuple[Response, bool]:
    """The answer, and whether its body is wanted."""
    body = True
    try:
        request = await read_head(reader)
        body = request.method != "HEAD"
        address = writer.get_extra_info("peername") or ("",)
        return await _routed(request.replace(client=str(address[0])), routes), body
    except HttpProblem as problem:
        text = f"{problem}\n".encode()
        return Response(problem.status, text, headers=problem.headers), body


async def _routed(request: Request, routes: Mapping[str, Route]) -> Response:
    route = routes.get(request.path)
    if route is None:
        raise HttpProblem(404, "there is nothing here")
    if request.method not in ("GET", "HEAD"):
        raise HttpProblem(405, "GET is known here", {"Allow": "GET, HEAD"})
    try:
        return await route(request)
    except HttpProblem:
        raise
    except (ShellError, OSError):
        raise HttpProblem(503, "this cannot be told now") from None
    except Exception as error:
        raise HttpProblem(500, f"internal error ({type(error).__name__})") from None
