"""The disaster recovery system, which has made no backup of this node."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.errors import Unavailable
from cucmos_shell.node.members import members
from cucmos_shell.profile.profile import PUBLISHER
from cucmos_shell.results import TEXT, Notice, each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node

family = Family()

PORT = 4040
NONE = each(TEXT)


def _ask_master(node: Node) -> None:
    """Raise Unavailable, in the product's words, where nobody could answer."""
    service = node.profile.machine.backup_service
    if service and not node.services.running(service):
        host = next(one.hostname for one in members(node) if one.role == PUBLISHER)
        raise Unavailable(
            "Unable to connect to Master Agent host: {host}, Port: {port}."
            " This may be due to Master or Local Agent being down.",
            host=host,
            port=PORT,
        )


@family.command("utils disaster_recovery history {backup|restore:what}", level=1, form=NONE)
def history(node: Node, what: str) -> Notice:
    """Show the backups that were made, or the restores.

    Nothing is backed up here: there are none.
    """
    _ask_master(node)
    return Notice(("drfCliMsg:  No history data is available",), [])


@family.command("utils disaster_recovery status {backup|restore:what}", level=1, form=NONE)
def status(node: Node, what: str) -> Notice:
    """Show how far the backup is that runs now, or the restore: none does."""
    _ask_master(node)
    return Notice((f"drfCliMsg: No {what} status available",), [])
