"""The command reference, cut from the grammar so that it cannot rot."""

from __future__ import annotations

from cucmos_shell import commands
from cucmos_shell.cli.grammar import ANY_LEVEL
from cucmos_shell.cli.pipes import FILTERS
from cucmos_shell.cli.suggest import syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cli.grammar import Command

HEAD = """# Commands

Written by `cucmos-shell reference docs/commands.md`; do not edit.
Words may be shortened to a unique beginning; names are typed in full and complete on Tab. Words of
commands that the product does not have make none of the product's ambiguous: `show cl` is
`show cli`, and `show clu` is `show cluster`.

Behind show, list and file commands output filters may follow, one after the other:

| filter | keeps |
|---|---|
{filters}

A text is a regular expression (syntax of RE2), case-blind; one that is none is found as it is. In
JSON filters work on lists, item by item.
"""

# What public programs send besides, and why it is not answered.
NOT_ANSWERED = {
    "file load cop": "not a command of these products",
    "file transfer secure-import": "not a command of these products",
    "run pe sql": "a store of who is signed in with which client: nobody signs in here, and no"
    " screen of it is known",
    "show cuic license-info": "not a command of these products",
    "utils imdb_replication status": "a test of stores in memory that this node has not; no screen"
    " of it is known",
}

_FILTERS = FILTERS.items()


def every_command() -> list[Command]:
    """All commands of the shell, in the order of their words."""
    grammar = commands.grammar()
    found = [c for c in grammar.below(grammar.root) if c.level <= ANY_LEVEL]
    return sorted(found, key=lambda command: (command.words, command.usage))


def page(command: Command) -> Iterator[str]:
    """The section of one command, as lines of Markdown."""
    yield f"### {command.words}"
    yield ""
    yield command.summary
    yield ""
    yield "```"
    yield from syntax(command)
    yield "```"
    yield ""
    facts = [f"Level {command.level}."]
    if command.changes:
        facts.append("Changes the node.")
    if command.pages:
        facts.append("Pages its output.")
    yield " ".join(facts)
    if command.doc:
        yield ""
        yield from command.doc.splitlines()
    if command.examples:
        yield ""
        yield "```"
        yield from command.examples
        yield "```"
    yield ""


def groups() -> Iterator[tuple[str, list[Command]]]:
    """The groups of commands by what they are for, as `help` has them, each by their words."""
    found = every_command()
    for title, modules in commands.GROUPS.items():
        yield title, [c for c in found if commands.module_of(c.handler) in modules]


def _contents() -> Iterator[str]:
    """A line for each group and each command, which leads there."""
    seen: dict[str, int] = {}
    for title, found in groups():
        for name in (title, *(command.words for command in found)):
            anchor = _anchor(name)
            number = seen[anchor] = seen.get(anchor, -1) + 1
            indent = "" if name == title else "  "
            yield f"{indent}* [{name}](#{anchor}{f'-{number}' if number else ''})"
    yield "* [What is real](#what-is-real)"


def _standing() -> Iterator[str]:
    """What the answers rest on, and what of the product is not simulated, as tables."""
    yield "## What is real"
    yield ""
    yield "`real`: the node's own certificates, services, files, settings, cluster and clock."
    yield "`data`: figures and names of its profile, which nothing here can measure. `mixed`: both."
    yield ""
    yield "| command | |"
    yield "|---|---|"
    for words, bases in _bases().items():
        yield f"| `{words}` | {', '.join(bases)} |"
    yield ""
    yield "Commands of the product that are refused by name, in one profile of the program or more."
    yield "Where one of the table above begins so, only the rest is refused."
    yield ""
    yield "| begins with | not simulated |"
    yield "|---|---|"
    for head, tails in _not_simulated().items():
        yield f"| `{head}` | {', '.join(f'`{tail}`' for tail in sorted(tails) if tail)} |"
    yield ""
    yield "Of what public programs are known to send, these are not answered:"
    yield ""
    yield "| command | why |"
    yield "|---|---|"
    for words, why in NOT_ANSWERED.items():
        yield f"| `{words}` | {why} |"
    yield ""


def _bases() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for command in every_command():
        bases = found.setdefault(command.words, [])
        if command.basis not in bases:
            bases.append(command.basis)
    return found


def _not_simulated() -> dict[str, set[str]]:
    """The commands that profiles say are not simulated, by their first two words."""
    from cucmos_shell.profile.load import load_yaml
    from cucmos_shell.profile.profile import find, names

    every = sorted({line for name in names() for line in load_yaml(find(name)).not_simulated})
    found: dict[str, set[str]] = {}
    for line in every:
        words = line.split()
        found.setdefault(" ".join(words[:2]), set()).add(" ".join(words[2:]))
    return found


def _anchor(heading: str) -> str:
    """What a heading is called in links, for most readers of Markdown."""
    kept = (c for c in heading.lower() if c.isalnum() or c in " -_")
    return "".join(kept).replace(" ", "-")


def text() -> str:
    """The whole reference as Markdown."""
    filters = (
        f"| `\\| {kind} {what}".rstrip() + f"` | {does} |" for kind, (what, does) in _FILTERS
    )
    lines = [HEAD.format(filters="\n".join(filters)), *_contents(), ""]
    for title, found in groups():
        lines += [f"## {title}", ""]
        for command in found:
            lines.extend(page(command))
    lines.extend(_standing())
    return "\n".join(lines).rstrip() + "\n"


def write(path: str, page: str) -> None:
    """Write `page` to the file `path`, in place of what it held. Raises OSError."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)
