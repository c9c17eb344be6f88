"""After a power cut the disk holds the old state or the new one, and what was said holds."""

import pytest
from crash_changes import CHANGES, prepare, shape, state
from crash_power import OPTIONS, Trace, base_tree, lay_out, survivals, tree_after
from crash_trace import copy, trace
from harness import Conversation, clock_world
from sweeping import every, orphans, wrong_links

from cucmos_shell.errors import ShellError
from cucmos_shell.node import Node

# How the program makes things durable: with syncfs, and where a system has none.
WAYS = {"syncfs": (), "fsync": ("-e", "inject=syncfs:error=ENOSYS")}


@pytest.fixture(scope="session")
def readers_world(keys):
    """One that was started again since."""
    return clock_world(keys, start=4_000_000_000.0, boot=lambda: "again")[0]


class Cut:
    """A command, its trace, and what readers see before and after it."""

    def __init__(self, change, way, template, folder, disk, world):
        self.world = world
        self.disk = disk
        self.base = copy(template, folder / "base")
        node = self.open(self.base)
        prepare(change, node)
        self.old, self.old_shape = state(node), shape(node)
        done = copy(self.base, folder / "done")
        lines = trace(done, change.line, folder / "trace", *OPTIONS, *WAYS[way])
        self.trace = Trace(lines, done)
        self.new_shape = shape(self.open(done))
        assert self.new_shape != self.old_shape
        assert any(step.kind == "sync-all" for step in self.trace.steps) == (
            way == "syncfs" and self.old["head"] != self.new_shape["head"]
        )

    def open(self, folder):
        return Node.open(str(folder), self.world)

    def violations(self, every=1):
        """What is wrong on the disks a power cut may leave: one line each."""
        base = base_tree(self.base)
        seen = set()
        # The last first: what goes wrong shows once the new state is current.
        for number, (survival, step) in enumerate(reversed(list(survivals(self.trace)))):
            if number % every:
                continue
            tree = tree_after(self.trace, survival, base)
            disk = (tuple(tree.items()), survival.torn & set(tree.values()), survival.said)
            if disk in seen:
                continue
            seen.add(disk)
            lay_out(tree, self.trace, survival.torn, self.base, self.disk)
            wrong = self.look(survival.said)
            if wrong:
                yield f"after step {step} ({self.trace.steps[step - 1]}): {wrong}"

    def look(self, said):
        node = self.open(self.disk)
        try:
            seen = shape(node)
            everything = state(node)
        except ShellError as error:
            return error.message()
        if seen != self.new_shape:
            if said:
                return "what was said is gone"
            if everything != self.old:
                return "neither the old state nor the new one"
        return self.afterwards(node)

    def afterwards(self, node):
        """What is wrong once the machine has started again, and a change has been made."""
        node.store.repair_view()
        if wrong := wrong_links(node):
            return f"the view is wrong: {sorted(wrong)[:3]}"
        say = Conversation(node)
        answer = say(f"set cert regen {next(iter(node.profile.units))}", "yes")
        if say.status:
            return answer
        if left := orphans(node):
            return f"left behind: {sorted(left)[:3]}"
        if wrong := wrong_links(node):
            return f"the view is wrong after a change: {sorted(wrong)[:3]}"
        return None


@pytest.fixture
def cut(imp_template, tmp_path, disk, readers_world):
    """Makes a `Cut` of a fresh node."""

    def make(change, way):
        return Cut(change, way, imp_template, tmp_path, disk, readers_world)

    return make


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "change", [one for one in CHANGES if one.sampled], ids=lambda change: change.name
)
def test_a_power_cut_now_and_then(change, way, cut):
    """A sample of the disks below."""
    found = cut(change, way)
    assert list(found.violations(every=40)) == []


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_power_cut_at_any_moment(change, way, cut):
    """Every disk the model knows."""
    found = cut(change, way)
    assert list(found.violations(every(change.name))) == []


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_missing_sync_is_found(way, cut):
    """The model is worth something: without any one of the syncs of a change it objects."""
    found = cut(CHANGES[0], way)
    steps = found.trace.steps
    syncs = [i for i, step in enumerate(steps) if step.kind.startswith("sync") and needed(step)]
    # Of the syncs of the folder that holds `current` the last one counts.
    last = max(i for i in syncs if steps[i].kind == "sync-folder" and steps[i].path == "store")
    # After it old secrets are cleared away: a power cut may undo that, and the next change does it.
    syncs = [i for i in syncs if i == last or (i < last and steps[i].path != "store")]
    assert len(syncs) >= 2
    for i in syncs:
        found.trace.steps = steps[:i] + steps[i + 1 :]
        assert next(found.violations(), None), f"nobody misses {steps[i]}"


def needed(step):
    """Whether a reader depends on it: lists for clearing up and logs aside, what a certificate can
    be described by again, and a folder of folders in which a regeneration makes no new name.
    """
    spare = ("changes.json", ".log", ".csr", "store/versions")
    described = step.path.endswith(".json") and ("/pool/" in step.path or "/certs/" in step.path)
    return not step.path.endswith(spare) and "log" not in step.path and not described
