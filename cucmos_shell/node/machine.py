"""The machine that a node seems to run on: drawn from its profile and its services."""

from __future__ import annotations

import zlib

from cucmos_shell.node.services.plan import STARTED
from cucmos_shell.results import Value
from cucmos_shell.store.snapshot import sha256_hex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cucmos_shell.node.node import Node

GIB = 1 << 30
USUAL_MHZ, USUAL_MEMORY = 2400, 4096
MAX_COMMAND = 15
FIRST_PID, PIDS = 1000, 31_000


class Hardware(Value):
    """Processors of `kind` with their clock, memory in MiB, and the sizes of disks in GB."""

    processors: int
    kind: str
    mhz: int
    memory: int
    disks: tuple[int, ...]


def hardware(lines: Iterable[str]) -> Hardware:
    """What the lines of a profile's `hardware` say; usual figures for what they do not."""
    found = Hardware(1, "", USUAL_MHZ, USUAL_MEMORY, ())
    for line in lines:
        first, _, rest = line.partition(" ")
        if rest.startswith("vCPU:") and first.isdigit():
            kind = rest.partition(":")[2].strip()
            found = found.replace(processors=int(first), kind=kind, mhz=_mhz(kind))
        elif rest.startswith("Mbytes") and first.isdigit():
            found = found.replace(memory=int(first))
        elif first == "Disk":
            size = rest.partition(":")[2].strip().partition("GB")[0]
            if size.isdigit():
                found = found.replace(disks=(*found.disks, int(size)))
    return found


def _mhz(kind: str) -> int:
    """The clock of a processor that is called so: `… @ 2.70GHz`."""
    text = kind.rpartition("@")[2].strip().removesuffix("GHz").strip()
    try:
        return round(float(text) * 1000) or USUAL_MHZ
    except (ValueError, OverflowError):
        return USUAL_MHZ


def serial_number(node: Node) -> str:
    """The machine's serial number: the profile's, or one that belongs to the node's name."""
    if node.profile.machine.serial:
        return node.profile.machine.serial
    text = sha256_hex(node.profile.fqdn.encode())
    pairs = [text[i : i + 2] for i in range(0, 32, 2)]
    return f"VMware-{' '.join(pairs[:8])}-{' '.join(pairs[8:])}"


def pid(name: str, since: float) -> int:
    """The number of a process that began at `since`, another one after the next start."""
    return FIRST_PID + zlib.crc32(f"{name} {since}".encode()) % PIDS


class Process(Value):
    """A running service as a process: shares of processor and memory in percent, sizes in KiB.

    `seconds` is the time it has used of the processor.
    """

    pid: int
    user: str
    command: str
    cpu: float
    memory: float
    resident: int
    seconds: float


def processes(node: Node) -> list[Process]:
    """A process for each service that runs, those that use the processor most first.

    What the profile says is in use is shared out among them, by how long each takes to start.
    """
    profile, services = node.profile, node.services
    now, specs = services.now(), node.profile.all_services()
    running = [
        state
        for state in (*services.platform_states(now), *services.states(now))
        if state.state == STARTED
    ]
    weights = {state.name: max(specs[state.name].start_seconds, 1) for state in running}
    whole = sum(weights.values()) or 1
    used, total = profile.status["memory"]["used"], profile.status["memory"]["total"] or 1
    busy = profile.status["cpu"]["user"] + profile.status["cpu"]["system"]
    booted = services.booted()
    found = []
    for state in running:
        share = weights[state.name] / whole
        since = max(state.at, booted)
        found.append(
            Process(
                pid(state.name, since),
                "root" if specs[state.name].platform else "ccmbase",
                command(node, state.name),
                busy * share,
                100 * used * share / total,
                int(used * share),
                max(0.0, now - since) * busy * share / 100,
            )
        )
    return sorted(found, key=lambda one: (-one.cpu, one.pid))


def command(node: Node, service: str) -> str:
    """What the process of a service is called."""
    known = node.profile.machine.processes.get(service)
    return known or "".join(service.split())[:MAX_COMMAND]
