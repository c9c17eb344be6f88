"""What the person sees of a command, as text or as JSON."""

from __future__ import annotations

from cucmos_shell import commands
from cucmos_shell.cli.near import begun
from cucmos_shell.cli.render import to_blocks, to_data, to_fitted_lines, to_lines
from cucmos_shell.cli.wording import failure_json, failure_text, success_json
from cucmos_shell.errors import BadValue, NotSimulated, UnknownCommand
from cucmos_shell.results import Document, Say
from cucmos_shell.text import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cucmos_shell.cli.match import Match
    from cucmos_shell.errors import ShellError
    from cucmos_shell.results import Finding, Result
    from cucmos_shell.store.paths import Layout

INTERRUPTED = "Control-C pressed\n"
NEW_LINE = "\n"


def banner(hardware: Iterable[str]) -> tuple[str, ...]:
    """The lines before the first prompt (CLI reference, About CLI)."""
    machine = [f"\t{line}" for line in hardware]
    return (
        "Command Line Interface is starting up, please wait ...",
        "",
        "   Welcome to the Platform Command Line Interface",
        "",
        *(("VMware Installation:", *machine, "") if machine else ()),
    )


def explained(
    problem: ShellError, line: str, not_simulated: Iterable[str], known: Sequence[str]
) -> ShellError:
    """`problem` with `line`, or that it begins a command of the product not simulated here.

    `known` are the words of this node's own with which it begins.
    """
    # Where the words of a place are choices, another word is a bad value.
    if not isinstance(problem, UnknownCommand | BadValue):
        return problem
    # A word that stands for one of the node's own is no beginning of another.
    may_be = (
        name
        for name in not_simulated
        if all(one == other for one, other in zip(known, name.split(), strict=False))
    )
    name, typed = begun(line, may_be), " ".join(line.casefold().split())
    in_full = f"{typed} ".startswith(f"{name.casefold()} ")
    # A command of another product or release is no shortened one of this.
    if name and (in_full or not commands.of_some_product(typed)):
        return NotSimulated(
            "{name}: a command of the real node that this one does not simulate", name=name
        )
    meant = commands.ELSEWHERE.get(line.strip().casefold())
    if meant and isinstance(problem, UnknownCommand):
        details = ("Did you mean:", *(f"\t{word}" for word in meant))
        return UnknownCommand("No valid command entered", details=details)
    return problem


def _filtered(data: object, filters: list[tuple[str, str]]) -> object:
    if not filters:
        return data
    from cucmos_shell.cli.filters import filtered_data

    return filtered_data(data, filters)


def shown(
    match: Match,
    value: Result | None,
    warnings: Iterable[Finding],
    *,
    json: bool,
    pagination: bool,
    width: int,
) -> Say | None:
    """What `value`, the result of the command in `match`, says; None if there is nothing to show.

    `warnings` have been shown before, and stand beside it in JSON. `pagination` is whether what
    pages by itself may, `width` that of the terminal, 0 if unknown.
    Raises BadValue for a filter that does not fit.
    """
    filters = [(item.kind, item.text) for item in match.filters]
    if json:
        return Say(success_json(_filtered(to_data(value), filters), match.canonical, warnings))
    # A file is as a program reads it.
    fits = match.command.own and width and not match.redirected
    if all(kind == "page" for kind, _ in filters):
        lines = to_fitted_lines(value, width) if fits else to_lines(value)
    else:
        from cucmos_shell.cli.filters import filtered

        # Filters look at the lines as they are without a width.
        blocks = to_blocks(value, width) if fits else ()
        lines = filtered(to_lines(value), filters, getattr(value, "no_rows", list[int])(), blocks)
    if not lines:
        return None
    # `set cli pagination off` ends what pages by itself, not what asks for pages.
    paged = (match.command.pages or getattr(value, "pages", False)) and pagination
    asked = any(kind == "page" for kind, _ in filters) or bool(match.arguments.get("page"))
    paged = paged or asked
    viewer = isinstance(value, Document) and not filters
    return Say("\n".join(lines) + "\n", paged or viewer, viewer)


def redirected(
    layout: Layout,
    file: str,
    said: Say | None,
    command: str,
    warnings: Iterable[Finding],
    *,
    json: bool,
) -> Say:
    """What was to be said, put into a new file of the download area; says so instead.

    Raises BadValue for a name that is none, Refused for one that is there, Unavailable.
    """
    from cucmos_shell.node.areas import write_download

    text = said.text if said is not None else ""
    data = text.encode("utf-8", "backslashreplace")
    name = write_download(layout, file, data, replace=False)
    if json:
        facts = {"name": name, "size": len(data)}
        return Say(success_json(facts, command, warnings))
    return Say(f"{counted(text.count(NEW_LINE), 'line')} in {name}, in the download area\n")


def failed(
    error: ShellError,
    command: str,
    warnings: Iterable[Finding],
    *,
    json: bool,
    interrupted: bool = False,
) -> Say:
    """Why a command failed; `command` is its canonical line, or what was typed, made safe."""
    if json:
        return Say(failure_json(error, command, warnings))
    return Say(INTERRUPTED if interrupted else failure_text(error))


def outcome(status: int) -> str:
    """A command's end as the audit log has it."""
    return "ok" if status == 0 else f"failed({status})"
