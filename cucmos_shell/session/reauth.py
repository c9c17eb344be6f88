"""Whether who has signed in may go on, and the second sign-in, before what touches security.

Asked by the embedded server and at the console, not behind an sshd that has just asked.
"""

from __future__ import annotations

from cucmos_shell.errors import Refused
from cucmos_shell.node.access.sessions import REAUTH
from cucmos_shell.results import Progress, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

TRIES = 3


def wanted(node: Node, caller: Caller) -> bool:
    """Whether `caller` has to give the password first."""
    return not caller.verified and node.snapshot().settings().get(REAUTH) is True


def check_account(node: Node, caller: Caller) -> None:
    """Raise AccountChanged, and end the session, if its account is not what it was."""
    assert caller.identity is not None
    from cucmos_shell.node.access.accounts import AccountChanged

    try:
        node.accounts.check(
            caller.account, caller.identity, caller.level,
            provisional=caller.provisional, by_key=caller.by_key,
        )  # fmt: skip
    except AccountChanged:
        caller.end()
        raise


def sign_in_again(node: Node, caller: Caller, interactive: bool) -> Conversation[None]:
    """Ask for the account's password; once right, it is not asked for again in this session."""
    from cucmos_shell.node.access.accounts import SignInRefused

    account = node.accounts.find(caller.account)
    if account is None or not account.password:
        raise Refused(
            "This command wants a password, and account {name} has none",
            name=caller.account,
            details=("Set one: set password user admin",),
        )
    for left in range(TRIES if interactive else 1, 0, -1):
        # A blank before the colon: the name of the first account makes the prompt's own word of it.
        password = yield Secret(f"Please enter the password of account {account.name} : ")
        try:
            node.accounts.verify(account.name, password, caller.origin)
        except SignInRefused:
            node.accounts.refuse_locked(account.name)
            if left > 1:
                yield Progress("Permission denied, please try again.")
            continue
        caller.verified = True
        return
    raise Refused("Permission denied")
