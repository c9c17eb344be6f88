"""The control socket of a lab: faults, clock, snapshots and the commands that were run, by HTTP.

Over a socket in the file system, which is for the server's own user alone, or over 127.0.0.1 with
a token that lies in a file of that user. A request has a connection of its own; bodies and answers
are JSON. All that it changes lies in files, so any worker may answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import socket
import stat
import struct

from cucmos_shell.errors import Busy, NotFound, ShellError, Unavailable, UsageError, from_os
from cucmos_shell.frontends.control_routes import Routes
from cucmos_shell.frontends.steps import NODE
from cucmos_shell.node.lab.lab import open_lab
from cucmos_shell.results import Value
from cucmos_shell.store.durable import SECRET_FILE_MODE, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.frontends.host import Host
    from cucmos_shell.world import World

UNIX = "unix:"
MAX_HEAD, MAX_BODY = 16 * 1024, 256 * 1024
SECONDS = 10.0
REASONS = {
    200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


class ControlPlace(Value):
    """Where the control socket listens. `token` is empty where its file keeps others out."""

    listener: Any
    shown: str
    token: str = ""
    path: str = ""

    def __repr__(self) -> str:
        return f"<ControlPlace {self.shown}>"

    def remove(self) -> None:
        """Take the socket's name away."""
        if self.path:
            with contextlib.suppress(OSError):
                os.unlink(self.path)


def listen(where: str, state_dir: str, world: World) -> ControlPlace:
    """Listen at `unix:PATH` or `127.0.0.1:PORT`; on a node of a lab only.

    Raises UsageError, Refused, Unavailable.
    """
    lab = open_lab(state_dir, world)
    try:
        if where.startswith(UNIX) and len(where) > len(UNIX):
            return _by_file(os.path.abspath(where.removeprefix(UNIX)))
        host, _, port = where.rpartition(":")
        if host != "127.0.0.1" or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
            raise UsageError(
                "--control: {where} is neither unix:PATH nor 127.0.0.1:PORT", where=where
            )
        return _by_port(int(port), lab.layout.control_token)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unavailable(
            "{where} cannot be listened on: {reason}", where=where, reason=reason
        ) from error


def _by_file(path: str) -> ControlPlace:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _sweep(path)
        before = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen()
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return ControlPlace(listener, f"{UNIX}{path}", path=path)


def _sweep(path: str) -> None:
    """Take away a socket that nobody listens at any more."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                try:
                    client.connect(path)
                except ConnectionRefusedError:
                    os.unlink(path)


def _by_port(port: int, token_file: str) -> ControlPlace:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        listener.setblocking(False)
        token = os.urandom(24).hex()
        replace(token_file, f"{token}\n".encode("ascii"), SECRET_FILE_MODE, durable=False)
    except BaseException:
        listener.close()
        raise
    shown = f"http://127.0.0.1:{listener.getsockname()[1]}, token in {token_file}"
    return ControlPlace(listener, shown, token)


class Problem(Exception):
    """A request that is answered with an error of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """Answers at the control socket, as a task of the process that serves (see `host`)."""

    def __init__(self, place: ControlPlace, routes: Routes, host: Host) -> None:
        self._place = place
        self._routes = routes
        self._host = host
        self._server: asyncio.Server | None = None
        self._asked: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Answer from now on."""
        self._server = await asyncio.start_server(
            self._answer, sock=self._place.listener, limit=MAX_HEAD
        )

    def stop(self) -> None:
        """Take no more requests."""
        if self._server is not None:
            self._server.close()

    @property
    def finished(self) -> bool:
        """Whether no request is being answered."""
        return not self._asked

    def abandon(self) -> None:
        """Give up what is being answered."""
        for task in self._asked:
            task.cancel()

    @property
    def gone(self) -> bool:
        """Whether nobody is there any more."""
        return not self._asked

    def close(self) -> None:
        """Nothing is left to be dropped."""

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._asked.add(task)
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                status, data = await asyncio.wait_for(self._result(reader, writer), 6 * SECONDS)
                body = json.dumps(data).encode("ascii") + b"\n"
                head = (
                    f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                )
                writer.write(head.encode("ascii") + body)
                await asyncio.wait_for(writer.drain(), SECONDS)
        finally:
            self._asked.discard(task)
            writer.close()

    async def _result(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int, Any]:
        try:
            method, path, headers = await self._head(reader)
            self._check(writer, headers)
            body = await _body(reader, headers)
            answer: tuple[int, Any] = await self._host.off_loop(
                NODE, self._routes.answer, method, path, body
            )
            return answer
        except Problem as problem:
            return problem.status, _error("request", str(problem))
        except ShellError as error:
            status = 404 if isinstance(error, NotFound) else 409 if isinstance(error, Busy) else 400
            return (503 if error.status > 3 and status == 400 else status), _told(error)
        except (TimeoutError, asyncio.IncompleteReadError):
            # Nobody waits for an answer.
            raise
        except OSError as error:
            return 503, _told(from_os(error))
        except Exception as error:
            return 500, _error("bug", f"internal error ({type(error).__name__})")

    async def _head(self, reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
        try:
            octets = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
        except asyncio.LimitOverrunError:
            raise Problem(413, "the head of the request is too large") from None
        first, *lines = octets.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Problem(400, "this is no request of HTTP/1.1")
        pairs = (line.partition(":") for line in lines if line)
        return words[0], words[1], {name.strip().lower(): text.strip() for name, _, text in pairs}

    def _check(self, writer: asyncio.StreamWriter, headers: dict[str, str]) -> None:
        """Let nobody in but the user that the server runs as."""
        if self._place.token:
            given = headers.get("authorization", "").encode("latin-1", "replace")
            if not hmac.compare_digest(given, f"Bearer {self._place.token}".encode()):
                raise Problem(401, "the token of the control socket is wanted: Bearer TOKEN")
        elif _peer(writer.get_extra_info("socket")) != os.geteuid():
            raise Problem(403, "the control socket is for another user")


def _peer(sock: Any) -> int:
    """The user at the other end of a socket in the file system."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(user)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> Any:
    if "transfer-encoding" in headers:
        raise Problem(400, "a body is wanted by its length")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise Problem(400, "the length of the body is no number")
    if int(length) > MAX_BODY:
        raise Problem(413, f"the body is larger than {MAX_BODY} octets")
    octets = await asyncio.wait_for(reader.readexactly(int(length)), SECONDS)
    if not octets:
        return {}
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError):
        raise Problem(400, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise Problem(400, "the body is no object")
    return found


def _error(kind: str, message: str, **more: object) -> dict[str, Any]:
    return {"error": {"kind": kind, "message": message, **more}}


def _told(error: ShellError) -> dict[str, Any]:
    return _error(error.kind, error.message(), key=getattr(error, "key", None))
