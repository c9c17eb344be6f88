"""The declaration of commands, and the one tree every question about a line is answered from.

A pattern is made of
    word            a fixed word; any unique beginning of it will do
    {a|b:name}      one of several fixed words, bound to the parameter `name`
    <name>          one argument;  <name...> takes the rest of the line
    [ ... ]         may be left out; neighbouring groups come in any order, each once
A position of the tree holds words or one argument, never both: building refuses it, so what a
line means never depends on what else the node happens to know.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

ANY_LEVEL = 4


class GrammarError(Exception):
    """A declaration contradicts itself or another one: a programmer's mistake."""


class Argument:
    """A kind of value on the line; `kind` is what one of `choices` is called, else `help`.

    `choices(node)` gives the live names: matching is exact but case-blind, the node's spelling
    reaches the handler, Tab completes them. `parse(node, text)` turns the text into a value and
    raises a `ShellError` with the reason. With `words`, a rest argument arrives as a tuple of
    words. `open`: a text that is none of the choices is passed on; the handler says no to it, which
    one that asks for secrets does after its questions. `complete(node, words)` gives what Tab offers next: after the words of such a rest
    argument so far, else after all words of the line so far.
    """

    __slots__ = ("choices", "complete", "help", "kind", "name", "open", "parse", "words")

    def __init__(
        self,
        name: str,
        help: str,
        *,
        choices: Callable[[Any], Iterable[str]] | None = None,
        parse: Callable[[Any, Any], Any] | None = None,
        words: bool = False,
        open: bool = False,
        complete: Callable[[Any, tuple[str, ...]], Iterable[str]] | None = None,
        kind: str = "",
    ) -> None:
        self.name = name
        self.help = help
        self.kind = kind or help
        self.choices = choices
        self.parse = parse
        self.words = words
        self.open = open
        self.complete = complete


class Word:
    """A fixed word; `binds` names the parameter that gets it."""

    __slots__ = ("binds", "text")

    def __init__(self, text: str, binds: str = "") -> None:
        self.text = text
        self.binds = binds


class Choice:
    __slots__ = ("binds", "words")

    def __init__(self, words: tuple[str, ...], binds: str) -> None:
        self.words = words
        self.binds = binds


class Slot:
    __slots__ = ("argument", "rest")

    def __init__(self, argument: Argument, rest: bool) -> None:
        self.argument = argument
        self.rest = rest


class Options:
    """Groups that may follow in any order, each once."""

    __slots__ = ("groups",)

    def __init__(self, groups: tuple[tuple[Token, ...], ...]) -> None:
        self.groups = groups


if TYPE_CHECKING:
    Token = Word | Choice | Slot | Options

_LEXEME = re.compile(r"\s*(\[|\]|<[^>]+>|\{[^}]+\}|[^\s\[\]<{]+)")


def parse_pattern(pattern: str, arguments: Mapping[str, Argument]) -> tuple[Token, ...]:
    """The tokens of `pattern`; raises GrammarError for a name that is not in `arguments`."""
    lexemes = _LEXEME.findall(pattern)
    position = 0

    def sequence(closing: bool) -> tuple[Token, ...]:
        nonlocal position
        tokens: list[Token] = []
        while position < len(lexemes):
            lexeme = lexemes[position]
            position += 1
            if lexeme == "]":
                if not closing:
                    raise GrammarError(f"{pattern}: ']' without '['")
                return tuple(tokens)
            if lexeme == "[":
                group = sequence(True)
                if tokens and isinstance(tokens[-1], Options):
                    tokens[-1] = Options((*tokens[-1].groups, group))
                else:
                    tokens.append(Options((group,)))
            else:
                tokens.append(_token(pattern, lexeme, arguments))
        if closing:
            raise GrammarError(f"{pattern}: '[' is not closed")
        return tuple(tokens)

    return sequence(False)


def _token(pattern: str, lexeme: str, arguments: Mapping[str, Argument]) -> Token:
    if lexeme[0] == "<":
        name = lexeme[1:-1]
        rest = name.endswith("...")
        name = name.removesuffix("...")
        if name not in arguments:
            raise GrammarError(f"{pattern}: no argument is called {name!r}")
        return Slot(arguments[name], rest)
    if lexeme[0] == "{":
        words, colon, binds = lexeme[1:-1].partition(":")
        if not colon:
            raise GrammarError(f"{pattern}: {lexeme} binds no parameter")
        return Choice(tuple(words.split("|")), binds)
    return Word(lexeme)


