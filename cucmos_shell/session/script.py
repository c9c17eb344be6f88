"""What a batch does with its lines, without input or output; a driver does what it wants done.

A script reads as what one would type: the lines that follow a command answer its questions, as
long as they are answers, and fill its pastes.
"""

from __future__ import annotations

from cucmos_shell.cli.paste import PasteCollector, begins_block
from cucmos_shell.cli.wording import choice
from cucmos_shell.errors import untold
from cucmos_shell.results import (
    Ask,
    AskText,
    Done,
    DropAnswers,
    Paste,
    Pause,
    Say,
    Secret,
    Value,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import Any, TypeAlias, TypeVar

    from cucmos_shell.results import Event
    from cucmos_shell.session.session import Execution, Session

    T = TypeVar("T")
    Want: TypeAlias = "Say | Pause | Work | Peek | Take"
    Wants = Generator[Want, Any, T]

# Seconds that more of a paste is waited for behind an END line, where waiting is limited.
PASTE_PATIENCE = 2.0
# Lines between two blocks of a paste are no more than this.
MAX_BETWEEN = 100


class Work(Value):
    """Wanted: the result of `function`, which may take its time."""

    function: Callable[[], Any]


class Peek(Value):
    """Wanted: the next line of the input without its end, left in place; None if none comes.

    `seconds` is how long to wait for it, None for as long as the driver has patience. `secret`: a
    person who types it is not to see it.
    """

    seconds: float | None = None
    secret: bool = False


class Take(Value):
    """Wanted: the line that was peeked at is taken off the input."""


def _call(function: Callable[..., T], *arguments: object) -> Callable[[], T]:
    return lambda: function(*arguments)


class Order:
    """Which lines are commands, and when it is enough: `status` is that of the first failure."""

    def __init__(self, keep_going: bool) -> None:
        self.status = 0
        self.over = False
        self._keep_going = keep_going
        self._block: PasteCollector | None = None

    def runs(self, line: str) -> bool:
        """Whether `line` is run; of a block, only its BEGIN line is, and fails."""
        if self._block is None:
            if begins_block(line):
                self._block = PasteCollector()
                self._block.drop()
            runs = True
        else:
            runs = False
        if self._block is not None:
            self._block.feed(line)
            self._block = self._block if self._block.inside else None
        return runs

    def ended(self, status: int) -> None:
        """A command has ended."""
        self.status = self.status or status
        self.over = self.over or bool(status and not self._keep_going)


class Script:
    """Runs `lines` in a session, or without them the lines of the input itself.

    `yes` answers every yes/no question, and takes an answer that follows with it. A run stops at
    the first failure unless `keep_going`. `typed`: a person types the answers. A driver sets
    `broken` to break off what runs at its next step.
    """

    def __init__(
        self,
        session: Session,
        lines: Iterator[str] | None = None,
        *,
        yes: bool = False,
        keep_going: bool = False,
        typed: bool = False,
    ) -> None:
        self.broken = False
        self._session = session
        self._lines = lines
        self._yes = yes
        self._typed = typed
        # How many of the next lines are answers to questions that did not come, at most.
        self._answers = 0
        self._given_back: list[str] = []
        # Why the last answer cannot be taken.
        self._refused = ""
        self._order = Order(keep_going)

    def run(self) -> Wants[int]:
        """The wants of all lines; the exit status of the first failure, or 0."""
        order = self._order
        while not (order.over or self.broken or self._session.ended):
            line = (yield from self._next()) if self._lines is None else next(self._lines, None)
            if line is None:
                break
            if self._is_answer(line):
                continue
            if order.runs(line):
                order.ended((yield from self._line(line)))
        return order.status

    def _is_answer(self, line: str) -> bool:
        """Whether `line` was meant as an answer to a question that did not come."""
        if not self._answers:
            return False
        if begins_block(line) or self._session.understands(line):
            self._answers = 0
            return False
        self._answers -= 1
        return True

    def _line(self, line: str) -> Wants[int]:
        execution: Execution = yield Work(_call(self._session.execute, line))
        answer: str | None = None
        seen = False
        while True:
            breaks, seen = self.broken and not seen, seen or self.broken
            step = execution.interrupt if breaks else _call(execution.step, answer)
            if self._refused:
                step, self._refused = _call(execution.refuse, self._refused), ""
            event: Event = yield Work(step)
            if isinstance(event, Done):
                return event.status
            try:
                answer = yield from self._meet(event)
            except OSError as error:
                # Nobody reads what it says any more; the log is still to know how it ended.
                while not isinstance(event, Done):
                    event = yield Work(execution.interrupt)
                if execution.changed:
                    raise untold(error) from error
                raise

    def _meet(self, event: Event) -> Wants[str | None]:
        if isinstance(event, Ask):
            return (yield from self._ask(event))
        if isinstance(event, AskText | Secret):
            yield from self._question(event.prompt)
            return (yield from self._next(secret=isinstance(event, Secret)))
        if isinstance(event, Paste):
            yield from self._question(event.prompt + "\n")
            return (yield from self._paste())
        if isinstance(event, DropAnswers):
            yield from self._drop_answers(event.lines)
        if isinstance(event, Say | Pause):
            yield event
        return None

    def _drop_answers(self, most: int) -> Wants[None]:
        """Among the commands, when they come; of an input that is for answers only, now."""
        if self._typed:
            return
        self._answers = most
        while self._lines is not None and most:
            line = yield from self._peek(0.0)
            if line is None or begins_block(line) or self._session.understands(line):
                break
            yield from self._take()
            most -= 1

    def _next(self, secret: bool = False) -> Wants[str | None]:
        line = yield from self._peek(secret=secret)
        if line is not None:
            yield from self._take()
        return line

    def _peek(self, seconds: float | None = None, secret: bool = False) -> Wants[str | None]:
        """The next line of the input: what a paste has given back comes first."""
        if self._given_back:
            return self._given_back[0]
        line: str | None = yield Peek(seconds, secret)
        return line

    def _take(self) -> Wants[None]:
        if self._given_back:
            del self._given_back[0]
        else:
            yield Take()

    def _question(self, prompt: str) -> Wants[None]:
        if self._typed:
            yield Say(prompt)
        elif prompt and self._session.settings.output != "json":
            yield Say(prompt.rstrip() + "\n")

    def _ask(self, event: Ask) -> Wants[str | None]:
        yield from self._question(event.prompt)
        agreed = [word for word in ("yes", "y") if self._yes and word in event.choices]
        if self._typed:
            return agreed[0] if agreed else (yield from self._next())
        # An answer that may come behind commands of their own is not waited for.
        wait = None if self._lines is None or not self._yes else 0.0
        answer = choice((yield from self._peek(wait)), event.choices)
        if answer is not None:
            yield from self._take()
        return agreed[0] if agreed else answer

    def _paste(self) -> Wants[str]:
        """All blocks; lines between two of them that are no command are dropped.

        Behind the last block they are lines again.
        """
        collector, between = PasteCollector(), list[str]()
        while True:
            line = yield from self._peek(PASTE_PATIENCE if collector.complete else None)
            if line is None:
                break
            if (between and not begins_block(line)) or not collector.feed(line):
                if self._session.understands(line) or len(between) >= MAX_BETWEEN:
                    break
                between.append(line)
            else:
                between.clear()
            yield from self._take()
            if self._typed and collector.complete and not line:
                break
        self._given_back[:0] = between
        self._refused = collector.refusal()
        return collector.text()
