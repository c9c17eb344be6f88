"""Files that SFTP clients have open; a client says where to read and write, the node how far."""

from __future__ import annotations

import errno
import os
import stat

from asyncssh import FILEXFER_TYPE_DIRECTORY, FILEXFER_TYPE_REGULAR, SFTPAttrs

from cucmos_shell.node.areas import DirEntry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

MAX_UPLOAD = 256 * 1024 * 1024
MAX_READ = 256 * 1024


def attributes_of(entry: DirEntry, writable: bool) -> SFTPAttrs:
    """What SFTP tells of an entry: the node's, and not to be executed."""
    mode = stat.S_IFDIR | 0o500 if entry.folder else stat.S_IFREG | 0o400
    return SFTPAttrs(
        type=FILEXFER_TYPE_DIRECTORY if entry.folder else FILEXFER_TYPE_REGULAR,
        size=entry.size,
        uid=0,
        gid=0,
        permissions=mode | (0o200 if writable else 0),
        atime=int(entry.changed),
        mtime=int(entry.changed),
        nlink=1,
    )


class Opened:
    """What asyncssh asks of an open file itself."""

    def attributes(self) -> SFTPAttrs:
        """What SFTP tells of the file."""
        raise NotImplementedError

    def seek(self, offset: int, whence: int) -> int:
        """Where data begin and end, for clients that ask for the parts of a file: it has one."""
        size = self.attributes().size or 0
        if offset >= size:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        return offset if whence == os.SEEK_DATA else size


class Reading(Opened):
    """A file opened for reading."""

    def __init__(self, file: BinaryIO, size: int, changed: float) -> None:
        self.file = file
        self.size = size
        self.changed = changed

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` octets (or MAX_READ) from `offset` on, b"" at the end. Raises OSError."""
        self.file.seek(offset)
        return self.file.read(min(size, MAX_READ)) or b""

    def attributes(self) -> SFTPAttrs:
        """What SFTP tells of the file, as it was when it was opened."""
        return attributes_of(DirEntry(("",), False, self.size, self.changed), False)

    def close(self) -> None:
        """Close the file. Raises OSError."""
        self.file.close()


class Writing(Opened):
    """A file opened for writing; `finish` records how it ended."""

    def __init__(self, descriptor: int, append: bool, finish: Callable[[bool], None]) -> None:
        self.descriptor = descriptor
        self.append = append
        self._finish = finish
        self.good = True

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` octets (or MAX_READ) from `offset` on, b"" at the end. Raises OSError."""
        return os.pread(self.descriptor, min(size, MAX_READ), offset)

    def write(self, offset: int, data: bytes) -> int:
        """Write `data` at `offset`; how many octets. Raises OSError, EFBIG above MAX_UPLOAD."""
        # What is appended goes to the end, whatever offset comes with it.
        place = os.fstat(self.descriptor).st_size if self.append else offset
        if place + len(data) > MAX_UPLOAD:
            self.good = False
            raise OSError(errno.EFBIG, "larger than an upload may be")
        try:
            view = memoryview(data)
            while view:
                if self.append:
                    written = os.write(self.descriptor, view)
                else:
                    written = os.pwrite(self.descriptor, view, place)
                view, place = view[written:], place + written
        except OSError:
            self.good = False
            raise
        return len(data)

    def attributes(self) -> SFTPAttrs:
        """What SFTP tells of the file, as it is now."""
        status = os.fstat(self.descriptor)
        return attributes_of(DirEntry(("",), False, status.st_size, status.st_mtime), True)

    def close(self) -> None:
        """Bring the file to the disk, close it, and record how it ended. Raises OSError."""
        try:
            os.fsync(self.descriptor)
        except OSError:
            self.good = False
            raise
        finally:
            os.close(self.descriptor)
            self._finish(self.good)
