"""Files that fit a head, and names that say what they are."""

import ast

import pytest
from tree import ROOT, modules

LONGEST_FILE, LONGEST_FUNCTION, LONGEST_LINE = 400, 40, 100
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_no_file_no_function_and_no_line_is_too_long():
    """Whoever reads one sees it whole."""
    wrong = []
    for path, tree in modules().values():
        lines = (ROOT.parent / path).read_text().splitlines()
        if len(lines) > LONGEST_FILE:
            wrong.append(f"{path}: {len(lines)} lines")
        wrong += [f"{path}:{i}" for i, line in enumerate(lines, 1) if len(line) > LONGEST_LINE]
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                length = node.end_lineno - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    wrong.append(f"{path}:{node.lineno} {node.name}: {length} lines")
    assert not wrong


def test_few_stand_at_the_root():
    """Everything else has a room."""
    files = {path.stem for path in ROOT.glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert files == {"__main__", "errors", "results", "text"}
    assert len(rooms) <= 14


def public(body, within=""):
    """`(qualified name, node, class it stands in)` of what others may use."""
    for node in body:
        if isinstance(node, ast.If):
            yield from public(node.body, within)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            yield f"{within}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{node.name}.")


def inherited(tree):
    """Names of methods whose meaning is the library's: the class derives from one outside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            if any(base.startswith(LIBRARY) for base in bases):
                yield from (f"{node.name}.{one.name}" for one in node.body if hasattr(one, "name"))


LIBRARY = (
    "asyncio.BufferedProtocol",
    "asyncssh.",
    "SSHServerStreamSession",
    "History",
    "ThreadedHistory",
)


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_public_definition_says_what_it_is(name):
    """A docstring each, the module's included."""
    path, tree = modules()[name]
    theirs = set(inherited(tree))
    missing = [
        f"{path}:{node.lineno} {dotted}"
        for dotted, node in public(tree.body)
        if dotted not in theirs and not ast.get_docstring(node)
    ]
    assert not missing
    assert ast.get_docstring(tree), path


def test_faces_name_what_they_show():
    """A package's `__init__` exports by `__all__`, and only what it names."""
    wrong = []
    for path, tree in modules().values():
        if path.name != "__init__.py" or path.parent == ROOT.relative_to(ROOT.parent):
            continue
        taken = {
            alias.asname or alias.name
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and node.module != "__future__"
            for alias in node.names
            if node.module.startswith("cucmos_shell")
        }
        named = {
            item.value
            for node in tree.body
            if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
            for item in node.value.elts
        }
        own = {node.name for node in tree.body if hasattr(node, "name")}
        if named - own != taken and (named or not own):
            wrong.append(f"{path}: {sorted(taken ^ named)}")
    assert not wrong


def test_no_class_name_stands_twice():
    """One word for one thing, in the whole package; the public API has the words of its users."""
    found = {}
    for path, tree in modules().values():
        if path.parent.name == "testing":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).add(str(path))
    assert not {name: paths for name, paths in found.items() if len(paths) > 1}
