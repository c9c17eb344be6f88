"""The octets of a connection, between its socket and its SSH or TLS: a little at a time, by turns.

A library works through whatever a socket has, up to 256 KiB of small packets, before anybody else
is heard, and writes whatever there is to be written into a buffer without bounds.
"""

from __future__ import annotations

import asyncio

from cucmos_shell.frontends.arrivals import reset
from cucmos_shell.frontends.turns import TURN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from cucmos_shell.frontends.shares import Share
    from cucmos_shell.frontends.turns import Turns

    class Owner(Protocol):
        """Who decides about the connection."""

        def look(self) -> None:
            """Some input was worked on; see whether what it has left is within bounds."""

        def congested(self, is_so: bool) -> None:
            """What is written from now on waits here, or no longer does."""


# Octets read from the socket at once, and given on at once: as few as take a part of a turn.
READ, MIN_PIECE, PIECE = 16 * 1024, 128, 1024
SHORT, LONG = TURN / 8, TURN / 2
# What may come before the sign-in (more than 24 keys and 6 passwords), and of a request by TLS.
MAX_BEFORE_SIGN_IN = 64 * 1024
# With more than this to be sent nothing more is read; with MAX_UNSENT the connection ends.
HIGH, LOW, MAX_UNSENT = 128 * 1024, 32 * 1024, 4 * 1024 * 1024
# Packets that may wait for the end of a key exchange.
MAX_HELD = 1024
# A packet is large that has more octets than channels are told to send at once: nobody has many.
LARGE, MAX_LARGE = 40_000, 32


class Errand:
    """Something else than input that takes a turn, and `least` seconds of it."""

    def __init__(self, share: Share, function: Callable[[], object], least: float) -> None:
        self.share = share
        self.least = least
        self._function = function

    def work(self, left: Callable[[], float]) -> bool:
        """Do it."""
        self._function()
        return False


class Valve(asyncio.BufferedProtocol):
    """The transport that `inner` sees, which speaks SSH or TLS.

    `held(inner)` is how many packets it holds back itself, `unfinished(inner)` how many octets of
    one.
    """

    # What was read is copied at once, so that one place to read to is enough for all.
    _place = memoryview(bytearray(READ))

    def __init__(
        self,
        turns: Turns,
        share: Share,
        inner: Any,
        held: Callable[[Any], int] = lambda inner: 0,
        unfinished: Callable[[Any], int] = lambda inner: 0,
    ) -> None:
        self.share = share
        self.least = 0.0
        self.owner: Owner | None = None
        self.received = 0
        self._size = PIECE
        self._limit: int | None = MAX_BEFORE_SIGN_IN
        self._turns = turns
        self._inner = inner
        self._held = held
        self._unfinished = unfinished
        self._large = False
        self._transport: Any = None
        self._input = memoryview(b"")
        self._asked = self._full = self._holds = self._over = False

    # --- the protocol of the socket ---------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(HIGH, LOW)
        self._inner.connection_made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._place

    def buffer_updated(self, nbytes: int) -> None:
        self.received += nbytes
        self._input = memoryview(bytes(self._place[:nbytes]))
        self._ask()
        if self._input:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        # What came before it has its turn first; the end of the connection is told by then.
        if self._input:
            self._over = True
            return True
        self._inner.eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._input = memoryview(b"")
        self._note_large(False)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._full = True
        self._tell()

    def resume_writing(self) -> None:
        self._full = False
        self._tell()
        self._ask()

    def beside(self, function: Callable[[], object]) -> None:
        """Run what is done with input that was given before, and was not looked at."""
        self._turns.beside(self, function)

    def later(self, function: Callable[[], object], least: float = 0.0) -> None:
        """Call `function`, which is for this connection, when it is its turn.

        It counts for `least` seconds, if what comes of it takes its time elsewhere on the loop.
        """
        self._turns.ask(Errand(self.share, function, least))

    # --- turns ------------------------------------------------------------------------------------

    def signed_in(self, name: str) -> None:
        """It is of the account of that name, has its turns with it, and no limit any more."""
        self.share = self._turns.account(name)
        self.lift_limit()

    def lift_limit(self) -> None:
        """Let come whatever comes."""
        self._limit = None

    def _ask(self) -> None:
        if self._input and not self._asked and not self._full:
            self._asked = True
            self._turns.ask(self)

    def work(self, left: Callable[[], float]) -> bool:
        """Give on input, a piece at a time. Returns whether there is more for another turn."""
        before = left()
        while self._input and not self._full and before > 0:
            piece, self._input = bytes(self._input[: self._size]), self._input[self._size :]
            self._inner.data_received(piece)
            if not self._within_bounds():
                self.abort()
            now = left()
            if before - now > LONG:
                self._size = max(MIN_PIECE, self._size // 2)
            elif before - now < SHORT:
                self._size = min(PIECE, self._size * 2)
            before = now
        more = bool(self._input) and not self._full
        self._asked = more
        if not self._input and not self._transport.is_closing():
            if self._over:
                self._inner.eof_received()
            else:
                self._transport.resume_reading()
        return more

    def _within_bounds(self) -> bool:
        if self._limit is not None:
            if self.received > self._limit:
                return False
        elif not self._note_large(self._unfinished(self._inner) > LARGE):
            return False
        if self.owner is not None:
            self.owner.look()
        held = self._held(self._inner)
        if bool(held) != self._holds:
            self._holds = bool(held)
            self._tell()
        return held <= MAX_HELD

    def _note_large(self, large: bool) -> bool:
        """Note whether a large packet is not whole; whether the account may have so many."""
        self.share.large += large - self._large
        self._large = large
        return not large or self.share.large <= MAX_LARGE

    def _tell(self) -> None:
        if self.owner is not None:
            self.owner.congested(self._full or self._holds)

    # --- the transport of what is inside ----------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send `data`, or end the connection if it takes too much already."""
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self.abort()
        elif not self._transport.is_closing():
            # Afterwards, asyncio would complain about each.
            self._transport.write(data)

    def abort(self) -> None:
        """End the connection at once."""
        self._input = memoryview(b"")
        self._transport.abort()

    def reset(self) -> None:
        """End the connection by a TCP reset."""
        reset(self._transport.get_extra_info("socket"))
        self.abort()

    def close(self) -> None:
        """End the connection when what is to be sent is sent."""
        self._transport.close()

    def finish(self) -> None:
        """Send what is to be sent, and say that nothing more comes; the client ends it then."""
        if not self._transport.is_closing():
            self._transport.write_eof()

    def is_closing(self) -> bool:
        """Whether it ends, or has ended."""
        return bool(self._transport.is_closing())

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the socket's transport tells; under `valve`, this valve."""
        return self if name == "valve" else self._transport.get_extra_info(name, default)
