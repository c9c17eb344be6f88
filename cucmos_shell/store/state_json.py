"""Small JSON files of a node that are changed under the store's lock, and whose damage is told."""

from __future__ import annotations

import json

from cucmos_shell.errors import Damaged, Unavailable
from cucmos_shell.store.durable import FILE_MODE, read, replace_file, unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

# What reading JSON that is not of the form it should have may end in.
_MALFORMED = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip


class StateJson:
    """One such file. Making one does no I/O.

    `form` is the number of the format this program knows, `mode` the file's permissions.
    """

    def __init__(self, path: str, form: int, mode: int = FILE_MODE) -> None:
        self.path = path
        self._form = form
        self._mode = mode

    def read(self, parse: Callable[[Any], T], damage: str = "") -> T | None:
        """What `parse` makes of the file; None if there is no such file.

        `damage` says what is wrong with a file that is not of the form, in place of the error of
        `parse`. Raises Damaged, Unavailable.
        """
        try:
            data = json.loads(read(self.path))
            if data["format"] <= self._form:
                return parse(data)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unavailable(error, "read") from error
        except _MALFORMED as error:
            why = damage or f"{type(error).__name__}: {error}"
            raise Damaged("{file} is damaged: {why}", file=self.path, why=why) from error
        raise Unavailable("{file} was written by a newer version of this program", file=self.path)

    def replace(self, octets: bytes) -> None:
        """Give the file new contents; the caller holds the lock.

        Raises Unavailable, OutcomeUnknown.
        """
        replace_file(self.path, octets, self._mode)
