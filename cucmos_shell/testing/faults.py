"""What is to go wrong on a node: set, counted, and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from cucmos_shell.node.lab.lab import Lab


class Fault:
    """A fault that is set on a node: at the point `at`, it does `do`. docs/faults.md lists both.

    In a `with` block it is there until the block ends.
    """

    def __init__(self, faults: Faults, name: str, at: str, do: str) -> None:
        self.name = name
        self.at = at
        self.do = do
        self._faults = faults

    @property
    def hits(self) -> int:
        """How often it has happened."""
        return self._faults.hits(self.name)

    def remove(self) -> None:
        """Take it away, unless that was done."""
        if any(one.name == self.name for one in self._faults.list()):
            self._faults.remove(self.name)

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"Fault({self.name!r}, at={self.at!r}, do={self.do!r})"


class Happened(NamedTuple):
    """A fault that has happened: when (UTC), its name, and what was known at its point."""

    when: str
    fault: str
    at: str
    do: str
    facts: dict[str, str]


class Faults:
    """The faults of one node: `LabNode.faults`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def add(self, name: str | None, form: dict[str, Any]) -> Fault:
        """Set a fault of that form, which docs/faults.md explains; without a name it gets one.

        Raises FaultMistake where there is no such point or action, or an argument is wrong.
        """
        from cucmos_shell.world.fault_forms import fault_of

        made = self._lab.faults.add(fault_of(name or "", form))
        return Fault(self, made.name, made.at, made.do)

    def list(self) -> Sequence[Fault]:
        """Those that are set now, in the order in which they are asked."""
        return [Fault(self, one.name, one.at, one.do) for one in self._lab.faults.list()]

    def remove(self, name: str) -> None:
        """Take one away. Raises LookupError if there is none of that name."""
        from cucmos_shell.errors import NotFound

        try:
            self._lab.faults.remove(name)
        except NotFound as error:
            raise LookupError(str(error)) from None

    def reset(self) -> None:
        """Take all of them away, and forget how often they have happened."""
        self._lab.faults.reset()

    def hits(self, name: str) -> int:
        """How often the one of that name has happened."""
        return self._lab.faults.hits(name).fired

    def happened(self) -> Sequence[Happened]:
        """What has happened, oldest first."""
        return [
            Happened(row["when"], row["fault"], row["at"], row["do"], row["facts"])
            for row in self._lab.faults.log()
        ]
