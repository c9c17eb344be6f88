"""`help`: the commands by what they are for, and a page for each."""

from __future__ import annotations

from cucmos_shell import commands
from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.fit import hang, prose
from cucmos_shell.cli.pipes import FILTERS
from cucmos_shell.cli.suggest import syntax
from cucmos_shell.cli.walker import by_words
from cucmos_shell.errors import UnknownCommand
from cucmos_shell.results import TEXT, Notice, Value, each, record
from cucmos_shell.text import beside, columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.cli.grammar import Command
    from cucmos_shell.node import Node
    from cucmos_shell.results import Result

family = Family()

# What a command does stands below it where there is less room beside.
LEAST_ABOUT = 24
COMMAND = Argument("command", "words of a command", words=True, command=True)

MAX_WORDS = 32
LINES = record(lines=each(TEXT))
OVERVIEW = (
    "Tab completes a word, ? shows what may follow, help COMMAND explains a command.",
    "Words may be shortened as long as they stay unique; names are typed in full.",
    "",
    "Behind show, list and file commands, one after the other:",
)


class HelpList(Notice):
    """Commands, a line each."""

    def blocks(self, width: int) -> list[list[str]]:
        """For each line those that it becomes: what a command does is wrapped beside its words."""
        return [self._block(line, width) for line in self.text]

    def _block(self, line: str, width: int) -> list[str]:
        name, _, about = line.strip().partition("  ")
        if line in OVERVIEW or not about or len(line) <= width:
            return hang((line,), width)
        indent = line.index(about.strip(), line.index(name) + len(name))
        if width - indent >= LEAST_ABOUT:
            return beside(line[:indent], about.strip(), width - indent)
        return [*hang((line[:indent].rstrip(),), width), *hang((f"    {about.strip()}",), width)]


class HelpOverview(HelpList):
    """All commands; stops at each page, as nothing else of the help does."""

    pages = True


class HelpPage(Value):
    """The help of one command."""

    form = LINES

    command: Command

    def lines(self) -> list[str]:
        """The text: what it does, its syntax, examples."""
        return explain(self.command)

    def fitted(self, width: int) -> list[str]:
        """The text for a terminal of that width: sentences are broken anew."""
        return explain(self.command, width)

    def data(self) -> dict[str, list[str]]:
        """The JSON form."""
        return {"lines": self.lines()}


@family.command(
    "help [<command...>]",
    level=0,
    own=True,
    arguments=(COMMAND,),
    examples=("help show cert list",),
    form=LINES,
)
def help_command(node: Node, caller: Caller, command: tuple[str, ...] = ()) -> Result:
    """Explain a command, or list the commands there are by what they are for.

    Words that begin no command list the commands in which they occur.
    """
    walker = caller.walker
    try:
        place, one = walker.command(command)
    except UnknownCommand:
        lines = walker.overview(walker.grammar.root, command)
        if not lines:
            raise
        return _shown(HelpList, lines)
    if one is not None:
        return HelpPage(one)
    if command:
        return _shown(HelpList, walker.overview(place))
    found = [c for c in walker.grammar.below(place) if c.level <= caller.level]
    filters = columns((f"  | {kind} {wanted}", about) for kind, (wanted, about) in FILTERS.items())
    return _shown(HelpOverview, (*OVERVIEW, *filters, *_grouped(found)))


def _shown(kind: type[Notice], lines: Iterable[str]) -> Notice:
    text = tuple(lines)
    return kind(text, {"lines": text})


def _grouped(found: list[Command]) -> Iterator[str]:
    """The commands of each group below its name, a line each with its summary."""
    shown = by_words(found)
    # A few that are longer would take the room of all others.
    width = max((len(words) for words in shown if len(words) <= MAX_WORDS), default=0)
    for title, modules in commands.GROUPS.items():
        group = [c for c in shown.values() if commands.module_of(c.handler) in modules]
        if group:
            yield ""
            yield f"{title}:"
        for one in group:
            yield f"  {one.words.ljust(width)}  {one.summary}"


def explain(command: Command, width: int = 0) -> list[str]:
    """The help page of one command, for a terminal of that width (0 if unknown)."""
    lines = [f"{command.words} help:", command.summary]
    if command.doc:
        lines += ["", *command.doc.splitlines()]
    if not command.changes:
        lines += ["", "Filters may follow, such as | include TEXT; | ? lists them."]
    if width:
        lines = prose(lines, width)
    lines += ["", *syntax(command, width)]
    if command.examples:
        lines += ["", "Example:", *(f"\t{line}" for line in command.examples)]
    return lines
