"""Many nodes in one process: they share its threads."""

import asyncio
import inspect
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

import asyncssh
import pytest
from harness import clock_world
from ssh_server import PASSWORD, Served, run

from cucmos_shell.frontends.host import MAX_RUNS, Host
from cucmos_shell.frontends.sshd.door import Door
from cucmos_shell.frontends.sshd.watch import Watch
from cucmos_shell.frontends.steps import EACH, NODE
from cucmos_shell.node import Node
from cucmos_shell.world import World

MANY = [sys.executable, "-I", str(pathlib.Path(__file__).parents[1] / "support" / "many_nodes.py")]
NODES, MOST_THREADS = 20, 20


@pytest.fixture
def folders(imp_template, tmp_path):
    """State folders with host keys and an administrator."""
    first = shutil.copytree(imp_template, tmp_path / "node-0", symlinks=True)
    with Served(first):
        pass
    every = [tmp_path / f"node-{i}" for i in range(NODES)]
    for path in every[1:]:
        shutil.copytree(first, path, symlinks=True)
    return every


def test_nodes_share_the_threads_of_their_process(folders):
    """However many nodes look after themselves, and whoever comes meanwhile."""
    with subprocess.Popen([*MANY, *folders], stdout=subprocess.PIPE, text=True) as server:
        ports = [int(port) for port in server.stdout.readline().split()]
        threads = set()

        async def main():
            for port in ports:
                async with asyncssh.connect(
                    "127.0.0.1", port, username="admin", password=PASSWORD, known_hosts=None,
                    config=None, client_keys=None, agent_path=None,
                ) as connection:  # fmt: skip
                    done = await connection.run("show cli pagination")
                    assert done.stdout == "Automatic Pagination : On.\n"
                threads.update(os.listdir(f"/proc/{server.pid}/task"))

        run(main())
        assert len(threads) <= MOST_THREADS
        server.send_signal(signal.SIGTERM)
    assert server.returncode == 0
    for folder in folders:
        assert "admin" in (folder / "log/platform/log/cli00001.log").read_text()


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
