"""Files that are written once, made to last, and cleaned up if they came to nothing."""

from __future__ import annotations

import errno
import os
import stat

from cucmos_shell.errors import OutcomeUnknown, from_os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FOLDER_MODE, SECRET_FOLDER_MODE = 0o755, 0o700
FILE_MODE, SECRET_FILE_MODE = 0o644, 0o600

# What a file is called besides its name until it is whole, and a folder before it goes.
UNFINISHED, FORMER = ".next", ".old"

READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def read(path: str) -> bytes:
    """The contents of a regular file that is no link. Raises OSError."""
    descriptor = os.open(path, READ_FLAGS)
    try:
        size = os.fstat(descriptor).st_size
        pieces = []
        while piece := os.read(descriptor, max(size + 1, 4096)):
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    except OSError as error:
        error.filename = error.filename or path
        raise
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`; a disk that takes only a part raises on the next try."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(path: str) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(path, FOLDER_FLAGS)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(path: str) -> None:
    """Remove a folder and what is in it, or a file; a link itself. Raises OSError."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        os.unlink(path)
        return
    for entry in list(os.scandir(path)):
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            os.unlink(entry.path)
    os.rmdir(path)


class Writer:
    """New files and folders of one transaction: all are made durable, or all are removed.

    Made before the first file, since the file system reports a failed write-back only to
    descriptors that were open when it happened.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._descriptor = os.open(root, FOLDER_FLAGS)
        self._files: list[str] = []
        self._folders: list[str] = []
        self._kept: list[str] = []
        self._parents: dict[str, None] = {}

    def close(self) -> None:
        """Let go of the file system."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def folder(self, path: str, mode: int = FOLDER_MODE) -> None:
        """A new folder."""
        os.mkdir(path, mode)
        self._folders.append(path)
        self._parents[os.path.dirname(path)] = None

    def folder_if_missing(self, path: str) -> None:
        """A folder that may be there already."""
        try:
            self.folder(path)
        except FileExistsError:
            self._parents[os.path.dirname(path)] = None

    def file(self, path: str, data: bytes, mode: int = FILE_MODE) -> None:
        """A new file with its contents."""
        descriptor = os.open(path, NEW_FLAGS, mode)
        self._files.append(path)
        try:
            write_all(descriptor, data)
        except OSError as error:
            error.filename = error.filename or path
            raise
        finally:
            os.close(descriptor)
        self._parents[os.path.dirname(path)] = None

    def link(self, target: str, path: str) -> None:
        """A new symbolic link."""
        os.symlink(target, path)
        self._files.append(path)
        self._parents[os.path.dirname(path)] = None

    def keep(self, path: str) -> None:
        """A file that was there before is to be made durable with the rest, and never removed.

        A transaction that came to nothing may have left it without that.
        """
        self._kept.append(path)
        self._parents[os.path.dirname(path)] = None

    def sync(self) -> None:
        """Make everything written durable. Raises OSError."""
        try:
            _syncfs(self._descriptor)
        except OSError as error:
            if error.errno != errno.ENOSYS:
                error.filename = error.filename or self._root
                raise
            self._sync_each()

    def _sync_each(self) -> None:
        for path in (*self._files, *self._kept):
            if not os.path.islink(path):
                descriptor = os.open(path, READ_FLAGS)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        for path in dict.fromkeys((*reversed(self._folders), *self._parents)):
            sync_folder(path)

    def undo(self) -> None:
        """Remove what was written, as far as that works; what stays is swept up later."""
        _each(os.unlink, reversed(self._files))
        _each(os.rmdir, reversed(self._folders))
        self._files.clear()
        self._folders.clear()


def _each(remove: Callable[[str], None], paths: Iterable[str]) -> None:
    for path in paths:
        try:
            remove(path)
        except OSError:
            continue


_found: list[Callable[[int], int] | None] = []


def find_syncfs() -> Callable[[int], int] | None:
    """The C library's syncfs, looked for once; None where there is none."""
    if not _found:
        try:
            import ctypes

            _found.append(ctypes.CDLL(None, use_errno=True).syncfs)
        except (ImportError, OSError, AttributeError):
            _found.append(None)
    return _found[0]


def _syncfs(descriptor: int) -> None:
    syncfs = find_syncfs()
    if syncfs is None:
        raise OSError(errno.ENOSYS, "syncfs is not available")
    if syncfs(descriptor) != 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def replace(path: str, data: bytes, mode: int, *, durable: bool = True) -> None:
    """Give a file new contents, all at once; `durable`: synced before the file has its name.

    Raises OSError, and nothing has changed then.
    """
    fresh = path + UNFINISHED
    try:
        _each(os.unlink, (fresh,))
        descriptor = os.open(fresh, NEW_FLAGS, mode)
        try:
            write_all(descriptor, data)
            if durable:
                os.fsync(descriptor)
        except OSError as error:
            error.filename = error.filename or path
            raise
        finally:
            os.close(descriptor)
        os.rename(fresh, path)
    except OSError:
        _each(os.unlink, (fresh,))
        raise


def sweep_unfinished(folder: str) -> None:
    """Remove what kills of `replace` have left in a folder, whose files nobody is replacing.

    Raises OSError.
    """
    for entry in list(os.scandir(folder)):
        if entry.name.endswith(UNFINISHED) and entry.is_file(follow_symlinks=False):
            os.unlink(entry.path)


def settle_folder(path: str) -> None:
    """Let there be one folder at `path`, whatever a kill of its replacement has left beside it.

    The former one comes back if the new one had not yet come. Raises OSError.
    """
    if os.path.lexists(path + FORMER):
        if os.path.lexists(path):
            remove_tree(path + FORMER)
        else:
            os.rename(path + FORMER, path)
    remove_tree(path + UNFINISHED)


def replace_file(path: str, data: bytes, mode: int = FILE_MODE) -> None:
    """Give a file new contents, all at once, and make them last. The caller holds the lock.

    Raises Unavailable when nothing has changed, OutcomeUnknown when the file is replaced but the
    disk did not confirm that it will last.
    """
    try:
        replace(path, data, mode)
    except OSError as error:
        raise from_os(error, "written") from error
    try:
        sync_folder(os.path.dirname(path))
    except OSError as error:
        raise OutcomeUnknown(
            "{file} is written, but the disk did not confirm that it will last: {reason}",
            file=path,
            reason=error.strerror or str(error),
        ) from error
