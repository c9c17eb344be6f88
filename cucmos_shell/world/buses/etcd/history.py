"""What an etcd tells of its history, put together to revisions of a bus.

Each revision ends with the head, which names the one before it and counts the keys. So what an
etcd has lost (releases of it dropped events around a compaction) is noticed, not passed over.
"""

from __future__ import annotations

from cucmos_shell.world.bus import Changes, Compacted, Item
from cucmos_shell.world.buses.etcd.forms import head_of, number, part, parts, row_of, text_of
from cucmos_shell.world.buses.etcd.wire import EtcdNonsense

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.world.buses.etcd.forms import EtcdHead, EtcdKey, Form
    from cucmos_shell.world.buses.etcd.places import EtcdPlaces

# Octets of values from which on a full read is less to hold than the history.
MAX_HISTORY = 64 * 1024 * 1024


class EtcdHistory:
    """Takes the answers of a watch that begins at `revision`, from the next one until `head`."""

    def __init__(self, places: EtcdPlaces, prefix: str, revision: int, head: EtcdHead) -> None:
        self._places = places
        self._prefix = prefix
        self._since = revision
        self._until = head.revision
        self._begin()

    def __call__(self, answer: Form | None) -> tuple[Changes, ...] | None:
        """All changes, once the last one has come. None for an answer: it begins anew.

        Raises Compacted where the history is gone, too long or has a gap, EtcdNonsense.
        """
        if answer is None:
            self._begin()
            return None
        result = part(answer, "result")
        if result.get("canceled"):
            floor = number(result, "compact_revision")
            if not floor:
                raise EtcdNonsense("a watch that was ended")
            raise Compacted(min(floor, self._until))
        for event in parts(result, "events"):
            # A deletion says nothing here: what is dropped is put as dropped.
            if event.get("type", "PUT") == "PUT" and self._take(row_of(part(event, "kv"))):
                return tuple(self._found)
        return None

    def told(self, rows: list[EtcdKey]) -> tuple[Changes, ...] | None:
        """As for an answer, of rows in the order in which they were put, the head last."""
        for row in rows:
            if self._take(row):
                return tuple(self._found)
        return None

    def _begin(self) -> None:
        self._found: list[Changes] = []
        self._last: int | None = None
        self._size = 0
        self._next(0)

    def _next(self, revision: int) -> None:
        self._revision = revision
        self._items: list[Item] = []
        self._gone: list[str] = []

    def _take(self, row: EtcdKey) -> bool:
        """Take what a revision has put; whether that was the end of all."""
        places = self._places
        if row.revision <= self._since:
            return False
        if row.revision != self._revision:
            if row.revision < self._revision:
                raise EtcdNonsense("revisions in no order")
            self._refuse_gap(bool(self._items or self._gone))
            self._next(row.revision)
        if row.key.startswith(places.items):
            key = text_of(row.key, places.items)
            self._items.append(Item(key, row.value, row.revision))
            self._size += len(row.value)
            self._refuse_gap(self._size > MAX_HISTORY)
        elif row.key.startswith(places.gone):
            self._gone.append(text_of(row.key, places.gone))
        elif row.key == places.head:
            return self._end(head_of(row))
        else:
            raise EtcdNonsense("a key that no bus has put")
        return False

    def _end(self, head: EtcdHead) -> bool:
        self._refuse_gap(
            head.keys != len(self._items) + len(self._gone)
            or (head.was > self._since if self._last is None else head.was != self._last)
            or head.revision > self._until
        )
        self._last = head.revision
        items = tuple(sorted(item for item in self._items if item.key.startswith(self._prefix)))
        gone = tuple(sorted(key for key in self._gone if key.startswith(self._prefix)))
        if items or gone:
            self._found.append(Changes(head.revision, items, gone))
        self._items, self._gone = [], []
        return head.revision == self._until

    def _refuse_gap(self, there_is_one: bool) -> None:
        """A full read says what no history does."""
        if there_is_one:
            raise Compacted(self._until)
