"""What a statement has found, as tables of the two databases are shown."""

from __future__ import annotations

from cucmos_shell.results import TEXT, Value, each, maybe, record
from cucmos_shell.text import safe_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from cucmos_shell.node.query import QueryResult


class Found(Value):
    """The rows that a statement found."""

    form = record(columns=each(TEXT), rows=each(each(maybe(TEXT))))
    none, sign, gap = "NULL", "=", " "

    answer: QueryResult

    def lines(self) -> Iterator[str]:
        """The text: headings, a line of `=` for each column, rows padded to it, one blank between.

        A value of several lines goes on below.
        """
        return self._table()

    def _table(self) -> Iterator[str]:
        head = [safe_line(name) for name in self.answer.columns]
        rows = [[self._shown(cell) for cell in row] for row in self.answer.rows]
        widths = [len(name) for name in head]
        for row in rows:
            widths = [
                max(width, *map(len, cell.split("\n")))
                for width, cell in zip(widths, row, strict=True)
            ]
        for row in (head, [self.sign * width for width in widths], *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield from self.gap.join(cells).split("\n")

    def _shown(self, cell: str | None) -> str:
        # Made safe before it is measured, or programs would cut in the wrong place.
        return self.none if cell is None else "\n".join(map(safe_line, cell.split("\n")))

    def no_rows(self) -> Sequence[int]:
        """The numbers of the lines that are no rows: the headings."""
        return range(2)

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {"columns": list(self.answer.columns), "rows": [list(r) for r in self.answer.rows]}


class FoundInDirectory(Found):
    """The rows that a statement found in the directory of a voice mail server; `pages` stops."""

    none, sign, gap = "null", "-", "  "

    pages: bool

    def lines(self) -> Iterator[str]:
        """The text, empty lines around it: as of `Found`, but with `-`, and two blanks between."""
        yield ""
        if self.answer.rows:
            yield from (line.rstrip() for line in self._table())
        else:
            yield "No records found"
        yield ""

    def no_rows(self) -> Sequence[int]:
        """The numbers of the lines that are no rows."""
        lines = sum(1 for _ in self.lines())
        return [0, 1, lines - 1, *([2] if self.answer.rows else [])]
