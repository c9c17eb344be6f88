"""How many files, folders and connections a process may have open."""

from __future__ import annotations

import contextlib
import resource

from cucmos_shell.errors import Unavailable

# What a node that is served holds open, what a port of a service does (one that is open is held by
# a socket, and listened at by another), and what the process does besides.
EACH, EACH_PORT, REST = 8, 2, 256


def most_descriptors() -> int:
    """As many as the process may have at all; from now on it may have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return soft


def descriptors_for(nodes: int, ports: int = 0) -> None:
    """Raise Unavailable unless the process may have enough for so many nodes, with so many ports of
    services in all."""
    needed, most = EACH * nodes + EACH_PORT * ports + REST, most_descriptors()
    if needed > most:
        what = "{nodes} nodes with {ports} TLS ports" if ports else "{nodes} nodes"
        raise Unavailable(
            f"{what} need {{needed}} open files, and this process may have {{most}}",
            details=("Raise the limit (ulimit -Hn), or serve fewer nodes by one process.",),
            nodes=nodes, ports=ports, needed=needed, most=most,
        )  # fmt: skip
