"""Where mail goes."""

from __future__ import annotations

from cucmos_shell.errors import BadValue

MAX_RECIPIENTS = 50
# Only what an envelope may hold: `smtplib` itself would pass line breaks on.
_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}"


def address(_: object, text: str) -> str:
    """The one address that `text` is. Raises BadValue."""
    # Showing the monitor need not load it.
    import re

    if not re.fullmatch(_ADDRESS, text):
        raise BadValue("{text} is not an e-mail address", text=text)
    return text


def addresses(_: object, text: str) -> tuple[str, ...]:
    """The addresses in `a@x.org;b@y.org`, each once. Raises BadValue."""
    found = [part.strip(" ") for part in text.split(";")]
    found = [address(_, part) for part in dict.fromkeys(found) if part]
    if len(found) > MAX_RECIPIENTS:
        raise BadValue("There are more than {limit} recipients", limit=MAX_RECIPIENTS)
    return tuple(found)
