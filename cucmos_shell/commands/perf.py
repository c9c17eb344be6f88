"""`show perf`: performance counters."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.grammar import MIXED
from cucmos_shell.cli.near import FEW_NAMES, unknown
from cucmos_shell.node.counters import counters
from cucmos_shell.results import INTEGER, TEXT, Value, each, maybe, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.counters import Counters

family = Family()

CLASS = Argument("class-name", "class of counters", choices=counters)
COUNTER = Argument("counter-name", "counter of that class")
COUNTERS = each(record(instance=maybe(TEXT), counter=TEXT, value=INTEGER))


NAME = 30  # the width that names of counters are padded to


class PerfClass(Value):
    """The counters of a class, under the product's headings; without instances their name is ""."""

    name: str
    instances: Counters

    def lines(self) -> list[str]:
        """The text: a line for each counter of each instance."""
        rows = [
            f"    {instance:<15} -> {name:<{NAME}} = {value}"
            for instance, values in self.instances.items()
            for name, value in values.items()
        ]
        head = f" - Perf class ({self.name}) has instances and values:"
        return ["==>query class :", "", head, *rows]

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows: the headings."""
        return range(3)

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [
            {"instance": instance or None, "counter": name, "value": value}
            for instance, values in self.instances.items()
            for name, value in values.items()
        ]


class PerfCounter(PerfClass):
    """One counter of a class."""

    counter: str

    def lines(self) -> list[str]:
        """The text: a line for each instance that has it."""
        rows = [
            f"   {instance + ' ' if instance else ''}-> {self.counter:<21} = {value}"
            for instance, values in self.instances.items()
            for value in values.values()
        ]
        return [f"- Perf class {self.name}({self.counter}) has values:", *rows]

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows: the heading."""
        return range(1)


@family.command(
    "show perf query class <class-name>",
    basis=MIXED,
    level=0,
    arguments=(CLASS,),
    examples=("show perf query class Processor",),
    form=COUNTERS,
)
def query_class(node: Node, class_name: str) -> PerfClass:
    """Show all counters of a class.

    Processes are those of the services that run; the other figures are those of `show status`.
    """
    return PerfClass(class_name, counters(node)[class_name])


@family.command(
    "show perf query counter <class-name> <counter-name>",
    basis=MIXED,
    level=0,
    arguments=(CLASS, COUNTER),
    examples=('show perf query counter Memory "% Mem Used"',),
    form=COUNTERS,
)
def query_counter(node: Node, class_name: str, counter_name: str) -> PerfCounter:
    """Show one counter of a class, for each of its instances."""
    instances = counters(node)[class_name]
    known = {name.casefold(): name for values in instances.values() for name in values}
    name = known.get(counter_name.casefold())
    if name is None:
        raise unknown(counter_name, known.values(), f"a counter of {class_name}", FEW_NAMES)
    found = {one: {name: values[name]} for one, values in instances.items()}
    return PerfCounter(class_name, found, name)


@family.command("show perf list classes", level=0, form=each(TEXT))
def list_classes(node: Node) -> PerfNames:
    """List the classes of counters."""
    return PerfNames(tuple(counters(node)))


class PerfNames(Value):
    """Names, a line each."""

    names: tuple[str, ...]

    def lines(self) -> list[str]:
        """The text: the names."""
        return ["==>list classes :", *(f"  - {name}" for name in self.names)]

    def no_rows(self) -> range:
        """The number of the line that is no row."""
        return range(1)

    def data(self) -> list[str]:
        """The JSON form."""
        return list(self.names)
