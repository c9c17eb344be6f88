"""Who waits for somebody outside goes through the world, which says so (`World.waiting`)."""

import ast
import importlib.util
import inspect

from tree import imported, modules

# What is in the world and waits for nobody.
AT_ONCE = {
    "world.uri", "world.uri.parse", "world.world.no_fault", "world.fault_forms.fault_of",
}  # fmt: skip
# Locks that are waited for in the thread: those of small files and logs, held for one write.
LOCKS = {"store.locks", "node.areas", "world.buses.directory"}


def functions_of_the_world(tree):
    """Names of functions, and of modules full of them, that a module has from the world."""
    for dotted in imported(tree):
        first, _, rest = dotted.partition(".")
        if first != "cucmos_shell" or not rest.startswith("world."):
            continue
        above, _, name = dotted.rpartition(".")
        module = importlib.import_module(above)
        is_module = hasattr(module, "__path__") and importlib.util.find_spec(dotted) is not None
        if is_module or inspect.isfunction(getattr(module, name, None)):
            yield rest


def test_nobody_goes_around_the_world():
    """No protocol is spoken but by a function of the node's world."""
    found = {
        (name, what)
        for name, (_, tree) in modules().items()
        if name.partition(".")[0] not in ("world", "testing")
        for what in functions_of_the_world(tree)
    }
    assert {what for _, what in found} <= AT_ONCE, found
    assert found, "the test looks at nothing"


def test_locks_are_waited_for_in_few_places():
    """A change waits for its turn without a thread (`Pause`), all else for one write."""
    waits = {
        name
        for name, (_, tree) in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "fcntl.flock"
        if "LOCK_NB" not in ast.unparse(node)
    }
    assert waits == LOCKS


def test_nobody_sleeps_but_by_the_world():
    sleeps = {
        name.partition(".")[0]
        for name, (_, tree) in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"
    }
    assert sleeps == {"world", "testing"}
