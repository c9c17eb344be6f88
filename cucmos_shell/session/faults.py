"""A command that goes wrong as a fault of a lab wants it."""

from __future__ import annotations

from cucmos_shell.errors import Busy, Refused
from cucmos_shell.results import Pause
from cucmos_shell.store.store import BUSY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

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
