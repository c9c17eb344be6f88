"""A bus for nodes on many machines: an etcd of several members, over its JSON gateway.

Every change puts the head along with its keys, on condition that the head is still the one known:
so the revision of the head is that of the bus, whatever else is done in the etcd, and a change that
was asked for twice is made once. What is dropped is put as dropped; deletions say nothing.
"""

from __future__ import annotations

from cucmos_shell.world.bus import BusReading, BusWentBack, Changes, Compacted, Item, check_change
from cucmos_shell.world.buses.etcd import forms
from cucmos_shell.world.buses.etcd.changes import STEPS, EtcdChanges
from cucmos_shell.world.buses.etcd.history import EtcdHistory
from cucmos_shell.world.buses.etcd.leases import EtcdLeases
from cucmos_shell.world.buses.etcd.state import COMPACT, RANGE, SECONDS, TXN, WATCH, EtcdState
from cucmos_shell.world.buses.etcd.wire import EtcdNonsense, EtcdRefusal, EtcdTooLarge
from cucmos_shell.world.connect import Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cucmos_shell.world.bus import At, Put
    from cucmos_shell.world.buses.etcd.forms import EtcdHead, EtcdKey
    from cucmos_shell.world.buses.etcd.places import EtcdAddress

# How much longer a call may last that brings much.
WHOLE = 6
# Keys of a page: as many as are likely to go, and as many as always do.
PAGE, SMALL_PAGE = 512, 64
# Changes that are kept, in case they are asked for once more.
MAX_TOLD = 32
MAX_READING = 512 * 1024 * 1024
_OUT_OF_RANGE = 11


