"""Every failure the shell can explain.

    ShellError                       status  kind
    ├── CommandError                   1
    │   ├── UnknownCommand                   unknown-command
    │   ├── IncompleteCommand                incomplete-command
    │   ├── AmbiguousCommand                 ambiguous-command
    │   ├── NotSimulated                     not-simulated
    │   └── BadValue                         bad-value
    ├── NotFound                       1     not-found
    ├── Refused                        1     refused
    ├── Cancelled                      1     cancelled
    ├── UsageError                     2     usage
    ├── ProfileError                   2     profile
    ├── PolicyRefused                  3     policy
    ├── Unavailable                    4     unavailable
    │   └── Busy                       4     busy
    ├── Damaged                        5     damaged
    ├── OutcomeUnknown                 6     outcome-unknown
    └── InternalError                 70     bug

An error carries a template and its fields; only the session turns it into words, and passes every
field through `text.safe` on the way.
"""

from __future__ import annotations

import errno
import os

from cucmos_shell.text import safe, safe_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class ShellError(Exception):
    """A failure with a sentence for the person at the prompt.

    `template` is a `str.format` template; `fields` are its values, foreign text allowed.
    `details` are further lines (candidates, a remedy), each made safe for a screen.
    `data` is what the command has found, which JSON shows as the details; `findings` are the
    warnings among `details`, which it shows as such. `answers` is how many
    questions a command would have asked that is refused before the first: lines typed ahead as
    their answers go with it.
    """

    kind = "failure"
    status = 1
    answers = 0

    def __init__(self, template: str, *, details: Iterable[str] = (), **fields: object) -> None:
        super().__init__(template)
        self.template = template
        self.details = tuple(map(safe_line, details))
        self.data: dict[str, object] = {}
        self.findings: tuple[Any, ...] = ()
        self.fields = fields

    def message(self) -> str:
        """The sentence, safe to write to any screen or log."""
        fields = {
            name: safe(value) if isinstance(value, str) else value
            for name, value in self.fields.items()
        }
        return safe_line(self.template.format(**fields))

    def __str__(self) -> str:
        return self.message()


class CommandError(ShellError):
    """The line is not a command of this node."""


class UnknownCommand(CommandError):
    """No command begins like this."""

    kind = "unknown-command"


class IncompleteCommand(CommandError):
    """The line is the beginning of a command; its lines name what could follow."""

    kind = "incomplete-command"


class AmbiguousCommand(CommandError):
    """A shortened word has several readings; its lines name them."""

    kind = "ambiguous-command"


class NotSimulated(CommandError):
    """The real node has this command, this one does not."""

    kind = "not-simulated"


class BadValue(CommandError):
    """An argument is not of the form it must have."""

    kind = "bad-value"


class NotFound(ShellError):
    """A name that the node does not know."""

    kind = "not-found"


class Refused(ShellError):
    """The request is understood and may not be carried out."""

    kind = "refused"


class Cancelled(ShellError):
    """The person, or the end of their input, broke a dialogue off."""

    kind = "cancelled"


class UsageError(ShellError):
    """The program was started wrongly."""

    kind = "usage"
    status = 2


class ProfileError(ShellError):
    """A product profile has a mistake; fields `file`, `line`, `key` say where."""

    kind = "profile"
    status = 2


class PolicyRefused(Refused):
    """Refused by the profile's policy: revoked, revocation unknown, weak key or hash."""

    kind = "policy"
    status = 3


class Unavailable(ShellError):
    """Something outside (disk, network, permission) said no; nothing changed."""

    kind = "unavailable"
    status = 4


class Busy(Unavailable):
    """Others are in the way: one holds the store, or too many wait; nothing changed."""

    kind = "busy"


class Damaged(ShellError):
    """The state does not agree with its own records; nothing was repaired."""

    kind = "damaged"
    status = 5


class OutcomeUnknown(ShellError):
    """The change was made, but the disk did not confirm that it will last.

    Or nobody was told, since the answer could not be written (`untold`).
    """

    kind = "outcome-unknown"
    status = 6


def untold(error: OSError) -> OutcomeUnknown:
    """The error for a change that was made, and whose answer met `error` on its way out."""
    reason = error.strerror or type(error).__name__
    return OutcomeUnknown(
        "The change was made, but its answer could not be written: {reason}", reason=reason
    )


class InternalError(ShellError):
    """A mistake of the program itself."""

    kind = "bug"
    status = 70


# A link, or a device: nothing that is there for anybody.
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)
_FULL = {
    errno.ENOSPC: "The disk is full; nothing was changed",
    errno.EDQUOT: "The disk quota is used up; nothing was changed",
    errno.EROFS: "The state folder is read-only; nothing was changed",
}


def no_file(name: str) -> NotFound:
    """The error for a file that is not there, as the person called it."""
    return NotFound("{name}: no such file or directory can be found", name=name)


def from_os(error: OSError, doing: str = "", name: str = "") -> ShellError:
    """The error that stands for one of the operating system.

    With `doing`, such as "written": Unavailable, `FILE cannot be DOING: REASON`; FILE is `name`,
    else what `error` names, else the certificate store. With `name` only, as the person called a
    file: NotFound, Refused for a folder, else Unavailable. With neither, for what nobody expected:
    Unavailable.
    """
    reason = error.strerror or type(error).__name__
    path = error.filename2 or error.filename
    file = name or (os.fsdecode(path) if isinstance(path, str | bytes) else "")
    if doing:
        template, file = "{file} cannot be {doing}: {reason}", file or "The certificate store"
        return Unavailable(template, file=file, doing=doing, reason=reason)
    if name and error.errno in _NO_FILE:
        return no_file(name)
    if name and error.errno == errno.EISDIR:
        return Refused("{name} is not a file", name=name)
    if not name and error.errno in _FULL:
        return Unavailable(_FULL[error.errno])
    return Unavailable("{file}{reason}", file=f"{file}: " if file else "", reason=reason)


def debugging() -> bool:
    """Whether whoever started the program wants to see tracebacks (`CUCMOS_DEBUG=1`)."""
    return os.environ.get("CUCMOS_DEBUG") == "1"
