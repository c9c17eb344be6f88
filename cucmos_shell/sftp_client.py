"""A client of SFTP servers: host key first, then the sign-in, then files.

Every call has a deadline of its own and blocks until it is done, so it belongs into a worker
thread. Nothing of the person's own SSH configuration, agent or keys is used.
"""

from __future__ import annotations

import asyncio
import posixpath

from cucmos_shell.errors import Refused, Unavailable, UsageError
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any, BinaryIO, TypeVar

    T = TypeVar("T")

CONNECT_SECONDS = 15.0
TRANSFER_SECONDS = 600.0
LEAVE_SECONDS = 2.0
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
    """One connection to one server. Errors are Unavailable or Refused, with the server's name."""

    def __init__(self, host: str, port: int = 22) -> None:
        self._asyncssh = _asyncssh()
        self._host, self._port = host, port
        self._loop = asyncio.new_event_loop()
        self._connection: Any = None
        self._sftp: Any = None

    def _run(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        library = self._asyncssh
        where = f"{self._host}:{self._port}"
        try:
            return self._loop.run_until_complete(asyncio.wait_for(work, seconds))
        except TimeoutError as error:
            raise Unavailable("{server} did not answer in time", server=where) from error
        except library.PermissionDenied as error:
            raise Refused("{server}: user name or password is wrong", server=where) from error
        except library.HostKeyNotVerifiable as error:
            raise Refused("{server} has shown another host key", server=where) from error
        except (library.Error, OSError) as error:
            reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
            raise Unavailable("{server}: {reason}", server=where, reason=reason) from error

    def host_key(self) -> HostKey:
        """The key the server shows now; nobody has vouched for it yet."""
        key = self._run(
            self._asyncssh.get_server_host_key(self._host, self._port, config=None),
            CONNECT_SECONDS,
        )
        if key is None:
            raise Unavailable("{server} shows no host key", server=self._host)
        line = key.export_public_key("openssh").decode("ascii").split()
        return HostKey(" ".join(line[:2]), key.get_fingerprint(), line[0])

    def connect(self, user: str, password: str, key: HostKey) -> None:
        """Sign in to the server that has exactly this host key."""
        self._run(self._connect(user, password, key), CONNECT_SECONDS)

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

    def make_folders(self, path: str) -> None:
        """Make a folder and those above it, as far as they are missing."""
        if path not in ("", "."):
            self._run(self._sftp.makedirs(path, exist_ok=True), CONNECT_SECONDS)

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of that name."""
        return bool(self._run(self._sftp.isdir(path or "."), CONNECT_SECONDS))

    def names(self, path: str) -> list[str]:
        """The names in a folder, in order."""
        found = self._run(self._sftp.listdir(path or "."), CONNECT_SECONDS)
        return sorted(str(name) for name in found if name not in (".", ".."))

    def put(self, source: BinaryIO, path: str) -> int:
        """Write all of `source` to a file there, under another name until it is whole."""
        return self._run(self._put(source, path), TRANSFER_SECONDS)

    async def _put(self, source: BinaryIO, path: str) -> int:
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

    def get(self, path: str, limit: int) -> bytes:
        """The contents of a file there; Refused if it is larger than `limit`."""
        return self._run(self._get(path, limit), TRANSFER_SECONDS)

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
                self._loop.run_until_complete(self._leave(self._connection))
        finally:
            self._loop.close()

    async def _leave(self, connection: Any) -> None:
        connection.close()
        try:
            await asyncio.wait_for(connection.wait_closed(), LEAVE_SECONDS)
        except (TimeoutError, OSError, self._asyncssh.Error):
            connection.abort()
            # The socket is closed by the loop's next round.
            await asyncio.sleep(0)


def _algorithms(kind: str) -> list[str]:
    """Signature algorithms for a key of that kind; never SHA-1."""
    return ["rsa-sha2-512", "rsa-sha2-256"] if kind == "ssh-rsa" else [kind]
