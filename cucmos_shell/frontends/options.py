"""The program's options, declared once: parsing and help come from the same rows.

The standard library's parsers cost a one-shot command a sixth of its time.
"""

from __future__ import annotations

from cucmos_shell.errors import UsageError

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
        return UsageError(
            template, option=option, details=(f"Try: {self.program} --help",), **fields
        )

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
