"""The shell's own commands: leaving, the history, and the settings of the session."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.cli.render import Table
from cucmos_shell.commands.arguments.common import COUNT
from cucmos_shell.results import TEXT, TRUTH, WHOLE, Notice, each, one_of, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()

HISTORY_DEFAULT = 20
PAGINATION = record(pagination=TRUTH)
EDITOR = record(editor=one_of("quiet", "rich"))


@family.command("exit", level=0)
def leave(node: Node, caller: Caller) -> Notice:
    """End the session."""
    caller.end()
    return Notice(())


@family.command("quit", level=0)
def leave_too(node: Node, caller: Caller) -> Notice:
    """End the session."""
    caller.end()
    return Notice(())


@family.command(
    "show history [last <number>]",
    level=0,
    own=True,
    arguments=(COUNT,),
    form=each(record(number=WHOLE, line=TEXT)),
)
def show_history(node: Node, caller: Caller, number: int = HISTORY_DEFAULT) -> Table:
    """Show the lines that the account has typed, oldest first; the newest 20 unless told otherwise.

    Lines that look like a secret are not kept. A batch neither has a history nor adds to one.
    """
    lines = caller.history()
    first = max(0, len(lines) - number) + 1
    kept = list(enumerate(lines[first - 1 :], first))
    return Table(
        ("Number", "Line"),
        tuple((str(n), line) for n, line in kept),
        [{"number": n, "line": line} for n, line in kept],
        "No history",
    )


@family.command("show cli pagination", level=0, form=PAGINATION)
def show_pagination(node: Node, caller: Caller) -> Notice:
    """Show whether long output stops at each page."""
    state = "On" if caller.settings.pagination else "Off"
    return Notice((f"Automatic Pagination : {state}.",), {"pagination": caller.settings.pagination})


@family.command("set cli pagination {on|off:state}", level=1, form=PAGINATION)
def set_pagination(node: Node, caller: Caller, state: str) -> Notice:
    """Switch the stop after each page on or off, for this session."""
    caller.settings.pagination = state == "on"
    return Notice((f"Automatic pagination is turned {state}",), {"pagination": state == "on"})


@family.command("set output {text|json:form}", level=0, form=record(output=one_of("text", "json")))
def set_output(node: Node, caller: Caller, form: str) -> Notice:
    """Choose text or JSON for everything this session shows."""
    caller.settings.output = form
    return Notice((f"Output is {form}",), {"output": form})


@family.command(
    "set commandcount {enable|disable:state}", level=1, form=record(command_count=TRUTH)
)
def set_command_count(node: Node, caller: Caller, state: str) -> Notice:
    """Show in the prompt how many commands the session has run, or stop showing it."""
    caller.settings.command_count = state == "enable"
    return Notice((f"Command count is {state}d",), {"command_count": state == "enable"})


@family.command("show cli editor", level=0, form=EDITOR)
def show_editor(node: Node, caller: Caller) -> Notice:
    """Show which editor the account's next session on a terminal uses."""
    editor = editor_of(node, caller.account)
    return Notice((f"Command line editor : {editor}",), {"editor": editor})


def editor_of(node: Node, account: str) -> str:
    """The editor `account` chose, `quiet` unless it said otherwise."""
    from cucmos_shell.node.access.accounts import EDITORS

    editors = node.snapshot().settings().get(EDITORS, {})
    return "rich" if editors.get(account) == "rich" else "quiet"


@family.command("set cli editor {quiet|rich:editor}", level=0, changes=True, form=EDITOR)
def set_editor(node: Node, caller: Caller, editor: str) -> Conversation[Notice]:
    """Choose the editor of the account's next sessions on a terminal.

    quiet writes no escape sequence that nobody asked for, so that programs can read it;
    rich has menus that say what each entry is, colours (none where NO_COLOR is set), suggestions
    from the history, which the right arrow takes, and a toolbar that names what waits for a restart
    and what ends soon. It is for the console: a session of the embedded SSH server is always quiet.
    """
    from cucmos_shell.commands.dialogues.settings import change_setting
    from cucmos_shell.node.access.accounts import EDITORS

    yield change_setting(EDITORS, **{caller.account: editor})
    lines = [f"Command line editor is {editor} from the next session on"]
    if caller.served and editor == "rich":
        lines.append("It is for the console: over SSH to this server the editor is always quiet")
    return Notice(tuple(lines), {"editor": editor})
