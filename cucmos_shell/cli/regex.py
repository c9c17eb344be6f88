"""Regular expressions from a person, on text from anybody: matched in time linear in the text.

Python's own matcher tries one way after the other and holds the whole program up meanwhile; three
repetitions in a row are enough to keep it busy for minutes on one line. RE2's lets other threads
run, and its time is the length of the text times the size of the compiled expression at most, so
that size has a limit, too.
"""

from __future__ import annotations

import re

from cucmos_shell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Finder = Callable[[str], bool]

MAX_LENGTH = 1000
MAX_PROGRAM = 10_000
# Octets that one may take while it is used.
MAX_MEMORY = 2 << 20
# So much of a file's line is compared with an expression.
MAX_LINE = 4096
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def searcher(expression: str, ignore_case: bool = False) -> Finder:
    """A function that says whether `expression` (syntax of RE2) occurs in a line.

    Raises BadValue where it is no regular expression, or too large a one.
    """
    if len(expression) > MAX_LENGTH:
        raise BadValue("A regular expression has at most {most} characters", most=MAX_LENGTH)
    if not _SPECIAL.search(expression):
        return _plain(expression, ignore_case)
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MAX_MEMORY
    options.case_sensitive = not ignore_case
    try:
        compiled = re2.compile(expression, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0]
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(error)
        raise BadValue(
            "{text} is not a regular expression: {reason}", text=expression, reason=reason
        ) from error
    # It would keep the last 128, with all that they took, whoever they were for.
    re2.purge()
    if compiled.programsize > MAX_PROGRAM:
        raise BadValue("{text}: the regular expression repeats too much", text=expression)
    return lambda line: compiled.search(line.encode("utf-8", "backslashreplace")) is not None


def finder(text: str) -> Finder:
    """A case-blind search for `text` as a regular expression; as plain text where it is none."""
    try:
        return searcher(text, ignore_case=True)
    except BadValue:
        return _plain(text, ignore_case=True)


def _plain(text: str, ignore_case: bool) -> Finder:
    search = re.compile(re.escape(text), re.IGNORECASE if ignore_case else 0).search
    return lambda line: search(line) is not None
