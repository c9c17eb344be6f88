"""Who is signed in now: sessions of all processes of a node, and the lines they remember."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re

from cucmos_shell.errors import Refused, Unavailable
from cucmos_shell.results import Value
from cucmos_shell.store import Snapshot, per_state
from cucmos_shell.store.durable import READ_FLAGS
from cucmos_shell.store.locks import lock_folder
from cucmos_shell.store.shared_json import SharedJson
from cucmos_shell.text import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node.logs.audit import Audit
    from cucmos_shell.store import Store
    from cucmos_shell.world import World

TIMEOUT, TIMEOUT_DEFAULT = "session_timeout", 30
LIMIT, LIMIT_DEFAULT = "session_limit", 10
REAUTH = "security_reauth"
MAX_HISTORY = 500
MAX_HISTORY_SIZE = 256 * 1024
MAX_LINE = 4096
_PLAIN = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_.-]{0,63}\Z")


class Login(Value):
    """One session. `since` is in seconds since the epoch."""

    id: str
    account: str
    origin: str
    since: float


def _started(pid: str) -> str:
    """When a process began, in the kernel's ticks: a number that was given again has another."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        return ""


class Logins:
    """The sessions of a node: a file each, in a folder for each account.

    A file is named for its process, so that the sessions of one that was killed are told from
    those that live; whoever comes by takes the dead ones away.
    """

    def __init__(self, store: Store, audit: Audit, world: World) -> None:
        self._sessions = store.layout.sessions
        self._histories = store.layout.histories
        self._settings = per_state(store, Snapshot.settings)
        self._audit = audit
        self._world = world
        self._count = itertools.count(1)
        self._own = (str(os.getpid()), _started(str(os.getpid())))

    def timeout(self) -> float:
        """Seconds without a key after which a session that begins now will end."""
        return 60.0 * float(self._settings().get(TIMEOUT, TIMEOUT_DEFAULT))

    def begin(self, account: str, origin: str, limited: bool = True) -> Login:
        """Note that a session begins. Raises Refused when the account has too many.

        On a full disk nothing is noted: somebody must be able to come and clear it.
        """
        limit = int(self._settings().get(LIMIT, LIMIT_DEFAULT)) if limited else None
        now, number = self._world.now(), next(self._count)
        login = Login(f"{self._own[0]}-s{number}", account, origin, now)
        folder = self._folder(account)
        with contextlib.suppress(OSError), lock_folder(folder):
            if limit is not None and len(self._alive(folder)) >= limit:
                raise Refused(
                    "The limit of {limit} of account {name} is reached",
                    limit=counted(limit, "session"),
                    name=account,
                )
            row = {"account": account, "origin": origin, "since": now}
            SharedJson(self._file(folder, login)).create(row)
        self._record("begun", login)
        return login

    def end(self, login: Login) -> None:
        """Note that a session has ended; nobody minds if that cannot be written."""
        with contextlib.suppress(OSError):
            os.unlink(self._file(self._folder(login.account), login))
        self._record("ended", login)

    def _record(self, what: str, login: Login) -> None:
        try:
            self._audit.session(self._world.now(), what, login.account, login.origin, login.id)
        except Unavailable:
            return

    def now(self) -> list[Login]:
        """The sessions there are, in order of their beginning."""
        found = []
        for account in _names(self._sessions):
            folder = os.path.join(self._sessions, account)
            found += [_read_login(folder, name) for name in self._alive(folder)]
        return sorted(filter(None, found), key=lambda login: login.since)

    def _folder(self, account: str) -> str:
        return os.path.join(self._sessions, _file_name(account))

    def _file(self, folder: str, login: Login) -> str:
        pid, _, number = login.id.partition("-")
        return os.path.join(folder, f"{pid}-{self._own[1]}-{number}")

    def _alive(self, folder: str) -> list[str]:
        """The files in `folder` whose processes are there; others are removed."""
        started = dict([self._own])
        found = []
        for name in _names(folder):
            pid, _, rest = name.partition("-")
            if pid not in started:
                started[pid] = _started(pid)
            if started[pid] and started[pid] == rest.partition("-")[0]:
                found.append(name)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))
        return found

    def history(self, owner: str) -> AccountHistory:
        """What the account of an identity has typed before, or a person without one, by name."""
        return AccountHistory(self._histories, _file_name(owner))

    def forget_history(self, owner: str) -> None:
        """Delete what the account of an identity has typed. Raises OSError."""
        with lock_folder(self._histories), contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._histories, _file_name(owner)))


def _file_name(account: str) -> str:
    """A file name that no other account has; a system's user may be called anything."""
    if _PLAIN.match(account):
        return account
    return "=" + hashlib.sha256(account.encode("utf-8", "backslashreplace")).hexdigest()


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read_login(folder: str, name: str) -> Login | None:
    """What a session's file says; None if it has gone meanwhile, or is being written."""
    pid, _, rest = name.partition("-")
    try:
        row = SharedJson(os.path.join(folder, name)).read()
        number = rest.rpartition("-")[2]
        return Login(f"{pid}-{number}", row["account"], row["origin"], float(row["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: str, text: str, how: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, text.encode("utf-8", "replace"))
    finally:
        os.close(descriptor)


class AccountHistory:
    """The lines of one account, in a file; it is cut when it has grown to twice what is wanted."""

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder, name)
        try:
            lines = self._read()
            if len(lines) > 2 * MAX_HISTORY:
                lines = self._cut()
        except OSError:
            lines = []
        self.lines = lines[-MAX_HISTORY:]
        self._last = lines[-1:]

    def _read(self) -> list[str]:
        try:
            descriptor = os.open(self._path, READ_FLAGS)
        except FileNotFoundError:
            return []
        try:
            size = os.fstat(descriptor).st_size
            data = os.pread(descriptor, MAX_HISTORY_SIZE, max(0, size - MAX_HISTORY_SIZE))
        finally:
            os.close(descriptor)
        return [line for line in data.decode("utf-8", "replace").split("\n") if line]

    def recent(self) -> list[str]:
        """The lines that are kept now, those of other sessions too; none if they can't be read."""
        try:
            return self._read()[-MAX_HISTORY:]
        except OSError:
            return []

    def _cut(self) -> list[str]:
        with lock_folder(self._folder):
            lines = self._read()[-MAX_HISTORY:]
            # No account's file begins like this.
            fresh = os.path.join(self._folder, "=new")
            _write(fresh, "".join(f"{line}\n" for line in lines), os.O_TRUNC)
            os.replace(fresh, self._path)
        return lines

    def keep(self, line: str) -> None:
        """Remember `line`, unless it is the last one again; nobody minds if it can't be written."""
        if self._last == [line] or len(line) > MAX_LINE:
            return
        self._last = [line]
        with contextlib.suppress(OSError), lock_folder(self._folder):
            _write(self._path, f"{line}\n", os.O_APPEND)
