"""Our own screens at the width of a terminal: tables that would wrap are stacked, sentences hang.

Nothing here is for layouts of the product, which programs read: those are the same at any width.
"""

from __future__ import annotations

from cucmos_shell.text import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Narrower ones are left to wrap as they may.
MIN_WIDTH = 20
_STEP = 2
# A line of a page that is longer was broken, and goes on with the next.
_BROKEN = 70
_TAB = 8


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    import unicodedata

    return len(text) + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def _fitting(text: str, width: int) -> int:
    """How many characters of `text` take no more than `width` cells."""
    number = width
    while _cells(text[:number]) > width:
        number -= 1
    return number


def fits(lines: Iterable[str], width: int) -> bool:
    """Whether no line is wider than `width` cells."""
    return all(_cells(line.expandtabs(_TAB)) <= width for line in lines)


def hang(lines: Iterable[str], width: int) -> list[str]:
    """`lines`, each in as many as it needs, the others indented: below a value behind `LABEL : `.

    Broken at blanks, within words where there are none.
    """
    return [piece for line in lines for piece in _hang(line, width, _STEP)]


def prose(lines: Iterable[str], width: int) -> list[str]:
    """Sentences whose lines were broken for a wider page, broken anew."""
    whole: list[str] = []
    goes_on = False
    for line in lines:
        if goes_on and line:
            whole[-1] += f" {line}"
        else:
            whole.append(line)
        goes_on = len(line) > _BROKEN
    return [piece for line in whole for piece in _hang(line, width, 0)]


def _hang(line: str, width: int, step: int) -> list[str]:
    if fits((line,), width) or width < MIN_WIDTH:
        return [line]
    rest = line.expandtabs(_TAB)
    begin = len(rest) - len(rest.lstrip())
    value = rest.find(" : ")
    indent = value + 3 if begin < value < width // 2 else min(begin + step, width // 2)
    pieces: list[str] = []
    while _cells(rest) > width:
        room = _fitting(rest, width)
        end = rest.rfind(" ", 0, room + 1)
        if end <= (indent if pieces else begin):
            end = room
        pieces.append(rest[:end].rstrip())
        rest = " " * indent + rest[end:].lstrip()
    if line[:1] == "\t":
        pieces[0] = line[: len(line) - len(line.lstrip("\t"))] + pieces[0][begin:]
    return [*pieces, rest]


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> list[Sequence[str]]:
    """A table with its headings underlined: for each of its lines those that it becomes.

    `width` is 0 if unknown. Where the table is wider, the last column stands below the others, or
    each row becomes a block and the headings go.
    """
    lines = _underlined(headings, rows)
    if not width or fits(lines, width):
        return [(line,) for line in lines]
    shorter = _underlined(headings[:-1], [row[:-1] for row in rows])
    if not fits(shorter, width):
        return [(), (), *stacked(headings, rows, width)]
    below = [headings[-1], "", *(row[-1] for row in rows)]
    return [
        hang((line, f"  {more}") if more else (line,), width)
        for line, more in zip(shorter, below, strict=True)
    ]


def _underlined(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return columns((headings, ["=" * each for each in widths], *rows))


def stacked(
    headings: Sequence[str], rows: Iterable[Sequence[str]], width: int
) -> list[Sequence[str]]:
    """A block for each row: its first cell, and below it the others by their headings."""
    label = max(map(len, headings[1:]), default=0)
    blocks: list[Sequence[str]] = []
    for first, *others in rows:
        named = zip(headings[1:], others, strict=True)
        below = (f"  {heading.ljust(label)} : {cell}" for heading, cell in named)
        blocks.append(hang((first, *below), width))
    return blocks
