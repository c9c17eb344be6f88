"""What waits for somebody outside, run by the `wait` of a world: nobody has to think of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.world.bus import Bus

    Wait = Callable[[Callable[[], Any]], Any]
    Function = Callable[..., Any]


def during(function: Function, wait: Wait) -> Function:
    """A function, run by `wait`."""
    return lambda *given, **named: wait(lambda: function(*given, **named))


def giving_bus(function: Function, wait: Wait) -> Function:
    """A function that opens a bus, whose calls are run by `wait`."""
    return lambda *given: WaitingBus(wait(lambda: function(*given)), wait)


def giving_client(function: Function, wait: Wait) -> Function:
    """A function that gives a client that waits by its own `wait`: let it be this one."""

    def give(*given: Any) -> Any:
        client = wait(lambda: function(*given))
        client.wait = wait
        return client

    return give


class WaitingBus:
    """A bus, of which each call is run by `wait`; but for `close`, which nothing may keep away."""

    def __init__(self, bus: Bus, wait: Wait) -> None:
        self.close = bus.close
        self._bus = bus
        self._wait = wait

    def __getattr__(self, name: str) -> Function:
        return during(getattr(self._bus, name), self._wait)
