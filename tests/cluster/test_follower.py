"""The follower: one node of a cluster reads the feeds of its peers, at once and again and again."""

import pytest

from cucmos_shell.cluster.membership import member
from cucmos_shell.frontends.follower import FAILED, LINE, MOST, PEER_LOOK, Follower
from cucmos_shell.node.tasks.presence import LEASE
from cucmos_shell.node.tasks.presence import alive as alive_now

WHOLE, SINCE = "/cluster/v1/feed", "/cluster/v1/feed?since="


@pytest.fixture
def asked(peers):
    """What is asked of west from here on."""
    peers.network.asked.clear()
    return peers.network.asked


def alive(peers, *names):
    """So many nodes of east show that they are there, in their order."""
    for name in names:
        node = peers.east.node(name)
        alive_now(node, peers.east.bus.open(peers.east.clock), member(node.snapshot()))


def leader(peers):
    """The node of east that follows, and the other one."""
    ids = {n: member(peers.east.node(n).snapshot()).node for n in ("ann", "bob")}
    return sorted(ids, key=ids.get)


def tick(peers, follower, seconds):
    """As many looks as there are in so many seconds, with the nodes of east alive."""
    clock = peers.east.clock
    until = clock() + seconds
    while clock() < until:
        clock.sleep(follower.tick())
        alive(peers, "ann", "bob")


def test_one_node_follows(peers, asked):
    """The first of those that are there; the next one when it is gone, or its service is."""
    first, second = leader(peers)
    followers = {name: Follower(peers.east.node(name)) for name in (first, second)}
    alive(peers, first, second)
    followers[second].tick()
    assert asked == []
    followers[first].tick()
    assert asked == [WHOLE]
    peers.east.clock.sleep(LEASE + 1)
    alive(peers, second)
    followers[second].tick()
    assert asked == [WHOLE] * 2
    alive(peers, first)
    peers.say(first, "utils service stop Cisco Intercluster Sync Agent")
    followers[first].tick()
    assert asked == [WHOLE] * 2


def test_at_once_and_then_again(peers, asked, outside_ca):
    """What has changed is asked for often, the whole every thirty minutes; the audit log has it."""
    first, _ = leader(peers)
    follower = Follower(peers.east.node(first))
    alive(peers, "ann", "bob")
    tick(peers, follower, 10 * PEER_LOOK)
    assert asked[0] == WHOLE
    assert 8 <= len(asked[1:]) <= 10
    assert all(path.startswith(SINCE) for path in asked[1:])
    peers.west.upload("fay", "tomcat-trust", outside_ca.root("New").pem)
    peers.west.settle()
    tick(peers, follower, 2 * PEER_LOOK)
    assert len(peers.east.held(first)) == 1
    asked.clear()
    tick(peers, follower, 1900)
    assert asked.count(WHOLE) == 1
    with open(peers.east.node(first).layout.audit_log(), encoding="ascii") as log:
        assert log.read().count(f"canonical=[{LINE.format('west')}] account=agent") == 2 * 3


def test_a_silent_peer_is_asked_less_and_less(peers, asked):
    """Each time after twice as long, half an hour at most; then as before."""
    first, _ = leader(peers)
    follower = Follower(peers.east.node(first))
    alive(peers, "ann", "bob")
    peers.network.liars["eve"] = lambda question: b""
    tick(peers, follower, 4 * MOST)
    assert 7 <= len(asked) <= 10
    assert asked == [WHOLE] * len(asked)
    peers.network.liars.clear()
    tick(peers, follower, MOST + 2 * FAILED)
    assert len(asked) > 12


def test_a_peer_that_was_set_anew_is_read_at_once(peers, asked):
    """However long it was silent."""
    first, _ = leader(peers)
    follower = Follower(peers.east.node(first))
    alive(peers, "ann", "bob")
    peers.network.down.add("eve")
    tick(peers, follower, 600)
    peers.network.down.clear()
    peers.say(first, "set cluster peer west fay account other", "Gold-Meadow8", "yes")
    asked.clear()
    tick(peers, follower, 1)
    assert asked == [WHOLE]


def test_nothing_is_asked_without_a_peer(peers, asked):
    """Nor after it was deleted."""
    first, _ = leader(peers)
    follower = Follower(peers.east.node(first))
    peers.say(first, "delete cluster peer west")
    alive(peers, "ann", "bob")
    tick(peers, follower, 100)
    assert asked == []
