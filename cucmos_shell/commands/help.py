"""`help`: the commands by what they are for, and a page for each."""

from __future__ import annotations

from cucmos_shell import commands
from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.fit import hang, prose
from cucmos_shell.cli.pipes import FILTERS
from cucmos_shell.cli.suggest import syntax
from cucmos_shell.results import Notice
from cucmos_shell.text import columns, cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.cli.grammar import Command
    from cucmos_shell.node import Node

family = Family()

# What a command does is left out where there is less room for it.
LEAST_ABOUT = 16
COMMAND = Argument("command", "words of a command", words=True, command=True)

OVERVIEW = (
    "Tab completes a word, ? shows what may follow, help COMMAND explains a command.",
    "Words may be shortened as long as they stay unique; names are typed in full.",
    "",
    "Behind show, list and file commands, one after the other:",
)


class HelpList(Notice):
    """Commands, a line each."""

    def fitted(self, width: int) -> list[str]:
        """The text for a terminal of that width: what a command does may be cut, or left out."""
        lines: list[str] = []
        for line in self.text:
            name, _, about = line.strip().partition("  ")
            if line in OVERVIEW:
                lines += hang([line], width)
            elif about and width - line.index(about.strip()) < LEAST_ABOUT:
                lines.append(cut(line[: line.index(name) + len(name)], width))
            else:
                lines.append(cut(line, width))
        return lines


class HelpOverview(HelpList):
    """All commands; stops at each page, as nothing else of the help does."""

    pages = True


class HelpPage(Notice):
    """The help of one command; its syntax is laid out as the product's."""

    def fitted(self, width: int) -> list[str]:
        """The text for a terminal of that width, whatever its syntax needs."""
        end = self.text.index("Syntax:")
        return [*prose(self.text[:end], width), *self.text[end:]]


@family.command(
    "help [<command...>]",
    level=0,
    own=True,
    arguments=(COMMAND,),
    examples=("help show cert list",),
)
def help_command(node: Node, caller: Caller, command: tuple[str, ...] = ()) -> Notice:
    """Explain a command, or list the commands there are by what they are for."""
    walker = caller.walker
    place, one = walker.command(command)
    if one is not None:
        return HelpPage(tuple(explain(one)))
    if command:
        return HelpList(tuple(walker.overview(place)))
    found = [c for c in walker.grammar.below(place) if c.level <= caller.level]
    filters = columns((f"  | {kind} {wanted}", about) for kind, (wanted, about) in FILTERS.items())
    return HelpOverview((*OVERVIEW, *filters, *_grouped(found)))


def _grouped(found: list[Command]) -> Iterator[str]:
    """The commands of each group below its name, a line each with its summary."""
    by_words = {c.words: c for c in sorted(found, key=lambda c: c.words)}
    width = max(map(len, by_words), default=0)
    for title, modules in commands.GROUPS.items():
        group = [c for c in by_words.values() if commands.module_of(c.handler) in modules]
        if group:
            yield ""
            yield f"{title}:"
        for one in group:
            yield f"  {one.words.ljust(width)}  {one.summary}"


def explain(command: Command) -> list[str]:
    """The help page of one command."""
    lines = [f"{command.words} help:", command.summary]
    if command.doc:
        lines += ["", *command.doc.splitlines()]
    if not command.changes:
        lines += ["", "Filters may follow, such as | include TEXT; | ? lists them."]
    lines += ["", *syntax(command)]
    if command.examples:
        lines += ["", "Example:", *(f"\t{line}" for line in command.examples)]
    return lines
