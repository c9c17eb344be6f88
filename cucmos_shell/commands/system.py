"""Restarting the whole node: its sessions end, all its services stop and come back."""

from __future__ import annotations

import time

from cucmos_shell.cli import Family
from cucmos_shell.commands.dialogues.release import before_power, power_lines
from cucmos_shell.errors import Damaged, Refused
from cucmos_shell.profile.dialogues import LATER
from cucmos_shell.results import MOMENT, Ask, Commit, Notice, Progress, Warn, maybe, record, remark
from cucmos_shell.text import iso_time, local_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()

BACK = maybe(record(back=MOMENT))


@family.command("utils system restart", level=1, changes=True, form=BACK)
def restart(node: Node, caller: Caller) -> Conversation[Notice]:
    """Restart the node.

    This session ends; services stop and those that are activated come back, with the
    certificates that are in the store then.
    """
    return (yield from _leave(node, caller, "restart", "Restarted", "Restart", "reboot"))


@family.command("utils system shutdown", level=1, changes=True, form=BACK)
def shutdown(node: Node, caller: Caller) -> Conversation[Notice]:
    """Shut the node down.

    This session ends. Somebody presses the power button at once: services stop, and those that
    are activated come back, with the certificates that are in the store then.
    """
    end = "halt" if node.profile.dialogues.power == LATER else "system halt"
    return (yield from _leave(node, caller, "shutdown", "Powered Off", "Shutdown", end))


def _leave(
    node: Node, caller: Caller, verb: str, participle: str, noun: str, end: str
) -> Conversation[Notice]:
    """The product's dialogue."""
    try:
        node.services.booted()
    except Damaged as error:
        yield Warn((remark(f"{error.message()}; services start as they were delivered"),))
    if not (yield from _agreed(node, verb)):
        return Notice((f"{noun} cancelled",))
    boot: float = yield Commit(node.services.restart_node)
    caller.end()
    now = node.now()
    when = time.asctime(local_time(now, node.zone))
    lines = power_lines(node, participle, noun, end, when)
    return Notice(lines, {"back": iso_time(boot)})


def _agreed(node: Node, verb: str) -> Conversation[bool]:
    """Whether the node is to go down."""
    yield from before_power(node)
    for line in ("", f"Do you really want to {verb} ?", ""):
        yield Progress(line)
    return bool((yield Ask("Enter (yes/no)? ")) == "yes")


@family.command("utils system switch-version", level=1)
def switch_version(node: Node) -> Conversation[Notice]:
    """Switch to the version on the inactive side of the disk.

    You are asked as on the product, but nothing is installed on that side here: what a profile says
    of it is its version. The node goes on as it is.
    """
    version = node.profile.inactive_version
    if not version:
        raise Refused("** There is no inactive side available **")
    # The words of the question are chosen: that there is one is known.
    if not (yield from _agreed(node, "switch versions")):
        return Notice(("Switch cancelled",))
    raise Refused(
        "{version} cannot be started: of the inactive side this node knows the version only",
        version=version,
        details=("A node of another release is made by cucmos-shell init --profile.",),
    )
