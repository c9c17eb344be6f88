"""What the expiry monitor has said, and the mail that waits, in one file.

Read without a lock, replaced by a change of the node. A mail stands in the outbox before it is sent
for the first time, and leaves it when the server has taken it: so none is lost at a crash, and one
is sent twice at most, with the same Message-ID.
"""

from __future__ import annotations

import json

from cucmos_shell.node.expiry.due import LastNotice
from cucmos_shell.results import Value
from cucmos_shell.store.durable import SECRET_FILE_MODE
from cucmos_shell.store.state_json import StateJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cucmos_shell.store.transaction import Transaction

FORMAT = 1
FIRST_PAUSE, MAX_PAUSE = 15 * 60, 24 * 3600


class Mail(Value):
    """A mail that waits. `marks` are the notices in it; `after` is when it may be tried again.

    `certain`: the server is known not to have it.
    """

    id: str
    to: str
    message: str
    marks: tuple[str, ...]
    made: float
    after: float
    attempts: int = 0
    reason: str = ""
    certain: bool = False

    def failed(self, reason: str, certain: bool, now: float) -> Mail:
        """The mail after one more failure: twice the pause each time, up to a day."""
        pause = min(FIRST_PAUSE * 2 ** min(self.attempts, 10), MAX_PAUSE)
        changes = {"attempts": self.attempts + 1, "reason": reason, "certain": certain}
        return Mail(**{**self.__dict__, **changes, "after": now + pause})

    def ready(self, now: float) -> bool:
        """Whether it is to be tried; a pause longer than any is a clock that was set back."""
        return not now < self.after <= now + MAX_PAUSE


class Unsent(Value):
    """What the file holds. `said` has the last notice about each certificate (`Watched.key`)."""

    last_run: float | None = None
    said: Mapping[str, LastNotice] = {}
    outbox: tuple[Mail, ...] = ()


def load(path: str) -> Unsent:
    """What the file says; nothing was said where there is none. Raises Damaged, Unavailable."""
    return _file(path).read(_parse) or Unsent()


def put(change: Transaction, path: str, kept: Unsent) -> None:
    """Let `change` replace the file."""
    data = {
        "format": FORMAT,
        "last_run": kept.last_run,
        "said": {key: [n.band, n.when, n.count] for key, n in kept.said.items()},
        "outbox": [{name: getattr(mail, name) for name in Mail._fields} for mail in kept.outbox],
    }
    change.put_beside(_file(path), json.dumps(data).encode("ascii") + b"\n")


def _file(path: str) -> StateJson:
    return StateJson(path, FORMAT, SECRET_FILE_MODE)


def _parse(data: Any) -> Unsent:
    said = {str(key): LastNotice(*values) for key, values in data["said"].items()}
    outbox = [Mail(**{**one, "marks": tuple(one["marks"])}) for one in data["outbox"]]
    return Unsent(data["last_run"], said, tuple(outbox))
