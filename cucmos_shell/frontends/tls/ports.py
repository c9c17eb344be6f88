"""The ports of a node follow its services: a task of the process that serves.

A service that starts shows what it has loaded, one that does not run shows nothing. Of several
processes that serve a node one has its ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
from functools import partial

from cucmos_shell.errors import ShellError, Unavailable, from_os
from cucmos_shell.frontends.steps import NODE
from cucmos_shell.frontends.tls.contexts import USUAL_LEAST, context
from cucmos_shell.frontends.tls.page import page
from cucmos_shell.frontends.tls.places import opened, write_opened
from cucmos_shell.frontends.tls.port import HTTPS, Crowd, TlsPort
from cucmos_shell.node.lab.held import HeldFile
from cucmos_shell.results import Value
from cucmos_shell.store.locks import try_lock
from cucmos_shell.store.past import former, holding
from cucmos_shell.store.snapshot import read_current
from cucmos_shell.world.faults import StandingFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from typing import Any

    from cucmos_shell.frontends.host import Host
    from cucmos_shell.frontends.http import Request, Response, Route
    from cucmos_shell.frontends.tls.places import TlsPlaces
    from cucmos_shell.node import Node
    from cucmos_shell.node.services.states import Listening
    from cucmos_shell.store import Lock, Snapshot
    from cucmos_shell.world.faults import Fault

# Seconds between two looks whether anything has changed, which cost microseconds.
LOOK = 0.2
MAX_CONNECTIONS = 1024
MAX_COMPLAINTS = 20
# The setting of `set tls min-version`.
LEAST = "tls_minimum"


class Sight(Value):
    """What was seen in one look: what the ports show, and when (by the node's clock) that changes.

    `contexts` and `pages` are by the number of the row; a row without a context cannot be shown.
    """

    rows: tuple[Listening, ...]
    contexts: Mapping[int, ssl.SSLContext]
    pages: Mapping[int, Response]
    due: float | None
    complaints: tuple[str, ...]


class TlsPorts:
    """The ports of one node at `places`; `routes` are what https ports have besides their page.

    `outage` tells whether the node is switched off, as a fault wants it.
    """

    def __init__(
        self,
        node: Node,
        places: TlsPlaces,
        host: Host,
        routes: Mapping[str, Route] | None = None,
        outage: StandingFault | None = None,
    ) -> None:
        self._node = node
        self._places = places
        self._host = host
        self._routes = dict(routes or {})
        self._outage = outage or StandingFault(node.world.fault, "node", "down")
        self._lock: Lock | None = None
        self._follower: asyncio.Task[None] | None = None
        self._ports: dict[tuple[str, int], TlsPort] = {}
        self._contexts: dict[tuple[str, str, str], ssl.SSLContext] = {}
        self._services = HeldFile(node.layout.services, lambda octets: object())
        self._mark: object = None
        self._due: float | None = None
        self._failed = False
        self._crowd = Crowd(_most())
        self._said: set[str] = set()

    # --- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the ports of the services that run, unless another process has them."""
        await self.look()
        self._follower = asyncio.ensure_future(self._follow())

    def stop(self) -> None:
        """Close all ports, and end the connections."""
        if self._follower is not None:
            self._follower.cancel()
        for port in self._ports.values():
            port.close()

    @property
    def finished(self) -> bool:
        """Whether no connection is left."""
        return all(port.empty for port in self._ports.values())

    def abandon(self) -> None:
        """Nothing is left to be given up: connections have ended."""

    @property
    def gone(self) -> bool:
        """Whether no connection is left."""
        return self.finished

    def close(self) -> None:
        """Let another process have the ports."""
        if self._lock is not None:
            self._lock.release()
        self._services.close()

    # --- looking ----------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            await self.look()

    async def look(self) -> None:
        """Look whether anything has changed, and let the ports follow."""
        if not self._mine():
            return
        if self._outage.holds():
            for port in self._ports.values():
                port.drop()
        mark = self._now()
        if mark == self._mark and (self._due is None or self._node.now() < self._due):
            return
        try:
            sight: Sight = await self._host.off_loop(NODE, self._seen)
        except (ShellError, OSError) as error:
            # A store that is changed, or put back, meanwhile is no reason to complain.
            if self._failed:
                self._complain(_words(error))
            self._failed = True
            return
        self._mark, self._due, self._failed = mark, sight.due, False
        for complaint in sight.complaints:
            self._complain(complaint)
        self._apply(sight)

    def _mine(self) -> bool:
        """Whether this process has the ports."""
        if self._lock is None:
            with contextlib.suppress(ShellError):
                self._lock = try_lock(self._node.layout.tls_lock)
        return self._lock is not None

    def _now(self) -> object:
        """A mark that is another one when the services' plan or the store has changed."""
        try:
            return self._services.value(), read_current(self._node.layout)
        except ShellError:
            return None

    def _seen(self) -> Sight:
        """What the ports are to show, in a thread. Raises ShellError."""
        snapshot = self._node.snapshot()
        services = self._node.services
        rows = tuple(services.listening(snapshot))
        least = str(snapshot.settings().get(LEAST, _usual_least(self._node)))
        contexts: dict[int, ssl.SSLContext] = {}
        pages: dict[int, Response] = {}
        kept: dict[tuple[str, str, str], ssl.SSLContext] = {}
        complaints = []
        for i, row in enumerate(rows):
            if not row.sha256:
                continue
            key = (row.port.unit, row.sha256, least)
            try:
                kept[key] = kept.get(key) or self._contexts.get(key) or self._made(*key)
                contexts[i] = kept[key]
                if row.port.speaks == HTTPS:
                    pages[i] = self._page(snapshot, row)
            except (ShellError, OSError) as error:
                complaints.append(f"{_named(row)} cannot be shown: {_words(error)}")
        self._contexts = kept
        until = [row.service.until for row in rows if row.service.until is not None]
        ahead = self._node.now() - services.now()
        due = min(until) + ahead if until else None
        return Sight(rows, contexts, pages, due, tuple(complaints))

    def _made(self, unit: str, sha256: str, least: str) -> ssl.SSLContext:
        version = holding(self._node.layout, unit, sha256)
        if version is None:
            raise Unavailable("the certificate {sha256} is not there", sha256=sha256)
        return context(self._node.layout, unit, version, least)

    def _page(self, snapshot: Snapshot, row: Listening) -> Response:
        unit = row.port.unit
        found = snapshot.own(unit).row
        if found is None or found.sha256 != row.sha256:
            found = former(snapshot.layout, unit, row.sha256)
        if found is None:
            raise Unavailable("what the certificate says is not there")
        return page(self._node, row, found)

    # --- following --------------------------------------------------------------------------------

    def _apply(self, sight: Sight) -> None:
        open_rows = []
        for i, row in enumerate(sight.rows):
            port = self._port(row)
            if i not in sight.contexts:
                port.close()
                continue
            try:
                port.show((row.service.at, row.sha256), sight.contexts[i], self._said_at(sight, i))
                open_rows.append(row)
            except ShellError as error:
                self._complain(error.message())
                self._mark = None
        try:
            write_opened(self._node.layout, opened(open_rows))
        except ShellError as error:
            self._complain(error.message())

    def _said_at(self, sight: Sight, i: int) -> Mapping[str, Route]:
        if i not in sight.pages:
            return {}
        return {"/": partial(_say, sight.pages[i]), **self._routes}

    def _port(self, row: Listening) -> TlsPort:
        place = (row.service.name, row.port.port)
        if place not in self._ports:
            self._ports[place] = TlsPort(
                *(row.service.name, row.port, partial(self._places.listen, place), self._crowd),
                turns=self._host.turns,
                host=self._node.profile.fqdn,
                fault=self._node.world.fault,
                outage=self._outage,
                wrong=self._wrong,
            )
        return self._ports[place]

    async def _wrong(self, unit: str, fault: Fault) -> ssl.SSLContext | None:
        """What shows the certificate of another unit, the one that is asked for if there is any."""
        wanted = fault.arguments.get("unit")
        others = [name for name in self._node.profile.units if name != unit]
        name = wanted if wanted in self._node.profile.units else next(iter(others), None)
        if name is None:
            return None

        def made() -> ssl.SSLContext:
            version = self._node.snapshot().version(name)
            return context(self._node.layout, name, version, USUAL_LEAST)

        try:
            found: ssl.SSLContext = await self._host.off_loop(NODE, made)
        except (ShellError, OSError):
            return None
        return found

    def _complain(self, text: str) -> None:
        if text not in self._said and len(self._said) < MAX_COMPLAINTS:
            self._said.add(text)
            sys.stderr.write(f"cucmos-shell: {text}\n")
            sys.stderr.flush()


async def _say(response: Response, _: Request) -> Response:
    return response


def _usual_least(node: Node) -> str:
    tls = node.profile.tls
    return tls.versions[0] if tls is not None else USUAL_LEAST


def _named(row: Listening) -> str:
    return f"port {row.port.port} of {row.service.name}"


def _words(error: Any) -> str:
    return error.message() if isinstance(error, ShellError) else from_os(error).message()


def _most() -> int:
    """As many connections as a quarter of the descriptors there are."""
    return min(MAX_CONNECTIONS, max(16, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))
