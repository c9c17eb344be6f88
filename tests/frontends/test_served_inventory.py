"""Many nodes served by one process: `serve --inventory`."""

import asyncio
import json
import os
import shutil
import socket
import subprocess

import pytest
from control_client import ByFile, ask
from served_inventory import ServedInventory
from ssh_server import PASSWORD, PROGRAM, run
from tls_clients import page

from cucmos_shell.node.lab.faults import Faults
from cucmos_shell.store.paths import Layout
from cucmos_shell.world.fault_forms import fault_of

LAB = """defaults: {admin-password-file: password, speed: 0, listen: 127.0.30.1}
nodes:
  - {name: n, count: 2}
  - {name: plain, lab: false}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The folder of an inventory whose nodes are installed, and what was said of it."""
    folder = tmp_path_factory.mktemp("inventory")
    (folder / "lab.yaml").write_text(LAB)
    served = ServedInventory(folder)
    status, said = served.stop()
    assert status == 0
    return folder, said


def test_nodes_that_are_not_there_are_installed(lab):
    """With keys and names of their own, as nodes of a lab unless the file says no."""
    folder, said = lab
    assert said.splitlines()[0] == "Installing 3 nodes"
    assert "Installed 3 of 3 (" in said.splitlines()[-1]
    nodes = [folder / "nodes" / name for name in ("n-1", "n-2", "plain")]
    pems = {(node / "store/view/tomcat/tomcat.pem").read_text() for node in nodes}
    assert len(pems) == 3
    assert [(node / "lab").exists() for node in nodes] == [True, True, False]


def test_all_are_served(lab):
    """One process knows each by its address; a later start installs nothing."""
    folder, _ = lab
    with ServedInventory(folder) as served:
        hosts = [served.addresses[name][0] for name in ("n-1", "n-2", "plain")]
        assert hosts == ["127.0.30.1", "127.0.30.2", "127.0.30.3"]

        async def main():
            return [await served.ask(name, "show status") for name in served.addresses]

        seen = run(main(), 60)
        for name, said in zip(served.addresses, seen, strict=True):
            assert f"Host Name          : {name}\n" in said
        assert served.stop() == (0, "")


def test_each_has_an_ed25519_key_and_all_have_an_rsa_key(lab):
    """The second takes a second to make. A node of its own later has them both."""
    nodes = [lab[0] / "nodes" / name for name in ("n-1", "n-2", "plain")]
    assert len({(node / "ssh/ssh_host_ed25519_key").read_text() for node in nodes}) == 3
    assert len({(node / "ssh/ssh_host_rsa_key.pub").read_text() for node in nodes}) == 1
    # Written the same, too: each that is written otherwise would be loaded, for a tenth of a second.
    assert len({(node / "ssh/ssh_host_rsa_key").read_text() for node in nodes}) == 1


def test_workers_share_the_addresses(lab):
    with ServedInventory(lab[0], "--workers", "2") as served:

        async def main():
            asked = (served.ask(name, "show myself") for name in served.addresses)
            return await asyncio.gather(*asked)

        assert all("admin" in said for said in run(main(), 60))


def test_a_node_that_is_down_is_so_at_all_of_its_ports(lab):
    """It has gone down once, whichever port has noticed; the others are up."""
    layouts = {name: Layout(str(lab[0] / "nodes" / name)) for name in ("n-1", "n-2")}
    faults = Faults(layouts["n-1"], lambda: 0.0)
    with ServedInventory(lab[0], "--tls-ports", "0") as served:

        def show(name):
            with open(layouts[name].tls_ports, "rb") as file:
                port = json.load(file)["Cisco Tomcat"]["8443"]
            return run(page(port, served.addresses[name][0]))

        faults.add(fault_of("it", {"at": "node", "do": "down"}))
        with pytest.raises(ConnectionResetError):
            show("n-1")
        with pytest.raises(ConnectionResetError):
            run(served.ask("n-1", "show myself"))
        assert "Cisco Tomcat on n-2.example.com" in show("n-2")
        assert faults.hits("it").fired == 1
        faults.reset()
        assert "Cisco Tomcat on n-1.example.com" in show("n-1")


def test_the_control_socket_is_for_each_of_them(lab, tmp_path):
    """By name; a fault on one is none on another, and a node that is no lab has none."""
    path = tmp_path / "control"
    with ServedInventory(lab[0], "--control", f"unix:{path}") as served:
        assert served.process.stdout.readline() == f"Control at unix:{path}\n"

        def say(method, target, body=None):
            return ask(ByFile(path), method, target, body)

        rows = say("GET", "/nodes")[1]
        assert [row["name"] for row in rows] == list(served.addresses)
        assert say("GET", "/nodes/n-2") == (200, [rows[1]])
        assert say("POST", "/nodes/n-2/faults", {"at": "command.begin", "do": "busy"})[0] == 201
        assert say("GET", "/nodes/n-1/faults") == (200, [])
        (fault,) = say("GET", "/nodes/n-2/faults")[1]
        assert say("DELETE", f"/nodes/n-2/faults/{fault['name']}")[0] == 200
        assert say("GET", "/nodes/n-1/commands?last=1")[0] == 200
        assert say("DELETE", "/nodes")[0] == 405
        for target in ("/faults", "/nodes/n-9", "/nodes/n-9/faults", "/", "/nodes/n-1/x"):
            assert say("GET", target)[0] == 404
        status, told = say("GET", "/nodes/plain/faults")
        assert (status, told["error"]["kind"]) == (400, "refused")


