"""The administrator of the product's web pages: an account apart from those of this shell."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.dialogues.settings import change_setting
from cucmos_shell.errors import Refused
from cucmos_shell.node.access import accounts, passwords
from cucmos_shell.results import TEXT, AskText, Notice, Secret, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()

SETTING = "application_administrator"
USUAL_NAME = "Administrator"
NAMED = record(account=TEXT)


def _name(node: Node) -> str:
    return str(node.snapshot().settings().get(SETTING, {}).get("name", USUAL_NAME))


@family.command(
    "utils reset_application_ui_administrator_password", level=4, changes=True, form=NAMED
)
def password(node: Node) -> Conversation[Notice]:
    """Give the administrator of the web pages another password.

    It is kept as a hash; there are no web pages here, and it opens nothing.
    """
    new = yield Secret("New password: ")
    again = yield Secret("Confirm Password: ")
    if new != again:
        raise Refused("The two passwords are not the same; nothing was changed")
    name = _name(node)
    passwords.check_strength(new, name)
    yield change_setting(SETTING, password=passwords.make_hash(new))
    return Notice(("Password changed successfully.",), {"account": name})


@family.command("utils reset_application_ui_administrator_name", level=4, changes=True, form=NAMED)
def name(node: Node) -> Conversation[Notice]:
    """Give the administrator of the web pages another name."""
    new = (yield AskText("New administrator name: ")).strip()
    accounts.check_name(new)
    yield change_setting(SETTING, name=new)
    return Notice(("Administrator name changed successfully.",), {"account": new})
