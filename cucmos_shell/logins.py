"""Who is signed in now: sessions of all processes of a node, and the lines they remember."""

from __future__ import annotations

import contextlib
import os

from cucmos_shell.errors import Refused, Unavailable
from cucmos_shell.ledger import Ledger
from cucmos_shell.results import Value
from cucmos_shell.store.paths import clean_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.audit import Audit
    from cucmos_shell.store import Store
    from cucmos_shell.world import World

TIMEOUT, TIMEOUT_DEFAULT = "session_timeout", 30
LIMIT, LIMIT_DEFAULT = "session_limit", 10
HISTORY_KEPT = 500
HISTORY_BYTES = 256 * 1024


class Login(Value):
    """One session. `since` is in seconds since the epoch."""

    id: str
    account: str
    origin: str
    since: float


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks: a number that was given again has another."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        return ""


class Logins:
    """The sessions of a node."""

    def __init__(self, state_dir: str, store: Store, audit: Audit, world: World) -> None:
        self._folder = os.path.join(state_dir, "run")
        self._ledger = Ledger(os.path.join(self._folder, "sessions.json"))
        self._store = store
        self._audit = audit
        self._world = world
        self._count = 0
        self._own = (os.getpid(), _started(os.getpid()))

    def timeout(self) -> float:
        """Seconds without a key after which a session that begins now will end."""
        minutes = self._store.snapshot().settings().get(TIMEOUT, TIMEOUT_DEFAULT)
        return 60.0 * float(minutes)

    def begin(self, account: str, origin: str, limited: bool = True) -> Login:
        """Note that a session begins. Raises Refused when the account has too many.

        On a full disk nothing is noted: somebody must be able to come and clear it.
        """
        limit = int(self._store.snapshot().settings().get(LIMIT, LIMIT_DEFAULT))
        self._count += 1
        now = self._world.now()
        login = Login(f"{self._own[0]}-s{self._count}", account, origin, now)
        with contextlib.suppress(OSError), self._ledger.change() as entries:
            if limited:
                self._prune(entries)
                mine = sum(row["account"] == account for row in entries.values())
                if mine >= limit:
                    raise Refused(
                        "The limit of {limit} sessions of account {name} is reached",
                        limit=limit,
                        name=account,
                    )
            entries[login.id] = {
                "account": account,
                "origin": origin,
                "since": now,
                "process": list(self._own),
            }
        self._record("begun", login)
        return login

    def end(self, login: Login) -> None:
        """Note that a session has ended; nobody minds if that cannot be written."""
        with contextlib.suppress(OSError), self._ledger.change() as entries:
            entries.pop(login.id, None)
        self._record("ended", login)

    def _record(self, what: str, login: Login) -> None:
        try:
            self._audit.session(self._world.now(), what, login.account, login.origin, login.id)
        except Unavailable:
            return

    def now(self) -> list[Login]:
        """The sessions there are, in order of their beginning."""
        entries = self._ledger.read()
        self._prune(entries)
        found = [
            Login(name, row["account"], row["origin"], float(row["since"]))
            for name, row in entries.items()
        ]
        return sorted(found, key=lambda login: login.since)

    def _prune(self, entries: dict[str, Any]) -> None:
        """Drop the sessions of processes that are gone."""
        alive: dict[int, str] = {self._own[0]: self._own[1]}
        for name, row in list(entries.items()):
            pid, started = row["process"]
            if pid not in alive:
                alive[pid] = _started(pid)
            if not started or alive[pid] != started:
                del entries[name]

    def history(self, account: str) -> list[str]:
        """The lines `account` has typed before, oldest first; what is appended is kept."""
        folder = os.path.join(self._folder, "history")
        return _History(folder, clean_name(account, "account"))


class _History(list[str]):
    """Lines in a file of one account; it is cut when it has grown to twice what is wanted."""

    def __init__(self, folder: str, name: str) -> None:
        self._path = os.path.join(folder, name)
        self._broken = False
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            lines = self._read()
        except OSError:
            lines = []
        super().__init__(lines[-HISTORY_KEPT:])
        if len(lines) > 2 * HISTORY_KEPT:
            self._rewrite()

    def _read(self) -> list[str]:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        try:
            size = os.fstat(descriptor).st_size
            data = os.pread(descriptor, HISTORY_BYTES, max(0, size - HISTORY_BYTES))
        finally:
            os.close(descriptor)
        return [line for line in data.decode("utf-8", "replace").split("\n") if line]

    def _rewrite(self) -> None:
        fresh = f"{self._path}.{os.getpid()}"
        try:
            self._write(fresh, "".join(f"{line}\n" for line in self), os.O_TRUNC)
            os.replace(fresh, self._path)
        except OSError:
            return

    @staticmethod
    def _write(path: str, text: str, how: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how
        descriptor = os.open(path, flags, 0o600)
        try:
            os.write(descriptor, text.encode("utf-8", "replace"))
        finally:
            os.close(descriptor)

    def append(self, line: str) -> None:
        super().append(line)
        try:
            self._write(self._path, f"{line}\n", os.O_APPEND)
        except OSError:
            return
