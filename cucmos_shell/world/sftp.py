"""A client of SFTP servers: host key first, then the sign-in, then files.

Every call is a part of a conversation with a deadline of its own. Its steps block for a moment, so
they belong into a worker thread; given up, it leaves no connection behind. Nothing of the person's
own SSH configuration, agent or keys is used.
"""

from __future__ import annotations

import asyncio
import os
import posixpath

from cucmos_shell.errors import Busy, Refused, Unavailable, UsageError
from cucmos_shell.results import Pause, Progress, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, Protocol, TypeVar

    from cucmos_shell.results import Conversation

    T = TypeVar("T")

    class Readable(Protocol):
        """What is sent."""

        def read(self, size: int, /) -> bytes:
            """At most `size` octets; none at the end."""


CONNECT_SECONDS = 15.0
TRANSFER_SECONDS = 600.0
CLOSE_SECONDS = 2.0
# What takes longer is said, and then heard out in pieces, between which Ctrl-C is heard.
SILENT_SECONDS = 0.5
PIECE_SECONDS = 0.2
# Rounds of a loop, in which is done what there is to do without waiting.
ROUNDS = 8
BLOCK = 256 * 1024


class HostKey(Value):
    """What a server shows to prove who it is: the key's line, its fingerprint and its kind."""

    line: str
    fingerprint: str
    kind: str


def _asyncssh() -> Any:
    try:
        import asyncssh
    except ImportError as error:
        raise UsageError("SFTP needs the extra ssh: pip install cucmos-shell[ssh]") from error
    return asyncssh


