"""Where the ports of services are on this machine: held from the start on, and written down.

`run/ports.json` is `{SERVICE: {PORT: PORT HERE}}`. What is open of that, with which certificates,
is in `run/ports-open.json`.
"""

from __future__ import annotations

import contextlib
import json
import os

from cucmos_shell.errors import Unavailable, UsageError, from_os
from cucmos_shell.frontends.listeners import bound, listening
from cucmos_shell.store.durable import SECRET_FILE_MODE, SECRET_FOLDER_MODE, replace
from cucmos_shell.store.locks import is_held
from cucmos_shell.store.shared_json import SharedJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Mapping
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.services.states import Listening
    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store.paths import Layout

    # A service, and the port that the product has for it.
    Place = tuple[str, int]

FREE, REAL = "0", "real"
BACKLOG = 128
MAX_PORT = 65_535


class TlsPlaces:
    """The ports of one node. A port whose service is down is held, but nobody listens there."""

    def __init__(self, layout: Layout, host: str, held: Mapping[Place, socket.socket]) -> None:
        self._layout = layout
        self._held = dict(held)
        self._host = host
        self.ports = {place: int(sock.getsockname()[1]) for place, sock in held.items()}

    def write(self) -> None:
        """Write down which port is where. Raises Unavailable."""
        services: dict[str, dict[str, int]] = {}
        for (service, port), here in self.ports.items():
            services.setdefault(service, {})[str(port)] = here
        _write(self._layout, self._layout.tls_ports, services)

    def lines(self) -> list[str]:
        """A line for each, for whoever has started the server."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return [
            f"Port {port} of {service} at {host}:{here}"
            for (service, port), here in self.ports.items()
        ]

    def listen(self, place: Place) -> socket.socket:
        """A socket that listens there, for whoever closes it. Raises Unavailable."""
        return listening(self._host, self.ports[place], BACKLOG, _named(place))

    def remove(self) -> None:
        """Give all of it up, with the files that tell of it."""
        for sock in self._held.values():
            sock.close()
        for path in (self._layout.tls_ports, self._layout.tls_open):
            with contextlib.suppress(OSError):
                os.unlink(path)


def hold(node: Node, host: str, where: str) -> TlsPlaces:
    """Hold the ports of the node: `0` free ones, `real` the product's, `+N` these and N more.

    Raises UsageError, Unavailable.
    """
    there = wanted(node.profile, where)
    if not there:
        raise UsageError(
            "--tls-ports: the node knows no service that listens",
            details=("utils profile refresh tells a node of an earlier version.",),
        )
    if is_held(node.layout.tls_lock):
        raise Unavailable("Another server has the TLS ports of this node")
    held: dict[Place, socket.socket] = {}
    try:
        for place, port in there.items():
            held[place] = bound(host, port, _named(place))
        places = TlsPlaces(node.layout, host, held)
        places.write()
    except BaseException:
        for sock in held.values():
            sock.close()
        raise
    return places


def wanted(profile: Profile, where: str) -> dict[Place, int]:
    """The ports that `hold` holds for a node of that profile. Raises UsageError."""
    found = {}
    for name, service in profile.services.items():
        for row in service.listens:
            if row.unit not in profile.units:
                continue  # Only the publisher has it.
            port = 0 if where == FREE else row.port if where == REAL else row.port + int(where)
            if port > MAX_PORT:
                raise UsageError(
                    "--tls-ports {where}: there is no port {port} for {service}",
                    where=where,
                    port=port,
                    service=name,
                )
            found[name, row.port] = port
    return found


def _named(place: Place) -> str:
    return f"port {place[1]} of {place[0]}"


# --- what is open -----------------------------------------------------------------------------


def opened(rows: Iterable[Listening]) -> dict[str, dict[str, Any]]:
    """Service → since when it runs, and port → SHA-256 of what is shown there, where it is open."""
    services: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.sha256:
            known = services.setdefault(row.service.name, {"since": row.service.at})
            known[str(row.port.port)] = row.sha256
    return services


def write_opened(layout: Layout, open_ports: Mapping[str, Any]) -> None:
    """Write down what `opened` says once that is so. Raises Unavailable."""
    _write(layout, layout.tls_open, open_ports)


def _write(layout: Layout, path: str, data: Mapping[str, Any]) -> None:
    try:
        os.makedirs(layout.run, SECRET_FOLDER_MODE, exist_ok=True)
        replace(path, json.dumps(data).encode("ascii"), SECRET_FILE_MODE, durable=False)
    except OSError as error:
        raise from_os(error, "written", path) from error


def served(layout: Layout) -> dict[str, dict[str, dict[str, Any]]]:
    """Service → its port → where that is here (`at`), and whether it is `open`.

    Empty where nobody serves them. Raises OSError.
    """
    if not is_held(layout.tls_lock):
        return {}
    open_ports = SharedJson(layout.tls_open).read()
    return {
        service: {
            port: {"at": here, "open": port in open_ports.get(service, {})}
            for port, here in ports.items()
        }
        for service, ports in SharedJson(layout.tls_ports).read().items()
    }
