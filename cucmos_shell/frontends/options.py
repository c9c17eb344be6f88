"""The program's options, declared once: parsing and help come from the same rows.

The standard library's parsers cost a one-shot command a sixth of its time.
"""

from __future__ import annotations

from cucmos_shell.errors import UsageError
from cucmos_shell.frontends.who import level_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any


class Option:
    """An option `--name VALUE`, or a switch if it has no `metavar`; `many` collects its values."""

    __slots__ = ("convert", "default", "help", "key", "many", "metavar", "name")

    def __init__(
        self,
        name: str,
        help: str,
        *,
        metavar: str = "",
        many: bool = False,
        default: Any = None,
        convert: Callable[[str], Any] = str,
    ) -> None:
        self.name = name
        self.help = help
        self.metavar = metavar
        self.many = many
        self.default = default
        self.convert = convert
        self.key = name.lstrip("-").replace("-", "_")


class Parser:
    """Reads `options` and at most `positional` further words from a command line."""

    def __init__(
        self, program: str, about: str, options: Iterable[Option], *, positional: str = ""
    ) -> None:
        self.program = program
        self.about = about
        self.options = {option.name: option for option in options}
        self.positional = positional

    def parse(self, arguments: Sequence[str]) -> dict[str, Any] | None:
        """Option values by key; None when help was asked for. Raises UsageError."""
        values = {o.key: [] if o.many else o.default for o in self.options.values()}
        if self.positional:
            values[self.positional.lower()] = None
        self._given: set[str] = set()
        rest = list(arguments)
        while rest:
            word = rest.pop(0)
            if word in ("-h", "--help"):
                return None
            name, equals, value = word.partition("=")
            option = self.options.get(name) if word.startswith("-") and word != "-" else None
            if option is None:
                self._positional(values, word)
                continue
            if not option.metavar:
                if equals:
                    raise self._wrong("{option} takes no value", option.name)
                values[option.key] = True
                continue
            if not equals:
                if not rest:
                    raise self._wrong("{option} needs a value", option.name)
                value = rest.pop(0)
            self._store(values, option, value)
        return values

    def _store(self, values: dict[str, Any], option: Option, text: str) -> None:
        try:
            value = option.convert(text)
        except ValueError as error:
            raise self._wrong("{option}: {value} will not do", option.name, value=text) from error
        if option.many:
            values[option.key].append(value)
        elif option.key in self._given:
            raise self._wrong("{option} is given twice", option.name)
        else:
            values[option.key] = value
            self._given.add(option.key)

    def _positional(self, values: dict[str, Any], word: str) -> None:
        key = self.positional.lower()
        if not key or values[key] is not None or (word.startswith("-") and word != "-"):
            raise self._wrong("{option}: no such option", word)
        values[key] = word

    def _wrong(self, template: str, option: str, **fields: str) -> UsageError:
        from cucmos_shell.node.logs.audit import redacted

        shown = {name: redacted(text) for name, text in (("option", option), *fields.items())}
        return UsageError(template, details=(f"Try: {self.program} --help",), **shown)

    def help(self) -> str:
        """The help page."""
        rows = [(f"{o.name} {o.metavar}".rstrip(), o.help) for o in self.options.values()]
        rows.append(("--help", "show this"))
        width = max(len(left) for left, _ in rows)
        usage = (
            f"usage: {self.program} [options] {f'[{self.positional}]' if self.positional else ''}"
        )
        lines = [usage.rstrip(), "", self.about, ""]
        lines += [f"  {left.ljust(width)}  {right}" for left, right in rows]
        return "\n".join(lines) + "\n"


DEFAULT_PROFILE = "imp-9.1"


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 <= speed < 1e6:
        raise ValueError(text)
    return speed


def _role(text: str) -> str:
    role = text.capitalize()
    if role not in ("Publisher", "Subscriber"):
        raise ValueError(text)
    return role


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 65_536:
        raise ValueError(text)
    return port


_STATE = Option("--state", "the node's folder", metavar="DIR")
_PROFILE = Option("--profile", "product of a new node", metavar="NAME|FILE")
SHELL = Parser(
    "cucmos-shell",
    "The command line of an open appliance. Other verbs: init, serve, agent, reference.",
    (
        _STATE,
        _PROFILE,
        Option("-c", "run this; may be given several times", metavar="COMMAND", many=True),
        Option("-f", "run the lines of FILE, - for standard input", metavar="FILE"),
        Option("--json", "one line of JSON a command"),
        Option("--yes", "answer yes to every question"),
        Option("--keep-going", "go on after a failure"),
        Option("--rich", "menus, history search, a toolbar"),
        Option("--forced", "run SSH_ORIGINAL_COMMAND, for sshd's ForceCommand"),
        Option("--account", "whose session this is (--forced)", metavar="NAME"),
        Option(
            "--level", "0, 1 or 4, for a user without account", metavar="N", convert=level_number
        ),
        Option("--version", "say which version this is"),
    ),
)
INIT = Parser(
    "cucmos-shell init",
    "Install a node, and say where.",
    (
        _STATE,
        Option("--profile", "the product", metavar="NAME|FILE", default=DEFAULT_PROFILE),
        Option("--hostname", "host name, instead of the profile's", metavar="NAME"),
        Option("--ip", "IPv4 address, instead of the profile's", metavar="ADDRESS"),
        Option("--role", "publisher or subscriber", metavar="ROLE", convert=_role),
        Option("--cluster", "so many nodes below DIR, joined", metavar="N", convert=int),
        Option("--security-password-file", "of the cluster", metavar="FILE"),
        Option("--speed", "services are N times as fast; 0: at once", metavar="N", convert=_speed),
    ),
)
SERVE = Parser(
    "cucmos-shell serve",
    "Serve the node over SSH.",
    (
        _STATE,
        _PROFILE,
        Option("--host", "address to listen on", metavar="HOST", default="127.0.0.1"),
        Option("--port", "port, 0 for a free one", metavar="PORT", default=2222, convert=_port),
        Option("--admin", "the administrator's name", metavar="NAME", default="admin"),
        Option("--admin-password-file", "the password, on the first start", metavar="FILE"),
        Option("--workers", "processes on the one port", metavar="N", default=1, convert=int),
        Option("--legacy-algorithms", "also what old clients need"),
        Option("--pid-file", "where to write the process number", metavar="FILE"),
    ),
)
AGENT = Parser(
    "cucmos-shell agent",
    "Keep the node in step with its cluster, until interrupted. `serve` does it, too.",
    (_STATE,),
)
REFERENCE = Parser(
    "cucmos-shell reference",
    "Print the command reference as Markdown, or write it to FILE.",
    (),
    positional="FILE",
)
