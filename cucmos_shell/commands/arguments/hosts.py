"""Hosts as people name them: `HOST`, `HOST:PORT`, `[IPV6]:PORT`."""

from __future__ import annotations

import re

from cucmos_shell.errors import BadValue

_FORM = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<host>(?!-)[A-Za-z0-9._-]{1,253}))"
    r"(?::(?P<port>[0-9]{1,5}))?\Z"
)


def parse_host(text: str, port: int) -> tuple[str, int]:
    """Host and port; `port` where the text has none. Raises BadValue."""
    found = _FORM.match(text)
    if found is None or not 1 <= int(found["port"] or port) <= 65535:
        raise BadValue("{text} is not of the form HOST[:PORT]", text=text)
    return found["six"] or found["host"], int(found["port"] or port)


def host_text(host: str, port: int, usual: int) -> str:
    """`HOST:PORT` as `parse_host` takes it; the port is left out if it is `usual`."""
    name = f"[{host}]" if ":" in host else host
    return name if port == usual else f"{name}:{port}"
