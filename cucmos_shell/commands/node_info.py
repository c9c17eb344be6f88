"""What the node says about itself: status, version, network, time zone, the person at the prompt.

Layouts are the product's (CLI reference, Show Commands). What the simulation cannot measure, such
as processor and memory figures, comes from the profile.
"""

from __future__ import annotations

import time

from cucmos_shell.cli import Family
from cucmos_shell.cli.grammar import DATA, MIXED
from cucmos_shell.errors import Refused
from cucmos_shell.results import MOMENT, NUMBER, TEXT, TRUTH, WHOLE, Notice, each, one_of, record
from cucmos_shell.text import iso_time, local_time, uptime, zone_abbreviation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node

family = Family()

CPU = ("idle", "system", "user", "iowait", "irq", "soft")
MEMORY = ("total", "free", "used", "cached", "shared", "buffers")
STATUS = record(
    hostname=TEXT,
    date=MOMENT,
    time_zone=TEXT,
    locale=TEXT,
    version=TEXT,
    os_version=TEXT,
    up_seconds=WHOLE,
    users=WHOLE,
    load_average=each(NUMBER),
    cpu_percent=record(**dict.fromkeys(CPU, NUMBER)),
    memory_kib=record(**dict.fromkeys(MEMORY, WHOLE)),
    disks=each(record(disk=TEXT, total_kib=WHOLE, free_kib=WHOLE, used_kib=WHOLE)),
)
CARD = ("dhcp", "status", "link", "mode", "duplicate")
ETHERNET = record(
    ip=TEXT,
    netmask=TEXT,
    gateway=TEXT,
    dns=each(TEXT),
    domain=TEXT,
    **dict.fromkeys(CARD, TEXT),
    hostname=TEXT,
    network=TEXT,
    broadcast=TEXT,
)


def zone_text(node: Node) -> str:
    """The node's time zone as `Central European Time (Europe/Warsaw)`."""
    profile = node.profile
    if node.zone == profile.timezone:
        return f"{profile.timezone_name} ({node.zone})"
    return f"{zone_abbreviation(node.now(), node.zone)[1]} ({node.zone})"


# --- status ------------------------------------------------------------------------------------


@family.command("show status", basis=MIXED, level=0, form=STATUS)
def show_status(node: Node) -> Notice:
    """Show the host name, the date, the version, how long the node is up, and its resources.

    The figures of processor, memory and disks are those of the product's profile.
    """
    profile, now = node.profile, node.now()
    status, local = profile.status, local_time(now, node.zone)
    up = max(0.0, node.services.now() - node.services.booted())
    fields = (
        ("Host Name", node.hostname),
        ("Date", time.strftime("%a %b %d, %Y %H:%M:%S", local)),
        ("Time Zone", zone_text(node)),
        ("Locale", profile.locale),
        ("Product Ver", profile.version),
        (profile.os_label, profile.os_version),
    )
    width = max(len(label) for label, _ in fields)
    lines = [
        "",
        *(f"{label.ljust(width)} : {value}" for label, value in fields),
        "",
        "Uptime:",
        f" {time.strftime('%H:%M:%S', local)} up {uptime(up)},{_load_text(status)}",
        *_cpu_lines(status["cpu"]),
        *_memory_lines(status["memory"]),
        *_disk_lines(status["disks"]),
    ]
    return Notice(tuple(lines), _status(node, now, up))


def _status(node: Node, now: float, up: float) -> dict[str, Any]:
    profile, status = node.profile, node.profile.status
    return {
        "hostname": node.hostname,
        "date": iso_time(now),
        "time_zone": node.zone,
        "locale": profile.locale,
        "version": profile.version,
        "os_version": profile.os_version,
        "up_seconds": round(up),
        "users": status["users"],
        "load_average": status["load_average"],
        "cpu_percent": {key: status["cpu"][key] for key in CPU},
        "memory_kib": {key: status["memory"][key] for key in MEMORY},
        "disks": [
            {"disk": name, **{f"{key}_kib": disk[key] for key in ("total", "free", "used")}}
            for name, disk in status["disks"].items()
        ],
    }


def _load_text(status: Mapping[str, Any]) -> str:
    users = status["users"]
    load = ", ".join(f"{figure:.2f}" for figure in status["load_average"])
    return f"  {users} user{'' if users == 1 else 's'},  load average: {load}"


def _cpu_lines(cpu: dict[str, float]) -> list[str]:
    idle, system, user, iowait, irq, soft = (f"{cpu[key]:05.2f}%" for key in CPU)
    return [
        "",
        f"CPU Idle:   {idle}  System:   {system}    User:   {user}",
        f"  IOWAIT:   {iowait}     IRQ:   {irq}    Soft:   {soft}",
    ]


