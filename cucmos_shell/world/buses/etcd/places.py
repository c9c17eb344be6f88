"""Where an etcd is, and where in it a bus has its keys.

The address of one is etcd+https://HOST:PORT,HOST:PORT,HOST:PORT/NAME; the port is 2379 and the name
`cucmos` where they are left out.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SCHEME = "etcd+https://"
PORT = 2379
NAME = "cucmos"
MAX_MEMBERS = 9
_HOST = re.compile(
    r"(?:([A-Za-z0-9][A-Za-z0-9.-]{0,252})|\[([0-9A-Fa-f:.]{2,45})\])(?::(\d{1,5}))?\Z"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class EtcdAddress(NamedTuple):
    """The members of an etcd, each with its port, and the name of the bus."""

    members: tuple[tuple[str, int], ...]
    name: str


class EtcdPlaces(NamedTuple):
    """The keys of a bus: its head, what its items begin with, what says that one was dropped, and
    who is alive. `log` is the beginning of all but the last."""

    log: bytes
    head: bytes
    items: bytes
    gone: bytes
    alive: bytes


def places(name: str) -> EtcdPlaces:
    """Where the bus of that name has its keys."""
    root = f"/{name}/".encode("ascii")
    log = root + b"log/"
    return EtcdPlaces(log, log + b"head", log + b"i/", log + b"g/", root + b"alive/")


def parse_address(address: str) -> EtcdAddress | None:
    """What an address says; None if it is none."""
    if not address.startswith(SCHEME):
        return None
    hosts, slash, name = address[len(SCHEME) :].partition("/")
    name = name if slash and name else NAME
    members = []
    for host in hosts.split(","):
        match = _HOST.match(host)
        port = int(match[3] or PORT) if match else 0
        if match is None or not 0 < port < 65536:
            return None
        members.append((match[1] or match[2], port))
    if not _NAME.match(name) or len(members) > MAX_MEMBERS or len(set(members)) < len(members):
        return None
    return EtcdAddress(tuple(members), name)
