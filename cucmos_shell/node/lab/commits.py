"""A change of the store that goes wrong on the disk, as a fault of the lab wants it."""

from __future__ import annotations

import errno
import os

from cucmos_shell.errors import OutcomeUnknown, from_os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.world.faults import Fault


def before(fault: Fault) -> None:
    """What happens to a change that is about to be written. Raises Unavailable."""
    if fault.do == "disk-full":
        raise from_os(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "written")
    if fault.do == "read-error":
        raise from_os(OSError(errno.EIO, os.strerror(errno.EIO)), "read")


def after(fault: Fault) -> None:
    """What is said of a change that was made. Raises OutcomeUnknown."""
    if fault.do == "unknown-outcome":
        raise OutcomeUnknown(
            "The change is made, but the disk did not confirm that it will last: {reason}",
            reason=os.strerror(errno.EIO),
        )
