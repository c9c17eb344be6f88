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


class FirstPassword:
    """The password of administrators that have none, as its hash; read, or asked for, once.

    It is the first line of `file`, or asked for on the terminal.
    """

    def __init__(self, name: str, file: str | None) -> None:
        self.name = name
        self._file = file
        self._hash = ""

    def hash(self) -> str:
        """The hash. Raises UsageError where there is no password, or a bad one."""
        if not self._hash:
            password = first_line(self._file) if self._file else _asked(self.name)
            self._check(password)
            self._hash = passwords.make_hash(password)
        return self._hash

    def _check(self, password: str) -> None:
        accounts.check_name(self.name)
        try:
            passwords.check_strength(password, self.name)
        except Refused as refusal:
            fits = passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH
            if not self._file or not fits:
                raise UsageError("{reason}", reason=refusal.message()) from None
            sys.stderr.write(f"cucmos-shell: warning: {refusal.message()}\n")


def make_administrator(node: Node, first: FirstPassword) -> bool:
    """Give the node an administrator unless it has one. Returns whether it was made.

    Raises UsageError where there is no password for it.
    """
    if _has_one(node.snapshot()):
        return False
    name, phc = first.name, first.hash()

    def put(change: Transaction) -> bool:
        if _has_one(change):
            return False
        known = accounts.all_accounts(change).get(name)
        before = known or accounts.Account(name, accounts.ADMINISTRATOR)
        account = before.replace(level=accounts.ADMINISTRATOR, password=phc, installer=True)
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
