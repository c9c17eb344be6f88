"""The least version of TLS, and whether certificates of clients need the purpose for it."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.dialogues.release import with_rules
from cucmos_shell.commands.dialogues.settings import put_setting
from cucmos_shell.errors import Refused
from cucmos_shell.results import (
    MOMENT,
    TEXT,
    TRUTH,
    Ask,
    Commit,
    Notice,
    Progress,
    maybe,
    record,
)
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.profile.dialogues import TlsSpec
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()

SETTING = "tls_minimum"
CLIENTS_SETTING = "client_auth_validation"
QUESTION = "Do you want to continue (yes/no) ? "
EXPLAINED = (
    "This command sets the lowest version of TLS that services of this system accept.",
    "Clients, phones and other servers that know earlier versions only",
    "will not be able to connect any more.",
    "Make sure that all of them support the version before you go on.",
)
CLIENTS = "Client Authentication"


def _spec(node: Node) -> TlsSpec:
    if node.profile.tls is None:
        raise Refused("The profile {name} does not say what versions of TLS there are",
                      name=node.profile.name)  # fmt: skip
    return node.profile.tls


def _versions(node: Node) -> tuple[str, ...]:
    return node.profile.tls.versions if node.profile.tls is not None else ()


def _absent(node: Node, text: str) -> None:
    versions = ", ".join(_versions(node))
    # No BadValue: the line would be taken for a shortened one of a command not simulated.
    raise Refused("{text} is none of {versions}", text=text, versions=versions)


VERSION = Argument("version", "version of TLS", choices=_versions, absent=_absent)


@family.command("show tls min-version", level=0, form=record(minimum=TEXT))
def show(node: Node) -> Notice:
    """Show the lowest version of TLS that the node accepts."""
    minimum = str(node.snapshot().settings().get(SETTING, _spec(node).versions[0]))
    return Notice((f"Configured TLS minimum version: {minimum}",), {"minimum": minimum})


@family.command(
    "set tls min-version <version>",
    level=1,
    changes=True,
    arguments=(VERSION,),
    examples=("set tls min-version 1.2",),
    form=maybe(record(minimum=TEXT, back=maybe(MOMENT))),
)
def change_minimum(node: Node, caller: Caller, version: str) -> Conversation[Notice]:
    """Set the lowest version of TLS that the node accepts.

    Until release 15SU1 the node restarts for it, and this session ends. Since then it is for all
    nodes of the cluster on the product; here it is for the node it is typed on.
    """
    reboots = _spec(node).reboots
    warning = f"Warning: This will set the minimum TLS to {version}"
    warning += " and the server will reboot." if reboots else " on all nodes of the cluster."
    for line in (*EXPLAINED, *with_rules(warning)):
        yield Progress(line)
    if (yield Ask(QUESTION)) != "yes":
        return Notice(())

    def change(transaction: Transaction) -> float | None:
        transaction.put_setting(SETTING, version)
        return node.services.restart_node(transaction) if reboots else None

    back: float | None = yield Commit(change)
    lines = [f"Successfully set minimum TLS version to {version}"]
    if back is not None:
        caller.end()
        lines.append("The system will reboot in few minutes.")
    moment = None if back is None else iso_time(back)
    return Notice(tuple(lines), {"minimum": version, "back": moment})


@family.command("utils tls client-auth-validation status", level=1, form=record(enabled=TRUTH))
def clients(node: Node) -> Notice:
    """Show whether certificates of clients need the purpose of clients (clientAuth)."""
    enabled = bool(node.snapshot().settings().get(CLIENTS_SETTING, True))
    state = "ENABLED" if enabled else "DISABLED"
    return Notice((f"{CLIENTS} EKU validation is currently: {state}",), {"enabled": enabled})


@family.command(
    "utils tls client-auth-validation {enable|disable:how}",
    level=1,
    changes=True,
    form=maybe(record(enabled=TRUTH)),
)
def change_clients(node: Node, how: str) -> Conversation[Notice]:
    """Set whether certificates of clients need the purpose of clients (clientAuth).

    Without, others that have a certificate for servers only may connect.
    """
    for line in _spec(node).client_auth:
        yield Progress(line)
    if (yield Ask("Proceed with this operation (yes|no)? ")) != "yes":
        return Notice(())
    yield put_setting(CLIENTS_SETTING, how == "enable")
    done = f"{CLIENTS} validation has been {how}d successfully across all nodes in the cluster."
    return Notice((done,), {"enabled": how == "enable"})
