"""A command without a terminal: what `batch` does, over a channel and without holding a thread."""

from __future__ import annotations

import asyncio

from cucmos_shell.cli.paste import PasteCollector
from cucmos_shell.cli.wording import choice
from cucmos_shell.results import Ask, AskText, Done, Paste, Pause, Say, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from cucmos_shell.session import Session

LINE_LIMIT = 65_536
BUFFER_LIMIT = 65_536
PASTE_PATIENCE = 2.0


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
        if len(self._buffer) > LINE_LIMIT and b"\n" not in self._buffer:
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
        return len(self._buffer) > BUFFER_LIMIT and b"\n" in self._buffer

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

    async def next(self, patience: float) -> str | None:
        """The next line, taken."""
        line = await self.peek(patience)
        if line is not None:
            self.take()
        return line


class BatchChannel:
    """Runs `lines` in a session; questions are answered by what comes in."""

    def __init__(
        self,
        session: Session,
        *,
        write: Callable[..., Awaitable[None]],
        off_loop: Callable[..., Awaitable[Any]],
        flow: Callable[[], None],
        patience: float,
        yes: bool = False,
        keep_going: bool = False,
    ) -> None:
        self._session = session
        self._write = write
        self._off_loop = off_loop
        self._patience = patience
        self._yes = yes
        self._keep_going = keep_going
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
        self._lost.set()
        self._input.end()

    def hang_up(self, reason: str = "") -> None:
        """The same; a program that has asked for a command is told by its status."""
        self.lose()

    async def run(self, lines: list[str]) -> int:
        """Run the lines; the exit status of the first failure, or 0."""
        first = 0
        for line in lines:
            status = await self._run_line(line)
            first = first or status
            if self._session.ended or self._lost.is_set() or (status and not self._keep_going):
                break
        return first

    async def _run_line(self, line: str) -> int:
        execution = await self._off_loop(self._session.execute, line)
        answer: str | None = None
        broken = False
        while True:
            if self._lost.is_set() and not broken:
                broken = True
                event = await self._off_loop(execution.interrupt)
            else:
                event = await self._off_loop(execution.step, answer)
            if isinstance(event, Done):
                return event.status
            # A client that has gone without being read is noticed here.
            self._flow()
            answer = await self._meet(event)

    async def _meet(self, event: object) -> str | None:
        if isinstance(event, Say):
            await self._write(event.text, event.aside)
        elif isinstance(event, Pause):
            try:
                await asyncio.wait_for(self._lost.wait(), event.seconds)
            except TimeoutError:
                return None
        elif isinstance(event, Ask):
            return await self._ask(event)
        elif isinstance(event, AskText | Secret):
            await self._question(event.prompt)
            return await self._input.next(self._patience)
        elif isinstance(event, Paste):
            await self._question(event.prompt)
            return await self._paste()
        return None

    async def _question(self, prompt: str) -> None:
        if prompt and self._session.settings.output != "json":
            await self._write(prompt.rstrip() + "\n")

    async def _ask(self, event: Ask) -> str | None:
        await self._question(event.prompt)
        if self._yes:
            # An answer that is there already is taken with it; one that may come is not waited for.
            ahead = await self._input.peek(0.0)
            if choice(ahead, event.choices) is not None:
                self._input.take()
            agreed = [word for word in ("yes", "y") if word in event.choices]
            if agreed:
                return agreed[0]
        answer = choice(await self._input.peek(self._patience), event.choices)
        if answer is not None:
            self._input.take()
        return answer

    async def _paste(self) -> str | None:
        collector = PasteCollector()
        while True:
            # Clients that keep the channel open after the last END line are not waited for.
            patience = PASTE_PATIENCE if collector.complete else self._patience
            line = await self._input.peek(patience)
            if line is None or not collector.feed(line):
                return collector.text()
            self._input.take()
