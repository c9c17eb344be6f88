"""`file search`: the lines that fit an expression, read a piece at a time."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.cli.regex import searcher
from cucmos_shell.commands.file_names import AREA, EXPRESSION, LINE_MOST, SPEC, find, place, shown
from cucmos_shell.results import Notice, Pause
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()

SEARCHED_MOST = 64 * 1024 * 1024
HITS_MOST = 5000
PIECE = 1024 * 1024
# So many octets are LINE_MOST characters and one more, whatever these are.
_KEPT = 4 * (LINE_MOST + 1)


def pieces(file: BinaryIO, most: int) -> Iterator[tuple[int, list[str]]]:
    """The lines of a file, up to `most` octets: how many octets were read, and the lines they end.

    Of a line that is longer than a piece only the beginning is kept, so that a file without line
    ends costs neither time nor memory.
    """
    begun = b""
    while most > 0 and (block := file.read(min(PIECE, most))):
        most -= len(block)
        # CR LF may be divided between two pieces: a CR at the end waits for the next one.
        end = 1 + max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1))
        yield len(block), _lines(begun + block[:end]) if end else []
        begun = (block[end:] if end else begun + block)[:_KEPT]
    if begun:
        yield 0, _lines(begun)


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "backslashreplace").splitlines()


@family.command(
    f"file search {AREA} <file-spec> <expression> [ignorecase] [recurs]",
    level=0,
    arguments=(SPEC, EXPRESSION),
    options={"ignorecase": "without regard to case", "recurs": "folders below, too"},
    pages=True,
    examples=('file search activelog platform/log "set cert" ignorecase',),
)
def search_files(
    node: Node,
    area: str,
    file_spec: str,
    expression: str,
    ignorecase: str = "",
    recurs: str = "",
) -> Conversation[Notice]:
    """Search files for lines that fit a regular expression."""
    where = place(node, area, file_spec)
    fits = searcher(expression, bool(ignorecase))
    hits: list[dict[str, str]] = []
    left = SEARCHED_MOST
    for entry in find(where, file_spec, recursive=bool(recurs)):
        if entry.folder or left <= 0 or len(hits) >= HITS_MOST:
            continue
        one = where.replace(path=entry.path)
        try:
            file = one.area.open(one.path)
        except OSError:
            continue
        with file:
            for size, lines in pieces(file, left):
                left -= size
                found = (line for line in lines if fits(line[:LINE_MOST]))
                hits += [{"file": one.shown, "line": shown(line)} for line in found]
                # Between two pieces Ctrl-C is heard.
                yield Pause(0.0)
                if len(hits) >= HITS_MOST:
                    break
    hits = hits[:HITS_MOST]
    return Notice(
        (
            f"Searching path: {safe(where.shown)}",
            *(f"{safe(hit['file'])}:{hit['line']}" for hit in hits),
            "Search completed",
        ),
        hits,
    )
