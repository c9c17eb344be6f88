"""The part of a round that is about multi-server certificates: telling, and giving keys."""

from __future__ import annotations

from cucmos_shell.cluster import membership, shared
from cucmos_shell.cluster.rules import Entry, Wish, shared_holds
from cucmos_shell.cluster.shared import Asked, KnownThing, Sharing, parts
from cucmos_shell.node.certificates.shared import begin, held, sealed_for
from cucmos_shell.node.tasks.presence import new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cucmos_shell.cluster.entries import Report, Shared
    from cucmos_shell.cluster.log import Log
    from cucmos_shell.cluster.membership import Membership, NodeRecord
    from cucmos_shell.cluster.view import View
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot
    from cucmos_shell.store.transaction import Transaction


def share(node: Node, log: Log, snapshot: Snapshot, member: Membership, view: View) -> Sharing:
    """Tell what may be told of things, anew what a stranger has written over, and give their keys
    to members that have none."""
    active = {one.id: one for one in view.nodes.values() if not one.removed}
    known: dict[str, KnownThing] = {}
    seen: dict[str, tuple[int, str]] = {}
    stale, complete = [], True
    wished = {**_written_over(node, snapshot, member, view), **shared.asked(snapshot)}
    for thing, asked in wished.items():
        has = held(node.profile, snapshot, thing)
        if asked.wish.present and has is None:
            stale.append(thing)
            continue
        at = log.at(thing)  # before it is read: what comes in between makes the change fail
        said = log.thing(thing, member.node, membership.revisions(snapshot))
        if said is not None:
            entry = Entry(bool(said.sha256), said.revision, said.by)
            mine = has.not_before if has else 0
            if not shared_holds(entry, asked.wish, mine, begin(thing, said)):
                continue  # dropped when it comes in
        keys = sealed_for(member, thing, has, active.values()) if has else {}
        now = log.tell_thing(thing, at, member.node, asked, has, keys)
        if now is None:
            complete = False
            continue
        known[thing] = KnownThing(has.sha256 if has else "", tuple(sorted(keys)))
        seen[thing] = now
    known |= _given(node, log, snapshot, member, active, view.reports, known)
    return Sharing(known, seen, tuple(stale), complete)


def _given(
    node: Node,
    log: Log,
    snapshot: Snapshot,
    member: Membership,
    active: Mapping[str, NodeRecord],
    reports: Mapping[str, Report],
    told: Mapping[str, KnownThing],
) -> dict[str, KnownThing]:
    """Give keys to those who have none, by what is known or by what they say themselves; what is
    known of the things of which some were."""
    given = {}
    for thing, known in shared.known(snapshot).items():
        # What came after a report, who wrote it did not know of.
        seen = {one: row.applied for one, row in reports.items() if thing in row.awaits}
        late = (active.keys() - set(known.given) | seen.keys() & active.keys()) - {member.node}
        if thing in told or not late or shared.sha256_of(snapshot, thing) != known.sha256:
            continue
        has = held(node.profile, snapshot, thing)
        if has is not None:
            there = log.given(thing)
            lacking = [
                active[one] for one in late if one not in there or there[one] <= seen.get(one, 0)
            ]
            if lacking:
                log.give_keys(thing, sealed_for(member, thing, has, lacking))
            given[thing] = known.replace(given=tuple(sorted({*known.given, *late})))
    return given


def _written_over(
    node: Node, snapshot: Snapshot, member: Membership, view: View
) -> dict[str, Asked]:
    """Wishes for what the node has as the cluster knows it, where a stranger took its place.

    Not after a full read, which does not tell whether another has said something in between.
    """
    known, revision = shared.known(snapshot), membership.revisions(snapshot)
    return {
        key: Asked(
            Wish(bool(known[key].sha256), revision(key), (new_id(node, member),)),
            "cluster",
            node.now(),
        )
        for key in (() if view.full else sorted(view.strange))
        if key in known
        and key not in view.things
        and known[key].sha256 == shared.sha256_of(snapshot, key)
    }


def asks(snapshot: Snapshot) -> bool:
    """Whether something is wished of things."""
    return bool(shared.asked(snapshot))


def wish_anew(change: Transaction, things: Mapping[str, Shared], new_id: Callable[[], str]) -> None:
    """Wish what the log has lost of what the node has of things."""
    asked = shared.asked(change)
    known = {key: row.replace(given=()) for key, row in shared.known(change).items()}
    revision = membership.revisions(change)
    for key, row in known.items():
        there, at = things.get(key), revision(key)
        lost = there is None or there.seen < at < there.revision
        if lost and key not in asked and row.sha256 == shared.sha256_of(change, key):
            seen = there.revision if there else 0
            asked[key] = Asked(Wish(bool(row.sha256), seen, (new_id(),)), change.who, change.now)
    shared.put_known(change, known)
    shared.put_asked(change, asked)


def taken(log: Log, snapshot: Snapshot, node: str) -> list[str]:
    """Units of which a removed node knows the private key, which nobody gives it again.

    What is shared at all it may have been given, whatever lies on the bus.
    """
    things = {
        *log.take_keys(node),
        *(key for key, row in shared.known(snapshot).items() if row.sha256),
    }
    return sorted({parts(thing)[1] for thing in things})
