"""A node for tests, without pytest: said to, saved, restored, served, looked at."""

import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

import asyncssh
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from ssh_server import run

from cucmos_shell.errors import ShellError, UsageError
from cucmos_shell.frontends import lab
from cucmos_shell.node.lab.lab import make_lab
from cucmos_shell.testing import (
    Address,
    CommandFailed,
    FolderInUse,
    LabNode,
    ServerFailed,
    Snapshot,
    install,
)
from cucmos_shell.testing.node import ready
from cucmos_shell.world import World


@pytest.fixture
def lab_node(node_dir):
    """A node in the folder of a fresh one; nobody may sign in to it."""
    make_lab(str(node_dir))
    with LabNode(node_dir) as node:
        yield node


def test_install_makes_a_node_that_is_its_owner_s(tmp_path):
    """Host name, speed, product; what is there already is left alone."""
    with install(tmp_path / "node", "ucm-9.1", hostname="lab-pub") as node:
        assert node.json("show network cluster")[0]["hostname"] == "lab-pub"
        assert "CallManager/CallManager.pem" in node.run("show cert list own").text
        assert node.run("show account").ok
    with pytest.raises(UsageError, match="holds a node already"):
        install(tmp_path / "node")
    with pytest.raises(ShellError, match="no-such-product"):
        install(tmp_path / "other", "no-such-product")


def test_json_gives_data_or_says_why_not(lab_node):
    assert "tomcat" in [row["unit"] for row in lab_node.json("show cert list own")]
    regenerated = lab_node.json("set cert regen tomcat", "yes")
    assert regenerated["sha256"] == lab_node.json("show cert own tomcat")["sha256"]
    with pytest.raises(CommandFailed, match="show cert own nothing: nothing is not") as failure:
        lab_node.json("show cert own nothing")
    assert (failure.value.kind, failure.value.status) == ("not-found", 1)
    with pytest.raises(CommandFailed) as failure:
        lab_node.json("set cert regen tomcat")
    assert failure.value.kind == "cancelled"


def test_a_snapshot_brings_everything_back_as_often_as_one_likes(lab_node):
    before = lab_node.run("show cert own tomcat").text
    snapshot = lab_node.save()
    for _ in range(3):
        assert lab_node.run("set cert regen tomcat", "yes").ok
        assert lab_node.run("show cert own tomcat").text != before
        lab_node.restore(snapshot)
        assert lab_node.run("show cert own tomcat").text == before
        assert "set cert regen" not in lab_node.run("show store history").text


def test_a_snapshot_is_of_its_node(lab_node):
    with pytest.raises(LookupError, match="There is no snapshot other"):
        lab_node.restore(Snapshot("other"))


def test_a_node_that_is_not_of_a_lab_is_left_alone(node_dir):
    """It may be somebody's: faults, clock and snapshots are not for it."""
    with pytest.raises(ShellError, match="is not one of a lab"):
        LabNode(node_dir)


def test_a_service_uses_what_it_found_when_it_started(lab_node):
    def sha256():
        return lab_node.loaded("Cisco Tomcat").fingerprint(SHA256()).hex()

    first = lab_node.json("show cert own tomcat")["sha256"]
    assert sha256() == first
    second = lab_node.json("set cert regen tomcat", "yes")["sha256"]
    assert sha256() == first
    assert lab_node.run("utils service restart Cisco Tomcat").ok
    assert sha256() == second
    assert lab_node.run("utils service stop Cisco Tomcat", "yes").ok
    for service in ("Cisco Tomcat", "No such service"):
        with pytest.raises(LookupError, match="uses no certificate"):
            lab_node.loaded(service)


def test_a_service_of_several_units_wants_to_know_which(lab_node):
    service = "Cisco XCP Router"
    with pytest.raises(LookupError, match="uses certificates of: cup-xmpp, cup-xmpp-s2s"):
        lab_node.loaded(service)
    one = lab_node.loaded(service, "cup-xmpp").fingerprint(SHA256()).hex()
    assert one == lab_node.json("show cert own cup-xmpp")["sha256"]


def test_a_folder_has_one_owner(lab_node, node_dir, tmp_path):
    """In this process and in any other, until it is closed; a restore changes nothing about it."""
    lab_node.restore(lab_node.save())
    with pytest.raises(FolderInUse, match="used by another LabNode"):
        LabNode(node_dir)
    code = f"from cucmos_shell.testing import LabNode; LabNode({str(node_dir)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "FolderInUse" in done.stderr
    lab_node.close()
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    with pytest.raises(FileNotFoundError, match="No node is installed"):
        LabNode(tmp_path)


def test_waiting_is_for_something(lab_node):
    since = time.monotonic()
    threading.Timer(0.1, lab_node.run, ("set cert regen tomcat", "yes")).start()
    lab_node.wait(lambda node: "set cert regen" in node.run("show store history").text, 60)
    assert time.monotonic() - since > 0.1
    with pytest.raises(TimeoutError, match=r"in 0\.05 s"):
        lab_node.wait(lambda node: False, 0.05)


