"""One round with the cluster: read its log, tell what is wished here, apply what it says.

See `cluster.rules`. No command waits for it: it is a command of its own, which the server and
`cucmos-shell agent` give when there is something to do.
"""

from __future__ import annotations

import contextlib
import os

from cucmos_shell.cluster import membership, peering
from cucmos_shell.cluster.batches import BATCH
from cucmos_shell.cluster.log import Log, is_news
from cucmos_shell.errors import Busy, Refused
from cucmos_shell.node.certificates.arrivals import IGNORED, Arrivals
from cucmos_shell.node.certificates.shared import SharedArrivals
from cucmos_shell.node.tasks import bus_files
from cucmos_shell.node.tasks.alarms import raising, renewed
from cucmos_shell.node.tasks.presence import alive, copies, give_copies, keep_records, new_id
from cucmos_shell.node.tasks.reports import (
    OLDER,
    is_older,
    look,
    make_up,
    refuse_unvouched,
    report,
)
from cucmos_shell.node.tasks.round_lines import came_and_went
from cucmos_shell.node.tasks.sharing import asks, share
from cucmos_shell.node.tasks.telling import tell
from cucmos_shell.results import TEXT, TRUTH, WHOLE, Commit, Pause, Progress, Value, each, record
from cucmos_shell.store.locks import try_lock
from cucmos_shell.world.bus import Compacted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.cluster.shared import Sharing
    from cucmos_shell.cluster.view import View
    from cucmos_shell.node import Node
    from cucmos_shell.node.logs.alarms import Raised
    from cucmos_shell.node.tasks.telling import Telling
    from cucmos_shell.results import Conversation
    from cucmos_shell.store import Lock, Snapshot
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world.bus import Bus

TRIES = 8
# A full read that would take away more than these without a deletion is looked at by a person.
BRAKE_COUNT, BRAKE_SHARE = 10, 0.2
# Tombstones are collected when there are so many that everybody has applied.
COLLECT = 50
EARLIER = (
    "This node joined its cluster by an earlier version of this program",
    "To go on, on every node: utils cluster rebuild",
)

# Alarms that one round raises at most, but for one more that counts the others.
MAX_ALARMS = 10
# Every so many reports a node has the bus forget how what everybody has came to be.
COMPACT = 32


class Synced(Value):
    """What a round did; names as lists show them, `told` is how many wishes the others know now.

    `older`: the node's state is not the one that told the cluster last.
    """

    form = record(
        told=WHOLE,
        revision=WHOLE,
        state_put_back_or_copied=TRUTH,
        added=each(TEXT),
        removed=each(TEXT),
        kept_out=each(membership.Said.form),
    )

    told: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    said: tuple[membership.Said, ...]
    revision: int
    older: bool

    def with_round(self, told: int, arrived: Arrived, member: Membership, older: bool) -> Synced:
        """With one more round, which has told so many things."""
        return Synced(
            self.told + told,
            (*self.added, *arrived.added),
            (*self.removed, *arrived.removed),
            (*self.said, *arrived.said),
            member.applied,
            self.older or older,
        )

    def lines(self) -> list[str]:
        """The text: what was told, came, went and was kept out."""
        lines = [f"Told to the cluster: {self.told}", f"Applied here: revision {self.revision}"]
        if self.older:
            lines.append(OLDER)
        said = [f"{one.subject}, {one.what}: {one.why}" for one in self.said]
        return lines + came_and_went(self.added, self.removed, said)

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "told": self.told,
            "revision": self.revision,
            "state_put_back_or_copied": self.older,
            "added": self.added,
            "removed": self.removed,
            "kept_out": self.said,
        }


def joined(snapshot: Snapshot) -> Membership:
    """The node's place in its cluster. Raises Refused if it has joined none."""
    member = membership.member(snapshot)
    if member is None:
        raise Refused("This node has joined no cluster", details=("See: utils cluster join",))
    return member


def bus_of(node: Node, member: Membership) -> Bus:
    """The bus of the node's cluster, not used yet."""
    bus_files.settle(node)
    return node.world.open_bus(member.url, node.state_dir, node.world.now)


def log_of(bus: Bus, snapshot: Snapshot) -> Log:
    """The log of the node's cluster, on that bus. Raises Refused where it cannot be read."""
    secrets = membership.secrets(snapshot)
    if secrets is None:
        raise Refused(EARLIER[0], details=EARLIER[1:])
    return Log(bus, secrets.cluster)


