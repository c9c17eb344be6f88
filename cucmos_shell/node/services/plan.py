"""What is planned for the services: transitions, the file that holds them, and their making.

Nothing here reads a clock or a file. A service's state is that of its last row whose time has
come; without rows it is as delivered. What a service has loaded is fixed by its STARTING row.
"""

from __future__ import annotations

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from cucmos_shell.profile.profile import ServiceSpec
    from cucmos_shell.world.faults import Fault

FORMAT = 1
STARTED, STOPPED, STARTING, STOPPING = "STARTED", "STOPPED", "STARTING", "STOPPING"
FAILED = "FAILED"
STATES = (STARTED, STOPPED, STARTING, STOPPING, FAILED)
DOWN = (STOPPED, FAILED)
COMMANDED = "Commanded Out of Service"
NOT_ACTIVATED = "Service Not Activated"
NOT_RUNNING = "Component is not running"
# Seconds that a service hangs: longer than anybody waits, or moves a clock by.
FOR_GOOD = 3650 * 86_400.0


class Loaded(Value):
    """What a start loads: `own` unit → (head it came with, SHA-256), `trust` store → version.

    `planned_at` and `head` are the time and the store's state when this was planned: a later
    certificate is loaded as well if it is there when the start begins. `planned_at` is None when
    that has been settled.
    """

    planned_at: float | None
    head: int
    own: Mapping[str, tuple[int, str]]
    trust: Mapping[str, int]


class Transition(Value):
    """A change of state: from `at` on (seconds since the epoch) the service is in `state`."""

    state: str
    at: float
    reason: str = ""
    loaded: Loaded | None = None


class ServicePlan(Value):
    """What is planned for one service; None where it is as the profile says."""

    activated: bool | None = None
    auto_restart: bool | None = None
    rows: tuple[Transition, ...] = ()

    def at(self, moment: float) -> int:
        """The index of the row that holds at `moment`, -1 before the first."""
        for i in range(len(self.rows) - 1, -1, -1):
            if self.rows[i].at <= moment:
                return i
        return -1


class ServiceBook(Value):
    """The file: what is kept of all services, the node's starts, and the clock's high water.

    Services live in a time that never goes back: `latest` is the latest it is known to have been,
    `offset` how many seconds it was ahead of the clock then. `era` is a higher number once the node
    was put back to an earlier state: its time goes on from there.
    """

    latest: float = 0.0
    offset: float = 0.0
    boots: tuple[float, ...] = ()
    entries: Mapping[str, ServicePlan] = {}
    era: int = 0

    def entry(self, name: str) -> ServicePlan:
        """The plan of the service `name`."""
        return self.entries.get(name) or ServicePlan()

    def now(self, clock: float) -> float:
        """The services' time when the clock shows `clock`."""
        return max(self.latest, clock + self.offset)


# --- the file ----------------------------------------------------------------------------------


def parse(data: Any) -> ServiceBook:
    """The book from the file's JSON. Raises what working on data of another form raises."""
    return ServiceBook(
        _seconds(data["high"]),
        _seconds(data["ahead"]),
        tuple(map(_seconds, data["boots"])),
        {str(name): _entry(row) for name, row in data["services"].items()},
        int(data.get("era", 0)),
    )


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not -1e12 < seconds < 1e12:
        raise ValueError(f"{value} is no time")
    return seconds


def _entry(data: dict[str, Any]) -> ServicePlan:
    rows = tuple(map(_row, data.get("rows", ())))
    if any(rows[i].at < rows[i - 1].at for i in range(1, len(rows))):
        raise ValueError("rows are not in order")
    flags = (data.get("activated"), data.get("auto_restart"))
    if any(flag not in (None, True, False) for flag in flags):
        raise ValueError("a flag is neither true nor false")
    return ServicePlan(*flags, rows)


def _row(data: dict[str, Any]) -> Transition:
    if data["state"] not in STATES:
        raise ValueError(f"no such state: {data['state']}")
    loaded = data.get("loaded")
    if loaded is not None:
        planned_at = loaded["planned_at"]
        loaded = Loaded(
            planned_at if planned_at is None else _seconds(planned_at),
            int(loaded["head"]),
            {str(unit): (int(head), str(sha)) for unit, (head, sha) in loaded["own"].items()},
            {str(store): int(version) for store, version in loaded["trust"].items()},
        )
    return Transition(data["state"], _seconds(data["at"]), str(data.get("reason", "")), loaded)


def dump(book: ServiceBook) -> bytes:
    """The file's octets, one service a line."""
    import json

    services = {name: _entry_data(entry) for name, entry in sorted(book.entries.items())}
    head: dict[str, Any] = {
        "format": FORMAT,
        "high": book.latest,
        "ahead": book.offset,
        "boots": book.boots,
    }
    if book.era:
        head["era"] = book.era
    lines = [f" {json.dumps(name)}: {json.dumps(row)}" for name, row in services.items() if row]
    text = json.dumps(head)[:-1] + ', "services": {\n' + ",\n".join(lines) + "\n}}\n"
    return text.encode("ascii")


def _entry_data(entry: ServicePlan) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if entry.activated is not None:
        data["activated"] = entry.activated
    if entry.auto_restart is not None:
        data["auto_restart"] = entry.auto_restart
    if entry.rows:
        data["rows"] = [_row_data(row) for row in entry.rows]
    return data


