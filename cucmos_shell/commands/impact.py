"""What a regeneration or a deletion will touch, before anybody does it."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.certificates import UNIT
from cucmos_shell.commands.arguments.deletable import FILE, STORE, named
from cucmos_shell.commands.arguments.requests import listed_request
from cucmos_shell.commands.views.copies import CopyOf, copy_of
from cucmos_shell.node import impact as breaks
from cucmos_shell.node.members import others
from cucmos_shell.results import SHA256, TEXT, TRUTH, Value, each, maybe, record
from cucmos_shell.text import columns, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.trust_lists import ListImpact
    from cucmos_shell.node.members import ClusterMember
    from cucmos_shell.profile.cluster import DistributionSpec
    from cucmos_shell.results import Finding


family = Family()


class ServiceImpact(Value):
    """A service to restart, its state now, and the running services that go down with it."""

    form = record(service=TEXT, state=TEXT, reason=maybe(TEXT), restart_along=each(TEXT))

    name: str
    state: str
    reason: str
    along: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "service": self.name,
            "state": self.state,
            "reason": self.reason or None,
            "restart_along": self.along,
        }


class NodeImpact(Value):
    """Another node of the cluster, what it will receive, and its trust stores that change."""

    form = record(hostname=TEXT, ip=TEXT, role=TEXT, receives=TEXT, stores=each(TEXT))

    hostname: str
    ip: str
    role: str
    receives: str
    stores: tuple[str, ...]


class Impact(Value):
    """What a regeneration touches, and what it would break.

    `lost_issuer` names the CA whose certificate would be lost.
    """

    form = record(
        unit=TEXT,
        name=TEXT,
        description=TEXT,
        ca=maybe(TEXT),
        csr_deleted=each(TEXT),
        trust_entries_replaced=each(TEXT),
        trust_lists=record(
            made_anew=each(TEXT),
            left_as_uploaded=each(TEXT),
            phones_left_without_signer=TRUTH,
            units_together=each(TEXT),
        ),
        services=each(ServiceImpact.form),
        nodes=each(NodeImpact.form),
    )

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
    findings: tuple[Finding, ...]

    def lines(self) -> list[str]:
        """The text under a heading, in four parts: certificates, services, nodes, warnings."""
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
        return [*lines, *_node_lines(self.nodes, self.joined), *_warnings(self.findings)]

    def _certificates(self) -> Iterator[tuple[str, str]]:
        lost, request = self.lost_issuer, self.request
        yield "Certificate", f": {self.certificate} ({safe(self.description)})"
        for name in self.stores:
            yield "Trust store entry", f": {name}, replaced"
        signed = f"signed by {safe(lost)}, would be lost" if lost else "none"
        yield "CA-signed certificate", f": {signed}"
        yield "Pending CSR", f": {f'{request}, would be deleted' if request else 'none'}"

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "unit": self.unit,
            "name": self.certificate,
            "description": self.description,
            "ca": self.lost_issuer or None,
            "csr_deleted": [self.request] if self.request else [],
            "trust_entries_replaced": self.stores,
            "trust_lists": {
                "made_anew": self.lists.changed,
                "left_as_uploaded": self.lists.stale,
                "phones_left_without_signer": bool(self.lists.outage),
                "units_together": self.lists.outage,
            },
            "services": self.services,
            "nodes": self.nodes,
        }


class DeletionImpact(Value):
    """What the deletion of a certificate touches, and what it would break.

    `copy_of` is the own certificate of which it is a copy, `requests` are those that go with it.
    """

    form = record(
        name=TEXT,
        description=TEXT,
        sha256=SHA256,
        copy_of=maybe(CopyOf.form),
        csr_deleted=each(TEXT),
        nodes=each(NodeImpact.form),
    )

    name: str
    description: str
    sha256: str
    copy_of: CopyOf | None
    requests: tuple[str, ...]
    nodes: tuple[NodeImpact, ...]
    joined: bool
    findings: tuple[Finding, ...]

    def lines(self) -> list[str]:
        """The text under a heading, in three parts: certificates, nodes, warnings."""
        requests = ", ".join(self.requests)
        fields = (
            ("Certificate", f": {self.name} ({safe(self.description)})"),
            ("Copy of own certificate", f": {self.copy_of or 'no'}"),
            ("Pending CSR", f": {f'{requests}, would be deleted' if requests else 'none'}"),
        )
        return [
            f"What deleting {self.name} would touch:",
            "",
            *columns(fields, gap=1),
            *_node_lines(self.nodes, self.joined),
            *_warnings(self.findings),
        ]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "name": self.name,
            "description": self.description,
            "sha256": self.sha256,
            "copy_of": self.copy_of,
            "csr_deleted": self.requests,
            "nodes": self.nodes,
        }


def _node_lines(nodes: tuple[NodeImpact, ...], joined: bool) -> list[str]:
    if not nodes:
        lines = ["none"]
    elif not joined:
        names = ", ".join(node.hostname for node in nodes)
        lines = [f"This node has joined no cluster: nothing reaches {names}."]
    else:
        lines = columns((node.hostname, node.ip, node.role, node.receives) for node in nodes)
    return ["", "Other nodes:", *(f"\t{line}" for line in lines)]


def _warnings(findings: tuple[Finding, ...]) -> list[str]:
    return ["", *(line for finding in findings for line in finding.lines())] if findings else []


def _list_lines(impact: ListImpact) -> list[str]:
    """Nothing for a unit that is in no list."""
    lines = [f"\t{name}, made anew and signed" for name in impact.changed]
    lines += [f"\t{name}, stays as it was uploaded: upload a new one" for name in impact.stale]
    return ["", "Lists for phones:", *lines] if lines else []


@family.command(
    "show cert impact <unit>",
    level=0,
    own=True,
    arguments=(UNIT,),
    examples=("show cert impact tomcat",),
    form=Impact.form,
)
def impact(node: Node, unit: str) -> Impact:
    """Show what regenerating a unit's certificate would touch.

    Names the certificates and trust stores that change, whether a certificate signed by a CA or a
    pending CSR would be lost, the lists for phones that are made anew, the services to restart
    with their present state, and the other nodes of the cluster with what they will receive.
    The warnings at its end are those that set cert regen shows before its question.
    """
    snapshot = node.snapshot()
    own, copy = snapshot.own(unit), breaks.copy(node, snapshot, unit)
    store, members = node.profile.units[unit].trust_store, others(node)
    return Impact(
        unit=unit,
        certificate=f"{unit}/{unit}.pem",
        description=own.row.description if own.row else "",
        lost_issuer=breaks.lost_issuer(snapshot, unit),
        request=f"{unit}/{own.request.name}.csr" if own.request else "",
        stores=(f"{store}/{copy.name}.pem",) if copy else (),
        services=tuple(_services(node, unit)),
        lists=breaks.lists(node, snapshot, unit),
        findings=breaks.regenerating(node, snapshot, unit),
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


@family.command(
    "show cert impact delete <store> [<file>]",
    level=0,
    own=True,
    arguments=(STORE, FILE),
    examples=("show cert impact delete tomcat-trust Example_Root_CA.pem",),
    form=DeletionImpact.form,
)
def deletion_impact(node: Node, store: str, file: str = "") -> DeletionImpact:
    """Show what deleting a certificate from a trust store would touch.

    Names the own certificate of which it is a copy, the pending CSR that would go with it, and what
    happens on the other nodes of the cluster. The warnings at its end are those of set cert delete;
    what that refuses is refused here.
    """
    snapshot = node.snapshot()
    name = named(node, store, file)
    units = breaks.copied(node, snapshot, name.store, name.row)
    pending = [unit for unit in units if snapshot.own(unit).request is not None]
    members = others(node)
    return DeletionImpact(
        name=name.listed,
        description=name.row.description,
        sha256=name.row.sha256,
        copy_of=copy_of(node, name.row),
        requests=tuple(map(listed_request, pending)),
        nodes=tuple(_without(other, node, name.store) for other in members),
        joined=any(other.joined for other in members),
        findings=breaks.deleting(node, snapshot, name.store, name.row, units),
    )


def _without(member: ClusterMember, node: Node, store: str) -> NodeImpact:
    """What happens on `member` when a certificate is deleted from `store` here."""
    distribution = node.profile.distribution
    shared = distribution.service and store in distribution.stores
    if not distribution.service:
        happens = "not distributed"
    elif not shared:
        happens = f"nothing: {store} is not distributed"
    elif member.joined:
        happens = "deleted there, too"
    else:
        happens = "nothing: this node has joined no cluster (in one, deleted there, too)"
    taken = (store,) if shared and member.joined else ()
    return NodeImpact(member.hostname, member.ip, member.role, happens, taken)


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
