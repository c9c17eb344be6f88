"""The faults that are set on a node: kept in one file, met in every process, counted and logged."""

from __future__ import annotations

import hashlib
import json
import os
from functools import partial

from cucmos_shell.errors import NotFound, ShellError
from cucmos_shell.node.lab.held import HeldFile
from cucmos_shell.results import Value
from cucmos_shell.store.json_text import loads
from cucmos_shell.store.logfile import LogFile
from cucmos_shell.store.shared_json import SharedJson
from cucmos_shell.text import iso_time
from cucmos_shell.world.fault_forms import FaultMistake, fault_of
from cucmos_shell.world.faults import DO, POINTS, Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from cucmos_shell.store.paths import Layout

MAX_LOG, MAX_LOGS = 1024 * 1024, 3
MAX_NAME = 64


class FaultHits(Value):
    """How often a fault's point was called so that it fits, and how often the fault happened."""

    calls: int = 0
    fired: int = 0


class FaultSet(Value):
    """The file: faults by name, in their order, and what is to follow when one has happened."""

    faults: Mapping[str, Fault]
    then: tuple[Mapping[str, Any], ...] = ()


class Faults:
    """The faults of one node. Making one does no I/O; `now` is the node's clock."""

    def __init__(self, layout: Layout, now: Callable[[], float]) -> None:
        self._file = SharedJson(layout.faults)
        self._hits = SharedJson(layout.fault_hits)
        self._log = LogFile("log of faults", layout.fault_log, max_size=MAX_LOG, max_files=MAX_LOGS)
        self._now = now
        self._held = HeldFile(layout.faults, _by_point)

    # --- setting ----------------------------------------------------------------------------------

    def list(self) -> tuple[Fault, ...]:
        """The faults that are set, in the order in which they are asked. Raises OSError."""
        return tuple(_read(self._file.read()).faults.values())

    def add(self, fault: Fault) -> Fault:
        """Set a fault in place of one of its name, counted from now on; one without gets a name.

        Raises FaultMistake, OSError.
        """
        with self._file.change() as entries:
            faults = entries.setdefault("faults", {})
            name = fault.name or _free_name(fault.at, faults)
            made = _settled(fault_of(_checked(name), fault.data()))
            faults[name] = made.data()
            with self._hits.change() as counts:
                counts.pop(name, None)
        return made

    def remove(self, name: str) -> None:
        """Take a fault away; how often it happened is still told. Raises NotFound, OSError."""
        with self._file.change() as entries:
            if entries.get("faults", {}).pop(name, None) is None:
                raise NotFound("There is no fault {name}", name=name)

    def reset(self) -> int:
        """Take all faults away, with what was to follow, and forget how often they happened.

        Returns how many there were. Raises OSError.
        """
        with self._file.change() as entries:
            count = len(entries.get("faults", {}))
            entries.clear()
            with self._hits.change() as counts:
                counts.clear()
        return count

    def follow(self, rules: tuple[Mapping[str, Any], ...]) -> None:
        """What is to follow when faults have happened, in place of what was (see `scenario`)."""
        with self._file.change() as entries:
            entries["then"] = list(rules)

    # --- what has happened ------------------------------------------------------------------------

    def hits(self, name: str) -> FaultHits:
        """How often the fault of that name has happened since it was set. Raises OSError."""
        return _counted(self._hits.read().get(name))

    def log(self) -> Sequence[dict[str, Any]]:
        """What has happened, oldest first: `when`, `fault`, `at`, `do`, `call`, `facts`.

        Raises Unavailable.
        """
        lines = [line for data in self._log.contents() for line in reversed(data.splitlines())]
        return [loads(line) for line in reversed(lines) if line.endswith(b"}")]

    # --- at a point -------------------------------------------------------------------------------

    def meet(self, at: str, facts: Mapping[str, str]) -> Fault | None:
        """The fault that is to happen at a point of the code now; counted and logged."""
        by_point: dict[str, tuple[Fault, ...]] | None = self._held.value()
        if not by_point or at not in by_point:
            return None
        for fault in by_point[at]:
            if _fits(fault, facts):
                try:
                    fires = self._fires(fault, facts)
                except (OSError, ShellError):
                    # A disk that takes no count is no reason to hide the fault that was asked for.
                    fires = True
                if fires:
                    met: Fault = fault.replace(holds=partial(self._holds, fault))
                    return met
        return None

    def _holds(self, fault: Fault) -> bool:
        by_point: dict[str, tuple[Fault, ...]] = self._held.value() or {}
        return fault in by_point.get(fault.at, ())

    def _fires(self, fault: Fault, facts: Mapping[str, str]) -> bool:
        with self._hits.change() as counts:
            before = _counted(counts.get(fault.name))
            call = before.calls + 1
            fires = (
                call > fault.after
                and (fault.times is None or before.fired < fault.times)
                and (fault.chance is None or _drawn(fault, call) < fault.chance)
            )
            counts[fault.name] = {"calls": call, "fired": before.fired + fires}
        if fires:
            self._note(fault, call, facts)
            if not before.fired:
                self._go_on(fault.name)
        return fires

    def _note(self, fault: Fault, call: int, facts: Mapping[str, str]) -> None:
        row = {
            "when": iso_time(self._now()),
            "fault": fault.name,
            "at": fault.at,
            "do": fault.do,
            "call": call,
            "facts": dict(facts),
        }
        self._log.append(json.dumps(row).encode("ascii") + b"\n")

    def _go_on(self, name: str) -> None:
        """Let come and go what was to follow the first time that this fault happens."""
        with self._file.change() as entries:
            rules = entries.get("then", [])
            mine = [rule for rule in rules if rule.get("when") == name]
            for rule in mine:
                rules.remove(rule)
                for other in rule.get("remove", ()):
                    entries.setdefault("faults", {}).pop(other, None)
                for other, data in rule.get("add", {}).items():
                    entries.setdefault("faults", {})[other] = data
        for rule in mine:
            with self._hits.change() as counts:
                for other in rule.get("add", {}):
                    counts.pop(other, None)


