"""Limits that the library has no option for, and for which its private parts are used."""

from __future__ import annotations

from functools import partial

import asyncssh.auth
import asyncssh.connection
from asyncssh.saslprep import SASLPrepError, saslprep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Nobody's name or password is longer.
MAX_PREPARED = 1024


def _prepared(text: str) -> str:
    if len(text) > MAX_PREPARED:
        raise SASLPrepError("Too long")
    return saslprep(text)


def limit_preparation() -> None:
    """Let asyncssh refuse names and passwords of more than 1,024 characters.

    It brings them into their normal form (RFC 4013) on the event loop before anybody is asked,
    which takes time that grows with the square of the length: half a minute for one packet. There
    is no option for it.
    """
    for module in (asyncssh.auth, asyncssh.connection):
        if not hasattr(module, "saslprep"):
            raise RuntimeError(f"{module.__name__} prepares names in another way")
        module.saslprep = _prepared  # type: ignore[attr-defined]


def held_back(connection: Any) -> int:
    """How many packets asyncssh holds back until a key exchange ends.

    It keeps them without a bound and without telling, for as long as the client lets it wait.
    """
    return len(connection._deferred_packets)


def work_within(connection: Any, run: Callable[[Callable[[], None]], None]) -> None:
    """Let asyncssh call `run` with what works on a connection's input.

    What comes behind a packet that takes a task of its own, such as the first of a key exchange,
    is worked on after that, when nobody has given it anything.
    """
    connection._recv_data = partial(run, connection._recv_data)
