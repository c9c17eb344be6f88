"""Values as text and as JSON, in one place."""

from __future__ import annotations

import json

from cucmos_shell.results import Document, Notice, Record, Table, Value
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def record_lines(record: Record) -> list[str]:
    """`label : value`, the labels padded to one column."""
    width = max((len(label) for label, _ in record.fields), default=0)
    return [f"{label.ljust(width)} : {safe(value)}" for label, value in record.fields]


def table_lines(table: Table) -> list[str]:
    """Headings, underlined with `=`, and rows padded to the columns' widths."""
    if not table.rows:
        return [table.empty]
    from tabulate import tabulate

    rows = [[safe(cell) for cell in row] for row in table.rows]
    text: str = tabulate(rows, table.headings, tablefmt="simple", disable_numparse=True)
    lines = [line.rstrip() for line in text.splitlines()]
    lines[1] = lines[1].replace("-", "=")
    return lines


def to_lines(value: object) -> list[str]:
    """The lines of a value that needs no view of its own."""
    if value is None:
        return []
    if isinstance(value, Notice | Document):
        return list(value.lines)
    if isinstance(value, Record):
        return record_lines(value)
    if isinstance(value, Table):
        return table_lines(value)
    raise TypeError(f"{type(value).__name__} has no view")


def to_data(value: object) -> Any:
    """A value as JSON data: its `data` if it has one, else its fields."""
    if isinstance(value, Notice | Document):
        return {"lines": list(value.lines)} if value.data is None else to_data(value.data)
    if isinstance(value, Record | Table):
        return to_data(value.data)
    if isinstance(value, Value):
        return {name: to_data(getattr(value, name)) for name in value._fields}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, map(to_data, value), strict=True))
    if isinstance(value, dict):
        return {str(key): to_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_data(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} is not JSON data")


def to_json(data: object) -> str:
    """`data` as one line of ASCII JSON that cannot be mistaken for a prompt."""
    return json.dumps(data, ensure_ascii=True, separators=(", ", ": ")).replace(
        "admin:", "admin\\u003a"
    )
