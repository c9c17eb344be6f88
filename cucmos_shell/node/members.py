"""The nodes of this node's cluster, as it knows them."""

from __future__ import annotations

from cucmos_shell.profile.profile import PUBLISHER
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node.node import Node


class ClusterMember(Value):
    """A node of the cluster.

    `role` is its role among the nodes of its own product, `cluster_role` the one among all;
    `server` what kind of server it is, or empty. `since` is when the connection to it was made, or
    lost unless it is `reachable`, in seconds since the epoch; None for this node itself. What is
    distributed goes to those who have `joined`.
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

    They are the profile's `peers`, connected since this node has started. Raises Damaged where it
    cannot be told when that was.
    """
    profile = node.profile
    first, server = profile.network_cluster.publisher_role, profile.network_cluster.server

    def member(hostname: str, ip: str, role: str, since: float | None) -> ClusterMember:
        cluster_role = first if role == PUBLISHER else role
        return ClusterMember(hostname, profile.domain, ip, role, cluster_role, server, since)

    found = [member(node.hostname, profile.ip, profile.role, None)]
    if profile.peers:
        booted = node.services.booted()
        found += [member(peer.hostname, peer.ip, peer.role, booted) for peer in profile.peers]
    return tuple(sorted(found, key=lambda one: one.role != PUBLISHER))


def others(node: Node) -> tuple[ClusterMember, ...]:
    """The members but this node. Raises as `members`."""
    return tuple(member for member in members(node) if not member.local)
