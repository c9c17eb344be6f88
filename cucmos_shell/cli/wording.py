"""Failures as words: for a person, for a program, for the log."""

from __future__ import annotations

import errno
import os
import sys

from cucmos_shell.cli.render import to_json
from cucmos_shell.errors import InternalError, ShellError, Unavailable, UnknownCommand
from cucmos_shell.text import FAILURE


def failure_text(error: ShellError) -> str:
    """Reason, details, then the failure line, which only an unknown command has first."""
    if isinstance(error, UnknownCommand):
        return f"{FAILURE}\n{error.message()}\n"
    return "\n".join([error.message(), *error.details, FAILURE]) + "\n"


def failure_json(error: ShellError, command: str) -> str:
    """One line of JSON; `command` is the canonical line, or what was typed."""
    what = {
        "kind": error.kind,
        "message": error.message(),
        "details": [detail.strip() for detail in error.details],
        **error.data,
    }
    return to_json({"command": command, "ok": False, "error": what}) + "\n"


# What a choice of one letter stands for: people type the word at `(y/n)?`, too.
_IN_FULL = {"y": "yes", "n": "no"}


def choice(answer: str | None, choices: tuple[str, ...]) -> str | None:
    """The one of `choices` that `answer` names, in any case; None if it is none of them.

    That is its word or its first letter; `yes` and `no` are taken where `y` and `n` are asked for.
    """
    text = (answer or "").strip().casefold()
    full = {word: _IN_FULL.get(word, word).casefold() for word in choices}
    found = [word for word in choices if text and text in (full[word], full[word][:1])]
    return found[0] if len(found) == 1 else None


def from_os(error: OSError) -> ShellError:
    """An operating system's error as a sentence."""
    reasons = {
        errno.ENOSPC: "The disk is full; nothing was changed",
        errno.EDQUOT: "The disk quota is used up; nothing was changed",
        errno.EROFS: "The state folder is read-only; nothing was changed",
    }
    if error.errno in reasons:
        return Unavailable(reasons[error.errno])
    name = error.filename if isinstance(error.filename, str) else ""
    return Unavailable(
        "{file}{reason}",
        file=f"{name}: " if name else "",
        reason=error.strerror or type(error).__name__,
    )


def bug(problem: BaseException, now: float, folder: str) -> InternalError:
    """The error for a mistake of the program; where it happened goes to `errors.log` in `folder`.

    The exception's own text might hold foreign data or a key, so it goes nowhere.
    """
    import traceback

    places = traceback.extract_tb(problem.__traceback__)
    lines = [f"{os.path.basename(p.filename)}:{p.lineno} in {p.name}" for p in places]
    text = f"{now:.0f} {type(problem).__name__}: {' < '.join(reversed(lines))}\n"
    try:
        with open(os.path.join(folder, "errors.log"), "a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        sys.stderr.write(text)
    return InternalError(
        "Internal error ({name}); details are in activelog platform/log/errors.log",
        name=type(problem).__name__,
    )
