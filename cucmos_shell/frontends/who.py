"""Whose session a process is: the installer's at the console, the system's user under OpenSSH."""

from __future__ import annotations

import os

from cucmos_shell.errors import Unavailable
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cucmos_shell.node import Node

OPTIONS = ("--json", "--yes", "--keep-going")
CONSOLE = "console"


class Who(Value):
    """An account with its level, and where it comes from.

    `signed_in`: the operating system's SSH has asked who that is. `provisional`: the level is the
    installer's only because the node has no accounts yet. `identity` is that of the account, empty
    if there is none of that name, None for whoever is there without being asked who it is.
    """

    account: str = "admin"
    level: int = 4
    origin: str = CONSOLE
    signed_in: bool = False
    provisional: bool = False
    identity: str | None = None


def parse_command(text: str) -> tuple[set[str], list[str]]:
    """Options and lines of a command given to SSH: `--json show cert list own`, a line each."""
    options: set[str] = set()
    rest = text.strip()
    while (word := rest.partition(" ")[0]) in OPTIONS:
        options.add(word)
        rest = rest[len(word) :].lstrip()
    lines = (line.removesuffix("\r") for line in rest.split("\n"))
    return options, [line for line in lines if line.strip()]


def over_ssh(environment: Mapping[str, str]) -> bool:
    """Whether OpenSSH's server has started this process, as a login shell.

    A person who came over SSH and starts the program in a shell is at the console as ever.
    """
    if not environment.get("SSH_CONNECTION"):
        return False
    try:
        with open(f"/proc/{os.getppid()}/comm", "rb") as file:
            return file.read().startswith(b"sshd")
    except OSError:
        return True


def who(node: Node, environment: Mapping[str, str], account: str | None, level: int | None) -> Who:
    """Whose session this is.

    `account` and `level` come from the command line, which is the administrator's: under OpenSSH
    the account is the system's user unless named, and its level is that of the node's account of
    this name, else `level`, else, as long as the node has no accounts, the installer's. A name on
    the command line is matched without regard to case, as accounts are named; users of the system
    may differ by case alone. Raises Unavailable for a user without an account.
    """
    from cucmos_shell.node.access import accounts

    connection = environment.get("SSH_CONNECTION", "").split()
    snapshot = node.snapshot()
    if not connection and account is None:
        # At the console `level` can only take rights away.
        return Who(
            accounts.installer(snapshot).name, accounts.ADMINISTRATOR if level is None else level
        )
    origin, signed_in = (f"ssh/{connection[0]}", True) if connection else (CONSOLE, False)
    name = account or _system_user()
    known = accounts.everybody(snapshot)
    alike = next((one for one in known.values() if one.name.casefold() == name.casefold()), None)
    found = alike if account else known.get(name)
    if found is not None:
        return Who(found.name, found.level, origin, signed_in, identity=found.identity)
    if level is not None:
        return Who(name, level, origin, signed_in, identity="")
    if not accounts.all_accounts(snapshot):
        return Who(name, accounts.ADMINISTRATOR, origin, signed_in, provisional=True, identity="")
    raise Unavailable(
        "{name} has no account on this node",
        name=name,
        details=_remedies(name, alike.name if alike else ""),
    )


def _remedies(name: str, alike: str) -> tuple[str, ...]:
    """What the node's administrator can do for a user without an account; `alike` has the name."""
    from cucmos_shell.errors import BadValue
    from cucmos_shell.node.access.accounts import check_name

    options = f"--account {alike or 'NAME'} or --level 0|1|4 in sshd's command for the shell"
    try:
        check_name(name)
    except BadValue:
        return (f"An administrator sets {options}",)
    if alike:
        return (f"An administrator sets {options}",)
    return (f"An administrator types set account name {name}, or sets {options}",)


def _system_user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise Unavailable("This user has no name in the system") from error
