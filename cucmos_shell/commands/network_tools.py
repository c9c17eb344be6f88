"""Looking for hosts: those of the node's cluster answer, and nothing leaves this machine."""

from __future__ import annotations

import struct

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.grammar import DATA, MIXED
from cucmos_shell.commands.arguments.common import number
from cucmos_shell.errors import BadValue, NotFound, Refused
from cucmos_shell.node.members import members
from cucmos_shell.results import (
    NUMBER,
    TEXT,
    WHOLE,
    Ask,
    Notice,
    Pause,
    Progress,
    each,
    maybe,
    record,
)
from cucmos_shell.store.outputs import keep_output
from cucmos_shell.store.paths import is_clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cucmos_shell.node import Node
    from cucmos_shell.node.members import ClusterMember
    from cucmos_shell.results import Conversation

family = Family()

USUAL_PINGS = 4
PING_MILLISECONDS = (0.045, 0.163)  # for this node, and for others
PROTOCOLS = ("ip", "arp", "rarp", "all")
MAX_CAPTURE = 3600.0  # seconds
# A capture file without packets: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html
NO_PACKETS = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)


def host_name(_: object, text: str) -> str:
    """A host name or an address. Raises BadValue."""
    if not text.isascii() or not all(c.isalnum() or c in ".-:_" for c in text) or len(text) > 253:
        raise BadValue("{text} is no host", text=text)
    return text


def capture_options(_: object, words: tuple[str, ...]) -> dict[str, str]:
    """The options of a capture by their words. Raises BadValue."""
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0).casefold()
        if word not in _TAKES:
            raise BadValue("{word} is not one of: {words}", word=word, words=", ".join(_TAKES))
        if word in found:
            raise BadValue("{word} is given twice", word=word)
        if word == "host" and rest:
            _choice(rest.pop(0), PROTOCOLS)
        read = _TAKES[word]
        if read is not None and not rest:
            raise BadValue("{word} needs a value", word=word)
        found[word] = read(_, rest.pop(0)) if read is not None else ""
    return found


def _choice(text: str, words: tuple[str, ...]) -> str:
    if text.casefold() not in words:
        raise BadValue("{word} is not one of: {words}", word=text, words=", ".join(words))
    return text.casefold()


def _file_name(_: object, text: str) -> str:
    if not is_clean(text) or len(text) > 100 or "." in text:
        raise BadValue("{text} is no name of a file: letters, digits, - and _", text=text)
    return text


def _number(least: int, most: int) -> Callable[[object, str], str]:
    parse = number(least, most)
    return lambda node, text: str(parse(node, text))


def _size(node: object, text: str) -> str:
    return text.casefold() if text.casefold() == "all" else _number(1, 65_535)(node, text)


# What may stand in a capture, and how what follows is read.
_TAKES: dict[str, Callable[[object, str], str] | None] = {
    "eth0": None, "page": None, "numeric": None, "file": _file_name, "count": _number(1, 1_000_000),
    "size": _size, "port": _number(1, 65_535), "src": host_name, "dest": host_name,
    "host": host_name,
}  # fmt: skip
HOST = Argument("host", "host name or address", parse=host_name)
COUNT = Argument("count", "how many (1-1000)", parse=number(1, 1000))
OPTIONS = Argument("options", "options, in any order", parse=capture_options, words=True)


def find(node: Node, host: str) -> ClusterMember | None:
    """The node of the cluster of that name or address; None if there is none."""
    text = host.casefold()
    for one in members(node):
        if text in (one.hostname.casefold(), one.fqdn.casefold(), one.ip):
            return one
        if one.local and text in ("localhost", "127.0.0.1"):
            return one
    return None


def _is_address(host: str) -> bool:
    parts = host.split(".")
    return ":" in host or (len(parts) == 4 and all(part.isdigit() for part in parts))


@family.command(
    "utils network ping <host> [<count>]",
    basis=MIXED,
    level=0,
    arguments=(HOST, COUNT),
    form=record(ip=TEXT, hostname=TEXT, sent=WHOLE, milliseconds=NUMBER),
)
def ping(node: Node, host: str, count: int = USUAL_PINGS) -> Conversation[Notice]:
    """See whether a host answers.

    The nodes of the cluster do, as the cluster knows them; nobody else is asked.
    """
    found = find(node, host)
    if found is None and not _is_address(host):
        raise NotFound("ping: unknown host {host}", host=host)
    ip = found.ip if found is not None else host
    yield Progress(f"PING {host} ({ip}) 56(84) bytes of data.")
    if found is None or not found.reachable:
        yield Progress("")
        yield Progress(f"--- {host} ping statistics ---")
        raise Refused(
            "{count} packets transmitted, 0 received, 100% packet loss, time {time}ms",
            count=count,
            time=(count - 1) * 1000,
        )
    database = node.profile.database
    here, away = database.ping_milliseconds if database else PING_MILLISECONDS
    taken, wait = here if found.local else away, _second(node)
    for sent in range(1, count + 1):
        if sent > 1:
            yield Pause(wait)
        line = f"64 bytes from {found.fqdn} ({ip}): icmp_seq={sent} ttl=64 time={taken:.3f} ms"
        yield Progress(line)
    time = f"{taken:.3f}"
    lines = (
        "",
        f"--- {host} ping statistics ---",
        f"{count} packets transmitted, {count} received, 0% packet loss,"
        f" time {(count - 1) * 1000}ms",
        f"rtt min/avg/max/mdev = {time}/{time}/{time}/0.000 ms",
    )
    data = {"ip": ip, "hostname": found.hostname, "sent": count, "milliseconds": taken}
    return Notice(lines, data)


