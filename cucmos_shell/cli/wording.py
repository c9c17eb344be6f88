"""Failures as words for a person and for a program, and the words of an answer."""

from __future__ import annotations

from cucmos_shell.cli.render import to_data, to_json
from cucmos_shell.errors import ShellError, UnknownCommand
from cucmos_shell.text import FAILURE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from cucmos_shell.results import Finding

# The major number of the JSON contract (`docs/json.md`); every line has it.
SCHEMA = 1


def failure_text(error: ShellError) -> str:
    """Reason, details, then the failure line; of an unknown command it comes before the reason."""
    if isinstance(error, UnknownCommand):
        return "\n".join([*error.details, FAILURE, error.message()]) + "\n"
    return "\n".join([error.message(), *error.details, FAILURE]) + "\n"


def success_json(data: Any, command: str, warnings: Iterable[Finding] = ()) -> str:
    """One line of JSON: what the command of the canonical line `command` came to."""
    return _line(command, data, None, warnings)


def failure_json(error: ShellError, command: str | None, warnings: Iterable[Finding] = ()) -> str:
    """One line of JSON; `command` is the canonical line, or what was typed, None without either."""
    what = {
        "kind": error.kind,
        "message": error.message(),
        "lines": [line.strip() for line in error.details],
        "details": to_data(error.data) if error.data else None,
    }
    return _line(command, None, what, warnings)


def _line(
    command: str | None, data: Any, error: dict[str, Any] | None, warnings: Iterable[Finding]
) -> str:
    line = {
        "schema": SCHEMA,
        "command": command,
        "ok": error is None,
        "data": data,
        "error": error,
        "warnings": [to_data(warning) for warning in warnings],
    }
    return to_json(line) + "\n"


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
