"""Limits that the library has no option for, and for which its private parts are used."""

from __future__ import annotations

from functools import partial

import asyncssh
import asyncssh.auth
import asyncssh.connection
import asyncssh.sftp
from asyncssh.saslprep import SASLPrepError, saslprep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

# Nobody's name or password is longer.
MAX_PREPARED = 1024
# OpenSSH's limit of a message of SFTP, and of the octets read or written by one.
MAX_MESSAGE, MAX_OCTETS = 256 * 1024, 255 * 1024


def _prepared(text: str) -> str:
    if len(text) > MAX_PREPARED:
        raise SASLPrepError("Too long")
    return saslprep(text)


def limit_library() -> None:
    """Set the limits of this module that hold for all of the process."""
    _limit_preparation()
    _limit_messages()
    _refuse_certificates()


def _limit_preparation() -> None:
    """Let asyncssh refuse names and passwords of more than 1,024 characters.

    It brings them into their normal form (RFC 4013) on the event loop before anybody is asked,
    which takes time that grows with the square of the length: half a minute for one packet. There
    is no option for it.
    """
    for module in (asyncssh.auth, asyncssh.connection):
        _replace(module, "saslprep", _prepared)


def _limit_messages() -> None:
    """Let asyncssh refuse larger messages of SFTP than OpenSSH does.

    It keeps what has come of one until it is whole, for each channel: up to four MiB.
    """
    sftp: Any = asyncssh.sftp
    _replace(sftp, "MAX_SFTP_PACKET_LEN", MAX_MESSAGE)
    _replace(sftp, "MAX_SFTP_READ_LEN", MAX_OCTETS)
    _replace(sftp, "MAX_SFTP_WRITE_LEN", MAX_OCTETS)


def _no_certificate(data: bytes) -> NoReturn:
    raise asyncssh.KeyImportError("No certificates")


def _refuse_certificates() -> None:
    """Let asyncssh look at no certificate of a key, as if they were not known.

    None signs in here, and it would check the signature of whoever is said to have made one, with a
    key of any form that its sender has chosen: ten milliseconds each, on the event loop.
    """
    _replace(asyncssh.connection, "decode_ssh_certificate", _no_certificate)


def _replace(module: Any, name: str, value: object) -> None:
    if not hasattr(module, name):
        raise RuntimeError(f"{module.__name__} has no {name}")
    setattr(module, name, value)


def held_back(connection: Any) -> int:
    """How many packets asyncssh holds back until a key exchange ends.

    It keeps them without a bound and without telling, for as long as the client lets it wait.
    """
    return len(connection._deferred_packets)


def unfinished(connection: Any) -> int:
    """How many octets asyncssh keeps of a packet that is not whole yet; it may have 256 KiB."""
    return len(connection._inpbuf)


def work_within(connection: Any, run: Callable[[Callable[[], None]], None]) -> None:
    """Let asyncssh call `run` with what works on a connection's input.

    What comes behind a packet that takes a task of its own, such as the first of a key exchange,
    is worked on after that, when nobody has given it anything.
    """
    connection._recv_data = partial(run, connection._recv_data)
