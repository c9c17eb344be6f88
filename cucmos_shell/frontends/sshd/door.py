"""Who may come in to one node, and who is there: connections and channels, by protocol."""

from __future__ import annotations

import os
from collections import Counter

from cucmos_shell.frontends.descriptors import most_descriptors
from cucmos_shell.frontends.guests import Guests
from cucmos_shell.world.faults import StandingFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from cucmos_shell.frontends.host import Host
    from cucmos_shell.node import Node

    class Connection(Protocol):
        """A connection of a client."""

        def close(self) -> None:
            """End it."""

        def drop(self) -> None:
            """End it at once, without a word."""

    class Visitor(Protocol):
        """A channel of a connection; `begun` is when it began (seconds since the epoch)."""

        begun: float

        @property
        def start(self) -> tuple[int, float] | None:
            """The start of the node that its session is of; None without such a session."""

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
# Channels of an account, which hold what was sent to them; its shells have a limit of their own.
CHANNELS_EACH = 128


class WaitingRoom:
    """The connections that have not signed in: MOST at most, and nobody is kept out.

    From half of them on a new one more and more likely has an old one leave, the oldest of the
    network that has most: of those that have not tried to sign in, or of those that have, whichever
    are more. `dice` gives a number from 0 to 1.
    """

    MOST = 512

    def __init__(self, most: int, dice: Callable[[], float]) -> None:
        self._most = most
        self._dice = dice
        self._silent, self._asking = Guests(), Guests()

    def __len__(self) -> int:
        return len(self._silent) + len(self._asking)

    def enter(self, guest: Connection, network: str) -> Connection | None:
        """Take one more. Returns the one that has to leave for it, which counts no more."""
        early = self._most // 2
        full = (len(self) + 1 - early) / (self._most - early)
        leaving = self._oldest() if self._dice() < full else None
        self._silent.add(guest, network)
        return leaving

    def asks(self, guest: Connection, network: str) -> None:
        """Note that one of them has begun to sign in."""
        if self._silent.take(guest, network):
            self._asking.add(guest, network)

    def leave(self, guest: Connection, network: str) -> None:
        """Note that one has signed in, or gone."""
        self._silent.take(guest, network)
        self._asking.take(guest, network)

    def _oldest(self) -> Connection | None:
        more = max(self._silent, self._asking, key=len)
        if not more:
            return None
        network = more.largest
        guest: Connection = more.oldest(network)
        more.take(guest, network)
        return guest


class Door:
    """The admission of one node, in one of `workers` processes; `host` has threads for its work."""

    def __init__(self, node: Node, host: Host, workers: int = 1) -> None:
        self.node = node
        self.host = host
        self.started = node.now()
        self.connections: set[Connection] = set()
        self.channels: set[Visitor] = set()
        self.ending = False
        # The node is down, as a fault of a lab wants it.
        self.outage = StandingFault(node.world.fault, "node", "down")
        self.connections_most = _connections_most()
        # All processes together have no more than one would, and leave room for who signs in.
        most = min(WaitingRoom.MOST // workers, self.connections_most // 4)
        self.waiting = WaitingRoom(max(2, most), _dice)
        self._signed_in: dict[str, int] = {}
        self._channels: Counter[str] = Counter()
        # Made here, by one thread, since any session may be the first to ask for them.
        _ = node.accounts, node.logins, node.services

    def whose(self, name: str) -> str:
        """What tells an account from that of the same name on another node of the process."""
        return f"{self.node.state_dir}:{name}"

    def enter(self, connection: Connection, network: str) -> bool:
        """Let a connection in that is to sign in. Returns whether there is room for it."""
        if self.ending or len(self.connections) >= self.connections_most:
            return False
        leaving = self.waiting.enter(connection, network)
        if leaving is not None:
            leaving.drop()
        self.connections.add(connection)
        return True

    def opens(self, name: str) -> bool:
        """Count one more channel of `name`, if it may have one. Returns whether that is so."""
        if self._channels[name] >= CHANNELS_EACH:
            return False
        self._channels[name] += 1
        return True

    def shuts(self, name: str) -> None:
        """Note that a channel of `name` has gone, or is a shell."""
        self._channels[name] -= 1
        if not self._channels[name]:
            del self._channels[name]

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


def _dice() -> float:
    return os.urandom(1)[0] / 256


def _connections_most() -> int:
    """As many as there are descriptors for, with as many again left for files and folders."""
    return min(MAX_CONNECTIONS, max(16, most_descriptors() // 2))
