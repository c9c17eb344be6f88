"""The tables of a voice mail server's directory: its servers, and nobody who has a mailbox there.

Names of tables and columns are those that programs ask for; of the servers they are those of the
product's interface for programs.
"""

from __future__ import annotations

from cucmos_shell.node.tables import key
from cucmos_shell.node.voice_servers import AWAY, PRIMARY, SECONDARY, voice_servers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node.node import Node
    from cucmos_shell.node.tables import Rows

SERVERS = "vw_vmsserver"
# The product's numbers for the states of a server: as it is told others, and as it is shown.
STATES = {PRIMARY: (1, 3), SECONDARY: (8, 4), AWAY: (16, 1)}

_COLUMNS: dict[str, tuple[str, ...]] = {
    SERVERS: (
        "objectid", "servername", "displayname", "hostname", "ipaddress", "clustermemberid",
        "serverstate", "serverdisplaystate",
    ),
    "vw_user": ("objectid", "alias", "displayname", "dtmfaccessid"),
    "vw_usertemplate": ("objectid", "alias", "displayname"),
    "vw_subscriber": ("objectid", "alias", "displayname", "dtmfaccessid"),
    "vw_subscriberbasic": (
        "objectid", "alias", "displayname", "dtmfaccessid", "callhandlerobjectid",
    ),
    "vw_mailbox": ("objectid", "mailboxid", "userobjectid", "alias", "dtmfaccessid"),
    "vw_callhandler": ("objectid", "displayname", "dtmfaccessid", "isprimary"),
    "vw_menuentry": (
        "objectid", "callhandlerobjectid", "touchtonekey", "action", "targetconversation",
    ),
    "vw_alternatecontactnumber": ("objectid", "menuentryobjectid", "transfernumber"),
    "vw_alternatecontactnumber_subscriber": (
        "subscriberobjectid", "touchtonekey", "transfernumber",
    ),
    "vw_transferoptiondisplay": ("callhandlerobjectid", "extension", "transferoptiontype"),
}  # fmt: skip


class DirectoryTables:
    """The rows of the tables, as the node is now; users and call handlers there are none."""

    columns = _COLUMNS

    def __init__(self, node: Node) -> None:
        self._node = node

    def rows(self, table: str) -> Rows:
        """The rows of one of `columns`."""
        if table != SERVERS:
            return
        for number, one in enumerate(voice_servers(self._node)):
            name, full = one.member.hostname, one.member.fqdn
            yield key("server", name), full, name, full, one.member.ip, number, *STATES[one.state]
