"""The syntax trees of the package, and what each file imports."""

import ast
import functools
import pathlib

import cucmos_shell

ROOT = pathlib.Path(cucmos_shell.__file__).parent


@functools.cache
def modules():
    """Dotted name within the package (`pki.der`, `pki` for its `__init__`) to (path, tree)."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] == "etc":
            continue
        name = ".".join(parts).removesuffix("__init__").removesuffix(".")
        found[name] = (path.relative_to(ROOT.parent), ast.parse(path.read_text()))
    return found


def imported(tree):
    """Dotted names a module imports anywhere, functions and type checking included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


@functools.cache
def inside():
    """Module to the set of the package's modules that it imports."""
    every = modules()
    found = {}
    for name, (_, tree) in every.items():
        found[name] = set()
        for dotted in imported(tree):
            first, _, rest = dotted.partition(".")
            if first != "cucmos_shell":
                continue
            other = rest if rest in every else rest.rpartition(".")[0]
            found[name].add(other)
    return found


def circles(arrows):
    """The sets of names that reach each other by `arrows`, a name to the names it points at."""

    def reached(start):
        seen, ahead = set(), [start]
        while ahead:
            for other in arrows.get(ahead.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    ahead.append(other)
        return seen

    reach = {name: reached(name) for name in arrows}
    rings = {
        frozenset(other for other in reach[name] if name in reach.get(other, ())) for name in arrows
    }
    return {ring for ring in rings if len(ring) > 1}
