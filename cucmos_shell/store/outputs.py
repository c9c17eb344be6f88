"""What commands put into files among the logs: the latest ones stay."""

from __future__ import annotations

import os

from cucmos_shell.store.durable import NEW_FLAGS, SECRET_FOLDER_MODE, write_all

MAX_KEPT = 10


def keep_output(path: str, data: bytes, prefix: str) -> None:
    """Write a new file, and delete the oldest beside it whose names begin with `prefix`.

    Raises FileExistsError for one that is there, OSError.
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, SECRET_FOLDER_MODE, exist_ok=True)
    descriptor = os.open(path, NEW_FLAGS, 0o600)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)
    with os.scandir(folder) as entries:
        found = [
            (entry.stat(follow_symlinks=False).st_mtime_ns, len(entry.name), entry.name)
            for entry in entries
            if entry.name.startswith(prefix) and entry.is_file(follow_symlinks=False)
        ]
    for _, _, name in sorted(found)[:-MAX_KEPT]:
        try:
            os.unlink(os.path.join(folder, name))
        except FileNotFoundError:
            continue  # another command was faster
