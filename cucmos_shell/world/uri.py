"""Which addresses of responders the node would ask: plain `http`, nothing clever in them."""

from __future__ import annotations

import re

from cucmos_shell.errors import BadValue
from cucmos_shell.results import Value

MAX_LENGTH = 2048
_FORM = re.compile(
    r"[Hh][Tt][Tt][Pp]://(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?][!-\"$-~]*)?\Z"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


class Uri(Value):
    """`path` begins with `/` and includes the query."""

    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 80 else f"{host}:{self.port}"


def parse(text: str) -> Uri:
    """The parts of an address. Raises BadValue with the reason."""
    scheme = _SCHEME.match(text)
    if not text:
        raise BadValue("The address of the responder is empty")
    if len(text) > MAX_LENGTH:
        raise BadValue(
            "The address of the responder is longer than {limit} characters", limit=MAX_LENGTH
        )
    if scheme and scheme[1].lower() != "http":
        raise BadValue("{uri}: only http is asked, not {scheme}", uri=text, scheme=scheme[1])
    found = _FORM.match(text)
    port = int(found["port"] or 80) if found else 0
    if found is None or not 1 <= port <= 65535:
        raise BadValue("{uri} is not of the form http://HOST[:PORT][/PATH]", uri=text)
    if found["six"]:
        import socket

        try:
            socket.inet_pton(socket.AF_INET6, found["six"])
        except OSError:
            raise BadValue("{uri}: not an IPv6 address", uri=text) from None
    path = found["path"] or "/"
    return Uri(found["six"] or found["host"], port, path if path[0] == "/" else "/" + path)
