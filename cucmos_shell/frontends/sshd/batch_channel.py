"""A command without a terminal: what `batch` does, over a channel and without holding a thread."""

from __future__ import annotations

import asyncio
import contextlib

from cucmos_shell.results import Pause, Say
from cucmos_shell.session.script import Peek, Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from cucmos_shell.session.script import Script

MAX_LINE = 65_536
MAX_BUFFER = 65_536


class Input:
    """Lines that come in over a channel, with one line of look-ahead.

    `taken` is called whenever there is room again.
    """

    def __init__(self, taken: Callable[[], None]) -> None:
        self._taken = taken
        self._buffer = bytearray()
        self._ended = False
        self._news = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """More of the channel; of a line that has no end, the limit is kept and no more."""
        if len(self._buffer) > MAX_LINE and b"\n" not in self._buffer:
            data = data[data.find(b"\n") :] if b"\n" in data else b""
        self._buffer += data
        self._news.set()

    def end(self) -> None:
        """There is nothing more to come."""
        self._ended = True
        self._news.set()

    @property
    def full(self) -> bool:
        """Whether the channel should stop reading for now."""
        return len(self._buffer) > MAX_BUFFER and b"\n" in self._buffer

    async def peek(self, patience: float) -> str | None:
        """The next line without its end, left in place; None at the end, or when none comes."""
        while b"\n" not in self._buffer and not self._ended:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), patience)
            except TimeoutError:
                return None
        if not self._buffer:
            return None
        line = self._buffer.partition(b"\n")[0]
        return bytes(line).removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def take(self) -> None:
        """Take the line that `peek` showed."""
        del self._buffer[: self._buffer.find(b"\n") + 1 or len(self._buffer)]
        self._taken()


class BatchChannel:
    """Drives a script over a channel; questions are answered by what comes in (see `Script`)."""

    def __init__(
        self,
        script: Script,
        *,
        write: Callable[..., Awaitable[None]],
        off_loop: Callable[..., Awaitable[Any]],
        flow: Callable[[], None],
        patience: float,
    ) -> None:
        self._script = script
        self._write = write
        self._off_loop = off_loop
        self._patience = patience
        self._input = Input(flow)
        self._flow = flow
        self._lost = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the channel should stop reading for now."""
        return self._input.full

    def feed(self, data: bytes) -> None:
        """Bytes from the client."""
        self._input.feed(data)

    def end(self) -> None:
        """Nothing more will come."""
        self._input.end()

    def lose(self) -> None:
        """Nobody is there any more: what runs is broken off at its next step."""
        self._script.broken = True
        self._lost.set()
        self._input.end()

    def hang_up(self, reason: str = "") -> None:
        """As `lose`; the reason is not said, since a program reads what is written here."""
        self.lose()

    async def run(self) -> int:
        """Run the script. Returns the exit status of the first failure, or 0."""
        wants = self._script.run()
        answer: Any = None
        while True:
            try:
                want = wants.send(answer)
            except StopIteration as stop:
                return int(stop.value)
            answer = await self._meet(want)

    async def _meet(self, want: object) -> Any:
        if isinstance(want, Work):
            return await self._off_loop(want.function)
        # A client that has gone without being read is noticed here.
        self._flow()
        if isinstance(want, Say):
            await self._write(want.text, want.aside)
        elif isinstance(want, Pause):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), want.seconds)
        elif isinstance(want, Peek):
            return await self._input.peek(self._patience if want.seconds is None else want.seconds)
        else:
            self._input.take()
        return None
