"""Moments and durations as people write them for a clock."""

from __future__ import annotations

import datetime
import re

from cucmos_shell.errors import BadValue

_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_DURATION = re.compile(r"(?P<sign>-?)(?P<parts>(?:\d+(?:\.\d+)?[dhms])+)\Z")


def moment(text: str) -> float:
    """Seconds since the epoch of a time in ISO 8601, in UTC unless it says so. Raises BadValue."""
    try:
        found = datetime.datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=datetime.UTC)
        return found.timestamp()
    except (ValueError, OverflowError):
        raise BadValue("{text} is no time: 2026-11-18T11:06:40Z is one", text=text) from None


def duration(text: str) -> float:
    """Seconds of `26d`, `1h30m`, `-90s` and their like. Raises BadValue."""
    found = _DURATION.match(text)
    if found is None:
        raise BadValue("{text} is no duration: 26d, 1h30m and -90s are some", text=text)
    parts = re.findall(r"([\d.]+)([dhms])", found["parts"])
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -seconds if found["sign"] else seconds
