"""The command log: begun before a command, ended after it, in the product's own form.

`platform/log/cliNNNNN.log` below the node's logs. Answers, secrets and pasted text are never
logged; a line that looks like part of a key or certificate is logged as its length.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import re
import time

from cucmos_shell.errors import Unavailable
from cucmos_shell.results import Value
from cucmos_shell.text import safe

FILE_LIMIT = 5 * 1024 * 1024
FILES_KEPT = 10
RESERVED = 64 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_KEY_MATERIAL = re.compile(r"-----\s*BEGIN.*|[A-Za-z0-9+/=]{48,}", re.DOTALL)
_ENTRY = (
    r"(?P<date>\S+ \S+) INFO \[(?P<id>\S+)\] sdMain\.main - "
    r"(?P<what>running command|command noted|command ended|session begun|session ended"
    r"|session refused) -> \[(?P<typed>.*?)\]"
    r" canonical=\[(?P<canonical>.*?)\] account=(?P<account>\S+) origin=(?P<origin>\S+)"
    r" outcome=(?P<outcome>\S+)$"
)


def looks_secret(line: str) -> bool:
    """Whether `line` looks like part of a key or certificate, so that it is kept nowhere."""
    return _KEY_MATERIAL.search(line) is not None


def redacted(line: str) -> str:
    """`line` with what looks like part of a key or certificate replaced by its length."""
    return _KEY_MATERIAL.sub(lambda found: f"({len(found[0])} characters not logged)", line)


_SESSION = "] sdMain.main - session "
_WHAT = {
    "running command": "begun",
    "command noted": "noted",
    "command ended": "ended",
    "session begun": "session begun",
    "session ended": "session ended",
    "session refused": "session refused",
}


def _word(text: str) -> str:
    """`text` as one word, since an entry is read back by its blanks."""
    return "_".join(text.split()) or "-"


class Entry(Value):
    """One line of the log. `what` is a value of `_WHAT`; `outcome` is `-` for a beginning."""

    when: str
    id: str
    what: str
    typed: str
    canonical: str
    account: str
    origin: str
    outcome: str


class Audit:
    """Appends to and reads the command log in `folder`.

    `reserve` is a file that holds room for some lines (see `keep_reserve`).
    """

    def __init__(self, folder: str, reserve: str = "") -> None:
        self.folder = folder
        self._reserve = reserve
        self._numbers = itertools.count(1)

    def keep_reserve(self) -> None:
        """Set some room aside, unless that was done: a change wants its line in the log, and on a
        full disk the change that is wanted is to delete something.
        """
        if not self._reserve or os.path.lexists(self._reserve):
            return
        try:
            os.makedirs(os.path.dirname(self._reserve), mode=0o700, exist_ok=True)
            descriptor = os.open(self._reserve, _NEW, 0o600)
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

    def _write(self, line: str) -> None:
        try:
            self._append(line)
        except OSError as error:
            if error.errno not in _FULL or not self._release_reserve():
                raise
            self._append(line)

    def _append(self, line: str) -> None:
        path = os.path.join(self.folder, "cli00001.log")
        descriptor = self._open(path)
        try:
            size = os.fstat(descriptor).st_size
            if size > FILE_LIMIT:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(descriptor)):
                    self._rotate()
                fresh = self._open(path)
                os.close(descriptor)
                descriptor = fresh
                size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = "\n" + line
            data = line.encode() + b"\n"
            if os.write(descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, "the log took only part of a line")
        finally:
            os.close(descriptor)

    def _open(self, path: str) -> int:
        try:
            return os.open(path, _APPEND, 0o600)
        except FileNotFoundError:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            return os.open(path, _APPEND, 0o600)

    def _path(self, number: int) -> str:
        return os.path.join(self.folder, f"cli{number:05d}.log")

    def _rotate(self) -> None:
        for number in range(FILES_KEPT - 1, 0, -1):
            if os.path.exists(self._path(number)):
                os.replace(self._path(number), self._path(number + 1))

    def begin(
        self, now: float, typed: str, canonical: str, account: str, origin: str
    ) -> tuple[str, ...]:
        """Record that a command starts; what is returned goes to `end`. Raises Unavailable."""
        texts = (redacted(typed), redacted(canonical))
        token = (f"{os.getpid()}-{next(self._numbers)}", *texts, account, origin)
        self._record(now, "running command", token, "-")
        return token

    def note(self, now: float, token: tuple[str, ...], text: str) -> None:
        """Record what the command of `begin` has found out. Raises Unavailable."""
        noted = (token[0], text, "-", *token[3:])
        self._record(now, "command noted", noted, "-")

    def end(self, now: float, token: tuple[str, ...], outcome: str) -> None:
        """Record how the command of `begin` ended. Raises Unavailable."""
        self._record(now, "command ended", token, outcome)

    def session(
        self, now: float, what: str, account: str, origin: str, name: str = "", reason: str = "-"
    ) -> None:
        """Record that a session has begun or ended, or that a sign-in was refused and why.

        Raises Unavailable.
        """
        token = (name or f"{os.getpid()}-0", "", "", _word(account), _word(origin))
        self._record(now, f"session {what}", token, _word(reason))

    def _record(self, now: float, what: str, token: tuple[str, ...], outcome: str) -> None:
        # A closing bracket is the one character that could end a field early.
        name, typed, canonical, account, origin = (
            safe(part).replace("]", "\\u{5D}") for part in token
        )
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
        try:
            self._write(
                f"{stamp},{int(now % 1 * 1000):03d} INFO [{name}] sdMain.main - {what} -> [{typed}]"
                f" canonical=[{canonical}] account={account or '-'} origin={origin}"
                f" outcome={outcome}"
            )
        except OSError as error:
            raise Unavailable(
                "The audit log cannot be written: {reason}", reason=error.strerror or str(error)
            ) from error

    def entries(self, last: int, *, sessions: bool = False) -> list[Entry]:
        """The newest `last` entries, oldest first; lines that are no entries are passed over.

        With `sessions`, only those about sessions, however many commands there were meanwhile.
        """
        lines: list[str] = []
        for number in range(1, FILES_KEPT + 1):
            try:
                with open(self._path(number), encoding="utf-8", errors="replace") as file:
                    lines[:0] = (
                        s for s in file.read().splitlines() if not sessions or _SESSION in s
                    )
            except FileNotFoundError:
                break
            except OSError as error:
                raise Unavailable(
                    "The audit log cannot be read: {reason}", reason=error.strerror or str(error)
                ) from error
            if len(lines) >= last:
                break
        match = re.compile(_ENTRY).match
        found = list(filter(None, map(match, lines)))[-last:]
        return [
            Entry(
                when=m["date"].replace(" ", "T").partition(",")[0] + "Z",
                id=m["id"],
                what=_WHAT[m["what"]],
                typed=m["typed"],
                canonical=m["canonical"],
                account=m["account"],
                origin=m["origin"],
                outcome=m["outcome"],
            )
            for m in found
        ]
