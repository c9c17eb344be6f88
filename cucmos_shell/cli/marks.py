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

WORD, VALUE, FILTER, WRONG = "word", "value", "filter", "wrong"


class Mark(Value):
    """The characters from `start` to `end` are a `word`, a `value`, a `filter`, or `wrong`."""

    start: int
    end: int
    kind: str


def marks(walker: Matcher, text: str) -> tuple[Mark, ...]:
    """What each word of `text` is, up to the first wrong one, the last mark then.

    A word at the end that may become something has no mark yet.
    """
    lexemes = split(text)
    bar = next((i for i, lexeme in enumerate(lexemes) if is_pipe(lexeme)), len(lexemes))
    found = list(_words(walker, text, lexemes[:bar], 0))
    if bar < len(lexemes) and not (found and found[-1].kind == WRONG):
        found += _filters(walker, text, lexemes, bar)
    return tuple(found)


def _words(walker: Matcher, text: str, lexemes: list[Lexeme], at: int) -> Iterator[Mark]:
    """The marks of a command line whose words are `lexemes`, a part of `text` from `at` on."""
    grammar = walker.grammar
    place, here = grammar.root, 0
    try:
        for before, after, word, taken in walker.path(lexemes):
            if after is None:
                yield _mark(taken[:1], WRONG)
                return
            if word:
                yield _mark(taken, WORD)
            elif before.argument is not None and before.argument.command:
                yield from _words(walker, text, taken, taken[0].start)
            elif before.argument is not None:
                yield from _value(walker, text, before, taken, at)
            place, here = after, here + len(taken)
    except AmbiguousCommand:
        if not _typing(text, lexemes[here]):
            yield _mark(lexemes[here : here + 1], WRONG)
        return
    except ShellError:
        yield _mark(lexemes[here : here + 1], WRONG)
        return
    if lexemes and not grammar.visible(grammar.open(place), walker.level):
        yield _mark(lexemes[-1:], WRONG)


def _value(
    walker: Matcher, text: str, place: Place, taken: list[Lexeme], at: int
) -> Iterator[Mark]:
    argument = place.argument
    assert argument is not None
    if taken[-1].open:
        return
    words = [lexeme.text for lexeme in taken]
    try:
        walker.value(argument, tuple(words) if argument.words else " ".join(words))
    except (BadValue, NotFound, UnknownCommand):
        begun = place.argument_rest or _typing(text, taken[-1])
        if not begun or not _goes_on(walker, text, at):
            yield _mark(taken, WRONG)
    except (ShellError, OSError):
        # Whether it is known cannot be told now; the command will say.
        return
    else:
        yield _mark(taken, VALUE)


def _goes_on(walker: Matcher, text: str, at: int) -> bool:
    """Whether what is typed may still become something."""
    found = menu(walker, text[at:])
    return bool(found.entries or found.free)


def _filters(walker: Matcher, text: str, lexemes: list[Lexeme], bar: int) -> Iterator[Mark]:
    try:
        check_filters_follow(walker, lexemes)
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
            elif not kinds or not _typing(text, lexemes[i]):
                yield _mark(lexemes[i : i + 1], WRONG)
                return


def _typing(text: str, lexeme: Lexeme) -> bool:
    """Whether the word is the last one, without a blank behind it."""
    return lexeme.end == len(text)


def _mark(lexemes: list[Lexeme], kind: str) -> Mark:
    return Mark(lexemes[0].start, lexemes[-1].end, kind)
