"""A run of the expiry monitor: alarms first, then what is owed is written down, then mail.

A kill at any point loses nothing: an alarm or a mail is given up only when it is known to have
been taken, and repeated otherwise, the mail with the same Message-ID.
"""

from __future__ import annotations

import os

from cucmos_shell.errors import Busy, Refused, Unavailable
from cucmos_shell.node.expiry import unsent
from cucmos_shell.node.expiry.due import DAY, all_due, ending, keys, monitor_settings, run_after
from cucmos_shell.node.expiry.unsent import Mail, Unsent
from cucmos_shell.node.tasks.alarms import raise_alarms
from cucmos_shell.results import TEXT, Commit, Finding, Value, each, record, remark
from cucmos_shell.store import paths
from cucmos_shell.store.locks import try_lock
from cucmos_shell.text import iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.expiry.due import Due, MonitorSettings, Watched
    from cucmos_shell.node.logs.alarms import Raised
    from cucmos_shell.results import Conversation
    from cucmos_shell.store import Lock, Snapshot

NOTHING = "No notifications are due"


class Run(Value):
    """What a run did."""

    form = record(due=each(record(name=TEXT, alarm=TEXT)), mail_sent_to=each(TEXT))

    due: tuple[Due, ...]
    sent_to: tuple[str, ...]
    findings: tuple[Finding, ...]

    def lines(self) -> list[str]:
        """The text: alarms, mail that was sent, warnings, a line each."""
        lines = [f"{one.alarm}: {one.watched.listed}" for one in self.due]
        lines += [f"Mail sent to {to}" for to in self.sent_to]
        return (lines or [NOTHING]) + [line for one in self.findings for line in one.lines()]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        due = [{"name": one.watched.listed, "alarm": one.alarm} for one in self.due]
        return {"due": due, "mail_sent_to": self.sent_to}


def _turn(node: Node) -> Lock:
    """The right to be the one run. Raises Busy, Unavailable."""
    os.makedirs(node.layout.run, mode=0o700, exist_ok=True)
    turn = try_lock(node.layout.monitor_lock)
    if turn is None:
        raise Busy("The expiry monitor is running already")
    return turn


def run(node: Node) -> Conversation[Run]:
    """Run the monitor once. Raises Refused, Busy, Unavailable (a mail waits)."""
    service = node.profile.expiry_monitor_service
    if not node.services.running(service):
        raise Refused("{service} is not running", service=service)
    with _turn(node):
        snapshot, now = node.snapshot(), node.now()
        settings = monitor_settings(snapshot.settings(), node.profile.defaults)
        before = unsent.load(node.store.layout.sent)
        watched = ending(snapshot, now + settings.start)
        due = all_due(watched, settings, before.said, now)
        warning = ""
        if due:
            warning = node.alarms.raise_all([_alarm(node, one) for one in due])
        outbox = _outbox(node, settings, snapshot, before, watched, due, now)
        said = {**before.said, **{one.watched.key: one.notice for one in due}}
        if due:
            known = keys(snapshot)
            said = {key: notice for key, notice in said.items() if key in known}
        kept = Unsent(now, said, outbox)
        yield _saving(node, kept)
        delivered, failures = yield from _deliver(node, snapshot, kept, now)
    findings = (remark(f"Syslog did not take the alarms: {warning}"),) if warning else ()
    if failures:
        raise _failure(node, due, delivered, failures, findings)
    return Run(tuple(due), tuple(mail.to for mail in delivered), findings)


def next_run(node: Node) -> float:
    """When the monitor is to run next, which may be now (seconds since the epoch)."""
    snapshot, now = node.snapshot(), node.now()
    kept = unsent.load(node.store.layout.sent)
    soon = ending(snapshot, now + DAY)
    retries = [mail.after for mail in kept.outbox]
    return run_after(kept.last_run, soon[0].row.not_after if soon else None, retries, now)


def _saving(node: Node, kept: Unsent) -> Commit:
    """The step that replaces the record."""
    return Commit(lambda change: unsent.put(change, node.layout.sent, kept))


