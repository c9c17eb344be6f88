"""What a node asks of other hosts, and how that goes wrong as a fault of the lab wants it."""

from __future__ import annotations

import errno
import os

from cucmos_shell.errors import BadValue, Unavailable
from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from cucmos_shell.world import World
    from cucmos_shell.world.faults import Fault
    from cucmos_shell.world.sftp import SftpClient
    from cucmos_shell.world.unanswered import MailServer, SyslogHost

    Meet = Callable[[str, Mapping[str, str]], Fault | None]

REFUSED = os.strerror(errno.ECONNREFUSED)
# How long mail and syslog are waited for (`world.mail`, `world.syslog`).
MAIL_SECONDS, SYSLOG_SECONDS = 30.0, 2.0
NONSENSE = b"This is no answer to that.\n"


def outward(world: World, meet: Meet) -> dict[str, Callable[..., Any]]:
    """The functions of `world` that reach other hosts, with what `meet` says goes wrong."""

    def http(uri: str, request: bytes, seconds: float) -> bytes:
        fault = meet("http", {"uri": uri})
        if fault is not None:
            if fault.do == "bad-answer":
                return NONSENSE
            _unanswered(world, fault, _place(uri), seconds, "")
        return world.http(uri, request, seconds)

    def send_mail(server: MailServer, sender: str, recipient: str, message: bytes) -> None:
        fault = meet("mail", {"host": server.host, "recipient": recipient})
        if fault is not None:
            where = f"{server.host} port {server.port}"
            _unanswered(world, fault, where, MAIL_SECONDS, "its answer is not SMTP")
        world.send_mail(server, sender, recipient, message)

    def syslog(target: SyslogHost | None, lines: list[tuple[int, str]]) -> None:
        host = "localhost" if target is None else target.host
        fault = meet("syslog", {"host": host})
        if fault is not None:
            where = host if target is None else f"{host} port {target.port}"
            _unanswered(world, fault, where, SYSLOG_SECONDS, "")
        world.syslog(target, lines)

    def sftp(host: str, port: int) -> SftpClient:
        fault = meet("sftp", {"host": host})
        if fault is not None:
            _unavailable(world, fault, f"{host}:{port}")
        return world.sftp(host, port)

    return {"http": http, "send_mail": send_mail, "syslog": syslog, "sftp": sftp}


def _place(uri: str) -> str:
    from cucmos_shell.world.uri import parse

    try:
        found = parse(uri)
    except BadValue as error:
        raise Unanswered(error.message()) from None
    return f"{found.host} port {found.port}"


def _unanswered(world: World, fault: Fault, where: str, most: float, nonsense: str) -> None:
    """Raise Unanswered, or come back after a delay; who waits longer than `most` gives up then."""
    if fault.do == "refuse":
        raise Unanswered(f"{where}: {REFUSED}")
    if fault.do == "bad-answer":
        raise Unanswered(nonsense, uncertain=True)
    late = fault.do == "dead" or fault.seconds >= most
    world.sleep(min(fault.seconds, most))
    if late:
        raise Unanswered(f"no answer within {most:g} s", late=True)


def _unavailable(world: World, fault: Fault, where: str) -> None:
    if fault.do == "refuse":
        raise Unavailable("{server}: {reason}", server=where, reason=REFUSED)
    if fault.do == "bad-answer":
        raise Unavailable("{server}: {reason}", server=where, reason="its answer is not SSH")
    world.sleep(fault.seconds)
    if fault.do == "dead":
        raise Unavailable("{server} did not answer in time", server=where)
