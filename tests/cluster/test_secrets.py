"""No private key is on a bus, in whatever form: a folder's files, or the data of an etcd."""

import base64
import contextlib
import json
import pathlib
import stat

import pytest
from certificate_authority import CertificateAuthority
from etcd_nodes import NAMES, SYNC, EtcdNodes
from etcd_servers import etcd_servers
from harness import Conversation, clock_world
from key_watch import Watch, secret_numbers

from cucmos_shell.frontends.cluster import init_cluster
from cucmos_shell.node import Node


def secrets_in(whole, node_dirs):
    """Names of the private keys of nodes that occur in octets: as such, in base64, hexadecimal."""
    watch, found = Watch(), set()
    for folder in node_dirs:
        for path in folder.glob("store/versions/*/*/keys/*.pem"):
            watch.learn(path.read_bytes(), path.name)
            found |= {
                path.name
                for secret in secret_numbers(path.read_bytes())
                if any(secret[:16] in data or secret[-16:] in data for data in whole)
            }
    for data in whole:
        watch.received(data)
    return found | watch.found()


class FolderBus:
    """Three nodes of one folder."""

    def __init__(self, template, folder, keys):
        self.world, clock = clock_world(keys)
        self.ca = CertificateAuthority(folder / "ca", now=clock())
        self.lab = folder / "lab"
        states = init_cluster(
            str(self.lab), "imp-9.1", self.world, count=3, speed=0, progress=lambda line: None
        )
        self.folders = [pathlib.Path(state) for state in states]

    def say(self, i, line, *answers):
        talk = Conversation(Node.open(str(self.folders[i]), self.world))
        answer = talk(line, *answers)
        assert talk.status == 0, answer
        return answer

    def end(self):
        """There is nothing to end."""

    def files(self):
        return [path for path in (self.lab / "bus").rglob("*") if path.is_file()]


class EtcdBus:
    """Three nodes over an etcd, whose members keep all they have in their folders."""

    def __init__(self, template, folder, keys):
        self._stack = contextlib.ExitStack()
        servers = self._stack.enter_context(etcd_servers())
        self._nodes = EtcdNodes(template, folder, keys, servers).begin()
        self.world, self.ca = self._nodes.world, self._nodes.ca
        self.folders = [folder / name for name in NAMES]

    def say(self, i, line, *answers):
        return self._nodes.say(NAMES[i], line, *answers)

    def end(self):
        self._stack.close()

    def files(self):
        servers = self._nodes.servers
        folders = [pathlib.Path(servers.data(number)) for number in range(3)]
        return [path for one in folders for path in one.rglob("*") if path.is_file()]


@pytest.fixture
def nodes(request, imp_template, tmp_path, keys):
    nodes = request.param(imp_template, tmp_path, keys)
    yield nodes
    nodes.end()


@pytest.mark.parametrize("kind", ["rsa2048", "ec256"])
@pytest.mark.parametrize("nodes", [FolderBus, EtcdBus], indirect=True)
def test_no_private_key_is_on_the_bus(nodes, kind):
    """In whatever form; one that is planted there is found."""

    def settle():
        for i in (0, 1, 2, 0, 1, 2):
            nodes.say(i, SYNC)

    root = nodes.ca.root("Root A")
    nodes.say(0, "set cert import trust tomcat", root.pem.decode())
    nodes.say(0, f"set csr gen tomcat key {kind} multi-server")
    settle()
    csr = nodes.say(2, "show csr own tomcat")
    leaf = nodes.ca.sign(csr[csr.index("-----BEGIN") :].encode(), root)
    nodes.say(1, "set cert import own tomcat", leaf.pem.decode())
    settle()
    snapshots = [Node.open(str(folder), nodes.world).snapshot() for folder in nodes.folders]
    assert {snapshot.own_der("tomcat") for snapshot in snapshots} == {leaf.der}
    (key,) = {snapshot.private_key_pem("tomcat") for snapshot in snapshots}
    # Read once, and an etcd lays its log out beforehand: 64 MB for each member.
    whole = [path.read_bytes().rstrip(b"\0") for path in nodes.files()]
    assert any(b"own/tomcat" in data for data in whole)
    assert secrets_in(whole, nodes.folders) == set()
    for folder in nodes.folders:
        for path in (folder / "store").rglob("cluster-keys.json"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            for secret in json.loads(path.read_bytes()).values():
                raw = bytes.fromhex(secret)
                forms = (secret.encode(), raw, base64.b64encode(raw))
                assert not any(form in data for form in forms for data in whole)
    for planted in (key, secret_numbers(key)[0], secret_numbers(key)[0].hex().encode()):
        assert secrets_in([b"before " + planted + b" after"], nodes.folders)
