"""A cluster of release 15: what only the publisher has reaches the others as copies."""

import pathlib

from harness import Conversation, Keys, clock_world
from three_nodes import PASSWORD

from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.world.buses.memory import MemoryCluster


def a_cluster(tmp_path, product):
    """What speaks to a publisher and to a subscriber of a new cluster."""
    bus = MemoryCluster()
    world, _ = clock_world(
        Keys(),
        open_bus=lambda address, base, now: bus.open(now),
        create_bus=lambda address, base, now: bus.open(now),
    )
    told = {}
    for host, last, role in (("ann", 11, "Publisher"), ("bob", 12, "Subscriber")):
        place = {"hostname": host, "ip": f"192.0.2.{last}", "role": role}
        install(str(tmp_path / host), product, world, speed=0, **place)
        told[host] = Conversation(Node.open(str(tmp_path / host), world))
    told["ann"]("utils cluster create dir:bus", PASSWORD)
    told["bob"]("utils cluster join dir:bus", PASSWORD)
    return told["ann"], told["bob"]


def test_units_of_the_publisher_are_known_on_a_subscriber(tmp_path):
    """By the certificate, which is new there when it is new on the publisher."""
    ann, bob = a_cluster(tmp_path, "ucm-15")

    def hashes_there():
        for say in (bob, ann, bob):
            say("utils cluster sync")
        return {row.sha256 for row in bob.node.snapshot().trust("CallManager-trust")}

    def hashes_here():
        return {ann.node.snapshot().own(unit).row.sha256 for unit in ("CAPF", "ITLRecovery")}

    before = hashes_here()
    assert before <= hashes_there()
    ann("set cert regen CAPF", "yes")
    ann("set cert regen ITLRecovery", "yes")
    after = hashes_there()
    assert hashes_here() <= after
    assert not before & after
    assert "Subscriber callmanager DBSub" in bob("show network cluster")


def test_cas_that_the_product_knows_come_and_go_on_all_nodes(tmp_path):
    """Where their trust store is distributed: what only the publisher's own store has, stays."""
    profile = pathlib.Path(__file__).parents[1] / "transcripts" / "ucm-15-cas.yaml"
    ann, bob = a_cluster(tmp_path, str(profile))
    maker = "Example Maker CA"

    def stores(say):
        snapshot = say.node.snapshot()
        places = say.node.profile.trust_stores
        return {name for name in places for row in snapshot.trust(name) if row.common_name == maker}

    def sync():
        for say in (ann, bob, ann, bob):
            say("utils cluster sync")

    sync()
    for how, there in (
        ("disable", {"CAPF-trust"}),
        ("enable", {"CAPF-trust", "CallManager-trust"}),
    ):
        ann(f"set cert default-ca-list {how} common-name", maker, "yes")
        assert ann.status == 0
        sync()
        assert stores(bob) == there
    assert stores(ann) == {"CAPF-trust", "CallManager-trust"}
    assert "on the publisher only" in bob("set cert default-ca-list enable all")
