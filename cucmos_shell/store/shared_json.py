"""Small JSON files that several processes keep together: locked, replaced whole, never trusted.

What is in them is not worth a damaged node: an unreadable one counts as empty.
"""

from __future__ import annotations

import contextlib
import copy
import fcntl
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

SIZE_LIMIT = 4 * 1024 * 1024
_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def _parse(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


class SharedJson:
    """One such file; a change is made in a `with shared.change() as entries` block.

    `durable`: a change that has been made survives a power cut.
    """

    def __init__(self, path: str, durable: bool = False) -> None:
        self.path = path
        self._durable = durable

    def read(self) -> dict[str, Any]:
        """The entries as they are now; none if there is no such file. Raises OSError."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        try:
            return _parse(os.pread(descriptor, SIZE_LIMIT, 0))
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """The entries under a lock; they are written back when the block ends well, all or nothing.

        Raises OSError; the block should be short, since others wait for it.
        """
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        lock = os.open(f"{self.path}.lock", _LOCK, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self.read()
            entries = copy.deepcopy(before)
            yield entries
            if entries != before:
                self._replace(json.dumps(entries, separators=(",", ":")).encode("ascii"))
        finally:
            os.close(lock)

    def _replace(self, data: bytes) -> None:
        """A full disk leaves the file as it was."""
        fresh = f"{self.path}.next"
        with open(os.open(fresh, _FRESH, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            if self._durable:
                os.fsync(file.fileno())
        os.replace(fresh, self.path)
