"""The clock of a node in a lab: set by functions and by the verb, the same in every process."""

import re
import threading
import time

import pytest
from harness import START, Clock, Conversation
from lab_front_ends import pump
from ssh_server import Served, Shell, run

from cucmos_shell.errors import BadValue, ShellError
from cucmos_shell.frontends import lab as verb
from cucmos_shell.node import Node
from cucmos_shell.node.lab.clock import LATEST, LabClock
from cucmos_shell.node.lab.lab import make_lab, open_lab
from cucmos_shell.node.lab.times import duration, moment
from cucmos_shell.results import Done, Pause
from cucmos_shell.session import Session
from cucmos_shell.store.paths import Layout
from cucmos_shell.terminal import Terminal
from cucmos_shell.text import iso_time

DAY = 86_400.0


@pytest.fixture
def outside():
    return Clock()


@pytest.fixture
def clock(node_dir, outside):
    make_lab(str(node_dir))
    return LabClock(Layout(str(node_dir)), outside)


def test_nobody_has_set_it_at_first(clock, outside):
    """It is the machine's, and is so again when told."""
    assert clock.now() == START
    assert clock.setting().real
    clock.freeze(START + DAY)
    outside.sleep(5)
    assert clock.now() == START + DAY
    assert not clock.setting().real
    assert clock.real() == START + 5
    outside.sleep(5)
    assert clock.now() == START + 10


def test_it_stands_moves_and_is_hurried(clock, outside):
    """Each from where it is."""
    assert clock.freeze() == START
    outside.sleep(100)
    assert clock.advance(26 * DAY) == clock.now() == START + 26 * DAY
    assert clock.advance(-DAY) == START + 25 * DAY
    assert clock.run(60) == START + 25 * DAY
    outside.sleep(2)
    assert clock.now() == START + 25 * DAY + 120
    assert clock.advance(10) == START + 25 * DAY + 130
    outside.sleep(1)
    assert clock.now() == START + 25 * DAY + 190


def test_it_stays_within_what_dates_can_tell(clock, outside):
    """And hurried, it stops at the last date."""
    for wrong in (0.0, LATEST, float("nan"), float("inf")):
        with pytest.raises(BadValue):
            clock.freeze(wrong)
    for wrong in (0.0, -1.0, 1e9, float("nan")):
        with pytest.raises(BadValue):
            clock.run(wrong)
    assert clock.setting().real
    clock.freeze(LATEST - 1)
    clock.run(1000)
    outside.sleep(1)
    assert iso_time(clock.now()) == "9000-01-01T00:00:00Z"


def test_a_damaged_file_is_the_machine_s_clock(clock, outside, node_dir):
    """So is one that is gone."""
    path = node_dir / "run" / "clock"
    for octets in (b"", b"\xff" * 24, b"x" * 23):
        clock.freeze(START + DAY)
        path.with_suffix(".new").write_bytes(octets)
        path.with_suffix(".new").rename(path)
        assert clock.now() == outside()
    clock.freeze(START + DAY)
    path.unlink()
    assert clock.now() == outside()


