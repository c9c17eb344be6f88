"""What regenerating a unit's certificate will touch, before anybody does it."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.certificates import UNIT
from cucmos_shell.node.members import others
from cucmos_shell.results import Value
from cucmos_shell.text import columns, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.trust_lists import ListImpact
    from cucmos_shell.node.members import ClusterMember
    from cucmos_shell.profile.cluster import DistributionSpec
    from cucmos_shell.store import CertificateRow
    from cucmos_shell.store.snapshot import Snapshot


family = Family()


class ServiceImpact(Value):
    """A service to restart, its state now, and the running services that go down with it."""

    name: str
    state: str
    reason: str
    along: tuple[str, ...]


class NodeImpact(Value):
    """Another node of the cluster, what it will receive, and the trust stores that take it."""

    hostname: str
    ip: str
    role: str
    receives: str
    stores: tuple[str, ...]


class Impact(Value):
    """What a regeneration touches. `lost_issuer` names the CA whose certificate would be lost."""

    unit: str
    certificate: str
    description: str
    lost_issuer: str
    request: str
    stores: tuple[str, ...]
    services: tuple[ServiceImpact, ...]
    nodes: tuple[NodeImpact, ...]
    lists: ListImpact
    joined: bool

    def lines(self) -> list[str]:
        """The text under a heading, in three parts: certificates, services, nodes."""
        lines = [f"What regenerating the certificate of {self.unit} would touch:", ""]
        lines += columns(self._certificates(), gap=1)
        lines += _list_lines(self.lists)
        lines += ["", "Services to restart:"]
        for service in self.services:
            reason = f"  {service.reason}" if service.reason else ""
            lines.append(f"\t{service.name}[{service.state}]{reason}")
            lines += [f"\t\twith it: {name}" for name in service.along]
        if not self.services:
            lines.append("\tnone")
        return [*lines, "", "Other nodes:", *(f"\t{line}" for line in self._nodes())]

    def _nodes(self) -> list[str]:
        if not self.nodes:
            return ["none"]
        if not self.joined:
            names = ", ".join(node.hostname for node in self.nodes)
            return [f"This node has joined no cluster: nothing reaches {names}."]
        return columns((node.hostname, node.ip, node.role, node.receives) for node in self.nodes)

    def _certificates(self) -> Iterator[tuple[str, str]]:
        lost, request = self.lost_issuer, self.request
        yield "Certificate", f": {self.certificate} ({safe(self.description)})"
        for name in self.stores:
            yield "Trust store entry", f": {name}, replaced"
        signed = f"signed by {safe(lost)}, would be lost" if lost else "none"
        yield "CA-signed certificate", f": {signed}"
        yield "Pending CSR", f": {f'{request}, would be deleted' if request else 'none'}"

    def data(self) -> dict[str, Any]:
        """The JSON form: keys `unit`, `certificate`, `description`, `ca_signed_lost`, `ca`,
        `csr_deleted`, `trust_entries_replaced`, `trust_lists`, `services`, `nodes`."""
        return {
            "unit": self.unit,
            "certificate": self.certificate,
            "description": self.description,
            "ca_signed_lost": bool(self.lost_issuer),
            "ca": self.lost_issuer,
            "csr_deleted": self.request,
            "trust_entries_replaced": self.stores,
            "trust_lists": {
                "made_anew": self.lists.changed,
                "left_as_uploaded": self.lists.stale,
                "phones_left_without_signer": bool(self.lists.outage),
                "units_together": self.lists.outage,
            },
            "services": [
                {"name": s.name, "state": s.state, "reason": s.reason, "restart_along": s.along}
                for s in self.services
            ],
            "nodes": self.nodes,
        }


def _list_lines(impact: ListImpact) -> list[str]:
    """Nothing for a unit that is in no list."""
    lines = [f"\t{name}, made anew and signed" for name in impact.changed]
    lines += [f"\t{name}, stays as it was uploaded: upload a new one" for name in impact.stale]
    lines = ["", "Lists for phones:", *lines] if lines else []
    if impact.outage:
        first, *others = impact.outage
        lines += [
            "",
            f"WARNING: {', '.join(others)} has changed, and phones do not have the new one yet.",
            f"If {first} changes too, they are left without a signer they know:",
            "they will refuse every new list and configuration file.",
            f"Restart {impact.service} and reset the phones first.",
        ]
    return lines


@family.command(
    "show cert impact <unit>",
    level=0,
    own=True,
    arguments=(UNIT,),
    examples=("show cert impact tomcat",),
)
def impact(node: Node, unit: str) -> Impact:
    """Show what regenerating a unit's certificate would touch.

    Names the certificates and trust stores that change, whether a certificate signed by a CA or a
    pending CSR would be lost, the lists for phones that are made anew, the services to restart
    with their present state, and the other nodes of the cluster with what they will receive.
    Warns when phones would be left without a signer they know.
    """
    snapshot = node.snapshot()
    own, members = snapshot.own(unit), others(node)
    return Impact(
        unit=unit,
        certificate=f"{unit}/{unit}.pem",
        description=own.row.description if own.row else "",
        lost_issuer=_lost_issuer(snapshot, unit, own.row),
        request=f"{unit}/{own.request.name}.csr" if own.request else "",
        stores=tuple(_copies(node, snapshot, unit)),
        services=tuple(_services(node, unit)),
        lists=_lists(node, snapshot, unit),
        nodes=tuple(
            node_impact(other, node.profile.distribution, unit, multi_server=own.multi_server)
            for other in members
        ),
        joined=any(other.joined for other in members),
    )


def node_impact(
    member: ClusterMember, distribution: DistributionSpec, unit: str, *, multi_server: bool
) -> NodeImpact:
    """What `member` receives when the certificate of `unit` is another one.

    `multi_server`: the one that is lost here is for all nodes.
    """
    stores = distribution.copies.get(unit, ())
    copy = f"a copy for {', '.join(stores)}"
    if not distribution.service:
        receives = "not distributed"
    elif not stores:
        receives = f"nothing: the certificate of {unit} stays on its node"
    elif member.joined and multi_server:
        receives = f"{copy}; it keeps the multi-server certificate"
    elif member.joined:
        receives = copy
    else:
        receives = f"nothing: this node has joined no cluster (in one, {copy})"
    taken = stores if member.joined and distribution.service else ()
    return NodeImpact(member.hostname, member.ip, member.role, receives, taken)


def _lists(node: Node, snapshot: Snapshot, unit: str) -> ListImpact:
    """The lists that follow the unit, and whether phones would be left alone."""

    def pending(service: str) -> Iterable[str]:
        rows = node.services.pending(snapshot)
        return [name for row in rows if row.service == service for name in row.changed]

    return node.lists.impact(snapshot, unit, pending)


def _lost_issuer(snapshot: Snapshot, unit: str, row: CertificateRow | None) -> str:
    """The CA of the unit's certificate; empty where the unit signed it itself."""
    from cucmos_shell.pki import certs

    if row is None:
        return ""
    description = certs.describe(certs.load_der(snapshot.own_der(unit)))
    return "" if description.self_issued else row.issuer_name or row.issuer


def _copies(node: Node, snapshot: Snapshot, unit: str) -> Iterator[str]:
    store = node.profile.units[unit].trust_store
    row = snapshot.owned(store, unit)
    if row is not None:
        yield f"{store}/{row.name}.pem"


def _services(node: Node, unit: str) -> Iterator[ServiceImpact]:
    from cucmos_shell.node.services.plan import dependents

    specs = node.profile.all_services()
    named = node.profile.units[unit].services
    for name in named:
        state = node.services.state(name)
        along = tuple(
            other
            for other in dependents(specs, name)
            if state.up and other not in named and node.services.running(other)
        )
        yield ServiceImpact(name, state.state, state.reason, along)
