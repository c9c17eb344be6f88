"""SFTP, and scp over it: the node's areas as four folders, of which `upload` takes files.

Every path goes through `node.areas`; nothing of asyncssh's own file access is left reachable.
Work on files happens in threads; changes are in the audit log, and refused when that is not
writable.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time

import asyncssh
from asyncssh import (
    FXF_APPEND,
    FXF_CREAT,
    FXF_EXCL,
    FXF_READ,
    FXF_TRUNC,
    FXF_WRITE,
    SFTPAttrs,
    SFTPName,
)

from cucmos_shell.errors import ShellError, Unavailable
from cucmos_shell.frontends.sshd.open_files import MAX_UPLOAD, Reading, Writing, attributes_of
from cucmos_shell.node.areas import DirEntry, FolderArea, split
from cucmos_shell.node.readers import READERS, areas_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any, NoReturn

    from cucmos_shell.frontends.sshd.access import Access
    from cucmos_shell.frontends.sshd.door import Door
    from cucmos_shell.node.areas import Area, Path

MAX_OPEN = 64


class Files(asyncssh.SFTPServer):
    """The areas of a node for one account."""

    def __init__(self, chan: Any, door: Door, access: Access, name: str) -> None:
        super().__init__(chan)
        self._door = door
        self._access = access
        self._name = name
        self._level = -1
        self._origin = f"sftp/{access.address}"
        self._areas: dict[str, Area] = {}
        self._open: set[Reading | Writing] = set()

    # --- paths ------------------------------------------------------------------------------------

    def _place(self, path: bytes) -> tuple[Area | None, Path]:
        """The area a path is in, None for the folder of all areas, and the path in it."""
        parts = split(_plain(path))
        if not parts:
            return None, ()
        if parts[0] in READERS and parts[0] not in self._areas:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if parts[0] not in self._areas:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return self._areas[parts[0]], parts[1:]

    def _writable(self, path: bytes) -> tuple[FolderArea, Path]:
        area, parts = self._place(path)
        if not isinstance(area, FolderArea) or not area.writable or not parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return area, parts

    def _new(self, path: bytes) -> tuple[FolderArea, Path]:
        """The same for a name that may be made, which any client must be able to read."""
        path.decode("utf-8")
        return self._writable(path)

    async def _do(self, function: Callable[..., Any], *arguments: object) -> Any:
        """`function` in a thread, if the account is still there and as it is now."""

        def work() -> Any:
            level = self._access.still().level
            if level != self._level:
                self._areas, self._level = areas_for(self._door.node.store, level), level
            return function(*arguments)

        return await self._off_loop(work)

    async def _off_loop(self, function: Callable[..., Any], *arguments: object) -> Any:
        """`function` in a thread; what it raises becomes an answer of the protocol."""
        try:
            return await self._access.off_loop(function, *arguments)
        except (OSError, ShellError, ValueError, OverflowError) as error:
            raise _status(error) from None

    async def _change(self, what: str, function: Callable[..., Any], *arguments: object) -> Any:
        """`function` in a thread, begun and ended in the audit log."""

        def work() -> Any:
            end = self._begin(what)
            try:
                result = function(*arguments)
            except BaseException:
                end(False)
                raise
            end(True)
            return result

        return await self._do(work)

    def _begin(self, what: str) -> Callable[[bool], None]:
        node, line = self._door.node, f"sftp {what}"
        token = node.audit.begin(node.now(), line, line, self._name, self._origin)

        def end(good: bool) -> None:
            with contextlib.suppress(ShellError):
                node.audit.end(node.now(), token, "ok" if good else "failed(1)")

        return end

    # --- looking ----------------------------------------------------------------------------------

    def _entry(self, path: bytes) -> tuple[DirEntry, bool]:
        area, parts = self._place(path)
        if area is None:
            return DirEntry((), True, 0, self._door.started), False
        return area.stat(parts), area.writable

    async def stat(self, path: bytes) -> Any:
        return attributes_of(*await self._do(self._entry, path))

    lstat = stat

    async def fstat(self, file_obj: object) -> Any:
        return await self._do(_handle(file_obj).attributes)

    def _names(self, path: bytes) -> list[tuple[DirEntry, bool]]:
        area, parts = self._place(path)
        if area is not None:
            return [(entry, area.writable) for entry in area.entries(parts)]
        return [
            (DirEntry((name,), True, 0, self._door.started), area.writable)
            for name, area in self._areas.items()
        ]

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        for entry, writable in await self._do(self._names, path):
            attributes = attributes_of(entry, writable)
            name = os.fsencode(entry.name)
            yield SFTPName(name, _long_name(entry, attributes), attributes)

    async def realpath(self, path: bytes) -> bytes:
        parts: list[str] = []
        for part in _plain(path).split("/"):
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        return os.fsencode("/" + "/".join(parts))

    # --- reading and writing ----------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        if len(self._open) >= MAX_OPEN:
            raise asyncssh.SFTPFailure("Too many open files")
        wanted = self._open_writing if pflags & (FXF_WRITE | FXF_APPEND) else self._open_reading
        opened = await self._do(wanted, path, pflags)
        self._open.add(opened)
        return opened

    def _open_reading(self, path: bytes, _: int) -> Reading:
        area, parts = self._place(path)
        if area is None:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        entry = area.stat(parts)
        try:
            end = self._begin(f"get {_shown(path)}")
        except Unavailable:
            # Only changes need the log: who comes to clear a full disk may look at what there is.
            end = _unnoted
        try:
            file = area.open(parts)
        except BaseException:
            end(False)
            raise
        end(True)
        return Reading(file, entry.size, entry.changed)

    def _open_writing(self, path: bytes, pflags: int) -> Writing:
        area, parts = self._new(path) if pflags & FXF_CREAT else self._writable(path)
        flags = os.O_RDWR if pflags & FXF_READ else os.O_WRONLY
        for theirs, ours in (
            (FXF_APPEND, os.O_APPEND), (FXF_CREAT, os.O_CREAT), (FXF_EXCL, os.O_EXCL),
        ):  # fmt: skip
            flags |= ours if pflags & theirs else 0
        end = self._begin(f"put {_shown(path)}")
        try:
            descriptor = area.write(parts, flags)
            if pflags & FXF_TRUNC:
                os.ftruncate(descriptor, 0)
        except BaseException:
            end(False)
            raise
        return Writing(descriptor, bool(pflags & FXF_APPEND), end)

    async def open56(self, path: bytes, *_: object) -> object:
        raise asyncssh.SFTPOpUnsupported("Only version 3 of SFTP is spoken")

    async def read(self, file_obj: object, offset: int, size: int) -> Any:
        return await self._do(_handle(file_obj).read, offset, size)

    async def write(self, file_obj: object, offset: int, data: bytes) -> Any:
        handle = _handle(file_obj)
        if isinstance(handle, Reading):
            raise asyncssh.SFTPPermissionDenied("The file is open for reading")
        return await self._do(handle.write, offset, data)

    async def close(self, file_obj: object) -> Any:
        handle = _handle(file_obj)
        self._open.discard(handle)
        if isinstance(handle, Writing) and self.channel.is_closing():
            # Who writes a file to its end closes it.
            handle.good = False
        try:
            await self._off_loop(handle.close)
        except asyncssh.SFTPError:
            # At the end of a session, asyncssh has others to close yet.
            if not self.channel.is_closing():
                raise

    async def fsync(self, file_obj: object) -> Any:
        handle = _handle(file_obj)
        if isinstance(handle, Writing):
            await self._do(os.fsync, handle.descriptor)

    async def exit(self) -> None:
        for handle in self._open:
            if isinstance(handle, Writing):
                handle.good = False
        while self._open:
            with contextlib.suppress(asyncssh.SFTPError):
                await self._off_loop(self._open.pop().close)
        if self.channel.get_subsystem() == "sftp":
            # OpenSSH's scp takes a channel without a status for a failure.
            with contextlib.suppress(OSError):
                self.channel.exit(0)

    # --- changing ---------------------------------------------------------------------------------

    async def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Owners, modes and times stay what they are; clients set them after each upload."""
        await self._do(self._writable, path)
        if attrs.size is not None:
            raise asyncssh.SFTPOpUnsupported("Not supported")

    lsetstat = setstat

    async def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        handle = _handle(file_obj)
        if attrs.size is not None:
            if not isinstance(handle, Writing) or attrs.size > MAX_UPLOAD:
                raise asyncssh.SFTPPermissionDenied("Not that size")
            await self._do(os.ftruncate, handle.descriptor, attrs.size)

    async def remove(self, path: bytes) -> None:
        area, parts = await self._do(self._writable, path)
        await self._change(f"remove {_shown(path)}", area.delete, parts)

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        area, parts = await self._do(self._new, path)
        await self._change(f"mkdir {_shown(path)}", area.make_folder, parts)

    async def rmdir(self, path: bytes) -> None:
        area, parts = await self._do(self._writable, path)
        await self._change(f"rmdir {_shown(path)}", area.remove_folder, parts)

    async def _rename(self, oldpath: bytes, newpath: bytes, replace: bool) -> None:
        area, parts = await self._do(self._writable, oldpath)
        _, to = await self._do(self._new, newpath)
        what = f"rename {_shown(oldpath)} {_shown(newpath)}"
        await self._change(what, lambda: area.rename(parts, to, replace=replace))

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._rename(oldpath, newpath, False)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._rename(oldpath, newpath, True)

    # --- what there is not ------------------------------------------------------------------------

    async def _refuse(self, *_: object) -> NoReturn:
        raise asyncssh.SFTPPermissionDenied("There are no links here")

    readlink = symlink = link = _refuse  # type: ignore[assignment]

    async def _unsupported(self, *_: object) -> NoReturn:
        raise asyncssh.SFTPOpUnsupported("Not supported")

    lock = unlock = statvfs = fstatvfs = _unsupported  # type: ignore[assignment]


