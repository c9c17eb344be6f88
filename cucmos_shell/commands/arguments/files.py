"""What the file commands share: file specifications, and the areas they are looked up in."""

from __future__ import annotations

import fnmatch

from cucmos_shell.cli import Argument
from cucmos_shell.cli.regex import MAX_LINE
from cucmos_shell.errors import NotFound, Refused, from_os, no_file
from cucmos_shell.node.areas import ACTIVELOG, split, walk
from cucmos_shell.node.readers import READERS, areas_for
from cucmos_shell.results import Value
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.node import Node
    from cucmos_shell.node.areas import Area, DirEntry, Path

# The word for the area; `activelog` is the only one of the original.
AREA = "{activelog|certs|download|upload:area}"
LOG_ROOT = "/var/log/active"
MAX_COMPLETED = 2000


def _complete(node: Node, typed: Typed) -> Iterable[str]:
    """The files of the area that the line names, if who asks may read it."""
    area = areas_for(node.store, typed.level).get(typed.bound["area"])
    if area is None:
        return
    try:
        for count, entry in enumerate(walk(area, ())):
            if count >= MAX_COMPLETED:
                return
            yield "/".join(entry.path)
    except OSError:
        return


SPEC = Argument(
    "file-spec", "file or folder, * for any characters of a name", complete=_complete, kind="file"
)
EXPRESSION = Argument("expression", "regular expression, quoted where it has blanks")
FILE = Argument("file", "file to show", complete=_complete, kind="file")


class FilePlace(Value):
    """An area, and a path in it whose last name may have wildcards."""

    node: Node
    name: str
    area: Area
    path: Path

    @property
    def shown(self) -> str:
        """The place as the original names it."""
        root = LOG_ROOT if self.name == ACTIVELOG else f"/{self.name}"
        return "/".join((root, *self.path))

    @property
    def wild(self) -> bool:
        """Whether the last name has wildcards, `*` or `?`."""
        return bool(self.path) and any(c in self.path[-1] for c in "*?")


def without_files(where: FilePlace, text: str) -> NotFound:
    """The error for a file specification that fits no files, but folders."""
    if where.wild:
        return NotFound("{name} fits folders only", name=text)
    return NotFound("{name} is a folder without files", name=text)


def place(node: Node, level: int, area: str, text: str) -> FilePlace:
    """Where `text` leads in an area; in the logs, a path may begin with another area's name.

    Names are matched without regard to case where none is spelled exactly so, and only one is
    otherwise. Raises NotFound, and Refused for an area that `level` does not reach.
    """
    areas = areas_for(node.store, level)
    _reached(area, level)
    try:
        path = split(text)
    except FileNotFoundError:
        raise no_file(text) from None
    if area == ACTIVELOG:
        if path[:3] == ("var", "log", "active"):
            path = path[3:]
        if path and path[0] in READERS and not _is_folder(areas[area], path[:1]):
            _reached(path[0], level)
            area, path = path[0], path[1:]
    known = len(path) - any(c in path[-1] for c in "*?") if path else 0
    path = (*_spelled(areas[area], path[:known]), *path[known:])
    return FilePlace(node, area, areas[area], path)


def _reached(area: str, level: int) -> None:
    if level < READERS[area]:
        raise Refused(
            "The area {name} is for accounts of level {least} and higher",
            name=area,
            least=READERS[area],
        )


def _spelled(area: Area, path: Path) -> Path:
    """`path` in the spelling of what is there, or as it is."""
    found: Path = ()
    try:
        for name in path:
            names = [entry.name for entry in area.entries(found)]
            if name not in names:
                (name,) = [other for other in names if other.casefold() == name.casefold()]
            found = (*found, name)
    except (OSError, ValueError):
        # Not there, or there in several spellings: what is done with it will say so.
        return path
    return found


def _is_folder(area: Area, path: Path) -> bool:
    try:
        return area.stat(path).folder
    except OSError:
        return False


def find(where: FilePlace, text: str, *, recursive: bool = False) -> list[DirEntry]:
    """The entries a file specification means: a folder's content, a file, or what fits wildcards.

    With `recursive`, files in folders below, too. Raises NotFound, Unavailable.
    """
    area, path = where.area, where.path
    try:
        if where.wild:
            names = [
                e for e in area.entries(path[:-1]) if fnmatch.fnmatchcase(e.path[-1], path[-1])
            ]
        else:
            entry = area.stat(path)
            names = area.entries(path) if entry.folder else [entry]
        if recursive:
            files = [e for e in names if not e.folder]
            for folder in (e for e in names if e.folder):
                files += walk(area, folder.path)
            names = files
    except OSError as error:
        raise from_os(error, name=text) from error
    if not names and where.wild:
        raise no_file(text)
    return names


def shown(line: str) -> str:
    """A line of a file as a screen may get it; what nobody has compared is not shown."""
    more = "..." if len(line) > MAX_LINE else ""
    return safe(line[:MAX_LINE].expandtabs(), None) + more


def read(where: FilePlace, text: str, limit: int) -> bytes:
    """The contents of the one file that `text` names. Raises NotFound, Refused, Unavailable."""
    try:
        with where.area.open(where.path) as file:
            data = b""
            while len(data) <= limit and (block := file.read(limit + 1 - len(data))):
                data += block
    except OSError as error:
        raise from_os(error, name=text) from error
    if len(data) > limit:
        raise Refused(
            "{name} is larger than {limit} octets; file tail and file get take it",
            name=text,
            limit=limit,
        )
    return data
