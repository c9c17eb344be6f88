"""`show process`: the services as processes."""

from __future__ import annotations

import time

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.grammar import MIXED
from cucmos_shell.commands.arguments.common import number
from cucmos_shell.node.machine import processes
from cucmos_shell.results import NUMBER, TEXT, WHOLE, Value, each, record
from cucmos_shell.text import local_time, uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.machine import Process

family = Family()

MAX_USER = 8
FEW = 5
COUNT = Argument("number", "how many processes (1-1000)", parse=number(1, 1000))
_ORDERS: dict[str, Callable[[Process], float]] = {
    "cpu": lambda one: one.cpu,
    "memory": lambda one: one.resident,
    "time": lambda one: one.seconds,
}
PROCESSES = each(
    record(
        pid=WHOLE,
        user=TEXT,
        command=TEXT,
        cpu_percent=NUMBER,
        memory_percent=NUMBER,
        resident_kib=WHOLE,
        cpu_seconds=NUMBER,
    )
)


def _data(found: tuple[Process, ...]) -> list[dict[str, Any]]:
    return [
        {
            "pid": one.pid,
            "user": one.user,
            "command": one.command,
            "cpu_percent": round(one.cpu, 1),
            "memory_percent": round(one.memory, 1),
            "resident_kib": one.resident,
            "cpu_seconds": round(one.seconds, 2),
        }
        for one in found
    ]


class Load(Value):
    """The processes of a node as top(1) shows them, `total` in all."""

    node: Node
    found: tuple[Process, ...]
    total: int

    def lines(self) -> list[str]:
        """The text: five lines about the machine, and a row for each process."""
        heading = "  PID USER      PR  NI  VIRT  RES  SHR S %CPU %MEM    TIME+  COMMAND"
        return [*self._head(), "", heading, *map(_row, self.found)]

    def _head(self) -> Iterator[str]:
        node, status = self.node, self.node.profile.status
        cpu, memory, users = status["cpu"], status["memory"], status["users"]
        up = max(0.0, node.services.now() - node.services.booted())
        load = ", ".join(f"{figure:.2f}" for figure in status["load_average"])
        clock = time.strftime("%H:%M:%S", local_time(node.now(), node.zone))
        who = f"{users} user{'' if users == 1 else 's'}"
        yield f"top - {clock} up {uptime(up)},  {who},  load average: {load}"
        yield (
            f"Tasks: {self.total:>3} total,   1 running, {max(self.total - 1, 0):>3} sleeping,"
            "   0 stopped,   0 zombie"
        )
        yield (
            f"Cpu(s): {cpu['user']:>4.1f}%us, {cpu['system']:>4.1f}%sy,  0.0%ni,"
            f" {cpu['idle']:>4.1f}%id, {cpu['iowait']:>4.1f}%wa, {cpu['irq']:>4.1f}%hi,"
            f" {cpu['soft']:>4.1f}%si,  0.0%st"
        )
        yield (
            f"Mem:  {memory['total']:>8}k total, {memory['used']:>8}k used,"
            f" {memory['free']:>8}k free, {memory['buffers']:>8}k buffers"
        )
        swap = memory["total"] // 2
        yield (
            f"Swap: {swap:>8}k total, {0:>8}k used, {swap:>8}k free, {memory['cached']:>8}k cached"
        )

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return _data(self.found)


def _row(one: Process) -> str:
    minutes, seconds = divmod(one.seconds, 60)
    used = f"{int(minutes)}:{seconds:05.2f}"
    return (
        f"{one.pid:>5} {one.user[:MAX_USER]:<8}  20   0 {_size(2 * one.resident, 5)}"
        f" {_size(one.resident, 4)} {_size(one.resident // 8, 4)} S {one.cpu:>4.1f}"
        f" {one.memory:>4.1f} {used:>9}  {one.command}"
    )


def _size(kib: int, width: int) -> str:
    """KiB in so many characters, with the letter of a larger unit where it needs one."""
    text = str(kib)
    for unit in "mg":
        if len(text) <= width:
            break
        kib //= 1024
        text = f"{kib}{unit}"
    return text.rjust(width)


class Busiest(Value):
    """The processes that use the processor or memory most; `what` is which of both."""

    what: str
    found: tuple[Process, ...]

    def lines(self) -> list[str]:
        """The text: as ps(1) shows them."""
        head = "%CPU" if self.what == "cpu" else "%MEM"
        rows = (
            f"{one.cpu if self.what == 'cpu' else one.memory:>5.1f} {one.pid:>5} "
            f"{one.user[:MAX_USER]:<8} {one.command}"
            for one in self.found
        )
        return [f" {head}   PID USER     COMMAND", *rows]

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return _data(self.found)


@family.command(
    "show process load [num <number>] [{cpu|memory|time:order}] [page]",
    basis=MIXED,
    level=0,
    arguments=(COUNT,),
    options={"num": "so many processes", "page": "pause output"},
    pages=True,
    form=PROCESSES,
)
def show_load(node: Node, number: int = 0, order: str = "cpu", page: str = "") -> Load:
    """Show the load of the machine, and the processes of the services that run.

    Who runs is real; what the processes use is shared out from the figures of `show status`.
    """
    found = sorted(processes(node), key=_ORDERS[order], reverse=True)
    return Load(node, tuple(found[: number or None]), len(found))


@family.command(
    "show process using-most {cpu|memory:what} [<number>]",
    basis=MIXED,
    level=0,
    arguments=(COUNT,),
    pages=True,
    form=PROCESSES,
)
def show_busiest(node: Node, what: str, number: int = FEW) -> Busiest:
    """Show the processes that use the processor or memory most."""
    found = sorted(processes(node), key=_ORDERS[what], reverse=True)
    return Busiest(what, tuple(found[:number]))
