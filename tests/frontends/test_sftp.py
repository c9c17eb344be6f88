"""SFTP and scp: four folders, one of which takes files; nothing else is there."""

import os
import resource
import shutil
import subprocess

import asyncssh
import pytest
from ssh_server import Served, client_key, run


@pytest.fixture(scope="module")
def served(imp_template, tmp_path_factory):
    """A server with a level-1 account that has a key, and a level-0 account."""
    folder = tmp_path_factory.mktemp("sftp")
    node = shutil.copytree(imp_template, folder / "node", symlinks=True)
    (node / "download" / "out.txt").write_text("out\n")
    path, public = client_key(folder)
    with Served(node) as server:
        server.account("ann", key=public)
        server.account("low", level=0)
        server.key = path
        yield server


def sftp(served, work, *, account="ann"):
    """The result of `work(client)`."""

    async def main():
        async with (
            served.connect(account) as connection,
            connection.start_sftp_client() as client,
        ):
            return await work(client)

    return run(main())


def test_the_areas_are_the_whole_tree(served):
    """Whatever way one asks."""

    async def work(client):
        names = [n for n in await client.listdir("/") if n not in (".", "..")]
        return names, await client.realpath("/upload/../x/../.."), await client.realpath(".")

    assert sftp(served, work) == (["activelog", "certs", "download", "upload"], "/", "/")


def test_certificates_are_served_and_no_keys(served):
    """As `openssl` reads them."""

    async def work(client):
        async with client.open("/certs/tomcat/tomcat.pem") as file:
            pem = await file.read()
        folders = [n for n in await client.listdir("/certs") if n not in (".", "..")]
        files = [f"{d}/{n}" for d in folders for n in await client.listdir(f"/certs/{d}")]
        return pem, files

    pem, files = sftp(served, work)
    done = subprocess.run(
        ["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert all(name.endswith((".pem", ".der", "/.", "/..")) for name in files)
    assert not [name for name in files if "priv" in name or "key" in name]


def test_uploads_come_back_as_they_went(served):
    """Also a megabyte; rename, folder, remove."""
    data = os.urandom(1 << 20)

    async def work(client):
        async with client.open("/upload/a.bin", "wb") as file:
            await file.write(data)
        await client.mkdir("/upload/sub")
        await client.rename("/upload/a.bin", "/upload/sub/b.bin")
        async with client.open("/upload/sub/b.bin", "rb") as file:
            back = await file.read()
        await client.remove("/upload/sub/b.bin")
        await client.rmdir("/upload/sub")
        return back

    assert sftp(served, work) == data
    log = (served.node_dir / "log" / "platform" / "log" / "cli00001.log").read_text()
    assert "sftp put /upload/a.bin" in log
    assert "outcome=ok" in log


OUTSIDE = [
    "/etc/passwd", "../../etc/passwd", "/upload/../../../etc/passwd", "/upload/link", "/upload/dir/passwd",
    "/store/current", "/profile.json", "/upload/../profile.json", "/certs/tomcat/tomcat_priv.pem",
    "/certs/../store", "/activelog/../lock", "/certs/node/accounts.json", "/upload/fifo", "/proc/self/environ",
    "/ssh/ssh_host_ed25519_key", "/upload/a\0b",
]  # fmt: skip


def test_nothing_outside_is_reached(served):
    """Reading, writing, looking, linking."""
    upload = served.node_dir / "upload"
    os.symlink("/etc/passwd", upload / "link")
    os.symlink("/etc", upload / "dir")
    os.mkfifo(upload / "fifo")

    async def work(client):
        got = []
        for path in OUTSIDE:
            for how in ("rb", "wb", "ab"):
                with pytest.raises(asyncssh.SFTPError):
                    async with client.open(path, how) as file:
                        got.append(await file.read())
            for call in (client.stat, client.lstat, client.readlink, client.listdir):
                with pytest.raises(asyncssh.SFTPError):
                    got.append(await call(path))
        for call in (client.symlink, client.link):
            with pytest.raises(asyncssh.SFTPError):
                await call("/etc/passwd", "/upload/new")
        for path in ("/upload", "/certs/x", "/download/x", "/activelog/x", "/new"):
            with pytest.raises(asyncssh.SFTPError):
                await client.rename(path, "/upload/y")
            with pytest.raises(asyncssh.SFTPError):
                await client.mkdir(path)
        return got, [n.filename for n in await client.readdir("/upload")]

    got, names = sftp(served, work)
    assert got == []
    assert not {"link", "dir", "fifo", "new"} & set(names)
    for name in ("link", "dir", "fifo"):
        (upload / name).unlink()


def test_an_ordinary_account_reads_what_its_commands_show(served):
    """No upload, no certificate and no audit log; it writes nowhere."""

    async def work(client):
        async with client.open("/download/out.txt") as file:
            assert await file.read() == "out\n"
        names = [n for n in await client.listdir("/") if n not in (".", "..")]
        assert names == ["activelog", "download"]
        assert "cli00001.log" not in await client.listdir("/activelog/platform/log")
        for path in ("/upload/x", "/certs/tomcat/tomcat.pem"):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await client.open(path)
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.open("/activelog/platform/log/cli00001.log")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.open("/upload/x", "wb")

    sftp(served, work, account="low")


def test_openssh_clients(served, tmp_path):
    """sftp and scp, the new protocol and the old one."""
    common = [
        "-F", "/dev/null", "-P", str(served.port), "-i", str(served.key), "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path}/hosts",
        "-o", "LogLevel=ERROR",
    ]  # fmt: skip
    source = tmp_path / "up.pem"
    source.write_text("hello\n")
    where = "ann@127.0.0.1:"
    for old in ([], ["-O"]):
        for command in (
            ["scp", *old, *common, "-p", str(source), f"{where}/upload/up.pem"],
            ["scp", *old, *common, f"{where}/upload/up.pem", str(tmp_path / "back.pem")],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
            assert done.returncode == 0, (command, done.stderr)
        assert (tmp_path / "back.pem").read_text() == "hello\n"
        (tmp_path / "back.pem").unlink()
        for target in ("/etc/x", "/certs/x", "/upload/../x"):
            command = ["scp", *old, *common, str(source), f"{where}{target}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
            assert done.returncode != 0
    batch = tmp_path / "batch"
    batch.write_text("ls -l /\nput up.pem /upload/two.pem\nls -l /upload\nget /certs/cup/cup.der\n")
    done = subprocess.run(
        ["sftp", *common, "-b", str(batch), "ann@127.0.0.1"],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=20,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "two.pem" in done.stdout
    assert (tmp_path / "cup.der").stat().st_size > 500


def test_scp_commands_run_nothing(served):
    """Whatever the old protocol's command line holds."""

    async def main():
        async with served.connect("ann") as connection:
            for command in ("scp -t $(id)", "scp -f /etc/passwd", "scp -t ../..;id", "scp --help"):
                done = await connection.run(command, stdin=asyncssh.DEVNULL, timeout=10)
                assert "uid=" not in str(done.stdout) + str(done.stderr)
                assert "root:" not in str(done.stdout) + str(done.stderr)

    run(main())


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_full_disk_is_an_answer(node_dir):
    """The upload fails, the session goes on."""
    with Served(node_dir, preexec_fn=small_files) as server:

        async def work(client):
            with pytest.raises(asyncssh.SFTPFailure):
                async with client.open("/upload/big", "wb") as file:
                    await file.write(b"x" * 1_000_000)
            async with client.open("/upload/small", "wb") as file:
                await file.write(b"x" * 1000)
            assert await client.getsize("/upload/small") == 1000

        sftp(server, work, account="admin")
