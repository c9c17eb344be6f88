"""`file tail`: the end of a file, and what is added to it."""

from __future__ import annotations

import os
from functools import partial

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.pattern import Offer
from cucmos_shell.cli.regex import searcher
from cucmos_shell.commands.arguments.common import number
from cucmos_shell.commands.arguments.files import AREA, FILE, place
from cucmos_shell.commands.views.files import FILE_LINES, detailed, file_data, hex_lines, text_lines
from cucmos_shell.errors import BadValue, from_os
from cucmos_shell.results import Notice, Pause, Progress, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.commands.arguments.files import FilePlace
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()

MAX_TAIL = 1024 * 1024
TAIL_LINES = 10
FOLLOW_SECONDS = 1.0
parse_count = number(1, 100_000)


class TailOptions(Value):
    """How the end of a file is shown: how many lines, and which."""

    number: int = TAIL_LINES
    detail: bool = False
    hex: bool = False
    follow: bool = False
    expression: str = ""


DEFAULT = TailOptions()
_FLAGS = ("detail", "follow", "hex")
_TAIL_WORDS = {
    "detail": "date, time and size of the file first",
    "follow": "show what is added, until Ctrl-C",
    "hex": "show octets",
    "lines": "how many lines, in words",
    "regexp": "lines that fit a regular expression",
}


def _tail_options(node: Node, words: tuple[str, ...]) -> TailOptions:
    """What the words mean, in any order, each once. Raises BadValue."""
    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        names = [name for name in _TAIL_WORDS if name.startswith(word.casefold())]
        name = "number" if word[:1].isdigit() else names[0] if len(names) == 1 else ""
        if not name:
            raise BadValue(
                "{word} is not one of: a number, {words}", word=word, words=", ".join(_TAIL_WORDS)
            )
        if name in ("lines", "regexp"):
            if not rest:
                raise BadValue("After {name} its value is missing", name=name)
            word, name = rest.pop(0), {"lines": "number", "regexp": "expression"}[name]
        if name in found:
            raise BadValue("{word}: said before", word=word)
        found[name] = name in _FLAGS or (parse_count(node, word) if name == "number" else word)
    return TailOptions(**found)


def _tail_offers(_: Node, typed: Typed) -> Iterable[Offer]:
    last = typed.words[-1] if typed.words else ""
    if last in ("lines", "regexp"):
        yield Offer("NUMBER" if last == "lines" else "EXPRESSION", placeholder=True)
        return
    for word, about in _TAIL_WORDS.items():
        if word not in typed.words:
            yield Offer(word, about)
    if not any(word.isdigit() for word in typed.words):
        yield Offer("NUMBER", "how many lines", placeholder=True)


OPTIONS = Argument(
    "options", '[detail] [hex] [NUMBER] [follow] [regexp "EXPRESSION"]',
    words=True, parse=_tail_options, complete=_tail_offers, kind="option",
)  # fmt: skip


@family.command(
    f"file tail {AREA} <file> [<options...>]",
    level=0,
    arguments=(FILE, OPTIONS),
    pages=True,
    examples=('file tail activelog platform/log/cli00001.log 30 regexp "set cert"',),
    form=FILE_LINES,
)
def tail_file(
    node: Node, caller: Caller, area: str, file: str, options: TailOptions = DEFAULT
) -> Conversation[Notice]:
    """Show the end of a file: ten lines unless told otherwise.

    options are:
    detail - date, time and size of the file first
    hex - show octets instead of lines
    NUMBER - how many lines; lines NUMBER is the same
    follow - show what is added as it comes, until Ctrl-C
    regexp "EXPRESSION" - only lines that fit
    """
    where = place(node, caller.level, area, file)
    fits = searcher(options.expression) if options.expression else None
    shown = partial(hex_lines if options.hex else text_lines, fits=fits)
    try:
        with where.area.open(where.path) as opened:
            end = opened.seek(0, os.SEEK_END)
            start = max(0, end - MAX_TAIL)
            opened.seek(start)
            data = opened.read(end - start)
    except OSError as error:
        raise from_os(error, name=file) from error
    lines = shown(data)[-options.number :]
    if options.detail:
        lines.insert(0, detailed(node, where.area.stat(where.path)))
    if not options.follow:
        return Notice(tuple(lines), file_data(where.shown, lines))
    for line in lines:
        yield Progress(line)
    while True:
        yield Pause(FOLLOW_SECONDS)
        added, end = _added(where, file, end)
        for line in shown(added):
            yield Progress(line)


def _added(where: FilePlace, text: str, end: int) -> tuple[bytes, int]:
    """Whole lines behind `end`, and the new end; a file that was cut begins anew."""
    try:
        with where.area.open(where.path) as opened:
            size = opened.seek(0, os.SEEK_END)
            start = end if size >= end else 0
            opened.seek(start)
            data = opened.read(min(size - start, MAX_TAIL))
    except OSError as error:
        raise from_os(error, name=text) from error
    whole = data[: data.rfind(b"\n") + 1] if len(data) < MAX_TAIL else data
    return whole, start + len(whole)
