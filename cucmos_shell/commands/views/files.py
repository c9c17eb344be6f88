"""Files as they are shown: their lines, their octets, and the row of a listing."""

from __future__ import annotations

import time

from cucmos_shell.cli.regex import MAX_LINE
from cucmos_shell.results import TEXT, each, record
from cucmos_shell.text import safe, zone_abbreviation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cucmos_shell.node import Node
    from cucmos_shell.node.areas import DirEntry

    Fits = Callable[[str], object]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def detailed(node: Node, entry: DirEntry) -> str:
    """`16 Nov,2004 21:45:43        8,557  enGui.log` (CLI reference, About CLI)."""
    offset, _ = zone_abbreviation(entry.changed, node.zone)
    t = time.gmtime(entry.changed + offset)
    date = f"{t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]},{t.tm_year} {time.strftime('%H:%M:%S', t)}"
    size = "<dir>  " if entry.folder else f"{entry.size:,}"
    # From ten digits on the columns move; a date and a size never touch.
    return f"{date} {size:>12}  {entry.name}"


def text_lines(data: bytes, fits: Fits | None = None) -> list[str]:
    """The lines of a file as a screen may get them; only those that fit, if that is asked for."""
    lines = data.decode("utf-8", "backslashreplace").splitlines()
    if fits is not None:
        lines = [line for line in lines if fits(line[:MAX_LINE])]
    return [safe(line.expandtabs(), None) for line in lines]


def hex_lines(data: bytes, fits: Fits | None = None) -> list[str]:
    """Sixteen octets a line; only the lines that fit, if that is asked for."""
    lines = []
    for i in range(0, len(data), 16):
        row = data[i : i + 16]
        shown = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in row)
        lines.append(f"{i:08x}: {row.hex(' '):<47} [{safe(shown)}]")
    return [line for line in lines if fits is None or fits(line)]


FILE_LINES = record(name=TEXT, lines=each(TEXT))


def file_data(shown: str, lines: Iterable[str]) -> dict[str, object]:
    """The JSON form of the file that is called `shown`, `FILE_LINES`."""
    return {"name": shown, "lines": list(lines)}