def sync(node: Node, *, confirmed: bool = False) -> Conversation[Synced]:
    """One round. `confirmed`: a person has agreed to a large loss.

    Raises Refused (no member, service down, bus went back, loss not confirmed), Busy, BusAway.
    """
    service = node.profile.distribution.service
    member = joined(node.snapshot())
    if not node.services.running(service):
        raise Refused("{service} is not running", service=service)
    yield from meet_fault(node, "agent.round")
    with turn(node), contextlib.closing(bus_of(node, member)) as bus:
        return (yield from _sync(node, log_of(bus, node.snapshot()), confirmed))


def meet_fault(node: Node, at: str, peer: str = "") -> Conversation[bool]:
    """What a lab wants to go wrong at a point of a round; whether deletions are to come back.

    Raises Busy where it is skipped.
    """
    fault = node.world.fault(at, {"node": node.hostname, "peer": peer})
    if fault is None:
        return False
    if fault.do == "skip":
        raise Busy("A round of the agent was skipped, as a fault of the lab wants it")
    if fault.do == "delay":
        yield Pause(fault.seconds)
    return fault.do == "trust-delete-returns"


def turn(node: Node) -> Lock:
    """The right to be the one round. Raises Busy, Unavailable."""
    os.makedirs(node.layout.run, mode=0o700, exist_ok=True)
    lock = try_lock(node.layout.agent_lock)
    if lock is None:
        raise Busy("Another round with the cluster is running")
    return lock


def _sync(node: Node, log: Log, confirmed: bool) -> Conversation[Synced]:
    total = Synced(0, (), (), (), 0, False)
    for tried in range(TRIES):
        snapshot = node.snapshot()
        before = member = joined(snapshot)
        full = tried >= TRIES // 2  # what nobody of the cluster wrote is in the way otherwise
        view, given, said = _opening(node, log, snapshot, full, confirmed)
        round_ = tell(node, log, snapshot, member, view)
        sharing = share(node, log, snapshot, member, view)
        if round_.told or sharing.changed or view.news or said:
            reached = sharing.reached(round_.reached)
            member = _next(node, member, view, reached, given)
            back = yield from meet_fault(node, "agent.apply")
            arrived: Arrived = yield _applying(node, (before, member), view, round_, sharing, back)
            report(node, log, member)
            total = total.with_round(
                len(round_.told) + len(sharing.seen), arrived, member, is_older(before, view)
            )
            yield from raising(node, _alarms(node, arrived.said))
            for unit in arrived.renewed:
                yield from renewed(node, unit, "uploaded")
        else:
            total = total.replace(revision=member.applied)
        keep_records(node, log, node.snapshot(), member, view)
        complete = round_.complete and sharing.complete and not before.unsure
        if complete and not _untold(node.snapshot()):
            _collect(log, node, member, view)
            return total
        yield Progress(f"Told to the cluster so far: {total.told}", aside=True)
    raise Busy("Other nodes are telling the cluster much at this moment; the rest waits here")


def _opening(
    node: Node, log: Log, snapshot: Snapshot, full: bool, confirmed: bool
) -> tuple[View, Mapping[str, str], bool]:
    """Look, and say what needs no answer.

    What there is then; the copies that the others have, by unit; whether something was said.
    """
    member = joined(snapshot)
    view = look(node, log, snapshot, member, full=full)
    alive(node, log.bus, member)
    if member.unsure:
        if not confirmed:
            refuse_unvouched(node, member, view)
        return view, member.copies, False
    make_up(node, log, member, view)
    given = give_copies(node, log, snapshot, member, view)
    locked = membership.locked(snapshot)
    if locked is not None:
        log.put_meta(view.meta.replace(locked=locked))
    said = given != member.copies or locked is not None
    if said:
        view = look(node, log, snapshot, member, full=full)
    _refuse_loss(node, snapshot, view, confirmed)
    return view, given, said


def _alarms(node: Node, said: Sequence[membership.Said]) -> list[Raised]:
    """An alarm for each of them; where they are many, one more for what is left."""
    alarms = [
        node.alarms.make(
            "ClusterStranger" if one.what == IGNORED else "CertificateKeptOut",
            Message=f"{one.subject}, {one.what}: {one.why}",
        )
        for one in said[:MAX_ALARMS]
    ]
    if len(said) > MAX_ALARMS:
        more = f"{len(said) - MAX_ALARMS} more; see show cert distribution"
        alarms.append(node.alarms.make("CertificateKeptOut", Message=more))
    return alarms


def _next(
    node: Node, member: Membership, view: View, reached: int, copies: Mapping[str, str]
) -> Membership:
    """The node's place in the cluster after this round."""
    mine = view.reports.get(member.node)
    after: Membership = member.replace(
        fresh=False,
        applied=max(member.applied, reached),
        turn=max(member.turn, mine.turn if mine else 0) + 1,
        mark=new_id(node, member),
        era=view.meta.era,
        era_number=view.meta.number,
        copies=copies,
        unsure=False,
    )
    return after


