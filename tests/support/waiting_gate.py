"""A `World.wait` that knows who waits, and what may only be used by it."""

from cucmos_shell.errors import Busy
from cucmos_shell.world.buses.memory import MemoryCluster

CROWDED = "Nobody else may wait"


class Gate:
    """A `wait` that knows what it has let through, and what is inside; `shut`, it lets nobody."""

    def __init__(self):
        self.shut = False
        self.passed = self.inside = 0

    def __call__(self, function):
        if self.shut:
            raise Busy(CROWDED)
        self.passed += 1
        self.inside += 1
        try:
            return function()
        finally:
            self.inside -= 1


class WatchedBus:
    """A bus that is only used from within a gate."""

    def __init__(self, bus, gate):
        self._bus = bus
        self._gate = gate
        self.close = bus.close

    def __getattr__(self, name):
        def call(*given):
            assert self._gate.inside == 1, name
            return getattr(self._bus, name)(*given)

        return call


class WatchedCluster(MemoryCluster):
    """What the buses of a cluster share, each of which is used from within the gate."""

    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def open(self, now):
        """One of its buses."""
        return WatchedBus(super().open(now), self.gate)
