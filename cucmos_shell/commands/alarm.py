"""Alarms read back, and where they go besides the log."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.arguments.common import COUNT
from cucmos_shell.commands.arguments.hosts import host_text, parse_host
from cucmos_shell.commands.dialogues.settings import put_setting
from cucmos_shell.node.logs.alarms import SEVERITIES, Raised
from cucmos_shell.results import TEXT, WHOLE, Notice, Value, each, maybe, one_of, record
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()

DEFAULT_COUNT = 50
SYSLOG_PORT = 514
LOCAL, OFF, AWAY = "local", "off", "host"
TARGETS = record(
    to=one_of(LOCAL, OFF, AWAY),
    host=maybe(TEXT),
    port=maybe(WHOLE),
    transport=maybe(one_of("udp", "tcp")),
)


class AlarmList(Value):
    """Alarms, oldest first."""

    form = each(Raised.form)

    alarms: tuple[Raised, ...]

    def lines(self) -> Iterator[str]:
        """The text: time, name, severity, and below them what it is about.

        Values are safe in the log already.
        """
        if not self.alarms:
            yield "No alarms"
        for alarm in self.alarms:
            severity = SEVERITIES[alarm.severity]
            yield f"{iso_time(alarm.when)} {alarm.name} ({severity}): {alarm.text}"
            for key, value in alarm.parameters.items():
                if value and key not in ("AppID", "NodeID"):
                    yield f"\t{key}: {value}"

    def no_rows(self) -> list[int]:
        """The numbers of the lines that are no rows: what an alarm is about."""
        lines = list(self.lines())
        return [i for i, line in enumerate(lines) if line[:1] == "\t" or not self.alarms]

    def data(self) -> tuple[Raised, ...]:
        """The JSON form."""
        return self.alarms


@family.command(
    "show alarm [last <number>]",
    level=1,
    own=True,
    arguments=(COUNT,),
    pages=True,
    examples=("show alarm last 10",),
    form=AlarmList.form,
)
def show_alarm(node: Node, number: int = DEFAULT_COUNT) -> AlarmList:
    """Show the newest alarms, oldest first.

    The alarm log itself is activelog syslog/CiscoSyslog; it has each alarm on one line as syslog
    gets it.
    """
    return AlarmList(tuple(node.alarms.last(number)))


def _target(node: Node, text: str) -> str | tuple[str, int]:
    if text.casefold() in (LOCAL, OFF):
        return text.casefold()
    return parse_host(text, SYSLOG_PORT)


TARGET = Argument("host", "HOST[:PORT] of a syslog server, or local, or off", parse=_target)


@family.command(
    "set alarm syslog <host> [{udp|tcp:transport}]",
    level=1,
    arguments=(TARGET,),
    changes=True,
    examples=("set alarm syslog loghost.example.com", "set alarm syslog 192.0.2.9:6514 tcp"),
    form=TARGETS,
)
def set_syslog(
    node: Node, host: str | tuple[str, int], transport: str = "udp"
) -> Conversation[Notice]:
    """Say where alarms go besides the alarm log.

    local is the syslog of this machine, which is so until it is changed; off is nowhere. A server
    is sent UDP unless tcp is named; its port is 514 unless one is given. On this machine
    emergencies are written as alerts, since they would appear on every terminal.
    """
    if isinstance(host, str):
        setting: dict[str, Any] = {"to": host}
        where = "the syslog of this machine" if host == LOCAL else "the alarm log only"
    else:
        setting = {"to": AWAY, "host": host[0], "port": host[1], "transport": transport}
        where = f"{host_text(*host, SYSLOG_PORT)} by {transport.upper()}"
    yield put_setting("alarm_syslog", setting)
    data = {"to": setting["to"], **{key: setting.get(key) for key in ("host", "port", "transport")}}
    return Notice((f"Alarms go to {where}",), data)
