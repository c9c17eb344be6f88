"""What a terminal needs of whom it talks to; a session is one."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.results import Value

    Work = Callable[[], object]


class NodeTime(Protocol):
    """The time of a node, which a lab may move (see `World`)."""

    @property
    def monotonic(self) -> Callable[[], float]:
        """Seconds from any origin."""

    def nap(self, seconds: float) -> float:
        """How long to wait, really, until a look whether so many of the node's have passed."""


class Running(Protocol):
    """One line being carried out (see `session`)."""

    def step(self, answer: str | None = None) -> Value:
        """The next event; `answer` belongs to the question before it."""

    def interrupt(self) -> Value:
        """The next event, after the command was broken off as by Ctrl-C."""

    def refuse(self, reason: str) -> Value:
        """The next event, after what was brought as an answer could not be taken for `reason`."""


class Suggestion(Protocol):
    """What Tab does (see `match`)."""

    @property
    def insert(self) -> str:
        """What is put on the line at the cursor."""

    @property
    def erase(self) -> int:
        """How many characters before the cursor it takes the place of."""

    @property
    def candidates(self) -> tuple[str, ...]:
        """What is listed, if there is anything."""


class Partner(Protocol):
    """Whom the terminal talks to (see `session`), and tells its width (0 if unknown)."""

    width: int

    @property
    def prompt(self) -> str:
        """What stands in front of the line."""

    def execute(self, line: str) -> Running:
        """Start `line`; the terminal drives what comes back."""

    def complete(self, text: str) -> Suggestion:
        """What Tab does after `text`."""

    def help(self, text: str) -> tuple[str, ...]:
        """The lines `?` shows after `text`."""

    def understands(self, line: str) -> bool:
        """Whether the words of `line` are a command's."""

    def remember(self, line: str) -> bool:
        """Whether `line` may be kept in a history."""
