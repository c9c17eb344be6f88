"""What nodes show for a while in an etcd, beside the items of the bus."""

from __future__ import annotations

import math

from cucmos_shell.world.bus import Item, check_item
from cucmos_shell.world.buses.etcd import forms
from cucmos_shell.world.buses.etcd.state import GRANT, KEEP, RANGE, TXN
from cucmos_shell.world.buses.etcd.wire import EtcdNonsense, EtcdRefusal
from cucmos_shell.world.connect import Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.world.buses.etcd.state import EtcdState

_NOT_FOUND = 5


class EtcdLeases:
    """Those of a bus; each call lasts up to `seconds`."""

    def __init__(self, state: EtcdState, seconds: float) -> None:
        self._state = state
        self._seconds = seconds
        self._leases: dict[str, int] = {}

    def alive(self, key: str, value: bytes, seconds: float) -> None:
        """As in Bus; the leader's clock counts the seconds, in whole ones."""
        shown = self._state.places.alive + check_item(key, value)
        deadline = Deadline(self._seconds)
        with self._state.meaning():
            for _ in range(2):
                lease = self._lease(key, shown, seconds, deadline)
                held = {"key": forms.b64(shown), "target": "LEASE", "result": "EQUAL"}
                same = [{**held, "lease": str(lease)}, forms.has_value(shown, value)]
                # No revision where nothing is new: an idle cluster must not fill its etcd.
                form = forms.transaction(same, [], [forms.putting(shown, value, lease)])
                try:
                    self._state.ask(TXN, form, deadline)
                    return
                except EtcdRefusal as error:
                    if error.code != _NOT_FOUND:
                        raise
                    self._leases.pop(key, None)
            raise EtcdNonsense("a lease that was granted is not there")

    def who_is_alive(self, prefix: str) -> tuple[Item, ...]:
        """As in Bus."""
        with self._state.meaning():
            form = forms.prefixed(self._state.places.alive + prefix.encode())
            answer, _ = self._state.ask(RANGE, form, Deadline(self._seconds))
            rows, beginning = forms.rows_of(answer), self._state.places.alive
            return tuple(Item(forms.text_of(row.key, beginning), row.value, 0) for row in rows)

    def _lease(self, key: str, shown: bytes, seconds: float, deadline: Deadline) -> int:
        """A lease for what is shown under a key: the one it has if that holds, prolonged."""
        whole = max(1, math.ceil(seconds))
        if self._holds(self._leases.get(key, 0), whole, deadline):
            return self._leases[key]
        # That of another process of the node, such as its agent: a new one would be a revision.
        answer, _ = self._state.ask(RANGE, {"key": forms.b64(shown)}, deadline)
        lease = sum(forms.number(kv, "lease") for kv in forms.parts(answer, "kvs")[:1])
        if not self._holds(lease, whole, deadline):
            answer, _ = self._state.ask(GRANT, {"TTL": str(whole)}, deadline)
            lease = forms.number(answer, "ID")
        self._leases[key] = lease
        return lease

    def _holds(self, lease: int, seconds: int, deadline: Deadline) -> bool:
        """Whether a lease is there and of so many seconds; it begins anew then."""
        if not lease:
            return False
        answer, _ = self._state.members.ask(KEEP, {"ID": str(lease)}, deadline)
        return forms.number(forms.part(answer, "result"), "TTL") == seconds
