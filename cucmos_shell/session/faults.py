"""A command that goes wrong as a fault of a lab wants it."""

from __future__ import annotations

from cucmos_shell.errors import Busy, Refused, Unavailable
from cucmos_shell.results import Pause
from cucmos_shell.store.store import BUSY, PATIENCE, RETRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.world.faults import Fault


def meet(fault: Fault) -> Iterator[Pause]:
    """What happens to the command: it waits, or ends. Raises Refused, Busy, RuntimeError."""
    if fault.do == "refuse":
        raise Refused("{reason}", reason=fault.text)
    if fault.do == "busy":
        raise Busy(BUSY)
    if fault.do == "internal-error":
        raise RuntimeError("a fault of the lab")
    yield Pause(fault.seconds)


def lose_node(fault: Fault, node: Node, caller: Caller) -> Iterator[Pause]:
    """What happens to a session whose node goes away: it ends, and so does the command.

    Raises Unavailable, Refused; Busy where the node cannot be restarted.
    """
    if fault.do == "down":
        caller.end()
        raise Unavailable("The node is down")
    deadline = node.world.patience() + PATIENCE
    while (lock := node.store.try_lock()) is None:
        if node.world.patience() >= deadline:
            raise Busy(BUSY)
        yield Pause(RETRY)
    with lock:
        node.change(lock, "lab", "lab fault", node.services.restart_node)
    caller.end()
    raise Refused("The node has been restarted: this session is over")
