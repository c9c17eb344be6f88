"""Scenarios: a YAML file that says what a node of a lab is, which time it has, and what goes wrong.

A mistake in one is told with file, line and key, as those of profiles are.
"""

from __future__ import annotations

from cucmos_shell.errors import BadValue, UsageError
from cucmos_shell.node.lab.times import moment
from cucmos_shell.node.node import Node
from cucmos_shell.node.tasks.lab.states import StateMistake, WantedState, named, put, wanted
from cucmos_shell.profile.source import Source, read
from cucmos_shell.results import Value
from cucmos_shell.store import Store
from cucmos_shell.world.fault_forms import FaultMistake, fault_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from cucmos_shell.node.lab.lab import Lab
    from cucmos_shell.world import World
    from cucmos_shell.world.faults import Fault

    Path = tuple[str | int, ...]

FORMAT = 1
KEYS = ("format", "name", "node", "clock", "state", "faults", "then")
NODE_KEYS = ("profile", "hostname", "speed")
CLOCK_KEYS = ("at", "frozen", "rate")
RULE_KEYS = ("when", "remove", "add")


class Scenario(Value):
    """What a file says. `node` has the keys of NODE_KEYS that are given; `at` None: no time is set.

    `rate` 0 is a clock that stands. `then` are rules as `Faults.follow` takes them.
    """

    name: str
    node: Mapping[str, Any]
    at: float | None
    rate: float | None
    states: tuple[WantedState, ...]
    faults: tuple[Fault, ...]
    then: tuple[Mapping[str, Any], ...]


def load(path: str) -> Scenario:
    """The scenario in a file. Raises ProfileError for all of its mistakes at once."""
    source = read(path, times=True)
    found = _ScenarioReader(source).scenario()
    source.verdict()
    return found


class _ScenarioReader:
    """Reads a scenario, and notes its mistakes."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def scenario(self) -> Scenario:
        data = self._source.map_at(self._source.data, (), KEYS)
        if data.get("format") != FORMAT:
            self._source.mistake(("format",), f"must be {FORMAT}")
        node = self._source.map_at(data.get("node"), ("node",), NODE_KEYS)
        at, rate = self._clock(self._source.map_at(data.get("clock"), ("clock",), CLOCK_KEYS))
        faults = self._faults(data.get("faults"), ("faults",))
        states = [
            self._state(one, ("state", i))
            for i, one in enumerate(self._source.list_at(data.get("state"), ("state",)))
        ]
        names = {fault.name for fault in faults}
        rules = [
            self._rule(one, i, names)
            for i, one in enumerate(self._source.list_at(data.get("then"), ("then",)))
        ]
        return Scenario(
            str(data.get("name", "")),
            {key: self._node(key, value) for key, value in node.items()},
            at,
            rate,
            tuple(filter(None, states)),
            tuple(faults),
            tuple(rules),
        )

    def _node(self, key: str, value: Any) -> Any:
        if key == "speed":
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                self._source.mistake(("node", key), "must be a number from 0 on")
                return 0.0
            return float(value)
        if not isinstance(value, str):
            self._source.mistake(("node", key), "must be text")
        return str(value)

    def _clock(self, data: Mapping[str, Any]) -> tuple[float | None, float | None]:
        at = rate = None
        if "at" in data:
            try:
                at = moment(str(data["at"]))
            except BadValue as error:
                self._source.mistake(("clock", "at"), error.message())
        if data.get("frozen"):
            rate = 0.0
        elif "rate" in data or "at" in data:
            rate = data.get("rate", 1.0)
            if isinstance(rate, bool) or not isinstance(rate, int | float) or rate <= 0:
                self._source.mistake(("clock", "rate"), "must be a number above 0")
        if data.get("frozen") not in (None, True, False):
            self._source.mistake(("clock", "frozen"), "must be true or false")
        return at, rate

    def _faults(self, data: Any, path: Path) -> list[Fault]:
        found = []
        for name, row in self._source.map_at(data, path).items():
            try:
                found.append(fault_of(name, self._source.map_at(row, (*path, name))))
            except FaultMistake as error:
                where = (*path, name, "when", error.key), (*path, name, error.key)
                known = [one for one in where if one in self._source.lines]
                self._source.mistake(known[0] if known else where[1], error.message())
        return found

    def _state(self, data: Any, path: Path) -> WantedState | None:
        try:
            if isinstance(data, str):
                return named(data)
            if isinstance(data, dict) and len(data) == 1:
                ((name, arguments),) = data.items()
                return wanted(name, self._source.map_at(arguments, (*path, name)))
        except StateMistake as error:
            inside = () if isinstance(data, str) else tuple(dict.fromkeys((*data, error.key)))
            self._source.mistake((*path, *inside), error.message())
            return None
        self._source.mistake(path, "must be a preset: a word, or one name with its arguments")
        return None

    def _rule(self, data: Any, i: int, names: set[str]) -> dict[str, Any]:
        path: Path = ("then", i)
        rule = self._source.map_at(data, path, RULE_KEYS)
        added = self._faults(rule.get("add"), (*path, "add"))
        if rule.get("when") not in names:
            self._source.mistake((*path, "when"), "must be the name of a fault")
        names.update(fault.name for fault in added)
        remove = rule.get("remove") or []
        if not isinstance(remove, list) or not all(name in names for name in remove):
            self._source.mistake((*path, "remove"), "must be a list of names of faults")
            remove = []
        add = {fault.name: fault.data() for fault in added}
        return {"when": rule.get("when"), "remove": remove, "add": add}


# --- carrying it out ---------------------------------------------------------------------------


def install_for(
    scenario: Scenario, state_dir: str, world: World, install: Callable[..., Any]
) -> bool:
    """Install the scenario's node as `install` does, if there is none; whether it was."""
    if Store(state_dir).exists():
        return False
    node = dict(scenario.node)
    product = node.pop("profile", None)
    if product is None:
        raise UsageError(
            "{folder} holds no node, and the scenario names no profile", folder=state_dir
        )
    install(state_dir, product, world, **node)
    return True


def carry_out(scenario: Scenario, lab: Lab) -> None:
    """Let the node be as the scenario says: its clock, its states, then faults, and no others.

    Raises UsageError for a node of another profile or name, and what changes raise.
    """
    node = Node.open(lab.layout.state, lab.outside)
    profile = node.profile
    for key, here in (("profile", profile.name), ("hostname", profile.hostname)):
        if scenario.node.get(key, here) != here:
            raise UsageError(
                "{folder} holds a node whose {key} is {here}, not {wanted}",
                folder=lab.layout.state, key=key, here=here, wanted=scenario.node[key],
            )  # fmt: skip
    lab.faults.reset()
    if scenario.rate is not None:
        lab.clock.freeze(scenario.at)
        if scenario.rate:
            lab.clock.run(scenario.rate)
    speed = scenario.node.get("speed")
    if speed is not None:
        _set_speed(node, speed)
    if scenario.states:
        put(node, scenario.states)
    for fault in scenario.faults:
        lab.faults.add(fault)
    lab.faults.follow(scenario.then)


def _set_speed(node: Node, speed: float) -> None:
    with node.store.lock(node.world.patience, node.world.sleep) as lock:
        node.change(lock, "lab", "lab scenario", lambda change: change.put_setting("speed", speed))
