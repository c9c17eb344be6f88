"""What a terminal needs of whom it talks to; a session is one."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.results import Value

    Work = Callable[[], object]


class Execution(Protocol):
    """One line being carried out (see `session`)."""

    def step(self, answer: str | None = None) -> Value: ...
    def interrupt(self) -> Value: ...


class Completion(Protocol):
    """What Tab does (see `match`)."""

    @property
    def insert(self) -> str: ...
    @property
    def candidates(self) -> tuple[str, ...]: ...


class Session(Protocol):
    """Whom the terminal talks to (see `session`)."""

    @property
    def prompt(self) -> str: ...
    def execute(self, line: str) -> Execution: ...
    def complete(self, text: str) -> Completion: ...
    def help(self, text: str) -> tuple[str, ...]: ...
    def remember(self, line: str) -> bool: ...
