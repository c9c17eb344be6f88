"""Members of an etcd that are killed and frozen under those who write: nothing acknowledged is lost.

A few rounds by default, more with `CUCMOS_SWEEP=all`.
"""

import contextlib
import signal
import threading
import time

import pytest
from bus_places import EtcdPlace
from etcd_servers import etcd_servers
from following import follow
from sweeping import every

from cucmos_shell.world.bus import BusAway, BusUnknown, BusWentBack, Put
from cucmos_shell.world.buses import open_bus

pytestmark = pytest.mark.slow
WRITERS = 4
ROUNDS = 6 // every(of=6)
# Seconds after which writing goes on at the latest.
GAP = 4.0


@pytest.fixture(scope="module")
def servers():
    with etcd_servers() as servers:
        yield servers


@pytest.fixture
def place(servers, memory_path, monkeypatch):
    monkeypatch.setattr("bus_places.shared_etcd", lambda: servers)
    with contextlib.closing(EtcdPlace(memory_path)) as place:
        yield place


class Writer(threading.Thread):
    """Puts 0, 1, 2 … into a key of its own; `said` has what was acknowledged, and when."""

    def __init__(self, place, number, over):
        super().__init__()
        self.key = f"w/{number}"
        self._bus, self._over = place.open(), over
        self.said, self.unknown, self.errors = [], [], []

    def run(self):
        number = 0
        while not self._over.is_set():
            try:
                revision = self._bus.change([], [Put(self.key, b"%d" % number)])
                self.said.append((number, revision, time.monotonic()))
            except BusUnknown:
                self.unknown.append(number)
            except Exception as error:
                self.errors.append(error)
                return
            number += 1


class Watcher(threading.Thread):
    """Hears what is written, through a bus of its own; `heard` has key, number, revision."""

    def __init__(self, place, over):
        super().__init__()
        self._bus = place.open()
        self._begin, self._over = self._bus.read("").revision, over
        self.heard, self.times = [], []

    def run(self):
        for change in follow(self._bus, "w/", self._begin, self._over.is_set, self._over.wait):
            self.heard += [(i.key, int(i.value), change.revision) for i in change.items]
            self.times.append(time.monotonic())


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@contextlib.contextmanager
def writing(place):
    """Writers and a watcher, looked at once they have ended."""
    over, deaf = threading.Event(), threading.Event()
    begin = place.open().read("").revision
    watcher = Watcher(place, deaf)
    writers = [Writer(place, number, over) for number in range(WRITERS)]
    for thread in (watcher, *writers):
        thread.start()
    try:
        until(lambda: all(len(writer.said) > 20 for writer in writers))
        yield writers, watcher
    finally:
        over.set()
        for writer in writers:
            writer.join(60)
        with contextlib.suppress(AssertionError, IndexError):
            last = max(writer.said[-1][1] for writer in writers)
            until(lambda: watcher.heard and watcher.heard[-1][2] >= last)
        deaf.set()
        watcher.join(60)
    look(place, begin, writers, watcher)


def look(place, begin, writers, watcher):
    """Acknowledged is there, once, in its order; the watcher has heard all of it."""
    told = [
        (item.key, int(item.value), change.revision)
        for change in place.open().since("w/", begin)
        for item in change.items
    ]
    assert watcher.heard == told
    assert [revision for *_, revision in told] == sorted({revision for *_, revision in told})
    for writer in writers:
        assert writer.errors == []
        mine = [(number, revision) for key, number, revision in told if key == writer.key]
        numbers = [number for number, _ in mine]
        assert numbers == sorted(set(numbers))
        said = [(number, revision) for number, revision, _ in writer.said]
        assert set(said) <= set(mine)
        assert {number for number, _ in set(mine) - set(said)} <= set(writer.unknown)


def gap(writers, since):
    """The longest time after that moment in which nothing was acknowledged."""
    times = sorted(moment for writer in writers for *_, moment in writer.said if moment > since)
    return max(b - a for a, b in zip([since, *times], times, strict=False))


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_leader_goes_under_writers(place, servers, how, number):
    """Killed, or frozen and back later: writing goes on, and what it had in hand comes to nothing
    or is said."""
    leader = servers.leader()
    with writing(place) as (writers, watcher):
        moment = time.monotonic()
        if how == "killed":
            servers.kill(leader)
        else:
            servers.signal(leader, signal.SIGSTOP)
        count = [len(writer.said) + 20 for writer in writers]
        until(lambda: all(len(w.said) > n for w, n in zip(writers, count, strict=True)))
        heard = len(watcher.heard)
        if how == "killed":
            servers.start(leader)
        else:
            servers.signal(leader, signal.SIGCONT)
            servers.wait()
        until(lambda: len(watcher.heard) > heard + 50)
    waited = gap(writers, moment)
    print(f"{how}: {sum(len(w.said) for w in writers)} acknowledged, "
          f"{sum(len(w.unknown) for w in writers)} unknown, {waited:.1f} s without")  # fmt: skip
    assert waited < GAP


def test_a_follower_goes_under_writers(place, servers):
    """Whoever has asked it asks another one."""
    follower = (servers.leader() + 1) % 3
    with writing(place) as (writers, _):
        moment = time.monotonic()
        servers.signal(follower, signal.SIGSTOP)
        count = [len(writer.said) + 50 for writer in writers]
        until(lambda: all(len(w.said) > n for w, n in zip(writers, count, strict=True)))
        servers.signal(follower, signal.SIGCONT)
    assert gap(writers, moment) < GAP


def test_without_a_majority_nothing_is_changed(place, servers):
    """Away or unknown by the deadline; nothing is told as done. Then it goes on."""
    leader = servers.leader()
    others = [number for number in range(3) if number != leader]
    bus = open_bus(place.address, str(place.folder), place.clock)
    bus._seconds = 3.0
    begin = bus.change([], [Put("k", b"0")])
    for number in others:
        servers.signal(number, signal.SIGSTOP)
    try:
        for use, error in (
            (bus.identity, BusAway),
            (lambda: bus.change([], [Put("k", b"1")]), BusUnknown),
        ):
            moment = time.monotonic()
            with pytest.raises(error):
                use()
            assert time.monotonic() - moment < 5
    finally:
        for number in others:
            servers.signal(number, signal.SIGCONT)
    servers.wait()
    bus._seconds = 10.0
    bus.change([], [Put("k", b"2")])
    values = [change.items[0].value for change in bus.since("k", begin)]
    assert values in ([b"2"], [b"1", b"2"])
    bus.close()


def test_all_frozen_and_back(place, servers):
    """Who reads is told by the deadline, who follows hears of it and may go on later."""
    bus = place.open()
    bus._seconds = 2.0
    revision = bus.change([], [Put("k", b"")])
    for number in range(3):
        servers.signal(number, signal.SIGSTOP)
    try:
        moment = time.monotonic()
        with pytest.raises(BusAway):
            bus.identity()
        assert time.monotonic() - moment < 4
    finally:
        for number in range(3):
            servers.signal(number, signal.SIGCONT)
    servers.wait()
    assert bus.since("", revision) == ()


def test_members_lose_their_disks_together(place, servers):
    """A restore of the whole etcd under an open bus that has seen more: it went back."""
    bus = place.open()
    place.keep()
    bus.change([], [Put("k", b"")])
    place.put_back()
    with pytest.raises(BusWentBack):
        bus.read("")
