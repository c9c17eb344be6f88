"""The certificate expiry monitor: its settings, and a run of it."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.arguments.common import number
from cucmos_shell.commands.arguments.mail import addresses
from cucmos_shell.commands.dialogues.settings import change_setting
from cucmos_shell.errors import Refused
from cucmos_shell.node.expiry import unsent
from cucmos_shell.node.expiry.due import CALM_EVERY, ending, monitor_settings
from cucmos_shell.node.tasks.expiry_run import Run, next_run
from cucmos_shell.results import (
    MOMENT,
    TEXT,
    TRUTH,
    WHOLE,
    Commit,
    Notice,
    Value,
    each,
    maybe,
    one_of,
    record,
)
from cucmos_shell.store import paths
from cucmos_shell.store.locks import is_held
from cucmos_shell.text import columns, counted, iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.expiry.due import MonitorSettings
    from cucmos_shell.node.expiry.unsent import Mail, Unsent
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()

MONITOR = "monitor"
PERIOD = one_of("hours", "days")
# Seconds behind its time from which on a run is missed; cron may come once an hour.
OVERDUE = 2 * 3600.0


# --- what is set -------------------------------------------------------------------------------


class Monitor(Value):
    """The monitor as it is set, and how it is doing; `unattended`: it seems that nobody runs it."""

    form = record(
        start_days=WHOLE,
        frequency=WHOLE,
        frequency_unit=PERIOD,
        email=TRUTH,
        recipients=each(TEXT),
        smtp_host=maybe(TEXT),
        service=TEXT,
        state=TEXT,
        in_period=WHOLE,
        last_run=maybe(MOMENT),
        next_run=maybe(MOMENT),
        unattended=TRUTH,
        mail_waiting=each(
            record(
                to=TEXT,
                message_id=TEXT,
                attempts=WHOLE,
                reason=maybe(TEXT),
                not_before=MOMENT,
            )
        ),
    )

    settings: MonitorSettings
    smtp: str
    service: str
    state: str
    kept: Unsent
    ending: int
    next_run: float
    unattended: bool

    def lines(self) -> list[str]:
        """The text: labels and values, then the mail that waits."""
        settings, kept = self.settings, self.kept
        unit = settings.unit if settings.number != 1 else settings.unit[:-1]
        running = self.state == "STARTED"
        last = iso_time(kept.last_run) if kept.last_run is not None else "never"
        fields = (
            ("Notification start time", f"{counted(settings.start_days, 'day')} before expiry"),
            ("Notification frequency", f"every {settings.number} {unit}"),
            ("E-mail notification", "enabled" if settings.email else "disabled"),
            ("E-mail IDs", "; ".join(settings.recipients) or "none"),
            ("SMTP hostname", self.smtp or "Not Configured"),
            (self.service, self.state),
            ("Certificates in the notification period", str(self.ending)),
            ("Last run", last),
            ("Next run due", iso_time(self.next_run) if running else "when the service is started"),
        )
        lines = columns(((label, f": {value}") for label, value in fields), gap=1)
        if running and self.unattended:
            lines.append(
                "Nothing here runs it: start cucmos-shell serve, or let cron give the command"
            )
            lines.append("\tutils cert monitor run")
        return lines + [line for mail in kept.outbox for line in _waiting(mail)]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        settings, kept = self.settings, self.kept
        return {
            "start_days": settings.start_days,
            "frequency": settings.number,
            "frequency_unit": settings.unit,
            "email": settings.email,
            "recipients": settings.recipients,
            "smtp_host": self.smtp or None,
            "service": self.service,
            "state": self.state,
            "in_period": self.ending,
            "last_run": kept.last_run if kept.last_run is None else iso_time(kept.last_run),
            "next_run": iso_time(self.next_run) if self.state == "STARTED" else None,
            "unattended": self.unattended,
            "mail_waiting": [
                {
                    "to": mail.to,
                    "message_id": mail.id,
                    "attempts": mail.attempts,
                    "reason": mail.reason or None,
                    "not_before": iso_time(mail.after),
                }
                for mail in kept.outbox
            ],
        }


def _waiting(mail: Mail) -> list[str]:
    if not mail.attempts:
        return [f"Mail to {mail.to} waits to be sent"]
    times = "once" if mail.attempts == 1 else f"{mail.attempts} times"
    return [
        f"Mail to {mail.to} failed {times}: {safe(mail.reason)}",
        f"\tmade {iso_time(mail.made)}, to be tried again from {iso_time(mail.after)} on",
    ]


@family.command("show cert monitor", level=0, form=Monitor.form)
def show_monitor(node: Node) -> Monitor:
    """Show the settings of the certificate expiry monitor, its last run, and mail that waits.

    Says so when nothing is there to run it: neither a server of this node, nor anybody who has run
    it in time.
    """
    snapshot, now = node.snapshot(), node.now()
    settings = monitor_settings(snapshot.settings(), node.profile.defaults)
    kept = unsent.load(node.store.layout.sent)
    service = node.profile.expiry_monitor_service
    return Monitor(
        settings,
        snapshot.document(paths.SMTP).get("host", ""),
        service,
        node.services.state(service).state,
        kept,
        len(ending(snapshot, now + settings.start)),
        next_run(node),
        _unattended(node, kept, now),
    )


def _unattended(node: Node, kept: Unsent, now: float) -> bool:
    """Whether no server is there to run the monitor, and nobody else has done it in time."""
    if is_held(node.layout.schedule_lock):
        return False
    return kept.last_run is None or now > kept.last_run + CALM_EVERY + OVERDUE


DAYS = Argument("days", "days before expiry, 1 to 3650", parse=number(1, 3650))
TIMES = Argument("number", "how many, 1 to 1000", parse=number(1, 1000))


@family.command(
    "set cert monitor start <days>",
    level=1,
    arguments=(DAYS,),
    changes=True,
    form=record(start_days=WHOLE),
)
def set_start(node: Node, days: int) -> Conversation[Notice]:
    """Say how many days before a certificate expires notices begin."""
    yield change_setting(MONITOR, start_days=days)
    return Notice((f"Notices begin {counted(days, 'day')} before expiry",), {"start_days": days})


@family.command(
    "set cert monitor frequency <number> {hours|days:unit}",
    level=1,
    arguments=(TIMES,),
    changes=True,
    examples=("set cert monitor frequency 12 hours",),
    form=record(frequency=WHOLE, frequency_unit=PERIOD),
)
def set_frequency(node: Node, number: int, unit: str) -> Conversation[Notice]:
    """Say how often the notice about a certificate is repeated.

    The monitor itself runs once a day, and once an hour when a certificate has expired or will
    within a day.
    """
    yield change_setting(MONITOR, frequency=number, frequency_unit=unit)
    shown = unit if number != 1 else unit[:-1]
    data = {"frequency": number, "frequency_unit": unit}
    return Notice((f"Notices are repeated every {number} {shown}",), data)


@family.command(
    "set cert monitor email {enable|disable:state}", level=1, changes=True, form=record(email=TRUTH)
)
def set_email(node: Node, state: str) -> Conversation[Notice]:
    """Switch notices by e-mail on or off; alarms are raised either way.

    An SMTP host must be set first.
    """
    if state == "enable" and not node.snapshot().document(paths.SMTP):
        raise Refused("E-mail cannot be enabled: no SMTP host is configured (set smtp)")

    def change(transaction: Transaction) -> MonitorSettings:
        if state == "enable" and not transaction.document(paths.SMTP):
            raise Refused("E-mail cannot be enabled: no SMTP host is configured (set smtp)")
        transaction.change_setting(MONITOR, email=state == "enable")
        return monitor_settings(transaction.settings(), node.profile.defaults)

    settings: MonitorSettings = yield Commit(change)
    lines = [f"E-mail notification is {state}d"]
    if settings.email and not settings.recipients:
        lines.append("There are no recipients yet (set cert monitor recipients)")
    return Notice(tuple(lines), {"email": settings.email})


RECIPIENTS = Argument("recipients", "addresses, with ; between them", parse=addresses)


@family.command(
    "set cert monitor recipients <recipients>",
    level=1,
    arguments=(RECIPIENTS,),
    changes=True,
    examples=('set cert monitor recipients "a@example.com;b@example.com"',),
    form=record(recipients=each(TEXT)),
)
def set_recipients(node: Node, recipients: tuple[str, ...]) -> Conversation[Notice]:
    """Say who gets notices by e-mail; "" is nobody."""
    yield change_setting(MONITOR, recipients=list(recipients))
    shown = "; ".join(recipients) or "none"
    return Notice((f"E-mail IDs: {shown}",), {"recipients": recipients})


# --- a run -------------------------------------------------------------------------------------


@family.command("utils cert monitor run", level=1, own=True, changes=True, form=Run.form)
def run_monitor(node: Node) -> Conversation[Run]:
    """Let the expiry monitor look at all certificates now.

    For each one that it is time for there is an alarm, and one mail to each recipient lists them
    all. Mail that failed is tried again when its pause is over. Runs only while the service is
    started. Fails if a mail could not be sent, which then waits.
    """
    from cucmos_shell.node.tasks.expiry_run import run

    return (yield from run(node))
