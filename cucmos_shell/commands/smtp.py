"""The mail server that notices go through, and a test of it."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.arguments.hosts import host_text, parse_host
from cucmos_shell.commands.arguments.mail import address
from cucmos_shell.errors import BadValue, Cancelled, Refused, Unavailable
from cucmos_shell.results import (
    TEXT,
    TRUTH,
    WHOLE,
    Commit,
    Notice,
    Progress,
    Secret,
    maybe,
    one_of,
    record,
)
from cucmos_shell.store import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()

PORTS = {"": 25, "starttls": 587, "tls": 465}
_SECURITY = {"": "none", "starttls": "STARTTLS", "tls": "TLS"}
_MAX_ACCOUNT = 256
SERVER = record(
    host=TEXT, port=WHOLE, security=maybe(one_of("starttls", "tls")), account=maybe(TEXT)
)


HOST = Argument("host", "HOST[:PORT] of the mail server")
ACCOUNT = Argument("account", "account at the mail server; its password is asked")


def _data(server: dict[str, Any]) -> dict[str, Any]:
    return {
        "host": server["host"],
        "port": server["port"],
        "security": server["security"] or None,
        "account": server["account"] or None,
    }


@family.command("show smtp", level=0, form=maybe(SERVER))
def show_smtp(node: Node) -> Notice:
    """Show the mail server that notices go through."""
    server = node.snapshot().document(paths.SMTP)
    if not server:
        return Notice(("SMTP hostname: Not Configured",))
    security, account = server["security"], server["account"]
    lines = [f"SMTP hostname: {server['host']}"]
    if server["port"] != PORTS[""]:
        lines.append(f"Port: {server['port']}")
    if security:
        lines.append(f"Security: {_SECURITY[security]}")
    if account:
        lines.append(f"Account: {account}")
    return Notice(tuple(lines), _data(server))


@family.command(
    "set smtp <host> [{starttls|tls:security}] [account <account>]",
    level=0,
    arguments=(HOST, ACCOUNT),
    changes=True,
    examples=(
        "set smtp mail.example.com",
        "set smtp mail.example.com:587 starttls account appliance",
    ),
    form=SERVER,
)
def set_smtp(node: Node, host: str, security: str = "", account: str = "") -> Conversation[Notice]:
    """Set the mail server that notices go through.

    The port is 25, with starttls 587, with tls 465. With either the server's certificate must name
    the server and come from a CA that the operating system knows, or whose certificate is in the
    trust store of the node itself. With an account its password is asked, and never shown; it is
    sent over an encrypted connection only.

    As in the original, every account may do that, of level 0 too: it decides who gets the node's
    notices. A profile may ask for a higher level (levels).
    """
    password = ""
    if account:
        # Asked before anything is judged: typed ahead, it must not be left over as a command.
        password = yield Secret(f"Please enter the password of mail account {account} : ")
        _check_account(account, security, password)
    name, port = parse_host(host, PORTS[security])
    server: dict[str, Any] = {
        "host": name,
        "port": port,
        "security": security,
        "account": account,
        "password": password,
    }
    yield Commit(lambda transaction: transaction.put_document(paths.SMTP, server))
    shown = host_text(name, port, PORTS[security])
    return Notice((f"SMTP hostname: {shown}",), _data(server))


def _check_account(account: str, security: str, password: str) -> None:
    """Raises a ShellError with the reason why the mail server cannot be signed in to."""
    if not account.isprintable() or not account.isascii() or len(account) > _MAX_ACCOUNT:
        raise BadValue("{text} cannot be the name of a mail account", text=account)
    if not security:
        raise Refused("Signing in to the mail server needs starttls or tls")
    if not password:
        raise Cancelled("No password was given")


@family.command("delete smtp", level=1, changes=True, form=record(email_disabled=TRUTH))
def delete_smtp(node: Node) -> Conversation[Notice]:
    """Forget the mail server and its password; e-mail notices are switched off with it."""
    if not node.snapshot().document(paths.SMTP):
        raise Refused("No SMTP host is configured")
    disabled: bool = yield Commit(_forget)
    lines = ["SMTP hostname: Not Configured"]
    if disabled:
        lines.append("E-mail notification is disabled")
    return Notice(tuple(lines), {"email_disabled": disabled})


def _forget(transaction: Transaction) -> bool:
    transaction.put_document(paths.SMTP, {})
    if not transaction.settings().get("monitor", {}).get("email"):
        return False
    transaction.change_setting("monitor", email=False)
    return True


TO = Argument("address", "e-mail address that the test goes to", parse=address)


@family.command(
    "utils smtp test <address>",
    level=1,
    arguments=(TO,),
    own=True,
    changes=True,
    examples=("utils smtp test admin@example.com",),
    form=record(**SERVER, to=TEXT),
)
def try_smtp(node: Node, address: str) -> Conversation[Notice]:
    """Send a test mail through the mail server that is set.

    Says what the server has answered when it does not take the mail. Whether it arrives is for the
    recipient to see.
    """
    from cucmos_shell.node.tasks.expiry_mail import mail_server, sender, trial
    from cucmos_shell.world.unanswered import Unanswered

    snapshot = node.snapshot()
    if not snapshot.document(paths.SMTP):
        raise Refused("No SMTP host is configured", details=("Set one: set smtp HOST",))
    server = mail_server(node, snapshot)
    shown = host_text(server.host, server.port, PORTS[server.security])
    yield Progress(f"Sending a test mail to {address} by {shown}")
    message = trial(node, address, node.now())
    try:
        node.world.send_mail(server, sender(node), address, message)
    except Unanswered as error:
        raise Unavailable(
            "{host} has not taken the mail: {reason}",
            host=shown,
            reason=error.reason,
            details=("It may arrive all the same.",) if error.uncertain else (),
        ) from None
    data = {**_data(snapshot.document(paths.SMTP)), "to": address}
    return Notice((f"{shown} has taken the mail",), data)
