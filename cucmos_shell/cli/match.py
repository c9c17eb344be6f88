"""One walk over the grammar: what a line means, and where the beginning of one leads."""

from __future__ import annotations

from cucmos_shell.cli.grammar import Command, Grammar, Place
from cucmos_shell.cli.lexemes import Lexeme, is_pipe, quote, split
from cucmos_shell.cli.pattern import Argument
from cucmos_shell.errors import (
    AmbiguousCommand,
    BadValue,
    IncompleteCommand,
    ShellError,
    UnknownCommand,
)
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.cli.pipes import Filter


class Match(Value):
    """A line understood."""

    command: Command
    arguments: dict[str, Any]
    canonical: str
    filters: tuple[Filter, ...]

    @property
    def redirected(self) -> str:
        """The file of the download area that the output goes to; empty if it is shown."""
        last = self.filters[-1] if self.filters else None
        return last.text if last is not None and last.kind == "redirect" else ""


class Reached(Value):
    """Where the beginning of a line leads: the place, and what is `bound` by then.

    `words` are those of a rest argument at that place, which is still open.
    """

    place: Place
    bound: dict[str, Any]
    words: tuple[Lexeme, ...] = ()


class Matcher:
    """Understands lines for one account level; `node` supplies live choices.

    Unless they are `live` there is no node, and any text does for an argument.
    """

    def __init__(self, grammar: Grammar, node: Any, level: int, *, live: bool = True) -> None:
        self.grammar = grammar
        self.node = node
        self.level = level
        self.live = live

    # --- one word -------------------------------------------------------------------------------

    def candidates(self, place: Place, beginning: str, *, product: bool = False) -> list[str]:
        """The words at `place` that begin so, open to the level; the `product`'s or all."""
        begin, visible = beginning.casefold(), self.grammar.visible
        words = [w for w in self.grammar.open(place).words if w.casefold().startswith(begin)]
        return [w for w in words if visible(place.words[w], self.level, product=product)]

    def _word(self, place: Place, lexeme: Lexeme) -> str:
        """The full word that `lexeme` means at `place`; empty for an argument that may be there."""
        words = self.grammar.open(place).words
        if place.argument is not None:
            # What is reserved stands where a name may: like one, it is never shortened.
            typed = "" if lexeme.quoted else lexeme.text.casefold()
            return typed if typed in words else ""
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
                found = self.candidates(place, lexeme.text)
                # A word of our own makes none of the product's ambiguous.
                product = self.candidates(place, lexeme.text, product=True)
                found = product if len(product) == 1 else found
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
        command, values, canonical = self._walk(lexemes[:pipe], line)
        filters = _filters(lexemes[pipe:], command.usage)
        if filters and command.changes:
            from cucmos_shell.cli.pipes import NO_FILTERS

            raise BadValue(NO_FILTERS)
        for item in filters:
            canonical += f" | {item.kind} {quote(item.text)}" if item.text else f" | {item.kind}"
        return Match(command, values, canonical, filters)

    def understands(self, line: str) -> bool:
        """Whether the words of `line` are a command's; its arguments are not looked up."""
        lexemes = split(line)
        pipe = next((i for i, lex in enumerate(lexemes) if is_pipe(lex)), len(lexemes))
        place: Place | None = self.grammar.root
        try:
            for _, place, _, _ in self.path(lexemes[:pipe]):
                if place is None:
                    return False
        except ShellError:
            return False
        assert place is not None
        command = self.grammar.open(place).command
        return command is not None and command.level <= self.level

    def begins(self, line: str) -> list[str]:
        """The words, in full, with which `line` begins a command: as many as lead somewhere."""
        words: list[str] = []
        try:
            for _, after, word, _ in self.path(split(line)):
                if after is None or not word:
                    break
                words.append(word)
        except ShellError:
            pass
        return words

    def path(
        self, lexemes: list[Lexeme]
    ) -> Iterator[tuple[Place, Place | None, str, list[Lexeme]]]:
        """Where `lexemes` lead, a step each: from a place to the next, by a word or an argument.

        The next place is None where nothing of this kind may stand. Raises a CommandError for a
        word that is none there.
        """
        place, i = self.grammar.root, 0
        while i < len(lexemes):
            self.grammar.open(place)
            word = self._word(place, lexemes[i]) if place.words else ""
            taken = lexemes[i:] if place.argument_rest and not word else lexemes[i : i + 1]
            after = place.words[word] if word else place.next
            yield place, after, word, taken
            if after is None:
                return
            place, i = after, i + len(taken)

    def _walk(self, lexemes: list[Lexeme], line: str) -> tuple[Command, dict[str, Any], str]:
        place = self.grammar.root
        words: list[str] = []
        found: list[tuple[Argument, Any]] = []
        bound: dict[str, Any] = {}
        for before, after, word, taken in self.path(lexemes):
            if after is None:
                raise self._surplus(before, taken[0])
            if word:
                words.append(word)
                if after.binding:
                    bound[after.binding] = word
            elif before.argument is not None:
                if not self.grammar.visible(before, self.level):
                    raise UnknownCommand("No valid command entered")
                found.append((before.argument, _text(before.argument, taken, line)))
                words.append(f"\0{len(found) - 1}")
            place = after
        command = self.grammar.open(place).command
        if command is None or command.level > self.level:
            raise self._incomplete(lexemes)
        for argument, text in found:
            bound[argument.name.replace("-", "_")] = self.value(argument, text)
        canonical = " ".join(
            self._canonical(*found[int(word[1:])]) if word[0] == "\0" else word for word in words
        )
        return command, bound, canonical

    def _canonical(self, argument: Argument, text: Any) -> str:
        if argument.words:
            return " ".join(map(quote, text))
        if argument.raw:
            return str(text)
        if argument.choices is not None:
            name = str(self.value(argument, text)) if argument.parse is None else text
            return name if " " in name else quote(name)
        return quote(text)

    def _surplus(self, place: Place, lexeme: Lexeme) -> Exception:
        command = place.command
        if command is None or command.level > self.level:
            return UnknownCommand("No valid command entered", details=self._meant(place, lexeme))
        return BadValue(
            "Too many parameters, beginning with: {word}",
            word=lexeme.text,
            details=["Syntax:", command.usage],
        )

    def _meant(self, place: Place, lexeme: Lexeme) -> list[str]:
        """The words of `place` that `lexeme` may be a misspelling of, as lines."""
        from cucmos_shell.cli.near import misspelt

        found = misspelt(lexeme.text, place.words)
        found = [word for word in found if self.grammar.visible(place.words[word], self.level)]
        return ["Did you mean:", *(f"\t{word}" for word in found)] if found else []

    def _incomplete(self, lexemes: list[Lexeme]) -> Exception:
        if not lexemes:
            return UnknownCommand("No valid command entered")
        details = self.follow(self.reach(lexemes))
        return IncompleteCommand("Incomplete command entered", details=details)

    def follow(self, reached: Reached) -> list[str]:
        """The lines that say what could follow; a `Walker` knows them."""
        return []

    def value(self, argument: Argument, text: Any) -> Any:
        """The value `text` stands for; raises NotFound with near names, or the parser's error."""
        if not self.live:
            return text
        if argument.choices is not None and not argument.words:
            names = {name.casefold(): name for name in argument.choices(self.node)}
            if text.casefold() not in names and not argument.open:
                from cucmos_shell.cli.near import FEW_NAMES, unknown

                if argument.absent is not None:
                    argument.absent(self.node, text)
                raise unknown(text, names.values(), f"a known {argument.kind}", FEW_NAMES)
            text = names.get(text.casefold(), text)
        return argument.parse(self.node, text) if argument.parse else text

    # --- the beginning of a line ----------------------------------------------------------------

    def reach(self, lexemes: list[Lexeme]) -> Reached:
        """Where `lexemes` lead. Raises a CommandError, or the error of an argument before."""
        place = self.grammar.root
        bound: dict[str, Any] = {}
        for before, after, word, taken in self.path(lexemes):
            if after is None:
                raise self._surplus(before, taken[0])
            if word:
                if after.binding:
                    bound[after.binding] = word
            elif before.argument is not None:
                if not self.grammar.visible(before, self.level):
                    raise UnknownCommand("No valid command entered")
                if before.argument_rest:
                    return Reached(before, bound, tuple(taken))
                name = before.argument.name.replace("-", "_")
                bound[name] = self.value(before.argument, taken[0].text)
            place = after
        if not self.grammar.visible(self.grammar.open(place), self.level):
            raise UnknownCommand("No valid command entered")
        return Reached(place, bound)


def _text(argument: Argument, lexemes: list[Lexeme], line: str) -> str | tuple[str, ...]:
    """What `lexemes`, of `line`, give the argument to understand."""
    if argument.raw:
        return line[lexemes[0].start : lexemes[-1].end]
    texts = [lexeme.text for lexeme in lexemes]
    return tuple(texts) if argument.words else " ".join(texts)


def _filters(lexemes: list[Lexeme], usage: str) -> tuple[Filter, ...]:
    if not lexemes:
        return ()
    from cucmos_shell.cli.pipes import filters

    return tuple(filters(lexemes, usage))
