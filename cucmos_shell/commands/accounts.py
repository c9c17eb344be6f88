"""Accounts: who may sign in, with which password, keys and level, and when they are locked out."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.near import FEW_NAMES, unknown
from cucmos_shell.cli.render import Table
from cucmos_shell.commands.arguments.common import number
from cucmos_shell.commands.views.account import DESCRIBED, described, key_notice
from cucmos_shell.errors import BadValue, Refused, ShellError
from cucmos_shell.node.access import accounts, passwords
from cucmos_shell.node.access.accounts import ADMINISTRATOR, Account
from cucmos_shell.node.access.ssh_keys import normalize
from cucmos_shell.results import (
    TEXT,
    TRUTH,
    WHOLE,
    Ask,
    AskText,
    Commit,
    Notice,
    Pause,
    Progress,
    Secret,
    Warn,
    each,
    maybe,
    record,
    remark,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()

LEVEL_NAMES = {0: "Ordinary", 1: "Advanced", 4: "Administrator"}


def _names(node: Node) -> list[str]:
    return list(accounts.everybody(node.snapshot()))


def _deletable(node: Node) -> list[str]:
    known = accounts.everybody(node.snapshot()).values()
    return [account.name for account in known if not account.installer]


NEW_ACCOUNT = Argument("name", "name of the new account")
ACCOUNT = Argument("account", "account", choices=_names, open=True)
DELETABLE = Argument("account", "account", choices=_deletable, open=True)
LOCKING = record(enabled=TRUTH, unlock_seconds=WHOLE, retry_count=WHOLE)
NAMED = record(account=TEXT)
RETRIES = Argument("retries", "failures before an account is locked (2-5)", parse=number(2, 5))
SECONDS = Argument("seconds", "seconds until it is unlocked (30-3600)", parse=number(30, 3600))


@family.command("show account", level=4, form=each(record(**DESCRIBED, locked=TRUTH)))
def show_account(node: Node) -> Table:
    """List the accounts of this node."""
    snapshot = node.snapshot()
    known = accounts.everybody(snapshot).values()
    rows = [{**described(a), "locked": node.accounts.locked_for(a.name) > 0} for a in known]
    return Table(
        ("Account", "Privilege Level", "Password", "SSH Keys", "Locked"),
        tuple(
            (
                row["account"],
                f"{LEVEL_NAMES.get(row['level'], 'Level')} - Level {row['level']}",
                "yes" if row["password"] else "no",
                str(len(row["ssh_keys"])),
                "yes" if row["locked"] else "no",
            )
            for row in rows
        ),
        rows,
    )


def _agreed(new: str, again: str) -> str:
    """The new password, given twice. Raises Refused."""
    if new != again:
        raise Refused("The two passwords are not the same; nothing was changed")
    return new


def _strong(new: str, again: str, name: str) -> str:
    """The new password of `name`, given twice. Raises Refused, also for a weak one."""
    passwords.check_strength(_agreed(new, again), name)
    return new


@family.command(
    "set account name <name>",
    level=4,
    arguments=(NEW_ACCOUNT,),
    changes=True,
    form=DESCRIBED,
)
def set_account(node: Node, caller: Caller, name: str) -> Conversation[Notice]:
    """Create an account.

    Its privilege level and its password are asked for. A level-0 account sees and runs ordinary
    commands only, a level-1 account advanced ones too.
    """
    try:
        accounts.check_name(name)
        _unused(node.snapshot(), name)
    except ShellError as error:
        # Whoever types ahead has typed the answers, too: these must not be left over as commands.
        error.answers = 3
        raise
    # The rest is judged after the last answer, for the same reason.
    for line in ("Privilege Levels are:", "Ordinary - Level 0", "Advanced - Level 1"):
        yield Progress(line)
    level = yield AskText("Please enter the privilege level :")
    new = yield Secret(f"{'Please enter the password :':>34}")
    again = yield Secret(f"{'re-enter to confirm :':>34}")
    phc = passwords.make_hash(_strong(new, again, name))
    account = Account(name, _level(level), phc, id=accounts.new_identity(node.world))

    def create(transaction: Transaction) -> None:
        _unused(transaction, name)
        _put(transaction, account, caller)

    yield Commit(create)
    return Notice(("Account successfully created",), described(account))


def _put(transaction: Transaction, account: Account, caller: Caller) -> None:
    """Write `account` down, unless it is the first one and the caller would be out by that."""
    if caller.provisional and not accounts.all_accounts(transaction):
        raise Refused(
            "{name} is here only because the node has no accounts: the first one would end that",
            name=caller.account,
            details=(
                "Give users of the system a level first: --level 4 in sshd's command for the"
                " shell,",
                "or make the account at the console of the node (see docs/openssh.md)",
            ),
        )
    accounts.put(transaction, account)


def _level(text: str) -> int:
    if text.strip() not in ("0", "1"):
        raise BadValue("{text} is not a privilege level: 0 or 1", text=text)
    return int(text)


def _unused(source: Any, name: str) -> None:
    if name.casefold() in map(str.casefold, accounts.everybody(source)):
        raise Refused("Account name already exists")


@family.command(
    "delete account <account>", level=4, arguments=(DELETABLE,), changes=True, form=NAMED
)
def delete_account(node: Node, caller: Caller, account: str) -> Conversation[Notice]:
    """Delete an account; each of its sessions ends at its next line.

    What it has typed is deleted, too.
    """

    def delete(transaction: Transaction) -> Account:
        found = _account(transaction, account)
        if found.installer:
            raise Refused("{name} is the installer account and stays", name=found.name)
        if found.name == caller.account:
            raise Refused("An account cannot delete itself")
        accounts.remove(transaction, found.name)
        return found

    # Once the account is gone nothing that is still to be loaded may fail.
    access, logins = node.accounts, node.logins
    gone = yield Commit(delete)
    name = gone.name
    try:
        access.unlock(name)
        logins.forget_history(gone.identity)
    except (ShellError, OSError) as error:
        yield Warn((remark(str(error)),))
    return Notice(("Account successfully deleted",), {"account": name})


@family.command(
    "set account ssh-key <account> [remove]",
    level=1,
    arguments=(ACCOUNT,),
    changes=True,
    options={"remove": "take all its keys away"},
    form=DESCRIBED,
)
def set_ssh_key(node: Node, caller: Caller, account: str, remove: str = "") -> Conversation[Notice]:
    """Let an account sign in with an SSH public key, or remove all keys it has.

    The key is asked for: one line as in a file id_ed25519.pub. Another account's keys may be
    changed by a level-4 account only.
    """
    key = ""
    if not remove:
        key = yield AskText("Please enter the public key :")
    if account != caller.account and caller.level < ADMINISTRATOR:
        raise Refused("Only a level-4 account changes the keys of another account")
    key = normalize(key) if not remove else ""

    def change(transaction: Transaction) -> tuple[Account, bool]:
        found = _account(transaction, account)
        changed: Account = found.replace(keys=_with_key(found.keys, key))
        if changed != found:
            _put(transaction, changed, caller)
        return changed, changed != found

    changed, done = yield Commit(change)
    return Notice((key_notice(changed.name, key, done),), described(changed))


def _with_key(keys: tuple[str, ...], key: str) -> tuple[str, ...]:
    """`keys` and `key`, each once, whatever the comment; none without a `key`."""
    if not key:
        return ()
    if any(kept.split()[1] == key.split()[1] for kept in keys):
        return keys
    if len(keys) >= accounts.MAX_KEYS:
        raise Refused("An account has at most {most} keys", most=accounts.MAX_KEYS)
    return (*keys, key)


def _account(source: Any, name: str) -> Account:
    """The account of that name in any case. Raises NotFound with those that may be meant."""
    known = accounts.everybody(source)
    for found in known.values():
        if found.name.casefold() == name.casefold():
            return found
    raise unknown(name, known, f"a known {ACCOUNT.help}", FEW_NAMES)


# --- passwords -----------------------------------------------------------------------------------

DONE = ("Please wait...", "", "")
# Seconds between two writes that a program is to read apart.
APART = 0.1


def _ask_new() -> Conversation[tuple[str, str]]:
    """The old password and the new one.

    All three questions always come, whatever is kept and whatever is answered: a script that types
    ahead must not have a password left over, which would be a command then, shown and logged.
    """
    old = yield Secret("Please enter the old password: ")
    new = yield Secret("   Please enter the new password: ")
    again = yield Secret("Reenter new password to confirm: ")
    return old, _agreed(new, again)


@family.command("set password user admin", level=1, changes=True, form=NAMED)
def set_admin_password(node: Node, caller: Caller) -> Conversation[Notice]:
    """Change the password of the account that is signed in.

    As long as it has none, any answer to the first question will do.
    """
    old, new = yield from _ask_new()
    account = accounts.everybody(node.snapshot()).get(caller.account)
    if account is None:
        raise Refused("{name} has no account here, so no password to change", name=caller.account)
    if account.password:
        try:
            node.accounts.verify(account.name, old, caller.origin)
        except accounts.SignInRefused:
            node.accounts.refuse_locked(account.name)
            raise Refused("The old password is not right; nothing was changed") from None
    passwords.check_strength(new, account.name)
    if account.password and new == old:
        raise Refused("The new password is the old one; nothing was changed")
    phc = passwords.make_hash(new)
    for line in DONE:
        yield Progress(line)

    def change(transaction: Transaction) -> None:
        now = _account(transaction, account.name)
        if now.password != account.password:
            raise Refused("The password was changed meanwhile by another session")
        accounts.put(transaction, now.replace(password=phc))

    yield Commit(change)
    # Some programs look at the last line of what they read at once: this one, without the prompt.
    yield Progress("Password updated successfully.")
    yield Pause(APART)
    return Notice((), {"account": account.name})


WARNING = (
    "WARNING:",
    "Please make sure that the security password on the publisher is changed first.",
    "The security password must be the same on all nodes of the cluster,",
    "which trust each other by it.",
)


@family.command(
    "set password user security", level=1, changes=True, form=maybe(record(changed=TRUTH))
)
def set_security_password(node: Node, caller: Caller) -> Conversation[Notice]:
    """Change the security password, which the nodes of a cluster share.

    As long as there is none, any answer to the first question will do. Nodes that have joined a
    cluster go on; whoever joins later needs the new one.
    """
    old, new = yield from _ask_new()
    kept = accounts.security_password(node.snapshot())
    if kept and not passwords.matches(old, kept):
        raise Refused("The old password is not right; nothing was changed")
    passwords.check_strength(new, "security")
    for line in WARNING:
        yield Progress(line)
    if (yield Ask("Continue (y/n)?", ("y", "n"))) == "n":
        return Notice(("The security password was not changed",))
    yield Progress("Please wait...")
    phc = passwords.make_hash(new)
    from cucmos_shell.node.tasks.joining import relock

    def change(transaction: Transaction) -> None:
        if accounts.security_password(transaction) != kept:
            raise Refused("The password was changed meanwhile by another session")
        accounts.put_security_password(transaction, phc)
        relock(transaction, new)

    yield Commit(change)
    return Notice(("Command successful.",), {"changed": True})


# --- locking -------------------------------------------------------------------------------------


def _locking_lines(rules: accounts.Locking) -> Notice:
    state = "enabled" if rules.enabled else "disabled"
    lines = (
        f"Account Lockout is {state}",
        f"Unlock Time : {rules.unlock} seconds",
        f"Retry Count : {rules.count} attempts",
    )
    data = {"enabled": rules.enabled, "unlock_seconds": rules.unlock, "retry_count": rules.count}
    return Notice(lines, data)


@family.command("show accountlocking", level=0, form=LOCKING)
def show_locking(node: Node) -> Notice:
    """Show when accounts are locked out after wrong passwords."""
    return _locking_lines(accounts.locking(node.snapshot()))


def _set_locking(**changes: object) -> Conversation[Notice]:
    rules = yield Commit(lambda transaction: accounts.put_locking(transaction, **changes))
    return _locking_lines(rules)


@family.command("set accountlocking {enable|disable:state}", level=1, changes=True, form=LOCKING)
def set_locking(node: Node, state: str) -> Conversation[Notice]:
    """Lock accounts out after wrong passwords, or don't."""
    return _set_locking(enabled=state == "enable")


@family.command(
    "set accountlocking count <retries>", level=1, arguments=(RETRIES,), changes=True, form=LOCKING
)
def set_locking_count(node: Node, retries: int) -> Conversation[Notice]:
    """Say after how many wrong passwords in a row an account is locked."""
    return _set_locking(count=retries)


@family.command(
    "set accountlocking unlocktime <seconds>",
    level=1,
    arguments=(SECONDS,),
    changes=True,
    form=LOCKING,
)
def set_unlock_time(node: Node, seconds: int) -> Conversation[Notice]:
    """Say for how many seconds a locked account stays locked."""
    return _set_locking(unlock=seconds)


@family.command(
    "set accountlocking unlock <account>", level=4, arguments=(ACCOUNT,), changes=True, form=NAMED
)
def unlock(node: Node, account: str) -> Notice:
    """Let a locked account sign in again at once."""
    name = _account(node.snapshot(), account).name
    node.accounts.unlock(name)
    return Notice((f"Account {name} is unlocked",), {"account": name})
