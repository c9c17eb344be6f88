"""The audit log: begun before a command, ended after it, in the product's own form.

`platform/log/cliNNNNN.log` below the node's logs. Answers, secrets and pasted text are never
logged; what looks like part of a key or certificate is logged as its length, and so is a line that
cannot have been meant as a command: it may be a password, or the rest of a key.
"""

from __future__ import annotations

import itertools
import os
import time

from cucmos_shell.results import MOMENT, TEXT, Value, maybe, one_of, record
from cucmos_shell.store.logfile import LogFile
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SIZE, MAX_FILES = 5 * 1024 * 1024, 10
MAX_WORD = 15
# The canonical form of a line that was not understood.
NO_COMMAND = "-"
_LEAST_KEY = 48
_KEY_MATERIAL = rf"(?s)-----\s*BEGIN.*|[A-Za-z0-9+/=]{{{_LEAST_KEY},}}"
_ENTRY = (
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}),[0-9]{3} INFO "
    r"\[(?P<id>\S+)\] sdMain\.main - "
    r"(?P<what>running command|command noted|command ended|session begun|session ended"
    r"|session refused) -> \[(?P<typed>.*?)\]"
    r" canonical=\[(?P<canonical>.*?)\] account=(?P<account>\S+) origin=(?P<origin>\S+)"
    r" outcome=(?P<outcome>\S+)$"
)


def looks_secret(line: str) -> bool:
    """Whether `line` may be a secret, or part of a key or certificate: it is kept nowhere."""
    return any(_key_material(line)) or not _may_be_command(line)


def holds_key(line: str) -> bool:
    """Whether a private key, or base64 as long as a line of one, stands in `line`.

    File names, and sums in hexadecimal, do not have capitals, small letters and digits in one row.
    """
    for text in _key_material(line):
        row = not text.startswith("-") and any(c in "0123456789" for c in text)
        if (row and text != text.lower() and text != text.upper()) or "PRIVATE KEY" in text:
            return True
    return False


def redacted(line: str, understood: bool = True) -> str:
    """`line` with what looks like part of a key or certificate replaced by its length.

    Of a line that was not `understood` nothing is left if it cannot have been meant as a command.
    """
    if not (understood or _may_be_command(line)):
        return _length(line)
    if not _key_material(line):
        return line
    import re

    return re.sub(_KEY_MATERIAL, lambda found: _length(found[0]), line)


def _key_material(line: str) -> list[str]:
    """What looks like part of a key or certificate in `line`, in its order."""
    if len(line) < _LEAST_KEY and "-----" not in line:
        return []
    import re

    return re.findall(_KEY_MATERIAL, line)


def _may_be_command(line: str) -> bool:
    """Whether the first word could be a command's: letters, and no capitals among small ones."""
    word = (line.split(None, 1) or [""])[0].rstrip("?").partition("|")[0]
    letters = word.replace("-", "")
    alike = word[1:].islower() or word.isupper() or len(letters) < 2
    return len(word) <= MAX_WORD and alike and letters.isascii() and letters.isalpha()


def _length(text: str) -> str:
    return f"({len(text)} characters not logged)"


_SESSION = "] sdMain.main - session "
_WHAT = {"running command": "begun", "command noted": "noted", "command ended": "ended"}


def _word(text: str) -> str:
    """`text` as one word, since an entry is read back by its blanks."""
    return "_".join(text.split()) or "-"


class LogEntry(Value):
    """One line of the log; `outcome` is `-` for a beginning.

    `what` is begun, noted or ended of a command, or session begun, session ended, session refused.
    """

    form = record(
        when=MOMENT,
        id=TEXT,
        what=one_of("begun", "noted", "ended", "session begun", "session ended", "session refused"),
        typed=maybe(TEXT),
        command=maybe(TEXT),
        account=maybe(TEXT),
        origin=maybe(TEXT),
        outcome=maybe(TEXT),
    )

    when: str
    id: str
    what: str
    typed: str
    canonical: str
    account: str
    origin: str
    outcome: str

    def data(self) -> dict[str, str | None]:
        """The JSON form."""
        return {
            "when": self.when,
            "id": self.id,
            "what": self.what,
            "typed": _or_none(self.typed),
            "command": _or_none(self.canonical),
            "account": _or_none(self.account),
            "origin": _or_none(self.origin),
            "outcome": _or_none(self.outcome),
        }


def _or_none(text: str) -> str | None:
    return None if text in ("", NO_COMMAND) else text


class Audit:
    """Appends to the audit log and reads it back.

    `path(n)` is the file that was the log `n` rotations ago, `reserve` one that holds room for
    some lines.
    """

    def __init__(self, path: Callable[[int], str], reserve: str) -> None:
        self._log = LogFile(
            "audit log", path, max_size=MAX_SIZE, max_files=MAX_FILES, reserve=reserve
        )
        self._numbers = itertools.count(1)

    def keep_reserve(self) -> None:
        """Set some room for lines aside, unless that was done."""
        self._log.keep_reserve()

    def begin(
        self, now: float, typed: str, canonical: str, account: str, origin: str
    ) -> tuple[str, ...]:
        """Record that a command starts; what is returned goes to `end`. Raises Unavailable."""
        texts = (redacted(typed, canonical != NO_COMMAND), redacted(canonical))
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
        line = (
            f"{stamp},{int(now % 1 * 1000):03d} INFO [{name}] sdMain.main - {what} -> [{typed}]"
            f" canonical=[{canonical}] account={account or '-'} origin={origin}"
            f" outcome={outcome}\n"
        )
        self._log.append(line.encode())

    def entries(self, last: int, *, sessions: bool = False) -> list[LogEntry]:
        """The newest `last` entries, oldest first; lines that are no entries are passed over.

        With `sessions`, only those about sessions, however many commands there were meanwhile.
        Raises Unavailable.
        """
        lines: list[str] = []
        for data in self._log.contents():
            found = data.decode("utf-8", "replace").splitlines()
            lines[:0] = (line for line in found if not sessions or _SESSION in line)
            if len(lines) >= last:
                break
        import re

        match = re.compile(_ENTRY).match
        matches = list(filter(None, map(match, lines)))[-last:]
        return [
            LogEntry(
                when=m["date"].replace(" ", "T") + "Z",
                id=m["id"],
                what=_WHAT.get(m["what"], m["what"]),
                typed=m["typed"],
                canonical=m["canonical"],
                account=m["account"],
                origin=m["origin"],
                outcome=m["outcome"],
            )
            for m in matches
        ]
