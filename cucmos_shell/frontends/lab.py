"""`cucmos-shell lab`: what can be done to a node of a lab besides what its own commands do."""

from __future__ import annotations

import json
from functools import partial

from cucmos_shell.errors import UsageError, from_os
from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import open_lab
from cucmos_shell.node.lab.times import duration, moment
from cucmos_shell.results import Value
from cucmos_shell.text import iso_time, safe_line
from cucmos_shell.world.fault_forms import fault_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from cucmos_shell.node.lab.lab import Lab
    from cucmos_shell.world import World
    from cucmos_shell.world.faults import Fault

    Action = Callable[[Lab, Sequence[str]], "LabAnswer"]


class LabAnswer(Value):
    """What an action has to say: lines for a person, data for a program."""

    lines: tuple[str, ...]
    data: Any = None


def run(state_dir: str, words: Sequence[str], world: World, *, ansible: bool = False) -> LabAnswer:
    """Do what `words` say to the node in `state_dir`; `ansible`: in its form. Raises ShellError."""
    if ansible and words[:1] != (INVENTORY,):
        raise UsageError("--ansible is for: cucmos-shell lab inventory FILE")
    for length in (2, 1):
        form = FORMS.get(" ".join(words[:length]))
        if form is not None and len(words) >= length:
            least, most, _, action = form
            given = words[length:]
            if not least <= len(given) <= most:
                raise _usage()
            try:
                if action is _scenario:
                    return _play(state_dir, given[0], world)
                if action is _inventory:
                    return inventory(given[0], ansible=ansible)
                return action(open_lab(state_dir, world), given)
            except OSError as error:
                raise from_os(error) from error
    raise _usage()


def text(answer: LabAnswer, as_json: bool) -> str:
    """The answer as it is printed."""
    if as_json:
        return json.dumps(answer.data) + "\n"
    return "".join(f"{safe_line(line)}\n" for line in answer.lines)


def _usage() -> UsageError:
    lines = [f"cucmos-shell lab {name} {form[2]}".rstrip() for name, form in FORMS.items()]
    return UsageError("lab needs to be told what to do", details=lines)


# --- an inventory, which is of no node --------------------------------------------------------


def inventory(file: str, *, ansible: bool = False) -> LabAnswer:
    """The nodes of an inventory: a table, or what Ansible reads. Raises ProfileError."""
    from cucmos_shell.frontends import inventory_shown
    from cucmos_shell.frontends.inventory import load

    found = load(file)
    form = inventory_shown.ansible if ansible else inventory_shown.table
    return LabAnswer(form(found), inventory_shown.data(found))


def _inventory(_: Lab, words: Sequence[str]) -> LabAnswer:
    return inventory(words[0])


# --- faults -----------------------------------------------------------------------------------


def described(lab: Lab, fault: Fault) -> dict[str, Any]:
    """A fault for programs: its own form, its name, and how often it was met and happened."""
    hits = lab.faults.hits(fault.name)
    return {"name": fault.name, **fault.data(), "calls": hits.calls, "hits": hits.fired}


def _fault_line(row: dict[str, Any]) -> str:
    skipped = ("name", "at", "do", "when", "calls", "hits")
    rest = {**row.get("when", {}), **{key: row[key] for key in row if key not in skipped}}
    said = "".join(
        f" {key}={value:g}" if isinstance(value, float) else f" {key}={value}"
        for key, value in rest.items()
    )
    return f"{row['name']}: {row['at']} {row['do']}{said} (hits: {row['hits']})"


def _fault_add(lab: Lab, words: Sequence[str]) -> LabAnswer:
    at, do, *pairs = words
    data: dict[str, Any] = {"at": at, "do": do}
    name = ""
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError("{pair}: KEY=VALUE is wanted", pair=pair)
        if key == "name":
            name = value
        else:
            data[key] = value
    made = lab.faults.add(fault_of(name, data))
    row = described(lab, made)
    return LabAnswer((f"Set {_fault_line(row)}",), row)


def _fault_remove(lab: Lab, words: Sequence[str]) -> LabAnswer:
    lab.faults.remove(words[0])
    return LabAnswer((f"Removed {words[0]}",), {"removed": words[0]})


def _fault_list(lab: Lab, _: Sequence[str]) -> LabAnswer:
    rows = [described(lab, fault) for fault in lab.faults.list()]
    return LabAnswer(tuple(map(_fault_line, rows)) or ("No fault is set",), rows)


def _fault_reset(lab: Lab, _: Sequence[str]) -> LabAnswer:
    count = lab.faults.reset()
    return LabAnswer((f"Removed {count}",), {"removed": count})


# --- states -----------------------------------------------------------------------------------


def _state(lab: Lab, words: Sequence[str]) -> LabAnswer:
    from cucmos_shell.node.tasks.lab.states import named, put

    put(Node.open(lab.layout.state, lab.outside), [named(word) for word in words])
    return LabAnswer((f"The node is in this state now: {', '.join(words)}",), list(words))


# --- scenarios --------------------------------------------------------------------------------


def _scenario(lab: Lab, words: Sequence[str]) -> LabAnswer:
    from cucmos_shell.node.tasks.lab import scenario

    found = scenario.load(words[0])
    scenario.carry_out(found, lab)
    name = found.name or words[0]
    return LabAnswer((f"The scenario is set: {name}",), {"scenario": name})


