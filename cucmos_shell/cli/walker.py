"""Everything that is asked about a line: what it means, what may follow, what helps there."""

from __future__ import annotations

from cucmos_shell.cli.lexemes import Lexeme
from cucmos_shell.cli.match import Matcher
from cucmos_shell.text import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmos_shell.cli.grammar import Command, Place
    from cucmos_shell.cli.marks import Mark
    from cucmos_shell.cli.match import Reached
    from cucmos_shell.cli.pattern import Offer
    from cucmos_shell.cli.suggest import Completion, Menu


class Walker(Matcher):
    """Answers questions about lines for one account level; `node` supplies live choices."""

    def follow(self, reached: Reached) -> list[str]:
        """The lines that say what could follow."""
        from cucmos_shell.cli.suggest import follow

        return follow(self, reached)

    def complete(self, text: str) -> Completion:
        """What Tab does after `text`, the line up to the cursor."""
        from cucmos_shell.cli.suggest import complete

        return complete(self, text)

    def continuations(self, text: str) -> tuple[int, list[Offer]]:
        """All that may stand at the end of `text`, as it is typed, and where in `text` it begins.

        Raises a ShellError for wrong words before.
        """
        from cucmos_shell.cli.suggest import continuations

        return continuations(self, text)

    def families(self) -> Iterator[object]:
        """Loads the families of commands, a step each."""
        return self.grammar.below(self.grammar.root)

    def menu(self, text: str) -> Menu:
        """All that may stand where `text` ends, each with what it is."""
        from cucmos_shell.cli.suggest import menu

        return menu(self, text)

    def marks(self, text: str, end: Menu | None = None) -> tuple[Mark, ...]:
        """Which words of `text` are understood, and which is wrong; `end`: the menu at its end."""
        from cucmos_shell.cli.marks import marks

        return marks(self, text, end)

    def help(self, text: str, width: int = 0) -> tuple[str, ...]:
        """The lines `?` shows after `text`, for a terminal `width` wide (0 if unknown).

        Raises a ShellError that says what is wrong with the words before.
        """
        from cucmos_shell.cli.suggest import help_lines

        return tuple(help_lines(self, text, width))

    def command(self, words: tuple[str, ...]) -> tuple[Place, Command | None]:
        """The place `words` lead to, and the command there if it is the only one."""
        place = self.reach([Lexeme(word, 0, 0, False, False) for word in words]).place
        return place, self.grammar.only(place, self.level)

    def overview(self, place: Place, about: tuple[str, ...] = ()) -> list[str]:
        """The commands below `place` that the words `about` occur in, a line each with its summary.

        A word occurs in one that it begins, and in a shorter one that it begins with.
        """
        commands = [c for c in self.grammar.below(place) if c.level <= self.level]
        found = [c for c in commands if all(_occurs(word.casefold(), c.words) for word in about)]
        return columns((words, one.summary) for words, one in by_words(found).items())


def by_words(commands: Iterable[Command]) -> dict[str, Command]:
    """The commands by their words, in order; of those with the same words the shortest."""
    longest_first = sorted(commands, key=lambda c: (c.words, -len(c.tokens)))
    return {command.words: command for command in longest_first}


def _occurs(word: str, words: str) -> bool:
    return any(
        each.startswith(word) or (len(each) >= _LEAST_SHORTER and word.startswith(each))
        for each in words.casefold().split()
    )


_LEAST_SHORTER = 4
