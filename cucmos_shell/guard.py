"""The second sign-in: the password once more before a command that touches security."""

from __future__ import annotations

from cucmos_shell.errors import Cancelled, Refused
from cucmos_shell.results import Say, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from cucmos_shell.caller import Caller
    from cucmos_shell.node import Node

SETTING = "security_reauth"
TRIES = 3


def wanted(node: Node, caller: Caller) -> bool:
    """Whether `caller` has to give the password first."""
    return not caller.verified and node.snapshot().settings().get(SETTING) is True


def sign_in_again(
    node: Node, caller: Caller, interactive: bool
) -> Generator[Secret | Say, str | None, None]:
    """Ask for the account's password; once right, it is not asked for again in this session."""
    from cucmos_shell.accounts import SignInRefused

    account = node.accounts.find(caller.account)
    if account is None or not account.password:
        raise Refused(
            "This command wants a password, and account {name} has none",
            name=caller.account,
            details=("Set one: set password user admin",),
        )
    for left in range(TRIES if interactive else 1, 0, -1):
        password = yield Secret(f"Please enter the password of {account.name}: ")
        if password is None:
            raise Cancelled("No password was given")
        try:
            node.accounts.verify(account.name, password, caller.origin)
        except SignInRefused:
            if left > 1:
                yield Say("Permission denied, please try again.\n")
            continue
        caller.verified = True
        return
    raise Refused("Permission denied")
