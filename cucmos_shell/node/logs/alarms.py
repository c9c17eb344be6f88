"""Alarms: what they are called and say, their log, and the way to syslog.

`log/syslog/CiscoSyslog` below the node's state, one line each, in the product's form (CLI reference
section 8, message bodies of 9.x systems):
`%FACILITY-SEVERITY-NAME: %[Parameter=value]…[ClusterID=][NodeID=host]: text`
"""

from __future__ import annotations

import re
import time

from cucmos_shell.errors import Busy
from cucmos_shell.results import MOMENT, TEXT, WHOLE, Value, each, record
from cucmos_shell.store.logfile import LogFile
from cucmos_shell.text import iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from cucmos_shell.world import World
    from cucmos_shell.world.unanswered import SyslogHost

MAX_SIZE, MAX_FILES = 1024 * 1024, 6
SEVERITIES = (
    "emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug",
)  # fmt: skip
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Alarm(Value):
    """A kind of alarm; `parameters` are its own, the ones about the node follow them."""

    severity: int
    text: str
    parameters: tuple[str, ...] = ("Message",)
    facility: str = "UC_CERT"
    application: str = "Cisco Certificate Monitor"


_SERVICE = {"facility": "UC_SERVICEMANAGER", "application": "Cisco Service Manager"}
CATALOGUE = {
    "CertExpired": Alarm(0, "Certificate has Expired and needs to be changed at the earliest"),
    "CertValidLessthanADay": Alarm(
        1, "Certificate is about to Expire in less than 24 hours and needs to be changed"
    ),
    "CertValidfor7days": Alarm(2, "Certificate is about to Expire in less than 7 days"),
    "CertValidLessThanMonth": Alarm(4, "Certificate is about to Expire in 30 days or less"),
    "CertValidityOver30Days": Alarm(
        5, "Certificate expiry is approaching but the expiry date is more than 30 days away"
    ),
    "CertExpiryApproaching": Alarm(6, "Certificate has come within the notification period"),
    "CertExpiryError": Alarm(
        3, "The certificate expiry monitor could not do its work", ("Reason",)
    ),
    "TomcatCertRegen": Alarm(2, "Certificate was generated or uploaded; restart its services"),
    "CertificateRevoked": Alarm(0, "An uploaded certificate is revoked", ("Message", "Reason")),
    "CertificateRevokationStatusByOCSP": Alarm(
        4, "The revocation status of an uploaded certificate is not known", ("Message", "Reason")
    ),
    "CertificateKeptOut": Alarm(4, "A change of the cluster's trust stores has no effect here"),
    "ClusterStranger": Alarm(
        2, "Somebody who is no member has written to the bus of the cluster"
    ),
    "ClusterPeerNotFollowed": Alarm(
        3, "A peer of the cluster cannot be followed", ("Peer", "Reason")
    ),
    "ClusterUnreachable": Alarm(3, "The bus of the cluster cannot be used", ("Reason",)),
    "ServiceStartFailed": Alarm(
        2, "Failed to start service.", ("ServiceName", "Reason"), **_SERVICE
    ),
    "ServiceFailed": Alarm(2, "Service terminated.", ("ServiceName", "Reason"), **_SERVICE),
}  # fmt: skip
RENEWED = CATALOGUE["TomcatCertRegen"]

_LINE = re.compile(
    r"\w{3} [ \d]\d [\d:]{8} \S+ local7 \d : \S+ (?P<date>\w{3} [ \d]\d \d{4} [\d:]{8}\.\d{3})"
    r" UTC : %(?P<facility>[A-Z_]+)-(?P<severity>[0-7])-(?P<name>\w+): "
    r"%\[(?P<parameters>[^\]]*(?:\]\[[^\]]*)*)\]: (?P<text>.*)\Z"
)


class Raised(Value):
    """An alarm as it was raised; `parameters` are its own and the node's."""

    form = record(
        when=MOMENT,
        alarm=TEXT,
        severity=WHOLE,
        facility=TEXT,
        parameters=each(record(parameter=TEXT, value=TEXT)),
        text=TEXT,
    )

    when: float
    name: str
    severity: int
    facility: str
    parameters: dict[str, str]
    text: str

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "when": iso_time(self.when),
            "alarm": self.name,
            "severity": self.severity,
            "facility": self.facility,
            "parameters": [{"parameter": k, "value": v} for k, v in self.parameters.items()],
            "text": self.text,
        }


def value_text(text: str) -> str:
    """A parameter's value: safe, and free of the brackets that end it."""
    return safe(text).replace("[", "\\u{5B}").replace("]", "\\u{5D}")


