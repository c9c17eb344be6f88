"""What can be asked at the control socket of a lab, and what is answered."""

from __future__ import annotations

import math
from urllib.parse import parse_qs, unquote, urlsplit

from cucmos_shell.errors import BadValue, NotFound
from cucmos_shell.frontends.lab import described, told
from cucmos_shell.frontends.tls.places import served
from cucmos_shell.node.lab.times import duration, moment
from cucmos_shell.world.fault_forms import fault_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.lab.lab import Lab

    Body = Mapping[str, Any]
    Reply = tuple[int, Any]

COMMANDS = 100


class Routes:
    """The answers of one node. `address` is where its SSH server listens."""

    def __init__(self, node: Node, lab: Lab, address: str) -> None:
        self._node = node
        self._lab = lab
        self._address = address
        # (method, first word of the path, whether a name follows) → who answers.
        self.known: dict[tuple[str, str, bool], Callable[[str, Body], Reply]] = {
            ("GET", "faults", False): self._faults,
            ("POST", "faults", False): self._add_fault,
            ("DELETE", "faults", False): self._reset_faults,
            ("GET", "faults", True): self._fault,
            ("DELETE", "faults", True): self._remove_fault,
            ("GET", "clock", False): self._clock,
            ("POST", "clock", False): self._set_clock,
            ("DELETE", "clock", False): self._real_clock,
            ("GET", "snapshots", False): self._snapshots,
            ("POST", "snapshots", False): self._save,
            ("POST", "snapshots", True): self._restore,
            ("DELETE", "snapshots", True): self._forget,
            ("GET", "nodes", False): self._nodes,
            ("GET", "commands", False): self._commands,
        }

    def answer(self, method: str, target: str, body: Body) -> Reply:
        """The status of HTTP and the data for a request. Raises ShellError, OSError."""
        parts = urlsplit(target)
        first, *rest = [unquote(part) for part in parts.path.strip("/").split("/")]
        name = rest[0] if len(rest) == 1 else ""
        route = self.known.get((method, first, bool(rest)))
        if route is not None and bool(name) == bool(rest):
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            return route(name, {**query, **body})
        known = [key[0] for key in self.known if key[1:] == (first, bool(rest))]
        if known and len(rest) < 2:
            return 405, {"error": {"kind": "request", "message": f"known: {', '.join(known)}"}}
        raise NotFound("There is no {path}", path=parts.path)

    # --- faults -----------------------------------------------------------------------------------

    def _faults(self, _: str, body: Body) -> Reply:
        return 200, [described(self._lab, fault) for fault in self._lab.faults.list()]

    def _fault(self, name: str, body: Body) -> Reply:
        hits = self._lab.faults.hits(name)
        found = [fault for fault in self._lab.faults.list() if fault.name == name]
        if not found and not hits.calls:
            raise NotFound("There is no fault {name}", name=name)
        row = described(self._lab, found[0]) if found else {"name": name}
        return 200, {**row, "calls": hits.calls, "hits": hits.fired, "set": bool(found)}

    def _add_fault(self, _: str, body: Body) -> Reply:
        data = dict(body)
        made = self._lab.faults.add(fault_of(str(data.pop("name", "")), data))
        return 201, described(self._lab, made)

    def _reset_faults(self, _: str, body: Body) -> Reply:
        return 200, {"removed": self._lab.faults.reset()}

    def _remove_fault(self, name: str, body: Body) -> Reply:
        self._lab.faults.remove(name)
        return 200, {"removed": name}

    # --- the clock --------------------------------------------------------------------------------

    def _clock(self, _: str, body: Body) -> Reply:
        return 200, told(self._lab)

    def _set_clock(self, _: str, body: Body) -> Reply:
        """`freeze` (a time, or true), `advance` (a duration, or seconds), `run` (a rate)."""
        clock = self._lab.clock
        if not body or any(key not in ("freeze", "advance", "run") for key in body):
            raise BadValue("A clock takes freeze, advance and run")
        if "freeze" in body:
            at = body["freeze"]
            clock.freeze(None if at is True else moment(str(at)))
        if "advance" in body:
            clock.advance(_seconds(body["advance"]))
        if "run" in body:
            clock.run(_number("run", body["run"]))
        return self._clock("", {})

    def _real_clock(self, _: str, body: Body) -> Reply:
        self._lab.clock.real()
        return self._clock("", {})

    # --- snapshots --------------------------------------------------------------------------------

    def _snapshots(self, _: str, body: Body) -> Reply:
        return 200, list(self._lab.snapshots.names())

    def _save(self, _: str, body: Body) -> Reply:
        name = str(body.get("name", ""))
        self._lab.snapshots.save(name)
        return 201, {"saved": name}

    def _restore(self, name: str, body: Body) -> Reply:
        self._lab.snapshots.restore(name)
        return 200, {"restored": name}

    def _forget(self, name: str, body: Body) -> Reply:
        self._lab.snapshots.remove(name)
        return 200, {"removed": name}

    # --- what there is ----------------------------------------------------------------------------

    def _nodes(self, _: str, body: Body) -> Reply:
        return 200, [self.row(self._node, self._address)]

    @staticmethod
    def row(node: Node, address: str) -> dict[str, Any]:
        """What is told of a node that listens at that address."""
        return {
            "name": node.hostname,
            "profile": node.profile.name,
            "state": node.state_dir,
            "ssh": address,
            "ports": served(node.layout),
        }

    def _commands(self, _: str, body: Body) -> Reply:
        """The newest commands, oldest first; `last` says how many."""
        last = int(_number("last", body.get("last", COMMANDS)))
        if last < 1:
            raise BadValue("{key}: {value} is no number", key="last", value=str(last))
        return 200, [entry.data() for entry in self._node.audit.entries(last)]


def _number(key: str, value: object) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)  # type: ignore[arg-type]
        if not math.isfinite(number):
            raise ValueError
        return number
    except (TypeError, ValueError, OverflowError):
        raise BadValue("{key}: {value} is no number", key=key, value=str(value)) from None


def _seconds(value: object) -> float:
    return duration(value) if isinstance(value, str) else _number("advance", value)
