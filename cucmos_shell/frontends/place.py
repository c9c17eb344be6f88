"""Where a node's state folder is."""

from __future__ import annotations

import os

from cucmos_shell.errors import Unavailable, UsageError


def state_folder(given: str | None) -> str:
    """`--state`, else `$CUCMOS_STATE`, else the XDG state folder.

    Raises UsageError for an empty name, Unavailable for what is no folder.
    """
    if given == "":
        raise UsageError("--state names no folder")
    folder = given or os.environ.get("CUCMOS_STATE")
    if not folder:
        home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        folder = os.path.join(home, "cucmos-shell")
    found = folder = os.path.abspath(folder)
    while not os.path.exists(found):
        found = os.path.dirname(found)
    if not os.path.isdir(found):
        raise Unavailable("{folder} is a file, and no folder for a node", folder=found)
    return folder
