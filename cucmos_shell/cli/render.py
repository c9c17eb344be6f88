"""Values as text and as JSON, in one place."""

from __future__ import annotations

from cucmos_shell.results import Value
from cucmos_shell.text import safe, safe_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, NoReturn

    from cucmos_shell.results import Result


class Table(Value):
    """Rows under headings, foreign text allowed; `facts` is what JSON shows."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    facts: Any
    empty: str = "No entries"

    def lines(self) -> list[str]:
        """The text: headings, underlined with `=`, and rows padded to the columns' widths."""
        if not self.rows:
            return [self.empty]
        from tabulate import tabulate

        rows = [[safe(cell) for cell in row] for row in self.rows]
        text: str = tabulate(rows, self.headings, tablefmt="simple", disable_numparse=True)
        lines = [line.rstrip() for line in text.splitlines()]
        lines[1] = lines[1].replace("-", "=")
        return lines

    def blocks(self, width: int) -> list[Sequence[str]]:
        """For each line of the text those that it becomes on a terminal of that width."""
        from cucmos_shell.cli import fit

        lines = self.lines()
        if not self.rows or fit.fits(lines, width):
            return [(line,) for line in lines]
        return fit.table(self.headings, [[safe(c) for c in row] for row in self.rows], width)

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows: the headings, or that there are none."""
        return range(2 if self.rows else 1)

    def data(self) -> Any:
        """The JSON form: `facts`."""
        return self.facts


def to_lines(value: Result | None) -> list[str]:
    """The text of what a handler returned, each line safe for a screen."""
    return [] if value is None else list(map(safe_line, value.lines()))


def to_blocks(value: Result | None, width: int) -> list[list[str]]:
    """For each line of the text of one of our own screens those that it becomes.

    `width` is that of the terminal; too narrow is unknown.
    """
    from cucmos_shell.cli.fit import MIN_WIDTH, hang

    blocks = getattr(value, "blocks", None)
    if blocks is None or width < MIN_WIDTH:
        return [hang((line,), width) for line in to_lines(value)]
    return [list(map(safe_line, block)) for block in blocks(width)]


def to_fitted_lines(value: Result | None, width: int) -> list[str]:
    """The text of one of our own screens for a terminal `width` wide; too narrow is unknown."""
    from cucmos_shell.cli.fit import MIN_WIDTH

    fitted = getattr(value, "fitted", None)
    if fitted is None or width < MIN_WIDTH:
        return [line for block in to_blocks(value, width) for line in block]
    return list(map(safe_line, fitted(width)))


def to_data(value: object) -> Any:
    """A value as JSON data: by its `data()` if it has that, else by its fields."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): to_data(item) for key, item in value.items()}
    if callable(data := getattr(value, "data", None)):
        return to_data(data())
    if fields := getattr(value, "_fields", None):
        return {name: to_data(getattr(value, name)) for name in fields}
    if isinstance(value, list | tuple):
        return [to_data(item) for item in value]
    raise TypeError(f"{type(value).__name__} is not JSON data")


def to_json(data: object) -> str:
    """`data` as one line of ASCII JSON that cannot be mistaken for a prompt."""
    if _encoder is not None:
        text = "".join(_encoder(data, 0))
    else:
        import json

        text = json.dumps(data)
    return text.replace("admin:", "admin\\u003a")


def _not_json(value: object) -> NoReturn:
    raise TypeError(f"{type(value).__name__} is not JSON data")


def _make_encoder() -> Callable[[object, int], Iterable[str]] | None:
    """What `json.dumps` writes with, without what that module costs to import; None if unknown."""
    try:
        from _json import encode_basestring_ascii, make_encoder

        # No circles are looked for: data is made anew for each line.
        found: Callable[[object, int], Iterable[str]] = make_encoder(
            None, _not_json, encode_basestring_ascii, None, ": ", ", ", False, False, True
        )
        return found if "".join(found({"a": [None]}, 0)) == '{"a": [null]}' else None
    except (ImportError, TypeError):
        return None


_encoder = _make_encoder()