def _row_data(row: Transition) -> dict[str, Any]:
    data: dict[str, Any] = {"state": row.state, "at": row.at}
    if row.reason:
        data["reason"] = row.reason
    if row.loaded is not None:
        data["loaded"] = {name: getattr(row.loaded, name) for name in Loaded._fields}
    return data


def lasting(fault: Fault) -> float:
    """Seconds by which a fault puts an end off: for good, where it says nothing of them."""
    return fault.seconds if fault.do == "delay" else FOR_GOOD


# --- who goes along ----------------------------------------------------------------------------


def in_need_order(specs: Mapping[str, ServiceSpec], names: Iterable[str]) -> list[str]:
    """`names` so that each comes after what it needs."""
    wanted = set(names)
    order: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in order and name in specs:
            for need in specs[name].needs:
                add(need)
            order[name] = None

    for name in specs:
        add(name)
    return [name for name in order if name in wanted]


def dependents(specs: Mapping[str, ServiceSpec], name: str) -> list[str]:
    """The services that need `name`, directly or not, each after what it needs itself."""
    found = {name}
    for other in in_need_order(specs, specs):
        if found.intersection(specs[other].needs):
            found.add(other)
    return [other for other in in_need_order(specs, found) if other != name]


# --- timelines ---------------------------------------------------------------------------------


class Timeline:
    """Rows for services that stop and start together, from `now` on.

    `pace` is what the profile's seconds are multiplied by: 0 for at once. `fault` tells what goes
    wrong at a point (see `World`).
    """

    def __init__(
        self,
        specs: Mapping[str, ServiceSpec],
        now: float,
        pace: float,
        fault: Callable[[str, Mapping[str, str]], Fault | None],
    ) -> None:
        self._specs = specs
        self._now = now
        self._pace = pace
        self._fault = fault
        # Those that are down for good, though they were to start.
        self._broken: set[str] = set()
        self.rows: dict[str, list[Transition]] = {}
        self._stopped: dict[str, float] = {}
        self._started: dict[str, float] = {}

    def stop(self, names: Iterable[str], down: float | None = None) -> None:
        """Stop `names`, what needs another before that other; all are down at `down` if given."""
        order = in_need_order(self._specs, names)
        for name in reversed(order):
            own = self._now + self._specs[name].stop_seconds * self._pace
            others = [self._stopped[o] for o in order if name in self._specs[o].needs]
            self._stopped[name] = max([own, *others]) if down is None else down
            self.rows[name] = [Transition(STOPPING, self._now)]
            if down is None:
                self._stop_fault(name)

    def _stop_fault(self, name: str) -> None:
        fault = self._fault("service.stop", {"service": name})
        if fault is None:
            return
        if fault.do == "fail":
            self.rows[name].append(Transition(FAILED, self._stopped[name]))
            self._broken.add(name)
        else:
            self._stopped[name] += lasting(fault)

    def fail(self, name: str) -> None:
        """`name` breaks down now; if it is started again, then after the time a stop takes."""
        self._stopped[name] = self._now + self._specs[name].stop_seconds * self._pace
        self.rows[name] = [Transition(FAILED, self._now)]

    def halt(self, name: str, reason: str) -> None:
        """`name` stays down when it has stopped."""
        if name in self._broken:
            return
        at = self._stopped.get(name, self._now)
        self.rows.setdefault(name, []).append(Transition(STOPPED, at, reason))

    def start(
        self,
        names: Iterable[str],
        loads: Mapping[str, Loaded],
        ready: Mapping[str, float],
        earliest: float | None = None,
    ) -> None:
        """Start `names`, each when it is down and what it needs has started.

        `ready` tells from when on services that are not among `names` run or may start.
        """
        for name in in_need_order(self._specs, names):
            if name in self._broken:
                continue
            down = self._stopped.get(name)
            if self._broken.intersection(self._specs[name].needs):
                self.halt(name, NOT_RUNNING)
                self._broken.add(name)
                continue
            free = ready.get(name, self._now) if down is None else down
            needs = [
                self._started.get(need, ready.get(need, self._now))
                for need in self._specs[name].needs
            ]
            begin = max([self._now, free, earliest or self._now, *needs])
            if down is not None and begin > down:
                self.rows[name].append(Transition(STOPPED, down, NOT_RUNNING))
            end = begin + self._specs[name].start_seconds * self._pace
            coming = Transition(STARTING, begin, loaded=loads.get(name))
            self.rows.setdefault(name, []).extend((coming, *self._started_at(name, coming, end)))

    def _started_at(self, name: str, coming: Transition, end: float) -> Iterable[Transition]:
        """What follows `coming`: that it has started at `end`, or what goes wrong instead."""
        fault = self._fault("service.start", {"service": name})
        if fault is not None and fault.do == "fail":
            self._broken.add(name)
            return (Transition(FAILED, end),)
        rows = []
        if fault is not None and fault.do == "flap":
            for _ in range(fault.number("count") or 0):
                down, up = end + fault.seconds, end + 2 * fault.seconds
                rows += [Transition(STARTED, end), Transition(FAILED, down), coming.replace(at=up)]
                end = up
        elif fault is not None:
            end += lasting(fault)
        self._started[name] = end
        return (*rows, Transition(STARTED, end))
