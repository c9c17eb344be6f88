"""SNMP: who may ask the node, as the product's dialogues have it. Nobody can: there is no agent."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.errors import BadValue, Refused
from cucmos_shell.results import TEXT, Ask, AskText, Commit, Notice, each, maybe, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()

SETTING = "snmp_communities"
ACCESS = (
    "ReadOnly", "ReadWrite", "ReadWriteNotify", "NotifyOnly", "ReadNotifyOnly", "None",
)  # fmt: skip
ALL = "all"
MAX_COMMUNITIES, MAX_LENGTH = 100, 32
COMMUNITY = record(community=TEXT, access=TEXT, hosts=each(TEXT))


def _kept(reader: Any) -> dict[str, dict[str, Any]]:
    return dict(reader.settings().get(SETTING, {}))


def _community(text: str) -> str:
    good = text.isascii() and all(c.isalnum() or c in "-_" for c in text)
    if not good or not 0 < len(text) <= MAX_LENGTH:
        raise BadValue(
            "A community string has 1 to {most} letters, digits, - and _", most=MAX_LENGTH
        )
    return text


def _access(text: str) -> str:
    found = [name for name in ACCESS if name.casefold() == text.strip().casefold()]
    if not found:
        raise BadValue("{text} is not one of: {names}", text=text, names=", ".join(ACCESS))
    return found[0]


def _hosts(text: str) -> list[str]:
    hosts = [part for part in text.replace(",", " ").split() if part.casefold() != ALL]
    for host in hosts:
        if not host.isascii() or not all(c.isalnum() or c in ".:-" for c in host):
            raise BadValue("{text} is no address", text=host)
    return hosts[:MAX_COMMUNITIES]


@family.command(
    "utils snmp config 1/2c community-string add",
    level=1,
    changes=True,
    form=maybe(COMMUNITY),
)
def add(node: Node) -> Conversation[Notice]:
    """Add a community string.

    Who knows it may read or write, from some addresses or from all. It is kept and listed; no SNMP
    agent answers here.
    """
    name = yield AskText("Enter the community string:: ")
    access = yield AskText(
        f"Enter the access privilege ({', '.join(ACCESS)}) [ReadOnly]:: ", ACCESS[0]
    )
    hosts = yield AskText("Enter the ip addresses of the hosts that may ask, or all [all]:: ", ALL)
    if (yield Ask("Do you want to continue (yes/no)? ")) != "yes":
        return Notice(("No community string was added",))
    row = {"access": _access(access), "hosts": _hosts(hosts)}
    community = _community(name.strip())

    def change(transaction: Transaction) -> None:
        kept = _kept(transaction)
        if community in kept:
            raise Refused("There is this community string already")
        if len(kept) >= MAX_COMMUNITIES:
            raise Refused("There are {most} community strings already", most=MAX_COMMUNITIES)
        transaction.put_setting(SETTING, {**kept, community: row})

    yield Commit(change)
    return Notice(("The community string was added",), {"community": community, **row})


@family.command(
    "utils snmp config 1/2c community-string delete",
    level=1,
    changes=True,
    form=record(community=TEXT),
)
def delete(node: Node) -> Conversation[Notice]:
    """Delete a community string."""
    name = (yield AskText("Enter the community string:: ")).strip()

    def change(transaction: Transaction) -> None:
        kept = _kept(transaction)
        if kept.pop(name, None) is None:
            raise Refused("There is no such community string")
        transaction.put_setting(SETTING, kept)

    yield Commit(change)
    return Notice(("The community string was deleted",), {"community": name})


@family.command("utils snmp config 1/2c community-string list", level=1, form=each(COMMUNITY))
def communities(node: Node) -> Notice:
    """List the community strings, with what they allow, and from where."""
    rows = [{"community": name, **row} for name, row in sorted(_kept(node.snapshot()).items())]
    lines = []
    for row in rows:
        lines += [
            f"Community String : {row['community']}",
            f"Access Privilege : {row['access']}",
            f"Host IP Addresses: {', '.join(row['hosts']) or ALL}",
            "",
        ]
    return Notice(tuple(lines[:-1]) or ("No community strings are configured",), rows)


@family.command("utils snmp config 1/2c {inform|trap:kind} list", level=1, form=each(TEXT))
def destinations(node: Node, kind: str) -> Notice:
    """List where notifications are sent to: nowhere."""
    return Notice((f"No {kind} destinations are configured",), [])


@family.command(
    "utils snmp config mib2 list",
    level=1,
    form=record(hostname=TEXT, contact=maybe(TEXT), location=maybe(TEXT)),
)
def system_group(node: Node) -> Notice:
    """Show what the system group of MIB-II says of the node."""
    lines = (f"System Name     : {node.hostname}", "System Contact  : ", "System Location : ")
    return Notice(lines, {"hostname": node.hostname, "contact": None, "location": None})
