"""Profiles on top of others: `base:` names what a file is laid over.

A file is laid over its bases in their order. A map goes on with the keys of what is below; a list
or a value takes its place; null takes a key away. `KEY+` adds to a list or to a map of names,
`KEY-` takes from one. Nothing of it reaches a node, which keeps the profile that comes out.
"""

from __future__ import annotations

import os

from cucmos_shell.profile.profile import folders
from cucmos_shell.profile.schema import is_name, near
from cucmos_shell.profile.source import Source, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.profile.source import Path

FORMAT = 1
BASES = "bases"  # the folder of files that are no profiles by themselves
MAX_BASES = 8
ADD, TAKE = "+", "-"
# Maps whose keys are names: what is new in them is added, or a typing error would make it.
NAMED: tuple[Path, ...] = (
    ("units",), ("trust_stores",), ("services",), ("platform_services",), ("trust_lists",),
    ("bulk",), ("levels",), ("distribution", "copies"), ("fips", "regenerates"),
    ("status", "disks"), ("default_cas", "groups"),
)  # fmt: skip
# Maps that are in the order of their names.
SORTED: tuple[Path, ...] = (("services",),)


def read_all(path: str) -> Source:
    """The document in `path`, laid over its bases. Raises ProfileError.

    Mistakes of the document are told when all of it is checked, those of how it is laid over its
    bases at once.
    """
    top = read(path)
    if "base" not in top.data:
        return top
    made = Source(path)
    layers = list(_layers(made, top, (_stem(path),), set()))
    made.verdict()
    if "name" not in top.data:
        made.mistake(("name",), "is missing")
    for layer in layers:
        _Layer(made, layer).lay()
    made.verdict()
    return made


def _stem(path: str) -> str:
    return os.path.basename(path).removesuffix(".yaml")


def _layers(
    made: Source, source: Source, trail: tuple[str, ...], read_so_far: set[str]
) -> Iterator[Source]:
    """The bases of `source`, which is at the end of `trail`, and itself; mistakes go to `made`."""
    form = source.data.get("format")
    if form != FORMAT:
        _note(made, source, ("format",), "is missing" if form is None else f"cannot be {form!r}")
    named = source.data.pop("base", [])
    for i, name in enumerate(named if isinstance(named, list) else [named]):
        at: Path = ("base", i) if isinstance(named, list) else ("base",)
        if not is_name(name):
            _note(made, source, at, "must be the name of a profile: a file beside this one")
        elif name in trail:
            circle = " is based on ".join((*trail[trail.index(name) :], name))
            _note(made, source, at, f"is a circle: {circle}")
        elif len(trail) > MAX_BASES:
            _note(made, source, at, f"is more than {MAX_BASES} files deep")
        elif name in read_so_far:
            _note(made, source, at, f"{name} is a base already")
        elif found := _find(name, os.path.dirname(source.file)):
            read_so_far.add(name)
            yield from _layers(made, read(found), (*trail, name), read_so_far)
        else:
            known = _known(os.path.dirname(source.file))
            _note(made, source, at, f"there is no profile {name}{near(name, known)}")
    for file, line, key, reason in source.mistakes:
        made.note(line, key, reason, file)
    yield source


def _note(made: Source, source: Source, path: Path, reason: str) -> None:
    made.note(source.line(path), ".".join(map(str, path[:1])), reason, source.file)


def _places(folder: str) -> list[str]:
    places = [folder or os.curdir, *folders()]
    return [each for place in places for each in (place, os.path.join(place, BASES))]


def _find(name: str, folder: str) -> str:
    """The path of the base `name` of a file in `folder`; empty if there is none."""
    paths = (os.path.join(place, f"{name}.yaml") for place in _places(folder))
    return next(filter(os.path.isfile, paths), "")


def _known(folder: str) -> list[str]:
    places = filter(os.path.isdir, _places(folder))
    return [_stem(name) for place in places for name in os.listdir(place) if name.endswith(".yaml")]