def _memory_lines(memory: dict[str, int]) -> list[str]:
    labels = ("Memory Total", "Free", "Used", "Cached", "Shared", "Buffers")
    return ["", *(f"{t:>12}:{memory[key]:>15}K" for t, key in zip(labels, MEMORY, strict=True))]


def _disk_lines(disks: dict[str, dict[str, int]]) -> list[str]:
    lines = ["", f"{'':<13}{'Total':>16}{'Free':>16}{'Used':>16}"]
    for name, disk in disks.items():
        room = disk["used"] + disk["free"]
        percent = -(-100 * disk["used"] // room) if room else 0
        figures = "".join(f"{disk[key]:>15}K" for key in ("total", "free", "used"))
        lines.append(f"{'Disk/' + name:<13}{figures} ({percent}%)")
    return lines


# --- version, person, network, time ---------------------------------------------------------------


@family.command(
    "show version {active|inactive:side}",
    basis=DATA,
    level=0,
    form=record(side=one_of("active", "inactive"), version=TEXT, options=each(TEXT)),
)
def show_version(node: Node, side: str) -> Notice:
    """Show the version of the software on one side of the disk, and its installed options."""
    profile = node.profile
    version = profile.version if side == "active" else profile.inactive_version
    options = profile.software_options if side == "active" else ()
    if not version:
        raise Refused("There is no inactive side available")
    lines = (
        f"{side.capitalize()} Master Version: {version}",
        f"{side.capitalize()} Version Installed Software Options:",
        *(options or ("No Installed Software Options Found.",)),
    )
    return Notice(lines, {"side": side, "version": version, "options": list(options)})


@family.command(
    "show myself",
    level=0,
    form=record(hostname=TEXT, account=TEXT, level=WHOLE, command_count=TRUTH),
)
def show_myself(node: Node, caller: Caller) -> Notice:
    """Show who you are to this node."""
    count = "enabled" if caller.settings.command_count else "disabled"
    lines = (
        f"Machine Name    : {node.hostname}",
        f"account name    : {caller.account}",
        f"privilege level : {caller.level}",
        f"command count   : {count}",
        "logging setting : disabled",
    )
    data = {
        "hostname": node.hostname,
        "account": caller.account,
        "level": caller.level,
        "command_count": caller.settings.command_count,
    }
    return Notice(lines, data)


@family.command(
    "show network eth0 [detail]",
    basis=DATA,
    level=0,
    options={"detail": "host name, network and broadcast address, too"},
    form=ETHERNET,
)
def show_ethernet(node: Node, detail: str = "") -> Notice:
    """Show the network interface: address, link, name servers, gateway."""
    profile, card = node.profile, node.profile.ethernet
    mask = ".".join(f"{int(octet):03d}" for octet in profile.netmask.split("."))
    first, second = (*profile.dns, "Not Configured", "Not Configured")[:2]
    width = max(18, *map(len, (card["dhcp"], profile.ip, card["link"], first)))
    lines: tuple[str, ...] = (
        "Ethernet 0",
        f"DHCP         : {card['dhcp']:<{width}} Status     : {card['status']}",
        f"IP Address   : {profile.ip:<{width}} IP Mask    : {mask}",
        f"Link Detected: {card['link']:<{width}} Mode       : {card['mode']}",
        f"Duplicate IP : {card['duplicate']}",
        "",
        "DNS",
        f"Primary      : {first:<{width}} Secondary  : {second}",
        "Options      : timeout:5 attempts:2",
        f"Domain       : {profile.domain}",
        f"Gateway      : {profile.gateway} on Ethernet 0",
    )
    network, broadcast = _network(profile.ip, profile.netmask)
    data = {
        "ip": profile.ip,
        "netmask": profile.netmask,
        "gateway": profile.gateway,
        "dns": list(profile.dns),
        "domain": profile.domain,
        **{key: card[key] for key in CARD},
        "hostname": node.hostname,
        "network": network,
        "broadcast": broadcast,
    }
    if detail:
        lines += (
            "",
            f"Host Name    : {node.hostname}",
            f"Network      : {network}",
            f"Broadcast    : {broadcast}",
        )
    return Notice(lines, data)


def _network(ip: str, netmask: str) -> tuple[str, str]:
    """The first and the last address of the network that `ip` is in."""
    pairs = [(int(a), int(m)) for a, m in zip(ip.split("."), netmask.split("."), strict=True)]
    first = ".".join(str(a & m) for a, m in pairs)
    return first, ".".join(str(a | 255 - m) for a, m in pairs)


@family.command(
    "show timezone config", basis=DATA, level=0, form=record(time_zone=TEXT, version=TEXT)
)
def show_timezone(node: Node) -> Notice:
    """Show the node's time zone."""
    lines = (
        f"Current timezone: {zone_text(node)}",
        f"Timezone version: {node.profile.timezone_version}",
    )
    return Notice(lines, {"time_zone": node.zone, "version": node.profile.timezone_version})
