"""The certificate store as a whole, and the lock around its changes.

A reader takes a `Snapshot` and needs no lock. A writer holds the `Lock`, begins a `Transaction`
and commits it; everything in it becomes true together or not at all.
"""

from __future__ import annotations

import os

from cucmos_shell.errors import Busy, ShellError, Unavailable, from_os
from cucmos_shell.store.locks import Lock, try_lock
from cucmos_shell.store.paths import Layout, head_name
from cucmos_shell.store.snapshot import Snapshot, SnapshotExpired, damaged, read_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from cucmos_shell.store.prune import Pins
    from cucmos_shell.store.transaction import Transaction

    T = TypeVar("T")

# Seconds that a change waits for the lock, and between two looks at it.
PATIENCE, RETRY = 10.0, 0.05
BUSY = "Another session is changing this node; try again in a moment"


class Store:
    """The certificate store below a state folder. Making one does no I/O."""

    def __init__(self, state_dir: str, boot: Callable[[], str] = str) -> None:
        self.layout = Layout(state_dir)
        # Names the machine's start, which is what the view's links need not outlive.
        self._boot = boot
        # What follows every change, in the same transaction; set by whoever owns the store.
        self.before_commit: tuple[Callable[[Transaction], None], ...] = ()
        # The versions that something outside the store goes on using, by unit.
        self.pins: Pins = dict

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
            raise from_os(error, "read") from error
        return True

    def _was_installed(self) -> bool:
        """Whether more is here than nothing, or than an installation leaves that was broken off."""
        try:
            heads = os.listdir(self.layout.heads)
        except (FileNotFoundError, NotADirectoryError):
            heads = []
        except OSError as error:
            raise from_os(error, "read") from error
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
        except SnapshotExpired:
            # Others have changed so much since `current` was read that the state is gone.
            return Snapshot(self.layout, read_current(self.layout))

    def mark(self) -> object:
        """A key that changes with every new state, for caches. Raises as `snapshot` does."""
        number = read_current(self.layout)
        try:
            # A folder that was restored from a copy may have the number, but not the link.
            link = os.lstat(self.layout.current)
        except OSError as error:
            raise from_os(error, "read") from error
        return number, link.st_ino, link.st_mtime_ns

    def try_lock(self) -> Lock | None:
        """The lock if it is free now, else None. Raises Unavailable."""
        # Whoever takes the lock will write: what that needs is loaded before anybody waits.
        import hashlib  # noqa: F401

        import cucmos_shell.store.transaction  # noqa: F401

        return try_lock(self.layout.lock)

    def lock(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        patience: float = PATIENCE,
        busy: str = BUSY,
    ) -> Lock:
        """The lock, waited for up to `patience` seconds; `busy` is said when that is in vain.

        `clock` and `sleep` are the world's `patience` and `sleep`. Raises Busy, Unavailable.
        """
        deadline = clock() + patience
        while (lock := self.try_lock()) is None:
            if clock() >= deadline:
                raise Busy(busy, folder=self.layout.state)
            sleep(RETRY)
        return lock

    def _check(self, lock: Lock) -> None:
        if not lock.held or lock.path != self.layout.lock:
            raise RuntimeError("a change needs the lock of its own state folder")

    def begin(self, lock: Lock, *, who: str, what: str, now: float) -> Transaction:
        """A change to the state as it is now: `who` makes it by the command `what`."""
        self._check(lock)
        return self._transaction(self.snapshot(), who, what, now)

    def create(self, lock: Lock, *, who: str, what: str, now: float) -> Transaction:
        """The first change, which makes the store. Raises Unavailable if there is one already."""
        self._check(lock)
        if self.exists():
            raise Unavailable("A node is installed in {folder}", folder=self.layout.state)
        return self._transaction(None, who, what, now)

    def _transaction(self, base: Snapshot | None, who: str, what: str, now: float) -> Transaction:
        from cucmos_shell.store.transaction import Transaction

        return Transaction(
            self.layout,
            base,
            who=who,
            what=what,
            now=now,
            before_commit=self.before_commit,
            pins=self.pins if base else dict,
            boot=self._boot(),
        )

    def _view_is_fresh(self) -> bool:
        try:
            head, _, boot = os.readlink(self.layout.stamp).partition(".")
        except FileNotFoundError:
            return False
        return head == head_name(read_current(self.layout)) and boot == self._boot()

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
                view.rebuild(self.layout, self._boot(), self.snapshot())
        except (OSError, ShellError, ValueError):
            return


def per_state(store: Store, find: Callable[[Snapshot], T]) -> Callable[[], T]:
    """`find` of the store's state as it is now, worked out once for each state.

    For what every sign-in asks. What comes back is shared and must not be changed; it raises what
    `Store.snapshot` and `find` raise.
    """
    kept: tuple[object, T] | None = None

    def found() -> T:
        nonlocal kept
        now, mark = kept, store.mark()
        if now is None or now[0] != mark:
            try:
                now = (mark, find(store.snapshot()))
            except SnapshotExpired:
                # A change came in between, and it took secrets away that the one before had.
                mark = store.mark()
                now = (mark, find(store.snapshot()))
            kept = now
        return now[1]

    return found
