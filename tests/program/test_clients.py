"""The same work with each client: sign in, list, regenerate, import, restart, page, leave."""

import os
import shutil

import pytest
from clients import (
    PROMPT,
    Netmiko,
    NetmikoLinux,
    OldParamikoExpect,
    Paramiko,
    ParamikoExpect,
    Pexpect,
    Pxssh,
    expect_script,
)
from openssh_server import SSHD, OpenSsh, documented_blocks
from ssh_server import Served, Shell, client_key, run

PAGER = "\x1b[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b[0m"
PAGER_PLAIN = "Press <enter> for 1 line, <space> for one page, or <q> to quit"


@pytest.fixture(scope="module")
def served(imp_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clients")
    node = shutil.copytree(imp_template, folder / "node", symlinks=True)
    path, public = client_key(folder)
    (node / "log" / "demo").mkdir()
    (node / "log" / "demo" / "long.log").write_text("a line\n" * 1500)
    with Served(node) as server:
        server.account("ann", key=public)
        server.key = path
        yield server


@pytest.fixture(scope="module")
def openssh(imp_template, tmp_path_factory):
    if not SSHD or os.geteuid() != 0:
        pytest.skip("wants sshd and the right to run it")
    folder = tmp_path_factory.mktemp("clients-openssh")
    node = shutil.copytree(imp_template, folder / "node", symlinks=True)
    server = OpenSsh(folder, documented_blocks(node)[0])
    server.node_dir = node
    yield server
    server.close()


def scenario(client, pem):
    """What the matrix asks of every client."""
    pager = PAGER_PLAIN if isinstance(client, Netmiko | ParamikoExpect) else PAGER
    assert "Automatic pagination is turned off" in client.line("set cli pagination off")
    assert client.line("show cert list own").count(".pem: ") == 5
    client.line("set cert regen cup", "Proceed with regeneration (yes|no)? ")
    assert "Successfully Regenerated Certificate for cup." in client.key("yes\n")
    client.line("set cert import trust tomcat", "Paste the Certificate and Hit Enter")
    assert "Successfully imported certificate for tomcat." in client.key(f"{pem}\n")
    assert "Cisco Tomcat[STARTED]" in client.line("utils service restart Cisco Tomcat")
    client.line(client.paged, pager)
    assert client.key("\r", pager)
    client.key("q", PROMPT)
    assert client.line("show cli editor").count("Command line editor : quiet") == 1
    client.leave()


@pytest.fixture
def pem(ca):
    return ca.root("Matrix CA").pem.decode()


@pytest.mark.parametrize(
    "client",
    [
        Paramiko, ParamikoExpect, Netmiko, Pexpect, Pxssh,
        pytest.param(OldParamikoExpect, marks=pytest.mark.slow),
        pytest.param(NetmikoLinux, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_embedded_server(served, pem, client, monkeypatch):
    """Each against `cucmos-shell serve`."""
    monkeypatch.setenv("NETMIKO_LINUX_PROMPT_PRI", ":")
    scenario(client(served.port, "ann", served.key), pem)


@pytest.mark.parametrize("client", [Pexpect, Pxssh])
def test_real_sshd(openssh, pem, client):
    """Those that drive OpenSSH's client, against OpenSSH's server."""
    scenario(client(openssh.port, "root", openssh.key), pem)


@pytest.mark.parametrize("which", ["served", "openssh"])
def test_expect(request, which, pem, tmp_path):
    """expect(1) in its own language."""
    server = request.getfixturevalue(which)
    path = tmp_path / "ca.pem"
    path.write_text(pem)
    user = "ann" if which == "served" else "root"
    done = expect_script(server.port, user, server.key, path, tmp_path)
    assert done.returncode == 0, done.stdout


def test_asyncssh(served, pem):
    """Interactively over its streams."""

    async def main():
        async with served.connect("ann") as connection, Shell(connection) as shell:
            assert "turned off" in await shell("set cli pagination off")
            assert (await shell("show cert list own")).count(".pem: ") == 5
            await shell("set cert regen cup", b"(yes|no)? ")
            assert "Successfully Regenerated" in await shell("yes")
            await shell("set cert import trust tomcat", b"Hit Enter\r\n")
            shell.send(pem.encode() + b"\n")
            assert b"Successfully imported" in await shell.until()
            assert "Cisco Tomcat[STARTED]" in await shell("utils service restart Cisco Tomcat")
            await shell("utils service list page", PAGER.encode())
            shell.send(b" ")
            await shell.until(PAGER.encode())
            shell.send(b"q")
            await shell.until()
            shell.send(b"exit\n")
            await shell.rest()

    run(main())
