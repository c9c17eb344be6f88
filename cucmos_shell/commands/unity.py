"""The two servers of a voice mail cluster: which of them is the primary one."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.dialogues.settings import put_setting
from cucmos_shell.node.members import members
from cucmos_shell.profile.profile import PUBLISHER
from cucmos_shell.results import TEXT, TRUTH, WHOLE, Notice, Value, each, record
from cucmos_shell.text import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()

SETTING = "primary_server"
PRIMARY, SECONDARY, AWAY = "Primary", "Secondary", "Not Functioning"


class Servers(Value):
    """The servers with their states; exactly one of those that run is the primary one."""

    form = each(record(hostname=TEXT, id=WHOLE, state=TEXT, primary=TRUTH))

    states: tuple[tuple[str, str], ...]

    def lines(self) -> list[str]:
        """The text: headings, and a row for each."""
        head = ("Server Name", "Member ID", "Server State", "Internal State", "Reason")
        rows = [
            (name, str(i), state, *_internal(state)) for i, (name, state) in enumerate(self.states)
        ]
        return ["", *columns((head, tuple("-" * len(name) for name in head), *rows))]

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows."""
        return range(3)

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [
            {"hostname": name, "id": i, "state": state, "primary": state == PRIMARY}
            for i, (name, state) in enumerate(self.states)
        ]


def _internal(state: str) -> tuple[str, str]:
    if state == AWAY:
        return "Down", "Not Running"
    return f"{state[:3]} Active", "Normal"


def _states(node: Node) -> Iterator[tuple[str, str]]:
    """The servers in the order of the cluster: the one that was made primary, else the first."""
    found = members(node)
    running = [one.hostname for one in found if one.reachable]
    chosen = node.snapshot().settings().get(SETTING)
    first = next(one.hostname for one in found if one.role == PUBLISHER)
    primary = next(name for name in (chosen, first, *running) if name in running)
    for one in found:
        state = PRIMARY if one.hostname == primary else SECONDARY
        yield one.hostname, state if one.reachable else AWAY


@family.command("show cuc cluster status", level=0, form=Servers.form)
def show_status(node: Node) -> Servers:
    """Show which server of the cluster is the primary one, and what the others are."""
    return Servers(tuple(_states(node)))


@family.command("utils cuc cluster makeprimary", level=1, changes=True, form=record(hostname=TEXT))
def make_primary(node: Node) -> Conversation[Notice]:
    """Make this server the primary one of its cluster, as this node sees it."""
    yield put_setting(SETTING, node.hostname)
    return Notice((f"{node.hostname} is the primary server",), {"hostname": node.hostname})
