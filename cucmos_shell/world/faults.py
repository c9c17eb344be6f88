"""Faults that can be set on a node of a lab, and the table of the points where they act.

A point of the code asks `World.fault`, with what it knows of the moment (`facts`), whether
something is to go wrong there; None, as always outside of labs, says no. What it does then is
written where the point is. docs/faults.md is made of this table.
"""

from __future__ import annotations

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

# Among the facts: only faults that do this are asked for.
DO = "do"
# Where a point exists.
EVERYWHERE, SSH, TLS, CLUSTER = "everywhere", "ssh", "tls", "cluster"


class FaultArgument(Value):
    """What an action needs to know. `kind` is seconds, count, rate, text, or words to choose from.

    `default` None: it must be given, unless it is `optional`.
    """

    name: str
    kind: str | tuple[str, ...]
    summary: str
    default: Any = None
    optional: bool = False


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
    to 1 that is drawn from `seed` and the number of the call, the same in every run. One that
    happens tells by `holds` whether it is still set.
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
    holds: Callable[[], bool] = lambda: True

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


class StandingFault:
    """A fault that goes on as long as it is set; `ask` tells whether one is (see `World.fault`)."""

    def __init__(
        self, ask: Callable[[str, Mapping[str, str]], Fault | None], at: str, do: str
    ) -> None:
        self._ask = ask
        self._at = at
        self._facts = {DO: do}
        self._fault: Fault | None = None

    def holds(self) -> bool:
        """Whether it is set now; it happens once for all that it goes on."""
        if self._fault is None or not self._fault.holds():
            self._fault = self._ask(self._at, self._facts)
        return self._fault is not None


# --- the table --------------------------------------------------------------------------------


def _seconds(summary: str, default: float | None = None) -> FaultArgument:
    return FaultArgument("seconds", "seconds", summary, default)


def _refuse(default: str) -> FaultAction:
    said = FaultArgument("text", "text", "what is said", default)
    return FaultAction("refuse", "It is refused with a sentence.", (said,))


_SERVICE = {"service": "the service's name"}
_COMMAND = {
    "words": "the command, in full words",
    "account": "whose session it is; monitor is the node's own",
}
_AGENT = {
    "node": "the node's host name",
    "peer": "the peer whose feed it is about; empty for the node's own cluster",
}
_LATER_ROUND = FaultAction("delay", "It comes later.", (_seconds("how much later"),))
_SKIP = FaultAction("skip", "It does not come; the agent tries again after a while.")
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
_PEER = {"address": "the client's address"}
_CLIENT = {**_PEER, "account": "the account's name"}
_HOW = FaultArgument("how", ("close", "reset"), "in order, or by a TCP reset", "close")
_UP_TO = (
    FaultArgument("bytes", "count", "after so many octets", optional=True),
    FaultArgument("lines", "count", "after so many lines", optional=True),
    FaultArgument("text", "text", "behind this text", optional=True),
)
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
            "agent.round",
            "A round with the cluster begins, or the feed of a peer is about to be read.",
            _AGENT,
            (_LATER_ROUND, _SKIP),
            CLUSTER,
        ),
        FaultPoint(
            "agent.apply",
            "What the cluster, or a peer of it, says is about to be taken over.",
            _AGENT,
            (
                _LATER_ROUND,
                _SKIP,
                FaultAction(
                    "trust-delete-returns",
                    "What was deleted on another node stays here, and comes back there, as in"
                    " release 9.1. What a peer deletes, goes.",
                ),
            ),
            CLUSTER,
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
        FaultPoint(
            "node",
            "A client connects, over SSH or at the port of a service, a session runs a command, or"
            " the agent looks at its cluster.",
            _COMMAND,
            (
                FaultAction(
                    "down",
                    "As long as it is set, the node is switched off: connections are reset,"
                    " those over SSH and at ports of services end within a second, a command is"
                    " refused, and no agent looks.",
                ),
                FaultAction(
                    "reboot-on",
                    "The node restarts before that command has done anything; its sessions end.",
                ),
            ),
        ),
        FaultPoint(
            "ssh.accept",
            "A client has connected to the SSH server.",
            _PEER,
            (
                FaultAction("refuse", "It is closed without a word."),
                FaultAction("reset", "It ends by a TCP reset."),
                FaultAction("delay", "Nobody speaks first.", (_seconds("how long, really"),)),
            ),
            SSH,
        ),
        FaultPoint(
            "ssh.auth",
            "A client signs in by a password or a key.",
            _CLIENT,
            (
                FaultAction("refuse", "It is refused, as with a wrong password or key."),
                FaultAction("reset", "The connection ends by a TCP reset."),
                FaultAction("delay", "The answer comes later.", (_seconds("how long, really"),)),
                FaultAction("locked", "A password is refused, as of a locked account."),
            ),
            SSH,
        ),
        FaultPoint(
            "ssh.output",
            "A channel sends something; what happens goes on as long as the fault is set.",
            _CLIENT,
            (
                FaultAction(
                    "slow",
                    "It comes slowly.",
                    (FaultArgument("rate", "rate", "octets in a second"),),
                ),
                FaultAction(
                    "split",
                    "It comes in small pieces.",
                    (
                        FaultArgument("count", "rate", "octets in a piece", 1),
                        _seconds("how long between two, really", 0.01),
                    ),
                ),
                FaultAction("cut", "The connection ends: at once, or", (*_UP_TO, _HOW)),
                FaultAction("freeze", "Nothing more is sent: at once, or", _UP_TO),
            ),
            SSH,
        ),
        FaultPoint(
            "ssh.paste",
            "Something is pasted into a shell that has asked for a certificate.",
            _CLIENT,
            (
                FaultAction(
                    "cut",
                    "The connection ends.",
                    (FaultArgument("lines", "count", "after so many lines"), _HOW),
                ),
                FaultAction("drop-echo", "What is pasted is not shown."),
            ),
            SSH,
        ),
        FaultPoint(
            "tls.accept",
            "A client has connected to the port of a service.",
            {**_SERVICE, "port": "the port that the product has for it"},
            (
                FaultAction("reset", "It ends by a TCP reset."),
                FaultAction("delay", "Nobody speaks first.", (_seconds("how long, really"),)),
                FaultAction(
                    "wrong-certificate",
                    "It is shown the certificate of another unit.",
                    (FaultArgument("unit", "text", "of which one", optional=True),),
                ),
            ),
            TLS,
        ),
    )
}
