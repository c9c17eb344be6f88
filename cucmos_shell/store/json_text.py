"""JSON read without what the standard library's reader brings along.

`json` imports `re`, and that `enum`: a fifth of what a one-shot command costs. The scanner below it
is the same, in C; `json` reads where there is none, and says what is wrong with a text.
"""

from __future__ import annotations

try:
    from _json import make_scanner
except ImportError:
    make_scanner = None  # type: ignore[assignment,misc]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLANKS = " \t\n\r"


class _Settings:
    """What the scanner is told: as `json.loads` tells it."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}.get


_scan = make_scanner(_Settings()) if make_scanner is not None else None  # type: ignore[arg-type]


def loads(data: str | bytes) -> Any:
    """What the JSON in `data` says, octets being UTF-8. Raises ValueError, RecursionError."""
    if _scan is not None:
        text = data if isinstance(data, str) else data.decode("utf-8")
        begin = 0 if text[:1] in ("{", "[") else len(text) - len(text.lstrip(_BLANKS))
        try:
            value, end = _scan(text, begin)
            if not text[end:].strip(_BLANKS):
                return value
        except (StopIteration, SystemError, ValueError):
            # Without `json` the scanner cannot even say what is wrong.
            pass
    import json

    return json.loads(data)
