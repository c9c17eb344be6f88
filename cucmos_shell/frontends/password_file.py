"""Passwords that are given to the program in a file."""

from __future__ import annotations

from cucmos_shell.errors import UsageError


def first_line(path: str) -> str:
    """The password in the first line of the file. Raises UsageError, also where it is empty."""
    try:
        with open(path, encoding="utf-8") as file:
            password = file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not text"
        raise UsageError("{file}: {reason}", file=path, reason=reason) from error
    if not password:
        raise UsageError("{file}: the first line is empty", file=path)
    return password
