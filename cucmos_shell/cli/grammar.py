"""Commands and their families, and the one tree that every question about a line is answered from.

A position of the tree holds words or one argument, never both but for words that the argument
reserves: building refuses it, so what a line means never depends on what else the node happens to
know.
"""

from __future__ import annotations

from _thread import allocate_lock

from cucmos_shell.cli.pattern import (
    Argument,
    Choice,
    GrammarError,
    Options,
    Slot,
    Word,
    bindings,
    parse_pattern,
)
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from cucmos_shell.cli.pattern import Token
    from cucmos_shell.results import Form, Handler

ANY_LEVEL = 4
REAL, DATA, MIXED = "real", "data", "mixed"


class Command(Value):
    """One declared command: its pattern and its handler.

    `pages`: its output stops at each page. `reauth`, `options`, `own`, `form`, `details`, `basis`
    are as in `Family.command`.
    """

    pattern: str
    tokens: tuple[Token, ...]
    handler: Callable[..., Any]
    level: int
    changes: bool
    examples: tuple[str, ...]
    pages: bool
    options: Mapping[str, str]
    reauth: bool
    own: bool
    form: Form | None
    details: Form | None
    basis: str

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0].strip()

    @property
    def doc(self) -> str:
        """The help behind the summary, several lines; empty if there is none."""
        rest = (self.handler.__doc__ or "").strip().partition("\n")[2]
        return "\n".join(line.strip() for line in rest.strip().splitlines())

    @property
    def wants_caller(self) -> bool:
        """Whether the handler asks who runs it."""
        return "caller" in _parameters_of(self.handler)

    def check(self) -> None:
        """Raise GrammarError where the handler is undocumented or does not fit the pattern."""
        if not self.summary:
            raise GrammarError(f"{self.pattern}: the handler has no docstring, so no help")
        wanted = set(_parameters_of(self.handler)) - {"node", "caller"}
        if wanted != (bound := set(bindings(self.tokens))):
            raise GrammarError(
                f"{self.pattern}: the handler takes {sorted(wanted)},"
                f" the pattern gives {sorted(bound)}"
            )

    @property
    def words(self) -> str:
        """The fixed words the command begins with."""
        fixed: list[str] = []
        for token in self.tokens:
            if not isinstance(token, Word):
                break
            fixed.append(token.text)
        return " ".join(fixed)

    @property
    def usage(self) -> str:
        """The syntax line for people."""
        return " ".join(map(_usage, self.tokens))

    def parameters(self) -> list[tuple[str, str, str]]:
        """`(name, mandatory or optional, meaning)` of arguments and options, in their order."""
        return list(_parameters(self.tokens, "mandatory", self.options))


def _parameters_of(handler: Callable[..., Any]) -> tuple[str, ...]:
    code = handler.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _usage(token: Token) -> str:
    if isinstance(token, Word):
        return token.text
    if isinstance(token, Choice):
        return "{" + "|".join(token.words) + "}"
    if isinstance(token, Slot):
        return token.argument.name
    return " ".join("[" + " ".join(map(_usage, group)) + "]" for group in token.groups)