class SftpClient:
    """One connection to one server. Errors are Unavailable or Refused, with the server's name.

    `wait` runs what waits for the server (see `World`). Where it may not, as much is done as can be
    done without.
    """

    def __init__(self, host: str, port: int = 22) -> None:
        self._asyncssh = _asyncssh()
        self.wait: Callable[[Callable[[], Any]], Any] = lambda function: function()
        self._host, self._port = host, port
        self._loop = asyncio.new_event_loop()
        self._connection: Any = None
        self._sftp: Any = None
        self._said = ""

    def _ask(self, work: Coroutine[Any, Any, T]) -> Conversation[T]:
        """What the server answers."""
        return self._run(work, CONNECT_SECONDS, f"Waiting for {self._host}:{self._port} ...")

    def _run(self, work: Coroutine[Any, Any, T], seconds: float, doing: str) -> Conversation[T]:
        """What `work` gives. It is done a piece at a time, so that Ctrl-C is heard; what takes long
        is said, `doing` (a line) once. Given up, nothing of it goes on."""
        task = self._loop.create_task(asyncio.wait_for(work, seconds))
        piece = SILENT_SECONDS
        try:
            while True:
                waited = self._go_on(task, piece)
                if task.done():
                    return self._result(task)
                if piece == SILENT_SECONDS and doing != self._said:
                    self._said = doing
                    yield Progress(doing, aside=True)
                piece = PIECE_SECONDS
                yield Pause(0.0 if waited else PIECE_SECONDS)
        finally:
            if not task.done():
                task.cancel()
                self._go_on(task, CLOSE_SECONDS)

    def _go_on(self, task: asyncio.Task[T], seconds: float) -> bool:
        """Go on for so long at most; whether it could be waited for the server."""

        def hear(seconds: float) -> None:
            self._loop.run_until_complete(asyncio.wait((task,), timeout=seconds))

        try:
            self.wait(lambda: hear(seconds))
        except Busy:
            for _ in range(ROUNDS):
                hear(0.0)
            return False
        return True

    def _result(self, task: asyncio.Task[T]) -> T:
        library = self._asyncssh
        where = f"{self._host}:{self._port}"
        try:
            return task.result()
        except TimeoutError as error:
            raise Unavailable("{server} did not answer in time", server=where) from error
        except library.PermissionDenied as error:
            raise Refused("{server}: user name or password is wrong", server=where) from error
        except library.HostKeyNotVerifiable as error:
            raise Refused("{server} has shown another host key", server=where) from error
        except (library.Error, OSError) as error:
            raise Unavailable("{server}: {reason}", server=where, reason=_reason(error)) from error

    def host_key(self) -> Conversation[HostKey]:
        """The key the server shows now; nobody has vouched for it yet."""
        key = yield from self._ask(
            self._asyncssh.get_server_host_key(self._host, self._port, config=None)
        )
        if key is None:
            raise Unavailable("{server} shows no host key", server=self._host)
        line = key.export_public_key("openssh").decode("ascii").split()
        return HostKey(" ".join(line[:2]), key.get_fingerprint(), line[0])

    def connect(self, user: str, password: str, key: HostKey) -> Conversation[None]:
        """Sign in to the server that has exactly this host key."""
        yield from self._ask(self._connect(user, password, key))

    async def _connect(self, user: str, password: str, key: HostKey) -> None:
        library = self._asyncssh
        trusted = library.import_public_key(key.line)
        self._connection = await library.connect(
            self._host,
            self._port,
            username=user,
            password=password,
            known_hosts=([trusted], [], []),
            server_host_key_algs=_algorithms(key.kind),
            config=None,
            client_keys=None,
            agent_path=None,
            preferred_auth=("password", "keyboard-interactive"),
        )
        self._sftp = await self._connection.start_sftp_client()

    def make_folders(self, path: str) -> Conversation[None]:
        """Make a folder and those above it, as far as they are missing."""
        if path not in ("", "."):
            yield from self._ask(self._sftp.makedirs(path, exist_ok=True))

    def is_folder(self, path: str) -> Conversation[bool]:
        """Whether there is a folder of that name."""
        return bool((yield from self._ask(self._sftp.isdir(path or "."))))

    def names(self, path: str) -> Conversation[list[str]]:
        """The names in a folder, in order."""
        found = yield from self._ask(self._sftp.listdir(path or "."))
        return sorted(str(name) for name in found if name not in (".", ".."))

    def put(self, source: Readable, path: str) -> Conversation[int]:
        """Write all of `source` to a file there, under another name until it is whole."""
        return (
            yield from self._run(
                self._put(source, path),
                TRANSFER_SECONDS,
                f"Sending {posixpath.basename(path)} ...",
            )
        )

    async def _put(self, source: Readable, path: str) -> int:
        part = f"{path}.part"
        size = 0
        async with self._sftp.open(part, "wb") as file:
            while block := source.read(BLOCK):
                await file.write(block)
                size += len(block)
        try:
            await self._sftp.posix_rename(part, path)
        except self._asyncssh.SFTPError:
            if await self._sftp.exists(path):
                await self._sftp.remove(path)
            await self._sftp.rename(part, path)
        return size

    def get(self, path: str, limit: int) -> Conversation[bytes]:
        """The contents of a file there; Refused if it is larger than `limit`."""
        return (
            yield from self._run(
                self._get(path, limit),
                TRANSFER_SECONDS,
                f"Fetching {posixpath.basename(path)} ...",
            )
        )

    async def _get(self, path: str, limit: int) -> bytes:
        async with self._sftp.open(path, "rb") as file:
            data = bytes(await file.read(limit + 1))
        if len(data) > limit:
            raise Refused(
                "{file} is larger than {limit} octets", file=posixpath.basename(path), limit=limit
            )
        return data

    def close(self) -> None:
        """Leave the server."""
        if self._loop.is_closed():
            return
        try:
            if self._connection is not None:
                self._leave(self._connection)
        finally:
            self._loop.close()

    def _leave(self, connection: Any) -> None:
        try:
            self.wait(lambda: self._loop.run_until_complete(self._left(connection, CLOSE_SECONDS)))
        except Busy:
            self._loop.run_until_complete(self._left(connection, 0.0))

    async def _left(self, connection: Any, seconds: float) -> None:
        connection.close()
        try:
            await asyncio.wait_for(connection.wait_closed(), seconds)
        except (TimeoutError, OSError, self._asyncssh.Error):
            connection.abort()
            # The socket is closed by the loop's next round.
            await asyncio.sleep(0)


def _reason(error: Exception) -> str:
    """Why it failed; the system's words for its numbers, where the library has words of its own."""
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and number is not None and number > 0:
        return os.strerror(number)
    reason = getattr(error, "reason", "") or getattr(error, "strerror", "")
    if not reason and isinstance(error, OSError):
        # Several addresses, each of which failed in a way of its own.
        return "none of its addresses takes a connection"
    return reason or str(error)


def _algorithms(kind: str) -> list[str]:
    """Signature algorithms for a key of that kind; never SHA-1."""
    return ["rsa-sha2-512", "rsa-sha2-256"] if kind == "ssh-rsa" else [kind]
