"""Connections and their output that go wrong, as faults of a lab want it."""

from __future__ import annotations

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.world.faults import Fault

    Send = Callable[[bytes, int | None], None]

# Seconds between two pieces of slow output, and what a client gets to read what comes before an
# end: a reset throws away what it has not read.
PAUSE, LAST_PAUSE = 0.05, 0.05


def _nowhere(data: bytes, kind: int | None) -> None:
    """Where nothing is sent before there is anything."""


class Outflow:
    """What a channel sends: as it is, or late, in pieces, or up to a point, while a fault holds.

    `ask` tells whether one is to happen, `moved` is called when `waiting` has changed, `cut(how)`
    ends the connection.
    """

    def __init__(
        self,
        ask: Callable[[], Fault | None],
        moved: Callable[[], None],
        cut: Callable[[str], None],
    ) -> None:
        self._ask = ask
        self._send: Send = _nowhere
        self._moved = moved
        self._cut = cut
        self._fault: Fault | None = None
        self._queue: list[tuple[bytes, int | None]] = []
        self._limit: Limit | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._then: Callable[[], None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._queue)

    def write(self, send: Send, data: bytes, kind: int | None = None) -> None:
        """Send `data` by that function, now or later."""
        if self._fault is None:
            self._fault = self._ask()
            if self._fault is None:
                send(data, kind)
                return
            self._limit = Limit(self._fault)
        self._send = send
        self._queue.append((data, kind))
        self._go_on()
        if self._queue:
            self._moved()

    def when_empty(self, function: Callable[[], None]) -> bool:
        """Call the function when everything is sent; False, and it is not, if that is so now."""
        self._then = function if self._queue else None
        return bool(self._queue)

    def close(self) -> None:
        """Nothing more is sent."""
        self._queue.clear()
        self._then = None
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> None:
        """Send what may be sent by now."""
        if self._timer is not None:
            return
        pause: float | None = 0.0
        while self._queue and pause == 0.0:
            pause = self._piece()
        if self._queue and pause and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(pause, self._again)

    def _again(self) -> None:
        self._timer = None
        self._go_on()
        if not self._queue:
            self._moved()
            if self._then is not None:
                then, self._then = self._then, None
                then()

    def _piece(self) -> float:
        """Send a piece of what waits; seconds until the next may be."""
        fault = self._fault
        data, kind = self._queue[0]
        if fault is None or not fault.holds():
            self._fault = None
            del self._queue[0]
            if data:
                self._send(data, kind)
            return 0.0
        size, pause = len(data), 0.0
        if fault.do == "slow":
            rate = fault.number("rate") or 1
            size = max(1, int(rate * PAUSE))
            pause = size / rate
        elif fault.do == "split":
            size, pause = max(1, fault.number("count") or 1), fault.seconds
        elif self._limit is not None and (room := self._limit.take(data)) is not None:
            self._stop(data[:room], kind)
            return PAUSE
        piece, rest = data[:size], data[size:]
        self._queue[:1] = [(rest, kind)] if rest else []
        self._send(piece, kind)
        return pause

    def _stop(self, data: bytes, kind: int | None) -> None:
        """Send the last that is to be sent; what comes behind it waits, or nothing does."""
        fault, first = self._fault, self._queue[0]
        assert fault is not None
        if data:
            self._send(data, kind)
        self._queue[:1] = [(first[0][len(data) :], kind)]
        if fault.do == "cut":
            # What waits keeps the channel from ending in any other way.
            how = str(fault.arguments["how"])
            self._timer = asyncio.get_running_loop().call_later(LAST_PAUSE, self._cut, how)
        else:
            self._limit = Limit(fault.replace(arguments={"bytes": 0}))


class Limit:
    """Up to where output goes: so many octets, lines, or up to the end of a text; at once else."""

    def __init__(self, fault: Fault) -> None:
        self._octets = fault.number("bytes")
        self._lines = fault.number("lines")
        self._text = fault.text.encode()
        if self._octets is None and self._lines is None and not self._text:
            self._octets = 0
        self._before = b""

    def take(self, data: bytes) -> int | None:
        """How much of `data` goes out, None for all of it."""
        ends = []
        if self._octets is not None:
            ends.append(self._octets if len(data) >= self._octets else None)
            self._octets = max(0, self._octets - len(data))
        if self._lines is not None:
            ends.append(_after(data, b"\n", self._lines))
            self._lines = max(0, self._lines - data.count(b"\n"))
        if self._text:
            seen = self._before + data
            found = seen.find(self._text)
            end = found + len(self._text) - len(self._before)
            ends.append(max(0, end) if found >= 0 else None)
            self._before = seen[-len(self._text) :]
        return min((end for end in ends if end is not None), default=None)


def _after(data: bytes, mark: bytes, count: int) -> int | None:
    """Where in `data` the `count`-th of its marks ends; None if it has not so many."""
    end = 0
    for _ in range(count):
        end = data.find(mark, end) + 1
        if not end:
            return None
    return end


class Pasting:
    """What comes in a paste; `ask` tells of a fault, `cut(how)` ends the connection."""

    def __init__(self, ask: Callable[[], Fault | None], cut: Callable[[str], None]) -> None:
        self._ask = ask
        self._cut = cut
        self._fault: Fault | None = None
        self._lines = 0

    def over(self) -> None:
        """Nothing is pasted now."""
        self._fault = None
        self._lines = 0

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """What of `data` arrives, and whether it is to be shown."""
        self._fault = self._fault or self._ask()
        if self._fault is None or not self._fault.holds():
            return data, True
        if self._fault.do == "drop-echo":
            return data, False
        most = self._fault.number("lines") or 0
        lines = data.replace(b"\r\n", b"\r").replace(b"\n", b"\r").count(b"\r")
        self._lines += lines
        if self._lines < most:
            return data, True
        loop = asyncio.get_running_loop()
        loop.call_later(LAST_PAUSE, self._cut, str(self._fault.arguments["how"]))
        return b"", True
