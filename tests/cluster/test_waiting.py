"""Commands that use the bus, or another cluster, wait for it by `World.wait`, or are refused."""

import asyncio
import threading

import pytest
from harness import Conversation
from three_nodes import PASSWORD, Cluster
from two_clusters import PASSWORD as FEED_PASSWORD
from two_clusters import Peers
from waiting_gate import CROWDED, Gate, WatchedCluster

from cucmos_shell.cluster import membership
from cucmos_shell.frontends.steps import MAX_AWAY, THREADS, Steps, lend
from cucmos_shell.world.buses.memory import MemoryCluster

SHOWN = ("show network cluster", "utils dbreplication runtimestate", "utils diagnose test")


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def cluster(imp_template, tmp_path, keys, gate):
    """ann, bob and cay over a bus that must only be used by `wait`."""
    bus = WatchedCluster(gate)
    return Cluster(imp_template, tmp_path, keys, bus=bus, wait=gate).begin()


def state(cluster, name):
    """The node's own state, and what is on the bus."""
    return cluster.node(name).snapshot().head, dict(cluster.bus.items)


def test_the_bus_is_used_by_wait_only(cluster, gate, outside_ca):
    """Whatever a node does there."""
    cluster.upload("bob", "tomcat-trust", outside_ca.root("Root A").pem)
    cluster.settle()
    assert len(cluster.held("ann")) == 1
    for line in (*SHOWN, "show cert distribution", "show cluster peer"):
        before = gate.passed
        cluster.say("ann", line)
        assert gate.passed > before, line
    cluster.say("bob", "set cluster feed west", FEED_PASSWORD, FEED_PASSWORD)
    cluster.say("bob", "utils cluster rebuild", PASSWORD)
    cluster.say("ann", "utils cluster remove cay", "yes")
    cluster.say("bob", "utils cluster leave", "yes")
    assert membership.member(cluster.node("bob").snapshot()) is None


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        *((line, ()) for line in SHOWN),
        ("utils cluster sync", ()),
        ("utils cluster rebuild", (PASSWORD,)),
        ("utils cluster remove cay", ("yes",)),
        ("utils cluster leave", ("yes",)),
        ("set cluster feed west", (FEED_PASSWORD, FEED_PASSWORD)),
    ],
)
def test_where_too_many_wait_a_command_is_refused(cluster, gate, line, answers):
    """Before it has done anything: nobody is told, and nobody leaves without a word."""
    before, gate.shut = state(cluster, "ann"), True
    said = cluster.say("ann", line, *answers, status=4)
    assert CROWDED in said
    assert state(cluster, "ann") == before
    gate.shut = False
    cluster.say("ann", line, *answers)


def test_a_list_that_is_right_without_the_bus_says_why_it_is_not_whole(cluster, gate):
    gate.shut = True
    said = cluster.say("ann", "show cert distribution")
    assert CROWDED in said
    assert "tomcat-trust" in said


@pytest.mark.parametrize("line", ["utils cluster create dir:bus", "utils cluster join dir:bus"])
def test_nobody_enters_a_cluster_where_too_many_wait(imp_template, tmp_path, keys, gate, line):
    gate.shut = True
    cluster = Cluster(imp_template, tmp_path, keys, bus=WatchedCluster(gate), wait=gate)
    assert CROWDED in cluster.say("ann", line, PASSWORD, status=4)
    assert membership.member(cluster.node("ann").snapshot()) is None
    assert not cluster.bus.items


def test_another_cluster_is_not_asked_where_too_many_wait(imp_template, tmp_path, keys, gate):
    """And its standing is what it was: it has done nothing."""
    peers = Peers(imp_template, tmp_path, keys, wait=gate).begin()
    asked, gate.shut = list(peers.network.asked), True
    for line in ("utils cluster peer sync west", "set cluster peer west eve account other"):
        assert CROWDED in peers.say("ann", line, FEED_PASSWORD, "yes", status=4)
    assert peers.network.asked == asked
    assert CROWDED in peers.say("ann", "show cluster peer west")
    gate.shut = False
    assert "followed" in peers.say("ann", "show cluster peer west")


class SilentCluster(MemoryCluster):
    """What the buses of a cluster share, which are silent until `speak` is set; who has asked."""

    def __init__(self):
        super().__init__()
        self.speak = threading.Event()
        self.speak.set()
        self.asked = []

    def open(self, now):
        """One of its buses."""
        bus = super().open(now)
        alive = bus.who_is_alive

        def who_is_alive(prefix):
            self.asked.append(prefix)
            assert self.speak.wait(20)
            return alive(prefix)

        bus.who_is_alive = who_is_alive
        return bus


def test_a_bus_that_is_silent_holds_no_thread_of_the_pool(imp_template, tmp_path, keys):
    """As many ask it as may wait; one more is refused, and others are served as ever."""
    bus = SilentCluster()
    cluster = Cluster(imp_template, tmp_path, keys, ("ann",), bus=bus, wait=lend).begin()
    node, said, shown = cluster.node("ann"), [], []
    bus.speak.clear()
    del bus.asked[:]

    async def until(condition):
        while not condition():
            await asyncio.sleep(0.001)

    async def main():
        steps = Steps(asyncio.get_running_loop())

        def begin(whose, line, then):
            steps.begin(whose, lambda: Conversation(node)(line), then)

        try:
            for number in range(MAX_AWAY):
                begin(f"n:{number}", "show network cluster", said.append)
            await until(lambda: len(bus.asked) == MAX_AWAY)
            begin("n:late", "show network cluster", shown.append)
            await until(lambda: shown)
            assert "Too many commands wait for other servers" in shown.pop()
            for number in range(2 * THREADS):
                begin(f"n:other{number}", "show myself", shown.append)
            await until(lambda: len(shown) == 2 * THREADS)
            assert len(set(shown)) == 1
            assert not said
        finally:
            bus.speak.set()
            await until(lambda: not steps.running)
            steps.close()

    asyncio.run(main())
    assert len(said) == MAX_AWAY
    assert len(set(said)) == 1
    assert len(bus.asked) == MAX_AWAY
