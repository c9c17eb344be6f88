"""A log that processes share: whole lines at its end, under a lock, and one rotation.

A line that a crash or a full disk has cut short stays as it is; the next one starts afresh.
"""

from __future__ import annotations

import errno
import os

from cucmos_shell.errors import from_os
from cucmos_shell.store.durable import NEW_FLAGS, SECRET_FOLDER_MODE, read, write_all
from cucmos_shell.store.locks import lock_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cucmos_shell.store.locks import Lock

RESERVED = 64 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)


class LogFile:
    """One log, called `name` in messages. Making one does no I/O.

    `path(n)` is the file that was the log `n` rotations ago. The log is rotated once it is over
    `max_size` octets; it and those before it are `max_files` at most, two at least. `durable`:
    lines survive a power cut. `reserve` is a file that holds room for lines (see `keep_reserve`).
    """

    def __init__(
        self,
        name: str,
        path: Callable[[int], str],
        *,
        max_size: int,
        max_files: int,
        durable: bool = False,
        reserve: str = "",
    ) -> None:
        self._name = name
        self._path = path
        self._max_size = max_size
        self._max_files = max_files
        self._durable = durable
        self._reserve = reserve

    def append(self, lines: bytes) -> None:
        """Add `lines`, each with its end. Raises Unavailable; a part may be written then."""
        try:
            self._append(lines)
        except OSError as error:
            if error.errno not in _FULL or not self._release_reserve():
                raise from_os(error, "written", f"The {self._name}") from error
            self.append(lines)

    def contents(self) -> Iterator[bytes]:
        """What is in the files of the log, the newest file first. Raises Unavailable."""
        for age in range(self._max_files):
            try:
                data = read(self._path(age))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise from_os(error, "read", f"The {self._name}") from error
            yield data

    def _append(self, lines: bytes) -> None:
        with self._locked() as lock:
            size = os.fstat(lock.descriptor).st_size
            if size and os.pread(lock.descriptor, 1, size - 1) != b"\n":
                lines = b"\n" + lines
            write_all(lock.descriptor, lines)
            if self._durable:
                os.fdatasync(lock.descriptor)

    def _locked(self) -> Lock:
        """The log locked for more lines; rotated first where it has grown too large."""
        path = self._path(0)
        while True:
            lock = lock_file(path, os.O_APPEND)
            try:
                mine = os.fstat(lock.descriptor)
                if os.path.samestat(os.lstat(path), mine):
                    if mine.st_size <= self._max_size:
                        return lock
                    self._rotate()
            except FileNotFoundError:
                pass  # deleted, or rotated by another, while the lock was waited for
            except BaseException:
                lock.release()
                raise
            lock.release()

    def _rotate(self) -> None:
        for age in range(self._max_files - 1, 0, -1):
            try:
                os.replace(self._path(age - 1), self._path(age))
            except FileNotFoundError:
                continue

    # --- room ------------------------------------------------------------------------------------

    def keep_reserve(self) -> None:
        """Set some room aside, unless that was done: a change wants its line in the log, and on a
        full disk the change that is wanted is to delete something.
        """
        if os.path.lexists(self._reserve):
            return
        try:
            os.makedirs(os.path.dirname(self._reserve), SECRET_FOLDER_MODE, exist_ok=True)
            descriptor = os.open(self._reserve, NEW_FLAGS, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVED)
            finally:
                os.close(descriptor)
        except OSError:
            return

    def _release_reserve(self) -> bool:
        try:
            os.unlink(self._reserve)
        except OSError:
            return False
        return True
