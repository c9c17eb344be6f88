"""The node's own files: logs, upload and download areas, certificates."""

from __future__ import annotations

import os
import time

from cucmos_shell.cli import Family
from cucmos_shell.cli.regex import searcher
from cucmos_shell.commands.arguments.common import COUNT
from cucmos_shell.commands.arguments.files import (
    AREA,
    EXPRESSION,
    FILE,
    MAX_LINE,
    SPEC,
    find,
    place,
    read,
    shown,
    without_files,
)
from cucmos_shell.errors import Refused, from_os
from cucmos_shell.node import areas
from cucmos_shell.node.logs.audit import MAX_FILES
from cucmos_shell.results import Ask, Document, Notice, Pause, Progress
from cucmos_shell.text import iso_time, safe, zone_abbreviation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from cucmos_shell.commands.arguments.files import FilePlace
    from cucmos_shell.node import Node
    from cucmos_shell.node.areas import DirEntry
    from cucmos_shell.results import Conversation

    Fits = Callable[[str], object]

family = Family()

MAX_SHOWN = 8 * 1024 * 1024
MAX_TAIL = 1024 * 1024
TAIL_LINES = 10
FOLLOW_SECONDS = 1.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ORDERS: dict[str, Callable[[DirEntry], tuple[object, ...]]] = {
    "": lambda e: (not e.folder, e.name),
    "date": lambda e: (e.changed, e.name),
    "size": lambda e: (e.size, e.name),
}


# --- list ----------------------------------------------------------------------------------------


@family.command(
    f"file list {AREA} <file-spec> [page] [detail] [reverse] [{{date|size:order}}]",
    level=0,
    arguments=(SPEC,),
    options={
        "page": "pause output",
        "detail": "show detailed listing",
        "reverse": "reverse sort order",
    },
    examples=("file list activelog platform/log detail",),
)
def list_files(
    node: Node,
    area: str,
    file_spec: str,
    page: str = "",
    detail: str = "",
    reverse: str = "",
    order: str = "",
) -> Notice:
    """List files.

    options are:
    page - pause output
    detail - show detailed listing
    reverse - reverse sort order
    date - sort by date
    size - sort by size

    file-spec can contain '*' as wildcards. activelog is the logs of this node; upload, download
    and certs are what SFTP serves, too.
    """
    entries = find(place(node, area, file_spec), file_spec)
    entries.sort(key=_ORDERS[order], reverse=bool(reverse))
    lines = [_detail(node, e) for e in entries] if detail else list(_two_a_row(entries))
    folders = sum(e.folder for e in entries)
    lines.append(f"dir count = {folders}, file count = {len(entries) - folders}")
    data = [
        {
            "name": "/".join(e.path),
            "type": "dir" if e.folder else "file",
            "size": e.size,
            "changed": iso_time(e.changed),
        }
        for e in entries
    ]
    return Notice(tuple(lines), data)


def _detail(node: Node, entry: DirEntry) -> str:
    """`16 Nov,2004 21:45:43        8,557  enGui.log` (CLI reference, About CLI)."""
    offset, _ = zone_abbreviation(entry.changed, node.zone)
    t = time.gmtime(entry.changed + offset)
    date = f"{t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]},{t.tm_year} {time.strftime('%H:%M:%S', t)}"
    size = "<dir>  " if entry.folder else f"{entry.size:,}"
    # From ten digits on the columns move; a date and a size never touch.
    return f"{date} {size:>12}  {entry.name}"


def _two_a_row(entries: list[DirEntry]) -> Iterator[str]:
    names = [("<dir>   " if e.folder else "") + e.name for e in entries]
    for i in range(0, len(names), 2):
        yield "".join(name.ljust(40) for name in names[i : i + 2]).rstrip()


# --- view, dump, tail ----------------------------------------------------------------------------


def _text_lines(data: bytes, fits: Fits | None = None) -> list[str]:
    """The lines of a file as a screen may get them; only those that fit, if that is asked for."""
    lines = data.decode("utf-8", "backslashreplace").splitlines()
    if fits is not None:
        lines = [line for line in lines if fits(line[:MAX_LINE])]
    return [safe(line.expandtabs(), None) for line in lines]


def _hex_lines(data: bytes) -> list[str]:
    lines = []
    for i in range(0, len(data), 16):
        row = data[i : i + 16]
        shown = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in row)
        lines.append(f"{i:08x}: {row.hex(' '):<47} [{safe(shown)}]")
    return lines


def _data(where: FilePlace, lines: Iterable[str]) -> dict[str, object]:
    return {"file": where.shown, "lines": list(lines)}


@family.command(f"file view {AREA} <file>", level=0, arguments=(FILE,))
def view_file(node: Node, area: str, file: str) -> Document:
    """Read a file page by page.

    n is the next page, p the one before, b the beginning, e the end; q quits.
    """
    where = place(node, area, file)
    lines = tuple(_text_lines(read(where, file, MAX_SHOWN)))
    return Document(lines, _data(where, lines))


