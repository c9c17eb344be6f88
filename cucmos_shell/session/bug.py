"""What becomes of a mistake of the program itself."""

from __future__ import annotations

import os
import sys

from cucmos_shell.errors import InternalError, Unavailable, debugging
from cucmos_shell.store.logfile import LogFile
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.store.paths import Layout

MAX_LINE = 1000
MAX_SIZE, MAX_FILES = 1024 * 1024, 3


def bug(problem: BaseException, now: float, layout: Layout) -> InternalError:
    """The error for a mistake of the program; the error log gets a line about where it happened.

    The exception's own text might hold foreign data or a key, so it goes nowhere. Where the log
    takes nothing, the line goes to the standard error.
    """
    import traceback

    if debugging():
        traceback.print_exception(problem)
    places = traceback.extract_tb(problem.__traceback__)
    lines = [f"{os.path.basename(p.filename)}:{p.lineno} in {p.name}" for p in places]
    text = f"{now:.0f} {type(problem).__name__}: {' < '.join(reversed(lines))}"
    line = safe(text, None)[:MAX_LINE] + "\n"
    log = LogFile("error log", layout.error_log, max_size=MAX_SIZE, max_files=MAX_FILES)
    try:
        log.append(line.encode())
    except Unavailable:
        sys.stderr.write(line)
    return InternalError(
        "Internal error ({name}); details are in activelog platform/log/errors.log",
        name=type(problem).__name__,
    )
