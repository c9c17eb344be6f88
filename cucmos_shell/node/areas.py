"""What of a node's files people may see: its logs, its upload and download areas, certificates.

A path is a tuple of names below one area. It is walked by descriptors, name by name, no link is
ever followed, and only folders and regular files exist for it: nothing outside can be reached,
whatever is put into an area. `certs` is made up from the current state and has no keys in it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import stat

from cucmos_shell.errors import BadValue, NotFound, OutcomeUnknown, Refused, from_os
from cucmos_shell.results import Value
from cucmos_shell.store import SnapshotExpired
from cucmos_shell.store.durable import FOLDER_MODE, NEW_FLAGS, write_all
from cucmos_shell.store.paths import is_clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import BinaryIO, TypeVar

    from cucmos_shell.store import Snapshot, Store
    from cucmos_shell.store.paths import Layout

    T = TypeVar("T")

ACTIVELOG, UPLOAD, DOWNLOAD, CERTS = "activelog", "upload", "download", "certs"
MAX_DOWNLOAD_NAME = 240
# What a file of the download area is called until it is whole; earlier versions put a name before.
UNFINISHED = ".new"
MAX_DEPTH = 32

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe somebody put there must not hold a session up.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

_CAREFUL = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

Path = tuple[str, ...]


class DirEntry(Value):
    """A file or folder. `path` is its place below its area, `changed` seconds since the epoch."""

    path: Path
    folder: bool
    size: int
    changed: float

    @property
    def name(self) -> str:
        """The last name of its path, `/` for the area itself."""
        return self.path[-1] if self.path else "/"


def split(text: str) -> Path:
    """`text` as a path. Raises FileNotFoundError for one that could leave its area."""
    parts = tuple(part for part in text.split("/") if part not in ("", "."))
    if ".." in parts or "\0" in text or len(parts) > MAX_DEPTH:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), text)
    return parts


class FolderArea:
    """An area that is a real folder, without the files whose paths are `hidden`."""

    def __init__(
        self, root: str, writable: bool = False, hidden: Collection[Path] = frozenset()
    ) -> None:
        self._root = root
        self._hidden = hidden
        self.writable = writable

    def folder(self, path: Path) -> int:
        """A descriptor of a folder; the caller closes it. Raises OSError."""
        descriptor = os.open(self._root, _FOLDER)
        for part in path:
            above = descriptor
            try:
                descriptor = os.open(part, _FOLDER, dir_fd=above)
            finally:
                os.close(above)
        return descriptor

    def entries(self, path: Path) -> list[DirEntry]:
        """What is in a folder, by name; links and devices are not there. Raises OSError."""
        descriptor = self.folder(path)
        try:
            found = []
            with os.scandir(descriptor) as entries:
                for item in entries:
                    try:
                        status = item.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    entry = _entry((*path, item.name), status)
                    if entry is not None and entry.path not in self._hidden:
                        found.append(entry)
        finally:
            os.close(descriptor)
        return sorted(found, key=lambda e: e.name)

    def stat(self, path: Path) -> DirEntry:
        """The entry at `path`. Raises OSError."""
        folder = self.folder(path[:-1])
        try:
            status = os.stat(path[-1] if path else ".", dir_fd=folder, follow_symlinks=False)
        finally:
            os.close(folder)
        entry = _entry(path, status)
        if entry is None or path in self._hidden:
            raise _missing(path)
        return entry

    def open(self, path: Path) -> BinaryIO:
        """A regular file for reading. Raises OSError."""
        if not path:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path in self._hidden:
            raise _missing(path)
        folder = self.folder(path[:-1])
        try:
            descriptor = os.open(path[-1], _READ, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise IsADirectoryError(errno.EISDIR, "is not a plain file", path[-1])
        return open(descriptor, "rb", buffering=0)

    def delete(self, path: Path) -> None:
        """Delete a file, or a link that lies in its place. Raises OSError."""
        self._below(path, os.unlink)

    # --- for areas that take files ----------------------------------------------------------------

    def _below(self, path: Path, function: Callable[..., T], *arguments: object) -> T:
        """`function` on the last name of a path, by the descriptor of its folder."""
        if not self.writable and function is not os.unlink:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/".join(path))
        if not path:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        folder = self.folder(path[:-1])
        try:
            return function(path[-1], *arguments, dir_fd=folder)
        finally:
            os.close(folder)

    def write(self, path: Path, flags: int) -> int:
        """A descriptor of a regular file for writing, made if `flags` say so. Raises OSError."""
        flags &= os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR | os.O_WRONLY
        descriptor = self._below(path, os.open, flags | _CAREFUL, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise PermissionError(errno.EACCES, "is not a plain file", path[-1])
        return descriptor

    def make_folder(self, path: Path) -> None:
        """A new folder. Raises OSError."""
        if len(path) >= MAX_DEPTH:
            raise PermissionError(errno.EACCES, "is too deep", path[-1])
        self._below(path, os.mkdir, 0o700)

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder. Raises OSError."""
        self._below(path, os.rmdir)

    def rename(self, path: Path, to: Path, *, replace: bool) -> None:
        """Give a file or folder another name in the same area. Raises OSError."""
        if not self.writable or not path or not to or to[: len(path)] == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/".join(path))
        self.stat(path)
        source = self.folder(path[:-1])
        try:
            target = self.folder(to[:-1])
            try:
                if replace:
                    os.replace(path[-1], to[-1], src_dir_fd=source, dst_dir_fd=target)
                else:
                    self._rename_new(path[-1], source, to[-1], target)
            finally:
                os.close(target)
        finally:
            os.close(source)

    @staticmethod
    def _rename_new(name: str, source: int, to: str, target: int) -> None:
        if stat.S_ISREG(os.stat(name, dir_fd=source, follow_symlinks=False).st_mode):
            # A new name is made or not; nothing another session puts there meanwhile is lost.
            os.link(name, to, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
            os.unlink(name, dir_fd=source)
            return
        try:
            os.stat(to, dir_fd=target, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(name, to, src_dir_fd=source, dst_dir_fd=target)
            return
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), to)


