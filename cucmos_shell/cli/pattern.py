"""The pattern of a command, as its declaration has it.

A pattern is made of
    word            a fixed word; any unique beginning of it will do
    {a|b:name}      one of several fixed words, bound to the parameter `name`
    <name>          one argument;  <name...> takes the rest of the line
    [ ... ]         may be left out; neighbouring groups come in any order, each once
"""

from __future__ import annotations

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    Offers = Iterable["str | Offer"]


class GrammarError(Exception):
    """A declaration contradicts itself or another one: a programmer's mistake."""


class Typed(Value):
    """What stands before a word that Tab or `?` asks about, and the level of who asks.

    `bound` has the values before it by their parameter names, as the handler would get them;
    `words` are those of a rest argument so far, `part` the beginning of the word itself.
    """

    bound: Mapping[str, Any]
    words: tuple[str, ...]
    part: str
    level: int


class Offer(Value):
    """What may stand next, and what it is; Tab leaves a `placeholder`, such as TEXT, alone.

    `until`: when it ends, in seconds since the epoch, which menus show; 0 if it does not.
    """

    text: str
    about: str = ""
    placeholder: bool = False
    until: int = 0


class Argument:
    """A kind of value on the line; `kind` is what one of its offers is called, else `help`.

    `choices(node)` gives the live names: matching is exact but case-blind, the node's spelling
    reaches the handler, Tab completes them; `absent(node, text)` raises the reason, if it knows
    one, why a text is none of them. `parse(node, text)` turns the text into a value and raises a
    `ShellError` with the reason. With `words`, a rest argument arrives as a tuple of words. `open`:
    a text that is none of the choices is passed on; the handler says no to it, which one that asks
    for secrets does after its questions. `complete(node, typed)` gives what Tab and `?` offer after
    what is `typed`, where that is not all `choices`. `command`: the words are those of a command,
    and completed as such. `reserves` are words with which none of its values may begin: they may
    stand in its place, typed in full as names are, and mean something else. A `raw` rest
    argument arrives as it was typed, quotation marks and blanks included.
    """

    __slots__ = (
        "absent", "choices", "command", "complete", "help", "kind", "name", "open", "parse",
        "raw", "reserves", "words",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        help: str,
        *,
        choices: Callable[[Any], Iterable[str]] | None = None,
        parse: Callable[[Any, Any], Any] | None = None,
        words: bool = False,
        open: bool = False,
        absent: Callable[[Any, str], None] | None = None,
        complete: Callable[[Any, Typed], Offers] | None = None,
        kind: str = "",
        command: bool = False,
        reserves: tuple[str, ...] = (),
        raw: bool = False,
    ) -> None:
        self.name = name
        self.help = help
        self.kind = kind or help
        self.choices = choices
        self.parse = parse
        self.words = words
        self.open = open
        self.absent = absent
        self.complete = complete
        self.command = command
        self.reserves = reserves
        self.raw = raw


class Word:
    """A fixed word; `binds` names the parameter that gets it."""

    __slots__ = ("binds", "text")

    def __init__(self, text: str, binds: str = "") -> None:
        self.text = text
        self.binds = binds


class Choice:
    """One of several words; `binds` names the parameter that gets it."""

    __slots__ = ("binds", "words")

    def __init__(self, words: tuple[str, ...], binds: str) -> None:
        self.words = words
        self.binds = binds


class Slot:
    """A value for `argument`; with `rest`, all words that follow."""

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

_CLOSING = {"<": ">", "{": "}"}


def _lexemes(pattern: str) -> Iterator[str]:
    """The pieces of a pattern: `[`, `]`, `<...>`, `{...}` and words."""
    start = 0
    while start < len(pattern):
        first, end = pattern[start], start + 1
        if first in _CLOSING:
            end = pattern.find(_CLOSING[first], start) + 1
            if not end:
                raise GrammarError(f"{pattern}: {first!r} is not closed")
        elif first not in "[] ":
            while end < len(pattern) and pattern[end] not in "[]<{ ":
                end += 1
        if first != " ":
            yield pattern[start:end]
        start = end


def parse_pattern(pattern: str, arguments: Mapping[str, Argument]) -> tuple[Token, ...]:
    """The tokens of `pattern`; raises GrammarError for a name that is not in `arguments`."""
    lexemes = list(_lexemes(pattern))
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
