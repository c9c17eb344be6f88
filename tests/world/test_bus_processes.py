"""A bus in a folder, used by several processes that are killed, or whose disk fails."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys

import pytest
from bus_places import DirectoryPlace
from crash_trace import points, run_python
from places import SUPPORT
from sweeping import every, share

from cucmos_shell.world.bus import Put

WORKER = str(SUPPORT / "bus_worker.py")
PROCESSES, TURNS = 4, 25
LOOKS = 50
KILLS = 60 // every(of=4)


@pytest.fixture
def place(memory_path):
    with contextlib.closing(DirectoryPlace(memory_path)) as place:
        yield place


def start(verb, folder, *words, before=()):
    """A worker whose output is read."""
    command = [*before, sys.executable, WORKER, verb, str(folder), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ended(worker):
    """The lines of a worker that has ended well."""
    out, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0
    return out.splitlines()


# --- several at once ---------------------------------------------------------------------------


def test_processes_share_a_bus(place):
    """Each comparison has one winner, and watchers hear each revision once and whole."""
    with contextlib.closing(place.open()) as bus:
        first = bus.change([], [Put("turn", b"0")])
        total = PROCESSES * TURNS
        watchers = [start("watch", place.folder, "turn", total) for _ in range(2)]
        assert [watcher.stdout.readline() for watcher in watchers] == [f"from {first}\n"] * 2
        workers = [start("count", place.folder, TURNS) for _ in range(PROCESSES)]
        numbers = [int(line) for worker in workers for line in ended(worker)]
        assert sorted(numbers) == list(range(1, total + 1))
        for watcher in watchers:
            assert ended(watcher) == [f"{first + i} turn" for i in range(1, total + 1)]
        values = [int(change.items[0].value) for change in bus.since("", first)]
        assert values == sorted(numbers)


def test_a_child_has_a_connection_of_its_own(place):
    """So that its parent does not clear away the log which the child writes."""
    assert ended(start("fork", place.folder)) == ["child/1 child/2 parent parent/1"]


# --- kills -------------------------------------------------------------------------------------


def state(place):
    """Number and revision of the writer's last change, after looking that all of it is there."""
    with contextlib.closing(place.open()) as bus:
        reading = bus.read("")
        items = {item.key: item for item in reading.items}
        if not items:
            return 0, reading.revision
        number = int(items["n"].value)
        for key in (f"v/{number % 7}", f"v/{number % 5 + 7}"):
            assert items[key].value.split(b" ")[0] == b"%d" % number
        assert {item.revision for item in reading.items} <= set(range(1, reading.revision + 1))
        assert [change.revision for change in bus.since("", reading.revision - 1)] == [
            reading.revision
        ]
        return number, reading.revision


def test_what_a_killed_writer_was_told_is_there(place):
    """And nothing half."""
    rng = random.Random(KILLS)
    revision = 0
    for _ in range(KILLS):
        writer = start("write", place.folder)
        for _ in range(rng.choice((1, 2, 5, 20, 60))):
            line = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        said, _ = writer.communicate()
        acknowledged = int((line + said).split("\n")[-2])
        assert os.path.exists(f"{place.file}-wal")
        found, later = state(place)
        assert found in (acknowledged, acknowledged + 1)
        assert later == revision + found
        revision = later


# --- disks that fail ---------------------------------------------------------------------------