def test_the_token_of_a_control_port_lies_beside_the_file(lab):
    with ServedInventory(lab[0], "--control", "127.0.0.1:0") as served:
        assert served.process.stdout.readline().split()[-1] == f"{lab[0]}/lab.yaml.token"
        (lab[0] / "lab.yaml.token").unlink()


# --- what cannot be served ---------------------------------------------------------------------


def open_ports(folder):
    """The numbers of the ports that are open, of all nodes there."""
    rows = [json.loads(file.read_bytes()) for file in folder.glob("nodes/*/run/ports-open.json")]
    return [port for row in rows for one in row.values() for port in one if port != "since"]


def with_files(number):
    """What runs a program that may have so many files open."""
    return "sh", "-c", f'ulimit -n {number}; exec "$0" "$@"'


def refused(folder, text, *options, status, wrapper=()):
    """What is said of an inventory that is not served; nothing is installed for it."""
    (folder / "lab.yaml").write_text(text)
    before = sorted(folder.rglob("*"))
    done = subprocess.run(
        [*wrapper, *PROGRAM, "serve", "--inventory", str(folder / "lab.yaml"), *options],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert sorted(folder.rglob("*")) == before
    return done.stderr


def test_an_address_that_is_not_to_be_had(tmp_path):
    """All that are not are told, before anything is installed."""
    with socket.create_server(("127.0.31.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(
            tmp_path,
            f"nodes: [{{name: a, listen: '127.0.31.1:{port}'}}, {{name: b, listen: 192.0.2.1}}]",
            status=4,
        )
    assert f"127.0.31.1:{port} cannot be listened on (a): Address already in use" in said
    assert "192.0.2.1:2222 cannot be listened on (b): Cannot assign requested address" in said


def test_no_password(tmp_path):
    lab = "defaults: {listen: 127.0.32.1}\nnodes: [{name: a}]"
    assert "admin-password-file" in refused(tmp_path, lab, "--port", "0", status=2)
    lab = lab.replace("{listen", "{admin-password-file: nowhere, listen")
    said = refused(tmp_path, lab, "--port", "0", status=2)
    assert f"{tmp_path}/nowhere: No such file or directory" in said


def test_as_many_files_as_nodes_and_their_ports_need(lab):
    """With one fewer nothing is served; with so many all are, and each port that is open counts."""
    ports = ("--tls-ports", "0")
    said = refused(lab[0], LAB, *ports, status=4, wrapper=with_files(309))
    needed = 256 + 3 * 8 + 15 * 2
    assert f"3 nodes with 15 TLS ports need {needed} open files, and this process may have" in said
    with ServedInventory(lab[0], *ports, wrapper=with_files(needed)) as served:
        files = os.listdir(f"/proc/{served.process.pid}/fd")
        assert 3 * 5 + 15 + len(open_ports(lab[0])) <= len(files) <= needed


def test_the_ports_of_nodes_that_are_not_there_count(tmp_path):
    """Those of the product, and of the role that a node is to have in its cluster."""
    text = "nodes: [{name: a}]\nclusters: [{name: c, nodes: 3, profile: ucm-15}]"
    few = with_files(300)
    said = refused(tmp_path, text, "--tls-ports", "real", status=4, wrapper=few)
    # A subscriber has no unit CAPF, which a service shows on the publisher.
    ports = 5 + 8 + 2 * 7
    needed = 256 + 4 * 8 + ports * 2
    assert f"4 nodes with {ports} TLS ports need {needed} open files" in said


def test_an_option_for_one_node(tmp_path):
    said = refused(tmp_path, "nodes: [{name: a}]", "--state", "x", status=2)
    assert "--state is for one node" in said


def test_another_node_in_the_folder(imp_template, tmp_path):
    """Of another name, or of another product."""
    shutil.copytree(imp_template, tmp_path / "nodes" / "a", symlinks=True)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    head = "defaults: {admin-password-file: password, listen: 127.0.33.1}\n"
    for node, said in (
        ("name: a", f"{tmp_path}/nodes/a holds a node whose name is imp-pub, not a"),
        ("name: imp-pub, state: nodes/a, profile: ucm-15", "profile is imp-9.1, not ucm-15"),
    ):
        (tmp_path / "lab.yaml").write_text(f"{head}nodes: [{{{node}}}]\n")
        with pytest.raises(AssertionError, match=said):
            ServedInventory(tmp_path)
