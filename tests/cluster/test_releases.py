"""A cluster of release 15: what only the publisher has reaches the others as copies."""

from harness import Conversation, Keys, clock_world
from three_nodes import PASSWORD

from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.world.buses.memory import MemoryCluster


def test_units_of_the_publisher_are_known_on_a_subscriber(tmp_path):
    """By the certificate, which is new there when it is new on the publisher."""
    bus = MemoryCluster()
    world, _ = clock_world(
        Keys(),
        open_bus=lambda address, base, now: bus.open(now),
        create_bus=lambda address, base, now: bus.open(now),
    )
    told = {}
    for host, last, role in (("ann", 11, "Publisher"), ("bob", 12, "Subscriber")):
        place = {"hostname": host, "ip": f"192.0.2.{last}", "role": role}
        install(str(tmp_path / host), "ucm-15", world, speed=0, **place)
        told[host] = Conversation(Node.open(str(tmp_path / host), world))
    ann, bob = told["ann"], told["bob"]
    ann("utils cluster create dir:bus", PASSWORD)
    bob("utils cluster join dir:bus", PASSWORD)

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
