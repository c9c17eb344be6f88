"""How many files, folders and connections a process may have open."""

from __future__ import annotations

import contextlib
import resource

from cucmos_shell.errors import Unavailable

# What a node that is served holds open, and what the process does besides.
EACH, REST = 8, 256


def most_descriptors() -> int:
    """As many as the process may have at all; from now on it may have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return soft


def descriptors_for(nodes: int) -> None:
    """Raise Unavailable unless the process may have enough for so many nodes."""
    needed, most = EACH * nodes + REST, most_descriptors()
    if needed > most:
        raise Unavailable(
            "{nodes} nodes need {needed} open files, and this process may have {most}",
            details=("Raise the limit (ulimit -Hn), or serve fewer nodes by one process.",),
            nodes=nodes, needed=needed, most=most,
        )  # fmt: skip
