"""The output filters: `| include`, `exclude`, `begin` and `count`, on lines and on JSON data."""

from __future__ import annotations

import json

from cucmos_shell.cli.regex import finder
from cucmos_shell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any


def filtered_data(data: Any, filters: Iterable[tuple[str, str]]) -> Any:
    """JSON data after the filters: a list is filtered by the text of its items, and counted.

    Raises BadValue where there is no list to filter.
    """
    for kind, text in filters:
        if kind == "page":
            continue
        if not isinstance(data, list):
            raise BadValue("In JSON, | {kind} works on lists only", kind=kind)
        if kind == "count":
            data = {"count": len(data)}
            continue
        find = finder(text)
        hits = [find(json.dumps(item, ensure_ascii=False)) for item in data]
        data = _matching(data, hits, kind)
    return data


def filtered(lines: Sequence[str], filters: Iterable[tuple[str, str]]) -> list[str]:
    """`lines` after the filters `(kind, text)`; each text is found as `finder` finds it."""
    kept = list(lines)
    for kind, text in filters:
        if kind == "count":
            count = sum(1 for line in kept if line)
            kept = [f"Count: {count} line{'' if count == 1 else 's'}"]
        elif kind in ("begin", "exclude", "include"):
            kept = _matching(kept, list(map(finder(text), kept)), kind)
        elif kind != "page":
            raise BadValue("No such filter: {kind}", kind=kind)
    return kept


def _matching(items: list[Any], hits: list[bool], kind: str) -> list[Any]:
    """What a filter keeps of `items`; `hits` says where its text was found."""
    if kind == "begin":
        return items[hits.index(True) :] if True in hits else []
    return [item for item, hit in zip(items, hits, strict=True) if hit == (kind == "include")]
