"""`run sql`: statements over tables that are made from what the node knows."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.results import TEXT, Value, each, maybe, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.query import QueryResult

family = Family()

STATEMENT = Argument("statement", "SELECT statement", raw=True)
NO_VALUE = "NULL"


class Found(Value):
    """The rows that a statement found."""

    form = record(columns=each(TEXT), rows=each(each(maybe(TEXT))))

    answer: QueryResult

    def lines(self) -> Iterator[str]:
        """The text: headings, a line of `=` for each column, rows padded to it, one blank between.

        A value of several lines goes on below.
        """
        rows = [[NO_VALUE if cell is None else cell for cell in row] for row in self.answer.rows]
        widths = [len(name) for name in self.answer.columns]
        for row in rows:
            widths = [
                max(width, *map(len, cell.split("\n")))
                for width, cell in zip(widths, row, strict=True)
            ]
        for row in (list(self.answer.columns), ["=" * width for width in widths], *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield from " ".join(cells).split("\n")

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows: the headings."""
        return range(2)

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {"columns": list(self.answer.columns), "rows": [list(r) for r in self.answer.rows]}


@family.command(
    "run sql <statement...>",
    level=1,
    arguments=(STATEMENT,),
    examples=(
        "run sql select name,nodeid from processnode",
        "run sql select paramvalue from processconfig where paramname='ClusterSecurityMode'",
        "run sql select subjectname,serialnumber from certificate c join"
        " certificateservicecertificatemap m on m.fkcertificate=c.pkid where"
        " m.tkcertificateservice=6",
    ),
    form=Found.form,
)
def run_sql(node: Node, statement: str) -> Found:
    """Ask the node's tables.

    There is no database: the tables are made from what the node knows now, and only SELECT is
    answered, in the language of SQLite. Tables: processnode, processconfig, typenodeusage,
    certificate, certificateservicecertificatemap, certificateprocessnodemap,
    typecertificateservice, typecertificatedistribution, and device, which is empty.
    """
    from cucmos_shell.node.query import ask

    return Found(ask(node, statement))
