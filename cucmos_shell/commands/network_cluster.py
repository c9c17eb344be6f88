"""The nodes of the cluster, in the layouts of the product's releases."""

from __future__ import annotations

import time

from cucmos_shell.cli import Family
from cucmos_shell.cli.grammar import MIXED
from cucmos_shell.node.members import members
from cucmos_shell.profile.cluster import LATER
from cucmos_shell.profile.profile import PUBLISHER
from cucmos_shell.results import MOMENT, TEXT, TRUTH, Value, each, maybe, record
from cucmos_shell.text import iso_time, local_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.members import ClusterMember
    from cucmos_shell.profile.cluster import NetworkClusterSpec

family = Family()

SERVER_TABLE = "Server Table (processnode) Entries"


class ClusterNodes(Value):
    """The members of a cluster; times are shown in the IANA zone `zone`."""

    form = each(
        record(
            ip=TEXT,
            hostname=TEXT,
            fqdn=TEXT,
            role=TEXT,
            server=maybe(TEXT),
            local=TRUTH,
            authenticated=TRUTH,
            since=maybe(MOMENT),
        )
    )

    members: tuple[ClusterMember, ...]
    screen: NetworkClusterSpec
    zone: str

    def lines(self) -> list[str]:
        """The text: a line for each node, and the table of servers where the product has it."""
        if self.screen.layout == LATER:
            lines = [self._later(member) for member in self.members]
        else:
            lines = self._columns()
        if self.screen.server_table:
            lines += ["", SERVER_TABLE, "-" * len(SERVER_TABLE)]
            lines += [member.fqdn for member in self.members]
        return lines

    def _columns(self) -> list[str]:
        wide, long = (
            max(len(getattr(m, name)) for m in self.members) for name in ("ip", "hostname")
        )
        return [
            f"{m.ip:<{wide}} {m.hostname:<{long}} {m.role} {self._connection(m)}"
            for m in self.members
        ]

    def _later(self, member: ClusterMember) -> str:
        # Without a domain the place of the short name stays empty: two blanks.
        name = f"{member.fqdn} {member.hostname if member.domain else ''}"
        database = "DBPub" if member.role == PUBLISHER else "DBSub"
        what = f"{member.cluster_role} {member.server} {database}"
        return f"{member.ip} {name} {what} {self._connection(member)}"

    def _connection(self, member: ClusterMember) -> str:
        if member.since is None:
            return "authenticated"
        since = time.asctime(local_time(member.since, self.zone))
        if member.reachable:
            return f"authenticated using TCP since {since}"
        return f"not authenticated - INITIATOR since {since}"

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [
            {
                "ip": member.ip,
                "hostname": member.hostname,
                "fqdn": member.fqdn,
                "role": member.role,
                "server": member.server or None,
                "local": member.local,
                "authenticated": member.reachable,
                "since": None if member.since is None else iso_time(member.since),
            }
            for member in self.members
        ]


@family.command("show network cluster", basis=MIXED, level=0, form=ClusterNodes.form)
def show_cluster(node: Node) -> ClusterNodes:
    """Show the nodes of the cluster: address, name, role, and how they are authenticated."""
    return ClusterNodes(members(node), node.profile.network_cluster, node.zone)