def _second(node: Node) -> float:
    """How long a second is at the node's speed."""
    speed = float(node.snapshot().settings().get("speed", node.profile.defaults["speed"]))
    return 1 / speed if speed > 0 else 0.0


@family.command(
    "utils network host <host>",
    basis=MIXED,
    level=0,
    arguments=(HOST,),
    form=record(host=TEXT, local=maybe(TEXT), external=maybe(TEXT)),
)
def host(node: Node, host: str) -> Notice:
    """Look a host up in the file of hosts, and by the name servers.

    Both know the nodes of the cluster, and nobody else: no server is asked.
    """
    found, reverse = find(node, host), _is_address(host)
    local = external = None
    lines = ["Local Resolution:"]
    if found is not None:
        local = found.fqdn if reverse else found.ip
        lines.append(f"{host} resolves locally to {local}")
    else:
        lines.append("Nothing found")
    lines += ["", "External Resolution:"]
    if not node.profile.dns:
        lines.append("No external servers found")
    elif found is None:
        lines.append(f"Host {host} not found: 3(NXDOMAIN)")
    elif reverse:
        external = found.fqdn
        name = ".".join(reversed(found.ip.split(".")))
        lines.append(f"{name}.in-addr.arpa domain name pointer {external}.")
    else:
        external = found.ip
        lines.append(f"{found.fqdn} has address {external}")
    return Notice(tuple(lines), {"host": host, "local": local, "external": external})


@family.command(
    "utils network connectivity <host>",
    basis=MIXED,
    level=0,
    arguments=(HOST,),
    form=maybe(record(ip=TEXT, hostname=TEXT)),
)
def connectivity(node: Node, host: str) -> Conversation[Notice]:
    """Try the connection with another node of the cluster."""
    yield Progress("This command can take up to 3 minutes to complete.")
    if (yield Ask("Continue (y/n)?", ("y", "n"))) == "n":
        return Notice(("The connection was not tried",))
    yield Progress("Running test, please wait ...")
    yield Progress("....")
    found = find(node, host)
    if found is None or found.local or not found.reachable:
        raise Refused("Network connectivity test with {host} failed.", host=host)
    text = f"Network connectivity test with {found.ip} completed successfully ."
    return Notice((text,), {"ip": found.ip, "hostname": found.hostname})


@family.command(
    "utils network capture [<options...>]",
    basis=DATA,
    level=0,
    arguments=(OPTIONS,),
    examples=("utils network capture eth0 file packets count 1000 size all",),
    form=record(name=maybe(TEXT), packets=each(TEXT)),
)
def capture(node: Node, options: Mapping[str, str] = {}) -> Conversation[Notice]:
    """Watch packets until there are enough of them, or Ctrl-C is pressed.

    None come: nothing is listened to. The file, in platform/cli of the logs, is one without
    packets; ten stay. After an hour it ends by itself. Options, in any order: eth0, page, numeric,
    file NAME, count NUMBER, size OCTETS|all, port NUMBER, src ADDRESS, dest ADDRESS, host
    ip|arp|rarp|all ADDRESS.
    """
    name = None
    if "file" in options:
        name = f"platform/cli/{options['file']}.cap"
        try:
            keep_output(node.layout.command_output(f"{options['file']}.cap"), NO_PACKETS, "")
        except FileExistsError:
            raise Refused("{name} is there already", name=name) from None
    size, count = options.get("size", "128"), options.get("count", "1000")
    source, target, port, host = (options.get(key, "") for key in ("src", "dest", "port", "host"))
    for line in (
        "Executing command with options:",
        f" size={size:<20}count={count:<18}interface=eth0",
        f" src={source:<21}dest={target:<19}port={port}",
        f" ip={host}",
        "",
    ):
        yield Progress(line)
    wait = _second(node)
    for _ in range(int(MAX_CAPTURE) if wait else 0):
        yield Pause(wait)
    return Notice(("0 packets captured",), {"name": name, "packets": []})