class FailingBus:
    """A bus, one change to it, and where that can be broken off."""

    def __init__(self, folder, left):
        self.base = DirectoryPlace(folder / "base")
        self.folder = folder / "run"
        bus = self.base.open()
        self.old = bus.change([], [Put("a", b"old"), Put("b", b"old"), Put("c", b"old")])
        bus.change([], [Put("other", b"")])
        bus.close()
        if left:
            # As by a kill: the log is there, and what is in it is in no other file.
            bus.change([], [Put("other", bytes(9000))])
            shutil.copytree(self.base.folder, folder / "left")
            bus.close()
            shutil.rmtree(self.base.folder)
            os.rename(folder / "left", self.base.folder)
            (self.base.folder / "bus.db-shm").unlink()
        done = self.lay_out()
        self.program = [WORKER, "change", str(done.folder)]
        trace = folder / "trace"
        ended = run_python(self.program, done.folder, "-o", str(trace))
        assert (ended.status, self.look(done)) == (0, "new"), ended
        lines = trace.read_text(errors="replace").splitlines()
        found = points(lines, done.folder, "bus.db")
        # Plain writes are the worker's own: what it says.
        self.points = [one for one in found if one.call != "write" or one.fault == "SIGKILL"]

    def lay_out(self):
        """A copy of the base, as a place."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        place = DirectoryPlace(self.folder)
        shutil.rmtree(place.folder)
        shutil.copytree(self.base.folder, place.folder)
        return place

    def look(self, place):
        """Which state it is in: `old` or `new`, whole."""
        with contextlib.closing(place.open()) as bus:
            found = {item.key: item for item in bus.read("").items}
            del found["other"]
            values = {key: item.value for key, item in found.items()}
            if values == dict.fromkeys("abc", b"old"):
                assert {item.revision for item in found.values()} == {self.old}
                return "old"
            assert values == dict.fromkeys("ab", b"new")
            (revision,) = {item.revision for item in found.values()}
            (change,) = bus.since("", revision - 1)
            assert (change.items, change.gone) == (tuple(found.values()), ("c",))
            return "new"

    def check(self, point):
        """Break off at `point`, and look at what was said and what is left."""
        place = self.lay_out()
        options = ["-o", os.devnull, "-e", f"trace={point.call}", "-e", point.inject]
        ended = run_python(self.program, place.folder, *options)
        where = f"{point}: {ended}"
        said = ended.out.strip()
        # What others read who have to bring back the log first.
        with contextlib.suppress(FileNotFoundError):
            (place.folder / "bus.db-shm").unlink()
        found = self.look(place)
        assert "Traceback" not in ended.err, where
        if said.isdigit():
            assert found == "new", where
        elif said in ("BusAway", "BusDamaged"):
            # The check of what was opened calls a page that cannot be read damaged.
            assert found == "old", where
        else:
            assert said == "BusUnknown" or (not said and point.fault == "SIGKILL"), where
        with contextlib.closing(place.open()) as bus:
            assert bus.change([], [Put("next", b"")]), where
        return said


@pytest.fixture(params=[False, True], ids=["closed", "killed"])
def failing(request, memory_path):
    (memory_path / "base").mkdir()
    return FailingBus(memory_path, request.param)


def test_a_change_broken_off_here_and_there_is_whole_or_none(failing):
    """A sample of the sweep below; what could not be synced is always in it."""
    for point in share(failing.points, of=40):
        failing.check(point)
    unsynced = [one for one in failing.points if "sync" in one.call and one.fault == "EIO"]
    assert "BusUnknown" in {failing.check(point) for point in unsynced}


@pytest.mark.slow
def test_a_change_broken_off_anywhere_is_whole_or_none(failing):
    """Killed, or refused by the disk, at each call to the system; and what was said is true."""
    said = {failing.check(point) for point in share(failing.points, of=4)}
    assert "BusAway" in said


def test_a_full_disk_takes_no_change_and_loses_none(tmp_path):
    """And takes one again when there is room."""
    script = (
        'mount -t tmpfs -o size=1000k,mode=700 tmpfs "$1" && echo ready && exec "$2" "$3" fill "$1"'
    )
    words = ["sh", "-c", script, "-", str(tmp_path), sys.executable, WORKER]
    done = subprocess.run(["unshare", "-m", *words], capture_output=True, text=True)
    if not done.stdout.startswith("ready"):
        pytest.skip("no file system may be mounted here")
    assert done.stdout.splitlines() == [
        "ready",
        "BusAway database or disk is full",
        "True True",
        "True True",
        "True",
    ], done


@pytest.mark.parametrize("mode", [0o000, 0o555], ids=["closed", "read only"])
def test_who_may_not_use_it_is_told_so(place, mode):
    """Nothing is an empty reading."""
    place.file.chmod(0o444)
    place.folder.parent.chmod(0o755)
    place.folder.chmod(mode)
    try:
        lines = ended(start("nobody", place.folder))
    finally:
        place.folder.chmod(0o700)
    assert [line.split()[0] for line in lines] == ["BusAway"] * 3, lines
    assert lines[2] == "BusAway Permission denied"


def test_a_change_is_synced_before_it_is_acknowledged(place, tmp_path):
    """The log, in one go; and its name, the first time."""
    with contextlib.closing(place.open()) as bus:
        bus.change([], [Put("a", b"old")])
    trace = tmp_path / "trace"
    program = [WORKER, "change", str(place.folder)]
    run_python(program, place.folder, "-y", "-o", str(trace))
    before = trace.read_text(errors="replace").partition(" write(1<")[0]
    wanted = r"^\d+ +(pwrite64|fsync|fdatasync)\(\d+<[^>]*/(bus\.db-wal|bus)>"
    calls = re.findall(wanted, before, re.MULTILINE)
    syncs = [name for call, name in calls if call != "pwrite64"]
    assert calls[-1][0] != "pwrite64"
    assert "bus.db-wal" in syncs
    assert "bus" in syncs


# --- what waiting costs ------------------------------------------------------------------------


def test_a_watcher_that_waits_writes_and_syncs_nothing(place, tmp_path):
    """A look is a handful of calls, of which none goes to the disk."""
    trace = tmp_path / "trace"
    ended(start("idle", place.folder, LOOKS, before=["strace", "-f", "-qq", "-o", str(trace)]))
    between = trace.read_text().partition('"begin\\n"')[2].partition('"end\\n"')[0]
    calls = re.findall(r"^\d+ +(\w+)\(", between, re.MULTILINE)
    assert LOOKS <= len(calls) <= 12 * LOOKS
    assert set(calls) <= {"fcntl", "newfstatat", "stat", "write", "rt_sigaction", "brk"}
    assert calls.count("write") == 1
