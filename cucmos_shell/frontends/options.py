"""What the program understands of its own command line: options, verbs, and words for the node.

Options stand before or after the verb. Words that are no verb are a command of the node, and
everything from the first of them on belongs to it. What there is to be understood stands in
`verbs`. The standard library's parsers cost a one-shot command a sixth of its time.
"""

from __future__ import annotations

from cucmos_shell.errors import UsageError
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

PROGRAM = "cucmos-shell"
HELP = ("-h", "--help")


class Option:
    """An option `--name VALUE`, or a switch if it has no `metavar`; `many` collects its values.

    `choices` are all the values that there are, `names()` some. `metavar` says what kind of thing a
    value is: a `DIR`, a `FILE`, a `COMMAND`, something else.
    """

    __slots__ = (
        "choices", "convert", "default", "help", "key", "many", "metavar", "name", "names",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        help: str,
        *,
        metavar: str = "",
        many: bool = False,
        default: Any = None,
        convert: Callable[[str], Any] = str,
        choices: tuple[str, ...] = (),
        names: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.name = name
        self.help = help
        self.metavar = metavar
        self.many = many
        self.default = default
        self.convert = convert
        self.choices = choices
        self.names = names
        self.key = name.lstrip("-").replace("-", "_")


class Verb:
    """One thing the program does; the one without a name runs commands of the node.

    `words` names what may follow besides options. `examples` are lines, each with what it does.
    """

    __slots__ = ("about", "examples", "hidden", "name", "options", "words")

    def __init__(
        self,
        name: str,
        about: str,
        options: Iterable[Option],
        *,
        words: str = "",
        examples: tuple[tuple[str, str], ...] = (),
        hidden: bool = False,
    ) -> None:
        self.name = name
        self.about = about
        self.options = {option.name: option for option in options}
        self.words = words
        self.examples = examples
        self.hidden = hidden

    @property
    def full_name(self) -> str:
        """The verb as it is typed."""
        return f"{PROGRAM} {self.name}".rstrip()


class Invocation(Value):
    """What a command line asks for.

    `values` are those of the verb's options, by key; `words` are what else there is; `help`: only
    how it is used.
    """

    verb: Verb
    values: dict[str, Any]
    words: tuple[str, ...]
    help: bool


class ArgumentReader:
    """A command line that is read word by word; `verbs` has the nameless one as ``""``."""

    def __init__(self, verbs: Mapping[str, Verb]) -> None:
        self._verbs = verbs
        self.known = {
            option.name: option for verb in verbs.values() for option in verb.options.values()
        }
        self.verb = verbs[""]
        self.words: list[str] = []
        self.given: list[tuple[str, str | None]] = []
        # The option whose value is next.
        self.waiting: Option | None = None
        # Whether `--` has ended the options.
        self.ended = False
        self.help = False

    @property
    def in_command(self) -> bool:
        """Whether what comes belongs to a command of the node, whatever it looks like."""
        return bool(self.words) and not self.verb.name

    def take(self, word: str) -> None:
        """Read one more word. Raises UsageError."""
        if self.waiting is not None:
            self._value(self.waiting, word)
        elif self.in_command or not self._is_option(word):
            self._word(word)
        elif word == "--":
            self.ended = True
        elif word in HELP:
            self.help = True
        else:
            self._option(*word.partition("="))

    def _is_option(self, word: str) -> bool:
        return not self.ended and word.startswith("-") and word != "-"

    def _word(self, word: str) -> None:
        verb = self._verbs.get(word) if word and not (self.verb.name or self.words) else None
        if verb is not None:
            self.verb = verb
        else:
            self.words.append(word)

    def _option(self, name: str, equals: str, value: str) -> None:
        option = self.known.get(name)
        if option is None:
            if self.help:
                return
            from cucmos_shell.cli.near import near

            found = near(name, self.known) if len(name) > 2 else ()
            raise self.wrong("{option}: no such option", _meant(found), option=name)
        if option.metavar and not equals:
            self.waiting = option
        elif equals and not option.metavar:
            raise self.wrong("{option} takes no value", option=name)
        else:
            self.given.append((name, value if equals else None))

    def _value(self, option: Option, word: str) -> None:
        # A command of the node may be anything.
        if word in self.known and not option.many:
            raise self.wrong("{option} needs a value", option=option.name)
        self.given.append((option.name, word))
        self.waiting = None

    def asked(self) -> Invocation:
        """What the words that were taken ask for. Raises UsageError."""
        values = {o.key: [] if o.many else o.default for o in self.verb.options.values()}
        if not self.help:
            if self.waiting is not None:
                raise self.wrong("{option} needs a value", option=self.waiting.name)
            seen: set[str] = set()
            for name, text in self.given:
                self._store(values, name, text, seen)
            any_number = self.verb.words.endswith("...")
            few = any_number or len(self.words) <= len(self.verb.words.split())
            if self.verb.name and not few:
                surplus = self.words[-1]
                raise self.wrong("{word}: {verb} takes no such word", word=surplus)
        return Invocation(self.verb, values, tuple(self.words), self.help)

    def _store(self, values: dict[str, Any], name: str, text: str | None, seen: set[str]) -> None:
        option = self.verb.options.get(name)
        if option is None:
            of = [verb.full_name for verb in self._verbs.values() if name in verb.options]
            details = (f"It is an option of: {', '.join(of)}",)
            raise self.wrong("{verb} has no option {option}", details, option=name)
        if text is None:
            values[option.key] = True
            return
        try:
            if option.choices and text.casefold() not in option.choices:
                raise ValueError(text)
            value = option.convert(text)
        except ValueError as error:
            allowed = (f"One of: {', '.join(option.choices)}",) if option.choices else ()
            template = "{option}: {value} will not do"
            raise self.wrong(template, allowed, option=name, value=text) from error
        if option.many:
            values[option.key].append(value)
        elif name in seen:
            raise self.wrong("{option} is given twice", option=name)
        else:
            values[option.key] = value
        seen.add(name)

    def wrong(self, template: str, details: Iterable[str] = (), **fields: str) -> UsageError:
        """The error for a command line that cannot be meant; secrets are not repeated."""
        from cucmos_shell.node.logs.audit import redacted

        shown = {name: redacted(text) for name, text in fields.items()}
        shown["verb"] = self.verb.full_name
        return UsageError(template, details=(*details, f"Try: {shown['verb']} --help"), **shown)


def read(arguments: Sequence[str], verbs: Mapping[str, Verb]) -> Invocation:
    """What `arguments` ask for. Raises UsageError."""
    reading = ArgumentReader(verbs)
    for word in arguments:
        reading.take(word)
    return reading.asked()


def _meant(found: Iterable[str]) -> list[str]:
    lines = [f"\t{name}" for name in found]
    return ["Did you mean:", *lines] if lines else []


def unknown_word(word: str, verbs: Mapping[str, Verb], commands: Iterable[str]) -> UsageError:
    """The error for a first word that is no verb and begins none of the node's `commands`."""
    from cucmos_shell.cli.near import near
    from cucmos_shell.node.logs.audit import redacted

    shown = [name for name, verb in verbs.items() if name and not verb.hidden]
    meant = _meant(near(word, [*shown, *commands])) or [f"Verbs: {', '.join(shown)}"]
    return UsageError(
        "{word}: no verb, and no command of the node begins so",
        details=(*meant, f"Try: {PROGRAM} --help"),
        word=redacted(word, understood=False),
    )


# --- how it is used ---------------------------------------------------------------------------


def usage(verb: Verb) -> Iterator[str]:
    """The ways to write a line with `verb`."""
    if verb.name:
        yield f"{verb.full_name} [options] {f'[{verb.words}]' if verb.words else ''}".rstrip()
    else:
        yield f"{PROGRAM} [options] [{verb.words}]"
        yield f"{PROGRAM} [options] VERB [options]"


def option_rows(verb: Verb) -> list[tuple[str, str]]:
    """The options of `verb`, each with what it means and its default."""
    rows = []
    for o in verb.options.values():
        default = f" ({o.default})" if o.default is not None else ""
        rows.append((f"{o.name} {o.metavar}".rstrip(), o.help + default))
    return [*rows, (", ".join(HELP), "show this")]


def help_text(verb: Verb, verbs: Mapping[str, Verb], statuses: Mapping[int, str]) -> str:
    """The help page of `verb`; that of the nameless one lists all that are not hidden."""
    first, *others = usage(verb)
    lines = [f"usage: {first}", *(f"       {other}" for other in others), "", verb.about]
    if not verb.name:
        shown = [(name, each.about) for name, each in verbs.items() if name and not each.hidden]
        lines += _block("Verbs:", shown)
    lines += _block("Options:", option_rows(verb))
    lines += _block("Examples:", verb.examples)
    lines += _block("Exit status:", [(str(number), what) for number, what in statuses.items()])
    return "\n".join(lines) + "\n"


def _block(title: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    from cucmos_shell.text import columns

    lines = columns(rows)
    return ["", title, *(f"  {line}" for line in lines)] if lines else []
