"""A bus within one process: the reference for the others, and quick enough for models."""

from __future__ import annotations

import os
import threading

from cucmos_shell.world.bus import (
    BusReading,
    BusWentBack,
    Changes,
    Compacted,
    Item,
    check_change,
    check_item,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cucmos_shell.world.bus import At, Put


class MemoryCluster:
    """What the buses of a cluster share. `copy` it and put it back to have it go back."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.leases: dict[str, tuple[bytes, float, float]] = {}
        self.make_anew()

    def make_anew(self) -> None:
        """Empty it: another bus in the same place."""
        self.identity = os.urandom(16).hex()
        self.revision = self.floor = 0
        self.items: dict[str, Item] = {}
        self.log: list[Changes] = []

    def copy(self) -> MemoryCluster:
        """A copy as of now, for `put_back`."""
        copy = MemoryCluster()
        copy.put_back(self)
        return copy

    def put_back(self, copy: MemoryCluster) -> None:
        """Become what `copy` is."""
        self.identity, self.revision, self.floor = copy.identity, copy.revision, copy.floor
        self.items, self.log = dict(copy.items), list(copy.log)

    def open(self, now: Callable[[], float]) -> MemoryBus:
        """One of its buses."""
        return MemoryBus(self, now)


class MemoryBus:
    """A bus over a MemoryCluster; `now` gives seconds, for leases."""

    def __init__(self, cluster: MemoryCluster, now: Callable[[], float]) -> None:
        self._cluster = cluster
        self._now = now
        self._identity = cluster.identity
        self._seen = 0

    def identity(self) -> str:
        """As in Bus."""
        with self._cluster.lock:
            self._look()
            return self._identity

    def read(self, prefix: str) -> BusReading:
        """As in Bus."""
        with self._cluster.lock:
            revision = self._look()
            found = [item for key, item in self._cluster.items.items() if key.startswith(prefix)]
        return BusReading(revision, tuple(sorted(found)))

    def change(
        self, compare: Sequence[At], put: Sequence[Put], drop: Sequence[str] = ()
    ) -> int | None:
        """As in Bus."""
        check_change(compare, put, drop)
        cluster = self._cluster
        with cluster.lock:
            revision = self._look()
            for key, wanted in compare:
                there = cluster.items.get(key)
                if (there.revision if there else 0) != wanted:
                    return None
            gone = tuple(sorted(key for key in drop if key in cluster.items))
            if not put and not gone:
                return revision
            revision += 1
            items = tuple(sorted(Item(key, bytes(value), revision) for key, value in put))
            for key in gone:
                del cluster.items[key]
            cluster.items.update({item.key: item for item in items})
            cluster.log.append(Changes(revision, items, gone))
            cluster.revision = self._seen = revision
            return revision

    def since(self, prefix: str, revision: int) -> tuple[Changes, ...]:
        """As in Bus."""
        cluster = self._cluster
        with cluster.lock:
            present = self._look()
            if present < revision:
                raise BusWentBack("memory")
            if revision < cluster.floor:
                raise Compacted(cluster.floor)
            later = cluster.log[revision - cluster.floor :]
        found = []
        for number, items, gone in later:
            items = tuple(item for item in items if item.key.startswith(prefix))
            gone = tuple(key for key in gone if key.startswith(prefix))
            if items or gone:
                found.append(Changes(number, items, gone))
        return tuple(found)

    def compact(self, revision: int) -> None:
        """As in Bus."""
        cluster = self._cluster
        with cluster.lock:
            if revision > self._look():
                raise BusWentBack("memory")
            if revision > cluster.floor:
                del cluster.log[: revision - cluster.floor]
                cluster.floor = revision

    def alive(self, key: str, value: bytes, seconds: float) -> None:
        """As in Bus."""
        check_item(key, value)
        with self._cluster.lock:
            now = self._now()
            self._cluster.leases[key] = bytes(value), now, now + seconds

    def who_is_alive(self, prefix: str) -> tuple[Item, ...]:
        """As in Bus."""
        with self._cluster.lock:
            now = self._now()
            found = [
                Item(key, value, 0)
                for key, (value, begin, end) in self._cluster.leases.items()
                if key.startswith(prefix) and begin <= now < end
            ]
        return tuple(sorted(found))

    def close(self) -> None:
        """As in Bus: there is nothing to give back."""

    def _look(self) -> int:
        """The revision, if it is still the bus that was opened. Raises BusWentBack."""
        cluster = self._cluster
        if cluster.identity != self._identity or cluster.revision < self._seen:
            raise BusWentBack("memory")
        self._seen = cluster.revision
        return cluster.revision
