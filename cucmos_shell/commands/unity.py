"""The two servers of a voice mail cluster: which of them is the primary one."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.dialogues.settings import put_setting
from cucmos_shell.node.voice_servers import AWAY, PRIMARY, SETTING, voice_servers
from cucmos_shell.results import TEXT, TRUTH, WHOLE, Notice, Value, each, record
from cucmos_shell.text import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.voice_servers import VoiceServer
    from cucmos_shell.results import Conversation

family = Family()


class Servers(Value):
    """The servers with their states."""

    form = each(record(hostname=TEXT, id=WHOLE, state=TEXT, primary=TRUTH))

    servers: tuple[VoiceServer, ...]

    def lines(self) -> list[str]:
        """The text: headings, and a row for each."""
        head = ("Server Name", "Member ID", "Server State", "Internal State", "Reason")
        rows = [
            (one.member.hostname, str(i), one.state, *_internal(one.state))
            for i, one in enumerate(self.servers)
        ]
        return ["", *columns((head, tuple("-" * len(name) for name in head), *rows))]

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows."""
        return range(3)

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [
            {
                "hostname": one.member.hostname,
                "id": i,
                "state": one.state,
                "primary": one.state == PRIMARY,
            }
            for i, one in enumerate(self.servers)
        ]


def _internal(state: str) -> tuple[str, str]:
    if state == AWAY:
        return "Down", "Not Running"
    return f"{state[:3]} Active", "Normal"


@family.command("show cuc cluster status", level=0, form=Servers.form)
def show_status(node: Node) -> Servers:
    """Show which server of the cluster is the primary one, and what the others are."""
    return Servers(tuple(voice_servers(node)))


@family.command("utils cuc cluster makeprimary", level=1, changes=True, form=record(hostname=TEXT))
def make_primary(node: Node) -> Conversation[Notice]:
    """Make this server the primary one of its cluster, as this node sees it."""
    yield put_setting(SETTING, node.hostname)
    return Notice((f"{node.hostname} is the primary server",), {"hostname": node.hostname})
