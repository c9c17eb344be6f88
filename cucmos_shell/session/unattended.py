"""A command that the program gives by itself, in a session of its own: the audit log has it."""

from __future__ import annotations

from cucmos_shell.results import Done, Pause, Say, Secret
from cucmos_shell.session.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node


def give(
    node: Node, line: str, account: str, *, password: str | None = None, **session: Any
) -> tuple[int, str]:
    """Run `line` in the name of `account`; its status, and what it said.

    `password` answers what is asked for one, nobody answers anything else. `session` are further
    arguments of `Session`.
    """
    one = Session(node, account=account, interactive=False, **session)
    one.caller.verified = True  # nobody is there to be asked for a password
    execution = one.execute(line)
    event, said = execution.step(), []
    while not isinstance(event, Done):
        if isinstance(event, Pause):
            node.world.sleep(event.seconds)
        if isinstance(event, Say):
            said.append(event.text)
        event = execution.step(password if isinstance(event, Secret) else None)
    return event.status, "".join(said)
