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
from cucmos_shell.frontends.http import (
    MAX_HEAD,
    WHOLE_SECONDS,
    HttpProblem,
    Request,
    Response,
    read_body,
    read_head,
    send,
)
from cucmos_shell.frontends.steps import NODE
from cucmos_shell.results import Value
from cucmos_shell.store.durable import SECRET_FILE_MODE, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from cucmos_shell.frontends.control_routes import Body, Reply
    from cucmos_shell.frontends.host import Host

    class Answers(Protocol):
        """What is answered at the socket."""

        def answer(self, method: str, target: str, body: Body) -> Reply:
            """The status of HTTP and the data for a request. Raises ShellError, OSError."""


UNIX = "unix:"
MAX_BODY = 256 * 1024
JSON = "application/json"


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


def listen(where: str, token_file: str) -> ControlPlace:
    """Listen at `unix:PATH`, or at `127.0.0.1:PORT` with a token that is put into that file.

    Raises UsageError, Unavailable.
    """
    try:
        if where.startswith(UNIX) and len(where) > len(UNIX):
            return _by_file(os.path.abspath(where.removeprefix(UNIX)))
        host, _, port = where.rpartition(":")
        if host != "127.0.0.1" or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
            raise UsageError(
                "--control: {where} is neither unix:PATH nor 127.0.0.1:PORT", where=where
            )
        return _by_port(int(port), token_file)
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


class Control:
    """Answers at the control socket, as a task of the process that serves (see `host`)."""

    def __init__(self, place: ControlPlace, routes: Answers, host: Host) -> None:
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
                status, data = await asyncio.wait_for(self._result(reader, writer), WHOLE_SECONDS)
                body = json.dumps(data).encode("ascii") + b"\n"
                await send(writer, Response(status, body, JSON))
        finally:
            self._asked.discard(task)
            writer.close()

    async def _result(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int, Any]:
        try:
            request = await read_head(reader)
            self._check(writer, request)
            body = _object(await read_body(reader, request, MAX_BODY))
            answer: tuple[int, Any] = await self._host.off_loop(
                NODE, self._routes.answer, request.method, request.target, body
            )
            return answer
        except HttpProblem as problem:
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

    def _check(self, writer: asyncio.StreamWriter, request: Request) -> None:
        """Let nobody in but the user that the server runs as."""
        if self._place.token:
            given = request.headers.get("authorization", "").encode("latin-1", "replace")
            if not hmac.compare_digest(given, f"Bearer {self._place.token}".encode()):
                raise HttpProblem(401, "the token of the control socket is wanted: Bearer TOKEN")
        elif _peer(writer.get_extra_info("socket")) != os.geteuid():
            raise HttpProblem(403, "the control socket is for another user")


def _peer(sock: Any) -> int:
    """The user at the other end of a socket in the file system."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(user)


def _object(octets: bytes) -> Any:
    if not octets:
        return {}
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError):
        raise HttpProblem(400, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise HttpProblem(400, "the body is no object")
    return found


def _error(kind: str, message: str, **more: object) -> dict[str, Any]:
    return {"error": {"kind": kind, "message": message, **more}}


def _told(error: ShellError) -> dict[str, Any]:
    return _error(error.kind, error.message(), key=getattr(error, "key", None))