def _entry(path: Path, status: os.stat_result) -> DirEntry | None:
    if stat.S_ISDIR(status.st_mode):
        return DirEntry(path, True, 0, status.st_mtime)
    if stat.S_ISREG(status.st_mode):
        return DirEntry(path, False, status.st_size, status.st_mtime)
    return None


class CertificateArea:
    """The certificates of the current state as `UNIT/UNIT.pem` and `STORE/NAME.pem`, and `.der`."""

    writable = False

    def __init__(self, store: Store) -> None:
        self._store = store

    def entries(self, path: Path) -> list[DirEntry]:
        """What is in a folder, by name. Raises OSError, ShellError."""
        snapshot = self._store.snapshot()
        if not path:
            names = sorted((*snapshot.units, *snapshot.stores))
            return [DirEntry((name,), True, 0, snapshot.when) for name in names]
        if len(path) > 1 or path[0] not in (*snapshot.units, *snapshot.stores):
            raise _missing(path)
        return [
            DirEntry(
                (path[0], name), False, len(_certificate(snapshot, path[0], name)), snapshot.when
            )
            for name in _files(snapshot, path[0])
        ]

    def stat(self, path: Path) -> DirEntry:
        """The entry at `path`. Raises OSError, ShellError."""
        if not path:
            return DirEntry((), True, 0, self._store.snapshot().when)
        if len(path) == 1:
            found = [e for e in self.entries(()) if e.name == path[0]]
            if not found:
                raise _missing(path)
            return found[0]
        with self.open(path) as file:
            size = file.seek(0, os.SEEK_END)
        return DirEntry(path, False, size, self._store.snapshot().when)

    def open(self, path: Path) -> BinaryIO:
        """A certificate for reading. Raises OSError, ShellError."""
        if len(path) != 2:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        try:
            return io.BytesIO(_certificate(self._store.snapshot(), *path))
        except SnapshotExpired:
            return io.BytesIO(_certificate(self._store.snapshot(), *path))

    def delete(self, path: Path) -> None:
        """Raises PermissionError: only commands delete certificates."""
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), "/".join(path))


def _missing(path: Path) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/".join(path))


