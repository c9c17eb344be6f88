"""Small JSON files that several processes keep together: locked, rewritten, never trusted.

What is in them is not worth a damaged node: an unreadable one counts as empty.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

SIZE_LIMIT = 4 * 1024 * 1024
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def _parse(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Ledger:
    """One such file; a change is made in a `with ledger.change() as entries` block."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """The entries as they are now; none if there is no such file. Raises OSError."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            return _parse(os.pread(descriptor, SIZE_LIMIT, 0))
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """The entries under a lock; they are written back when the block ends well.

        Raises OSError; the block should be short, since others wait for it.
        """
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        descriptor = os.open(self.path, _FLAGS, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = os.pread(descriptor, SIZE_LIMIT, 0)
            entries = _parse(before)
            yield entries
            after = json.dumps(entries, separators=(",", ":")).encode("ascii")
            if after != before:
                os.pwrite(descriptor, after, 0)
                os.ftruncate(descriptor, len(after))
        finally:
            os.close(descriptor)