def _parameters(
    tokens: tuple[Token, ...], need: str, options: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for token in tokens:
        if isinstance(token, Slot):
            yield token.argument.name, need, token.argument.help
        elif isinstance(token, Choice):
            yield token.binds, need, "|".join(token.words)
        elif isinstance(token, Options):
            for group in token.groups:
                if all(isinstance(t, Word) for t in group):
                    name = _usage(group[0])
                    yield name, "optional", options.get(name, "")
                yield from _parameters(group, "optional", options)


_NONE: Mapping[str, str] = {}


class Family:
    """The commands of one module, in order of declaration.

    `see_also`: the words of a menu, and the command elsewhere that `?` names there.
    """

    def __init__(self, *, see_also: Mapping[str, str] = _NONE) -> None:
        self.commands: list[Command] = []
        self.see_also = see_also

    def command(
        self,
        pattern: str,
        *,
        level: int,
        arguments: Iterable[Argument] = (),
        changes: bool = False,
        pages: bool = False,
        examples: tuple[str, ...] = (),
        reauth: bool = False,
        options: Mapping[str, str] = _NONE,
        own: bool = False,
        form: Form | None = None,
        details: Form | None = None,
        basis: str = REAL,
    ) -> Callable[[Handler], Handler]:
        """Declare a command; the decorated handler stays a plain function.

        `reauth`: a node may want the password once more before it (`set security reauth`).
        `options`: what its optional words mean. `own`: its screen is not the product's, so that it
        may depend on the width of a terminal. `form`: that of its JSON data, None for null.
        `details`: that of what stands in the error where it has found something, and failed.
        `basis`: what it says is REAL, DATA of the profile, or both (MIXED).
        """
        tokens = parse_pattern(pattern, {a.name: a for a in arguments})

        def declare(handler: Handler) -> Handler:
            command = Command(
                pattern, tokens, handler, level, changes, examples, pages, options, reauth, own,
                form, details, basis,
            )  # fmt: skip
            command.check()
            self.commands.append(command)
            return handler

        return declare


class Place:
    """A place in the tree: the words or the argument that may follow, the command ending here."""

    __slots__ = (
        "argument", "argument_rest", "binding", "command", "least", "more", "next", "own",
        "pending", "see_also", "words",
    )  # fmt: skip

    def __init__(self) -> None:
        self.words: dict[str, Place] = {}
        self.argument: Argument | None = None
        self.argument_rest = False
        self.next: Place | None = None
        self.command: Command | None = None
        self.binding = ""
        self.see_also = ""
        # Families that begin here and are not loaded yet; of them, the least level there is, and
        # whether words follow.
        self.pending: list[str] = []
        self.least = ANY_LEVEL
        self.more = False
        # Nothing from here on is the product's.
        self.own = False

    def word(self, text: str, binding: str = "") -> Place:
        """The place after the word `text`, made if needed. Raises GrammarError for a misfit."""
        if self.argument is not None and text not in self.argument.reserves:
            raise GrammarError(f"word {text!r} where argument {self.argument.name!r} may stand")
        place = self.words.get(text)
        if place is None:
            place = Place()
            place.binding = binding
            # Another thread may be looking at the words that there were.
            self.words = {**self.words, text: place}
        elif place.binding != binding:
            raise GrammarError(f"word {text!r} binds {place.binding!r} and {binding!r}")
        return place

    def slot(self, token: Slot) -> Place:
        """The place after an argument, made if needed. Raises GrammarError for a misfit."""
        if not set(self.words) <= set(token.argument.reserves):
            raise GrammarError(f"argument {token.argument.name!r} where words may stand")
        if self.argument is None:
            self.argument, self.argument_rest, self.next = token.argument, token.rest, Place()
        elif self.argument is not token.argument or self.argument_rest != token.rest:
            raise GrammarError(f"two arguments in one place: {token.argument.name!r}")
        assert self.next is not None
        return self.next


class Grammar:
    """All commands; a family's module is loaded when a line reaches its leading words."""

    def __init__(
        self, families: Mapping[str, Iterable[str]], load: Callable[[str], Family]
    ) -> None:
        self.root = Place()
        self._load = load
        self._loaded: set[str] = set()
        self._loading = allocate_lock()
        for module, leads in families.items():
            for lead in leads:
                self._promise(module, lead)

    def _promise(self, module: str, lead: str) -> None:
        """`lead` is `WORDS LEVEL`, `+` where words follow, `~` for own ones (see `commands`)."""
        place = self.root
        words = lead.split()
        facts = words.pop() if words else "0+"
        level = facts.rstrip("+~")
        if not level.isdigit():
            raise GrammarError(f"{lead}: the least level of its commands is missing")
        for text in words:
            place = place.word(text)
        place.pending.append(module)
        place.least = min(place.least, int(level))
        place.more = place.more or "+" in facts
        place.own = "~" in facts

    def _menu(self, words: str) -> Place:
        place = self.root
        for word in words.split():
            place = place.words[word]
        return place

    def open(self, place: Place) -> Place:
        """`place` with the families that begin there loaded; for any thread."""
        if place.pending:
            with self._loading:
                for module in place.pending:
                    if module not in self._loaded:
                        family = self._load(module)
                        for command in family.commands:
                            _extend(self.root, command.tokens, command)
                        for words, other in family.see_also.items():
                            self._menu(words).see_also = other
                        self._loaded.add(module)
                place.pending = []
        return place

    def visible(self, place: Place, level: int, *, product: bool = False) -> bool:
        """Whether any command at or below `place` is open to `level`; nothing is loaded for it.

        With `product`, whether any command of the product is.
        """
        stack = [place]
        while stack:
            here = stack.pop()
            if product and here.own:
                continue
            if here.pending and here.least <= level:
                return True
            if here.command is not None and here.command.level <= level:
                return True
            if here.next is not None:
                stack.append(here.next)
            stack.extend(here.words.values())
        return False

    def has_more(self, place: Place, level: int) -> bool:
        """Whether words may follow at `place` that are open to `level`; nothing is loaded."""
        if place.pending and place.more and place.least <= level:
            return True
        return any(self.visible(each, level) for each in place.words.values())

    def only(self, place: Place, level: int) -> Command | None:
        """The command at or below `place` that is open to `level`, if there is exactly one.

        Words that lead to different families are different commands: none is loaded to see that.
        """
        ways = [each for each in place.words.values() if self.visible(each, level)]
        if len(ways) > 1 and any(way.pending for way in ways):
            return None
        found: Command | None = None
        for command in self.below(place):
            if command.level <= level:
                if found is not None:
                    return None
                found = command
        return found

    def below(self, place: Place) -> Iterator[Command]:
        """The commands that end at or below `place`, each once."""
        seen: set[int] = set()
        stack = [place]
        while stack:
            here = self.open(stack.pop())
            if here.command is not None and id(here.command) not in seen:
                seen.add(id(here.command))
                yield here.command
            if here.next is not None:
                stack.append(here.next)
            stack.extend(reversed(here.words.values()))


def _extend(place: Place, tokens: tuple[Token, ...], command: Command) -> None:
    if not tokens:
        if place.command is not None and place.command is not command:
            raise GrammarError(f"{command.pattern} is declared twice")
        place.command = command
        return
    head, rest = tokens[0], tokens[1:]
    if isinstance(head, Word):
        _extend(place.word(head.text, head.binds), rest, command)
    elif isinstance(head, Choice):
        for text in head.words:
            _extend(place.word(text, head.binds), rest, command)
    elif isinstance(head, Slot):
        _extend(place.slot(head), rest, command)
    else:
        _extend(place, rest, command)
        for i, group in enumerate(head.groups):
            if len(group) == 1 and isinstance(group[0], Word):
                group = (Word(group[0].text, group[0].text.replace("-", "_")),)
            others = head.groups[:i] + head.groups[i + 1 :]
            tail: tuple[Token, ...] = (Options(others), *rest) if others else rest
            _extend(place, (*group, *tail), command)
