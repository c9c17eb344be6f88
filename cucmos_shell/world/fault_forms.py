"""Faults as they are written in files and on command lines, checked against the table of points."""

from __future__ import annotations

from cucmos_shell.errors import BadValue
from cucmos_shell.world.faults import POINTS, Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from cucmos_shell.world.faults import FaultArgument, FaultPoint

MAX_SECONDS, MAX_COUNT = 366 * 86_400.0, 1_000_000_000
GENERAL = ("at", "do", "when", "times", "after", "chance", "seed")


class FaultMistake(BadValue):
    """A fault that cannot be set; `key` is what is wrong in it, empty for the whole."""

    def __init__(self, key: str, template: str, /, **fields: object) -> None:
        super().__init__(template)
        self.fields = fields
        self.key = key


# --- reading ----------------------------------------------------------------------------------


def fault_of(name: str, data: Mapping[str, Any]) -> Fault:
    """The fault that `data` describes, in the form of `Fault.data`. Raises FaultMistake.

    A fact may stand beside the arguments as well as in `when`.
    """
    at = _one_of("at", data.get("at"), POINTS)
    point = POINTS[at]
    do = _one_of("do", data.get("do"), {one.name: one for one in point.actions})
    action = point.action(do)
    known = {one.name: one for one in action.arguments} if action else {}
    for key in data:
        if key not in GENERAL and key not in known and key not in point.facts:
            names = ", ".join((*known, *point.facts, *GENERAL))
            raise FaultMistake(
                str(key), "{key} is unknown here; known: {names}", key=str(key), names=names
            )
    when = _when(point, data.get("when") or {})
    when.update(_when(point, {key: data[key] for key in data if key in point.facts}))
    given = {key: _argument(one, data.get(key)) for key, one in known.items()}
    return Fault(
        name=name,
        at=at,
        do=do,
        when=when,
        times=_whole("times", data.get("times"), 1),
        after=_whole("after", data.get("after"), 0) or 0,
        chance=_chance(data.get("chance")),
        seed=_whole("seed", data.get("seed"), 0),
        arguments={key: value for key, value in given.items() if value is not None},
    )


def _one_of(key: str, value: object, known: Mapping[str, object]) -> str:
    if not isinstance(value, str) or value not in known:
        names = ", ".join(known)
        shown = "" if value is None else str(value)
        raise FaultMistake(
            key,
            "{key}: {value} is none of: {names}",
            key=key,
            value=shown or "nothing",
            names=names,
        )
    return value


def _when(point: FaultPoint, when: object) -> dict[str, str]:
    facts = point.facts
    if not hasattr(when, "items"):
        raise FaultMistake(
            "when", "when: facts with patterns are wanted: {names}", names=_list(facts)
        )
    for fact, pattern in when.items():
        if fact not in facts:
            raise FaultMistake(
                str(fact),
                "when: {point} knows no {fact}; it knows: {names}",
                point=point, fact=str(fact), names=_list(facts),
            )  # fmt: skip
        if not isinstance(pattern, str | int | float):
            raise FaultMistake(str(fact), "when: {fact} needs a pattern", fact=fact)
    return {fact: str(pattern) for fact, pattern in when.items()}


def _list(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "none"


def _argument(one: FaultArgument, value: object) -> Any:
    if value is None:
        if one.default is None and not one.optional:
            raise FaultMistake(one.name, "{key} is missing: {what}", key=one.name, what=one.summary)
        return one.default
    if isinstance(one.kind, tuple):
        return _one_of(one.name, value, dict.fromkeys(one.kind))
    return _KINDS[one.kind](one.name, value)


def _real(key: str, value: object, most: float) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
        fits = not isinstance(value, bool) and 0 <= number <= most
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise FaultMistake(
            key,
            "{key}: {value} is no number from 0 to {most:g}",
            key=key,
            value=str(value),
            most=most,
        )
    return number


def _whole(key: str, value: object, least: int) -> int | None:
    if value is None:
        return None
    try:
        number = int(value)  # type: ignore[call-overload]
        fits = not isinstance(value, bool | float) and least <= number <= MAX_COUNT
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise FaultMistake(
            key, "{key}: {value} is no whole number from {least} on",
            key=key, value=str(value), least=least,
        )  # fmt: skip
    return int(number)


def _chance(value: object) -> float | None:
    return None if value is None else _real("chance", value, 1.0)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise FaultMistake(key, "{key}: a text is wanted, of 1000 characters at most", key=key)
    return value


_KINDS: dict[str, Callable[[str, Any], Any]] = {
    "seconds": lambda key, value: _real(key, value, MAX_SECONDS),
    "rate": lambda key, value: _whole(key, value, 1),
    "count": lambda key, value: _whole(key, value, 0),
    "text": _text,
}
