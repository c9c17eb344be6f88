"""Small JSON files that several processes keep together, replaced whole or not at all."""

from __future__ import annotations

import contextlib
import copy
import json
import os

from cucmos_shell.store.durable import (
    NEW_FLAGS,
    READ_FLAGS,
    SECRET_FILE_MODE,
    replace,
    replace_file,
    write_all,
)
from cucmos_shell.store.locks import lock_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

MAX_SIZE = 4 * 1024 * 1024


class SharedJson:
    """A file with a lock of its own, for what is not worth a damaged node: never trusted.

    A change is made in a `with shared.change() as entries` block. An unreadable file counts as
    empty. `durable`: a change that has been made survives a power cut.
    """

    def __init__(self, path: str, durable: bool = False) -> None:
        self.path = path
        self._durable = durable

    def read(self) -> dict[str, Any]:
        """The entries as they are now; none if there is no such file. Raises OSError."""
        try:
            descriptor = os.open(self.path, READ_FLAGS)
        except FileNotFoundError:
            return {}
        try:
            found = json.loads(os.pread(descriptor, MAX_SIZE, 0))
        except (ValueError, RecursionError):
            return {}
        finally:
            os.close(descriptor)
        return found if isinstance(found, dict) else {}

    def create(self, entries: Mapping[str, Any]) -> None:
        """Make the file, which nobody has made before. Raises OSError."""
        descriptor = os.open(self.path, NEW_FLAGS, SECRET_FILE_MODE)
        try:
            write_all(descriptor, json.dumps(entries).encode("ascii"))
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """The entries under a lock; they are written back when the block ends well, all or nothing.

        Raises OSError, and where it is durable Unavailable and OutcomeUnknown; the block should be
        short, since others wait for it.
        """
        with lock_file(f"{self.path}.lock"):
            before = self.read()
            entries = copy.deepcopy(before)
            yield entries
            if entries != before:
                data = json.dumps(entries, separators=(",", ":")).encode("ascii")
                if self._durable:
                    replace_file(self.path, data, SECRET_FILE_MODE)
                else:
                    replace(self.path, data, SECRET_FILE_MODE, durable=False)