def _play(state_dir: str, file: str, world: World) -> LabAnswer:
    """As `_scenario`, on a node that is installed for it if there is none."""
    from cucmos_shell.commands import check_words
    from cucmos_shell.node.install import install
    from cucmos_shell.node.lab.lab import make_lab
    from cucmos_shell.node.tasks.lab import scenario

    make = partial(install, check=check_words)
    if scenario.install_for(scenario.load(file), state_dir, world, make):
        make_lab(state_dir)
    return _scenario(open_lab(state_dir, world), (file,))


# --- snapshots --------------------------------------------------------------------------------


def _snapshot(lab: Lab, words: Sequence[str]) -> LabAnswer:
    lab.snapshots.save(words[0])
    return LabAnswer((f"Saved {words[0]}",), {"saved": words[0]})


def _restore(lab: Lab, words: Sequence[str]) -> LabAnswer:
    lab.snapshots.restore(words[0])
    return LabAnswer((f"Restored {words[0]}",), {"restored": words[0]})


# --- the clock --------------------------------------------------------------------------------


def told(lab: Lab) -> dict[str, Any]:
    """The clock for programs: what it shows, how it goes, and when a service does what next."""
    setting = lab.clock.setting()
    row: dict[str, Any] = {"now": iso_time(lab.clock.now()), "rate": setting.rate}
    due = next_due(Node.look(lab.layout.state, lab.outside))
    row["real"] = setting.real
    row["due"] = due and {"service": due[0], "state": due[1], "at": iso_time(due[2])}
    return row


def next_due(node: Node) -> tuple[str, str, float] | None:
    """The service that is the next to change its state, that state and when; None if none is."""
    now = node.services.now()
    states = (*node.services.states(now), *node.services.platform_states(now))
    coming = [(one.until, one.name) for one in states if one.until is not None]
    if not coming:
        return None
    at, name = min(coming)
    return name, node.services.state(name, at).state, at


def _clock_lines(row: dict[str, Any]) -> tuple[str, ...]:
    goes = "is the machine's" if row["real"] else "stands" if not row["rate"] else ""
    goes = goes or f"goes {row['rate']:g} times as fast as the machine's"
    lines = [f"The clock shows {row['now']} and {goes}"]
    if row["due"] and not row["real"]:
        lines.append("Next: {service} is {state} at {at}".format(**row["due"]))
    return tuple(lines)


def _clock_show(lab: Lab, _: Sequence[str] = ()) -> LabAnswer:
    row = told(lab)
    return LabAnswer(_clock_lines(row), row)


def _clock_freeze(lab: Lab, words: Sequence[str]) -> LabAnswer:
    lab.clock.freeze(moment(words[0]) if words else None)
    return _clock_show(lab)


def _clock_advance(lab: Lab, words: Sequence[str]) -> LabAnswer:
    lab.clock.advance(duration(words[0]))
    return _clock_show(lab)


def _clock_run(lab: Lab, words: Sequence[str]) -> LabAnswer:
    try:
        rate = float(words[0]) if words else 1.0
    except ValueError:
        raise UsageError("{text} is no rate: 1, or 60, or 0.5", text=words[0]) from None
    lab.clock.run(rate)
    return _clock_show(lab)


def _clock_real(lab: Lab, _: Sequence[str]) -> LabAnswer:
    lab.clock.real()
    return _clock_show(lab)


def _ports_of(lab: Lab) -> LabAnswer:
    from cucmos_shell.frontends.tls.places import served

    ports = served(lab.layout)
    lines = [
        f"Port {port} of {service} at {here['at']}: {'open' if here['open'] else 'closed'}"
        for service, row in ports.items()
        for port, here in row.items()
    ]
    return LabAnswer(tuple(lines), ports)


def _show(lab: Lab, _: Sequence[str]) -> LabAnswer:
    clock, faults = _clock_show(lab), _fault_list(lab, ())
    names = lab.snapshots.names()
    kept = (f"Snapshots: {', '.join(names)}",) if names else ()
    ports = _ports_of(lab)
    data = {"clock": clock.data, "faults": faults.data, "snapshots": list(names)}
    return LabAnswer(
        (*clock.lines, *faults.lines, *kept, *ports.lines), {**data, "ports": ports.data}
    )


# Words → how many more there may be, what they are, and who does it.
MANY = 1000
INVENTORY = "inventory"
FORMS: dict[str, tuple[int, int, str, Action]] = {
    "show": (0, 0, "", _show),
    "fault add": (2, MANY, "POINT ACTION [KEY=VALUE...]", _fault_add),
    "fault remove": (1, 1, "NAME", _fault_remove),
    "fault list": (0, 0, "", _fault_list),
    "fault reset": (0, 0, "", _fault_reset),
    "state": (1, MANY, "PRESET...", _state),
    "scenario": (1, 1, "FILE", _scenario),
    INVENTORY: (1, 1, "FILE", _inventory),
    "snapshot": (1, 1, "NAME", _snapshot),
    "restore": (1, 1, "NAME", _restore),
    "clock show": (0, 0, "", _clock_show),
    "clock freeze": (0, 1, "[TIME]", _clock_freeze),
    "clock advance": (1, 1, "DURATION", _clock_advance),
    "clock run": (0, 1, "[RATE]", _clock_run),
    "clock real": (0, 0, "", _clock_real),
}
