"""A model of a cluster for its rules: nodes, a log, faults; and what must be true of a history.

A history is a string of octets, read as steps: commands, the parts of a round, kills, snapshots put
back, tombstones collected. At its end all nodes go on until they agree, and the invariants are
checked. `Rules` holds what is under test; planted faults override a part of it.
"""

from __future__ import annotations

import dataclasses

from histories import Broken, demand

from cucmos_shell.cluster import rules
from cucmos_shell.cluster.rules import UNTOLD, Entry, Meeting

KEYS = 4
# Certificates 0 and 1 have one common name, and each begins at its own time; 2 and 3 stand alone.
NAME_OF = (0, 0, 1, 2)
BEGINS = (5, 5, 1, 1)
NODES = 3


class Rules:
    """The rules as they are."""

    wished = staticmethod(rules.wished)
    meet = staticmethod(rules.meet)
    later = staticmethod(rules.later)
    compares = True
    keeps_wishes_until_recorded = True
    restores_what_is_known = True
    collects_what_all_have_applied = True

    def all_seen(self, applied, floor):
        return applied >= floor


@dataclasses.dataclass
class Done:
    """A command, with what only an onlooker knows: what had been applied, and at what it aims."""

    id: str
    key: int
    present: bool
    knew: int
    before: tuple
    aim: Entry | None = None
    automatic: bool = False


@dataclasses.dataclass
class State:
    """What a node keeps on disk; a snapshot holds all of it."""

    known: dict
    wishes: dict
    applied: int
    lineage: tuple

    def copy(self):
        return State(dict(self.known), dict(self.wishes), self.applied, self.lineage)

    def held(self):
        return {k for k in range(KEYS) if rules.held(self.known.get(k), self.wishes.get(k))}


