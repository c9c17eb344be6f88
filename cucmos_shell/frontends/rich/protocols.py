"""What the rich console needs of a session beyond what a terminal does."""

from __future__ import annotations

from typing import Protocol

from cucmos_shell.terminal.protocols import Partner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from prompt_toolkit.document import Document

    from cucmos_shell.cli.marks import Mark
    from cucmos_shell.cli.suggest import Menu


class KnowsLines(Protocol):
    """What lines mean (see `cli.walker`); may be asked in any thread, and raise ShellError."""

    def menu(self, text: str) -> Menu:
        """All that may stand where `text` ends."""

    def marks(self, text: str, end: Menu | None = None) -> tuple[Mark, ...]:
        """Which words of `text` are understood, and which is wrong; `end`: the menu at its end."""

    def families(self) -> Iterator[object]:
        """Makes ready what menus need, a step at a time."""


class RichPartner(Partner, Protocol):
    """Whom the rich console talks to."""

    @property
    def walker(self) -> KnowsLines:
        """What its lines mean."""


class EditedLine(Protocol):
    """The line that keys are for."""

    def complete(self) -> None:
        """Answer Tab."""

    def close_menu(self) -> None:
        """Answer Escape."""

    def show_help(self, document: Document) -> None:
        """Answer `?` above the line."""