class _Layer:
    """Lays one document over what has been made of those below it."""

    def __init__(self, made: Source, layer: Source) -> None:
        self._made = made
        self._layer = layer

    def lay(self) -> None:
        """Lay the whole document."""
        if self._made.data is None:
            self._made.data = {}
            self._took((), (), {})
            for name, value in self._layer.data.items():
                self._put(self._made.data, name, value, (), name)
        else:
            self._map(self._made.data, self._layer.data, ())

    def _wrong(self, path: Path, reason: str) -> None:
        key = ".".join(map(str, path))
        self._made.note(self._layer.line(path), key, reason, self._layer.file)

    def _map(self, below: dict[str, Any], above: dict[str, Any], path: Path) -> None:
        added = {}
        for key, value in above.items():
            if key.endswith(ADD) and key not in below:
                added[key] = value
            elif key.endswith(TAKE) and key not in below:
                self._take(below, key, value, path)
        for key, value in above.items():
            if key in below or not key.endswith((ADD, TAKE)):
                self._change(below, key, value, path)
        for key, value in added.items():
            self._add(below, key, value, path)

    def _change(self, below: dict[str, Any], key: str, value: Any, path: Path) -> None:
        at = (*path, key)
        if value is None:
            if key in below:
                del below[key]
            else:
                self._wrong(at, "the base has none to take away")
        elif isinstance(value, dict) and isinstance(below.get(key), dict):
            self._map(below[key], value, at)
        elif path in NAMED and key not in below:
            there = near(key, below)
            self._wrong(at, f"the base has none{there}; {path[-1]}{ADD} adds one")
        else:
            self._put(below, key, value, path, key)

    def _take(self, below: dict[str, Any], key: str, names: Any, path: Path) -> None:
        field, at = key.removesuffix(TAKE), (*path, key)
        there = below.get(field)
        if not isinstance(there, dict | list):
            self._wrong(at, f"the base has no {field} to take from")
        elif not isinstance(names, list):
            self._wrong(at, "must be a list of what to take away")
        else:
            for i, name in enumerate(names):
                if name not in there:
                    self._wrong(
                        (*at, i), f"the base has no {name}{near(str(name), map(str, there))}"
                    )
                elif isinstance(there, list):
                    there.remove(name)
                else:
                    del there[name]

    def _add(self, below: dict[str, Any], key: str, more: Any, path: Path) -> None:
        field, at = key.removesuffix(ADD), (*path, key)
        there = below.get(field)
        if not isinstance(there, dict | list):
            self._wrong(at, f"the base has no {field} to add to")
        elif isinstance(there, dict) and isinstance(more, dict):
            self._add_named(there, more, (*path, field), at)
        elif isinstance(there, list) and isinstance(more, list):
            for i, item in enumerate(more):
                if item in there:
                    self._wrong((*at, i), f"{item} is there already")
                self._took((*at, i), (*path, field, len(there)), item)
                there.append(item)
        else:
            self._wrong(at, f"must be a {'map' if isinstance(there, dict) else 'list'}")

    def _add_named(self, there: dict[str, Any], more: dict[str, Any], path: Path, at: Path) -> None:
        for name, row in more.items():
            if name in there:
                self._wrong((*at, name), f"is there already; {path[-1]} changes it")
            there[name] = row
            self._took((*at, name), (*path, name), row)
        if path in SORTED:
            rows = sorted(there.items())
            there.clear()
            there.update(rows)

    def _put(self, below: dict[str, Any], key: str, value: Any, path: Path, own: str) -> None:
        below[key] = value
        self._took((*path, own), (*path, key), value)

    def _took(self, own: Path, path: Path, value: Any) -> None:
        """`value`, which stands at `own` in the layer, stands at `path` of what is made."""
        self._made.lines[path] = self._layer.line(own)
        self._made.files[path] = self._layer.file
        if isinstance(value, dict | list):
            parts = value if isinstance(value, dict) else range(len(value))
            for part in parts:
                self._took((*own, part), (*path, part), value[part])
