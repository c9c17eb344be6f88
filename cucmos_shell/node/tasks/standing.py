"""How a node and its cluster stand to each other: what is shared, untold, kept out, behind."""

from __future__ import annotations

import contextlib

from cucmos_shell.cluster import membership, shared
from cucmos_shell.cluster.membership import Said
from cucmos_shell.errors import Refused, ShellError
from cucmos_shell.node.tasks.agent import bus_of, joined, log_of
from cucmos_shell.node.tasks.reports import refuse_unvouched
from cucmos_shell.results import (
    TEXT,
    TRUTH,
    WHOLE,
    Finding,
    Value,
    each,
    one_of,
    record,
    remark,
)
from cucmos_shell.text import columns, iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot


class StoreStanding(Value):
    """A trust store: how many uploads are here and in the cluster, untold and kept out."""

    form = record(store=TEXT, here=WHOLE, cluster=WHOLE, untold=WHOLE, kept_out=WHOLE)

    store: str
    here: int
    cluster: int
    untold: int
    kept_out: int


class NodeStanding(Value):
    """A node of the cluster: the revision it has applied, and how far that is behind the log."""

    form = record(hostname=TEXT, role=TEXT, applied=WHOLE, behind=WHOLE)

    hostname: str
    role: str
    applied: int
    behind: int


class SharedStanding(Value):
    """A unit with a multi-server certificate or request (`what`), and how it is here (`state`)."""

    form = record(unit=TEXT, what=one_of("certificate", "CSR"), state=TEXT)

    unit: str
    what: str
    state: str


class Standing(Value):
    """All of it. `trouble` says why the bus could not be asked, `service` the one that is down."""

    form = record(
        cluster=TEXT,
        service=TEXT,
        running=TRUTH,
        stores=each(StoreStanding.form),
        nodes=each(NodeStanding.form),
        multi_server=each(SharedStanding.form),
        kept_out=each(membership.Said.form),
    )

    cluster: str
    service: str
    running: bool
    stores: tuple[StoreStanding, ...]
    nodes: tuple[NodeStanding, ...]
    multi_server: tuple[SharedStanding, ...]
    said: tuple[Said, ...]
    trouble: str

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Why the bus could not be asked, if it could not."""
        return (remark(self.trouble),) if self.trouble else ()

    def lines(self) -> list[str]:
        """The text: the stores, the nodes, what is kept out."""
        state = "" if self.running else "  (not running: nothing is told or applied)"
        lines = [f"Cluster : {self.cluster}", f"Service : {self.service}{state}", ""]
        table: list[tuple[str, ...]] = [("Trust store", "Here", "Cluster", "Untold", "Kept out")]
        for s in self.stores:
            table.append((s.store, *map(str, (s.here, s.cluster, s.untold, s.kept_out))))
        lines += columns(table)
        if self.nodes:
            table = [("Node", "Role", "Applied", "State")]
            table += [(n.hostname, n.role, str(n.applied), _state(n)) for n in self.nodes]
            lines += ["", *columns(table)]
        if self.multi_server:
            table = [("Unit", "Multi-server", "State")]
            table += [(one.unit, one.what, one.state) for one in self.multi_server]
            lines += ["", *columns(table)]
        for one in self.findings:
            lines += ["", *one.lines()]
        if self.said:
            lines += ["", *(f"{s.subject}, {s.what} {iso_time(s.when)}: {s.why}"
                            for s in self.said)]  # fmt: skip
        return lines

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "cluster": self.cluster,
            "service": self.service,
            "running": self.running,
            "stores": self.stores,
            "nodes": self.nodes,
            "multi_server": self.multi_server,
            "kept_out": self.said,
        }


def _state(node: NodeStanding) -> str:
    return f"behind by {node.behind}" if node.behind else "in sync"


def standing(node: Node, store: str = "") -> Standing:
    """How things stand, of one store or of all. Raises Refused where there is no cluster."""
    spec, snapshot = node.profile.distribution, node.snapshot()
    member = joined(snapshot)
    wishes, said = membership.wishes(snapshot), membership.said(snapshot)
    nodes, trouble = _nodes(node, snapshot, member)
    stores = [
        StoreStanding(
            name,
            sum(not row.owner for row in snapshot.trust(name)),
            membership.known(snapshot, name).present(),
            len(wishes.get(name, ())),
            sum(one.store == name and one.what == "kept out" for one in said),
        )
        for name in ((store,) if store else spec.stores)
    ]
    chosen = tuple(one for one in said if not store or one.store == store)
    running = node.services.running(spec.service)
    return Standing(
        member.cluster,
        spec.service,
        running,
        tuple(stores),
        nodes,
        () if store else tuple(_shared(snapshot)),
        chosen,
        trouble,
    )


def _shared(snapshot: Snapshot) -> Iterator[SharedStanding]:
    known, asked = shared.known(snapshot), shared.asked(snapshot)
    for thing in sorted({*known, *asked}):
        kind, unit = shared.parts(thing)
        here = shared.sha256_of(snapshot, thing)
        what = "certificate" if kind == shared.OWN else "CSR"
        if thing in asked:
            yield SharedStanding(unit, what, "not told yet")
        elif known[thing].sha256:
            elsewhere = "waits for its key" if known[thing].awaited else "another certificate here"
            same = here == known[thing].sha256
            yield SharedStanding(unit, what, "on this node" if same else elsewhere)


def _nodes(
    node: Node, snapshot: Snapshot, member: Membership
) -> tuple[tuple[NodeStanding, ...], str]:
    """The nodes as the bus has them, and how far each is; or why it could not be asked."""
    try:
        with contextlib.closing(bus_of(node, member)) as bus:
            view = log_of(bus, snapshot).look(member, membership.revisions(snapshot), full=True)
            if member.unsure:
                refuse_unvouched(node, member, view)
    except (Refused, ShellError) as error:
        return (), error.message()
    revisions = [line.entry.revision for line in view.lines.values()]
    rows = []
    for one in view.nodes.values():
        if not one.removed:
            report = view.reports.get(one.id)
            applied = report.applied if report else 0
            if one.id == member.node:
                applied = max(applied, member.applied)
            behind = sum(revision > applied for revision in revisions)
            rows.append(NodeStanding(one.hostname, one.role, applied, behind))
    return tuple(sorted(rows, key=lambda row: row.hostname)), ""
