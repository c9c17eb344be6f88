"""A feed over a real port of TLS: the server offers it, and an agent of another cluster follows."""

import hashlib
import json
import subprocess
import time

import pytest
from harness import Conversation, clock_world
from ssh_server import PROGRAM, Served

from cucmos_shell.frontends.cluster import init_cluster
from cucmos_shell.node import Node
from cucmos_shell.store.paths import Layout
from cucmos_shell.world.https import HttpsQuestion, certificate, get
from cucmos_shell.world.unanswered import Unanswered

SECRET = "Gold-Meadow8"
PATIENCE = 60


class Land:
    """Two clusters of one node each, in folders."""

    def __init__(self, folder, keys):
        world, self.clock = clock_world(keys, start=time.time())
        self.world = world.replace(
            sleep=time.sleep, monotonic=time.monotonic, patience=time.monotonic
        )
        self.nodes = {}
        for name in ("east", "west"):
            (self.nodes[name],) = init_cluster(
                str(folder / name), "imp-9.1", self.world, count=1, speed=0.0,
                progress=lambda line: None,
            )  # fmt: skip

    def say(self, name, line, *answers):
        talk = Conversation(Node.open(self.nodes[name], self.world))
        answer = talk(line, *answers)
        assert talk.status == 0, answer
        return answer


@pytest.fixture
def land(tmp_path, keys):
    land = Land(tmp_path, keys)
    for name in land.nodes:
        land.say(name, "utils cluster sync")
    land.say("west", "set cluster feed east", SECRET, SECRET)
    return land


def port_of(node_dir):
    with open(Layout(node_dir).tls_ports, encoding="ascii") as file:
        return json.load(file)["Cisco Tomcat"]["8443"]


def test_an_agent_follows_a_server(land, outside_ca):
    """What is uploaded there comes here, by the agent; who may not read is told so."""
    root = outside_ca.root("Root A")
    with Served(land.nodes["west"], "--tls-ports", "0") as served:
        port = port_of(land.nodes["west"])
        pin = hashlib.sha256(certificate("127.0.0.1", port, 20.0)).hexdigest()
        asking = HttpsQuestion(
            "127.0.0.1", port, pin, "/cluster/v1/feed", "east", "Wrong-Meadow8",
            "application/json", 1 << 20, 20.0,
        )  # fmt: skip
        with pytest.raises(Unanswered, match="401 An account for the feed of this cluster"):
            get(asking)
        data = json.loads(get(asking.replace(password=SECRET)))
        assert (data["full"], data["entries"]) == (True, [])
        line = f"set cluster peer west 127.0.0.1:{port} account east sha256 {pin}"
        land.say("east", line, SECRET)
        land.say("west", "set cert import trust tomcat", root.pem.decode())
        land.say("west", "utils cluster sync")
        command = [*PROGRAM, "agent", "--state", land.nodes["east"]]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as agent:
            try:
                end = time.monotonic() + PATIENCE
                while "Root_A" not in land.say("east", "show cert list trust"):
                    assert time.monotonic() < end
            finally:
                agent.kill()
        assert served.stop()[0] == 0
    assert "followed" in land.say("east", "show cluster peer")
