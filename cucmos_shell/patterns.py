"""Regular expressions from a person: only those that end soon, whatever they are tried on.

Python's matcher holds the whole program up while it tries; a repetition of a repetition or of a
choice takes time that doubles with every character, so these are refused.
"""

from __future__ import annotations

import re

from cucmos_shell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

REPEATS_MOST = 3
_MANY = 16


def searcher(expression: str, ignore_case: bool = False) -> Callable[[str], object]:
    """A function that finds `expression` in a line. Raises BadValue with the reason."""
    from re import _parser  # type: ignore[attr-defined]

    try:
        repeats = _repeats(_parser.parse(expression), False)
        compiled = re.compile(expression, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadValue(
            "{text} is not a regular expression: {reason}", text=expression, reason=str(error)
        ) from error
    if repeats > REPEATS_MOST:
        raise BadValue("The expression has more than {most} repetitions", most=REPEATS_MOST)
    return compiled.search


def _repeats(parsed: Any, inside: bool) -> int:
    """How many open-ended repetitions there are; `inside` one, nothing may vary."""
    count = 0
    for operation, value in parsed:
        name = str(operation)
        if name.endswith("_REPEAT"):
            most = int(value[1])
            if inside and most > 1:
                raise BadValue("The expression repeats a repetition, which may take for ever")
            count += int(most > _MANY) + _repeats(value[2], inside or most > 1)
        elif name == "BRANCH":
            if inside:
                raise BadValue("The expression repeats a choice, which may take for ever")
            count += sum(_repeats(part, inside) for part in value[1])
        elif name in ("SUBPATTERN", "ATOMIC_GROUP", "ASSERT", "ASSERT_NOT"):
            count += _repeats(value if name == "ATOMIC_GROUP" else value[-1], inside)
        elif name.startswith("GROUPREF"):
            raise BadValue("The expression refers back, which may take for ever")
    return count
