"""The audit log, read back."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.cli.render import Table
from cucmos_shell.commands.arguments.common import COUNT
from cucmos_shell.node.logs.audit import LogEntry
from cucmos_shell.results import each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node

family = Family()

DEFAULT_COUNT = 50


@family.command(
    "show audit [last <number>]",
    level=1,
    own=True,
    arguments=(COUNT,),
    pages=True,
    form=each(LogEntry.form),
)
def show_audit(node: Node, number: int = DEFAULT_COUNT) -> Table:
    """Show the newest entries of the audit log, oldest first.

    Each command is there twice: when it began, and how it ended. Answers, passwords and pasted
    text are never logged.
    """
    entries = node.audit.entries(number)
    return Table(
        ("Time", "Account", "Origin", "What", "Outcome", "Command"),
        tuple(
            (
                e.when,
                e.account,
                e.origin,
                e.what,
                e.outcome,
                e.canonical if e.canonical != "-" else e.typed,
            )
            for e in entries
        ),
        entries,
        "No entries",
    )