def test_owners_that_move_it_at_once_move_it_both(clock, outside, node_dir):
    """No step is lost, and each sees what the other did."""
    clock.freeze()

    def work():
        mine = LabClock(Layout(str(node_dir)), outside)
        for _ in range(50):
            mine.advance(1)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == START + 150


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("26d", 26 * DAY), ("1h30m", 5400), ("-90s", -90), ("1.5h", 5400), ("1d1s", DAY + 1)],
)
def test_durations(text, seconds):
    """As people write them."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "26", "d", "1y", "1h 30m", "--1s", "1e3s", "s1"])
def test_what_is_no_duration(text):
    """Says so."""
    with pytest.raises(BadValue):
        duration(text)


def test_moments():
    """In ISO 8601; in UTC unless they say so."""
    assert moment("2026-11-18T11:06:40Z") == START == moment("2026-11-18T11:06:40")
    assert moment("2026-11-18T12:06:40+01:00") == START
    assert moment("2026-11-18") == START - START % DAY
    for wrong in ("", "tomorrow", "2026-13-01", "99999-01-01"):
        with pytest.raises(BadValue):
            moment(wrong)


# --- what follows it ---------------------------------------------------------------------------


def test_every_process_sees_the_same_second(node_dir, real_world):
    """Two workers and a one-shot; and nobody asks for a restart."""
    make_lab(str(node_dir))
    clock = open_lab(str(node_dir), real_world).clock
    clock.freeze(START)
    clock.advance(26 * DAY)
    with Served(node_dir, "--workers", "2") as server:

        async def main():
            said = set()
            for _ in range(8):
                async with server.connect() as connection:
                    said.add((await connection.run("show status")).stdout)
            return said

        said = run(main()) | {server.run("show status").stdout}
        dates = {re.search(r"Date +: (.*)", one)[1] for one in said}
        assert dates == {"Mon Dec 14, 2026 11:06:40"}
        clock.real()
        assert "Dec 14" not in server.run("show status").stdout


def until(condition, seconds=20.0):
    """Wait until something is so that a server does by itself."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.05)


def test_expiry_runs_follow_it(node_dir, real_world):
    """A server looks at it every second, and runs the monitor when a day has been put forward."""
    make_lab(str(node_dir))
    clock = open_lab(str(node_dir), real_world).clock
    clock.freeze(START)
    log = node_dir / "log/platform/log/cli00001.log"
    ran = "running command -> [utils cert monitor run]"

    def runs():
        return log.read_text().count(ran) if log.exists() else 0

    with Served(node_dir):
        until(lambda: runs() == 1)
        clock.advance(2 * DAY)
        until(lambda: runs() == 2)
        lines = [line for line in log.read_text().splitlines() if ran in line]
    assert [line[:10] for line in lines] == ["2026-11-18", "2026-11-20"]


def test_the_idle_timeout_of_a_session_follows_it(node_dir, real_world):
    """Nobody is idle while the clock stands; when it is put forward, the session ends."""
    make_lab(str(node_dir))
    clock = open_lab(str(node_dir), real_world).clock
    clock.freeze(START)
    with Served(node_dir) as server:

        async def main():
            async with server.connect() as connection, Shell(connection) as shell:
                clock.advance(29 * 60)
                await shell("show cli pagination")
                clock.advance(29 * 60)
                await shell("show cli pagination")
                clock.advance(31 * 60)
                assert b"idle for too long" in await shell.rest()

        run(main())


def test_the_idle_timeout_of_a_console_follows_it(lab):
    """By the same look once a second."""
    node = Node.open(lab.layout.state, lab.outside)
    lab.clock.freeze(START)
    terminal = Terminal(Session(node), columns=80, idle_timeout=1800.0, clock=node.world)
    terminal.start((), 0.0)
    terminal.tick(5000.0)
    assert not terminal.ended
    assert terminal.deadline == 5001.0
    lab.clock.advance(1799.0)
    terminal.tick(5001.0)
    assert not terminal.ended
    lab.clock.advance(1.0)
    terminal.tick(5002.0)
    assert terminal.ended


SERVICE = "Cisco CDP"


@pytest.fixture
def slow(lab):
    """A node with services that take their time, on a clock that stands."""
    lab.clock.freeze(START)
    node = Node.open(lab.layout.state, lab.outside)
    with node.store.try_lock() as lock:
        node.change(lock, "test", "test", lambda change: change.put_settings({"speed": 1}))
    return node


class Restart:
    """`utils service restart` in steps, each pause of which passes really and not on the clock."""

    def __init__(self, node):
        self.execution = Session(node).execute(f"utils service restart {SERVICE}")
        self.said = ""

    def pauses(self, most=5):
        """Go on for so many pauses; whether it is over."""
        for _ in range(100):
            event = self.execution.step()
            if isinstance(event, Done):
                return True
            if isinstance(event, Pause):
                most -= 1
                if not most:
                    return False
            else:
                self.said += event.text
        raise AssertionError(self.said)


