"""The output filters (`pipes`), on lines and on JSON data."""

from __future__ import annotations

import json

from cucmos_shell.cli.regex import finder
from cucmos_shell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Any

# What is shown of the whole, or where: not which lines.
_ELSEWHERE = ("page", "redirect")


def filtered_data(data: Any, filters: Iterable[tuple[str, str]]) -> Any:
    """JSON data after the filters: a list is filtered by the text of its items, and counted.

    Raises BadValue where there is no list to filter.
    """
    for kind, text in filters:
        if kind in _ELSEWHERE:
            continue
        if not isinstance(data, list):
            raise BadValue("In JSON, | {kind} works on lists only", kind=kind)
        if kind == "count":
            data = {"count": len(data)}
        elif kind == "last":
            data = data[-int(text) :]
        else:
            find = finder(text)
            hits = [find(json.dumps(item, ensure_ascii=False)) for item in data]
            data = [data[i] for i in _kept(hits, "include" if kind == "section" else kind)]
    return data


def filtered(
    lines: Sequence[str],
    filters: Iterable[tuple[str, str]],
    no_rows: Collection[int] = (),
    blocks: Sequence[Sequence[str]] = (),
) -> list[str]:
    """`lines` after the filters `(kind, text)`; each text is found as `finder` finds it.

    `no_rows` are the numbers of lines that are headings and the like: they are not counted.
    `blocks` has for each line what is shown of it, if that is not the line itself.
    """
    kept = list(lines)
    shown: list[Sequence[str]] = list(blocks) or [(line,) for line in kept]
    rows = [i not in no_rows and bool(line) for i, line in enumerate(kept)]
    for kind, text in filters:
        if kind in _ELSEWHERE:
            continue
        if kind == "count":
            count = sum(rows)
            kept, rows = [f"Count: {count} line{'' if count == 1 else 's'}"], [True]
            shown = [kept]
            continue
        if kind == "last":
            numbers = list(range(len(kept)))[-int(text) :]
        elif kind == "section":
            numbers = _sections(kept, list(map(finder(text), kept)))
        else:
            numbers = _kept(list(map(finder(text), kept)), kind)
        kept, rows = [kept[i] for i in numbers], [rows[i] for i in numbers]
        shown = [shown[i] for i in numbers]
    return [line for block in shown for line in block]


def _kept(hits: list[bool], kind: str) -> list[int]:
    """The numbers of what a filter keeps; `hits` says where its text was found."""
    if kind == "begin":
        return list(range(hits.index(True), len(hits))) if True in hits else []
    return [i for i, hit in enumerate(hits) if hit == (kind == "include")]


def _sections(lines: list[str], hits: list[bool]) -> list[int]:
    """The numbers of the lines that are hits, and of those indented deeper that follow."""
    found: list[int] = []
    deeper_than: int | None = None
    for i, (line, hit) in enumerate(zip(lines, hits, strict=True)):
        depth = len(line) - len(line.lstrip())
        if deeper_than is not None and (not line.strip() or depth <= deeper_than):
            deeper_than = None
        if hit and deeper_than is None:
            deeper_than = depth
        if deeper_than is not None:
            found.append(i)
    return found
