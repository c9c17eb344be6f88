"""The JSON contract (`docs/json.md`) as one document, made from the declarations of the values."""

from __future__ import annotations

import json

from cucmos_shell import commands, errors
from cucmos_shell.cli import Walker
from cucmos_shell.cli.grammar import ANY_LEVEL
from cucmos_shell.cli.schema import DIALECT, or_null, schema
from cucmos_shell.cli.wording import SCHEMA
from cucmos_shell.errors import AmbiguousCommand, ShellError, UsageError
from cucmos_shell.frontends.reference import every_command
from cucmos_shell.node.access.accounts import AccountChanged
from cucmos_shell.results import FINDINGS, TEXT, TRUTH, WHOLE, Finding, each, maybe, one_of, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from cucmos_shell.cli.grammar import Command

# Raised by additions; anything else raises `SCHEMA`.
MINOR = 1
# What stands in `data` behind these filters, whatever the command.
FILTERS = {"count": record(count=WHOLE), "redirect": record(name=TEXT, size=WHOLE)}


def kinds() -> dict[str, dict[str, Any]]:
    """The kinds of errors, each with its exit status and what it means."""
    found: dict[str, dict[str, Any]] = {}
    for one in (*vars(errors).values(), AccountChanged):
        if isinstance(one, type) and issubclass(one, ShellError) and one.kind != ShellError.kind:
            meaning = (one.__doc__ or "").partition("\n")[0]
            found[one.kind] = {"status": one.status, "meaning": meaning}
    return found


def document(found: Iterable[Command]) -> dict[str, Any]:
    """The contract for these commands, by their syntax."""
    error = _and(
        schema(record(kind=one_of(*kinds()), message=TEXT, lines=each(TEXT))),
        details={"type": ["object", "null"]},
    )
    warnings = {
        kind: {"meaning": meaning, "keys": list(keys)} for kind, (meaning, keys) in FINDINGS.items()
    }
    line = record(command=maybe(TEXT), ok=TRUTH, warnings=each(Finding.form))
    return {
        "$schema": DIALECT,
        "version": f"{SCHEMA}.{MINOR}",
        "line": _and(schema(line), schema={"const": SCHEMA}, data={}, error=or_null(error)),
        "error": error,
        "kinds": kinds(),
        "warnings": warnings,
        "filters": {name: schema(form) for name, form in FILTERS.items()},
        "commands": {
            command.usage: {
                "summary": command.summary,
                "level": command.level,
                "changes": command.changes,
                "data": schema(command.form),
                "details": schema(maybe(command.details) if command.details else None),
            }
            for command in found
        },
    }


def _and(found: dict[str, Any], **keys: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with more keys."""
    properties = {**found["properties"], **keys}
    return {**found, "properties": properties, "required": list(properties)}


def _named(words: list[str]) -> Iterator[Command]:
    walker = Walker(commands.grammar(), None, ANY_LEVEL)
    place = walker.grammar.root
    for i in range(len(words)):
        # Names are the node's; there is none here.
        if place.argument is not None:
            break
        try:
            place, _ = walker.command(tuple(words[: i + 1]))
        except ShellError as error:
            several = isinstance(error, AmbiguousCommand)
            raise UsageError(
                "{words}: {what}",
                words=" ".join(words),
                what="several commands begin so" if several else "no command begins so",
                details=error.details,
            ) from error
    return walker.grammar.below(place)


def text(*words: str) -> str:
    """The document for the commands that begin with `words`, all if there are none.

    Raises UsageError where there is no such command.
    """
    found = every_command()
    if words:
        below = set(map(id, _named(" ".join(words).split())))
        found = [command for command in found if id(command) in below]
    return json.dumps(document(found), indent=1) + "\n"
