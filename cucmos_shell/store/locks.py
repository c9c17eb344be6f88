"""Locks between processes, on a file or a folder; each ends with the process that holds it."""

from __future__ import annotations

import errno
import fcntl
import os

from cucmos_shell.errors import from_os
from cucmos_shell.store.durable import (
    FOLDER_FLAGS,
    SECRET_FILE_MODE,
    SECRET_FOLDER_MODE,
)

_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Lock:
    """A lock that is held until the end of the `with` block; `descriptor` is -1 from then on."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @property
    def held(self) -> bool:
        """Whether the lock is held."""
        return self.descriptor >= 0

    def release(self) -> None:
        """Give the lock up."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def try_lock(path: str) -> Lock | None:
    """The lock on the file at `path`, made if missing; None if another holds it.

    Raises Unavailable.
    """
    try:
        descriptor = os.open(path, _FILE, SECRET_FILE_MODE)
    except OSError as error:
        raise from_os(error, "opened") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EINTR):
            return None
        error.filename = path
        raise from_os(error, "locked") from error
    return Lock(path, descriptor)


def lock_file(path: str, flags: int = 0) -> Lock:
    """The lock on the file at `path`, waited for; the file and its folder are made if missing.

    `flags` are added to those the file is opened with. Raises OSError.
    """
    return _wait(path, _FILE | flags, os.path.dirname(path))


def share(path: str) -> Lock:
    """A share in the lock on the file at `path`, which others may have, too; made if missing.

    Raises OSError.
    """
    return _wait(path, _FILE, os.path.dirname(path), fcntl.LOCK_SH)


def is_held(path: str) -> bool:
    """Whether anybody holds the lock on the file at `path`, or a share in it. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lock_folder(path: str) -> Lock:
    """The lock on the folder at `path`, waited for; it is made if missing. Raises OSError."""
    return _wait(path, FOLDER_FLAGS, path)


def _wait(path: str, flags: int, folder: str, kind: int = fcntl.LOCK_EX) -> Lock:
    try:
        descriptor = os.open(path, flags, SECRET_FILE_MODE)
    except FileNotFoundError:
        os.makedirs(folder, SECRET_FOLDER_MODE, exist_ok=True)
        descriptor = os.open(path, flags, SECRET_FILE_MODE)
    try:
        fcntl.flock(descriptor, kind)
    except BaseException:
        os.close(descriptor)
        raise
    return Lock(path, descriptor)
