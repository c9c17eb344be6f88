"""Sessions that mean harm, or are just gone: nothing runs, nothing leaks, nobody else waits."""

import asyncio
import os
import re
import shutil
import signal

import asyncssh
import pytest
from ssh_server import PASSWORD, Served, Shell, run


@pytest.fixture(scope="module")
def served(imp_template, tmp_path_factory):
    """A server under strace, which writes down every program that is started."""
    if shutil.which("strace") is None:
        pytest.skip("wants strace")
    folder = tmp_path_factory.mktemp("hostile")
    node = shutil.copytree(imp_template, folder / "node", symlinks=True)
    trace = folder / "trace"
    wrapper = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=execve,execveat",
        "-o",
        str(trace),
    ]
    pid_file = folder / "pid"
    with Served(node, "--pid-file", str(pid_file), wrapper=wrapper) as server:
        server.trace = trace
        yield server
        # strace keeps a signal that is sent to itself.
        os.kill(int(pid_file.read_text()), signal.SIGTERM)


ATTACKS = [
    "; id", "$(id)", "`id`", "-c sh", "--help", "sh -i", "|id", "show status | sh", "!sh", "\x1b[2J", "\x00",
    "file view activelog ../../../etc/passwd", "file list activelog $(id)", "set account name `id`",
    "--json ; id", "--yes --keep-going", "show cert own ../../keys/tomcat_priv.pem", "a" * 200_000, "\n;id\n",
    "set cert import own ;id", "utils cert upload own tomcat /etc/passwd", "%s%n%x", "{0.__class__}",
]  # fmt: skip


def test_no_string_starts_anything(served):
    """As a command, in a shell, as an answer, in the pager, as a name, in the environment."""

    async def main():
        async with served.connect(env={"LD_PRELOAD": "/tmp/x", "PAGER": "sh -c id"}) as connection:
            for text in ATTACKS:
                done = await connection.run(text, stdin=asyncssh.DEVNULL, timeout=10)
                assert "uid=" not in str(done.stdout)
                assert "root:x" not in str(done.stdout)
            async with Shell(connection) as shell:
                asking = ("import", "set account")
                for text in (t for t in ATTACKS if not any(word in t for word in asking)):
                    line = text.replace("\n", " ").replace("\x00", "").replace("\x1b", "")
                    answer = await shell(line)
                    assert "uid=" not in answer
                assert "cannot name an account" in await shell("set account name `id`")
                for key in ("!sh\r", "|id\r", "v", "/x\r"):
                    shell.send(b"utils service list page\r")
                    await shell.until(b"\x1b[0m")
                    shell.send(key.encode() + b"q")
                    await shell.until()
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.create_session(asyncssh.SSHClientSession, subsystem="netconf;id")

    run(main(), 60)
    programs = re.findall(r'execve\("([^"]*)"', served.trace.read_text())
    assert [name for name in programs if "python" not in name] == []
    assert "EACCES" not in served.trace.read_text()


def test_no_forwarding_of_any_kind(served):
    """Local, remote, stream sockets, agent."""

    async def main():
        async with served.connect() as connection:
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection("127.0.0.1", served.port)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_unix_connection("/run/x")
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_port("", 0, "127.0.0.1", 22)
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_path("/tmp/cucmos-x", "/tmp/y")

    run(main())


async def bystander(served, count=5):
    """Another session that lists certificates `count` times, however long that takes."""
    async with served.connect() as connection, Shell(connection) as shell:
        for _ in range(count):
            assert "tomcat" in await shell("show cert list own")


def test_type_ahead_stalls_only_its_own_session(served):
    """64 KiB while a command runs; what is read is read in order."""

    async def main():
        async with served.connect() as connection, Shell(connection) as shell:
            await shell.begun("file tail activelog platform/log/cli00001.log follow")
            shell.send(b"show cli editor\r" * 4096)
            await bystander(served)
            shell.send(b"\x03")
            await bystander(served)

    run(main())


def test_an_endless_line_is_dropped(served):
    """A megabyte without Enter costs a message."""

    async def main():
        async with served.connect() as connection, Shell(connection) as shell:
            shell.send(b"x" * (1 << 20) + b"\r")
            text = await shell.until(b"unsuccessfully\r\nadmin:")
            assert b"longer than" in text
            assert "Pagination" in await shell("show cli pagination")

    run(main())


def test_who_does_not_read_keeps_nobody_waiting(served):
    """A stalled client's output stays within bounds; its session ends with its connection."""

    async def main():
        async with served.connect() as connection:
            writer, _, _ = await connection.open_session(
                term_type="vt100", encoding=None, window=4096
            )
            writer.channel.pause_reading()
            for _ in range(200):
                writer.write(b"utils service list\r")
            await bystander(served)

    run(main())


@pytest.mark.parametrize(
    "line",
    ["set cert regen cup", "set cert import trust tomcat", "set account name x",
     "file tail activelog platform/log/cli00001.log follow", "utils service list page"],
)  # fmt: skip
def test_a_client_that_vanishes_leaves_nothing(served, line):
    """In a question, a paste, a password, a running command, the pager."""

    async def main():
        connection = await served.connect()
        shell = await Shell(connection).__aenter__()
        await shell.begun(line)
        connection.abort()
        async with asyncio.timeout(10), served.connect() as other, Shell(other) as shell:
            while (await shell("show logins")).count("still logged in") != 1:
                await asyncio.sleep(0.05)

    run(main())


def test_no_key_ever_leaves(served):
    """Of all that this module's clients got and the logs hold, nothing is a private key."""
    keys = [p.read_text() for p in (served.node_dir / "store").rglob("*_priv.pem") if p.is_file()]
    keys += [p.read_text() for p in (served.node_dir / "ssh").glob("*_key")]
    lines = {line for key in keys for line in key.splitlines() if len(line) > 40}
    assert lines

    async def main():
        got = []
        async with served.connect() as connection:
            for command in ("show cert own tomcat", "show audit", "file dump activelog platform/log/*",
                            "file search activelog * . recurs", "help", "show account"):  # fmt: skip
                got.append(str((await connection.run(command, timeout=10)).stdout))
            async with connection.start_sftp_client() as client:
                for name in await client.glob("/*/*/*"):
                    if await client.isfile(name):
                        async with client.open(name, "rb") as file:
                            got.append((await file.read()).decode("latin-1"))
        return got

    texts = run(main())
    texts += [p.read_text() for p in (served.node_dir / "log").rglob("*.log")]
    for text in texts:
        assert not [line for line in lines if line in text]
        assert PASSWORD not in text
