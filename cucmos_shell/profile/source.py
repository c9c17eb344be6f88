"""A YAML file as plain data that still knows its lines, and the list of its mistakes.

What is laid over a base (`base`) stands in several files: each path knows in which.
"""

from __future__ import annotations

import yaml

from cucmos_shell.errors import ProfileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Path = tuple[str | int, ...]

MAX_SIZE = 1 << 20
MAX_DEPTH = 12
MAX_NODE = 50_000
SHOWN_MISTAKES = 20
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_TAG + kind for kind in ("str", "int", "float", "bool", "null"))


def key_of(path: Path) -> str:
    """`("units", "tomcat", "subject", 0)` as `units.tomcat.subject[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


class Source:
    """The data of one file, the line of every key in it, and the mistakes found so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.data: Any = None
        self.lines: dict[Path, int] = {}
        self.files: dict[Path, str] = {}  # of paths that stand in another file
        self.mistakes: list[tuple[str, int, str, str]] = []

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest thing around it."""
        return self.lines.get(self._known(path), 1)

    def place(self, path: Path) -> tuple[str, int]:
        """File and line of `path`, or of the nearest thing around it."""
        return self.files.get(self._known(path), self.file), self.line(path)

    def _known(self, path: Path) -> Path:
        while path and path not in self.lines:
            path = path[:-1]
        return path

    def mistake(self, path: Path, reason: str) -> None:
        """Note that what stands at `path` is wrong."""
        file, line = self.place(path)
        self.note(line, key_of(path), reason, file)

    def note(self, line: int, key: str, reason: str, file: str = "") -> None:
        """Note a mistake at a line that is not that of a path, in `file` if it is another one."""
        found = (file or self.file, line, key, reason)
        if found not in self.mistakes:
            self.mistakes.append(found)

    def map_at(self, data: Any, path: Path, known: tuple[str, ...] = ()) -> dict[str, Any]:
        """`data`, which stands at `path`, as a map, empty where it is none; what is wrong is noted.

        Its keys are to be among the `known` ones, if there are any.
        """
        if data is None:
            return {}
        if not isinstance(data, dict):
            self.mistake(path, "must be a map")
            return {}
        for key in data:
            if known and key not in known:
                self.mistake((*path, key), f"is unknown; known: {', '.join(known)}")
        return data

    def list_at(self, data: Any, path: Path) -> list[Any]:
        """`data`, which stands at `path`, as a list, empty where it is none; that is noted."""
        if data is not None and not isinstance(data, list):
            self.mistake(path, "must be a list")
        return data if isinstance(data, list) else []

    def verdict(self) -> None:
        """Raise ProfileError for the first mistake in the file, the others as its details."""
        if not self.mistakes:
            return
        self.mistakes.sort(key=lambda m: (m[0] != self.file, m[0], m[1]))
        (file, line, key, reason), *rest = self.mistakes
        details = [
            f"{of}:{at}: {where}: {why}" for of, at, where, why in rest[: SHOWN_MISTAKES - 1]
        ]
        if len(rest) >= SHOWN_MISTAKES:
            details.append(f"({len(rest) - SHOWN_MISTAKES + 1} more mistakes)")
        raise ProfileError(
            "{file}:{line}: {key}: {reason}",
            details=details,
            file=file,
            line=line,
            key=key or "the file",
            reason=reason,
        )


def read(path: str, *, times: bool = False) -> Source:
    """The YAML document in `path`. With `times` a time is the text that it is written as.

    Raises ProfileError when it cannot be read as one.
    """
    source = Source(path)
    octets = _octets(path)
    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader = kind(octets)
    try:
        _refuse_depth(path, octets, kind)
        node = loader.get_single_node()
        if node is None:
            source.mistake((), "is empty")
        else:
            source.data = _Plain(source, loader, times).value(node, ())
            if not isinstance(source.data, dict):
                source.mistake((), "must be a map")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        source.mistakes.clear()
        source.note(line, "", f"is not YAML: {getattr(error, 'problem', None) or error}")
    except RecursionError:
        source.note(1, "", "is nested too deeply")
    finally:
        loader.dispose()
    if not isinstance(source.data, dict):
        source.verdict()
    return source


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _refuse_depth(path: str, octets: bytes, kind: Any) -> None:
    """Raise ProfileError for nesting on which the composer, which recurses in C, would crash."""
    depth = 0
    for event in yaml.parse(octets, Loader=kind):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ProfileError(
                "{file}:{line}: {key}: {reason}",
                file=path, line=_line(event), key="the file",
                reason="is nested too deeply",
            )  # fmt: skip


def _octets(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            octets = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ProfileError(
            "{file}: {reason}", file=path, reason=error.strerror or "cannot be read"
        ) from error
    if len(octets) > MAX_SIZE:
        raise ProfileError("{file}: is larger than {limit} octets", file=path, limit=MAX_SIZE)
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise ProfileError(
            "{file}:{line}: {key}: {reason}",
            file=path, line=line, key="the file", reason="is not UTF-8",
        ) from error  # fmt: skip
    return octets


class _Plain:
    """Turns YAML nodes into dicts, lists and scalars, noting lines and mistakes on the way."""

    def __init__(self, source: Source, loader: Any, times: bool) -> None:
        self._source = source
        self._loader = loader
        self._times = times
        self._count = 0

    def value(self, node: Any, path: Path) -> Any:
        """The data of `node`, which stands at `path`."""
        self._source.lines.setdefault(path, node.start_mark.line + 1)
        self._count += 1
        if len(path) > MAX_DEPTH or self._count > MAX_NODE:
            raise yaml.MarkedYAMLError(
                problem="too deep or too large", problem_mark=node.start_mark
            )
        if isinstance(node, yaml.MappingNode):
            return self._map(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _map(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag != _TAG + "str":
                self._source.note(line, key_of(path), "has a key that is not text")
                continue
            name = key.value
            if name in data:
                self._source.note(line, key_of((*path, name)), "is given twice")
                continue
            self._source.lines[(*path, name)] = line
            if not name.isprintable():
                self._source.mistake((*path, name), "has a control character in its name")
            data[name] = self.value(child, (*path, name))
        return data

    def _scalar(self, node: Any, path: Path) -> Any:
        if self._times and node.tag == _TAG + "timestamp":
            return str(node.value)
        if node.tag not in _PLAIN_TAGS:
            self._source.mistake(path, "must be plain text or a number (quote it if it is text)")
            return None
        try:
            value = self._loader.construct_object(node)
        except (ValueError, OverflowError):
            self._source.mistake(path, "is not a number or text that can be understood")
            return None
        if isinstance(value, str) and not value.isprintable():
            self._source.mistake(path, "has a control character")
        return value
