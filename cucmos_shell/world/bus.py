"""The bus of a cluster: keys with values that its nodes share, changed in one order of revisions.

A revision is a number that grows with every change, not always by one. A key is text, begins
anywhere and has no folders: `a/` is a prefix of `a/b` and not of `ab`. Order is that of the octets
in UTF-8. What a bus does is the same for all of them; `tests/world/test_bus.py` is the contract.

A bus that has been opened stays with what it found: where its place is taken by another one, or by
an older copy of itself, every call raises BusWentBack from then on, and it must be opened anew.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from cucmos_shell.errors import Damaged, OutcomeUnknown, Refused, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_KEY = 512  # octets
MAX_VALUE = 256 * 1024  # octets
MAX_KEYS = 128  # keys that one change compares, and that it writes
MAX_CHANGE = 1024 * 1024  # octets of all keys and values: etcd takes 1.5 MiB


class Item(NamedTuple):
    """A key, its value, and the revision that wrote it (0 for a lease, which has none)."""

    key: str
    value: bytes
    revision: int


class BusReading(NamedTuple):
    """One consistent state of a prefix: the bus's revision, and the items by their keys."""

    revision: int
    items: tuple[Item, ...]


class At(NamedTuple):
    """A condition: the key was written by this revision; 0 if it is to be absent."""

    key: str
    revision: int


class Put(NamedTuple):
    """A key that is to have this value."""

    key: str
    value: bytes


class Changes(NamedTuple):
    """What one revision did within a prefix: the items it put and the keys it dropped, by key."""

    revision: int
    items: tuple[Item, ...]
    gone: tuple[str, ...]


class BusAway(Unavailable):
    """The bus cannot be reached, opened, read or written; nothing was changed there."""

    def __init__(self, bus: str, reason: str) -> None:
        template = "The bus {bus} cannot be used: {reason}; nothing was changed there"
        super().__init__(template, bus=bus, reason=reason)


class BusNewer(Unavailable):
    """The bus has a format that this version does not know."""

    def __init__(self, bus: str, number: object) -> None:
        template = "The bus {bus} belongs to a newer version of this program (format {number})"
        super().__init__(template, bus=bus, number=number)


class BusUnknown(OutcomeUnknown):
    """The change was asked for and not confirmed: it may have been made or not, as a whole."""

    def __init__(self, bus: str, reason: str) -> None:
        template = "The bus {bus} did not confirm a change, which may have been made: {reason}"
        super().__init__(template, bus=bus, reason=reason)


class BusDamaged(Damaged):
    """What the bus holds does not agree with itself; nothing was repaired."""

    def __init__(self, bus: str, reason: str) -> None:
        super().__init__("The bus {bus} is damaged: {reason}", bus=bus, reason=reason)


class Compacted(Refused):
    """The history asked for is gone; `floor` is the least revision that can still be asked for."""

    def __init__(self, floor: int) -> None:
        super().__init__("The bus has forgotten what was before revision {floor}", floor=floor)
        self.floor = floor


class BusWentBack(Refused):
    """The bus was emptied and made anew, or is an older copy of what it was."""

    def __init__(self, bus: str) -> None:
        super().__init__("The bus {bus} is another one than before, or went back", bus=bus)


class Bus(Protocol):
    """What nodes share. Every call but `close` raises BusAway, BusNewer, BusDamaged, BusWentBack.

    May be used by several threads at once. A key, a value or a change that is too large, a key that
    is empty, has a NUL or is not UTF-8, and one that stands twice in a change is a ValueError.
    """

    def identity(self) -> str:
        """Random text, made with the bus; a bus that was emptied and made anew has another."""

    def read(self, prefix: str) -> BusReading:
        """What there is now under the prefix."""

    def change(
        self, compare: Sequence[At], put: Sequence[Put], drop: Sequence[str] = ()
    ) -> int | None:
        """Put and drop, as one revision, if all of `compare` holds; the new revision.

        None if it does not, and nothing was written. To drop an absent key is to do nothing, and a
        change that does nothing makes no revision: the present one comes back. Raises BusUnknown.
        """

    def since(self, prefix: str, revision: int) -> tuple[Changes, ...]:
        """All later revisions that touch the prefix, whole and in order.

        Raises Compacted, and BusWentBack if the bus has not come to `revision` yet.
        """

    def compact(self, revision: int) -> None:
        """Forget the history up to and with `revision`, but no item. Raises BusWentBack."""

    def alive(self, key: str, value: bytes, seconds: float) -> None:
        """Show a value for that long, beside the items and their revisions; again to renew it."""

    def who_is_alive(self, prefix: str) -> tuple[Item, ...]:
        """What `alive` shows under the prefix, by key."""

    def close(self) -> None:
        """Give back files and connections; the next call opens them again."""


def check_key(key: str) -> bytes:
    """The key's octets. Raises ValueError for one that no bus takes."""
    octets = key.encode()
    if not 0 < len(octets) <= MAX_KEY or 0 in octets:
        raise ValueError(f"a key has 1 to {MAX_KEY} octets and no NUL")
    return octets


def check_item(key: str, value: bytes) -> bytes:
    """The key's octets. Raises ValueError for a key or a value that no bus takes."""
    if len(value) > MAX_VALUE:
        raise ValueError(f"a value has up to {MAX_VALUE} octets")
    return check_key(key)


def check_change(compare: Sequence[At], put: Sequence[Put], drop: Sequence[str]) -> None:
    """Raise ValueError for a change that no bus takes."""
    for at in compare:
        check_key(at.key)
    keys = [check_item(*one) for one in put] + [check_key(key) for key in drop]
    if not 0 < len(keys) <= MAX_KEYS or len(compare) > MAX_KEYS:
        raise ValueError(f"a change has 1 to {MAX_KEYS} keys")
    if len(set(keys)) < len(keys):
        raise ValueError("a key stands twice in a change")
    if sum(map(len, keys)) + sum(len(value) for _, value in put) > MAX_CHANGE:
        raise ValueError(f"a change has up to {MAX_CHANGE} octets")
