"""Performance counters: what node and profile say of processor, memory, disks and processes."""

from __future__ import annotations

from cucmos_shell.node.machine import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node.node import Node

    Counters = dict[str, dict[str, int]]

TOTAL = "_Total"
_PERCENT = {
    "idle": "Idle Percentage", "iowait": "IOwait Percentage", "irq": "Irq Percentage",
    "soft": "Softirq Percentage", "system": "System Percentage", "user": "User Percentage",
}  # fmt: skip


def counters(node: Node) -> dict[str, Counters]:
    """Classes, instances and counters with their values, all in the order of their names."""
    return {
        "Memory": {"": _memory(node)},
        "Partition": _partitions(node),
        "Process": _processes(node),
        "Processor": {TOTAL: _processor(node)},
        "System": {"": _system(node)},
    }


def _memory(node: Node) -> dict[str, int]:
    memory = node.profile.status["memory"]
    return {
        "% Mem Used": round(100 * memory["used"] / (memory["total"] or 1)),
        "Buffers KBytes": memory["buffers"],
        "Cached KBytes": memory["cached"],
        "Free KBytes": memory["free"],
        "Shared KBytes": memory["shared"],
        "Total KBytes": memory["total"],
        "Used KBytes": memory["used"],
    }


def _partitions(node: Node) -> Counters:
    disks = node.profile.status["disks"]
    return {
        name.capitalize(): {
            "% Used": round(100 * disk["used"] / ((disk["used"] + disk["free"]) or 1)),
            "Total Mbytes": disk["total"] // 1024,
            "Used Mbytes": disk["used"] // 1024,
        }
        for name, disk in sorted(disks.items())
    }


def _processes(node: Node) -> Counters:
    return {
        one.command: {
            "% CPU Time": round(one.cpu),
            "% Memory Usage": round(one.memory),
            "PID": one.pid,
            "VmRSS": one.resident,
        }
        for one in sorted(processes(node), key=lambda one: one.command)
    }


def _processor(node: Node) -> dict[str, int]:
    cpu = node.profile.status["cpu"]
    busy = {"% CPU Time": round(100 - cpu["idle"])}
    return {**busy, **{name: round(cpu[key]) for key, name in _PERCENT.items()}}


def _system(node: Node) -> dict[str, int]:
    return {"Total Processes": len(processes(node))}
