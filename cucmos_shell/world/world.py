"""The outside, as plain callables a test can replace: clock, waiting, keys, randomness."""

from __future__ import annotations

import os
import time

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from cucmos_shell.world.bus import Bus
    from cucmos_shell.world.faults import Fault
    from cucmos_shell.world.https import HttpsQuestion
    from cucmos_shell.world.sftp import SftpClient
    from cucmos_shell.world.unanswered import MailServer, SyslogHost

    T = TypeVar("T")
    PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey

# Seconds between two looks at a clock that somebody may move.
LOOK = 1.0
_CURVES = {"ec256": "SECP256R1", "ec384": "SECP384R1", "ec521": "SECP521R1"}


def new_key(kind: str) -> PrivateKey:
    """A fresh private key: `rsa1024` … `rsa4096`, `ec256`, `ec384`, `ec521`."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if kind in _CURVES:
        return ec.generate_private_key(getattr(ec, _CURVES[kind])())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))


def new_serial() -> int:
    """A positive serial number with 127 random bits (RFC 5280, 4.1.2.2 allows 20 octets)."""
    return int.from_bytes(os.urandom(16), "big") >> 1 | 1 << 120


def ask_responder(uri: str, request: bytes, seconds: float) -> bytes:
    """What an OCSP responder answers (RFC 6960, appendix A.1). Raises Unanswered."""
    from cucmos_shell.world.http import post

    return post(
        uri,
        request,
        sends="application/ocsp-request",
        takes="application/ocsp-response",
        seconds=seconds,
    )


def server_certificate(host: str, port: int, seconds: float) -> bytes:
    """The certificate that a server has for TLS, in DER. Raises Unanswered."""
    from cucmos_shell.world.https import certificate

    return certificate(host, port, seconds)


def https(question: HttpsQuestion) -> bytes:
    """What a server that is known by its certificate answers. Raises Unanswered."""
    from cucmos_shell.world.https import get

    return get(question)


def send_mail(server: MailServer, sender: str, recipient: str, message: bytes) -> None:
    """Hand a message over to a mail server. Raises Unanswered."""
    from cucmos_shell.world.mail import send

    send(server, sender, recipient, message)


def send_syslog(target: SyslogHost | None, lines: list[tuple[int, str]]) -> None:
    """Give `(severity, text)` to a host's syslog, this machine's without a target.

    Raises Unanswered.
    """
    from cucmos_shell.world import syslog

    if target is not None:
        syslog.remote(target, lines)
        return
    for severity, text in lines:
        syslog.local(severity, text)


def sftp(host: str, port: int) -> SftpClient:
    """A client of the SFTP server there, not connected yet."""
    from cucmos_shell.world.sftp import SftpClient

    return SftpClient(host, port)


def open_bus(address: str, base: str, now: Callable[[], float]) -> Bus:
    """The bus of a cluster at that address; see `world.buses`."""
    from cucmos_shell.world import buses

    return buses.open_bus(address, base, now)


def create_bus(address: str, base: str, now: Callable[[], float]) -> Bus:
    """A new bus at that address; see `world.buses`."""
    from cucmos_shell.world import buses

    return buses.create_bus(address, base, now)


def check_bus_files(folder: str) -> None:
    """Raise Unavailable unless a folder has what an etcd asks of a node; see `world.buses`."""
    from cucmos_shell.world.buses import check_files

    check_files(folder)


def wait(function: Callable[[], T]) -> T:
    """What a function gives that waits for somebody outside. Raises Busy where it may not."""
    return function()


def boot() -> str:
    """A name of this start of the machine, another one after the next; empty if it has none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read(8)
    except (OSError, ValueError):
        return ""


def no_fault(at: str, facts: Mapping[str, str]) -> Fault | None:
    """Whether something is to go wrong at a point of the code: no, outside of labs."""
    return None


# What waits for somebody outside: functions of the world, and those that give what waits.
WAIT = ("sleep", "http", "https", "server_certificate", "send_mail", "syslog")
GIVE_BUS, GIVE_CLIENT = ("open_bus", "create_bus"), ("sftp",)


class World(Value):
    """What a node may ask of the world around it.

    `now` gives seconds since the epoch, `monotonic` seconds from any origin, `sleep` takes seconds.
    `now` and `monotonic` are the node's time; where that is `movable`, by hand, nothing has passed
    of it because somebody has waited. `patience` is seconds from any origin that really pass, for
    whoever waits for others. `fault` is asked at a point of the code, with what is known there,
    whether something is to go wrong (see `faults`).
    `http` takes an address, a request and how many seconds it may last, `https` a question to a
    server that is known by its certificate, `server_certificate` host, port and seconds. Whatever
    waits for somebody outside is run by `wait`, so that whoever serves others can lend them its
    place meanwhile: of a node's world, all that WAIT and its like name; see `waiting`.
    """

    now: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    new_key: Callable[[str], PrivateKey]
    new_serial: Callable[[], int]
    http: Callable[[str, bytes, float], bytes] = ask_responder
    https: Callable[[HttpsQuestion], bytes] = https
    server_certificate: Callable[[str, int, float], bytes] = server_certificate
    send_mail: Callable[[MailServer, str, str, bytes], None] = send_mail
    syslog: Callable[[SyslogHost | None, list[tuple[int, str]]], None] = send_syslog
    sftp: Callable[[str, int], SftpClient] = sftp
    open_bus: Callable[[str, str, Callable[[], float]], Bus] = open_bus
    create_bus: Callable[[str, str, Callable[[], float]], Bus] = create_bus
    check_bus_files: Callable[[str], None] = check_bus_files
    wait: Callable[[Callable[[], Any]], Any] = wait
    boot: Callable[[], str] = boot
    patience: Callable[[], float] = time.monotonic
    movable: bool = False
    fault: Callable[[str, Mapping[str, str]], Fault | None] = no_fault

    def nap(self, seconds: float) -> float:
        """How long to wait, really, until a look whether so many of the node's have passed."""
        return min(seconds, LOOK) if self.movable else seconds

    def waiting(self) -> World:
        """The same world, whose functions that wait for somebody outside are run by `wait`."""
        if self.wait is wait:
            return self
        from cucmos_shell.world.waiting import during, giving_bus, giving_client

        kinds = ((WAIT, during), (GIVE_BUS, giving_bus), (GIVE_CLIENT, giving_client))
        made: World = self.replace(
            **{name: run(getattr(self, name), self.wait) for names, run in kinds for name in names}
        )
        return made

    @staticmethod
    def real() -> World:
        """The world as it is."""
        return World(
            now=time.time,
            monotonic=time.monotonic,
            sleep=time.sleep,
            new_key=new_key,
            new_serial=new_serial,
        )