def test_a_restart_on_a_clock_that_stands_waits_for_it(slow, lab):
    """`lab clock show` says what is due; putting the clock forward gets there."""
    restart = Restart(slow)
    assert not restart.pauses(30)
    assert f"{SERVICE}[STARTED]" not in restart.said
    row = verb.run(lab.layout.state, ("clock", "show"), lab.outside).data
    assert row["due"]["service"] == SERVICE
    assert row["due"]["state"] == "STARTING"
    lab.clock.freeze(moment(row["due"]["at"]))
    assert not restart.pauses()
    assert f"{SERVICE}[STARTING]" in restart.said
    lab.clock.advance(60)
    assert restart.pauses()
    assert restart.said.endswith(f"{SERVICE}[STARTED]  \n")


def test_a_clock_that_is_set_back_under_a_restart_takes_nothing_back(slow, lab):
    """The services' time stands until the clock has come so far again."""
    restart = Restart(slow)
    assert not restart.pauses()
    lab.clock.advance(3)
    assert not restart.pauses()
    assert slow.services.state(SERVICE).state == "STARTING"
    lab.clock.advance(-40 * DAY)
    assert not restart.pauses()
    assert slow.services.state(SERVICE).state == "STARTING"
    other = Node.open(lab.layout.state, lab.outside)
    assert other.services.state(SERVICE).state in ("STARTING", "STOPPING")
    assert "Executed" not in Conversation(other)("utils service list")
    lab.clock.advance(41 * DAY)
    assert restart.pauses()
    assert slow.services.state(SERVICE).state == "STARTED"


def test_waiting_for_another_s_lock_takes_real_time(lab, real_world):
    """It ends by itself, while the clock of the node stands."""
    lab.clock.freeze(START)
    waited = []

    def patience():
        waited.append(None)
        return float(len(waited))

    node = Node.open(lab.layout.state, real_world.replace(patience=patience))
    execution = Session(node).execute("utils service auto-restart enable Cisco Tomcat")
    with node.store.try_lock():
        text = ""
        while not isinstance(event := execution.step(), Done):
            text += getattr(event, "text", "")
    assert "Another session is changing this node" in text


def test_a_terminal_goes_on_while_the_clock_stands(lab, real_world):
    """Its own deadlines are of the time that passes."""
    lab.clock.freeze(START)
    node = Node.open(lab.layout.state, real_world)
    terminal = Terminal(Session(node), columns=80, clock=node.world)
    terminal.start((), time.monotonic())
    said = bytearray()
    pump(terminal, said, bytearray(b"show cli pagination\r"))
    assert b"Automatic Pagination : On." in said


# --- the verb ---------------------------------------------------------------------------------


def test_the_verb_sets_and_shows_it(lab):
    """In words, and as data."""

    def say(*words):
        return list(verb.run(lab.layout.state, ("clock", *words), lab.outside).lines)

    assert say("show") == ["The clock shows 2026-11-18T11:06:40Z and is the machine's"]
    assert say("freeze", "2026-12-01") == ["The clock shows 2026-12-01T00:00:00Z and stands"]
    assert say("advance", "1d") == ["The clock shows 2026-12-02T00:00:00Z and stands"]
    assert say("run", "60") == [
        "The clock shows 2026-12-02T00:00:00Z and goes 60 times as fast as the machine's"
    ]
    assert say("freeze") == ["The clock shows 2026-12-02T00:00:00Z and stands"]
    assert say("real") == ["The clock shows 2026-11-18T11:06:40Z and is the machine's"]
    for words in (("run", "fast"), ("run", "0"), ("freeze", "never"), ("advance", "1"), ("stop",)):
        with pytest.raises(ShellError):
            say(*words)
    data = verb.run(lab.layout.state, ("clock", "show"), lab.outside).data
    assert data == {"now": "2026-11-18T11:06:40Z", "rate": 1.0, "real": True, "due": None}


def test_without_the_marker_a_clock_is_nothing(node, node_dir, world):
    """The file alone moves no clock."""
    LabClock(node.layout, world.now).freeze(START + DAY)
    other = Node.open(str(node_dir), world)
    assert other.now() == world.now()
    assert not other.world.movable
