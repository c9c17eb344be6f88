"""Many nodes for a test, served by one process."""

import asyncio

import asyncssh
import pytest
from ssh_server import run

from cucmos_shell.errors import ProfileError
from cucmos_shell.testing import Inventory

LAB = """defaults: {profile: imp-9.1, speed: 0, listen: 127.0.40.1}
nodes: [{name: n, count: 2}]
clusters: [{name: pub, nodes: 2}]
"""
LINE = "show cli pagination"


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    file = tmp_path_factory.mktemp("kit") / "lab.yaml"
    file.write_text(LAB)
    with Inventory(file) as made:
        yield made


async def asked(node, line):
    async with asyncssh.connect(**node.ssh.asyncssh()) as connection:
        return (await connection.run(line)).stdout


def test_nodes_have_names_and_addresses(inventory):
    """In the order of the file; each is a node as any other."""
    assert list(inventory) == ["n-1", "n-2", "pub", "pub-sub1"]
    assert len(inventory) == 4
    assert inventory["n-2"] is inventory["n-2"]
    assert "n-3" not in inventory
    hosts = [node.ssh.host for node in inventory.values()]
    assert hosts == ["127.0.40.1", "127.0.40.2", "127.0.40.3", "127.0.40.4"]
    assert inventory["n-1"].json("show network cluster")[0]["hostname"] == "n-1"
    assert [node.state.name for node in inventory.cluster("pub")] == ["pub", "pub-sub1"]
    for name in ("", "n-1"):
        with pytest.raises(KeyError):
            inventory.cluster(name)


def test_all_are_reached_at_once(inventory):
    async def main():
        return await asyncio.gather(*(asked(node, LINE) for node in inventory.values()))

    assert run(main()) == ["Automatic Pagination : On.\n"] * 4
    assert [one.line for one in inventory["n-2"].commands()][-1] == LINE


def test_what_goes_wrong_does_so_on_one(inventory):
    with (
        inventory["n-1"].fault("node", "down"),
        pytest.raises((ConnectionResetError, asyncssh.ConnectionLost)),
    ):
        run(asked(inventory["n-1"], LINE))
    assert run(asked(inventory["n-2"], LINE))
    inventory["n-1"].stop()
    assert run(asked(inventory["n-1"], LINE))


def test_the_agents_of_a_cluster_run_in_the_server(inventory):
    """What one node is given, the other has by itself."""
    first, second = inventory.cluster("pub")
    assert first.ssh
    assert first.run("set cert import trust tomcat", first.ca.chain_pem).ok
    names = {row["name"] for row in first.json("show cert list trust")}

    def arrived(node):
        return names <= {row["name"] for row in node.json("show cert list trust")}

    second.wait(arrived, 30)


def test_it_is_found_again(inventory):
    """Nobody else may have a node meanwhile, but may look at the file."""
    with Inventory(inventory.file) as again:
        assert list(again) == list(inventory)


def test_a_mistake_in_the_file_is_told(tmp_path):
    (tmp_path / "lab.yaml").write_text("nodes: [{}]")
    with pytest.raises(ProfileError, match="name: is missing"):
        Inventory(tmp_path / "lab.yaml")