def _unnoted(good: bool) -> None:
    """The end of what could not be noted."""


def _handle(file_obj: object) -> Reading | Writing:
    assert isinstance(file_obj, Reading | Writing)
    return file_obj


def _plain(path: bytes) -> str:
    if len(path) > 4096:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return os.fsdecode(path)


def _shown(path: bytes) -> str:
    """A path as one word of the audit log, which makes it safe itself."""
    return "_".join(path.decode("utf-8", "backslashreplace").split())[:200]


def _status(error: Exception) -> asyncssh.SFTPError:
    """`error` as a status of the protocol, without a path of this machine in it."""
    if isinstance(error, ShellError):
        return asyncssh.SFTPFailure(error.message())
    number = error.errno if isinstance(error, OSError) else errno.EINVAL
    if number in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO):
        return asyncssh.SFTPNoSuchFile("No such file or directory")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return asyncssh.SFTPPermissionDenied("Permission denied")
    return asyncssh.SFTPFailure(os.strerror(number or errno.EIO))


def _long_name(entry: DirEntry, attributes: SFTPAttrs) -> bytes:
    when = time.strftime("%b %d  %Y", time.gmtime(entry.changed))
    mode = stat.filemode(attributes.permissions or 0)
    return os.fsencode(f"{mode}    1 node     node     {entry.size:>8} {when} {entry.name}")
