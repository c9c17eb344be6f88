"""Changes of a bus in an etcd, each made once, however often it has to be asked for.

A change is made on condition that the head is the one known, and puts another one. So of two that
were asked for at once, or of one that was asked for twice, one finds the head as it was; and where
no answer came, the history of the head says whether it was this one.
"""

from __future__ import annotations

import os
import threading

from cucmos_shell.errors import Refused
from cucmos_shell.world.bus import BusAway, BusDamaged, BusUnknown
from cucmos_shell.world.buses.etcd import forms
from cucmos_shell.world.buses.etcd.places import places
from cucmos_shell.world.buses.etcd.state import SECONDS, TXN, WATCH
from cucmos_shell.world.buses.etcd.wire import EtcdMembers, EtcdNonsense, EtcdRefusal
from cucmos_shell.world.connect import Deadline
from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cucmos_shell.world.bus import At, Put
    from cucmos_shell.world.buses.etcd.forms import EtcdHead, Form
    from cucmos_shell.world.buses.etcd.places import EtcdAddress
    from cucmos_shell.world.buses.etcd.state import EtcdState

# Steps of a transaction within one that has up to so many conditions: etcd takes 128 in all.
STEPS, CONDITIONS = 100, 20
# How often a change is tried that others' come before, if there is time.
MAX_TRIES = 1000


def create_etcd(address: EtcdAddress, url: str, folder: str) -> None:
    """Make an empty bus there. Raises Refused if there is one, BusAway, BusUnknown."""
    where = places(address.name)
    members = EtcdMembers(address.members, folder)
    identity = os.urandom(16).hex()
    nothing = {**forms.prefixed(where.log), "target": "CREATE", "result": "EQUAL"}
    put = forms.putting(where.head, forms.head_value(identity, 0, "", 0))
    form = forms.transaction(
        [{**nothing, "create_revision": "0"}], [put], [forms.reading(where.head)]
    )
    try:
        answer, _ = members.ask(TXN, form, Deadline(SECONDS))
        if not forms.succeeded(answer):
            (step,) = forms.steps_of(answer, 1)
            rows = forms.rows_of(forms.part(step, "response_range"))
            # A first attempt may have made it, and its answer got lost.
            if not rows or forms.head_of(rows[0]).identity != identity:
                raise Refused("There is a bus at {url} already", url=url)
    except Unanswered as error:
        raise (BusUnknown if error.uncertain else BusAway)(url, error.reason) from None
    except EtcdRefusal as error:
        raise BusAway(url, str(error)) from None
    except EtcdNonsense as error:
        raise BusDamaged(url, str(error)) from None
    finally:
        members.close()


