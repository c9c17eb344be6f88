"""Alarms to the machine's own syslog, or to another host's (RFC 3164, RFC 6587 section 3.4.2)."""

from __future__ import annotations

import socket
import syslog

from cucmos_shell.world.connect import Deadline, connect, look_up
from cucmos_shell.world.unanswered import SyslogHost, Unanswered

FACILITY = 23  # local7
SECONDS = 2.0
_ALERT = 1


def local(severity: int, text: str) -> None:
    """Write `text` to the syslog of this machine.

    Severity 0 becomes 1: most machines write emergencies on all terminals.
    """
    syslog.openlog("cucmos", 0, syslog.LOG_LOCAL7)
    syslog.syslog(max(severity, _ALERT), text)


def remote(target: SyslogHost, lines: list[tuple[int, str]]) -> None:
    """Send `(severity, text)` to another host, all within SECONDS. Raises Unanswered.

    That nothing was raised says little over UDP.
    """
    deadline = Deadline(SECONDS)
    packets = [f"<{FACILITY * 8 + severity}>{text}".encode() for severity, text in lines]
    try:
        if target.transport == "tcp":
            with connect(target.host, target.port, deadline) as stream:
                stream.settimeout(deadline.left())
                stream.sendall(b"".join(packet + b"\n" for packet in packets))
            return
        found = look_up(target.host, target.port, socket.SOCK_DGRAM, deadline)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as sender:
            sender.settimeout(deadline.left())
            for packet in packets:
                sender.sendto(packet, address)
    except OSError as error:
        raise Unanswered(error.strerror or type(error).__name__) from None
