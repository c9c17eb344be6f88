"""A connection that has just come, as a fault of a lab wants it."""

from __future__ import annotations

import asyncio
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from cucmos_shell.world.faults import Fault

    Ask = Callable[[str, Mapping[str, str]], Fault | None]

RESET = struct.pack("ii", 1, 0)


def reset(sock: Any) -> None:
    """Have the end of a connection be a TCP reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


async def let_in(sock: socket.socket, fault: Fault) -> bool:
    """What happens to a connection that has just come; whether it goes on."""
    if fault.do == "delay":
        await asyncio.sleep(fault.seconds)
        return True
    if fault.do == "reset":
        reset(sock)
    sock.close()
    return False
