"""Many nodes in one process: they share its threads."""

import asyncio
import inspect
import os
import shutil
import threading

import pytest
from harness import clock_world
from served_inventory import ServedInventory
from ssh_server import run

from cucmos_shell.frontends.host import MAX_RUNS, Host
from cucmos_shell.frontends.sshd.door import Door
from cucmos_shell.frontends.sshd.watch import Watch
from cucmos_shell.frontends.steps import EACH, NODE
from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.world import World

NODES, MOST_THREADS = 20, 20
LAB = f"""defaults: {{admin-password-file: password, listen: 127.0.34.1}}
nodes: [{{name: n, count: {NODES}}}]
"""


@pytest.fixture
def lab(world, tmp_path):
    """The folder of an inventory whose nodes are there, without waiting for new keys."""
    (tmp_path / "lab.yaml").write_text(LAB)
    for i in range(NODES):
        name = f"n-{i + 1}"
        install(str(tmp_path / "nodes" / name), "imp-9.1", world, hostname=name, speed=0)
    return tmp_path


def test_nodes_share_the_threads_of_their_process(lab):
    """However many nodes look after themselves, and whoever comes meanwhile."""
    with ServedInventory(lab) as served:
        threads = set()

        async def main():
            for name in served.addresses:
                said = await served.ask(name, "show cli pagination")
                assert said == "Automatic Pagination : On.\n"
                threads.update(os.listdir(f"/proc/{served.process.pid}/task"))

        run(main())
        assert len(threads) <= MOST_THREADS
        assert served.stop() == (0, "")
    for name in served.addresses:
        log = lab / "nodes" / name / "log/platform/log/cli00001.log"
        assert "admin" in log.read_text()


def test_few_nodes_at_once_look_after_themselves(imp_template, tmp_path, keys):
    """The others wait for their turn."""
    world, clock = clock_world(keys)
    at_it, go_on = set(), threading.Event()

    def now():
        if calls := [one for one in inspect.stack(0) if one.function == "tick"]:
            at_it.add(id(calls[0].frame))
            go_on.wait(20)
        return clock()

    folders = [tmp_path / f"node-{i}" for i in range(2 * MAX_RUNS)]
    for folder in folders:
        shutil.copytree(imp_template, folder, symlinks=True)

    async def main():
        host = Host()
        nodes = [Node.open(str(folder), world.replace(now=now)) for folder in folders]
        watch = Watch([Door(node, host) for node in nodes], host, wait=0)
        await watch.start()
        while len(at_it) < MAX_RUNS:
            await asyncio.sleep(0)
        assert await host.off_loop(NODE, lambda: "seen") == "seen"
        assert len(at_it) == MAX_RUNS
        go_on.set()
        watch.stop()

    run(main())


def test_an_account_of_the_same_name_on_another_node_is_somebody_else(tmp_path, imp_template):
    """Its steps do not wait for those of the other, and it has turns of its own."""
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        shutil.copytree(imp_template, folder, symlinks=True)
    go_on = threading.Event()

    async def main():
        host = Host()
        one, other = (Door(Node.open(str(folder), World.real()), host) for folder in folders)
        for _ in range(EACH):
            host.work(one.whose("admin"), lambda: go_on.wait(20), lambda done: None)
        assert await host.off_loop(other.whose("admin"), lambda: "done") == "done"
        go_on.set()
        mine, theirs = (host.turns.account(door.whose("admin")) for door in (one, other))
        assert mine is not theirs
        assert mine is host.turns.account(one.whose("admin"))

    run(main())
