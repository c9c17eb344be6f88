"""The mail about certificates that end: as text and as HTML, with the life that is used as bars.

And what is needed to send any.
"""

from __future__ import annotations

import html

from cucmos_shell.node.expiry.life import Life, bar
from cucmos_shell.node.expiry.unsent import Mail
from cucmos_shell.store import paths
from cucmos_shell.text import columns, iso_time, safe
from cucmos_shell.world.unanswered import MailServer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cucmos_shell.node import Node
    from cucmos_shell.node.expiry.due import Watched
    from cucmos_shell.store import Snapshot

LISTED = 500
_COLORS = {"expired": "#c62828", "soon": "#ef6c00", "valid": "#2e7d32", "future": "#757575"}


def compose(node: Node, to: str, about: Sequence[tuple[Watched, str]], now: float) -> Mail:
    """The mail to one recipient about certificates, each with the mark of its notice.

    Its Message-ID comes from recipient, certificates and thresholds: worked out again after a
    crash, it is the same.
    """
    import hashlib
    from email.message import EmailMessage
    from email.policy import SMTP
    from email.utils import formatdate

    marks = tuple(mark for _, mark in about)
    lives = [_life(one, now) for one, _ in about]
    fqdn = node.profile.fqdn
    digest = hashlib.sha256("\n".join((to, *sorted(marks))).encode()).hexdigest()
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    mail["Subject"] = subject(node, lives)
    mail["From"] = f"Certificate Expiry Monitor <{sender(node)}>"
    mail["To"] = to
    mail["Date"] = formatdate(now)
    mail["Message-ID"] = f"<{digest[:40]}@{fqdn}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join(text_lines(node, lives, now)) + "\n", cte="7bit")
    mail.add_alternative(html_text(node, lives, now), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{digest[40:]}")
    message = mail.as_bytes().decode("ascii")
    return Mail(mail["Message-ID"], to, message, marks, now, now)


def sender(node: Node) -> str:
    """The address that mail comes from."""
    return f"certificate-monitor@{node.profile.fqdn}"


def mail_server(node: Node, snapshot: Snapshot) -> MailServer:
    """The server that is set (`set smtp`), and whom the node trusts to have certified it."""
    server = snapshot.document(paths.SMTP)
    anchors = ""
    if server["security"]:
        rows = snapshot.trust(node.profile.node_trust_store)
        pems = [snapshot.certificate_pem(row.sha256) for row in rows if row.ca and not row.owner]
        anchors = b"".join(pems).decode("ascii")
    return MailServer(
        server["host"],
        server["port"],
        server["security"],
        server["account"],
        server["password"],
        anchors,
        node.profile.fqdn,
    )


def trial(node: Node, to: str, now: float) -> bytes:
    """A mail to `to` that says nothing but that it has arrived."""
    from email.message import EmailMessage
    from email.policy import SMTP
    from email.utils import formatdate

    fqdn = node.profile.fqdn
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    mail["Subject"] = f"[{node.hostname}] Test of the mail server"
    mail["From"] = f"Certificate Expiry Monitor <{sender(node)}>"
    mail["To"] = to
    mail["Date"] = formatdate(now)
    mail["Message-ID"] = f"<{node.world.new_serial():x}@{fqdn}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(
        f"This is a test. Notices of {fqdn} about certificates that end come this way.\n",
        cte="7bit",
    )
    return mail.as_bytes()


def _life(one: Watched, now: float) -> Life:
    row = one.row
    return Life(one.listed, row.common_name, row.key_type, row.not_before, row.not_after, now)


def _count(number: int) -> str:
    return f"{number} certificate{'' if number == 1 else 's'}"


def subject(node: Node, lives: Sequence[Life]) -> str:
    """The subject of the mail: the most urgent first, since it may be all that is read."""
    expired = sum(one.state == "expired" for one in lives)
    parts = [f"{_count(expired)} expired"] if expired else []
    if len(lives) > expired:
        left = min(one.days for one in lives if one.state != "expired")
        first = " first" if len(lives) > 1 else ""
        when = "within a day" if left < 1 else f"in {left} day{'' if left == 1 else 's'}"
        verb = "expires" if len(lives) - expired == 1 else "expire,"
        number = _count(len(lives) - expired) if not expired else str(len(lives) - expired)
        parts.append(f"{number} {verb}{first if verb[-1] == ',' else ''} {when}")
    return f"[{node.hostname}] {', '.join(parts)}"


def text_lines(node: Node, lives: Sequence[Life], now: float) -> list[str]:
    """The mail as lines of text."""
    shown = lives[:LISTED]
    rows = [
        (safe(one.name), iso_time(one.not_after)[:10], bar(one.used), one.words()) for one in shown
    ]
    lines = [
        f"Certificates of {node.profile.fqdn} that need attention, as of {iso_time(now)}:",
        "",
        *columns(rows),
    ]
    if len(lives) > LISTED:
        lines.append(f"({len(lives) - LISTED} more)")
    return [
        *lines,
        "",
        "Each bar is the part of a certificate's life that is over.",
        f"`show cert expiry` on {node.hostname} lists all certificates.",
    ]


def html_text(node: Node, lives: Sequence[Life], now: float) -> str:
    """The mail as HTML: nothing is loaded from anywhere."""
    rows = "\n".join(map(_html_row, lives[:LISTED]))
    if len(lives) > LISTED:
        rows += f'\n<tr><td colspan="4">({len(lives) - LISTED} more)</td></tr>'
    fqdn = html.escape(node.profile.fqdn)
    return f"""<!DOCTYPE html>
<html lang="en"><body style="font-family:sans-serif">
<p>Certificates of {fqdn} that need attention, as of {iso_time(now)}:</p>
<table cellpadding="4" style="border-collapse:collapse">
<tr><th align="left">Certificate</th><th align="left">Expires</th>\
<th align="left">Life used</th><th></th></tr>
{rows}
</table>
<p><code>show cert expiry</code> on {html.escape(node.hostname)} lists all certificates.</p>
</body></html>
"""


def _html_row(one: Life) -> str:
    percent = round(100 * one.used)
    color = _COLORS[one.state]
    filled = f'<td width="{percent}%" bgcolor="{color}">&nbsp;</td>' if percent else ""
    empty = f'<td width="{100 - percent}%" bgcolor="#dddddd">&nbsp;</td>' if percent < 100 else ""
    return (
        f"<tr><td>{html.escape(safe(one.name))}<br><small>{html.escape(safe(one.common_name))}"
        f"</small></td><td>{iso_time(one.not_after)[:10]}</td>"
        f'<td><table width="160" cellspacing="0" cellpadding="0"><tr>{filled}{empty}</tr></table>'
        f"</td><td>{html.escape(one.words())}</td></tr>"
    )
