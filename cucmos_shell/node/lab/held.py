"""A small file that others replace whole, and that is asked for often."""

from __future__ import annotations

import os
import threading

from cucmos_shell.store.durable import READ_FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_SIZE = 4 * 1024 * 1024


class HeldFile:
    """What `parse` makes of a file's octets, None without one; made anew when it was replaced.

    The file is held open: as long as it has a name it is the one that is there, whatever clocks
    and inode numbers say. One that cannot be read counts as missing.
    """

    def __init__(self, path: str, parse: Callable[[bytes], Any]) -> None:
        self._path = path
        self._parse = parse
        self._descriptor = -1
        self._value: Any = None
        self._lock = threading.Lock()

    def value(self) -> Any:
        """What the file says now."""
        try:
            if os.fstat(self._descriptor).st_nlink:
                return self._value
        except OSError:
            pass
        return self._again()

    def _again(self) -> Any:
        with self._lock:
            before = self._descriptor
            try:
                descriptor = os.open(self._path, READ_FLAGS)
            except OSError:
                descriptor = -1
            found = None
            if descriptor >= 0:
                try:
                    found = self._parse(os.pread(descriptor, MAX_SIZE, 0))
                except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                    found = None
            self._value, self._descriptor = found, descriptor
            if before >= 0:
                os.close(before)
            return found

    def close(self) -> None:
        """Let go of the file; the next question opens it again."""
        with self._lock:
            before, self._descriptor = self._descriptor, -1
            if before >= 0:
                os.close(before)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
