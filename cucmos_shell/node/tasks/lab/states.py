"""Puts a node of a lab into states: presets are understood, and made so in few changes."""

from __future__ import annotations

import re
from functools import partial

from cucmos_shell.errors import BadValue
from cucmos_shell.node.lab.authority import Authority
from cucmos_shell.node.node import Node
from cucmos_shell.node.services.services import Services
from cucmos_shell.node.tasks.lab.presets import PRESETS, PresetStage
from cucmos_shell.results import Value
from cucmos_shell.world.world import no_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from cucmos_shell.store.transaction import Transaction

WHO, WHAT = "lab", "lab state"


class StateMistake(BadValue):
    """A state that a node cannot be put into; `key` is the argument that is wrong, or empty."""

    def __init__(self, key: str, template: str, /, **fields: object) -> None:
        super().__init__(template)
        self.fields = fields
        self.key = key


class WantedState(Value):
    """One state that is wanted: a preset's name, and its arguments."""

    name: str
    arguments: Mapping[str, Any]


def wanted(name: str, arguments: Mapping[str, Any]) -> WantedState:
    """The state that a preset with these arguments stands for. Raises StateMistake."""
    preset = PRESETS.get(name)
    if preset is None:
        names = ", ".join(PRESETS)
        raise StateMistake(name, "{name} is no preset: {names}", name=name, names=names)
    for key in arguments:
        if key not in preset.takes:
            names = ", ".join(preset.takes)
            raise StateMistake(
                str(key), "{name} takes no {key}: {names}", name=name, key=str(key), names=names
            )
    given = {key: _value(name, key, arguments.get(key)) for key in preset.takes}
    return WantedState(name, given)


def _value(name: str, key: str, value: Any) -> Any:
    default = PRESETS[name].takes[key]
    if value is None:
        if default is None:
            raise StateMistake(key, "{name} needs its {key}", name=name, key=key)
        return default
    if key not in ("days", "count"):
        return str(value)
    try:
        number = float(value)
        if isinstance(value, bool) or not -100_000 <= number <= 100_000:
            raise ValueError
    except (TypeError, ValueError):
        raise StateMistake(
            key, "{name}: {key} is a number, not {value}", name=name, key=key, value=str(value)
        ) from None
    return number


def named(text: str) -> WantedState:
    """The state that is written in one word, such as `tomcat-expired`. Raises StateMistake."""
    for name, preset in PRESETS.items():
        found = re.fullmatch(preset.pattern, text)
        if found:
            return wanted(name, found.groupdict())
    raise StateMistake("", "{text} is no preset", text=text)


def put(node: Node, states: Sequence[WantedState], authority: Authority | None = None) -> None:
    """Put the node into these states, at once and whatever faults are set.

    Services have loaded the certificates afterwards, but where a state says otherwise. `authority`
    signs, else the one of the node. Raises StateMistake, and what changes raise.
    """
    for one in states:
        _check(node, one)
    quiet = Node(node.state_dir, node.profile, node.world.replace(fault=no_fault))
    signing = authority or Authority.load(node.layout.lab_authority, now=node.now())
    services = Services(node.profile, quiet.store, quiet.world, at_once=True)
    waiting: list[Callable[[], None]] = []

    def change(late: bool, transaction: Transaction) -> None:
        stage = PresetStage(quiet, transaction, signing, services, waiting)
        for one in states:
            preset = PRESETS[one.name]
            if preset.late is late:
                preset.put(stage, **one.arguments)

    def load(transaction: Transaction) -> None:
        for row in services.outdated(quiet.snapshot()):
            services.restart(transaction, row.service)

    late = {PRESETS[one.name].late for one in states}
    with quiet.store.lock(quiet.world.patience, quiet.world.sleep) as lock:
        if False in late:
            quiet.change(lock, WHO, WHAT, partial(change, False))
            quiet.change(lock, WHO, WHAT, load)
        if True in late:
            quiet.change(lock, WHO, WHAT, partial(change, True))
    for function in waiting:
        function()


def _check(node: Node, state: WantedState) -> None:
    known = {"unit": node.profile.units, "service": node.profile.all_services()}
    for key, value in state.arguments.items():
        if key in known and value not in known[key]:
            names = ", ".join(known[key])
            raise StateMistake(
                key, "{value} is no {key} of this node: {names}", value=value, key=key, names=names
            )
