"""The upload and the download area: what SFTP serves, and the only files a command names.

Whatever a person calls a file, it lies directly in one of these two folders: names are opened below
a descriptor of the folder, links are never followed, and only regular files are read.
"""

from __future__ import annotations

import contextlib
import os
import stat

from cucmos_shell.errors import NotFound, Refused
from cucmos_shell.store.durable import FOLDER_MODE, unavailable, write_all
from cucmos_shell.store.paths import clean_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

UPLOAD, DOWNLOAD = "upload", "download"
_MODE = 0o600
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe that somebody put there must not hold the session up.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def uploads(state_dir: str) -> tuple[str, ...]:
    """The names of the files in the upload area, in order."""
    try:
        with os.scandir(os.path.join(state_dir, UPLOAD)) as entries:
            return tuple(sorted(e.name for e in entries if e.is_file(follow_symlinks=False)))
    except OSError:
        return ()


def open_upload(state_dir: str, name: str) -> BinaryIO:
    """The file of that name in the upload area. Raises NotFound, Refused or Unavailable."""
    missing = NotFound("{file} is not in the upload area", file=name)
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise missing
    try:
        folder = os.open(os.path.join(state_dir, UPLOAD), _FOLDER)
    except FileNotFoundError:
        raise missing from None
    except OSError as error:
        raise unavailable(error, "opened") from error
    try:
        descriptor = os.open(name.encode("utf-8", "surrogateescape"), _READ, dir_fd=folder)
    except PermissionError as error:
        raise unavailable(error, "read") from error
    except (OSError, UnicodeError):
        raise missing from None
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("{file} is not a plain file", file=name)
    return open(descriptor, "rb")


def write_download(state_dir: str, name: str, data: bytes) -> str:
    """Put a file into the download area, in place of one of that name; returns its name, cleaned.

    Raises Unavailable.
    """
    name = clean_name(name, "download")
    path = os.path.join(state_dir, DOWNLOAD)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, FOLDER_MODE)
        folder = os.open(path, _FOLDER)
        try:
            _replace(folder, name, data)
        finally:
            os.close(folder)
    except OSError as error:
        error.filename = error.filename or path
        raise unavailable(error, "written") from error
    return name


def _replace(folder: int, name: str, data: bytes) -> None:
    fresh = f".{name}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh, dir_fd=folder)
    descriptor = os.open(fresh, _WRITE, _MODE, dir_fd=folder)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    except OSError:
        os.unlink(fresh, dir_fd=folder)
        raise
    finally:
        os.close(descriptor)
    os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)
