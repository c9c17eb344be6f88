"""What is told to the log of a cluster, in parts that one change of a bus takes."""

from __future__ import annotations

from cucmos_shell.world.bus import MAX_CHANGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmos_shell.cluster.log import Wanted

# How many entries are told or dropped in one change at most.
BATCH = 100


def batches(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """Wishes for `Log.tell`, as many at a time as one change of a bus takes."""
    batch: list[Wanted] = []
    size = 0
    for one in wanted:
        told, der = one[3], one[4]
        words = (told.name, told.description, told.account, told.reason)
        # JSON in ASCII has up to 12 octets for a character; the rest is names, numbers and the key.
        octets = 1024 + 12 * sum(map(len, words)) + (len(der) + 2) // 3 * 4
        if batch and (len(batch) == BATCH or size + octets > MAX_CHANGE // 2):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += octets
    if batch:
        yield batch