class EtcdBus:
    """The bus at an address, called `url` in messages; `folder` has the files for TLS.

    A call lasts up to `seconds`, all members together; one that brings much, six times as long.
    """

    def __init__(
        self, address: EtcdAddress, url: str, folder: str, seconds: float = SECONDS
    ) -> None:
        self._state = EtcdState(address, url, folder)
        self._changes = EtcdChanges(self._state)
        self._leases = EtcdLeases(self._state, seconds)
        self.alive = self._leases.alive
        self.who_is_alive = self._leases.who_is_alive
        self._told: tuple[tuple[str, int, int], tuple[Changes, ...]] | None = None
        self._seconds, self._whole = seconds, seconds * WHOLE

    def identity(self) -> str:
        """As in Bus."""
        with self._state.meaning():
            return self._state.look(Deadline(self._seconds)).identity

    def read(self, prefix: str) -> BusReading:
        """As in Bus."""
        deadline = Deadline(self._whole)
        with self._state.meaning():
            while True:
                try:
                    try:
                        return self._read(prefix.encode(), PAGE, deadline)
                    except EtcdTooLarge:
                        return self._read(prefix.encode(), SMALL_PAGE, deadline)
                except EtcdRefusal as error:
                    # Compacted between two pages: once more, from the first one on.
                    if error.code != _OUT_OF_RANGE or deadline.over():
                        raise

    def change(
        self, compare: Sequence[At], put: Sequence[Put], drop: Sequence[str] = ()
    ) -> int | None:
        """As in Bus."""
        check_change(compare, put, drop)
        return self._changes.change(compare, put, drop, self._seconds)

    def since(self, prefix: str, revision: int) -> tuple[Changes, ...]:
        """As in Bus."""
        deadline = Deadline(self._whole)
        with self._state.meaning():
            head = self._state.look(deadline)
            if head.revision < revision:
                raise BusWentBack(self._state.url)
            if head.revision == revision:
                return ()
            asked = prefix, revision, head.revision
            # An agent asks again and again from what concerned it last, which others leave behind.
            if self._told is not None and self._told[0] == asked:
                return self._told[1]
            found = self._latest(prefix, revision, head, deadline)
            if found is None:
                found = self._history(prefix, revision, head, deadline)
            self._told = (asked, found) if len(found) <= MAX_TOLD else None
            return found

    def compact(self, revision: int) -> None:
        """As in Bus. History is that of the whole etcd."""
        deadline = Deadline(self._whole)
        with self._state.meaning():
            if revision > self._state.look(deadline).revision:
                raise BusWentBack(self._state.url)
            if revision <= 0:
                return
            self._sweep(revision, deadline)
            try:
                self._state.ask(COMPACT, {"revision": str(revision)}, deadline)
            except EtcdRefusal as error:
                if error.code != _OUT_OF_RANGE:
                    raise

    def close(self) -> None:
        """As in Bus."""
        self._told = None
        self._state.let_go()

    # --- looking ---------------------------------------------------------------------------------

    def _read(self, prefix: bytes, size: int, deadline: Deadline) -> BusReading:
        seen = self._state.seen
        page = {**forms.prefixed(self._state.places.items + prefix), "limit": str(size)}
        steps = [forms.reading(self._state.places.head), {"request_range": page}]
        answer, _ = self._state.ask(TXN, forms.transaction([], steps), deadline)
        first, second = forms.steps_of(answer, 2)
        head = self._state.met(forms.part(first, "response_range"), seen)
        page["revision"] = str(forms.revision_of(answer))
        answer = forms.part(second, "response_range")
        rows = forms.rows_of(answer)
        octets = 0
        while answer.get("more"):
            octets += sum(len(row.value) for row in rows[-size:])
            if not rows or octets > MAX_READING:
                raise EtcdNonsense("more than any bus has")
            page["key"] = forms.b64(rows[-1].key + b"\0")
            answer, _ = self._state.ask(RANGE, page, deadline)
            more = forms.rows_of(answer)
            if not more or more[0].key <= rows[-1].key:
                raise EtcdNonsense("keys in no order")
            rows += more
        return BusReading(head.revision, tuple(self._item(row, prefix, head) for row in rows))

    def _item(self, row: EtcdKey, prefix: bytes, head: EtcdHead) -> Item:
        if not row.key.startswith(self._state.places.items + prefix):
            raise EtcdNonsense("a key that was not asked for")
        if row.revision > head.revision:
            raise EtcdNonsense("a key is newer than the bus")
        return Item(forms.text_of(row.key, self._state.places.items), row.value, row.revision)

    def _latest(
        self, prefix: str, revision: int, head: EtcdHead, deadline: Deadline
    ) -> tuple[Changes, ...] | None:
        """The one change since `revision`, from what there is now; None unless there is just one.

        That needs no connection of its own, and is what an agent mostly hears.
        """
        if head.was != revision:
            return None
        places = self._state.places
        page = {**forms.prefixed(places.log), "min_mod_revision": str(head.revision)}
        page["revision"] = str(head.revision)
        before = {"key": forms.b64(places.head), "revision": str(revision), "keys_only": True}
        try:
            answer, _ = self._state.ask(RANGE, page, deadline)
            self._state.ask(RANGE, before, deadline)
        except (EtcdRefusal, EtcdTooLarge):
            return None  # compacted; its history says up to where
        rows = sorted(forms.rows_of(answer), key=lambda row: row.key == places.head)
        try:
            return EtcdHistory(places, prefix, revision, head).told(rows)
        except Compacted:
            return None  # a gap

    def _history(
        self, prefix: str, revision: int, head: EtcdHead, deadline: Deadline
    ) -> tuple[Changes, ...]:
        # From the revision itself on, which is not wanted: so an etcd that has compacted a later
        # one says so, and what it may lose of the one that it has compacted is of no matter.
        watching = {
            **forms.prefixed(self._state.places.log),
            "start_revision": str(max(revision, 1)),
            "fragment": True,
        }
        take = EtcdHistory(self._state.places, prefix, revision, head)
        return self._state.members.listen(WATCH, {"create_request": watching}, deadline, take)

    def _sweep(self, revision: int, deadline: Deadline) -> None:
        """Take away what says that keys were dropped, where nobody can ask for it any more."""
        page = {
            **forms.prefixed(self._state.places.gone),
            "max_mod_revision": str(revision),
            "keys_only": True,
            "limit": str(STEPS),
        }
        while True:
            answer, _ = self._state.ask(RANGE, page, deadline)
            rows = forms.rows_of(answer)
            if not rows:
                return
            same = [forms.is_at(row.key, row.revision) for row in rows]
            steps = [forms.dropping(row.key) for row in rows]
            self._state.ask(TXN, forms.transaction(same, steps), deadline)
