"""A TCP connection with one deadline for everything, the look-up of the name included."""

from __future__ import annotations

import queue
import socket
import threading
import time

from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Resolve = Callable[..., list[Any]]

LATE = "no answer within {seconds:g} s"


class Deadline:
    """A moment by which everything must be over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then. Raises Unanswered when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise self.missed()
        return left

    def over(self) -> bool:
        """Whether there are none."""
        return time.monotonic() >= self._at

    def missed(self) -> Unanswered:
        """The error for an answer that did not come in time."""
        return Unanswered(LATE.format(seconds=round(self.seconds, 1)))


def look_up(
    host: str, port: int, kind: int, deadline: Deadline, resolve: Resolve = socket.getaddrinfo
) -> list[Any]:
    """What `getaddrinfo` gives. It takes no deadline, so a thread that hangs in it is left behind:
    it holds nothing, and a process may end without it."""
    found: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(resolve(host, port, type=kind))
        except (OSError, UnicodeError, ValueError) as error:
            found.put(error)

    threading.Thread(target=ask, daemon=True, name=f"resolve {host}").start()
    try:
        answer = found.get(timeout=deadline.left())
    except queue.Empty:
        raise deadline.missed() from None
    if isinstance(answer, Exception):
        reason = getattr(answer, "strerror", None) or "not a usable name"
        raise Unanswered(f"{host} cannot be resolved: {reason}")
    if not answer:
        raise Unanswered(f"{host} has no address")
    return answer


def connect(
    host: str, port: int, deadline: Deadline, resolve: Resolve = socket.getaddrinfo
) -> socket.socket:
    """A connection to the first address of `host` that takes one; each gets its share of time."""
    addresses = look_up(host, port, socket.SOCK_STREAM, deadline, resolve)[:8]
    reason = ""
    for i, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            made = socket.socket(family, kind, protocol)
        except OSError as error:
            reason = error.strerror or str(error)
            continue
        try:
            made.settimeout(deadline.left() / (len(addresses) - i))
            made.connect(address)
            return made
        except TimeoutError:
            made.close()
            reason = ""
        except OSError as error:
            made.close()
            reason = error.strerror or str(error)
        except BaseException:
            made.close()
            raise
    if reason:
        raise Unanswered(f"{host} port {port}: {reason}")
    raise deadline.missed()
