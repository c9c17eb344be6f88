"""Small JSON files of a node that are changed under the store's lock, and whose damage is told.

A file begins with the SHA-256 of what it would be without it, as its first key:
`{"sha256": "...", "format": ...`. One without is of an earlier version; it is believed, and gets
one when it is next written.
"""

from __future__ import annotations

from cucmos_shell.errors import Damaged, Unavailable, from_os
from cucmos_shell.store.durable import FILE_MODE, read, replace_file
from cucmos_shell.store.json_text import loads
from cucmos_shell.store.snapshot import sha256_hex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

# What reading JSON that is not of the form it should have may end in.
MALFORMED = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip

_SUM = b'{"sha256": "'
_SUM_END = len(_SUM) + 64


def sealed(octets: bytes) -> bytes:
    """A JSON object's octets with their check sum in front."""
    return _SUM + sha256_hex(octets).encode("ascii") + b'", ' + octets[1:]


def unsealed(octets: bytes, path: str) -> tuple[bytes, bool]:
    """The octets of the file at `path` without their check sum; whether they had one.

    Raises Damaged where it is not theirs.
    """
    if not octets.startswith(_SUM):
        return octets, False
    inner = b"{" + octets[_SUM_END + 3 :]
    if sealed(inner) != octets:
        raise Damaged("{file} is damaged: {why}", file=path, why="its check sum is wrong")
    return inner, True


def seal(path: str) -> None:
    """Give the file at `path` a check sum unless it has one; the caller holds the lock.

    Raises OSError, Damaged, Unavailable, OutcomeUnknown.
    """
    octets, has_sum = unsealed(read(path), path)
    if not has_sum:
        replace_file(path, sealed(octets))


class StateJson:
    """One such file. Making one does no I/O.

    `form` is the number of the format this program knows, `mode` the file's permissions.
    """

    def __init__(self, path: str, form: int, mode: int = FILE_MODE) -> None:
        self.path = path
        self._form = form
        self._mode = mode

    def read(
        self, parse: Callable[[Any], T], damage: str = "", staged: bytes | None = None
    ) -> T | None:
        """What `parse` makes of the file; None if there is no such file.

        `damage` says what is wrong with a file that is not of the form, in place of the error of
        `parse`; `staged` is what the file is going to hold. Raises Damaged, Unavailable.
        """
        try:
            data = loads(staged or unsealed(read(self.path), self.path)[0])
            if data["format"] <= self._form:
                return parse(data)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise from_os(error, "read") from error
        except MALFORMED as error:
            why = damage or f"{type(error).__name__}: {error}"
            raise Damaged("{file} is damaged: {why}", file=self.path, why=why) from error
        raise Unavailable("{file} was written by a newer version of this program", file=self.path)

    def replace(self, octets: bytes) -> None:
        """Give the file new contents; the caller holds the lock.

        Raises Unavailable, OutcomeUnknown.
        """
        replace_file(self.path, sealed(octets), self._mode)