def _files(snapshot: Snapshot, folder: str) -> list[str]:
    if folder in snapshot.units:
        names = [folder] if snapshot.own(folder).row is not None else []
    else:
        names = [row.name for row in snapshot.trust(folder)]
    return [f"{name}.{form}" for name in names for form in ("der", "pem")]


def _certificate(snapshot: Snapshot, folder: str, file: str) -> bytes:
    name, _, form = file.rpartition(".")
    if form not in ("pem", "der"):
        raise _missing((folder, file))
    if folder in snapshot.units:
        if name != folder or snapshot.own(folder).row is None:
            raise _missing((folder, file))
        return snapshot.own_pem(folder) if form == "pem" else snapshot.own_der(folder)
    row = snapshot.find_trust(folder, name) if folder in snapshot.stores else None
    if row is None or row.name != name:
        raise _missing((folder, file))
    if form == "pem":
        return snapshot.certificate_pem(row.sha256)
    return snapshot.certificate_der(row.sha256)


if TYPE_CHECKING:
    Area = FolderArea | CertificateArea


def walk(area: Area, path: Path) -> Iterator[DirEntry]:
    """Every file below a folder, in order. Raises OSError, ShellError."""
    for entry in area.entries(path):
        if not entry.folder:
            yield entry
        elif len(entry.path) < MAX_DEPTH:
            yield from walk(area, entry.path)


# --- by name, for commands ------------------------------------------------------------------------


def uploads(layout: Layout) -> tuple[str, ...]:
    """The names of the files in the upload area, in order."""
    try:
        entries = FolderArea(layout.upload).entries(())
    except OSError:
        return ()
    return tuple(entry.name for entry in entries if not entry.folder)


def open_upload(layout: Layout, name: str) -> BinaryIO:
    """The file of that name in the upload area. Raises NotFound, Refused or Unavailable."""
    missing = NotFound("{file} is not in the upload area", file=name)
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise missing
    try:
        return FolderArea(layout.upload).open((name,))
    except IsADirectoryError:
        raise Refused("{file} is not a plain file", file=name) from None
    except PermissionError as error:
        raise from_os(error, "read") from error
    except (OSError, UnicodeError):
        raise missing from None


def write_download(layout: Layout, name: str, data: bytes, *, replace: bool = True) -> str:
    """Put a file into the download area; returns its name.

    One of that name is replaced, or in the way without `replace`. Raises BadValue for a name that
    no file there has, a path for instance; Refused, Unavailable; OutcomeUnknown when it is there
    but the disk did not confirm that it will last.
    """
    if not is_clean(name) or len(name) > MAX_DOWNLOAD_NAME:
        raise BadValue(
            "{name} is no name for a file: letters, digits, dots, - and _, {most} at most",
            name=name,
            most=MAX_DOWNLOAD_NAME,
        )
    path = layout.download
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, FOLDER_MODE)
        folder = os.open(path, _FOLDER)
        try:
            _put(folder, name, data, replace=replace)
            _confirm(folder, name)
        finally:
            os.close(folder)
    except FileExistsError:
        raise Refused(
            "{name} is in the download area already",
            name=name,
            details=(f"file delete download {name} takes it away.",),
        ) from None
    except OSError as error:
        error.filename = error.filename or path
        raise from_os(error, "written") from error
    return name


def _put(folder: int, name: str, data: bytes, *, replace: bool) -> None:
    # One at a time, so that whatever has such a name is what a kill has left.
    fcntl.flock(folder, fcntl.LOCK_EX)
    for left in os.listdir(folder):
        if left.startswith(".") and left.endswith(UNFINISHED):
            os.unlink(left, dir_fd=folder)
    descriptor = os.open(UNFINISHED, NEW_FLAGS, 0o600, dir_fd=folder)
    try:
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if replace:
            os.rename(UNFINISHED, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.link(UNFINISHED, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(UNFINISHED, dir_fd=folder)


def _confirm(folder: int, name: str) -> None:
    """Make the name of a new file last."""
    try:
        os.fsync(folder)
    except OSError as error:
        raise OutcomeUnknown(
            "{file} is written, but the disk did not confirm that it will last: {reason}",
            file=name,
            reason=error.strerror or str(error),
        ) from error
