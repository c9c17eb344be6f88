"""Leases of the processes of one machine: a small file each, replaced whole and never synced.

Nothing here is worth a lock or a repair: what is cut short by a power cut is passed over, and is
written anew in seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading

from cucmos_shell.world.bus import BusAway, Item, check_item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class Leases:
    """Those in `folder`, whose parent must be there. `now` gives seconds since the epoch."""

    def __init__(self, folder: str, now: Callable[[], float]) -> None:
        self._folder = folder
        self._now = now

    def alive(self, key: str, value: bytes, seconds: float) -> None:
        """As in Bus."""
        octets = check_item(key, value)
        path = os.path.join(self._folder, hashlib.sha256(octets).hexdigest())
        begin = self._now()
        head = b"%r %r %d " % (begin, begin + seconds, len(octets))
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._folder, 0o700)
            draft = f"{path}.{threading.get_native_id()}"
            with open(os.open(draft, _FLAGS, 0o600), "wb") as file:
                file.write(head + octets + value)
            os.rename(draft, path)
        except OSError as error:
            raise BusAway(self._folder, error.strerror or str(error)) from error

    def who_is_alive(self, prefix: str) -> tuple[Item, ...]:
        """As in Bus."""
        found = []
        try:
            for name in os.listdir(self._folder):
                if "." not in name:
                    with open(os.path.join(self._folder, name), "rb") as file:
                        found += self._read(file.read())
        except FileNotFoundError:
            # Nobody has shown anything yet; or there is no bus, as its next use will say.
            return ()
        except OSError as error:
            raise BusAway(self._folder, error.strerror or str(error)) from error
        return tuple(sorted(item for item in found if item.key.startswith(prefix)))

    def _read(self, data: bytes) -> list[Item]:
        """The lease, if it holds now. One that begins later is of a clock that was set back."""
        with contextlib.suppress(ValueError):
            begin, end, length, rest = data.split(b" ", 3)
            if float(begin) <= self._now() < float(end):
                size = int(length)
                return [Item(rest[:size].decode(), rest[size:], 0)]
        return []
