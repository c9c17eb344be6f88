"""The first start: the administrator gets a password; there is no default one."""

from __future__ import annotations

import sys

from cucmos_shell.errors import Refused, UsageError
from cucmos_shell.frontends.password_file import first_line
from cucmos_shell.node.access import accounts, passwords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.store.transaction import Reader, Transaction


def make_administrator(node: Node, name: str, password_file: str | None) -> bool:
    """Give the node an administrator unless it has one. Returns whether it was made.

    The password is the first line of `password_file`, or asked for on the terminal. Raises
    UsageError without either.
    """
    if _has_one(node.snapshot()):
        return False
    accounts.check_name(name)
    password = first_line(password_file) if password_file else _asked(name)
    try:
        passwords.check_strength(password, name)
    except Refused as refusal:
        if not password_file or not passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH:
            raise UsageError("{reason}", reason=refusal.message()) from None
        sys.stderr.write(f"cucmos-shell: warning: {refusal.message()}\n")
    phc = passwords.make_hash(password)

    def put(change: Transaction) -> bool:
        if _has_one(change):
            return False
        known = accounts.all_accounts(change).get(name)
        first = known or accounts.Account(name, accounts.ADMINISTRATOR)
        account = first.replace(level=accounts.ADMINISTRATOR, password=phc, installer=True)
        accounts.put(change, account)
        return True

    with node.store.lock(node.world.patience, node.world.sleep) as lock:
        return node.change(lock, name, "serve", put)


def _has_one(reader: Reader) -> bool:
    first = accounts.installer(reader)
    return bool(first.password or first.keys)


def _asked(name: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "The node has no administrator yet: give --admin-password-file, or start on a terminal"
        )
    import getpass

    password = getpass.getpass(f"Please enter the password of the administrator {name}: ")
    if getpass.getpass("re-enter to confirm: ") != password:
        raise UsageError("The two passwords are not the same")
    return password
