"""Who may come in to one node, and who is there: connections and channels, by protocol."""

from __future__ import annotations

import contextlib
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from cucmos_shell.frontends.host import Host
    from cucmos_shell.node import Node

    class Connection(Protocol):
        """A connection of a client."""

        def close(self) -> None:
            """End it."""

    class Visitor(Protocol):
        """A channel of a connection; `begun` is when it began (seconds since the epoch)."""

        begun: float

        @property
        def finished(self) -> bool:
            """Whether nothing is done in it any more."""

        def hang_up(self, reason: str = "") -> None:
            """End it, with the step that runs."""

        def abandon(self) -> None:
            """The process ends, and what runs here does not."""

        def node_restarted(self, again: bool) -> None:
            """The node was restarted; everything ends when told `again`."""


MAX_CONNECTIONS, CONNECTIONS_EACH = 8192, 512


class Throttle:
    """Counts the connections that have not signed in yet: ALL at most, and EACH of one address."""

    ALL, EACH = 512, 256

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}
        self._count = 0

    def enter(self, address: str) -> bool:
        """Count one more of `address`, if there may be one more. Returns whether that is so."""
        if self._count >= self.ALL or self._waiting.get(address, 0) >= self.EACH:
            return False
        self._count += 1
        self._waiting[address] = self._waiting.get(address, 0) + 1
        return True

    def leave(self, address: str) -> None:
        """Note that a connection of `address` has signed in, or gone."""
        self._count -= 1
        self._waiting[address] -= 1
        if not self._waiting[address]:
            del self._waiting[address]


class Door:
    """The admission of one node, in one process; `host` has the threads for its work."""

    def __init__(self, node: Node, host: Host) -> None:
        self.node = node
        self.host = host
        self.started = node.now()
        self.throttle = Throttle()
        self.connections: set[Connection] = set()
        self.channels: set[Visitor] = set()
        self.ending = False
        self.connections_most = _connections_most()
        self._signed_in: dict[str, int] = {}
        # Made here, by one thread, since any session may be the first to ask for them.
        _ = node.accounts, node.logins, node.services

    def enter(self, connection: Connection, address: str) -> bool:
        """Let a connection in that is to sign in. Returns whether there is room for it."""
        full = len(self.connections) >= self.connections_most
        if self.ending or full or not self.throttle.enter(address):
            return False
        self.connections.add(connection)
        return True

    def admit(self, name: str) -> bool:
        """Count one more connection of `name`, if it may have one. Returns whether that is so."""
        count = self._signed_in.get(name, 0)
        if count >= min(CONNECTIONS_EACH, self.connections_most // 2):
            return False
        self._signed_in[name] = count + 1
        return True

    def dismiss(self, name: str) -> None:
        """Note that one of the connections of `name` has gone."""
        self._signed_in[name] -= 1
        if not self._signed_in[name]:
            del self._signed_in[name]


def _connections_most() -> int:
    """As many as there are descriptors for, with as many again left for files and folders."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return min(MAX_CONNECTIONS, max(16, soft // 2))
