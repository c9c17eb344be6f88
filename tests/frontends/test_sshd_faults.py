"""The embedded SSH server with clients that are slow, gone, greedy or no longer who they were."""

import asyncio
import os
import shutil
import signal
import time

import asyncssh
import psutil
import pytest
from ssh_server import Served, Shell, client_key, run

from cucmos_shell.frontends.host import Host
from cucmos_shell.frontends.sshd.door import Door


@pytest.fixture
def served(imp_template, tmp_path):
    node = shutil.copytree(imp_template, tmp_path / "node", symlinks=True)
    with Served(node) as server:
        yield server


def cpu(served):
    """Processor seconds the server has used."""
    return sum(psutil.Process(served.process.pid).cpu_times()[:2])


# --- signing in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_a_name_or_password_of_any_length_costs_nothing(served, method):
    """Bringing 60,000 combining marks into their normal form takes seconds, on the event loop."""
    marks = "a" + "\u0315" * 30_000 + "\u0300" * 30_000

    class Answers(asyncssh.SSHClient):
        asked = False

        def kbdint_auth_requested(self):
            once, self.asked = not self.asked, True
            return "" if once else None

        def kbdint_challenge_received(self, name, instructions, lang, prompts):
            return [marks] * len(prompts)

    async def main():
        before = cpu(served)
        for name in ("admin", "nobody"):
            with pytest.raises((asyncssh.Error, OSError)):
                await served.connect(
                    name, marks, preferred_auth=method, client_factory=Answers
                )  # fmt: skip
        return cpu(served) - before

    assert run(main()) < 1.5


def test_an_account_that_is_gone_opens_nothing_more(served):
    """Nor does one whose proof is gone, whoever has its name now; a shell that is there ends."""
    folder = served.node_dir.parent
    path, public = client_key(folder)
    served.account("carl")
    served.account("dora", key=public)

    async def refused(connection):
        done = await connection.run("show myself")
        assert done.exit_status == 1
        assert "The account has changed meanwhile" in done.stdout
        async with connection.start_sftp_client() as client:
            with pytest.raises(asyncssh.SFTPFailure, match="has changed meanwhile"):
                await client.listdir("/activelog")

    async def main():
        carl = await served.connect("carl")
        dora = await served.connect("dora", None, client_keys=[str(path)])
        async with carl, dora, Shell(carl) as shell:
            assert "level" in await shell("show myself")
            served.run("delete account carl", stdin="yes\n")
            await refused(carl)
            served.account("carl", level=0, password="Other-Word55")
            await refused(carl)
            with pytest.raises(EOFError, match="a new one made: this session is over"):
                await shell("show myself")
            assert (await dora.run("show myself")).exit_status == 0
            served.run("delete account dora", stdin="yes\n")
            served.account("dora")
            await refused(dora)

    run(main())


