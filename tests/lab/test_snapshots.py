"""A node that is put back to what it was: all of it, in every process, whatever is killed."""

import os
import shutil
import stat
import statistics
import time

import pytest
from harness import START, Conversation
from ssh_server import Served, Shell, run

from cucmos_shell.errors import BadValue, NotFound
from cucmos_shell.frontends import lab as verb
from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import make_lab, open_lab
from cucmos_shell.session import Session
from cucmos_shell.store.locks import try_lock
from cucmos_shell.world.fault_forms import fault_of

DAY = 86_400


def tree(folder):
    """Every path with its permissions and contents, but for what belongs to processes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(("snapshots", "run/sessions")) or name.endswith(("lock", ".old")):
            continue
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink():
            found[name] = os.readlink(path)
        else:
            found[name] = (mode, path.read_bytes() if path.is_file() else None)
    return found


def test_everything_is_as_it_was(lab, lab_node, node_dir):
    """Certificates, services, accounts, logs, clock and faults; to the octet."""
    say = Conversation(lab_node)
    lab.clock.freeze(START)
    lab.faults.add(fault_of("it", {"at": "command.begin", "do": "busy", "words": "show logins"}))
    say("show logins")
    lab.snapshots.save("first")
    before = tree(node_dir)
    say("set cert regen tomcat", "yes")
    say("utils service restart Cisco Tomcat")
    say("set account name ops", "1", "Blue-Harbour7", "Blue-Harbour7")
    lab.clock.advance(40 * DAY)
    lab.faults.reset()
    (node_dir / "upload" / "new.pem").write_text("x")
    assert tree(node_dir).keys() != before.keys()
    lab.snapshots.restore("first")
    after = tree(node_dir)
    before.pop("services.json", None)
    assert after.pop("services.json")
    assert after == before
    assert lab.clock.now() == START
    assert lab.faults.hits("it").fired == 1
    assert lab.snapshots.names() == ("first",)


def test_services_live_in_the_time_they_are_put_back_to(lab, lab_node):
    """A process that has seen a later one goes on from the earlier."""
    lab.clock.freeze(START)
    lab.snapshots.save("first")
    lab.clock.advance(40 * DAY)
    assert lab_node.services.now() == START + 40 * DAY
    lab.snapshots.restore("first")
    assert lab_node.services.now() == START
    other = Session(lab_node)
    assert not other.rebooted()


@pytest.mark.parametrize("moved", [-DAY, 0, DAY])
def test_no_session_survives(lab, lab_node, moved):
    """Whatever the clock says: each that began before is over, a new one is not."""
    lab.clock.freeze(START)
    lab.snapshots.save("first")
    for _ in range(3):
        lab.clock.advance(moved)
        session = Session(lab_node)
        lab.snapshots.restore("first")
        assert session.rebooted()
        assert not Session(lab_node).rebooted()


def test_a_running_server_is_put_back(node_dir, real_world):
    """Sessions are told, and end; whoever comes then sees what was."""
    make_lab(str(node_dir))
    lab = open_lab(str(node_dir), real_world)
    with Served(node_dir) as server:
        lab.snapshots.save("first")
        before = Node.open(str(node_dir), real_world).snapshot().own("tomcat").row
        shown = f"Serial Number: {before.serial.upper()}\r\n"

        async def main():
            async with server.connect() as connection, Shell(connection) as shell:
                await connection.run("set cert regen tomcat", input="yes\n")
                assert shown not in await shell("show cert own tomcat")
                lab.snapshots.restore("first")
                assert (await shell.rest()).endswith(
                    b"The node has been restarted: this session is over\r\n"
                )
                async with Shell(connection) as again:
                    assert shown in await again("show cert own tomcat")

        run(main())


def test_names_of_snapshots(lab):
    """One that is none, one that is not there, and one that is saved again."""
    for name in ("", "../x", ".hidden", "a b"):
        with pytest.raises(BadValue):
            lab.snapshots.save(name)
        with pytest.raises(NotFound):
            lab.snapshots.restore(name)
    with pytest.raises(NotFound):
        lab.snapshots.remove("first")
    lab.snapshots.save("first")
    lab.clock.freeze(START + DAY)
    lab.snapshots.save("first")
    lab.clock.real()
    lab.snapshots.restore("first")
    assert lab.clock.now() == START + DAY
    lab.snapshots.remove("first")
    assert lab.snapshots.names() == ()


def test_what_a_kill_has_left_is_done_by_who_comes_next(lab, lab_node, node_dir):
    """As soon as the node is opened; the era is that of the first try."""
    Conversation(lab_node)("utils service restart Cisco CDP")
    lab.snapshots.save("first")
    session = Session(lab_node)
    (node_dir / "restoring").write_text("7 first")
    (node_dir / "upload" / "new.pem").write_text("x")
    other = Node.open(str(node_dir), lab.outside)
    assert not (node_dir / "restoring").exists()
    assert not (node_dir / "upload" / "new.pem").exists()
    assert other.services.start_mark()[0] == 7
    assert session.rebooted()


def test_restoring_waits_for_a_change(lab, real_world):
    """And says so when it waits in vain, by time that really passes."""
    lab.snapshots.save("first")
    count = iter(range(100))
    busy = open_lab(
        lab.layout.state,
        real_world.replace(patience=lambda: float(next(count)), sleep=lambda seconds: None),
    )
    with try_lock(lab.layout.lock), pytest.raises(Exception, match="Another session"):
        busy.snapshots.restore("first")
    assert not os.path.exists(lab.layout.restoring)


def test_the_verb_saves_and_restores(lab, lab_node):
    """By a name."""
    before = lab_node.snapshot().own("tomcat").row
    assert verb.run(lab.layout.state, ("snapshot", "s1"), lab.outside).lines == ("Saved s1",)
    Conversation(lab_node)("set cert regen tomcat", "yes")
    assert lab_node.snapshot().own("tomcat").row != before
    assert verb.run(lab.layout.state, ("restore", "s1"), lab.outside).lines == ("Restored s1",)
    assert lab_node.snapshot().own("tomcat").row == before


def test_the_verb_shows_all_there_is(lab):
    """Clock, faults and snapshots."""
    lab.clock.freeze(START)
    lab.faults.add(fault_of("it", {"at": "command.begin", "do": "busy"}))
    lab.snapshots.save("s1")
    answer = verb.run(lab.layout.state, ("show",), lab.outside)
    assert answer.lines == (
        "The clock shows 2026-11-18T11:06:40Z and stands",
        "it: command.begin busy (hits: 0)",
        "Snapshots: s1",
    )
    assert answer.data["snapshots"] == ["s1"]
    assert answer.data["clock"]["rate"] == 0


@pytest.mark.unmeasured
def test_it_takes_little_more_than_copying(lab, node_dir, tmp_path):
    """Saving and restoring together at most as long as copying the folder three times."""

    def took(function):
        times = []
        for _ in range(9):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def copy():
        shutil.copytree(node_dir, tmp_path / "copy", symlinks=True)
        shutil.rmtree(tmp_path / "copy")

    copying = took(copy)
    both = took(lambda: (lab.snapshots.save("s"), lab.snapshots.restore("s")))
    assert both < 3 * copying
