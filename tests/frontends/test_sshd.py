"""The embedded SSH server: sign-in, shells, commands, and its beginning and end."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys

import asyncssh
import pytest
from ssh_server import PASSWORD, PROGRAM, Served, Shell, client_key, openssh, run


@pytest.fixture(scope="module")
def served(imp_template, tmp_path_factory):
    """A server for the tests that leave no trace others would mind."""
    folder = tmp_path_factory.mktemp("served")
    node = shutil.copytree(imp_template, folder / "node", symlinks=True)
    path, public = client_key(folder)
    with Served(node) as server:
        server.account("ann", key=public)
        server.account("low", level=0)
        server.run("set session maxlimit 50", "set accountlocking disable")
        server.key = path
        yield server


def test_it_says_when_it_is_ready(served):
    """One line, with the port it took."""
    assert served.ready == f"Listening on 127.0.0.1:{served.port}\n"


def test_the_monitor_has_somebody_to_run_it(served, node_dir):
    """As long as the server is there."""
    here, elsewhere = ["--state", served.node_dir], ["--state", node_dir]
    for state, nobody in ((here, False), (elsewhere, True)):
        words = [*PROGRAM, *map(str, state), "-c", "show cert monitor"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert ("Nothing here runs it" in done.stdout) == nobody


def test_the_shell_is_the_console(served):
    """Banner, prompt, echo, CR LF: byte for byte."""

    async def main():
        async with served.connect() as connection, Shell(connection) as shell:
            assert shell.banner.startswith(
                b"Command Line Interface is starting up, please wait ...\r\n\r\n"
                b"   Welcome to the Platform Command Line Interface\r\n\r\n"
                b"VMware Installation:\r\n\t2 vCPU: "
            )
            assert shell.banner.endswith(b"RAM\r\n\r\nadmin:")
            assert await shell("show cli pagination") == (
                "show cli pagination\r\nAutomatic Pagination : On.\r\nadmin:"
            )
            shell.send(b"exit\r")
            assert await shell.rest() == b"exit\r\n"
            assert shell.writer.channel.get_exit_status() == 0

    run(main())


@pytest.mark.parametrize("size", [(80, 24), (200, 40), (511, 1000), (0, 0)])
def test_any_size_of_terminal(served, size):
    """A long line is echoed as it is."""

    async def main():
        async with served.connect() as connection, Shell(connection, term_size=size) as shell:
            line = f"show cert list own | include {'x' * 600}"
            assert await shell(line) == f"{line}\r\nadmin:"

    run(main())


def test_a_shell_without_a_terminal(served):
    """Prompts without echo; the end of input ends it, a last line without end is a line."""

    async def main():
        async with served.connect() as connection, Shell(connection, term_type=None) as shell:
            assert await shell("show cli pagination") == (
                "\r\nAutomatic Pagination : On.\r\nadmin:"
            )
            shell.send(b"show cli pagination\nset cert regen tomcat\nno\nshow cli editor")
            shell.writer.write_eof()
            text = (await shell.rest()).decode()
            assert text.count("Automatic Pagination : On.") == 1
            assert "Regeneration cancelled" in text
            assert "editor : quiet" in text

    run(main())


@pytest.mark.parametrize("auth", ["password", "keyboard-interactive"])
def test_both_ways_to_give_a_password(served, auth):
    """Drivers use the one or the other."""

    async def main():
        async with served.connect(preferred_auth=(auth,)) as connection:
            done = await connection.run("show myself")
            assert "admin" in done.stdout

    run(main())


def test_a_public_key(served):
    """With OpenSSH's own client."""
    done = subprocess.run(
        [*openssh(served, served.key, user="ann"), "show myself"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ann" in done.stdout
    done = subprocess.run(
        [*openssh(served, served.key, user="low"), "show myself"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


def test_levels_hold(served):
    """A level-0 account has no level-1 commands."""

    async def main():
        async with served.connect("low") as connection:
            done = await connection.run("show cert list own")
            assert done.exit_status == 1
            assert "No valid command entered" in done.stdout

    run(main())


def test_commands_have_an_exit_status(served):
    """No banner, no prompt, no echo, LF."""

    async def main():
        async with served.connect() as connection:
            done = await connection.run("show cli pagination")
            assert (done.stdout, done.exit_status) == ("Automatic Pagination : On.\n", 0)
            done = await connection.run("bogus")
            assert done.exit_status == 1
            done = await connection.run("show cert own nothing")
            assert done.exit_status == 1
            assert done.stdout.endswith("Executed command unsuccessfully\n")

    run(main())


def test_a_command_as_json(served):
    """One line a command."""

    async def main():
        async with served.connect() as connection:
            done = await connection.run("--json show cert list own")
            data = json.loads(done.stdout)
            assert data["ok"]
            assert data["data"][0]["name"] == "tomcat/tomcat.pem"
            done = await connection.run("--json bogus")
            assert not json.loads(done.stdout)["ok"]
            assert done.exit_status == 1

    run(main())


def test_a_command_takes_answers_from_standard_input(served):
    """As a batch does: an answer, no answer, `--yes`."""

    async def main():
        async with served.connect() as connection:
            done = await connection.run("set cert regen tomcat", input="yes\n")
            assert "Successfully Regenerated Certificate for tomcat." in done.stdout
            done = await connection.run("set cert regen tomcat", stdin=asyncssh.DEVNULL)
            assert done.exit_status == 1
            done = await connection.run("--yes set cert regen tomcat", input="")
            assert done.exit_status == 0
            lines = "set cert regen tomcat\nshow cli pagination"
            done = await connection.run(f"--keep-going {lines}", input="maybe\n")
            assert done.exit_status == 1
            assert done.stdout.endswith("Automatic Pagination : On.\n")

    run(main())


def test_a_command_with_a_terminal_asks_there(served):
    """`ssh -t`; a wrong answer is asked again; the status comes through."""

    async def main():
        async with served.connect() as connection:
            writer, reader, _ = await connection.open_session(
                "set cert regen tomcat", term_type="vt100", encoding=None
            )
            question = b"Proceed with regeneration (yes|no)? "
            await reader.readuntil(question)
            writer.write(b"maybe\r")
            await reader.readuntil(question)
            writer.write(b"no\r")
            assert b"Regeneration cancelled" in await reader.read()
            assert writer.channel.get_exit_status() == 0
            writer, reader, _ = await connection.open_session(
                "bogus", term_type="vt100", encoding=None
            )
            assert b"No valid command" in await reader.read()
            assert writer.channel.get_exit_status() == 1

    run(main())


def test_the_viewer_and_the_pager(served):
    """Keys, with and without Enter; both in the bytes drivers look for."""
    folder = served.node_dir / "log" / "demo"
    folder.mkdir(exist_ok=True)
    (folder / "long.log").write_text("".join(f"line {i}\n" for i in range(1, 375)))

    async def main():
        async with served.connect() as connection, Shell(connection) as shell:
            prompt = "\x1b[1m\r\noptions: q=quit, n=next, p=prev, b=begin, e=end (lines {} of 374) : \x1b[0m"
            first = prompt.format("1 - 20").encode()
            shell.send(b"file view activelog demo/long.log\r")
            text = await shell.until(first)
            assert text.startswith(b"file view activelog demo/long.log\r\nline 1\r\nline 2\r\n")
            shell.send(b"n\r")
            await shell.until(prompt.format("21 - 40").encode())
            shell.send(b"e")
            text = await shell.until(prompt.format("361 - 374").encode())
            assert b"end of the file reached\r\n" in text
            shell.send(b"b")
            await shell.until(first)
            shell.send(b"q")
            assert (await shell.until()).endswith(b"\r\nadmin:")
            pager = b"\x1b[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b[0m"
            shell.send(b"file dump activelog demo/long.log\r")
            text = await shell.until(pager)
            assert text.count(b"line ") == 23
            shell.send(b" ")
            text = await shell.until(pager)
            assert text.startswith(b"\r\x1b[K")
            shell.send(b"\r")
            assert (await shell.until(pager)).count(b"\r\nline") <= 1
            shell.send(b"q")
            await shell.until()

    run(main())


def test_wrong_passwords_are_refused_alike_and_audited(served):
    """Unknown accounts, wrong passwords, strange names."""

    async def main():
        names = ("admin", "nobody", "a;id", "$(id)", "../root", "-oProxy")
        tried = (served.connect(name, "wrong") for name in names)
        for outcome in await asyncio.gather(*tried, return_exceptions=True):
            assert isinstance(outcome, asyncssh.PermissionDenied)

    run(main())
    shown = served.run("show logins").stdout
    assert shown.count("refused (") >= 6
    assert "\x1b" not in shown
    log = (served.node_dir / "log" / "platform" / "log" / "cli00001.log").read_text()
    assert "session refused" in log
    assert PASSWORD not in log


@pytest.mark.slow
def test_a_connection_has_so_many_tries(imp_template, tmp_path):
    """Then it is closed; the address has failed no more than this, so nobody waits for long."""
    node = shutil.copytree(imp_template, tmp_path / "node", symlinks=True)
    tries = 0

    class Client(asyncssh.SSHClient):
        def password_auth_requested(self):
            nonlocal tries
            tries += 1
            return "wrong"

    async def main():
        with pytest.raises(asyncssh.DisconnectError, match="Too many authentication failures"):
            await server.connect("nobody2", None, client_factory=Client)

    with Served(node) as server:
        run(main())
    assert tries == 7


def test_an_account_is_locked_out(imp_template, tmp_path):
    """After three wrong passwords the right one is wrong, too; the key, which nobody guesses, is not."""
    node = shutil.copytree(imp_template, tmp_path / "node", symlinks=True)
    path, public = client_key(tmp_path)
    with Served(node) as server:
        server.account("ann", key=public)

        async def main():
            for _ in range(3):
                with pytest.raises(asyncssh.PermissionDenied):
                    await server.connect("ann", "wrong", preferred_auth=("password",))
            with pytest.raises(asyncssh.PermissionDenied):
                await server.connect("ann", preferred_auth=("password",))
            async with server.connect("ann", None, client_keys=[str(path)]):
                pass
            async with server.connect() as connection:
                await connection.run("set accountlocking unlock ann", check=True)
            async with server.connect("ann"):
                pass

        run(main())


def test_sessions_are_limited_shown_and_remembered(imp_template, tmp_path):
    """maxlimit for shells, logins, one history for all sessions of an account."""
    node = shutil.copytree(imp_template, tmp_path / "node", symlinks=True)
    with Served(node) as server:
        server.run("set session maxlimit 2")

        async def main():
            async with server.connect() as connection, Shell(connection) as one:
                await one("show cli pagination")
                async with Shell(connection) as two:
                    assert (await two("show logins")).count("still logged in") == 2
                    two.send(b"\x1b[A\x1b[A\r")
                    assert "Automatic Pagination : On." in (await two.until()).decode()
                    with pytest.raises(EOFError, match="limit of 2 sessions"):
                        await Shell(connection).__aenter__()
                    assert (await connection.run("show cli pagination")).exit_status == 0

        run(main())
        done = server.run("show logins", "show audit")
        assert "still logged in" not in done.stdout
        assert "ssh/127.0.0.1" in done.stdout


def test_an_idle_session_ends(node, node_dir):
    """By its own time-out, which new sessions take from the settings."""
    with node.store.try_lock() as lock:
        transaction = node.store.begin(lock, who="test", what="test", now=node.now())
        transaction.put_setting("session_timeout", 0.01)
        transaction.commit()
    with Served(node_dir) as server:

        async def main():
            async with server.connect() as connection, Shell(connection) as shell:
                assert b"idle for too long" in await shell.rest()

        run(main())


def test_a_restart_of_the_node_ends_sessions_at_their_prompts(node_dir):
    """Each is told; the one in which it was done, too; a new one can begin."""
    with Served(node_dir) as server:

        async def main():
            async with server.connect() as connection, Shell(connection) as idle:
                async with Shell(connection) as other:
                    await other("utils system restart", end=b"(yes/no)? ")
                    other.send(b"yes\r")
                    await other.rest()
                told = await idle.rest()
                assert told.endswith(b"The node has been restarted: this session is over\r\n")
                async with Shell(connection) as again:
                    assert "pagination" in await again("show cli pagination")

        run(main())


# --- beginning and end ------------------------------------------------------------------------------


def test_there_is_no_default_password(node_dir):
    """Without a file and without a terminal it does not start."""
    done = subprocess.run(
        [*PROGRAM, "serve", "--state", str(node_dir), "--port", "0"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 2
    assert "administrator" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "options",
    [["--port", "x"], ["--port", "70000"], ["--workers", "0"], ["--bogus"],
     ["--admin-password-file", "/nowhere"], ["--admin", "a;b"]],
)  # fmt: skip
def test_wrong_options_are_usage_errors(node_dir, tmp_path, options):
    """One line each."""
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    done = subprocess.run(
        [*PROGRAM, "serve", "--state", str(node_dir), "--port", "0",
         "--admin-password-file", str(secret), *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("cucmos-shell: ")
    assert "Traceback" not in done.stderr


def test_host_keys_are_made_once(node_dir, tmp_path):
    """For their owner only; the process number is in a file meanwhile."""
    pid_file = tmp_path / "pid"
    keys = []
    for _ in range(2):
        with Served(node_dir, "--pid-file", str(pid_file)) as server:
            assert int(pid_file.read_text()) == server.process.pid
            keys.append(run(_host_key(server.port)))
        assert not pid_file.exists()
    assert keys[0] == keys[1]
    for name in ("ssh_host_ed25519_key", "ssh_host_rsa_key"):
        assert os.stat(node_dir / "ssh" / name).st_mode & 0o777 == 0o600


async def _host_key(port):
    key = await asyncssh.get_server_host_key("127.0.0.1", port, config=None)
    return key.export_public_key()


def test_a_signal_ends_it_in_order(node_dir):
    """Sessions are told; what runs comes to its end; status 0."""
    with Served(node_dir) as server:

        async def main():
            async with server.connect() as connection, Shell(connection) as shell:
                server.process.send_signal(signal.SIGTERM)
                assert b"shutting down" in await shell.rest()

        run(main())
        assert server.stop() == (0, "", "")


def test_several_workers_share_the_port(node_dir):
    """One that dies is replaced; a signal ends all."""
    with Served(node_dir, "--workers", "2") as server:
        children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
        with open(children) as file:
            workers = [int(pid) for pid in file.read().split()]
        assert len(workers) == 2

        async def main():
            done = [await _once(server) for _ in range(6)]
            os.kill(workers[0], signal.SIGKILL)
            done += [await _once(server) for _ in range(6)]
            assert done == [0] * 12

        run(main())
        assert server.stop()[0] == 0
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def _once(server):
    async with server.connect() as connection:
        return (await connection.run("show cli pagination")).exit_status


# --- algorithms -------------------------------------------------------------------------------------


OLD = {
    "kex_algs": ["diffie-hellman-group14-sha256"],
    "mac_algs": ["hmac-sha1"],
    "encryption_algs": ["aes128-ctr"],
}


@pytest.mark.filterwarnings("ignore:Diffie-Hellman")
def test_old_algorithms_only_when_asked_for(served, node_dir):
    """Off by default."""

    async def main(server):
        async with server.connect(**OLD) as connection:
            return (await connection.run("show cli pagination")).exit_status

    # Which of the two it is depends on who closes the connection first.
    with pytest.raises((asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost)):
        run(main(served))
    with Served(node_dir, "--legacy-algorithms") as server:
        assert run(main(server)) == 0


@pytest.mark.filterwarnings("ignore:Diffie-Hellman")
@pytest.mark.parametrize("group", ["14-sha256", "16-sha512"])
def test_what_programs_in_use_offer_is_taken(served, group):
    """A finite-field group and a plain SHA-2 MAC, and nothing better."""
    known = {
        "kex_algs": [f"diffie-hellman-group{group}"],
        "mac_algs": ["hmac-sha2-256"],
        "encryption_algs": ["aes128-ctr"],
    }

    async def main():
        async with served.connect(**known) as connection:
            return (await connection.run("show cli pagination")).exit_status

    assert run(main()) == 0


def test_ssh_audit_finds_no_failure(served):
    """The auditor's own opinion."""
    done = subprocess.run(
        [sys.executable, "-m", "ssh_audit.ssh_audit", "--json", "-p", str(served.port),
         "--skip-rate-test", "127.0.0.1"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    report = json.loads(done.stdout)
    wrong = [
        (part, item["algorithm"], notes["fail"])
        for part in ("kex", "key", "enc", "mac")
        for item in report[part]
        for notes in [item.get("notes", {})]
        if notes.get("fail")
    ]
    assert not wrong
    assert report["enc"]
