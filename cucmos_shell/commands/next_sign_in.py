"""Whether an account has to change its password when it signs in next: none has."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.node.access import accounts
from cucmos_shell.results import TEXT, TRUTH, Notice, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node

family = Family()


def _names(node: Node) -> list[str]:
    return list(accounts.everybody(node.snapshot()))


ACCOUNT = Argument("account", "account", choices=_names)


@family.command(
    "set password change-at-login disable <account>",
    level=4,
    arguments=(ACCOUNT,),
    form=record(account=TEXT, change_at_login=TRUTH),
)
def disable(node: Node, account: str) -> Notice:
    """Let an account keep its password when it signs in next, as every account here may."""
    text = f"{account} keeps its password at the next sign-in"
    return Notice((text,), {"account": account, "change_at_login": False})
