"""Where a service of a node listens for TLS, once its port is what the node says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cucmos_shell.node import Node

# Seconds between two looks whether the server has followed.
_LOOK = 0.02


def listens(node: Node) -> bool:
    """Whether any service of the node listens for TLS."""
    return any(service.listens for service in node.profile.services.values())


def port_here(node: Node, service: str, port: int | None, seconds: float) -> int | None:
    """The port of this machine where `service` listens now; None while it is down.

    Waits until the server has followed the services. Raises LookupError where it listens nowhere,
    TimeoutError after `seconds`.
    """
    from cucmos_shell.frontends.tls.places import opened
    from cucmos_shell.store.shared_json import SharedJson

    places = SharedJson(node.layout.tls_ports).read().get(service, {})
    wanted = str(port) if port is not None else next(iter(places), "")
    if wanted not in places:
        raise LookupError(f"{service} listens nowhere{f' at {port}' if port is not None else ''}")
    deadline = time.monotonic() + seconds
    while True:
        shown = opened(node.services.listening(node.snapshot())).get(service, {})
        if SharedJson(node.layout.tls_open).read().get(service, {}) == shown:
            return int(places[wanted]) if wanted in shown else None
        if time.monotonic() > deadline:
            raise TimeoutError(f"The port of {service} has not followed in {seconds:g} s")
        time.sleep(_LOOK)