class Cluster:
    """Three nodes and a log."""

    def __init__(self, under_test=None):
        self.rules = under_test or Rules()
        self.entries = {}
        self.revision = 0
        self.floor = 0
        self.history = []  # (revision, key, present, id)
        self.reported = dict.fromkeys(range(NODES), 0)
        self.states = [State({}, {}, 0, ()) for _ in range(NODES)]
        self.snapshots = [state.copy() for state in self.states]
        self.readings = [None] * NODES
        self.was_behind = [False] * NODES
        self.restored = set()
        self.done = {}
        self.said = {}  # id → why a wish was dropped
        self.effective = {}  # id → revision at which it held

    # --- commands --------------------------------------------------------------------------------

    def command(self, n, key, present, automatic=False):
        """Somebody uploads or deletes a certificate on node `n`, if there is something to do."""
        state = self.states[n]
        if (key in state.held()) == present:
            return
        if present and not automatic:
            for other in state.held() - {key}:
                if NAME_OF[other] == NAME_OF[key]:
                    self.command(n, other, False, automatic=True)
        name = f"{n}.{len(self.done)}"
        self.done[name] = Done(
            name, key, present, state.applied, state.lineage, state.known.get(key), automatic
        )
        state.wishes[key] = self.rules.wished(
            state.known.get(key), state.wishes.get(key), present, name
        )
        state.lineage = (*state.lineage, name)

    # --- a round: read, tell, record -------------------------------------------------------------

    def read(self, n, full):
        """What the log says: all of it, or what is new to the node."""
        state = self.states[n]
        if full or state.applied < self.floor:
            entries = dict(self.entries)
        else:
            entries = {k: e for k, e in state.known.items() if k in self.entries}
            entries |= {k: e for k, e in self.entries.items() if e.revision > state.applied}
        all_seen = self.rules.all_seen(state.applied, self.floor)
        self.readings[n] = [self.revision, self.floor, entries, all_seen, {}]
        self.was_behind[n] = state.applied < self.floor

    def tell(self, n):
        """Tell each wish that may be told, if the log still says what was read."""
        if self.readings[n] is None:
            return
        _, floor, entries, all_seen, told = self.readings[n]
        state = self.states[n]
        for key, wish in list(state.wishes.items()):
            entry = entries.get(key)
            if key in told or not self.rules.meet(entry, wish, all_seen=all_seen).tell:
                continue
            now = self.entries.get(key)
            same = (now and now.revision) == (entry and entry.revision) and floor == self.floor
            if self.rules.compares and not same:
                continue
            self.revision += 1
            self.entries[key] = told[key] = Entry(wish.present, self.revision, wish.ids[-1])
            self.history.append((self.revision, key, wish.present, wish.ids[-1]))
            if not self.rules.keeps_wishes_until_recorded:
                del state.wishes[key]

    def record(self, n):
        """One transaction: what was read and told is known, and what is wished stays on top."""
        if self.readings[n] is None:
            return
        revision, _, entries, all_seen, told = self.readings[n]
        self.readings[n] = None
        state = self.states[n]
        for key, wish in list(state.wishes.items()):
            entry = told.get(key, entries.get(key))
            meeting = self.rules.meet(entry, wish, all_seen=all_seen)
            if meeting.refused:
                self.refuse(
                    wish,
                    key,
                    unknowable=entry is None and self.was_behind[n] and n in self.restored,
                )
            if not meeting.tell:
                del state.wishes[key]
                if entry and wish.present == entry.present:
                    self.effective[wish.ids[-1]] = entry.revision
        state.known = {k: told.get(k, entries.get(k)) for k in entries.keys() | told.keys()}
        state.applied = max(revision, state.applied)
        self.reported[n] = max(self.reported[n], state.applied)
        self.supersede(n)

    def refuse(self, wish, key, unknowable):
        name = wish.ids[-1]
        self.said[name] = "refused"
        done = self.done[name]
        if wish.present:
            true = unknowable or any(
                k == key and not p and r > done.knew for r, k, p, _ in self.history
            )
        else:
            true = any(
                k == key and p and i not in done.before and (not done.aim or r > done.aim.revision)
                for r, k, p, i in self.history
            )
        demand(true, "F", f"{name} was refused without a reason")

    def supersede(self, n):
        """Of two uploads of one common name one is wished away."""
        state = self.states[n]
        held = sorted(state.held())
        for key in held:
            for other in held:
                if other != key and NAME_OF[key] == NAME_OF[other] and self.wins(n, other, key):
                    self.command(n, key, False, automatic=True)
                    break

    def wins(self, n, one, other):
        return self.rules.later(self.age(n, one), self.age(n, other))

    def age(self, n, key):
        known = self.states[n].known.get(key)
        told = known is not None and known.present and key not in self.states[n].wishes
        return BEGINS[key], known.revision if told else UNTOLD + key

    # --- faults ----------------------------------------------------------------------------------

    def kill(self, n):
        self.readings[n] = None

    def snapshot(self, n):
        self.snapshots[n] = self.states[n].copy()

    def restore(self, n):
        self.kill(n)
        self.restored.add(n)
        kept = self.snapshots[n].copy()
        if not self.rules.restores_what_is_known:
            kept.known, kept.applied = self.states[n].known, self.states[n].applied
        self.states[n] = kept

    def collect(self):
        """Tombstones that every node has applied go, and the floor is raised above them."""
        up_to = min(self.reported.values())
        if not self.rules.collects_what_all_have_applied:
            up_to = self.revision
        going = [k for k, e in self.entries.items() if not e.present and e.revision <= up_to]
        for key in going:
            del self.entries[key]
        if going:
            self.floor = max(self.floor, up_to)

    # --- histories -------------------------------------------------------------------------------

    def step(self, octet):
        n, what = octet % NODES, octet // NODES
        if what < 20:
            self.command(n, what % KEYS, what < 10)
        elif what < 28:
            self.read(n, full=what % 4 == 0)
        elif what < 36:
            self.tell(n)
        elif what < 46:
            self.record(n)
        elif what < 58:
            self.round(n)
        elif what < 66:
            for each in range(NODES):
                self.round(each)
        elif what < 70:
            self.kill(n)
        elif what < 75:
            self.snapshot(n)
        elif what < 79:
            self.restore(n)
        else:
            self.collect()

    def round(self, n, full=False):
        self.read(n, full)
        self.tell(n)
        self.record(n)

    def run(self, octets):
        """The history, and then rounds until nothing changes; the invariants."""
        for octet in octets:
            self.step(octet)
        self.readings = [None] * NODES
        for _ in range(12):
            before = [(s.known, s.wishes) for s in self.states], self.revision
            for n in range(NODES):
                self.round(n, full=True)
            if before == ([(s.known, s.wishes) for s in self.states], self.revision):
                break
        else:
            raise Broken("A: the nodes do not come to an end")
        self.check()

    # --- invariants ------------------------------------------------------------------------------

    def check(self):
        present = {k for k, e in self.entries.items() if e.present}
        for state in self.states:
            demand(state.held() == present, "A", "a node differs from the log")
            demand(not state.wishes, "A", "a wish is left")
        names = [NAME_OF[key] for key in present]
        demand(len(names) == len(set(names)), "G", "two of one common name")
        ids = [i for _, _, _, i in self.history]
        demand(len(ids) == len(set(ids)), "E", "an operation was told twice")
        self.check_no_return()
        for state in self.states:
            for i, name in enumerate(state.lineage):
                done = self.done[name]
                since = [self.done[j] for j in state.lineage[i + 1 :]]
                if not any(other.key == done.key for other in since):
                    (self.check_put if done.present else self.check_delete)(done)

    def check_no_return(self):
        """Whoever undoes something had seen it: a deletion that ended, an upload that came back."""
        deleted, there = {}, {}
        for revision, key, present, name in self.history:
            done = self.done[name]
            if not present:
                when, by = there.get(key, (0, ""))
                seen = when <= done.knew or by in done.before
                demand(seen, "H", f"{name} deleted what its maker had not seen, at {revision}")
                deleted[key] = revision, name
                continue
            there[key] = revision, name
            if key in deleted:
                when, by = deleted[key]
                seen = when <= done.knew or by in done.before
                demand(seen, "B", f"{name} came back at {revision}")

    def check_put(self, done):
        """An upload is there, or was deleted since, or it was said that it is not."""
        if done.id in self.said or (done.key in self.entries and self.entries[done.key].present):
            return
        at = self.effective.get(done.id)
        gone = at is not None and any(
            k == done.key and not p and r > at for r, k, p, _ in self.history
        )
        demand(gone, "D", f"upload {done.id} was lost")

    def check_delete(self, done):
        """What a deletion was aimed at is gone, unless it was said that it stays."""
        entry = self.entries.get(done.key)
        if done.id in self.said or entry is None or not entry.present:
            return
        aimed = done.aim and done.aim.present and entry.revision == done.aim.revision
        own = entry.by in done.before
        demand(not aimed and not own, "C", f"deletion {done.id} was lost")


