"""Whatever waits for somebody outside is run by `World.wait`, without anybody thinking of it."""

import socket

import pytest
from sftp_server import PASSWORD, USER, SftpServer
from waiting_gate import Gate, WatchedBus

from cucmos_shell.errors import Busy
from cucmos_shell.results import Pause, Progress
from cucmos_shell.world import World
from cucmos_shell.world.bus import Bus, Put
from cucmos_shell.world.buses.memory import MemoryCluster
from cucmos_shell.world.sftp import PIECE_SECONDS, SftpClient
from cucmos_shell.world.world import GIVE_BUS, GIVE_CLIENT, WAIT

# What looks at this machine alone, and is there at once: clocks, keys, its own files.
AT_ONCE = {
    "now", "monotonic", "patience", "new_key", "new_serial", "boot", "movable", "fault",
    "check_bus_files",
}  # fmt: skip


@pytest.fixture
def gate():
    return Gate()


def test_each_part_of_the_world_says_whether_it_waits():
    """A new one has to, here or there."""
    assert AT_ONCE | {*WAIT, *GIVE_BUS, *GIVE_CLIENT, "wait"} == set(World._fields)
    assert len(AT_ONCE) + len(WAIT) + len(GIVE_BUS + GIVE_CLIENT) + 1 == len(World._fields)


@pytest.mark.parametrize("name", WAIT)
def test_a_function_that_waits_is_run_by_wait(name, gate, real_world):
    """What it is given and what it gives is the same; where it may not wait, it does not begin."""
    given = []
    here = lambda *some: given.append((some, gate.inside)) or "given"  # noqa: E731
    world = real_world.replace(wait=gate, **{name: here}).waiting()
    assert getattr(world, name)(1, "two") == "given"
    gate.shut = True
    with pytest.raises(Busy):
        getattr(world, name)(3)
    assert given == [((1, "two"), 1)]


CALLS = {
    "identity": (),
    "read": ("a",),
    "change": ([], [Put("a", b"1")]),
    "since": ("a", 0),
    "compact": (0,),
    "alive": ("a", b"1", 5.0),
    "who_is_alive": ("a",),
}


@pytest.mark.parametrize("opens", GIVE_BUS)
def test_each_call_of_a_bus_is_run_by_wait(opens, gate, real_world):
    """But for its end, which comes whoever waits."""
    assert {*CALLS, "close"} == {name for name in vars(Bus) if name[0] != "_"}
    there = MemoryCluster()
    give = lambda address, base, now: WatchedBus(there.open(now), gate)  # noqa: E731
    world = real_world.replace(wait=gate, **{opens: give}).waiting()
    bus = getattr(world, opens)("dir:bus", "", world.now)
    for name, given in CALLS.items():
        before = gate.passed
        getattr(bus, name)(*given)
        assert gate.passed == before + 1
    assert bus.read("a") == there.open(world.now).read("a")
    assert bus.read("a").items[0].value == b"1"
    gate.shut = True
    for name, given in CALLS.items():
        with pytest.raises(Busy):
            getattr(bus, name)(*given)
    bus.close()


def test_without_anybody_to_lend_to_nothing_is_between(real_world):
    assert real_world.waiting() is real_world


def ended(conversation):
    """What a conversation gives, and the seconds it pauses for."""
    pauses = []
    while True:
        try:
            step = next(conversation)
        except StopIteration as stop:
            return stop.value, pauses
        if isinstance(step, Pause):
            pauses.append(step.seconds)


def test_an_sftp_client_waits_by_it(gate, real_world, tmp_path):
    """Where it may not, it goes on a little at a time, and pauses without a thread."""
    (tmp_path / "here").write_bytes(b"x" * 300_000)
    world = real_world.replace(wait=gate, sftp=SftpClient).waiting()
    with SftpServer(tmp_path) as server:
        client = world.sftp("127.0.0.1", server.port)
        key, _ = ended(client.host_key())
        ended(client.connect(USER, PASSWORD, key))
        before = gate.passed
        data, pauses = ended(client.get("here", 1_000_000))
        assert gate.passed > before
        assert set(pauses) <= {0.0}
        gate.shut, before = True, gate.passed
        again, pauses = ended(client.get("here", 1_000_000))
        assert data == again == b"x" * 300_000
        assert set(pauses) <= {PIECE_SECONDS}
        client.close()
        assert gate.passed == before
        with pytest.raises(Busy):
            world.sftp("127.0.0.1", server.port)


def test_an_sftp_client_that_may_not_wait_pauses(gate, real_world):
    """For a server that is silent; given up, it leaves at once."""
    world = real_world.replace(wait=gate, sftp=SftpClient).waiting()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = world.sftp(*silent.getsockname())
        gate.shut, before = True, gate.passed
        asking = client.host_key()
        assert isinstance(next(asking), Progress)
        assert [next(asking).seconds for _ in range(5)] == [PIECE_SECONDS] * 5
        asking.close()
        client.close()
    assert gate.passed == before