class Command:
    """One declared command: its pattern, its handler, and how its value is shown."""

    __slots__ = (
        "changes", "doc", "examples", "guarded", "handler", "json", "level", "options", "pages",
        "pattern", "summary", "tokens", "view", "wants_caller",
    )  # fmt: skip

    def __init__(
        self,
        pattern: str,
        tokens: tuple[Token, ...],
        handler: Callable[..., Any],
        *,
        level: int,
        changes: bool,
        view: Callable[[Any], Iterable[str]] | None,
        json: Callable[[Any], Any] | None,
        pages: bool,
        examples: tuple[str, ...],
        guarded: bool,
        options: Mapping[str, str],
    ) -> None:
        self.pattern = pattern
        self.tokens = tokens
        self.handler = handler
        self.level = level
        self.changes = changes
        self.view = view
        self.json = json
        self.pages = pages
        self.examples = examples
        self.guarded = guarded
        self.options = options
        summary, _, rest = (handler.__doc__ or "").strip().partition("\n")
        self.summary = summary.strip()
        self.doc = "\n".join(line.strip() for line in rest.strip().splitlines())
        code = handler.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        self.wants_caller = "caller" in names
        if not self.summary:
            raise GrammarError(f"{pattern}: the handler has no docstring, so no help")
        wanted = set(names) - {"node", "caller"}
        if wanted != (bound := set(bindings(tokens))):
            raise GrammarError(
                f"{pattern}: the handler takes {sorted(wanted)}, the pattern gives {sorted(bound)}"
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


def bindings(tokens: tuple[Token, ...]) -> Iterator[str]:
    """The parameter names a pattern binds."""
    for token in tokens:
        if isinstance(token, Choice):
            yield token.binds
        elif isinstance(token, Slot):
            yield token.argument.name.replace("-", "_")
        elif isinstance(token, Options):
            for group in token.groups:
                if len(group) == 1 and isinstance(group[0], Word):
                    yield group[0].text.replace("-", "_")
                yield from bindings(group)


_NONE: Mapping[str, str] = {}


class Family:
    """The commands of one module, in order of declaration."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def command(
        self,
        pattern: str,
        *,
        level: int,
        arguments: Iterable[Argument] = (),
        changes: bool = False,
        view: Callable[[Any], Iterable[str]] | None = None,
        json: Callable[[Any], Any] | None = None,
        pages: bool = False,
        examples: tuple[str, ...] = (),
        guarded: bool = False,
        options: Mapping[str, str] = _NONE,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare a command; the decorated handler stays a plain function.

        `guarded`: a node may want the password once more before it (`set security reauth`).
        `options`: what its optional words mean.
        """
        tokens = parse_pattern(pattern, {a.name: a for a in arguments})

        def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
            self.commands.append(
                Command(
                    pattern,
                    tokens,
                    handler,
                    level=level,
                    changes=changes,
                    view=view,
                    json=json,
                    pages=pages,
                    examples=examples,
                    guarded=guarded,
                    options=options,
                )
            )
            return handler

        return declare


class Place:
    """A place in the tree: the words or the argument that may follow, and the command ending here."""

    __slots__ = ("argument", "argument_rest", "binding", "command", "next", "pending", "words")

    def __init__(self) -> None:
        self.words: dict[str, Place] = {}
        self.argument: Argument | None = None
        self.argument_rest = False
        self.next: Place | None = None
        self.command: Command | None = None
        self.binding = ""
        self.pending: list[str] = []

    def word(self, text: str, binding: str = "") -> Place:
        if self.argument is not None:
            raise GrammarError(f"word {text!r} where argument {self.argument.name!r} may stand")
        place = self.words.get(text)
        if place is None:
            place = self.words[text] = Place()
            place.binding = binding
        elif place.binding != binding:
            raise GrammarError(f"word {text!r} binds {place.binding!r} and {binding!r}")
        return place

    def slot(self, token: Slot) -> Place:
        if self.words:
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
        for module, leads in families.items():
            for lead in leads:
                place = self.root
                for text in lead.split():
                    place = place.word(text)
                place.pending.append(module)

    def open(self, place: Place) -> Place:
        """`place` with the families that begin there loaded."""
        while place.pending:
            module = place.pending.pop()
            if module not in self._loaded:
                self._loaded.add(module)
                for command in self._load(module).commands:
                    _extend(self.root, command.tokens, command)
        return place

    def visible(self, place: Place, level: int) -> bool:
        """Whether any command at or below `place` is open to `level`."""
        return any(command.level <= level for command in self.below(place))

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
        if place.command not in (None, command):
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
