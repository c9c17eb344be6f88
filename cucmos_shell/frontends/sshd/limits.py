"""A limit on what anybody who connects may make the event loop normalize."""

from __future__ import annotations

import asyncssh.auth
import asyncssh.connection
from asyncssh.saslprep import SASLPrepError, saslprep

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