def _alarm(node: Node, one: Due) -> Raised:
    """Message as on 9.x systems: the date has no year and three letters of the zone."""
    from cucmos_shell.text import java_date

    date = java_date(one.watched.row.not_after, node.zone)
    zone = date.split()[-2]
    kind = "own-cert" if one.watched.own else "trust-certs"
    return node.alarms.make(
        one.alarm,
        Message=(
            "Certificate expiration Notification. "
            f"Certificate name:{one.watched.row.name}.der Unit:{one.watched.unit} Type:{kind} "
            f"Expiration:{date.rsplit(' ', 2)[0]}:000 {zone[:3]}"
        ),
    )


# --- mail --------------------------------------------------------------------------------------


def _outbox(
    node: Node,
    settings: MonitorSettings,
    snapshot: Snapshot,
    before: Unsent,
    watched: list[Watched],
    due: list[Due],
    now: float,
) -> tuple[Mail, ...]:
    """The mail that is owed now.

    What a server certainly has not taken yet is drawn together with what is new.
    """
    if not settings.email or not snapshot.document(paths.SMTP):
        return ()
    waiting = [mail for mail in before.outbox if mail.to in settings.recipients]
    if not due:
        return tuple(waiting)
    from cucmos_shell.node.tasks.expiry_mail import compose

    by_key = {one.key: one for one in watched}
    kept = [mail for mail in waiting if not mail.certain]
    fresh = []
    for to in settings.recipients:
        about = {one.watched.key: (one.watched, one.mark) for one in due}
        for mail in waiting:
            for mark in mail.marks if mail.certain and mail.to == to else ():
                key = mark.rsplit(" ", 2)[0]
                if key in by_key and key not in about:
                    about[key] = (by_key[key], mark)
        rows = sorted(about.values(), key=lambda pair: pair[0].row.not_after)
        fresh.append(compose(node, to, rows, now))
    return (*kept, *fresh)


def _deliver(
    node: Node, snapshot: Snapshot, kept: Unsent, now: float
) -> Conversation[tuple[list[Mail], list[Mail]]]:
    """Send what is ready, and write down after each what became of it."""
    from cucmos_shell.world.unanswered import Unanswered

    delivered: list[Mail] = []
    failures: list[Mail] = []
    ready = [mail for mail in kept.outbox if mail.ready(now)]
    while ready:
        mail = ready.pop(0)
        try:
            _send(node, snapshot, mail)
        except Unanswered as error:
            failed = [mail.failed(error.reason, not error.uncertain, now)]
            if error.late:
                # A server that hangs is not waited for once more for each recipient.
                failed += [one.failed(error.reason, _unasked(one, now), now) for one in ready]
                ready.clear()
            failures += failed
            by_id = {one.id: one for one in failed}
            outbox = tuple(by_id.get(one.id, one) for one in kept.outbox)
        else:
            delivered.append(mail)
            outbox = tuple(one for one in kept.outbox if one.id != mail.id)
        kept = Unsent(kept.last_run, kept.said, outbox)
        yield _saving(node, kept)
    return delivered, failures


def _unasked(mail: Mail, now: float) -> bool:
    """Whether a server certainly does not have a mail that this run has not offered to it."""
    return mail.certain or (mail.made == now and not mail.attempts)


def _send(node: Node, snapshot: Snapshot, mail: Mail) -> None:
    from cucmos_shell.node.tasks.expiry_mail import mail_server, sender

    server = mail_server(node, snapshot)
    node.world.send_mail(server, sender(node), mail.to, mail.message.encode("ascii"))


def _failure(
    node: Node,
    due: list[Due],
    delivered: list[Mail],
    failures: list[Mail],
    findings: tuple[Finding, ...],
) -> Unavailable:
    """What is said when mail waits; there is an alarm about it too."""
    reason = f"mail to {failures[0].to}: {failures[0].reason}"
    warning = raise_alarms(node, (node.alarms.make("CertExpiryError", Reason=reason),))
    details = [f"{one.alarm}: {one.watched.listed}" for one in due]
    details += [f"Mail sent to {mail.to}" for mail in delivered]
    for mail in failures:
        again = iso_time(mail.after)
        details.append(
            f"Mail to {mail.to} waits: {safe(mail.reason)}; to be tried again from {again} on"
        )
    if warning:
        findings = (*findings, remark(warning))
    details += [line for one in findings for line in one.lines()]
    error = Unavailable("Mail could not be sent", details=details)
    error.findings = findings
    return error
