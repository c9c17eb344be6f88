"""Faults as they are set, met, counted and read: by functions, and by the program's verb."""

import json
import threading

import pytest

from cucmos_shell.errors import NotFound, ShellError
from cucmos_shell.frontends import lab as verb
from cucmos_shell.frontends.start import run
from cucmos_shell.node import Node
from cucmos_shell.node.lab.faults import Faults
from cucmos_shell.node.lab.lab import open_lab
from cucmos_shell.world.fault_forms import GENERAL, FaultMistake, fault_of
from cucmos_shell.world.faults import POINTS


@pytest.fixture
def faults(lab):
    return lab.faults


def refusal(name="it", **more):
    return fault_of(name, {"at": "command.begin", "do": "refuse", **more})


BEGIN = {"words": "show cert list own", "account": "admin"}


def met(faults, **facts):
    return faults.meet("command.begin", {**BEGIN, **facts})


def test_a_fault_is_met_where_its_facts_fit(faults):
    """Patterns, in any case; all of them."""
    faults.add(refusal(words="SHOW cert*", account="adm?n"))
    assert met(faults).name == "it"
    assert met(faults, words="set cert regen tomcat") is None
    assert met(faults, account="operator") is None
    assert faults.meet("command.step", {**BEGIN, "step": "ask"}) is None
    assert faults.hits("it").fired == 1


def test_a_fault_happens_so_many_times_and_after_so_many(faults):
    """By the calls that fit."""
    faults.add(refusal(times=2, after=1))
    assert [met(faults) is not None for _ in range(5)] == [False, True, True, False, False]
    hits = faults.hits("it")
    assert (hits.calls, hits.fired) == (5, 2)


def test_the_first_that_happens_is_the_one(faults):
    """In the order in which they were set; a name that is set again keeps its place."""
    for name in ("one", "two"):
        faults.add(refusal(name, times=1))
    assert [fault.name for fault in faults.list()] == ["one", "two"]
    assert met(faults).name == "one"
    faults.add(refusal("one", times=1))
    assert [met(faults).name for _ in range(2)] == ["one", "two"]
    assert met(faults) is None


def test_chance_is_the_same_in_every_run(faults):
    """It hangs on the seed and the number of the call; a seed is made where none is given."""
    faults.add(refusal(chance=0.5, seed=7))
    first = [met(faults) is not None for _ in range(40)]
    faults.add(refusal(chance=0.5, seed=7))
    assert [met(faults) is not None for _ in range(40)] == first
    assert 5 < sum(first) < 35
    assert [row["call"] for row in faults.log()][: sum(first)] == [
        i for i, hit in enumerate(first, 1) if hit
    ]
    assert faults.add(refusal(chance=0.5)).seed is not None


def test_removing_keeps_the_count_and_resetting_does_not(faults):
    """Whoever took a fault away still wants to know whether it happened."""
    faults.add(refusal())
    met(faults)
    faults.remove("it")
    assert met(faults) is None
    assert faults.hits("it").fired == 1
    with pytest.raises(NotFound):
        faults.remove("it")
    faults.add(refusal())
    assert faults.hits("it").fired == 0
    assert faults.reset() == 1
    assert faults.list() == ()


def test_a_fault_without_a_name_gets_one(faults):
    """By its point, and one that is free."""
    names = [faults.add(refusal("")).name for _ in range(2)]
    assert names == ["command.begin-1", "command.begin-2"]


def test_every_process_sees_what_is_set_at_once(lab, world):
    """Two owners of one folder: whatever one of them sets or takes away, the other meets."""
    other = open_lab(lab.layout.state, world).faults
    for i in range(20):
        name = f"it-{i}"
        lab.faults.add(refusal(name))
        assert met(other).name == name
        lab.faults.remove(name)
        assert met(other) is None
    assert lab.faults.hits("it-0").fired == 1


def test_owners_that_meet_at_once_count_each_hit_once(lab, world):
    """No hit is lost, and `times` holds over all of them."""
    lab.faults.add(refusal(times=30))
    counts = []

    def work():
        mine = open_lab(lab.layout.state, world).faults
        counts.append(sum(met(mine) is not None for _ in range(20)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 30
    assert lab.faults.hits("it").calls == 80


def test_what_follows_comes_once_when_a_fault_has_happened(faults):
    """Others come and go with the first hit, and not with the second."""
    faults.add(refusal("first"))
    slow = {"at": "command.step", "do": "delay", "seconds": 3}
    faults.add(fault_of("old", {"at": "store.commit", "do": "disk-full"}))
    faults.follow(({"when": "first", "remove": ["old"], "add": {"slow": slow}},))
    met(faults)
    assert [fault.name for fault in faults.list()] == ["first", "slow"]
    faults.remove("slow")
    met(faults)
    assert [fault.name for fault in faults.list()] == ["first"]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({}, "at"),
        ({"at": "nowhere"}, "at"),
        ({"at": "command.begin"}, "do"),
        ({"at": "command.begin", "do": "hang"}, "do"),
        ({"at": "command.begin", "do": "delay"}, "seconds"),
        ({"at": "command.begin", "do": "delay", "seconds": "soon"}, "seconds"),
        ({"at": "command.begin", "do": "delay", "seconds": -1}, "seconds"),
        ({"at": "command.begin", "do": "delay", "seconds": float("nan")}, "seconds"),
        ({"at": "command.begin", "do": "busy", "seconds": 1}, "seconds"),
        ({"at": "command.begin", "do": "busy", "times": 0}, "times"),
        ({"at": "command.begin", "do": "busy", "times": True}, "times"),
        ({"at": "command.begin", "do": "busy", "after": -1}, "after"),
        ({"at": "command.begin", "do": "busy", "chance": 1.5}, "chance"),
        ({"at": "command.begin", "do": "busy", "seed": "x"}, "seed"),
        ({"at": "command.begin", "do": "busy", "when": {"unit": "tomcat"}}, "unit"),
        ({"at": "command.begin", "do": "busy", "when": {"words": []}}, "words"),
        ({"at": "command.begin", "do": "busy", "when": "x"}, "when"),
        ({"at": "command.begin", "do": "refuse", "text": ""}, "text"),
    ],
)
def test_a_mistake_names_the_key(data, key):
    """Whoever wrote it finds it."""
    with pytest.raises(FaultMistake) as caught:
        fault_of("it", data)
    assert caught.value.key == key
    assert caught.value.message()


