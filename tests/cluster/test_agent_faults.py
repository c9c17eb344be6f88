"""Faults of the agent of a node: a round comes later or not at all, and deletions come back."""

import pytest

from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import make_lab, open_lab
from cucmos_shell.world.fault_forms import fault_of
from cucmos_shell.world.faults import CLUSTER, POINTS

TESTED = {
    "agent.round": {"delay", "skip"},
    "agent.apply": {"delay", "skip", "trust-delete-returns"},
}
SYNC, LOOK = "utils cluster sync", "utils cluster peer sync"


@pytest.fixture
def peers(peers):
    """ann, bob, eve and fay, all of them nodes of a lab."""
    for cluster in (peers.east, peers.west):
        for name in cluster.talks:
            make_lab(str(cluster.folder / name))
            cluster.open(name)
    return peers


@pytest.fixture
def root(peers, outside_ca):
    """A root that ann has uploaded, and all have."""
    made = outside_ca.root("Root A")
    peers.east.upload("ann", "tomcat-trust", made.pem)
    peers.settle()
    return made


def faults(peers, name):
    node: Node = peers.of(name).node(name)
    return open_lab(node.state_dir, node.world).faults


def put(peers, name, at, do, **more):
    faults(peers, name).add(fault_of("it", {"at": at, "do": do, **more}))


def test_every_fault_of_the_agent_has_its_test():
    """The table and the tests know the same."""
    points = {p.name: {a.name for a in p.actions} for p in POINTS.values() if p.where == CLUSTER}
    assert points == TESTED


@pytest.mark.parametrize("at", TESTED)
def test_a_round_that_is_skipped(peers, root, at):
    """Its node goes on with what it has; the next round brings the rest."""
    peers.say("ann", "set cert delete tomcat-trust Root_A.pem", "yes")
    peers.say("ann", SYNC)
    put(peers, "bob", at, "skip", times=1, node="bob")
    said = peers.say("bob", SYNC, status=4)
    assert "was skipped, as a fault of the lab wants it" in said
    assert peers.east.held("bob")
    assert faults(peers, "bob").hits("it").fired == 1
    peers.say("bob", SYNC)
    assert not peers.east.held("bob")


@pytest.mark.parametrize("at", TESTED)
def test_a_round_that_comes_later(peers, root, at):
    """By so many seconds."""
    peers.say("ann", "set cert delete tomcat-trust Root_A.pem", "yes")
    peers.say("ann", SYNC)
    put(peers, "bob", at, "delay", seconds=90, times=1)
    begun = peers.east.clock()
    peers.say("bob", SYNC)
    assert peers.east.clock() >= begun + 90
    assert not peers.east.held("bob")


@pytest.mark.parametrize("at", TESTED)
def test_a_look_at_a_peer_that_is_skipped(peers, root, outside_ca, at):
    """Rounds with the node's own cluster go on."""
    peers.west.upload("fay", "tomcat-trust", outside_ca.root("Root B").pem)
    peers.west.settle()
    put(peers, "ann", at, "skip", peer="west")
    peers.say("ann", SYNC)
    peers.say("ann", LOOK, status=4)
    assert len(peers.east.held("ann")) == 1
    faults(peers, "ann").reset()
    peers.say("ann", LOOK)
    assert len(peers.east.held("ann")) == 2


def test_a_deletion_comes_back(peers, root):
    """As in release 9.1, from the node whose agent does it, as often as somebody deletes."""
    put(peers, "bob", "agent.apply", "trust-delete-returns")
    for _ in range(2):
        peers.say("ann", "set cert delete tomcat-trust Root_A.pem", "yes")
        peers.say("ann", SYNC)
        assert not peers.east.held("ann")
        peers.say("bob", SYNC)
        peers.say("ann", SYNC)
        assert peers.east.held("ann") == peers.east.held("bob") != set()
    faults(peers, "bob").reset()
    peers.say("ann", "set cert delete tomcat-trust Root_A.pem", "yes")
    peers.settle()
    assert not peers.east.held("ann") | peers.east.held("bob")


def test_what_helps_against_it_in_release_9_1(peers, root):
    """The service is stopped on all nodes, and the certificate deleted on each."""
    service = "Cisco Intercluster Sync Agent"
    for name in ("ann", "bob"):
        put(peers, name, "agent.apply", "trust-delete-returns")
        peers.say(name, f"utils service stop {service}")
    for name in ("ann", "bob"):
        peers.say(name, "set cert delete tomcat-trust Root_A.pem", "yes")
    for name in ("ann", "bob"):
        peers.say(name, f"utils service start {service}")
    peers.east.settle()
    assert not peers.east.held("ann") | peers.east.held("bob")