def _untold(snapshot: Snapshot) -> bool:
    untold = any(membership.wishes(snapshot).values()) or asks(snapshot)
    return untold or membership.locked(snapshot) is not None


def _refuse_loss(node: Node, snapshot: Snapshot, view: View, confirmed: bool) -> None:
    """Raise Refused where a full read takes much away that nobody is known to have deleted."""
    if not view.full or confirmed or joined(snapshot).has_seen(view.meta.floor):
        return
    for store in node.profile.distribution.stores:
        known = membership.known(snapshot, store)
        lost = sum(e.present and view.absent((store, sha)) for sha, e in known.items())
        if lost > BRAKE_COUNT and lost > BRAKE_SHARE * known.present():
            raise Refused(
                "The cluster no longer knows {lost} of {all} certificates of {store}",
                lost=lost,
                all=known.present(),
                store=store,
                details=("Nothing was changed. To delete them here: utils cluster sync confirm",),
            )


# --- applying ------------------------------------------------------------------------------------


class Arrived(Value):
    """What has come: names of what is new and what went, what was dropped or refused, and the units
    that got a certificate."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    said: tuple[membership.Said, ...]
    renewed: tuple[str, ...]


def _applying(
    node: Node,
    places: tuple[Membership, Membership],
    view: View,
    telling: Telling,
    sharing: Sharing,
    back: bool,
) -> Commit:
    """The step that applies the view; `places` are the node's before and afterwards. `back`: what
    was deleted elsewhere comes back from here, as in a lab that wants the fault of release 9.1."""
    before, member = places

    def apply(change: Transaction) -> Arrived:
        secrets = membership.secrets(change)
        if membership.member(change) != before or secrets is None:
            raise Busy("This node has left or entered a cluster meanwhile")
        new = lambda: new_id(node, member)  # noqa: E731
        arrivals = Arrivals(change, node.profile, before, view, telling.told, new, back=back)
        things = SharedArrivals(change, node.profile, before, secrets, sharing)
        things.run(view.things)
        arrivals.run(things.said)
        membership.put_member(change, member)
        membership.put_nodes(change, view.nodes.values())
        peering.put_records(change, view.records)
        seen = {**membership.seen(change), **view.seen, **sharing.seen}
        membership.put_seen(change, seen)
        if membership.locked(change) == view.meta.locked:
            membership.put_locked(change, None)
        added = (*arrivals.added, *(f"{unit}/{unit}.pem" for unit in things.renewed))
        return Arrived(added, tuple(arrivals.removed), tuple(arrivals.said), tuple(things.renewed))

    return Commit(apply)


def _collect(log: Log, node: Node, member: Membership, view: View) -> None:
    """Drop tombstones that all members have applied, when there are many, and old history."""
    active = [one.id for one in view.nodes.values() if not one.removed and one.id != member.node]
    applied = [view.reports[one].applied if one in view.reports else 0 for one in active]
    up_to = min([*applied, member.applied])
    if member.turn % COMPACT == 0:
        log.bus.compact(up_to)
    snapshot = node.snapshot()
    old = []
    for store in node.profile.distribution.stores:
        known = membership.known(snapshot, store)
        if len(known) > known.present():
            old += [
                (store, sha256, entry.revision)
                for sha256, entry in known.items()
                if not entry.present and view.meta.floor < entry.revision <= up_to
            ]
    if len(old) >= COLLECT:
        old = sorted(old, key=lambda one: one[2])[:BATCH]
        log.collect(old[-1][2], old)


# --- when there is something to do ---------------------------------------------------------------


class Waiting(Value):
    """What a node has to tell: whether it is a member (None if not), and if there is something."""

    member: Membership | None
    untold: bool


def waiting(node: Node, snapshot: Snapshot) -> Waiting:
    """What the node has to tell, without a look at the bus."""
    member = membership.member(snapshot)
    if member is None:
        return Waiting(None, False)
    here = copies(node, snapshot).items()
    new = any(member.copies.get(unit) != sha256 for unit, sha256 in here)
    return Waiting(member, member.fresh or new or _untold(snapshot))


def news(bus: Bus, member: Membership) -> bool:
    """Whether the bus has something that the node has not applied. Raises as `Bus.since`."""
    try:
        changes = bus.since("", member.applied)
    except Compacted:
        return True
    keys = (item.key for change in changes for item in change.items)
    gone = any(change.gone for change in changes)
    return gone or any(map(is_news, keys))
