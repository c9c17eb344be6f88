"""Regular expressions from a person, on text from anybody: matched in time linear in the text.

Python's own matcher tries one way after the other and holds the whole program up meanwhile; three
repetitions in a row are enough to keep it busy for minutes on one line.
"""

from __future__ import annotations

from cucmos_shell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 1000


def searcher(expression: str, ignore_case: bool = False) -> Callable[[str], object]:
    """A function that finds `expression` (syntax of RE2) in a line. Raises BadValue."""
    import re2

    if len(expression) > LONGEST:
        raise BadValue("A regular expression has at most {most} characters", most=LONGEST)
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        search: Callable[[str], object] = re2.compile(expression, options).search
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0]
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(error)
        raise BadValue(
            "{text} is not a regular expression: {reason}", text=expression, reason=reason
        ) from error
    return search
