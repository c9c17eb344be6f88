"""What may stand behind the bar of a line: the output filters, each with its text."""

from __future__ import annotations

from cucmos_shell.cli.lexemes import is_pipe
from cucmos_shell.errors import BadValue
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cli.lexemes import Lexeme

# Each filter with what it takes (empty for nothing), and what it does.
FILTERS = {
    "begin": ("TEXT", "from the first line with TEXT on"),
    "count": ("", "how many there are, headings left out"),
    "exclude": ("TEXT", "lines without TEXT"),
    "include": ("TEXT", "lines with TEXT"),
    "last": ("NUMBER", "the last lines"),
    "page": ("", "stop at each page"),
    "redirect": ("FILE", "into a new file of the download area"),
    "section": ("TEXT", "lines with TEXT, and those indented below them"),
}
REDIRECT = "redirect"
NO_FILTERS = "Output filters follow show, list and file commands only"
MAX_LAST = 100_000


class Filter(Value):
    """An output filter; `text` is empty for those that take none."""

    kind: str
    text: str


def filters(lexemes: list[Lexeme], usage: str = "") -> Iterator[Filter]:
    """The filters that `lexemes` are, from the first bar on, behind a command of that `usage`.

    Raises BadValue.
    """
    i = 0
    while i < len(lexemes):
        end = next((k for k in range(i + 1, len(lexemes)) if is_pipe(lexemes[k])), len(lexemes))
        words = [lexeme.text for lexeme in lexemes[i + 1 : end]]
        kinds = kinds_of(words[0]) if words else []
        if len(kinds) != 1:
            raise no_filter(words[0] if words else "", usage)
        kind, text = kinds[0], " ".join(words[1:])
        wanted, _ = FILTERS[kind]
        if not wanted and text:
            raise BadValue("| {kind} takes no text", kind=kind)
        if wanted and not text:
            raise BadValue("| {kind} needs a {wanted}", kind=kind, wanted=wanted)
        if kind == "last" and not _is_number(text):
            raise BadValue("{text} is not a number from 1 to {most}", text=text, most=MAX_LAST)
        if kind == REDIRECT and end < len(lexemes):
            raise BadValue("| redirect comes last")
        yield Filter(kind, text)
        i = end


def no_filter(word: str, usage: str) -> BadValue:
    """Why `word` is none: it may be one of the command's own, such as `where` of a list."""
    if word and word.casefold() in usage.replace("[", " ").split():
        return BadValue("{word} stands before the |:", word=word, details=(usage,))
    return BadValue("After | comes one of: {kinds}", kinds=", ".join(FILTERS))


def _is_number(text: str) -> bool:
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LAST))
    return digits and 1 <= int(text) <= MAX_LAST


def kinds_of(beginning: str) -> list[str]:
    """The filters whose names begin so."""
    return [kind for kind in FILTERS if kind.startswith(beginning.casefold())]
