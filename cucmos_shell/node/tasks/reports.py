"""Whether a node and the bus of its cluster still know the same of each other.

Each round that applies something leaves a report on the bus; see `docs/design.md`.
"""

from __future__ import annotations

import contextlib

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.entries import Report
from cucmos_shell.cluster.shared import awaited
from cucmos_shell.cluster.vouched import digests, unvouched
from cucmos_shell.errors import Busy, Refused
from cucmos_shell.store.durable import FILE_MODE, read, replace
from cucmos_shell.world.bus import BusWentBack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cluster.log import Log
    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.cluster.view import View
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot

OLDER = "This node's state was put back, or copied: it has told the cluster more than it knows"
WENT_BACK = (
    "The cluster's bus is another one than before, or an older copy of it",
    "Nothing is deleted on this node. To tell the bus what this node knows:",
    "utils cluster rebuild",
)
UNVOUCHED = (
    "No node of the cluster has confirmed yet what the bus says of: {areas}",
    "Each does by itself, once it has seen this node. If none is left that could:",
    "utils cluster sync confirm",
)
REMOVED = (
    "This node was removed from the cluster",
    "Its certificates stay. To forget the cluster: utils cluster leave",
)


def look(node: Node, log: Log, snapshot: Snapshot, member: Membership, *, full: bool) -> View:
    """What is new to the node, or all. Raises Refused if the bus went back, or it was removed."""
    try:
        view = log.look(member, membership.revisions(snapshot), full=full)
    except BusWentBack:
        raise Refused(WENT_BACK[0], details=WENT_BACK[1:]) from None
    mine = view.reports.get(member.node)
    lacks = member.turn - (mine.turn if mine else 0)
    # A kill keeps one report from the bus, unless it is known to have been there.
    if lacks > 1 or (lacks == 1 and _was_there(node, member)):
        raise Refused(WENT_BACK[0], details=WENT_BACK[1:])
    if view.meta.number < member.era_number:
        raise Refused(WENT_BACK[0], details=WENT_BACK[1:])  # an old head, written once more
    if view.meta.era != member.era and member.applied > view.meta.since:
        raise Refused(WENT_BACK[0], details=WENT_BACK[1:])  # another has noticed and rebuilt it
    # Whoever was removed stays so, since a node that joins again has another random name; and whose
    # record is missing is a member all the same.
    kept = {one.id: one for one in membership.nodes(snapshot)}
    removed = {name: one for name, one in kept.items() if one.removed}
    whole: View = view.replace(nodes={**kept, **view.nodes, **removed})
    if member.node in whole.nodes and whole.nodes[member.node].removed:
        raise Refused(REMOVED[0], details=REMOVED[1:])
    return whole


def refuse_unvouched(node: Node, member: Membership, view: View) -> None:
    """Raise Busy where a node that has just joined sees what no member vouches for."""
    areas = unvouched(view, node.profile.distribution.stores, member.node)
    if areas:
        raise Busy(UNVOUCHED[0], areas=", ".join(areas), details=UNVOUCHED[1:])


def is_older(member: Membership, view: View) -> bool:
    """Whether the node has told the cluster more than it knows: it was put back, or copied."""
    mine = view.reports.get(member.node)
    if mine is None or mine.turn < member.turn:
        return False
    return mine.turn > member.turn or mine.mark != member.mark


def make_up(node: Node, log: Log, member: Membership, view: View) -> None:
    """Report what a kill has kept from it."""
    mine = view.reports.get(member.node)
    if member.turn and (mine is None or mine.turn < member.turn):
        report(node, log, member)


def report(node: Node, log: Log, member: Membership) -> None:
    """Report, and remember that it was done: a bus that lacks this report has gone back."""
    snapshot = node.snapshot()
    knows = digests(snapshot, node.profile.distribution.stores)
    awaits = awaited(snapshot)
    log.report(member.node, Report(member.applied, member.turn, member.mark, knows, awaits))
    with contextlib.suppress(OSError):
        replace(node.layout.agent_reported, member.mark.encode("ascii"), FILE_MODE, durable=False)


def _was_there(node: Node, member: Membership) -> bool:
    """Whether the last report is known to have been on the bus."""
    with contextlib.suppress(OSError):
        return read(node.layout.agent_reported) == member.mark.encode("ascii")
    return False
