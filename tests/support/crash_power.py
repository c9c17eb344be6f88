"""What a disk may hold after the power has gone, worked out from a trace.

Nothing is durable until it is synced: a file's contents until the file or the file system is, a
name until its folder or the file system is. What is not durable may be there or not, each for
itself; contents may also be there in part.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
from collections.abc import Iterable, Iterator
from typing import NamedTuple

CALLS = (
    "openat,write,pwrite64,fsync,fdatasync,syncfs,mkdir,rmdir,unlink,rename,symlink,ftruncate,"
    "unlinkat,mkdirat,renameat,renameat2,symlinkat,link,linkat,truncate"
)
OPTIONS = ("-y", "-s", "4096", "-e", f"trace={CALLS}")
_LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)(<.*>)?")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_DESCRIPTOR = re.compile(r"\d+<([^>]*)>")
_KNOWN = frozenset(
    [
        "openat",
        "write",
        "fsync",
        "fdatasync",
        "syncfs",
        "mkdir",
        "rmdir",
        "unlink",
        "rename",
        "symlink",
    ]
)


class Step(NamedTuple):
    """One thing that was asked of the disk.

    `kind`: name (an entry of a folder is set or, with no node, taken away), data (contents of a
    node are written), sync-node, sync-folder, sync-all, said (the last answer on the screen).
    """

    kind: str
    path: str = ""
    node: str = ""
    old: str = ""


class Trace:
    """The steps of a run below `root`, and what the new files held in the end."""

    def __init__(self, lines: Iterable[str], root: pathlib.Path) -> None:
        self.root = root
        self.steps: list[Step] = []
        self.contents: dict[str, bytes] = {}
        self._nodes: dict[str, str] = {}
        for line in lines:
            match = _LINE.match(line)
            if match and int(match[3]) >= 0:
                assert "unfinished" not in line
                self._take(match[1], match[2], match[4] or "")
        said = [i for i, step in enumerate(self.steps) if step.kind == "said"]
        self.steps = [s for i, s in enumerate(self.steps) if s.kind != "said" or i == said[-1]]
        for path, node in self._nodes.items():
            full = root / path
            if node.startswith("new") and full.is_file() and not full.is_symlink():
                self.contents[node] = full.read_bytes()

    def _inside(self, path: str) -> str | None:
        """`path` relative to the root, or None when it is elsewhere."""
        prefix = f"{self.root}{os.sep}"
        return path.removeprefix(prefix) if path.startswith(prefix) else None

    def _take(self, call: str, arguments: str, result: str) -> None:
        paths = [self._inside(text) for text in _STRING.findall(arguments)]
        opened = _DESCRIPTOR.match(arguments)
        inside = self._inside(opened[1]) if opened else None
        if call == "write" and arguments.startswith("1<"):
            self.steps.append(Step("said"))
        elif call in ("fsync", "fdatasync", "syncfs"):
            self._sync(call, inside, opened[1] if opened else "")
        elif call == "write" and inside is not None:
            self.steps.append(Step("data", inside, self._node(inside)))
        elif call == "openat":
            self._open(paths[0] if paths else None, arguments)
        elif call == "symlink" and paths[1] is not None:
            self._name(paths[1], "link:" + _STRING.findall(arguments)[0])
        elif call in ("mkdir", "rmdir", "unlink") and paths[0] is not None:
            self._name(paths[0], "folder:" if call == "mkdir" else "")
        elif call == "rename" and paths[0] is not None and paths[1] is not None:
            node = self._node(paths[0])
            self.steps.append(Step("name", paths[1], node, paths[0]))
            self._nodes[paths[1]] = node
            self._nodes.pop(paths[0], None)
        elif call not in _KNOWN and any(path is not None for path in [*paths, inside]):
            raise AssertionError(f"the model does not know {call}({arguments})")

    def _node(self, path: str) -> str:
        return self._nodes.get(path, f"base:{path}")

    def _name(self, path: str, node: str) -> None:
        self.steps.append(Step("name", path, node))
        self._nodes[path] = node

    def _open(self, path: str | None, arguments: str) -> None:
        if path is None or "O_CREAT" not in arguments:
            return
        known = self._nodes.get(path)
        exists = bool(known) or (known is None and (self.root / path).exists())
        if "O_EXCL" in arguments or (not exists and known is not None):
            self._name(path, f"new:{len(self.steps)}:{path}")

    def _sync(self, call: str, inside: str | None, full: str) -> None:
        if call == "syncfs":
            self.steps.append(Step("sync-all"))
        elif inside is not None or full == str(self.root):
            path = inside or ""
            kind = "sync-folder" if (self.root / path).is_dir() else "sync-node"
            self.steps.append(Step(kind, path, self._node(path)))


def pending(steps: list[Step], upto: int) -> tuple[list[int], set[str]]:
    """The name steps, and the nodes with contents, that are not durable after `upto` steps."""
    names: list[int] = []
    nodes: set[str] = set()
    for i, step in enumerate(steps[:upto]):
        if step.kind == "name":
            names.append(i)
        elif step.kind == "data":
            nodes.add(step.node)
        elif step.kind == "sync-all":
            names.clear()
            nodes.clear()
        elif step.kind == "sync-node":
            nodes.discard(step.node)
        elif step.kind == "sync-folder":
            names = [n for n in names if os.path.dirname(steps[n].path) != step.path]
    return names, nodes


class Survival(NamedTuple):
    """One disk after a power cut: the steps that left a trace, and whose contents are missing."""

    names: frozenset[int]
    torn: frozenset[str]
    said: bool


def survivals(trace: Trace) -> Iterator[tuple[Survival, int]]:
    """Disks that a power cut after any step may leave, each once, with the step.

    Of what is pending: all, none, all but one, only one, all but one folder and what is in it, only
    that; contents whole, missing, each missing.
    """
    seen: set[Survival] = set()
    said = next(i for i, step in enumerate(trace.steps) if step.kind == "said")
    for upto in range(len(trace.steps) + 1):
        names, nodes = pending(trace.steps, upto)
        done = {i for i, s in enumerate(trace.steps[:upto]) if s.kind == "name"} - set(names)
        choices = [set(names), set()]
        choices += [set(names) - {n} for n in names] + [{n} for n in names]
        for folder in (trace.steps[n].path for n in names if trace.steps[n].node == "folder:"):
            inside = {n for n in names if f"{trace.steps[n].path}/".startswith(f"{folder}/")}
            choices += [set(names) - inside, inside]
        torn = [set(), nodes, *({node} for node in nodes)]
        for i, chosen in enumerate(choices):
            for missing in torn if i == 0 else torn[:2]:
                one = Survival(frozenset(done | chosen), frozenset(missing), upto > said)
                if one not in seen:
                    seen.add(one)
                    yield one, upto


def tree_after(trace: Trace, survival: Survival, base: dict[str, str]) -> dict[str, str]:
    """Path to node on that disk; what has no folder to be in is not there."""
    tree = dict(base)
    for i in sorted(survival.names):
        step = trace.steps[i]
        if step.old:
            tree.pop(step.old, None)
        if step.node:
            tree[step.path] = step.node
        else:
            tree.pop(step.path, None)
    whole: dict[str, str] = {}
    for path in sorted(tree):
        parent = os.path.dirname(path)
        if not parent or whole.get(parent, "").startswith("folder:"):
            whole[path] = tree[path]
    return whole


def base_tree(folder: pathlib.Path) -> dict[str, str]:
    """Path to node of a folder as it is on disk."""
    tree: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            tree[name] = f"link:{os.readlink(path)}"
        else:
            tree[name] = "folder:" if path.is_dir() else f"base:{name}"
    return tree


def lay_out(
    tree: dict[str, str], trace: Trace, torn: frozenset[str], base: pathlib.Path, to: pathlib.Path
) -> None:
    """Make that disk real in the folder `to`."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    for name, node in tree.items():
        kind, _, rest = node.partition(":")
        path = to / name
        if kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to(rest)
        else:
            data = trace.contents.get(node, b"") if kind == "new" else (base / rest).read_bytes()
            path.write_bytes(data[: len(data) // 2] if node in torn else data)
