"""What the expiry monitor has said, and the mail that waits: `<state>/sent.json`.

Read without a lock, replaced under the store's. A mail stands in the outbox before it is sent for
the first time, and leaves it when the server has taken it: so none is lost at a crash, and one is
sent twice at most, with the same Message-ID.
"""

from __future__ import annotations

import json

from cucmos_shell.errors import Damaged, Unavailable
from cucmos_shell.node.expiry.due import Notice
from cucmos_shell.results import Value
from cucmos_shell.store.durable import SECRET_FILE_MODE, read, replace_file, unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
FIRST_PAUSE, LONGEST_PAUSE = 15 * 60, 24 * 3600


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
        pause = min(FIRST_PAUSE * 2 ** min(self.attempts, 10), LONGEST_PAUSE)
        changes = {"attempts": self.attempts + 1, "reason": reason, "certain": certain}
        return Mail(**{**self.__dict__, **changes, "after": now + pause})

    def ready(self, now: float) -> bool:
        """Whether it is to be tried; a pause longer than any is a clock that was set back."""
        return not now < self.after <= now + LONGEST_PAUSE


class Sent(Value):
    """The file. `said` maps certificates to the last notice about them."""

    last_run: float | None = None
    said: Mapping[str, Notice] = {}
    outbox: tuple[Mail, ...] = ()


def load(path: str) -> Sent:
    """What the file says; nothing was said where there is none. Raises Damaged, Unavailable."""
    try:
        data = json.loads(read(path))
        if data["format"] > FORMAT:
            raise Unavailable("{file} was written by a newer version of this program", file=path)
        said = {str(key): Notice(*values) for key, values in data["said"].items()}
        outbox = [Mail(**{**one, "marks": tuple(one["marks"])}) for one in data["outbox"]]
        return Sent(data["last_run"], said, tuple(outbox))
    except FileNotFoundError:
        return Sent()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(
            "{file} is damaged: {why}", file=path, why=f"{type(error).__name__}: {error}"
        ) from error
    except OSError as error:
        raise unavailable(error, "read") from error


def save(path: str, sent: Sent) -> None:
    """Replace the file; the caller holds the lock. Raises Unavailable, OutcomeUnknown."""
    data = {
        "format": FORMAT,
        "last_run": sent.last_run,
        "said": {key: [n.band, n.when, n.count] for key, n in sent.said.items()},
        "outbox": [{name: getattr(mail, name) for name in Mail._fields} for mail in sent.outbox],
    }
    replace_file(path, json.dumps(data).encode("ascii") + b"\n", SECRET_FILE_MODE)