SAMPLES = {"seconds": 3.0, "count": 3, "rate": 3, "text": "x"}


def test_a_fault_survives_its_file():
    """What is written is what was read."""
    for point in POINTS.values():
        for action in point.actions:
            given = {one.name: one.default or SAMPLES[one.kind] for one in action.arguments}
            when = dict.fromkeys(point.facts, "x*")
            data = {"at": point.name, "do": action.name, "when": when, "times": 1, "after": 2}
            made = fault_of("it", {**data, "chance": 0.0, "seed": 0, **given})
            assert fault_of("it", json.loads(json.dumps(made.data()))) == made


def test_no_fact_is_called_like_an_argument():
    """So both may stand side by side."""
    for point in POINTS.values():
        names = {one.name for action in point.actions for one in action.arguments}
        assert not names.intersection(point.facts)
        assert not {*names, *point.facts, "name"}.intersection(GENERAL)


def test_a_damaged_file_of_faults_is_none(faults, node_dir):
    """Nor is one fault that nobody understands in the way of another."""
    faults.add(refusal())
    path = node_dir / "run" / "faults.json"
    rows = json.loads(path.read_text())
    rows["faults"] = {"odd": {"at": "nowhere"}, "none": 3, **rows["faults"]}
    path.with_suffix(".new").write_text(json.dumps(rows))
    path.with_suffix(".new").rename(path)
    assert met(faults).name == "it"
    path.with_suffix(".new").write_text("{")
    path.with_suffix(".new").rename(path)
    assert met(faults) is None


# --- the verb ---------------------------------------------------------------------------------


def program(capsys, world, *words):
    """Status and output of the program."""
    status = run(words, world)
    return status, capsys.readouterr().out


def test_the_verb_sets_lists_and_takes_away(lab, node_dir, world, capsys):
    """Each answer for a person, and as JSON."""
    state = ("lab", "--state", str(node_dir))
    words = ("service.start", "hang", "service=Cisco Tomcat", "times=1", "name=stuck")
    line = "stuck: service.start hang service=Cisco Tomcat times=1 (hits: 0)\n"
    assert program(capsys, world, *state, "fault", "add", *words) == (0, f"Set {line}")
    assert program(capsys, world, *state, "fault", "list") == (0, line)
    _, out = program(capsys, world, *state, "--json", "fault", "list")
    assert json.loads(out) == [
        {
            "name": "stuck",
            "at": "service.start",
            "do": "hang",
            "when": {"service": "Cisco Tomcat"},
            "times": 1,
            "calls": 0,
            "hits": 0,
        }
    ]
    assert program(capsys, world, *state, "fault", "remove", "stuck") == (0, "Removed stuck\n")
    assert program(capsys, world, *state, "fault", "list") == (0, "No fault is set\n")
    assert program(capsys, world, *state, "fault", "reset") == (0, "Removed 0\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "lab needs to be told what to do"),
        (("fault",), "lab needs to be told what to do"),
        (("fault", "add", "service.start"), "lab needs to be told what to do"),
        (("fault", "remove", "it"), "There is no fault it"),
        (("fault", "add", "service.start", "hang", "x"), "x: KEY=VALUE is wanted"),
        (("fault", "add", "nowhere", "hang"), "at: nowhere is none of: command.begin"),
        (("fault", "add", "service.start", "hang", "name=a b"), "a b is no name for a fault"),
    ],
)
def test_what_the_verb_cannot_do_is_said(lab, world, words, said):
    """With what it can."""
    with pytest.raises(ShellError) as caught:
        verb.run(lab.layout.state, words, world)
    assert caught.value.message().startswith(said)


def test_a_node_that_is_no_lab_is_told_so(node_dir, world):
    """And how to make one."""
    with pytest.raises(ShellError) as caught:
        verb.run(str(node_dir), ("fault", "list"), world)
    assert "is not one of a lab" in caught.value.message()


def test_init_makes_a_lab(tmp_path, world, capsys):
    """With the marker, and an empty file of faults."""
    state = tmp_path / "new"
    status, _ = program(capsys, world, "init", "--state", str(state), "--speed", "0", "--lab")
    assert status == 0
    assert (state / "lab").is_file()
    node = Node.open(str(state), world)
    assert isinstance(open_lab(str(state), world).faults, Faults)
    assert node.world.fault("store.commit", {"units": ""}) is None
