"""A SQLite database that several threads and processes use, and whose file may be exchanged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import urllib.parse
import weakref

from cucmos_shell.world.bus import MAX_VALUE, BusAway, BusDamaged, BusUnknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cucmos_shell.errors import ShellError

MAX_WAL = 4 * 1024 * 1024  # octets, from which on the log is brought into the database
READ, WRITE = "BEGIN", "BEGIN IMMEDIATE"
# What keeps a sound database from being used; whatever else SQLite says of a statement that has
# always worked, such as that there is no such table, is said of a damaged one.
_AWAY = frozenset(
    [
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    ]
)


class Database:
    """The file at `path`, opened when it is used, and anew when another one lies in its place.

    `check` looks at what has been opened. A call waits up to `seconds` for others, all together.
    """

    def __init__(
        self, path: str, seconds: float, check: Callable[[sqlite3.Connection], None]
    ) -> None:
        self.path = path
        self.lock = threading.Lock()
        self._seconds = seconds
        self._check = check
        self._connection: sqlite3.Connection | None = None
        self._place = (0, 0)
        _ALL.add(self)

    @contextlib.contextmanager
    def transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        """A transaction that the end of the block commits, and an exception rolls back.

        Raises BusAway, BusDamaged, BusUnknown.
        """
        end = time.monotonic() + self._seconds
        if not self.lock.acquire(timeout=self._seconds):
            raise BusAway(self.path, "it is busy")
        committing = False
        try:
            connection = self._connected()
            left = max(0, int(1000 * (end - time.monotonic())))
            connection.execute(f"PRAGMA busy_timeout = {left}")
            connection.execute(begin)
            try:
                yield connection
                committing = begin == WRITE
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            if committing:
                self._after_commit(connection)
        except MemoryError as error:
            kind = BusUnknown if committing else BusAway
            raise kind(self.path, "there is no memory for it") from error
        # The last is what Python makes of a message about a damaged name.
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise self._meaning(error, committing) from error
        finally:
            self.lock.release()

    def let_go(self) -> None:
        """Close the connection, if there is one; the caller holds the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def __del__(self) -> None:
        self.let_go()  # whoever forgot to

    def _connected(self) -> sqlite3.Connection:
        place = self._found()
        if self._place != place:
            self.let_go()
        if self._connection is None:
            self._place = place
            self._connection = sqlite3.connect(
                f"file://{urllib.parse.quote(os.fsencode(self.path))}?mode=rw",
                uri=True,
                timeout=self._seconds,
                isolation_level=None,
                check_same_thread=False,
            )
            # A row has a key and a value; longer ones are of somebody else, and are not read.
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_VALUE)
            try:
                self._check(self._connection)
            except BaseException:
                self.let_go()
                raise
        return self._connection

    def _found(self) -> tuple[int, int]:
        found = os.stat(self.path)
        return found.st_dev, found.st_ino

    def _after_commit(self, connection: sqlite3.Connection) -> None:
        """See that the change went where others look for it, and keep the log short."""
        if self._place != self._found():
            raise BusUnknown(self.path, "another file has taken its place")
        with contextlib.suppress(sqlite3.Error, FileNotFoundError):
            # Not SQLite's own way, which does not shut out writers: before release 3.51.3, a
            # checkpoint that meets another one and a commit may lose what the commit has written
            # (sqlite.org/wal.html, "The WAL-Reset Bug").
            if os.stat(f"{self.path}-wal").st_size > MAX_WAL:
                connection.execute("PRAGMA busy_timeout = 1000")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _meaning(self, error: Exception, committing: bool) -> ShellError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            return BusAway(self.path, "it is busy")
        self.let_go()
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        # A commit that the disk has no room for is none: its last page was not written whole.
        if committing and code != sqlite3.SQLITE_FULL:
            return BusUnknown(self.path, reason)
        if isinstance(error, OSError) or code in _AWAY:
            return BusAway(self.path, reason)
        return BusDamaged(self.path, reason)


# SQLite believes that a child process has the locks of its parent, which it has not. So nothing is
# open while a process is copied.
_ALL: weakref.WeakSet[Database] = weakref.WeakSet()
_FORK = threading.Lock()
_held: list[Database] = []


def _before_fork() -> None:
    _FORK.acquire()
    for database in list(_ALL):
        database.lock.acquire()
        database.let_go()
        _held.append(database)


def _after_fork() -> None:
    while _held:
        _held.pop().lock.release()
    _FORK.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