def make(name: str, when: float, node: str, **parameters: str) -> Raised:
    """The alarm `name`; parameters it does not have are a programmer's mistake.

    A profile may have names of its own for a unit's new certificate: what CATALOGUE does not know
    is one of them.
    """
    kind = CATALOGUE.get(name, RENEWED)
    if set(parameters) != set(kind.parameters):
        raise ValueError(f"{name} takes {kind.parameters}, not {tuple(parameters)}")
    filled = {key: value_text(parameters[key]) for key in kind.parameters}
    filled |= {"AppID": kind.application, "ClusterID": "", "NodeID": node}
    return Raised(when, name, kind.severity, kind.facility, filled, kind.text)


def body(alarm: Raised) -> str:
    """The message as syslog gets it."""
    inner = "".join(f"[{key}={value}]" for key, value in alarm.parameters.items())
    return f"%{alarm.facility}-{alarm.severity}-{alarm.name}: %{inner}: {alarm.text}"


def stamp(when: float) -> str:
    """RFC 3164's date, in UTC."""
    t = time.gmtime(when)
    return f"{_MONTHS[t.tm_mon - 1]} {t.tm_mday:2d} {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"


def line(alarm: Raised, host: str, fqdn: str) -> str:
    """The alarm as a line of the log."""
    date, clock = stamp(alarm.when).rsplit(" ", 1)
    year = time.gmtime(alarm.when).tm_year
    thousandths = int(alarm.when % 1 * 1000)
    return (
        f"{date} {clock} {host} local7 {alarm.severity} : {fqdn}: "
        f"{date} {year:04d} {clock}.{thousandths:03d} UTC : {body(alarm)}"
    )


def parse(text: str) -> Raised | None:
    """The alarm in a line of the log; None if the line is none (or was cut short)."""
    found = _LINE.match(text)
    if found is None:
        return None
    month, day, year, clock = found["date"].split()
    hour, minute, rest = clock.split(":")
    second, _, thousandths = rest.partition(".")
    if month not in _MONTHS:
        return None
    import calendar

    moment = (
        int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second)
    )  # fmt: skip
    pairs = (pair.partition("=") for pair in found["parameters"].split("]["))
    return Raised(
        calendar.timegm(moment) + int(thousandths) / 1000,
        found["name"],
        int(found["severity"]),
        found["facility"],
        {key: value for key, _, value in pairs},
        found["text"],
    )


class Alarms:
    """Raises alarms on one node, and reads back what was raised.

    `path(n)` is the file that was their log `n` rotations ago. `target` says where syslog is: a
    host, None for this machine, False for nowhere.
    """

    def __init__(
        self,
        path: Callable[[int], str],
        world: World,
        host: str,
        fqdn: str,
        target: Callable[[], SyslogHost | bool | None],
        *,
        max_size: int = MAX_SIZE,
    ) -> None:
        self._log = LogFile("alarm log", path, max_size=max_size, max_files=MAX_FILES, durable=True)
        self._world = world
        self._host = host
        self._fqdn = fqdn
        self._target = target

    def make(self, name: str, **parameters: str) -> Raised:
        """The alarm as it would be raised now."""
        return make(name, self._world.now(), self._host, **parameters)

    def raise_all(self, alarms: Iterable[Raised]) -> str:
        """Write alarms to the log, then to syslog. Raises Unavailable when the log takes none.

        Returns why syslog did not take them, or nothing: that is no reason for a failure.
        """
        raised = tuple(alarms)
        if not raised:
            return ""
        lines = "".join(f"{line(alarm, self._host, self._fqdn)}\n" for alarm in raised)
        self._log.append(lines.encode("ascii", "backslashreplace"))
        return self._to_syslog(raised)

    def _to_syslog(self, raised: tuple[Raised, ...]) -> str:
        from cucmos_shell.world.unanswered import SyslogHost, Unanswered

        target = self._target()
        if target is False:
            return ""
        if isinstance(target, SyslogHost):
            lines = [(a.severity, f"{stamp(a.when)} {self._host} {body(a)}") for a in raised]
        else:
            target, lines = None, [(a.severity, body(a)) for a in raised]
        try:
            self._world.syslog(target, lines)
        except Unanswered as error:
            return error.reason
        except Busy as error:
            return error.message()
        return ""

    def last(self, count: int | None = None) -> list[Raised]:
        """The newest `count` alarms that are kept, oldest first; all of them without a count.

        Raises Unavailable.
        """
        found: list[Raised] = []
        for data in self._log.contents():
            lines = data.decode("ascii", "backslashreplace").splitlines()
            wanted = lines if count is None else lines[-max(0, 2 * count) :]
            found[:0] = [alarm for alarm in map(parse, wanted) if alarm is not None]
            if count is not None and len(found) >= count:
                break
        return found if count is None else found[-count:]
