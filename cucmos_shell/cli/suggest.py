"""Tab and `?`: what may stand next on a line, from the same tree that the line is understood by.

Whatever is offered at an argument depends on what was typed before it (`pattern.Typed`).
"""

from __future__ import annotations

from cucmos_shell.cli.fit import MIN_WIDTH
from cucmos_shell.cli.lexemes import is_pipe, quote, split
from cucmos_shell.cli.pattern import Offer, Typed
from cucmos_shell.cli.pipes import FILTERS, NO_FILTERS, kinds_of, no_filter
from cucmos_shell.errors import BadValue, ShellError, UnknownCommand
from cucmos_shell.results import Value
from cucmos_shell.text import (
    LEAST_ABOUT,
    beside,
    columns,
    described,
    listing,
    safe,
    safe_line,
    wrapped,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cucmos_shell.cli.grammar import Command, Place
    from cucmos_shell.cli.lexemes import Lexeme
    from cucmos_shell.cli.match import Matcher, Reached
    from cucmos_shell.cli.pattern import Argument


class Completion(Value):
    """What Tab does: `insert` takes the place of the last `erase` characters before the cursor.

    `candidates` are listed if there are any; a `*` behind one says that words follow it.
    """

    insert: str = ""
    candidates: tuple[str, ...] = ()
    erase: int = 0


class MenuEntry(Value):
    """One way to go on: `text` goes on the line, `about` and `until` are as of an `Offer`."""

    text: str
    about: str = ""
    until: int = 0


class Menu(Value):
    """All ways to go on; each takes the place of the line from `start` to the cursor.

    `free`: what stands for a text of one's own, such as NAME.
    """

    start: int = 0
    entries: tuple[MenuEntry, ...] = ()
    free: tuple[str, ...] = ()


class _Asked:
    """The last words of a line that Tab or `?` asks about: `done` before the word `part`."""

    def __init__(self, text: str) -> None:
        self.text = text
        lexemes = split(text)
        self.open = bool(lexemes) and lexemes[-1].open
        bars = [i for i, lexeme in enumerate(lexemes) if is_pipe(lexeme)]
        self.fresh = not text or text[-1] in " \t|"
        self.bar = bars[-1] if bars else -1
        self.lexemes = lexemes
        self.done = lexemes if self.fresh else lexemes[:-1]
        self.part = "" if self.fresh else lexemes[-1].text
        self.start = len(text) if self.fresh else lexemes[-1].start

    @property
    def typed(self) -> str:
        """The part as it stands on the line."""
        return self.text[self.start :]

    def behind(self, words: tuple[Lexeme, ...]) -> str:
        """The line from the first of `words` on, which are the last but the part."""
        return self.text[words[0].start if words else self.start :]

    def begin(self, words: tuple[Lexeme, ...]) -> str:
        """A name of several words, as far as it is typed; its start is that of the first."""
        if not words:
            return self.part
        self.start = words[0].start
        return " ".join([*(word.text for word in words), self.part])


# --- Tab -----------------------------------------------------------------------------------------


def complete(walker: Matcher, text: str) -> Completion:
    """What Tab does after `text`; nothing after words that are wrong."""
    try:
        return _pick(_found(walker, _Asked(text)))
    except ShellError:
        return Completion()


def continuations(walker: Matcher, text: str) -> tuple[int, list[Offer]]:
    """All that may stand at the end of `text`, as it is typed, and where in `text` it begins.

    Nothing that a screen may not get as it is. Raises a ShellError for wrong words before.
    """
    found = _found(walker, _Asked(text))
    offers = [Offer(found.write(offer.text), offer.about) for offer in found.offers]
    return len(text) - len(found.typed), [o for o in offers if o.text == safe_line(o.text)]


class _Found(Value):
    """What may stand in the place of `typed`, which means `part`; nothing by default.

    A name is listed as `show` has it, and put on the line as `write` has it.
    """

    offers: tuple[Offer, ...] = ()
    part: str = ""
    typed: str = ""
    show: Callable[[str], str] = str
    write: Callable[[str], str] = str


def _found(walker: Matcher, asked: _Asked) -> _Found:
    if asked.open:
        return _Found()
    if asked.bar >= 0:
        check_filters_follow(walker, asked.lexemes)
        kinds = [] if asked.done[asked.bar + 1 :] else kinds_of(asked.part)
        return _Found(tuple(map(Offer, kinds)), asked.part, asked.typed)
    reached = walker.reach(asked.done)
    place = reached.place
    if place.words and place.argument is None:
        words = walker.candidates(place, asked.part)
        if asked.part in words:
            words = [asked.part]
        show = lambda word: _mark(walker, place, word)  # noqa: E731
        return _Found(tuple(map(Offer, words)), asked.part, asked.typed, show)
    if place.argument is None:
        return _Found()
    if place.argument.command:
        return _found(walker, _Asked(asked.behind(reached.words)))
    part, offers = _offers(walker, reached, asked)
    names = tuple(offer for offer in offers if not offer.placeholder)
    write = str if place.argument_rest and not place.argument.words else quote
    return _Found(names, part, asked.typed, write=write)


def _mark(walker: Matcher, place: Place, word: str) -> str:
    return f"{word}*" if walker.grammar.has_more(place.words[word], walker.level) else word


def _pick(asked: _Found) -> Completion:
    """Complete to the one that is found, else as far as all agree, else list them.

    What is completed takes the spelling of what is found.
    """
    found, part, typed = [offer.text for offer in asked.offers], asked.part, asked.typed
    if not found:
        return Completion()
    if len(found) == 1:
        return _put(typed, f"{safe(asked.write(found[0]), None)} ")
    first = found[0]
    size = len(first)
    for name in found[1:]:
        size = min(size, len(name))
        while first[:size].casefold() != name[:size].casefold():
            size -= 1
    agreed = first[:size]
    if len(agreed) > len(part) and asked.write(agreed) == agreed:
        if any(name[: len(part)] != agreed[: len(part)] for name in found):
            agreed = part + agreed[len(part) :]
        return _put(typed, safe(agreed, None))
    listed = (safe_line(asked.show(name)) for name in sorted(found, key=str.casefold))
    return Completion("", tuple(listed))


def _put(typed: str, text: str) -> Completion:
    """Have `text` where `typed` is."""
    if text.startswith(typed):
        return Completion(text[len(typed) :])
    return Completion(text, erase=len(typed))


def menu(walker: Matcher, text: str) -> Menu:
    """What may stand where `text` ends, each with what it is; nothing after words that are wrong.

    As `complete`, but everything that begins so is there, and families are loaded for what they
    say of their commands.
    """
    asked = _Asked(text)
    if asked.open:
        return Menu()
    try:
        if asked.bar >= 0:
            check_filters_follow(walker, asked.lexemes)
            kinds = () if asked.done[asked.bar + 1 :] else kinds_of(asked.part)
            return Menu(asked.start, tuple([MenuEntry(kind, FILTERS[kind][1]) for kind in kinds]))
        reached = walker.reach(asked.done)
        place = reached.place
        if place.words and place.argument is None:
            words = sorted(walker.candidates(place, asked.part))
            return Menu(asked.start, tuple([MenuEntry(w, _about(walker, place, w)) for w in words]))
        if place.argument is None:
            return Menu()
        if place.argument.command:
            inner = asked.behind(reached.words)
            found = menu(walker, inner)
            return Menu(found.start + len(text) - len(inner), found.entries, found.free)
        _, offers = _offers(walker, reached, asked)
    except ShellError:
        return Menu()
    write = str if place.argument_rest and not place.argument.words else quote
    entries = [
        MenuEntry(safe(write(offer.text), None), safe_line(offer.about), offer.until)
        for offer in offers
        if not offer.placeholder
    ]
    return Menu(asked.start, tuple(entries), tuple([o.text for o in offers if o.placeholder]))


def _about(walker: Matcher, place: Place, word: str) -> str:
    """What the only command behind `word` does, or the words that follow."""
    behind = place.words[word]
    only = walker.grammar.only(behind, walker.level)
    if only is not None:
        return only.options.get(word) or only.summary
    return ", ".join(sorted(walker.candidates(behind, "")))


# --- ? -------------------------------------------------------------------------------------------


def help_lines(walker: Matcher, text: str, width: int) -> list[str]:
    """The lines `?` shows after `text`: what may follow, or what the word may become.

    Raises a ShellError that says what is wrong with the words before.
    """
    asked = _Asked(text)
    if asked.bar >= 0:
        command = check_filters_follow(walker, asked.lexemes)
        return _filter_help(asked, command, width)
    reached = walker.reach(asked.done)
    place = reached.place
    if place.argument is not None and place.argument.command and (reached.words or asked.part):
        return help_lines(walker, asked.behind(reached.words), width)
    if not place.words or place.argument is not None or asked.fresh:
        return _at_argument(walker, reached, asked, width)
    found = walker.candidates(place, asked.part)
    if found and asked.part not in found:
        return _words(walker, place, found, width)
    # A whole word: what follows it.
    return follow(walker, walker.reach(asked.lexemes), width)


def check_filters_follow(walker: Matcher, lexemes: list[Lexeme]) -> Command:
    """The command before the first bar. Raises a ShellError unless it takes filters."""
    bar = next(i for i, lexeme in enumerate(lexemes) if is_pipe(lexeme))
    reached = walker.reach(lexemes[:bar])
    place = reached.place.next if reached.words else reached.place
    command = place.command if place is not None else None
    if command is None:
        raise UnknownCommand("No valid command entered")
    if command.changes:
        raise BadValue(NO_FILTERS)
    return command


def _filter_help(asked: _Asked, command: Command, width: int) -> list[str]:
    behind = asked.done[asked.bar + 1 :]
    if not behind:
        found = kinds_of(asked.part)
        rows = [(f"{kind} {FILTERS[kind][0]}".rstrip(), FILTERS[kind][1]) for kind in found]
        return described(rows, width) or [f"\tNo filter begins with {asked.part}"]
    kinds = kinds_of(behind[0].text)
    if len(kinds) != 1:
        raise no_filter(behind[0].text, command.usage)
    wanted, about = FILTERS[kinds[0]]
    return described([(wanted or "<cr>", about)], width)


def follow(walker: Matcher, reached: Reached, width: int = 0) -> list[str]:
    """What could follow: the syntax if that is clear, and the words or names for the next place."""
    return _at_argument(walker, reached, _Asked(""), width)


def _at_argument(walker: Matcher, reached: Reached, asked: _Asked, width: int) -> list[str]:
    place = reached.place
    beginning = not (asked.part or reached.words)
    lines = _syntax(walker, place, width) if beginning else []
    if place.argument is not None:
        rest = _names(walker, reached, asked, width, described_above=bool(lines))
    elif place.words:
        rest = _words(walker, place, walker.candidates(place, ""), width)
        if place.command is not None and place.command.level <= walker.level:
            rest.append("\t<cr>")
        if place.see_also:
            rest += ["", f"See also: {place.see_also}"]
    else:
        rest = []
    return [*lines, "", *rest] if lines and rest else [*lines, *rest]


def _syntax(walker: Matcher, place: Place, width: int) -> list[str]:
    """The syntax of the commands from here on, unless they are many as at a menu."""
    only = walker.grammar.only(place, walker.level)
    if only is not None:
        return syntax(only, width)
    if place.words and place.argument is None:
        return []
    commands = [c for c in walker.grammar.below(place) if c.level <= walker.level]
    return [line for command in commands for line in syntax(command, width)]


def _words(walker: Matcher, place: Place, words: list[str], width: int) -> list[str]:
    return listing([_mark(walker, place, word) for word in sorted(words)], width)


def _names(
    walker: Matcher, reached: Reached, asked: _Asked, width: int, *, described_above: bool
) -> list[str]:
    """What may stand at the argument of the place, under a heading if that says more."""
    argument = reached.place.argument
    assert argument is not None
    try:
        part, offers = _offers(walker, reached, asked)
    except BadValue:
        raise
    except ShellError:
        # What it is about cannot be read now: the command will say so.
        part, offers = asked.part, []
    if offers:
        heading = f"{argument.kind[:1].upper()}{argument.kind[1:]}:"
        rows = [(offer.text, offer.about) for offer in offers]
        return [heading, *described(rows, width)] if described_above else described(rows, width)
    if argument.choices is not None or argument.complete is not None:
        begins = f" begins with {safe(part)}" if part else ""
        return [f"\tNo {argument.kind}{begins}"]
    return [] if described_above else described([(argument.name, argument.help)], width)


def syntax(command: Command, width: int = 0) -> list[str]:
    """The `Syntax:` block of `command` (CLI reference, About CLI: three columns).

    On a terminal `width` wide (0 if unknown) it is broken between words, never within a choice.
    """
    rows = command.parameters()
    if width < MIN_WIDTH:
        return ["Syntax:", command.usage, *columns(rows, 3)]
    first, *others = wrapped(command.usage, width - 2)
    lines = ["Syntax:", first, *(f"  {line}" for line in others)]
    names = columns((row[:2] for row in rows), 3)
    indent = max(map(len, names), default=0) + 3
    if width - indent < LEAST_ABOUT:
        return [*lines, *columns(rows, 3)]
    for name, (_, _, meaning) in zip(names, rows, strict=True):
        lines += beside(name.ljust(indent), meaning, width - indent)
    return lines


# --- arguments -----------------------------------------------------------------------------------


def _offers(walker: Matcher, reached: Reached, asked: _Asked) -> tuple[str, list[Offer]]:
    """What was typed of the argument, and what it may become. Raises a ShellError."""
    argument = reached.place.argument
    assert argument is not None
    words = tuple(word.text for word in reached.words) if argument.words else ()
    part = asked.part if argument.words else asked.begin(reached.words)
    found: list[str | Offer] = []
    if not reached.words:
        found += _reserved(walker, reached.place)
    found += _all(walker, argument, Typed(reached.bound, words, part, walker.level))
    begin = part.casefold()
    offers = (Offer(each) if isinstance(each, str) else each for each in found)
    return part, [o for o in offers if o.placeholder or o.text.casefold().startswith(begin)]


def _reserved(walker: Matcher, place: Place) -> Iterable[Offer]:
    """The words that stand beside the argument of `place`."""
    for word in walker.candidates(place, ""):
        only = walker.grammar.only(place.words[word], walker.level)
        yield Offer(word, only.summary if only is not None else "")


def _all(walker: Matcher, argument: Argument, typed: Typed) -> Iterable[str | Offer]:
    if not walker.live:
        return ()
    if argument.complete is not None:
        return argument.complete(walker.node, typed)
    return argument.choices(walker.node) if argument.choices is not None else ()
