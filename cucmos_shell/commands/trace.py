"""Trace levels of the product's tasks: kept, and nothing is traced."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.dialogues.settings import change_setting
from cucmos_shell.node.machine import command
from cucmos_shell.results import TEXT, Notice, each, maybe, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()

SETTING = "trace"
LEVELS = "Arbitrary|Detailed|Entry_exit|Error|Significant|Special|State_Transition"
TRACED = record(task=TEXT, level=maybe(TEXT))


def tasks(node: Node) -> list[str]:
    """The tasks whose level can be set: the product's, and the processes of services."""
    return sorted({"cdps", *(command(node, name) for name in node.profile.services)})


TASK = Argument("task", "task", choices=tasks)


@family.command(
    f"set trace enable {{{LEVELS}:trace_level}} <task>",
    level=1,
    arguments=(TASK,),
    changes=True,
    form=TRACED,
)
def enable(node: Node, trace_level: str, task: str) -> Conversation[Notice]:
    """Set the trace level of a task.

    It is kept and shown; nothing is traced here.
    """
    yield change_setting(SETTING, **{task: trace_level})
    return Notice((f"{task} tracing set to {trace_level}.",), {"task": task, "level": trace_level})


@family.command("set trace disable <task>", level=1, arguments=(TASK,), changes=True, form=TRACED)
def disable(node: Node, task: str) -> Conversation[Notice]:
    """Let a task trace nothing."""
    yield change_setting(SETTING, **{task: None})
    return Notice((f"{task} tracing set to disabled.",), {"task": task, "level": None})


@family.command("show trace [<task>]", level=0, arguments=(TASK,), form=each(TRACED))
def show(node: Node, task: str = "") -> Notice:
    """Show the trace level of a task, or the tasks there are."""
    levels = node.snapshot().settings().get(SETTING, {})
    names = [task] if task else tasks(node)
    data = [{"task": name, "level": levels.get(name)} for name in names]
    if not task:
        return Notice(tuple(names), data)
    level = levels.get(task)
    text = f"{task} trace level is {level}" if level else f"{task} tracing is disabled"
    return Notice((text,), data)