def _checked(name: str) -> str:
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or " " in name:
        raise FaultMistake("name", "{name} is no name for a fault", name=name)
    return name


def _free_name(at: str, taken: Mapping[str, object]) -> str:
    number = 1
    while f"{at}-{number}" in taken:
        number += 1
    return f"{at}-{number}"


def _settled(fault: Fault) -> Fault:
    """A fault that is left to chance has a seed, so that what it did can be done again."""
    if fault.chance is None or fault.seed is not None:
        return fault
    seeded: Fault = fault.replace(seed=int.from_bytes(os.urandom(3), "big"))
    return seeded


def _drawn(fault: Fault, call: int) -> float:
    """A number from 0 to 1 that depends on the seed and the number of the call alone."""
    octets = hashlib.sha256(f"{fault.seed}:{call}".encode()).digest()
    return int.from_bytes(octets[:7], "big") / 2**56


def _counted(row: object) -> FaultHits:
    if isinstance(row, dict) and all(isinstance(row.get(key), int) for key in FaultHits._fields):
        return FaultHits(row["calls"], row["fired"])
    return FaultHits()


def _read(entries: Mapping[str, Any]) -> FaultSet:
    """What a file holds. A fault that this version does not understand is passed over."""
    faults: dict[str, Fault] = {}
    rows = entries.get("faults")
    for name, data in rows.items() if isinstance(rows, dict) else ():
        try:
            faults[name] = fault_of(name, data)
        except (FaultMistake, AttributeError):
            continue
    then = entries.get("then")
    return FaultSet(faults, tuple(then) if isinstance(then, list) else ())


def _by_point(octets: bytes) -> dict[str, tuple[Fault, ...]]:
    faults = _read(loads(octets)).faults.values()
    found = {at: tuple(fault for fault in faults if fault.at == at) for at in POINTS}
    return {at: there for at, there in found.items() if there}


def _fits(fault: Fault, facts: Mapping[str, str]) -> bool:
    if facts.get(DO, fault.do) != fault.do:
        return False
    if not fault.when:
        return True
    from fnmatch import fnmatchcase

    return all(
        fnmatchcase(facts.get(fact, "").casefold(), pattern.casefold())
        for fact, pattern in fault.when.items()
    )
