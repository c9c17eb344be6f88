"""Faults that can be set on a node of a lab, and the table of the points where they act.

A point of the code asks `World.fault`, with what it knows of the moment (`facts`), whether
something is to go wrong there; None, as always outside of labs, says no. What it does then is
written where the point is. docs/faults.md is made of this table.
"""

from __future__ import annotations

from cucmos_shell.errors import BadValue
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

# Where a point exists.
EVERYWHERE, SSH = "everywhere", "ssh"
MAX_SECONDS, MAX_COUNT = 366 * 86_400.0, 1_000_000_000


class FaultMistake(BadValue):
    """A fault that cannot be set; `key` is what is wrong in it, empty for the whole."""

    def __init__(self, key: str, template: str, /, **fields: object) -> None:
        super().__init__(template)
        self.fields = fields
        self.key = key


class FaultArgument(Value):
    """What an action needs to know. `kind` is seconds, count, rate, text, or words to choose from.

    `default` None: it must be given.
    """

    name: str
    kind: str | tuple[str, ...]
    summary: str
    default: Any = None


class FaultAction(Value):
    """One thing that may go wrong at a point."""

    name: str
    summary: str
    arguments: tuple[FaultArgument, ...] = ()


class FaultPoint(Value):
    """Where things may go wrong. `facts` maps each name that `when` may ask for to its meaning."""

    name: str
    summary: str
    facts: Mapping[str, str]
    actions: tuple[FaultAction, ...]
    where: str = EVERYWHERE

    def action(self, name: str) -> FaultAction | None:
        """The action of that name, None if there is none."""
        return next((one for one in self.actions if one.name == name), None)


class Fault(Value):
    """What goes wrong: at the point `at`, `do` with `arguments`.

    `when` maps facts to patterns (`*`, `?`, in any case) that must fit. Of the calls that fit the
    first `after` pass; then it happens `times` times, or always (None), or with a `chance` from 0
    to 1 that is drawn from `seed` and the number of the call, the same in every run.
    """

    name: str
    at: str
    do: str
    when: Mapping[str, str] = {}
    times: int | None = None
    after: int = 0
    chance: float | None = None
    seed: int | None = None
    arguments: Mapping[str, Any] = {}

    def data(self) -> dict[str, Any]:
        """The form it has in a file, without its name: what is not the default."""
        rest = {
            "when": dict(self.when),
            "times": self.times,
            "after": self.after,
            "chance": self.chance,
            "seed": self.seed,
        }
        given = {
            key: value for key, value in rest.items() if value or (value == 0 and key != "after")
        }
        return {"at": self.at, "do": self.do, **given, **self.arguments}

    @property
    def seconds(self) -> float:
        """How long it lasts, where the action has such an argument; else 0."""
        return float(self.arguments.get("seconds", 0.0))

    @property
    def text(self) -> str:
        """What is said, where the action has such an argument; else empty."""
        return str(self.arguments.get("text", ""))

    def number(self, name: str) -> int | None:
        """A count among the arguments, None if it was not given."""
        value = self.arguments.get(name)
        return None if value is None else int(value)


# --- the table --------------------------------------------------------------------------------


def _seconds(summary: str, default: float | None = None) -> FaultArgument:
    return FaultArgument("seconds", "seconds", summary, default)


def _refuse(default: str) -> FaultAction:
    said = FaultArgument("text", "text", "what is said", default)
    return FaultAction("refuse", "It is refused with a sentence.", (said,))


_SERVICE = {"service": "the service's name"}
_COMMAND = {
    "words": "the command, in full words",
    "account": "whose session it is",
}
_FAIL = FaultAction("fail", "It fails: the service is FAILED, and what needs it stays down.")
_HANG = FaultAction("hang", "It never comes to its end, until the service is told again.")
_SLOWLY = FaultAction(
    "delay", "It takes longer.", (_seconds("how much longer, by the node's clock"),)
)
_LATER = FaultAction("delay", "The command waits first.", (_seconds("how long, really"),))
_DEAD = FaultAction(
    "dead",
    "Nobody answers, as is noticed when the time for it is over.",
    (_seconds("how much of that time really passes", 0.0),),
)
_REFUSED = FaultAction("refuse", "The connection is refused.")
_SLOW = FaultAction("delay", "The answer comes later.", (_seconds("how much later, really"),))
_NONSENSE = FaultAction("bad-answer", "What comes is no answer.")
_BUSY = FaultAction("busy", "It is refused, as if another session held the node.")
_BUG = FaultAction("internal-error", "It fails as by a mistake of the program.")

POINTS: dict[str, FaultPoint] = {
    point.name: point
    for point in (
        FaultPoint(
            "command.begin",
            "A command has been understood and is about to begin.",
            _COMMAND,
            (_LATER, _refuse("The command was refused"), _BUSY, _BUG),
        ),
        FaultPoint(
            "command.step",
            "A command that talks takes its next step.",
            {
                **_COMMAND,
                "step": "ask, asktext, secret, paste, progress, warn, pause, or commit",
            },
            (_LATER, _refuse("The command was refused"), _BUSY, _BUG),
        ),
        FaultPoint(
            "service.start",
            "A service is started, by a command or with the node.",
            _SERVICE,
            (
                _FAIL,
                _HANG,
                _SLOWLY,
                FaultAction(
                    "flap",
                    "It comes up, fails and comes up again, some times.",
                    (
                        FaultArgument("count", "count", "how often it fails", 1),
                        _seconds("how long it stays up and down, by the node's clock", 1.0),
                    ),
                ),
            ),
        ),
        FaultPoint(
            "service.stop",
            "A service is stopped, to stay down or for a restart of it.",
            _SERVICE,
            (_FAIL, _HANG, _SLOWLY),
        ),
        FaultPoint(
            "import.check",
            "A certificate that was brought to the node is judged.",
            {"unit": "the unit or trust store", "kind": "own or trust"},
            (_refuse("The certificate was refused"),),
        ),
        FaultPoint(
            "store.commit",
            "A change is about to be written to the certificate store.",
            {"units": "the units and trust stores that change, with a blank between"},
            (
                FaultAction("disk-full", "The disk is full, and nothing is changed."),
                FaultAction("read-error", "The disk cannot be read, and nothing is changed."),
                FaultAction(
                    "unknown-outcome",
                    "The change is made, but the disk does not confirm that it will last.",
                ),
            ),
        ),
        FaultPoint(
            "http",
            "A responder is asked about a certificate, by OCSP.",
            {"uri": "the responder's address"},
            (_DEAD, _REFUSED, _SLOW, _NONSENSE),
        ),
        FaultPoint(
            "mail",
            "A mail is handed to the mail server.",
            {"host": "the mail server", "recipient": "whom it is for"},
            (_DEAD, _REFUSED, _SLOW, _NONSENSE),
        ),
        FaultPoint(
            "syslog",
            "An alarm is sent to syslog.",
            {"host": "the syslog server, localhost for this machine's"},
            (_DEAD, _REFUSED, _SLOW),
        ),
        FaultPoint(
            "sftp",
            "A connection to an SFTP server is begun.",
            {"host": "the SFTP server"},
            (_DEAD, _REFUSED, _SLOW, _NONSENSE),
        ),
    )
}

GENERAL = ("at", "do", "when", "times", "after", "chance", "seed")


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
        if one.default is None:
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
