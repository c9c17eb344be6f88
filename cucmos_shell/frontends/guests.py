"""Who is there, by network: where there is room for no more, the largest network has one leave."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Guests:
    """Connections by their networks, each network's in the order in which they came."""

    def __init__(self) -> None:
        self._networks: dict[str, dict[Any, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._networks.values()))

    def add(self, guest: object, network: str) -> None:
        """Note that one has come."""
        self._networks.setdefault(network, {})[guest] = None

    def take(self, guest: object, network: str) -> bool:
        """Note that one has gone, if it was there. Returns whether that is so."""
        of_network = self._networks.get(network, {})
        if guest not in of_network:
            return False
        del of_network[guest]
        if not of_network:
            del self._networks[network]
        return True

    @property
    def largest(self) -> str:
        """The network of which most are there; there must be some."""
        return max(self._networks, key=lambda one: len(self._networks[one]))

    def oldest(self, network: str) -> Any:
        """Who of that network is there for longest; None if nobody is."""
        return next(iter(self._networks.get(network, ())), None)
