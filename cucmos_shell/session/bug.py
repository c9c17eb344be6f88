"""What becomes of a mistake of the program itself."""

from __future__ import annotations

import os
import sys

from cucmos_shell.errors import InternalError


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
