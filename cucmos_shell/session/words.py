"""What the person sees of a command, as text or as JSON."""

from __future__ import annotations

from cucmos_shell.cli.render import to_data, to_json, to_lines
from cucmos_shell.cli.wording import failure_json, failure_text
from cucmos_shell.results import Document, Say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.match import Match
    from cucmos_shell.errors import ShellError
    from cucmos_shell.results import Result

INTERRUPTED = "Control-C pressed\n"


def shown(match: Match, value: Result | None, *, json: bool, pagination: bool) -> Say | None:
    """What `value`, the result of the command in `match`, says; None if there is nothing to show.

    `pagination` is whether what pages by itself may. Raises BadValue for a filter that does not
    fit.
    """
    filters = [(item.kind, item.text) for item in match.filters]
    if json:
        data = to_data(value)
        if filters:
            from cucmos_shell.cli.filters import filtered_data

            data = filtered_data(data, filters)
        return Say(to_json({"command": match.canonical, "ok": True, "data": data}) + "\n")
    lines = to_lines(value)
    if filters:
        from cucmos_shell.cli.filters import filtered

        lines = filtered(lines, filters)
    if not lines:
        return None
    # `set cli pagination off` ends what pages by itself, not what asks for pages.
    paged = match.command.pages and pagination
    paged = paged or any(kind == "page" for kind, _ in filters)
    paged = paged or bool(match.arguments.get("page"))
    viewer = isinstance(value, Document) and not filters
    return Say("\n".join(lines) + "\n", paged or viewer, viewer)


def failed(error: ShellError, command: str, *, json: bool, interrupted: bool = False) -> Say:
    """Why a command failed; `command` is its canonical line, or what was typed, made safe."""
    if json:
        return Say(failure_json(error, command))
    return Say(INTERRUPTED if interrupted else failure_text(error))


def outcome(status: int) -> str:
    """A command's end as the audit log has it."""
    return "ok" if status == 0 else f"failed({status})"
