"""docs/faults.md: every point, its facts, and what may go wrong there, from the table of faults."""

from __future__ import annotations

from cucmos_shell.node.tasks.lab.presets import PRESETS
from cucmos_shell.world.faults import CLUSTER, EVERYWHERE, POINTS, SSH, TLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.world.faults import FaultAction, FaultArgument, FaultPoint

HEAD = """# Faults and states of a lab

`cucmos-shell init --lab` makes a node that can be told to go wrong ([lab.md](lab.md)). This page is
written by `cucmos-shell reference --faults`.

A fault is set at a point, and says what it does there:

```
cucmos-shell lab fault add service.start hang 'service=Cisco Tomcat' times=1 name=stuck
```

It acts at once, in every process of the node: sessions over SSH, consoles, batches. `lab fault
list` shows what is set and how often it has happened, `lab fault remove NAME` and `lab fault reset`
take it away. What has happened is in `run/faults.log` of the state folder, a line of JSON each; the
node's own logs have none of it.

Besides the facts and arguments below each fault takes:

| key | |
|---|---|
| `name` | what it is called; by its point and a number, if it is not said |
| `times` | how often it happens; always, if it is not said |
| `after` | how many calls pass first |
| `chance` | from 0 to 1: how likely it happens, drawn anew for each call |
| `seed` | what the draws are made from: with the same seed the same calls are hit |

A fact is given as a pattern: `*` is any text, `?` any character, capitals are as small letters. A
fault without facts fits every call. Of several that fit, the first happens.
"""
WHERE = {
    EVERYWHERE: "",
    SSH: " Over SSH only.",
    TLS: " With `serve --tls-ports` only.",
    CLUSTER: " On members of a cluster only.",
}
STATES = """## States

`cucmos-shell lab state PRESET...` puts a node into states, whatever faults are set. What stands in
capitals is yours.

| preset | |
|---|---|
"""


def text() -> str:
    """The page."""
    points = "".join(f"\n{line}" for point in POINTS.values() for line in _point(point))
    states = "".join(f"| `{_written(one.pattern)}` | {one.summary} |\n" for one in PRESETS.values())
    return f"{HEAD}{points}\n\n{STATES}{states}"


def _point(point: FaultPoint) -> Iterator[str]:
    yield f"## {point.name}"
    yield ""
    yield f"{point.summary}{WHERE[point.where]} Facts:"
    yield ""
    yield from (f"* `{name}`: {meaning}" for name, meaning in point.facts.items())
    yield ""
    yield "| action | | arguments |"
    yield "|---|---|---|"
    yield from map(_action, point.actions)
    yield ""


def _action(action: FaultAction) -> str:
    arguments = "; ".join(map(_argument, action.arguments))
    return f"| `{action.name}` | {action.summary} | {arguments} |"


def _argument(one: FaultArgument) -> str:
    choices = f" ({', '.join(one.kind)})" if isinstance(one.kind, tuple) else ""
    default = "" if one.default is None else f", `{one.default}` if it is not said"
    rest = ", if it is said" if one.optional else default
    return f"`{one.name}`: {one.summary}{choices}{rest}"


def _written(pattern: str) -> str:
    """A pattern as a person reads it: `UNIT-expires-in-DAYS-days`."""
    import re

    plain = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: found[1].upper(), pattern)
    return re.sub(r"\(\?:(.*?)\)\?", r"[\1]", plain).replace("days?", "days")
