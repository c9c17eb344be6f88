"""Raising alarms from a command: what went wrong is said, and is no failure of its own."""

from __future__ import annotations

from cucmos_shell.errors import ShellError
from cucmos_shell.results import Warn, remark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cucmos_shell.node import Node
    from cucmos_shell.node.logs.alarms import Raised
    from cucmos_shell.results import Conversation


def raise_alarms(node: Node, alarms: Iterable[Raised]) -> str:
    """Raise alarms about something that has happened already; what to warn of, or nothing.

    Whatever keeps them from being raised does not undo that.
    """
    try:
        reason = node.alarms.raise_all(alarms)
    except ShellError as error:
        return error.message()
    except (ImportError, OSError) as error:
        return f"No alarm could be raised: {error}"
    return f"Syslog did not take the alarm: {reason}" if reason else ""


def raising(node: Node, alarms: Iterable[Raised]) -> Conversation[None]:
    """`raise_alarms` as part of a conversation."""
    if warning := raise_alarms(node, alarms):
        yield Warn((remark(warning),))


def renewed(node: Node, unit: str, how: str) -> Conversation[None]:
    """Raise the alarm that the profile has for a new certificate of `unit`, if it has one."""
    name = node.profile.units[unit].alarm
    if name:
        message = f"Certificate {how}. Certificate name:{unit}.der Unit:{unit} Type:own-cert"
        # Made when it is raised: loading what makes alarms may fail, too.
        yield from raising(node, (node.alarms.make(one, Message=message) for one in (name,)))