def test_one_account_does_not_take_all_connections(node):
    """At most half of what there are, and 512; what goes makes room."""

    async def main():
        door = Door(node, Host())
        most = min(512, door.connections_most // 2)
        assert [door.admit("ann") for _ in range(most + 1)] == [True] * most + [False]
        assert door.admit("bob")
        door.dismiss("ann")
        assert door.admit("ann")
        assert not door.admit("ann")

    run(main())


# --- channels -------------------------------------------------------------------------------------


def test_a_large_paste_over_exec_is_read_to_its_end(served, outside_ca):
    """Reading goes on as soon as there is room."""
    bundle = "junk\n" * 40_000 + outside_ca.root("Example Root").pem.decode()

    async def main():
        async with served.connect() as connection:
            done = await connection.run("set cert import trust tomcat", input=bundle, timeout=20)
            assert "Successfully imported certificate for tomcat." in done.stdout
            assert done.exit_status == 0

    run(main(), 40)


def test_closing_one_channel_leaves_the_others(served):
    """With input that nobody has read yet; what ran is in the log to its end."""

    async def main():
        async with served.connect() as connection, Shell(connection) as other:
            for size in (None, (80, 24)):
                writer, _, _ = await connection.open_session(
                    "file tail activelog platform/log/cli00001.log follow",
                    term_type="vt100" if size else None, term_size=size or (0, 0), encoding=None,
                )  # fmt: skip
                writer.write(b"x\n" * 60_000)
                await other("show cli pagination")
                writer.channel.close()
            shell = await Shell(connection).__aenter__()
            shell.send(b"show cert list own\r" * 3000)
            await other("show cli pagination")
            shell.writer.channel.close()
            # What runs is carried to its end first, a look at a file once a second; the whole has
            # its time-out.
            while (await other("show logins")).count("still logged in") != 1:
                pass
            while log.read_text().count("command ended -> [file tail") != 2:
                await other("show cli pagination")

    log = served.node_dir / "log" / "platform" / "log" / "cli00001.log"
    run(main())
    assert log.read_text().count("running command -> [file tail") == 2


def test_a_session_that_could_not_begin_is_not_counted(served):
    """Whatever kept it from beginning, when that is mended there is room."""
    served.run("set session maxlimit 2")
    current = served.node_dir / "store" / "current"
    aside = current.with_name("aside")

    async def main():
        async with served.connect() as connection:
            os.rename(current, aside)
            for _ in range(4):
                with pytest.raises(EOFError, match="No node is installed"):
                    await Shell(connection).__aenter__()
            os.rename(aside, current)
            async with Shell(connection), Shell(connection):
                pass

    run(main())


def test_a_store_that_is_not_there_is_told_as_by_the_program(served):
    """The program's status, its line, and JSON if that was asked for."""
    current = served.node_dir / "store" / "current"

    async def main():
        async with served.connect() as connection:
            os.rename(current, current.with_name("gone"))
            text = await connection.run("show cert list own")
            data = await connection.run("--json show cert list own")
            os.rename(current.with_name("gone"), current)
            assert text.exit_status == data.exit_status == 4
            assert text.stdout.endswith("Executed command unsuccessfully\n")
            assert data.stdout.startswith('{"schema": 1, "command": null, "ok": false')
            assert (await connection.run("show cert list own")).exit_status == 0

    run(main())


@pytest.mark.parametrize(
    "command", ["set cert regen cup", "set cert import trust tomcat", "--json set cert regen cup"]
)
def test_a_command_broken_off_by_the_end_of_input_has_failed(served, command):
    """On a terminal as without one."""

    async def main():
        async with served.connect() as connection:
            done = await connection.run(
                command, stdin=asyncssh.DEVNULL, term_type="vt100", term_size=(80, 24), timeout=20
            )
            assert done.exit_status == 1, done.stdout

    run(main())


def test_a_restart_of_the_node_ends_dialogues_and_transfers(served):
    """What is asked before it is not carried out after it."""

    async def main():
        connection, another = await served.connect(), await served.connect()
        async with connection, another, Shell(connection) as asked, Shell(connection) as follows:
            await asked("set cert regen cup", end=b"(yes|no)? ")
            await follows.begun("file tail activelog platform/log/cli00001.log follow")
            client = await another.start_sftp_client()
            done = await another.run("utils system restart", input="yes\n")
            assert done.exit_status == 0, done.stdout
            for shell in (asked, follows):
                assert b"The node has been restarted" in await shell.rest()
            await client.wait_closed()

    run(main())


# --- SFTP -----------------------------------------------------------------------------------------


def test_a_session_has_so_many_files_open(served):
    """And the administrator still signs in."""
    (served.node_dir / "log" / "a.log").write_text("a line\n")

    async def main():
        async with served.connect() as connection, connection.start_sftp_client() as client:
            opened = [await client.open("/activelog/a.log", "rb") for _ in range(64)]
            with pytest.raises(asyncssh.SFTPFailure, match="Too many open files"):
                await client.open("/activelog/a.log", "rb")
            await opened[0].close()
            await client.open("/activelog/a.log", "rb")

    run(main())


def test_files_are_fetched_and_copied_as_clients_do_by_themselves(served, tmp_path):
    """asyncssh's client asks which parts of a file hold data."""

    async def main():
        async with served.connect() as connection, connection.start_sftp_client() as client:
            await client.get("/certs/tomcat/tomcat.pem", str(tmp_path / "got.pem"))
            await client.put(str(tmp_path / "got.pem"), "/upload/one.pem")
            await client.copy("/upload/one.pem", "/upload/two.pem")
            await client.copy("/upload/one.pem", "/upload/three.pem", remote_only=True)
            return [await client.getsize(f"/upload/{n}.pem") for n in ("one", "two", "three")]

    sizes = run(main())
    assert set(sizes) == {(tmp_path / "got.pem").stat().st_size}


def test_an_upload_is_limited_however_it_is_written(served):
    """By where it ends, not by where the client says it begins."""

    async def main():
        async with served.connect() as connection, connection.start_sftp_client() as client:
            async with client.open("/upload/big", "wb") as file:
                await file.truncate(256 * 1024 * 1024)
            async with client.open("/upload/big", "ab") as file:
                with pytest.raises(asyncssh.SFTPFailure, match="File too large"):
                    await file.write(b"x" * 100, 0)
            with pytest.raises(asyncssh.SFTPError):
                await client.open(b"/upload/\xff\xfe", "wb")
            with pytest.raises(asyncssh.SFTPError):
                async with client.open("/upload/big", "rb") as file:
                    await file.read(10, 2**63)
            await client.remove("/upload/big")

    run(main())


def test_an_upload_that_breaks_off_has_failed(served):
    """In the audit log; what was there by then stays."""

    async def main():
        connection = await served.connect()
        client = await connection.start_sftp_client()
        file = await client.open("/upload/half", "wb")
        await file.write(b"half of it")
        connection.abort()
        async with served.connect() as again:
            while True:
                for line in (await again.run("show audit")).stdout.splitlines():
                    if "ended" in line and "/upload/half" in line:
                        return line

    assert "failed(1)" in run(main())


def test_files_can_be_fetched_when_the_log_cannot_be_written(served):
    """Only changes need it."""
    log = served.node_dir / "log" / "platform" / "log"
    shutil.rmtree(log, ignore_errors=True)
    (log / "cli00001.log").mkdir(parents=True)

    async def main():
        async with served.connect() as connection, connection.start_sftp_client() as client:
            async with client.open("/certs/tomcat/tomcat.pem", "rb") as file:
                assert (await file.read()).startswith(b"-----BEGIN CERTIFICATE")
            with pytest.raises(asyncssh.SFTPFailure, match="audit log"):
                await client.open("/upload/new", "wb")

    run(main())


def test_what_is_no_output_goes_to_the_error_output(served):
    """A program that reads the output gets nothing else."""
    log = served.node_dir / "log" / "platform" / "log"
    shutil.rmtree(log, ignore_errors=True)
    (log / "cli00001.log").mkdir(parents=True)

    async def main():
        async with served.connect() as connection:
            done = await connection.run("show cli pagination")
            assert done.stdout == "Automatic Pagination : On.\n"
            assert done.stderr.startswith("Warning: The audit log cannot be written")

    run(main())


# --- searching --------------------------------------------------------------------------------------


def test_no_expression_keeps_the_others_waiting(served):
    """Time grows with the text, not with the ways to match it."""
    (served.node_dir / "log" / "dots.log").write_text("." * 4000 + "\n")

    async def main():
        before = cpu(served)
        async with served.connect() as connection:
            done = await connection.run('file search activelog dots.log "[.]*[.]*[.]*[.]*b"')
            assert done.stdout.endswith("Search completed\n")
        return cpu(served) - before

    assert run(main()) < 2


# --- the end ----------------------------------------------------------------------------------------


def test_it_ends_at_once_with_idle_transfers_and_clients_that_do_not_read(served):
    """Each is told as far as it listens."""

    async def main():
        connection = await served.connect()
        await connection.start_sftp_client()
        shell = await Shell(connection).__aenter__()
        shell.writer.channel.pause_reading()
        shell.send(b"set cli pagination off\r" + b"file dump activelog long.log\r" * 20)
        async with served.connect() as another:
            for _ in range(20):
                await another.run("show cli pagination")
        return connection

    (served.node_dir / "log" / "long.log").write_text("a line\n" * 50_000)

    async def whole():
        connection = await main()
        begun = time.monotonic()
        status, _, errors = await asyncio.to_thread(served.stop)
        connection.abort()
        return status, errors, time.monotonic() - begun

    status, errors, seconds = run(whole())
    assert (status, errors) == (0, "")
    assert seconds < 6
    log = (served.node_dir / "log" / "platform" / "log" / "cli00001.log").read_text()
    assert log.count("session begun") == log.count("session ended")


def test_workers_do_not_outlive_the_one_that_keeps_them(imp_template, tmp_path):
    """Killed, it cannot tell them; the port is free again."""
    node = shutil.copytree(imp_template, tmp_path / "node", symlinks=True)
    with Served(node, "--workers", "2") as server:
        workers = psutil.Process(server.process.pid).children()
        assert len(workers) == 2
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(10)
        gone, alive = psutil.wait_procs(workers, 15)
        assert (len(gone), alive) == (2, [])


@pytest.mark.parametrize("terminal", [{}, {"term_type": "vt100", "term_size": (80, 24)}])
def test_a_block_among_the_lines_of_a_command_is_one_failure(served, terminal):
    """With and without a terminal to ask at; its short last line is in no log."""
    block = (
        "-----BEGIN PRIVATE KEY-----\nMEcCAQAwBQYDK2VxBDsEOQ\nVaGNr1dK8g\n-----END PRIVATE KEY-----"
    )
    command = f"--keep-going show cli pagination\n{block}\nshow cli pagination"

    async def main():
        async with served.connect() as connection:
            done = await connection.run(command, stdin=asyncssh.DEVNULL, timeout=20, **terminal)
            said = done.stdout.replace("\r\n", "\n")
            assert said.count("Automatic Pagination : On.\n") == 2
            assert said.count("The pasted block was dropped") == 1
            assert done.exit_status == 1

    run(main())
    logs = "".join(path.read_text() for path in (served.node_dir / "log").rglob("*.log"))
    assert "VaGNr1dK8g" not in logs
    assert "MEcCAQAw" not in logs