# --- planted faults ------------------------------------------------------------------------------


def _fault(letters, **overrides):
    """A class of rules with one of them changed; `letters`: the invariants that may notice."""
    return type("Planted", (Rules,), {**overrides, "letters": letters})


def _meet(function):
    return staticmethod(function)


def _upload_wins(entry, wish, *, all_seen):
    if wish and wish.present and not (entry and entry.present):
        return Meeting(True, tell=True)
    return rules.meet(entry, wish, all_seen=all_seen)


def _deletion_wins(entry, wish, *, all_seen):
    if wish and not wish.present and entry and entry.present:
        return Meeting(False, tell=True)
    return rules.meet(entry, wish, all_seen=all_seen)


def _deletions_stay(entry, wish, *, all_seen):
    meeting = rules.meet(entry, wish, all_seen=all_seen)
    if wish and not wish.present:
        return Meeting(meeting.held)
    return meeting


def _own_is_a_stranger(entry, wish, *, all_seen):
    return rules.meet(entry, wish and wish._replace(ids=("?",)), all_seen=all_seen)


def _silent(entry, wish, *, all_seen):
    return rules.meet(entry, wish, all_seen=all_seen)._replace(refused=False)


def _always_told(entry, wish, *, all_seen):
    meeting = rules.meet(entry, wish, all_seen=all_seen)
    return meeting._replace(tell=True) if wish and not meeting.refused else meeting


def _latest_only(known, wish, present, operation):
    return rules.wished(known, None, present, operation)


FAULTS = {
    "an upload beats a deletion it has not seen": _fault("B", meet=_meet(_upload_wins)),
    "a deletion follows into the next life": _fault("H", meet=_meet(_deletion_wins)),
    "deletions stay where they were made": _fault("C", meet=_meet(_deletions_stay)),
    "an entry of one's own is not known again": _fault("CF", meet=_meet(_own_is_a_stranger)),
    "what is refused is not said": _fault("CD", meet=_meet(_silent)),
    "what the log has is told again": _fault("AE", meet=_meet(_always_told)),
    "told without comparing": _fault("BCDEF", compares=False),
    "a wish is gone when it is told": _fault("ABCD", keeps_wishes_until_recorded=False),
    "a snapshot brings back no knowledge": _fault("BCDF", restores_what_is_known=False),
    "the floor is not looked at": _fault("B", all_seen=lambda self, applied, floor: True),
    "nothing absent may be told": _fault("F", all_seen=lambda self, applied, floor: False),
    "a second command forgets the first": _fault("CDF", wished=staticmethod(_latest_only)),
    "tombstones go before all have them": _fault("DF", collects_what_all_have_applied=False),
    "the older of two holds": _fault(
        "AG", later=staticmethod(lambda one, other: one[1] >= UNTOLD > other[1])),
    "two of one name may stand": _fault("G", later=staticmethod(lambda one, other: False)),
}  # fmt: skip