def test_an_address_speaks_to_each_client():
    address = Address("127.0.0.1", 2222, "admin", "secret")
    assert address.netmiko("linux")["device_type"] == "linux"
    assert address.paramiko()["hostname"] == "127.0.0.1"
    command = address.ssh_command("-tt")
    assert command[0] == "ssh"
    assert command[-2:] == ["-tt", "admin@127.0.0.1"]
    assert "secret" not in command


# --- the server -------------------------------------------------------------------------------


def test_a_server_goes_on_through_a_restore(cucmos_node):
    """What clients ran is told; a session from before ends, a new one sees the old state."""
    snapshot = cucmos_node.save()

    async def main():
        async with asyncssh.connect(**cucmos_node.ssh.asyncssh()) as client:
            done = await client.run("--yes set cert regen tomcat")
            assert done.exit_status == 0
            done = await client.run("show nothing")
            assert done.exit_status == 1
            assert [one[1:] for one in cucmos_node.commands()] == [
                ("set cert regen tomcat",) * 2 + ("admin", "ssh/127.0.0.1", "ok"),
                ("show nothing", "", "admin", "ssh/127.0.0.1", "failed(1)"),
            ]
            shell = await client.create_process(term_type="vt100")
            await shell.stdout.readuntil("admin:")
            cucmos_node.restore(snapshot)
            shell.stdin.write("show myself\r")
            assert "this session is over" in await shell.stdout.read()
            history = await client.run("show store history")
            assert "set cert regen" not in history.stdout

    run(main())


def test_a_session_at_its_prompt_ends_by_itself(cucmos_shared_node):
    """Within seconds, and one that has begun after the restore stays, whatever is restored next."""
    fresh = cucmos_shared_node.save()

    async def main():
        async with asyncssh.connect(**cucmos_shared_node.ssh.asyncssh()) as client:
            shell = await client.create_process(term_type="vt100")
            await shell.stdout.readuntil("admin:")
            cucmos_shared_node.restore(fresh)
            between = await client.create_process(term_type="vt100")
            await between.stdout.readuntil("admin:")
            cucmos_shared_node.restore(fresh)
            other = await client.create_process(term_type="vt100")
            await other.stdout.readuntil("admin:")
            for ended in (shell, between):
                assert "The node has been restarted" in await ended.stdout.read()
            other.stdin.write("show myself\r")
            assert "account name" in await other.stdout.readuntil("admin:")

    run(main())


def test_a_server_ends_with_the_process_that_has_started_it(cucmos_template, tmp_path):
    """Even if that is killed."""
    state = shutil.copytree(cucmos_template("imp-9.1"), tmp_path / "node", symlinks=True)
    code = (
        "import os\n"
        "from cucmos_shell.testing import LabNode\n"
        f"node = LabNode({str(state)!r})\n"
        "print(node.ssh.port, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    port = int(done.stdout)

    def refused(_):
        import socket

        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) != 0

    with LabNode(state) as node:
        node.wait(refused, 20)


def test_a_server_that_does_not_start_says_why(lab_node, node_dir):
    """This node has no administrator, and nobody is there to be asked."""
    with pytest.raises(ServerFailed, match="The node has no administrator yet"):
        _ = lab_node.ssh


def test_a_service_is_where_the_node_says(node_dir):
    """What it has loaded is shown at its port; none while it is down, and the same one later."""
    with ready(node_dir) as node:
        name = "Cisco Tomcat"

        def shown():
            at = node.tls(name)
            return at and ssl.get_server_certificate((at.host, at.port))

        def loaded():
            return node.loaded(name).public_bytes(Encoding.PEM).decode()

        before, place = shown(), node.tls(name)
        assert before == loaded()
        assert node.tls(name, 8443) == place
        assert place.host == node.ssh.host
        node.run("set cert regen tomcat", "yes")
        assert shown() == before
        node.run(f"utils service stop {name}")
        assert node.tls(name) is None
        with pytest.raises(ConnectionRefusedError):
            ssl.get_server_certificate((place.host, place.port))
        node.run(f"utils service start {name}")
        assert shown() == loaded() != before
        assert node.tls(name) == place
        snapshot = node.save()
        node.run("set cert regen tomcat", "yes")
        node.run(f"utils service restart {name}")
        assert shown() == loaded()
        node.restore(snapshot)
        assert shown() == loaded()
        with (
            node.fault("tls.accept", "reset"),
            pytest.raises(ConnectionResetError),
            socket.create_connection((place.host, place.port), 10) as client,
        ):
            client.recv(1)
        row = lab.run(str(node.state), ("show",), World.real())
        assert row.data["ports"][name] == {"8443": {"at": place.port, "open": True}}
        assert f"Port 8443 of {name} at {place.port}: open" in row.lines
        assert any(line.endswith(": closed") for line in row.lines)
        for service, port in (("Cisco CDP", None), (name, 443), ("nothing", None)):
            with pytest.raises(LookupError, match=f"{service} listens nowhere"):
                node.tls(service, port)
