"""The nodes of this node's cluster, as it knows them."""

from __future__ import annotations

from cucmos_shell.errors import Busy, ShellError
from cucmos_shell.profile.profile import PUBLISHER
from cucmos_shell.results import Value
from cucmos_shell.store.paths import MEMBERSHIP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.node.node import Node
    from cucmos_shell.store import Snapshot

# The one presence redundancy group that there is.
GROUP = "DefaultCluster"


class ClusterMember(Value):
    """A node of the cluster.

    `role` is its role among the nodes of its own product, `cluster_role` the one among all;
    `server` what kind of server it is, or empty. `since` is when the connection to it was made, or
    lost unless it is `reachable`, in seconds since the epoch; None for this node itself. What is
    distributed goes to those who have `joined`; `behind` is how much of what this node has applied
    a member has not.
    """

    hostname: str
    domain: str
    ip: str
    role: str
    cluster_role: str
    server: str
    since: float | None
    reachable: bool = True
    joined: bool = False
    behind: int = 0

    @property
    def fqdn(self) -> str:
        """The host name, with the domain where there is one."""
        return f"{self.hostname}.{self.domain}" if self.domain else self.hostname

    @property
    def local(self) -> bool:
        """Whether it is this node."""
        return self.since is None


def members(node: Node) -> tuple[ClusterMember, ...]:
    """The nodes of the cluster, this one included, the publisher first.

    They are the nodes of the cluster that it has joined, by host name, else the profile's `peers`,
    connected since this node has started. Raises Damaged where it cannot be told when that was,
    Busy where nobody may be asked at the moment.
    """
    snapshot = node.snapshot()
    if (place := _place(snapshot)) is not None:
        found = _joined(node, snapshot, place)
        return tuple(sorted(found, key=lambda one: (one.role != PUBLISHER, one.hostname)))
    profile = node.profile
    first, server = profile.network_cluster.publisher_role, profile.network_cluster.server

    def member(hostname: str, ip: str, role: str, since: float | None) -> ClusterMember:
        cluster_role = first if role == PUBLISHER else role
        return ClusterMember(hostname, profile.domain, ip, role, cluster_role, server, since)

    rows = [member(node.hostname, profile.ip, profile.role, None)]
    if profile.peers:
        booted = node.services.booted()
        rows += [member(peer.hostname, peer.ip, peer.role, booted) for peer in profile.peers]
    return tuple(sorted(rows, key=lambda one: one.role != PUBLISHER))


def _place(snapshot: Snapshot) -> Membership | None:
    """The node's place in the cluster that it has joined; who asks only that loads no cluster."""
    if not snapshot.has(MEMBERSHIP):
        return None
    from cucmos_shell.cluster import membership

    return membership.member(snapshot)


def _joined(node: Node, snapshot: Snapshot, place: Membership) -> Iterator[ClusterMember]:
    """The nodes that were last heard of, and what the bus says of them now."""
    from cucmos_shell.cluster import membership

    first, booted = node.profile.network_cluster.publisher_role, node.services.booted()
    alive, applied = _asked(node, snapshot, place)
    stores = node.profile.distribution.stores
    revisions = [e.revision for s in stores for _, e in membership.known(snapshot, s).items()]
    for one in membership.nodes(snapshot):
        local = one.id == place.node
        if not one.removed:
            up_to = applied.get(one.id, 0)
            yield ClusterMember(
                one.hostname,
                one.domain,
                one.ip,
                one.role,
                first if one.role == PUBLISHER else one.role,
                one.server,
                None if local else max(booted, one.when),
                reachable=local or one.id in alive,
                joined=True,
                behind=0 if local else sum(revision > up_to for revision in revisions),
            )


def _asked(node: Node, snapshot: Snapshot, place: Membership) -> tuple[set[str], dict[str, int]]:
    """Whose agents are there, and up to where each node has applied the log; nothing where the
    bus cannot be asked."""
    import contextlib

    from cucmos_shell.cluster import membership
    from cucmos_shell.cluster.log import Log

    try:
        with contextlib.closing(
            node.world.open_bus(place.url, node.state_dir, node.world.now)
        ) as bus:
            alive = {item.key.partition("/")[2] for item in bus.who_is_alive("alive/")}
            secrets = membership.secrets(snapshot)
            found = Log(bus, secrets.cluster).reports() if secrets else {}
            return alive, {name: report.applied for name, report in found.items()}
    except Busy:
        raise  # that says nothing about the bus
    except ShellError:
        return set(), {}


def others(node: Node) -> tuple[ClusterMember, ...]:
    """The members but this node. Raises as `members`."""
    return tuple(member for member in members(node) if not member.local)