@family.command(
    f"file dump {AREA} <file> [hex] [regexp <expression>]",
    level=0,
    arguments=(FILE, EXPRESSION),
    options={"hex": "show octets"},
    pages=True,
)
def dump_file(node: Node, area: str, file: str, hex: str = "", expression: str = "") -> Notice:
    """Show all of a file, or the lines that fit a regular expression, or its octets."""
    where = place(node, area, file)
    fits = searcher(expression) if expression else None
    data = read(where, file, MAX_SHOWN)
    if not hex:
        lines = _text_lines(data, fits)
    else:
        lines = [line for line in _hex_lines(data) if fits is None or fits(line)]
    return Notice(tuple(lines), _data(where, lines))


@family.command(
    f"file tail {AREA} <file> [lines <number>] [follow] [regexp <expression>]",
    level=0,
    arguments=(FILE, COUNT, EXPRESSION),
    options={"follow": "show what is added, until Ctrl-C"},
    pages=True,
)
def tail_file(
    node: Node,
    area: str,
    file: str,
    number: int = TAIL_LINES,
    follow: str = "",
    expression: str = "",
) -> Conversation[Notice]:
    """Show the end of a file: ten lines unless told otherwise.

    With follow, what is added is shown as it comes, until Ctrl-C.
    """
    where = place(node, area, file)
    fits = searcher(expression) if expression else None
    try:
        with where.area.open(where.path) as opened:
            end = opened.seek(0, os.SEEK_END)
            start = max(0, end - MAX_TAIL)
            opened.seek(start)
            data = opened.read(end - start)
    except OSError as error:
        raise from_os(error, name=file) from error
    lines = _text_lines(data, fits)[-number:]
    if not follow:
        return Notice(tuple(lines), _data(where, lines))
    for line in lines:
        yield Progress(line)
    while True:
        yield Pause(FOLLOW_SECONDS)
        added, end = _added(where, file, end)
        for line in _text_lines(added, fits):
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


# --- delete --------------------------------------------------------------------------------------


@family.command(
    "file delete {activelog|download|upload:area} <file-spec> [detail] [noconfirm]",
    level=1,
    arguments=(SPEC,),
    options={"detail": "name each deleted file", "noconfirm": "do not ask"},
    changes=True,
)
def delete_files(
    node: Node, area: str, file_spec: str, detail: str = "", noconfirm: str = ""
) -> Conversation[Notice]:
    """Delete files; the audit log stays."""
    where = place(node, area, file_spec)
    files = [e for e in find(where, file_spec) if not e.folder]
    if not files:
        raise without_files(where, file_spec)
    audit_log = {node.layout.audit_log(age) for age in range(MAX_FILES)}
    for entry in files:
        path = os.path.join(node.layout.logs, *entry.path)
        if where.name == areas.ACTIVELOG and path in audit_log:
            raise Refused("{name} belongs to the audit log, which stays", name=entry.name)
    deleted = 0
    for entry in files:
        if not noconfirm:
            yield Progress(f"Delete the File {entry.name}?")
            answer = yield Ask('Enter "y" followed by return to continue: ', ("y", "n"))
            if answer == "n":
                continue
        try:
            where.area.delete(entry.path)
        except OSError as error:
            raise from_os(error, name=entry.name) from error
        deleted += 1
        if detail:
            yield Progress(f"deleted: {'/'.join(entry.path)}")
    text = f"files: found = {len(files)}, deleted = {deleted}"
    return Notice((text,), {"found": len(files), "deleted": deleted})


MAX_SEARCHED = 64 * 1024 * 1024
MAX_HITS = 5000
PIECE = 1024 * 1024
# So many octets are MAX_LINE characters and one more, whatever these are.
_MAX_KEPT = 4 * (MAX_LINE + 1)


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
        begun = (block[end:] if end else begun + block)[:_MAX_KEPT]
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
    left = MAX_SEARCHED
    for entry in find(where, file_spec, recursive=bool(recurs)):
        if entry.folder or left <= 0 or len(hits) >= MAX_HITS:
            continue
        one = where.replace(path=entry.path)
        try:
            file = one.area.open(one.path)
        except OSError:
            continue
        with file:
            for size, lines in pieces(file, left):
                left -= size
                found = (line for line in lines if fits(line[:MAX_LINE]))
                hits += [{"file": one.shown, "line": shown(line)} for line in found]
                # Between two pieces Ctrl-C is heard.
                yield Pause(0.0)
                if len(hits) >= MAX_HITS:
                    break
    hits = hits[:MAX_HITS]
    return Notice(
        (
            f"Searching path: {where.shown}",
            *(f"{hit['file']}:{hit['line']}" for hit in hits),
            "Search completed",
        ),
        hits,
    )
