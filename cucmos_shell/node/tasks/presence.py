"""What a node says of itself to its cluster: its record, its own certificates, that it is there."""

from __future__ import annotations

from cucmos_shell.cluster import membership, peering
from cucmos_shell.cluster.membership import NodeRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cucmos_shell.cluster.log import Log
    from cucmos_shell.cluster.membership import Membership, Secrets
    from cucmos_shell.cluster.view import View
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot
    from cucmos_shell.world.bus import Bus

# Seconds that a member is shown as reachable after it has said so.
LEASE = 15.0
ALIVE, RUNNING = "alive/", b"running"


def described(node: Node, member: Membership, secrets: Secrets) -> NodeRecord:
    """The node as the others are to know it."""
    from cucmos_shell.pki.sealed import public_of

    profile = node.profile
    return NodeRecord(
        member.node,
        profile.hostname,
        profile.domain,
        profile.ip,
        profile.role,
        profile.product,
        profile.network_cluster.server,
        node.now(),
        sealing=public_of(secrets.private).hex(),
    )


def new_id(node: Node, member: Membership) -> str:
    """A name for an operation of the node, which no other has."""
    return f"{member.node}-{node.world.new_serial():x}"


def keep_records(node: Node, log: Log, snapshot: Snapshot, member: Membership, view: View) -> None:
    """Say that the node is a member, if that is not there, and anew of others what a stranger has
    written over, of peers as well: not after a full read, which does not tell what others have said
    before that.

    But that a node was removed is final, so whoever knows it says it wherever the bus does not.
    """
    secrets, mine = membership.secrets(snapshot), f"nodes/{member.node}"
    if secrets is not None and (mine not in view.seen or mine in view.strange):
        log.put_node(described(node, member, secrets))
    others = {f"nodes/{one.id}": one for one in view.nodes.values() if one.id != member.node}
    for name, one in {} if view.full else {**others, **peering.records(snapshot)}.items():
        if name in view.strange:
            log.mend(name, one.__dict__, view)
    removed = [one for one in view.nodes.values() if one.removed]
    there = log.members(membership.revisions(snapshot)) if removed else {}
    for one in removed:
        if one.id not in there or not there[one.id].removed:
            log.put_node(one)


def copies(node: Node, snapshot: Snapshot) -> dict[str, str]:
    """SHA-256 of the certificates that the others are to have copies of, by unit; empty for one
    that they have themselves."""
    owns = {u: snapshot.own(u) for u in node.profile.distribution.copies if u in snapshot.units}
    return {
        unit: "" if own.multi_server else own.row.sha256 for unit, own in owns.items() if own.row
    }


def give_copies(
    node: Node, log: Log, snapshot: Snapshot, member: Membership, view: View
) -> dict[str, str]:
    """Give the others own certificates that are new to them, or were written over by a stranger.

    SHA-256 of all they were given, by unit.
    """
    given = dict(member.copies)
    for unit, sha256 in copies(node, snapshot).items():
        if given.get(unit) != sha256 or f"copies/{member.node}/{unit}" in view.strange:
            log.put_copy(member.node, unit, snapshot.own_der(unit) if sha256 else b"")
            given[unit] = sha256
    return given


def alive(node: Node, bus: Bus, member: Membership) -> None:
    """Say that the node can be reached, for a while, and whether its service runs."""
    running = node.services.running(node.profile.distribution.service)
    bus.alive(f"{ALIVE}{member.node}", RUNNING if running else b"", LEASE)


def leads(bus: Bus, member: Membership, removed: Iterable[str]) -> bool:
    """Whether the node is the one that does what one of the cluster does.

    That is the first of those that can be reached and whose service runs. For some seconds two may
    think so, or none: what they do must bear that. Raises as `Bus` does.
    """
    gone = {f"{ALIVE}{name}" for name in removed}
    there = [item.key for item in bus.who_is_alive(ALIVE) if item.value == RUNNING]
    return f"{ALIVE}{member.node}" == min((key for key in there if key not in gone), default="")
