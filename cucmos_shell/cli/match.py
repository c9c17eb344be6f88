"""One walker over the grammar: what a line means, what may follow it, what helps there."""

from __future__ import annotations

from cucmos_shell.cli.grammar import Command, Grammar, Place
from cucmos_shell.cli.lexemes import Lexeme, is_pipe, quote, split
from cucmos_shell.cli.pattern import Argument
from cucmos_shell.errors import (
    AmbiguousCommand,
    BadValue,
    IncompleteCommand,
    UnknownCommand,
)
from cucmos_shell.results import Value
from cucmos_shell.text import columns, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

FILTERS = ("begin", "count", "exclude", "include", "page")
LISTED_CHOICES = 60


class Filter(Value):
    """An output filter; `text` is empty for `count` and `page`."""

    kind: str
    text: str


class Match(Value):
    """A line understood."""

    command: Command
    arguments: dict[str, Any]
    canonical: str
    filters: tuple[Filter, ...]


class Completion(Value):
    """What Tab does: `insert` is appended to the line; `candidates` are listed if there are any."""

    insert: str
    candidates: tuple[str, ...]


class Walker:
    """Answers questions about lines for one account level; `node` supplies live choices."""

    def __init__(self, grammar: Grammar, node: Any, level: int) -> None:
        self.grammar = grammar
        self.node = node
        self.level = level

    # --- one word -------------------------------------------------------------------------------

    def _candidates(self, place: Place, beginning: str) -> list[str]:
        begin = beginning.casefold()
        words = [w for w in self.grammar.open(place).words if w.casefold().startswith(begin)]
        return [w for w in words if self.grammar.visible(place.words[w], self.level)]

    def _word(self, place: Place, lexeme: Lexeme) -> str:
        """The full word that `lexeme` means at `place`."""
        words = self.grammar.open(place).words
        if lexeme.text in words:
            return lexeme.text
        if not lexeme.quoted:
            begin = lexeme.text.casefold()
            if begin in words:
                return begin
            for word in words:
                if word.casefold() == begin:
                    return word
            found = [w for w in words if w.casefold().startswith(begin)]
            if len(found) > 1:
                found = self._candidates(place, lexeme.text)
            if len(found) == 1:
                return found[0]
            if found:
                # Where a command may end, what follows are its options.
                raise AmbiguousCommand(
                    "Ambiguous {kind}: {word}",
                    kind="option" if place.command is not None else "command",
                    word=lexeme.text,
                    details=[f"\t{word}" for word in sorted(found)],
                )
        if words and all(next_place.binding for next_place in words.values()):
            raise BadValue(
                "{word} is not one of: {words}", word=lexeme.text, words=", ".join(words)
            )
        raise self._surplus(place, lexeme)

    # --- a whole line ---------------------------------------------------------------------------

    def match(self, line: str) -> Match:
        """What `line` means; raises a CommandError, or the argument's own error."""
        lexemes = split(line)
        if lexemes and lexemes[-1].open:
            raise BadValue('A closing quotation mark (") is missing')
        pipe = next((i for i, lex in enumerate(lexemes) if is_pipe(lex)), len(lexemes))
        command, values, canonical = self._walk(lexemes[:pipe])
        filters = tuple(self._filters(lexemes[pipe:]))
        if filters and command.changes:
            raise BadValue("Output filters follow show, list and file commands only")
        for item in filters:
            canonical += f" | {item.kind} {quote(item.text)}" if item.text else f" | {item.kind}"
        return Match(command, values, canonical, filters)

    def _path(
        self, lexemes: list[Lexeme]
    ) -> Iterator[tuple[Place, Place | None, str, list[Lexeme]]]:
        """Where `lexemes` lead, a step each: from a place to the next, by a word or an argument.

        The next place is None where nothing of this kind may stand.
        """
        place, i = self.grammar.root, 0
        while i < len(lexemes):
            self.grammar.open(place)
            taken = lexemes[i:] if place.argument_rest else lexemes[i : i + 1]
            word = self._word(place, lexemes[i]) if place.words else ""
            after = place.words[word] if word else place.next
            yield place, after, word, taken
            if after is None:
                return
            place, i = after, i + len(taken)

    def _walk(self, lexemes: list[Lexeme]) -> tuple[Command, dict[str, Any], str]:
        place = self.grammar.root
        words: list[str] = []
        found: list[tuple[Argument, Any]] = []
        bound: dict[str, Any] = {}
        for before, after, word, taken in self._path(lexemes):
            if after is None:
                raise self._surplus(before, taken[0])
            if word:
                words.append(word)
                if after.binding:
                    bound[after.binding] = word
            elif before.argument is not None:
                if not self.grammar.visible(before, self.level):
                    raise UnknownCommand("No valid command entered")
                texts = [lexeme.text for lexeme in taken]
                found.append(
                    (before.argument, tuple(texts) if before.argument.words else " ".join(texts))
                )
                words.append(f"\0{len(found) - 1}")
            place = after
        command = self.grammar.open(place).command
        if command is None or command.level > self.level:
            raise self._incomplete(place, bool(lexemes))
        for argument, text in found:
            bound[argument.name.replace("-", "_")] = self.value(argument, text)
        canonical = " ".join(
            self._canonical(*found[int(word[1:])]) if word[0] == "\0" else word for word in words
        )
        return command, bound, canonical

    def _canonical(self, argument: Argument, text: Any) -> str:
        if argument.words:
            return " ".join(map(quote, text))
        if argument.choices is not None:
            name = str(self.value(argument, text)) if argument.parse is None else text
            return name if " " in name else quote(name)
        return quote(text)

    def _surplus(self, place: Place, lexeme: Lexeme) -> Exception:
        command = place.command
        if command is None or command.level > self.level:
            return UnknownCommand("No valid command entered")
        return BadValue(
            "Too many parameters, beginning with: {word}",
            word=lexeme.text,
            details=["Syntax:", command.usage],
        )

    def _incomplete(self, place: Place, begun: bool) -> Exception:
        if not begun or not self.grammar.visible(place, self.level):
            return UnknownCommand("No valid command entered")
        return IncompleteCommand("Incomplete command entered", details=self.follow(place))

    def value(self, argument: Argument, text: Any) -> Any:
        """The value `text` stands for; raises NotFound with near names, or the parser's error."""
        if argument.choices is not None and not argument.words:
            names = {name.casefold(): name for name in argument.choices(self.node)}
            if text.casefold() not in names and not argument.open:
                from cucmos_shell.cli.near import FEW_NAMES, unknown

                raise unknown(text, names.values(), f"a known {argument.kind}", FEW_NAMES)
            text = names.get(text.casefold(), text)
        return argument.parse(self.node, text) if argument.parse else text

    def _filters(self, lexemes: list[Lexeme]) -> Iterable[Filter]:
        i = 0
        while i < len(lexemes):
            end = next((k for k in range(i + 1, len(lexemes)) if is_pipe(lexemes[k])), len(lexemes))
            words = [lexeme.text for lexeme in lexemes[i + 1 : end]]
            kinds = [k for k in FILTERS if words and k.startswith(words[0].casefold())]
            text = " ".join(words[1:])
            if len(kinds) != 1:
                raise BadValue(
                    "After | comes one of: {kinds}", kinds=", ".join(f"{k}" for k in FILTERS)
                )
            if bool(text) != (kinds[0] in ("begin", "exclude", "include")):
                need = "needs a text" if not text else "takes no text"
                raise BadValue("| {kind} {need}", kind=kinds[0], need=need)
            yield Filter(kinds[0], text)
            i = end

    # --- Tab and ? ------------------------------------------------------------------------------

    def _reach(self, lexemes: list[Lexeme]) -> tuple[Place, list[Lexeme]] | None:
        """Where the words lead, and the words of an open rest argument; None for a wrong line."""
        place = self.grammar.root
        try:
            for before, after, word, taken in self._path(lexemes):
                if after is None:
                    return None
                if not word and before.argument_rest:
                    return before, taken
                place = after
        except (UnknownCommand, AmbiguousCommand):
            return None
        return self.grammar.open(place), []

    def complete(self, text: str) -> Completion:
        """What Tab does after `text` (the line up to the cursor)."""
        lexemes = split(text)
        nothing = Completion("", ())
        pipes = [i for i, lexeme in enumerate(lexemes) if is_pipe(lexeme)]
        fresh = not text or text[-1] in " \t|"
        if lexemes and lexemes[-1].open:
            return nothing
        if pipes:
            after = lexemes[pipes[-1] + 1 :]
            if len(after) > 1 or (after and fresh):
                return nothing
            part = after[0].text.casefold() if after else ""
            return _pick([kind for kind in FILTERS if kind.startswith(part)], part, " ")
        done, part = (lexemes, "") if fresh else (lexemes[:-1], lexemes[-1].text)
        reached = self._reach(done)
        if reached is None:
            return nothing
        place, rest = reached
        if place.words:
            found = self._candidates(place, part)
            if len(found) > 1 and part in found:
                found = [part]
            marks = {w: "*" if self._has_more(place.words[w]) else "" for w in found}
            return _pick(found, part, " ", marks)
        if place.argument is None or not self.grammar.visible(place, self.level):
            return nothing
        return self._complete_argument(place.argument, done, rest, part, text)

    def _complete_argument(
        self, argument: Argument, done: list[Lexeme], rest: list[Lexeme], part: str, text: str
    ) -> Completion:
        names: Iterable[str] = ()
        if argument.complete is not None:
            before = rest if argument.words else done
            names = argument.complete(self.node, tuple(lexeme.text for lexeme in before))
        elif argument.choices is not None:
            names = argument.choices(self.node)
            part = text[rest[0].start :] if rest else part
        return _pick([n for n in names if n.casefold().startswith(part.casefold())], part, " ")

    def _has_more(self, place: Place) -> bool:
        place = self.grammar.open(place)
        return bool(place.words) and any(
            self.grammar.visible(p, self.level) for p in place.words.values()
        )

    def help(self, text: str) -> tuple[str, ...]:
        """The lines `?` shows after `text`. Raises a CommandError."""
        lexemes = split(text)
        if any(map(is_pipe, lexemes)):
            return tuple(f"\t{kind}" for kind in FILTERS)
        fresh = not text or text[-1] in " \t"
        if not fresh and lexemes:
            reached = self._reach(lexemes[:-1])
            if reached is not None and reached[0].words and not reached[1]:
                found = self._candidates(reached[0], lexemes[-1].text)
                if len(found) > 1 and lexemes[-1].text not in found:
                    return tuple(self._listing(reached[0], found))
        reached = self._reach(lexemes)
        if reached is None or not self.grammar.visible(reached[0], self.level):
            raise UnknownCommand("No valid command entered")
        return tuple(self.follow(reached[0]))

    def _listing(self, place: Place, words: Iterable[str]) -> list[str]:
        return [f"\t{w}{'*' if self._has_more(place.words[w]) else ''}" for w in sorted(words)]

    def follow(self, place: Place) -> list[str]:
        """What could follow at `place`: the words of a menu, or the syntax of the one command."""
        self.grammar.open(place)
        commands = [c for c in self.grammar.below(place) if c.level <= self.level]
        if len(commands) == 1:
            lines = syntax(commands[0])
            if place.argument is not None and place.argument.choices is not None:
                lines += self._choices(place.argument)
            return lines
        if place.words:
            lines = self._listing(place, self._candidates(place, ""))
            if place.command is not None and place.command.level <= self.level:
                lines.append("\t<cr>")
            return lines
        return [line for command in commands for line in syntax(command)]

    def _choices(self, argument: Argument) -> list[str]:
        assert argument.choices is not None
        names = list(argument.choices(self.node))
        if not names:
            return []
        lines = ["", f"{argument.kind[:1].upper()}{argument.kind[1:]}:"]
        lines += [f"\t{name}" for name in names[:LISTED_CHOICES]]
        if len(names) > LISTED_CHOICES:
            lines.append(f"\t({len(names) - LISTED_CHOICES} more)")
        return lines

    def command(self, words: tuple[str, ...]) -> tuple[Place, Command | None]:
        """The place `words` lead to, and the command there if it is the only one."""
        reached = self._reach([Lexeme(word, 0, 0, False, False) for word in words])
        if reached is None or not self.grammar.visible(reached[0], self.level):
            raise UnknownCommand("No valid command entered")
        commands = [c for c in self.grammar.below(reached[0]) if c.level <= self.level]
        return reached[0], commands[0] if len(commands) == 1 else None

    def overview(self, place: Place) -> list[str]:
        """The commands below `place`, a line each with its summary."""
        commands = [c for c in self.grammar.below(place) if c.level <= self.level]
        by_words = {c.words: c.summary for c in sorted(commands, key=lambda c: c.words)}
        return columns(by_words.items())


def syntax(command: Command) -> list[str]:
    """The `Syntax:` block of `command` (CLI reference, About CLI: three columns)."""
    return [
        "Syntax:",
        command.usage,
        *columns(command.parameters(), 3),
    ]


def _pick(found: list[str], part: str, end: str, marks: dict[str, str] | None = None) -> Completion:
    """Complete to the one candidate, else as far as all agree, else list them."""
    if len(found) == 1:
        return Completion(safe(found[0][len(part) :], None) + end, ())
    if not found:
        return Completion("", ())
    first = found[0]
    size = len(first)
    for name in found[1:]:
        size = min(size, len(name))
        while first[:size].casefold() != name[:size].casefold():
            size -= 1
    if size > len(part):
        return Completion(safe(first[len(part) : size], None), ())
    ordered = sorted(found, key=str.casefold)
    return Completion("", tuple(f"\t{n}{(marks or {}).get(n, '')}" for n in ordered))
