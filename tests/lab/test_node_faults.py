"""The node itself goes wrong: it is down, or restarts in the middle of something."""

import asyncssh
import pytest
from ssh_server import Shell, run
from three_nodes import NAMES, Cluster

from cucmos_shell.cluster import membership
from cucmos_shell.frontends.agent import Agent
from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import make_lab, open_lab
from cucmos_shell.node.tasks.presence import LEASE
from cucmos_shell.world.fault_forms import fault_of

LINE = "show cli pagination"
ANSWER = "Automatic Pagination : On.\n"
DOWN = {"at": "node", "do": "down"}


async def asked(served):
    async with served.connect() as connection:
        return (await connection.run(LINE)).stdout


def test_nobody_reaches_a_node_that_is_down(served, faults):
    """Who is there is put out, connections are reset, and afterwards all is as ever."""

    async def main():
        async with served.connect() as connection, Shell(connection) as shell:
            faults.add(fault_of("it", DOWN))
            with pytest.raises(asyncssh.ConnectionLost):
                await shell.rest()
        for _ in range(3):
            with pytest.raises((ConnectionResetError, asyncssh.ConnectionLost)):
                await asked(served)

    run(main())
    done = served.run(LINE)
    assert (done.returncode, "The node is down" in done.stdout) == (4, True)
    # It has happened once, however many have noticed; and once to the program.
    assert faults.hits("it").fired == 2
    faults.remove("it")
    assert run(asked(served)) == ANSWER


def test_a_command_that_reboots_the_node_does_nothing_else(served, faults, real_world):
    """The other sessions end, too; the node comes back."""
    faults.add(fault_of("it", {"at": "node", "do": "reboot-on", "words": "set cert regen *"}))
    node = Node.open(str(served.node_dir), real_world)
    before, head = node.services.booted(), node.snapshot().head

    async def main():
        async with served.connect() as connection, Shell(connection) as other:
            assert ANSWER.strip() in await other(LINE)
            done = await connection.run("--yes set cert regen cup")
            assert "The node has been restarted: this session is over" in done.stdout
            assert done.exit_status == 1
            assert b"restarted" in await other.rest()
        return await asked(served)

    assert run(main()) == ANSWER
    assert node.snapshot().head == head
    assert node.services.booted() > before


@pytest.fixture
def cluster(imp_template, tmp_path, keys):
    return Cluster(imp_template, tmp_path, keys).begin()


def test_the_agent_of_a_node_that_is_down_does_nothing(cluster, outside_ca):
    """It is not shown as alive any more; what is said meanwhile arrives when it is up again."""
    first, second, _ = NAMES
    state = str(cluster.folder / second)
    make_lab(state)
    cluster.open(second)
    faults, agent = open_lab(state, cluster.world).faults, Agent(cluster.node(second))
    agent.tick()

    key = f"alive/{membership.member(cluster.node(second).snapshot()).node}"

    def alive():
        return len(cluster.bus.open(cluster.clock).who_is_alive(key))

    assert alive() == 1
    faults.add(fault_of("it", DOWN))
    cluster.upload(first, "tomcat-trust", outside_ca.root("Root A").pem)
    cluster.settle(first)
    cluster.clock.sleep(2 * LEASE)
    for _ in range(3):
        agent.tick()
    assert (alive(), cluster.held(second)) == (0, set())
    assert faults.hits("it").fired == 1
    faults.reset()
    agent.tick()
    assert alive() == 1
    assert cluster.held(second) == cluster.held(first) != set()
    agent.end()
