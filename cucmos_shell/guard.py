"""The second sign-in: the password once more before a command that touches security.

Asked by the embedded server and at the console, not behind an sshd that has just asked.
"""

from __future__ import annotations

import math

from cucmos_shell.errors import Refused
from cucmos_shell.results import Progress, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

SETTING = "security_reauth"
TRIES = 3


def wanted(node: Node, caller: Caller) -> bool:
    """Whether `caller` has to give the password first."""
    return not caller.verified and node.snapshot().settings().get(SETTING) is True


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
            refuse_locked(node, account.name)
            if left > 1:
                yield Progress("Permission denied, please try again.")
            continue
        caller.verified = True
        return
    raise Refused("Permission denied")


def refuse_locked(node: Node, name: str) -> None:
    """Raise Refused if the account is locked; for its owner, who is signed in, that is no secret."""
    seconds = node.accounts.locked_for(name)
    if seconds > 0:
        raise Refused(
            "Account {name} is locked for {seconds} seconds, after too many wrong passwords",
            name=name,
            seconds=math.ceil(seconds),
            details=(f"A level-4 account unlocks it: set accountlocking unlock {name}",),
        )
