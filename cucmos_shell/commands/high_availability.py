"""`utils ha`: which nodes of a presence redundancy group stand in for each other."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.grammar import MIXED
from cucmos_shell.node.members import GROUP, members
from cucmos_shell.results import TEXT, Value, each, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node

family = Family()

STATE, REASON = "Unknown", "High Availability Not Enabled"
GROUPS = Argument("group", "presence redundancy group", choices=lambda _: (GROUP,))


class Redundancy(Value):
    """The nodes of the one group there is."""

    form = record(group=TEXT, nodes=each(record(hostname=TEXT, state=TEXT, reason=TEXT)))

    hostnames: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The text: four lines for each node."""
        yield f"Subcluster Name: {GROUP}"
        for number, name in enumerate(self.hostnames, 1):
            yield f"Node {number}"
            yield f"\tName:  {name}"
            yield f"\tState:  {STATE}"
            yield f"\tReason:  {REASON}"

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        nodes = [{"hostname": name, "state": STATE, "reason": REASON} for name in self.hostnames]
        return {"group": GROUP, "nodes": nodes}


@family.command(
    "utils ha status [<group>]", basis=MIXED, level=0, arguments=(GROUPS,), form=Redundancy.form
)
def status(node: Node, group: str = "") -> Redundancy:
    """Show whether the nodes of the cluster stand in for each other: that is not enabled."""
    return Redundancy(tuple(one.hostname for one in members(node)))
