"""Where typed text stands on the screen, and the fewest bytes from one line to another.

The terminal is never asked anything: what is known of the cursor follows from what was written.
Only BS, characters and `ESC[K` are used; on lines wider than a known width also CR, `ESC[A`,
`ESC[nC` and `ESC[J` (ECMA-48 8.3: EL, CUU, CUF, ED).
"""

from __future__ import annotations

from itertools import accumulate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_UNBOUNDED = 1 << 30
_TAB = 8


def _cells(character: str) -> int:
    if character < "\u0300":
        return 1
    import unicodedata

    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def offsets(text: str, start: int, columns: int) -> Sequence[int]:
    """The cell behind each beginning of `text`, the first at cell `start` of a wrapping screen."""
    if text.isascii() and "\t" not in text:
        return range(start, start + len(text) + 1)

    def advance(cell: int, character: str) -> int:
        column = cell % columns
        if character == "\t":
            return cell - column + min(column - column % _TAB + _TAB, columns - 1)
        width = _cells(character)
        # A wide character does not straddle the margin: the last column stays empty.
        return cell + width + (columns - column if column + width > columns else 0)

    return list(accumulate(text, advance, initial=start))


def rows_below(text: str, cursor: int, start: int, columns: int) -> int:
    """How many rows the end of `text` lies below the cursor; 0 if the width is unknown (0)."""
    if not columns:
        return 0
    cells = offsets(text, start, columns)
    return max(0, cells[-1] - 1) // columns - cells[cursor] // columns


class _Pen:
    """The cursor of a screen `columns` wide: writes, and knows where it is.

    `cell` counts from the prompt's row. `waiting`: the last column was just filled, and the
    terminal has not yet moved to the next row.
    """

    def __init__(self, cell: int, columns: int, by_print: bool) -> None:
        self.columns = columns
        self.cell = cell
        self.waiting = by_print and cell > 0 and cell % columns == 0
        self.out: list[str] = []

    @property
    def row(self) -> int:
        return (self.cell - 1 if self.waiting else self.cell) // self.columns

    def print(self, text: str, cells: Sequence[int]) -> None:
        """Write `text`; `cells` are its offsets. Blanks cover what a tab or a wrap leaves out."""
        if not text:
            return
        if cells[-1] - cells[0] != len(text):
            steps = zip(text, cells, cells[1:], strict=False)
            text = "".join(" " * (b - a - _cells(c)) + c.replace("\t", " ") for c, a, b in steps)
        self.out.append(text)
        self.cell = cells[-1]
        self.waiting = self.cell % self.columns == 0

    def leave_margin(self, following: str) -> None:
        """Be at the start of the next row for certain; `following` is what stands there."""
        if self.waiting and _cells(following):
            self.out.append(f"{' ' if following == chr(9) else following}\r")
            self.waiting = False

    def back(self, cell: int) -> None:
        """Move left or up to `cell`."""
        if cell == self.cell:
            return
        up = self.row - cell // self.columns
        if not up and not self.waiting:
            self.out.append("\b" * (self.cell - cell))
        else:
            column = cell % self.columns
            self.out.append("\r" + "\x1b[A" * up + (f"\x1b[{column}C" if column else ""))
        self.cell, self.waiting = cell, False

    def erase(self, last: int) -> None:
        """Clear from here to the cell `last`."""
        self.leave_margin(" ")
        self.out.append("\x1b[K" if last // self.columns == self.row else "\x1b[J")


def _common(old: str, new: str) -> int:
    """How many characters `old` and `new` begin with alike."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def repaint(
    old: str, old_cursor: int, new: str, new_cursor: int, start: int, columns: int, by_print: bool
) -> tuple[str, bool]:
    """What changes the line `old` on the screen into `new`.

    Cursors are indexes; `start` is the width of the prompt; `columns` is 0 if unknown. `by_print`
    says that the cursor stands where printing, not moving, left it; so does the second result.
    """
    columns = columns or _UNBOUNDED
    before, after = offsets(old, start, columns), offsets(new, start, columns)
    pen = _Pen(before[old_cursor], columns, by_print)
    same = new_cursor if old == new else _common(old, new)
    if same < old_cursor:
        pen.back(before[same])
    else:
        pen.print(old[old_cursor:same], before[old_cursor : same + 1])
    if old != new:
        pen.print(new[same:], after[same:])
        if before[-1] > after[-1]:
            pen.erase(before[-1] - 1)
        if new_cursor < len(new):
            pen.back(after[new_cursor])
    if new_cursor < len(new):
        pen.leave_margin(new[new_cursor])
    return "".join(pen.out), pen.waiting
