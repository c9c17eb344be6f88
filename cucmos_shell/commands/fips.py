"""FIPS mode: into it and out of it, with new certificates and a restart of the node."""

from __future__ import annotations

import time

from cucmos_shell.cli import Family
from cucmos_shell.commands.dialogues.release import RULE, with_rules
from cucmos_shell.errors import Refused
from cucmos_shell.node import impact
from cucmos_shell.results import (
    MOMENT,
    TEXT,
    TRUTH,
    Ask,
    Commit,
    Notice,
    Progress,
    Warn,
    each,
    maybe,
    record,
)
from cucmos_shell.text import iso_time, local_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.profile.dialogues import FipsSpec
    from cucmos_shell.results import Conversation, Finding
    from cucmos_shell.store.transaction import Transaction

family = Family()

SETTING = "fips"
QUESTION = "Do you want to continue (yes/no) ? "
ADVICE = "Certificates that a CA has signed have to be uploaded again afterwards."
PHONES = "In mixed mode the CTL file has to be updated, and phones restarted."
BACKUP = (
    "A backup from before does not fit the new mode.",
    "Make one by the Disaster Recovery System once the system is up.",
)
SWITCHED = maybe(record(fips=TRUTH, regenerated=each(TEXT), back=MOMENT))


def _is_on(node: Node) -> bool:
    return bool(node.snapshot().settings().get(SETTING, False))


def _spec(node: Node) -> FipsSpec:
    if node.profile.fips is None:
        raise Refused("The profile {name} does not say what FIPS mode does", name=node.profile.name)
    return node.profile.fips


@family.command("utils fips status", level=1, form=record(fips=TRUTH))
def status(node: Node) -> Notice:
    """Show whether the node operates in FIPS mode, and what its self-test said."""
    spec, is_on = _spec(node), _is_on(node)
    if not is_on:
        return Notice(("The system is operating in NON-FIPS mode",), {"fips": False})
    booted = time.strftime("%a %b %d %H:%M:%S %Z %Y", local_time(node.services.booted(), node.zone))
    lines = (
        "The system is operating in FIPS mode. Self test status: ",
        "- S T A R T ---------------------",
        "Executing FIPS selftests",
        f"runlevel is {spec.runlevel}",
        f"Start time: {booted}",
        *(f"{name} self tests passed." for name in spec.tests),
    )
    return Notice(lines, {"fips": True})


@family.command("utils fips enable", level=1, changes=True, form=SWITCHED)
def enable(node: Node, caller: Caller) -> Conversation[Notice]:
    """Bring the node into FIPS mode.

    Certificates are regenerated, and the node restarts: this session ends.
    """
    return (yield from _switch(node, caller, True))


@family.command("utils fips disable", level=1, changes=True, form=SWITCHED)
def disable(node: Node, caller: Caller) -> Conversation[Notice]:
    """Bring the node out of FIPS mode.

    Certificates are regenerated, and the node restarts: this session ends.
    """
    return (yield from _switch(node, caller, False))


def _switch(node: Node, caller: Caller, is_on: bool) -> Conversation[Notice]:
    spec, mode = _spec(node), "FIPS" if is_on else "NON-FIPS"
    if _is_on(node) == is_on:
        raise Refused("The system is operating in {mode} mode already", mode=mode)
    units = [u for row in spec.regenerates.values() for u in row if u in node.profile.units]
    yield Progress("Security Warning : The operation will regenerate certificates for")
    for number, label in enumerate(spec.regenerates, 1):
        yield Progress(f"{number}){label}")
    yield Warn(tuple(_warnings(node, units)))
    for line in (
        ADVICE,
        *([PHONES] if node.profile.trust_lists else ()),
        *with_rules(f"This will change the system to {mode} mode and will reboot."),
    ):
        yield Progress(line)
    if (yield Ask(QUESTION)) != "yes":
        return Notice(())
    yield Progress("Generating certificates...Setting FIPS mode in operating system.")
    made = [
        (unit, node.world.new_key(node.profile.units[unit].key), node.world.new_serial())
        for unit in units
    ]

    def change(transaction: Transaction) -> None:
        from cucmos_shell.node.certificates import issuing

        for unit, key, serial in made:
            new = issuing.anew(transaction, node.profile, unit, key, serial=serial)
            issuing.replace(transaction, node.profile, new)
        transaction.put_setting(SETTING, is_on)

    yield Commit(change)
    # A start loads what the store has when it is planned, so the certificates come before.
    back: float = yield Commit(node.services.restart_node)
    caller.end()
    done = f"FIPS mode {'enabled' if is_on else 'disabled'} successfully."
    lines = (done, RULE, *BACKUP, RULE, "The system will reboot in a few minutes.")
    return Notice(lines, {"fips": is_on, "regenerated": units, "back": iso_time(back)})


def _warnings(node: Node, units: list[str]) -> Iterator[Finding]:
    """What is lost, each once; what phones miss meanwhile is in the advice."""
    snapshot, said = node.snapshot(), set()
    for unit in units:
        for one in impact.regenerating(node, snapshot, unit):
            if one.kind in ("ca-signed-lost", "csr-lost") and one.text not in said:
                said.add(one.text)
                yield one