class EtcdChanges:
    """What changes a bus, one change at a time."""

    def __init__(self, state: EtcdState) -> None:
        self._state = state
        self._turn = threading.Lock()

    def change(
        self, compare: Sequence[At], put: Sequence[Put], drop: Sequence[str], seconds: float
    ) -> int | None:
        """As in Bus, within so many seconds."""
        deadline = Deadline(seconds)
        if not self._turn.acquire(timeout=seconds):
            raise BusAway(self._state.url, "it is busy")
        try:
            with self._state.meaning():
                return self._change(compare, put, drop, deadline)
        finally:
            self._turn.release()

    def _change(
        self, compare: Sequence[At], put: Sequence[Put], drop: Sequence[str], deadline: Deadline
    ) -> int | None:
        conditions = [
            forms.is_at(self._state.places.items + key.encode(), at) for key, at in compare
        ]
        # At once: whoever waits loses to those whose change was made, and who need not.
        for _ in range(MAX_TRIES):
            head, inside = self._state.head, conditions
            gone: list[bytes] = []
            if drop or head is None:
                head, gone = self._present(drop, deadline)
            if len(conditions) > CONDITIONS or not (put or gone):
                present, holds = self._holding(conditions, deadline)
                if not holds:
                    return None
                if drop and present != head:
                    continue
                if not (put or gone):
                    return present.revision
                head, inside = present, []
            made, revision = self._try(head, inside, self._steps(put, gone), deadline)
            if made:
                return revision
        raise BusAway(self._state.url, "it is busy")

    def _steps(self, put: Sequence[Put], gone: list[bytes]) -> list[Form]:
        items = self._state.places.items
        steps = [forms.putting(items + one.key.encode(), one.value) for one in put]
        steps += [forms.dropping(items + key) for key in gone]
        return steps + [forms.putting(self._state.places.gone + key, b"") for key in gone]

    def _try(
        self, head: EtcdHead, conditions: list[Form], steps: list[Form], deadline: Deadline
    ) -> tuple[bool, int | None]:
        """Whether that settled it, and the revision; False where another change came before."""
        where, seen = self._state.places.head, self._state.seen
        keys = sum("request_put" in step for step in steps)
        value = forms.head_value(head.identity, head.revision, os.urandom(12).hex(), keys)
        parts = [forms.within(steps[i : i + STEPS]) for i in range(0, len(steps), STEPS)]
        form = forms.transaction(
            [forms.is_at(where, head.revision), forms.has_value(where, head.value)],
            [forms.within([*parts, forms.putting(where, value)], conditions)],
            [forms.reading(where)],
        )
        try:
            answer, unsure = self._state.ask(TXN, form, deadline)
            (step,) = forms.steps_of(answer, 1)
            if forms.succeeded(answer):
                return True, self._made(answer, step, value)
        except Unanswered as error:
            raise (BusUnknown if error.uncertain else BusAway)(
                self._state.url, error.reason
            ) from None
        except EtcdNonsense as error:
            raise BusUnknown(self._state.url, str(error)) from None
        present = self._state.met(forms.part(step, "response_range"), seen)
        if unsure:
            first = self._first_after(head, present, deadline)
            if first.value == value:
                return True, first.revision
        return False, None

    def _made(self, answer: Form, step: Form, value: bytes) -> int | None:
        """The revision of a change that found the head as it was; None: a condition fails."""
        if not forms.succeeded(forms.part(step, "response_txn")):
            return None
        revision = forms.revision_of(answer)
        head = forms.head_of(forms.EtcdKey(self._state.places.head, value, revision))
        self._state.knows(head)
        return revision

    def _first_after(self, before: EtcdHead, present: EtcdHead, deadline: Deadline) -> EtcdHead:
        """The head that came after `before`: only one change can have found that one."""
        if present.was == before.revision:
            return present
        where = self._state.places.head
        watching = {"key": forms.b64(where), "start_revision": str(before.revision + 1)}

        def take(answer: Form | None) -> EtcdHead | None:
            result = forms.part(answer, "result") if answer else {}
            if result.get("canceled"):
                raise BusUnknown(self._state.url, "its history is gone")
            events = forms.parts(result, "events")
            return forms.head_of(forms.row_of(forms.part(events[0], "kv"))) if events else None

        try:
            return self._state.members.listen(WATCH, {"create_request": watching}, deadline, take)
        except (Unanswered, EtcdRefusal, EtcdNonsense) as error:
            raise BusUnknown(self._state.url, str(error)) from None

    def _present(self, keys: Sequence[str], deadline: Deadline) -> tuple[EtcdHead, list[bytes]]:
        """The head, and which of the keys are there with it."""
        seen = self._state.seen
        octets = [key.encode() for key in keys]
        steps = [forms.reading(self._state.places.items + key, keys_only=True) for key in octets]
        parts = [steps[i : i + STEPS] for i in range(0, len(steps), STEPS)]
        form = forms.transaction(
            [], [forms.reading(self._state.places.head), *map(forms.within, parts)]
        )
        answer, _ = self._state.ask(TXN, form, deadline)
        first, *rest = forms.steps_of(answer, 1 + len(parts))
        head = self._state.met(forms.part(first, "response_range"), seen)
        found: list[Form] = []
        for one, part in zip(rest, parts, strict=True):
            found += forms.steps_of(forms.part(one, "response_txn"), len(part))
        there = [forms.rows_of(forms.part(one, "response_range")) for one in found]
        return head, [key for key, rows in zip(octets, there, strict=True) if rows]

    def _holding(self, conditions: list[Form], deadline: Deadline) -> tuple[EtcdHead, bool]:
        """The head, and whether the conditions hold with it."""
        seen, read = self._state.seen, forms.reading(self._state.places.head)
        answer, _ = self._state.ask(TXN, forms.transaction(conditions, [read], [read]), deadline)
        (step,) = forms.steps_of(answer, 1)
        head = self._state.met(forms.part(step, "response_range"), seen)
        return head, forms.succeeded(answer)
