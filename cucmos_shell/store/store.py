"""The certificate store as a whole, and the lock around its changes.

A reader takes a `Snapshot` and needs no lock. A writer holds the `Lock`, begins a `Transaction`
and commits it; everything in it becomes true together or not at all.
"""

from __future__ import annotations

import errno
import fcntl
import os

from cucmos_shell.errors import ShellError, Unavailable
from cucmos_shell.store.durable import unavailable
from cucmos_shell.store.paths import Layout, head_name
from cucmos_shell.store.snapshot import Snapshot, Vanished, damaged, read_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeVar

    from cucmos_shell.store.transaction import Transaction

    T = TypeVar("T")

_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Lock:
    """The right to change a state folder; ends with the `with` block, or with the process."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @property
    def held(self) -> bool:
        """Whether the lock is held."""
        return self._descriptor >= 0

    def release(self) -> None:
        """Let others change the state folder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class Store:
    """The certificate store below a state folder. Making one does no I/O."""

    def __init__(self, state_dir: str) -> None:
        self.layout = Layout(state_dir)

    def exists(self) -> bool:
        """Whether a node is installed here. Raises Unavailable; Damaged if there was one."""
        if self._has_current():
            return True
        # Between the two looks another process may have finished an installation.
        if self._was_installed() and not self._has_current():
            raise damaged(self.layout.current, "is missing")
        return self._has_current()

    def _has_current(self) -> bool:
        try:
            os.lstat(self.layout.current)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise unavailable(error, "read") from error
        return True

    def _was_installed(self) -> bool:
        """Whether more is here than nothing, or than an installation leaves that was broken off."""
        try:
            heads = os.listdir(self.layout.heads)
        except (FileNotFoundError, NotADirectoryError):
            heads = []
        except OSError as error:
            raise unavailable(error, "read") from error
        if os.path.lexists(self.layout.installing):
            return len(heads) > 1
        return bool(heads) or os.path.lexists(self.layout.profile)

    def snapshot(self) -> Snapshot:
        """The state as it is now.

        Raises Unavailable (nothing installed, not readable, written by a newer program) or
        Damaged.
        """
        try:
            return Snapshot(self.layout, read_current(self.layout))
        except Vanished:
            # Others have changed so much since `current` was read that the state is gone.
            return Snapshot(self.layout, read_current(self.layout))

    def mark(self) -> object:
        """Something that is the same as long as the state is. Raises as `snapshot` does."""
        number = read_current(self.layout)
        try:
            # A folder that was restored from a copy may have the number, but not the link.
            link = os.lstat(self.layout.current)
        except OSError as error:
            raise unavailable(error, "read") from error
        return number, link.st_ino, link.st_mtime_ns

    def try_lock(self) -> Lock | None:
        """The lock if it is free now, else None. Raises Unavailable."""
        # Whoever takes the lock will write: what that needs is loaded before anybody waits.
        import cucmos_shell.store.transaction  # noqa: F401

        path = self.layout.lock
        try:
            descriptor = os.open(path, _LOCK_FLAGS, 0o600)
        except OSError as error:
            raise unavailable(error, "opened") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EINTR):
                return None
            error.filename = path
            raise unavailable(error, "locked") from error
        return Lock(path, descriptor)

    def _check(self, lock: Lock) -> None:
        if not lock.held or lock.path != self.layout.lock:
            raise RuntimeError("a change needs the lock of its own state folder")

    def begin(self, lock: Lock, *, who: str, what: str, now: float) -> Transaction:
        """A change to the state as it is now: `who` makes it by the command `what`."""
        from cucmos_shell.store.transaction import Transaction

        self._check(lock)
        return Transaction(self.layout, self.snapshot(), who=who, what=what, now=now)

    def create(self, lock: Lock, *, who: str, what: str, now: float) -> Transaction:
        """The first change, which makes the store. Raises Unavailable if there is one already."""
        from cucmos_shell.store.transaction import Transaction

        self._check(lock)
        if self.exists():
            raise Unavailable("A node is installed in {folder}", folder=self.layout.state)
        return Transaction(self.layout, None, who=who, what=what, now=now)

    def _view_is_fresh(self) -> bool:
        try:
            return os.readlink(self.layout.stamp) == head_name(read_current(self.layout))
        except FileNotFoundError:
            return False

    def repair_view(self) -> None:
        """Bring the links for people up to date if they are not and nobody is at it.

        They are derived and the program never reads them, so a failure is silently left for the
        next time.
        """
        try:
            if self._view_is_fresh():
                return
            from cucmos_shell.store import view

            lock = self.try_lock()
            if lock is None:
                return
            with lock:
                view.rebuild(self.layout, self.snapshot())
        except (OSError, ShellError, ValueError):
            return


def of_state(store: Store, find: Callable[[Snapshot], T]) -> Callable[[], T]:
    """`find` of the store's state as it is now, worked out once for each state.

    For what every sign-in asks. What comes back is shared and must not be changed; it raises what
    `Store.snapshot` and `find` raise.
    """
    kept: tuple[object, T] | None = None

    def found() -> T:
        nonlocal kept
        now, mark = kept, store.mark()
        if now is None or now[0] != mark:
            now = kept = (mark, find(store.snapshot()))
        return now[1]

    return found
