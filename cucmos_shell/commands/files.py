"""The node's own files: logs, upload and download areas, certificates."""

from __future__ import annotations

import os

from cucmos_shell.cli import Family
from cucmos_shell.cli.regex import MAX_LINE, searcher
from cucmos_shell.commands.arguments.files import (
    AREA,
    EXPRESSION,
    FILE,
    SPEC,
    find,
    place,
    read,
    shown,
    without_files,
)
from cucmos_shell.commands.views.files import (
    FILE_LINES,
    detailed,
    file_data,
    hex_lines,
    text_lines,
)
from cucmos_shell.errors import Refused, from_os
from cucmos_shell.node import areas
from cucmos_shell.node.logs.audit import MAX_FILES
from cucmos_shell.results import (
    MOMENT,
    TEXT,
    WHOLE,
    Ask,
    Document,
    Notice,
    Pause,
    Progress,
    Value,
    Warn,
    each,
    one_of,
    record,
    remark,
)
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, BinaryIO

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.commands.arguments.files import FilePlace
    from cucmos_shell.node import Node
    from cucmos_shell.node.areas import DirEntry
    from cucmos_shell.results import Conversation

    Fits = Callable[[str], object]

family = Family()

MAX_SHOWN = 8 * 1024 * 1024
_ORDERS: dict[str, Callable[[DirEntry], tuple[object, ...]]] = {
    "": lambda e: (not e.folder, e.name),
    "date": lambda e: (e.changed, e.name),
    "size": lambda e: (e.size, e.name),
}


class FileList(Value):
    """A listing of files; its last line counts them."""

    form = each(record(name=TEXT, type=one_of("dir", "file"), size=WHOLE, changed=MOMENT))

    text: tuple[str, ...]
    entries: tuple[DirEntry, ...]

    def lines(self) -> tuple[str, ...]:
        """The text as it is."""
        return self.text

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [
            {
                "name": "/".join(e.path),
                "type": "dir" if e.folder else "file",
                "size": e.size,
                "changed": iso_time(e.changed),
            }
            for e in self.entries
        ]

    def no_rows(self) -> tuple[int]:
        """The numbers of the lines that are no rows."""
        return (len(self.text) - 1,)


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
    form=FileList.form,
)
def list_files(
    node: Node,
    caller: Caller,
    area: str,
    file_spec: str,
    page: str = "",
    detail: str = "",
    reverse: str = "",
    order: str = "",
) -> FileList:
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
    entries = find(place(node, caller.level, area, file_spec), file_spec)
    entries.sort(key=_ORDERS[order], reverse=bool(reverse))
    lines = [detailed(node, e) for e in entries] if detail else list(_two_a_row(entries))
    folders = sum(e.folder for e in entries)
    lines.append(f"dir count = {folders}, file count = {len(entries) - folders}")
    return FileList(tuple(lines), tuple(entries))


def _two_a_row(entries: list[DirEntry]) -> Iterator[str]:
    names = [("<dir>   " if e.folder else "") + e.name for e in entries]
    for i in range(0, len(names), 2):
        yield "".join(name.ljust(40) for name in names[i : i + 2]).rstrip()


# --- view, dump ----------------------------------------------------------------------------


@family.command(f"file view {AREA} <file>", level=0, arguments=(FILE,), form=FILE_LINES)
def view_file(node: Node, caller: Caller, area: str, file: str) -> Document:
    """Read a file page by page.

    n is the next page, p the one before, b the beginning, e the end; q quits.
    """
    where = place(node, caller.level, area, file)
    lines = tuple(text_lines(read(where, file, MAX_SHOWN)))
    return Document(lines, file_data(where.shown, lines))


@family.command(
    f"file dump {AREA} <file> [hex] [regexp <expression>]",
    level=0,
    arguments=(FILE, EXPRESSION),
    options={"hex": "show octets"},
    pages=True,
    form=FILE_LINES,
)
def dump_file(
    node: Node, caller: Caller, area: str, file: str, hex: str = "", expression: str = ""
) -> Notice:
    """Show all of a file, or the lines that fit a regular expression, or its octets."""
    where = place(node, caller.level, area, file)
    fits = searcher(expression) if expression else None
    data = read(where, file, MAX_SHOWN)
    lines = (hex_lines if hex else text_lines)(data, fits)
    return Notice(tuple(lines), file_data(where.shown, lines))


# --- delete --------------------------------------------------------------------------------------


@family.command(
    "file delete {activelog|download|upload:area} <file-spec> [detail] [noconfirm]",
    level=1,
    arguments=(SPEC,),
    options={"detail": "name each deleted file", "noconfirm": "do not ask"},
    changes=True,
    form=record(found=WHOLE, deleted=WHOLE),
)
def delete_files(
    node: Node,
    caller: Caller,
    area: str,
    file_spec: str,
    detail: str = "",
    noconfirm: str = "",
) -> Conversation[Notice]:
    """Delete files; the audit log stays."""
    where = place(node, caller.level, area, file_spec)
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
# Characters: a search that finds its own lines in the audit log finds more of them each time.
MAX_FOUND = 512 * 1024
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


class _LineSearch:
    """Lines that fit: `hits`; `cut` says that there are more, or that not all was read."""

    def __init__(self, fits: Fits) -> None:
        self.hits: list[dict[str, str]] = []
        self.cut = False
        self._fits = fits
        self._left, self._room = MAX_SEARCHED, MAX_FOUND

    def through(self, where: FilePlace) -> Iterator[Pause]:
        """Search a file; one that cannot be read is passed over."""
        try:
            file = where.area.open(where.path)
        except OSError:
            return
        with file:
            for size, lines in pieces(file, self._left):
                self._left -= size
                for line in lines:
                    if not self.cut and self._fits(line[:MAX_LINE]):
                        self._keep(where, line)
                # Between two pieces Ctrl-C is heard.
                yield Pause(0.0)
                if self.cut:
                    return
            self.cut = not self._left and bool(file.read(1))

    def _keep(self, where: FilePlace, line: str) -> None:
        self.cut = len(self.hits) == MAX_HITS or self._room <= 0
        if not self.cut:
            self.hits.append({"name": where.shown, "line": shown(line)})
            self._room -= len(line)


@family.command(
    f"file search {AREA} <file-spec> <expression> [ignorecase] [recurs]",
    level=0,
    arguments=(SPEC, EXPRESSION),
    options={"ignorecase": "without regard to case", "recurs": "folders below, too"},
    pages=True,
    examples=('file search activelog platform/log "set cert" ignorecase',),
    form=each(record(name=TEXT, line=TEXT)),
)
def search_files(
    node: Node,
    caller: Caller,
    area: str,
    file_spec: str,
    expression: str,
    ignorecase: str = "",
    recurs: str = "",
) -> Conversation[Notice]:
    """Search files for lines that fit a regular expression."""
    where = place(node, caller.level, area, file_spec)
    search = _LineSearch(searcher(expression, bool(ignorecase)))
    for entry in find(where, file_spec, recursive=bool(recurs)):
        if not entry.folder and not search.cut:
            yield from search.through(where.replace(path=entry.path))
    hits = search.hits
    if search.cut:
        yield Warn(
            (remark(f"Not everything was searched: {len(hits)} lines were found until then"),)
        )
    return Notice(
        (
            f"Searching path: {where.shown}",
            *(f"{hit['name']}:{hit['line']}" for hit in hits),
            "Search completed",
        ),
        hits,
    )
