"""Which words of a line are understood, and which one is wrong, while it is still being typed."""

from __future__ import annotations

from cucmos_shell.cli.lexemes import is_pipe, split
from cucmos_shell.cli.pipes import kinds_of
from cucmos_shell.cli.suggest import check_filters_follow, menu
from cucmos_shell.errors import AmbiguousCommand, BadValue, NotFound, ShellError, UnknownCommand
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cli.grammar import Place
    from cucmos_shell.cli.lexemes import Lexeme
    from cucmos_shell.cli.match import Matcher
    from cucmos_shell.cli.suggest import Menu

WORD, VALUE, FILTER, WRONG = "word", "value", "filter", "wrong"


class Mark(Value):
    """The characters from `start` to `end` are a `word`, a `value`, a `filter`, or `wrong`."""

    start: int
    end: int
    kind: str


def marks(walker: Matcher, text: str, end: Menu | None = None) -> tuple[Mark, ...]:
    """What each word of `text` is, up to the first wrong one, the last mark then.

    A word at the end that may become something has no mark yet. `end`: the menu where `text` ends,
    if it is known.
    """
    return tuple(_Marker(walker, text, end).marks())


class _Marker:
    def __init__(self, walker: Matcher, text: str, end: Menu | None) -> None:
        self._walker = walker
        self._text = text
        self._end = end

    def marks(self) -> list[Mark]:
        """The marks of the line."""
        lexemes = split(self._text)
        bar = next((i for i, lexeme in enumerate(lexemes) if is_pipe(lexeme)), len(lexemes))
        found = list(self._words(lexemes[:bar]))
        if bar < len(lexemes) and not (found and found[-1].kind == WRONG):
            found += self._filters(lexemes, bar)
        return found

    def _words(self, lexemes: list[Lexeme]) -> Iterator[Mark]:
        """The marks of `lexemes`, which are a command line or its part that is one."""
        grammar = self._walker.grammar
        place, here = grammar.root, 0
        try:
            for before, after, word, taken in self._walker.path(lexemes):
                if after is None:
                    yield _mark(taken[:1], WRONG)
                    return
                if word:
                    yield _mark(taken, WORD)
                elif before.argument is not None and before.argument.command:
                    yield from self._words(taken)
                else:
                    yield from self._value(before, taken)
                place, here = after, here + len(taken)
        except ShellError as problem:
            if not isinstance(problem, AmbiguousCommand) or not self._typing(lexemes[here]):
                yield _mark(lexemes[here : here + 1], WRONG)
            return
        if lexemes and not grammar.visible(grammar.open(place), self._walker.level):
            yield _mark(lexemes[-1:], WRONG)

    def _value(self, place: Place, taken: list[Lexeme]) -> Iterator[Mark]:
        argument = place.argument
        assert argument is not None
        if taken[-1].open:
            return
        words = [lexeme.text for lexeme in taken]
        try:
            self._walker.value(argument, tuple(words) if argument.words else " ".join(words))
        except (BadValue, NotFound, UnknownCommand):
            begun = place.argument_rest or self._typing(taken[-1])
            if not begun or not self._goes_on():
                yield _mark(taken, WRONG)
        except (ShellError, OSError):
            # Whether it is known cannot be told now; the command will say.
            return
        else:
            yield _mark(taken, VALUE)

    def _goes_on(self) -> bool:
        """Whether what is typed may still become something."""
        found = self._end if self._end is not None else menu(self._walker, self._text)
        return bool(found.entries or found.free)

    def _filters(self, lexemes: list[Lexeme], bar: int) -> Iterator[Mark]:
        try:
            check_filters_follow(self._walker, lexemes)
        except ShellError:
            yield _mark(lexemes[bar : bar + 1], WRONG)
            return
        for i in range(bar, len(lexemes)):
            if is_pipe(lexemes[i]):
                yield _mark(lexemes[i : i + 1], FILTER)
            elif is_pipe(lexemes[i - 1]):
                kinds = kinds_of(lexemes[i].text)
                if len(kinds) == 1:
                    yield _mark(lexemes[i : i + 1], FILTER)
                elif not kinds or not self._typing(lexemes[i]):
                    yield _mark(lexemes[i : i + 1], WRONG)
                    return

    def _typing(self, lexeme: Lexeme) -> bool:
        """Whether the word is the last one, without a blank behind it."""
        return lexeme.end == len(self._text)


def _mark(lexemes: list[Lexeme], kind: str) -> Mark:
    return Mark(lexemes[0].start, lexemes[-1].end, kind)
