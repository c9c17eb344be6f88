"""Under a real sshd, with the block of docs/openssh.md: sessions, commands, and no way past."""

import os
import pathlib
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pexpect
import pytest
from openssh_server import SSHD, OpenSsh, documented_blocks
from ssh_server import PROGRAM

GOOD = "Blue-Harbour7"

pytestmark = pytest.mark.skipif(
    not SSHD or os.geteuid() != 0, reason="wants sshd and the right to run it"
)


@pytest.fixture(scope="module")
def openssh(imp_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("openssh")
    node = shutil.copytree(imp_template, folder / "node", symlinks=True)
    server = OpenSsh(folder, documented_blocks(node)[0])
    server.node_dir = node
    yield server
    server.close()


def test_a_command_has_output_and_status(openssh):
    """Text, JSON, failure, an answer on standard input."""
    done = openssh.run(["show cli pagination"])
    assert (done.stdout, done.returncode) == ("Automatic Pagination : On.\n", 0), done.stderr
    assert openssh.run(["--json show cert list own"]).stdout.startswith('{"schema": 1, "command"')
    done = openssh.run(["bogus"])
    assert done.returncode == 1
    assert done.stdout == "Executed command unsuccessfully\nNo valid command entered\n"
    done = openssh.run(["set cert regen tomcat"], stdin="yes\n")
    assert "Successfully Regenerated" in done.stdout
    assert done.returncode == 0


def hold_a_session(server):
    """Banner, prompt, a command and the end, on a terminal."""
    child = pexpect.spawn(" ".join(server.client("-tt")), timeout=20, encoding="utf-8")
    child.expect_exact("Welcome to the Platform Command Line Interface")
    child.expect_exact("admin:")
    child.sendline("show logins")
    child.expect_exact("still logged in")
    child.expect_exact("admin:")
    child.sendline("exit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_session_on_a_terminal(openssh):
    """Banner, prompt, commands; the log knows who and whence."""
    hold_a_session(openssh)
    log = (openssh.node_dir / "log" / "platform" / "log" / "cli00001.log").read_text()
    assert "account=root origin=ssh/127.0.0.1" in log


def test_a_script_on_standard_input(openssh):
    """Without a terminal it is a batch."""
    done = openssh.run([], "-T", stdin="show cli pagination\nshow cli editor\n")
    assert done.stdout == "Automatic Pagination : On.\nCommand line editor : quiet\n"


ATTACKS = [
    "; id", "$(id)", "`id`", "-c sh", "sh", "/bin/sh", "--help", "--state /tmp/x -c id", "show status; id",
    "show status | sh", "!sh", "/usr/lib/openssh/sftp-server", "internal-sftp", "scp -t /tmp", "rsync --server",
    "python -c 1", "-f /etc/passwd", "--forced", "file view activelog /etc/passwd", "bash -i", "show status\nid",
]  # fmt: skip


def test_nothing_is_executed(openssh):
    """Whatever the command is, it is a line for the shell."""
    with openssh.one_connection() as run, ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda text: (text, run([text])), ATTACKS))
    for text, done in results:
        assert done.returncode == 1, (text, done.stdout, done.stderr)
        for trace in ("uid=", "root:x", "usage:"):
            assert trace not in done.stdout + done.stderr


def test_no_way_past_the_shell(openssh):
    """SFTP, forwardings, environment, ~/.ssh/rc."""
    done = subprocess.run(
        openssh.client(program="sftp"), input="ls /\n", capture_output=True, text=True, check=False,
        timeout=20,
    )  # fmt: skip
    assert "etc" not in done.stdout.split()
    assert done.returncode != 0
    done = openssh.run([], "-W", "127.0.0.1:22")
    assert done.returncode != 0
    done = openssh.run(
        ["show cli editor"], "-R", "0:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes"
    )
    assert done.returncode == 255
    done = openssh.run(["show cli editor"], "-o", "SetEnv=PYTHONSTARTUP=/tmp/x LD_PRELOAD=/tmp/y")
    assert done.returncode == 0


def login_shell(folder, node_dir, text, parent="sshd"):
    """What sshd does with a login shell for one command; a shell of that name stands in for it."""
    stand_in = folder / parent
    if not stand_in.exists():
        stand_in.symlink_to("/bin/sh")
    return subprocess.run(
        [stand_in, "-c", '"$@"; exit $?', "x", *PROGRAM, "-c", text],
        capture_output=True, text=True, check=False, timeout=20,
        env={"SSH_CONNECTION": "192.0.2.7 1 192.0.2.1 22", "CUCMOS_STATE": str(node_dir),
             "HOME": "/"},
    )  # fmt: skip


def test_as_a_login_shell(node_dir, tmp_path):
    """`-c TEXT` as sshd gives it."""
    done = login_shell(tmp_path, node_dir, "--json show cli pagination")
    assert done.stdout.startswith('{"schema": 1, "command": "show cli pagination", "ok": true')
    log = (node_dir / "log" / "platform" / "log" / "cli00001.log").read_text()
    assert "origin=ssh/192.0.2.7" in log


@pytest.fixture
def login_shell_user(node_dir, tmp_path):
    """An sshd that knows a user `operator` with `cucmos-shell` as login shell.

    The user is root by another name, in a list of users that only this sshd sees.
    """
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("wants a list of users of its own, by unshare")
    (tmp_path / "home").mkdir()
    shell = pathlib.Path(sys.executable).parent / "cucmos-shell"
    users = pathlib.Path("/etc/passwd").read_text()
    (tmp_path / "passwd").write_text(f"operator:x:0:0::{tmp_path}/home:{shell}\n{users}")
    script = f'mount --bind {tmp_path}/passwd /etc/passwd && exec "$@"'
    server = OpenSsh(
        tmp_path, documented_blocks(node_dir)[1], "operator",
        ["unshare", "-m", "sh", "-c", script, "sh"],
    )  # fmt: skip
    yield server
    server.close()


def test_a_system_user_with_the_shell_as_login_shell(login_shell_user, node_dir):
    """A session, a command, a script; no way past; rc files of the user's are not read."""
    server = login_shell_user
    for name in (".profile", ".bashrc", ".ssh/rc", ".ssh/environment"):
        path = server.folder / "home" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"CUCMOS_STATE={server.folder}/other\ntouch {server.folder}/was-run\n")
    done = server.run(["show cli pagination"], "-o", "SetEnv=CUCMOS_STATE=/tmp/other")
    assert (done.stdout, done.returncode) == ("Automatic Pagination : On.\n", 0), done.stderr
    assert server.run(["--json show cert list own"]).stdout.startswith('{"schema": 1, "command"')
    with server.one_connection() as run, ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda text: (text, run([text])), ATTACKS))
    for text, done in results:
        assert done.returncode == 1, (text, done.stdout, done.stderr)
        assert "uid=" not in done.stdout
    done = server.run([], "-T", stdin="show cli pagination\nshow cli editor\n")
    assert done.stdout == "Automatic Pagination : On.\nCommand line editor : quiet\n"
    hold_a_session(server)
    assert not (server.folder / "was-run").exists()
    log = (node_dir / "log" / "platform" / "log" / "cli00001.log").read_text()
    assert "account=operator origin=ssh/127.0.0.1" in log


def test_a_user_of_the_system_gets_its_level_from_its_account(node_dir, say, tmp_path):
    """Unknown users are refused as soon as there are accounts; --level and --account say more."""
    say("set account name ann", "0", "Blue-Harbour7", "Blue-Harbour7")
    done = login_shell(tmp_path, node_dir, "show cli pagination")
    assert done.returncode == 4
    assert "has no account" in done.stderr
    # Somebody who came over SSH to a shell of the system is at the console.
    assert login_shell(tmp_path, node_dir, "show cli pagination", "bash").returncode == 0
    for options, status in (
        (["--account", "ann"], 1), (["--account", "ANN"], 1), (["--account", "admin"], 0),
        (["--level", "0"], 1), (["--level", "1"], 0), (["--level", "9"], 2),
    ):  # fmt: skip
        done = forced(node_dir, "show cert list own", *options)
        assert done.returncode == status, done.stdout + done.stderr
    shown = forced(node_dir, "show myself", "--account", "ANN").stdout
    assert "account name    : ann\nprivilege level : 0\n" in shown


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("bob", "types set account name bob, or sets --account NAME or --level"),
        ("b@example.org", "An administrator sets --account NAME or --level"),
    ],
)
def test_who_is_refused_learns_what_helps(node_dir, say, name, advice):
    """Nothing that would be refused itself."""
    say("set account name ann", "0", GOOD, GOOD)
    done = forced(node_dir, "show myself", "--account", name)
    assert (done.returncode, done.stdout) == (4, "")
    assert advice in done.stderr


def test_a_user_of_the_system_is_not_another_one_by_case(login_shell_user, node_dir, say):
    """Users may differ by case alone, accounts do not: nobody gets the level of another."""
    say("set account name Operator", "1", GOOD, GOOD)
    done = login_shell_user.run(["show myself"])
    assert done.returncode == 4
    assert "An administrator sets --account Operator or --level" in done.stderr


FIRST = {
    "set account name ann": f"1\n{GOOD}\n{GOOD}\n",
    "set account ssh-key admin": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGq9Uo7rmjSdf7ZvQ3kPa1Q0yNmFb"
    "JPKCmBSD9wDxbDd ann@desk\n",
}


@pytest.mark.parametrize("line", FIRST)
def test_nobody_locks_themselves_out_with_the_first_account(node_dir, line):
    """Who is here only because there are no accounts is told what to do before there is one."""
    done = forced(node_dir, line, stdin=FIRST[line])
    assert done.returncode == 1
    assert "root is here only because the node has no accounts" in done.stdout
    assert "--level 4 in sshd's command" in done.stdout
    shown = forced(node_dir, "show myself").stdout
    assert "account name    : root\nprivilege level : 4\n" in shown
    assert forced(node_dir, line, "--level", "4", stdin=FIRST[line]).returncode == 0
    assert forced(node_dir, "show myself", "--level", "4").stdout == shown
    assert forced(node_dir, "show myself").returncode == 4


@pytest.mark.parametrize("line", FIRST)
def test_the_documented_block_survives_the_first_account(node_dir, tmp_path, line):
    """Made over SSH, and then the same user comes in at the same level."""
    server = OpenSsh(tmp_path, documented_blocks(node_dir)[0])
    try:
        done = server.run([line], stdin=FIRST[line])
        assert done.returncode == 0, done.stdout + done.stderr
        assert "privilege level : 4" in server.run(["show myself"]).stdout
    finally:
        server.close()


def test_with_a_login_shell_the_first_account_is_refused(login_shell_user):
    """A login shell takes no options; the console is still there."""
    server = login_shell_user
    done = server.run(["set account name ann"], stdin=FIRST["set account name ann"])
    assert done.returncode == 1
    assert "operator is here only because" in done.stdout
    assert server.run(["show myself"]).returncode == 0


def forced(node_dir, line, *options, stdin="", ssh=True):
    """What sshd does with one command behind `--forced`; without `ssh` a person does it."""
    environment = {"CUCMOS_STATE": str(node_dir), "SSH_ORIGINAL_COMMAND": line}
    if ssh:
        environment["SSH_CONNECTION"] = "192.0.2.7 1 192.0.2.1 22"
    return subprocess.run(
        [*PROGRAM, "--forced", *options], input=stdin, capture_output=True, text=True, check=False,
        env=environment, timeout=20,
    )  # fmt: skip


def test_who_has_signed_in_by_sshd_is_not_asked_again(node_dir, say):
    """The second sign-in is for the console and the embedded server."""
    say("set password user admin", "", GOOD, GOOD)
    say("set security reauth on")
    options = ("--account", "admin")
    done = forced(node_dir, "set cert regen cup", *options, stdin="yes\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "password" not in done.stdout
    done = forced(node_dir, "set cert regen cup", *options, stdin=f"{GOOD}\nyes\n", ssh=False)
    assert done.stdout.startswith("Please enter the password of account admin :\n")
    assert done.returncode == 0
    assert (
        forced(node_dir, "set cert regen cup", *options, stdin="yes\n", ssh=False).returncode == 1
    )


def test_a_session_starts_no_program(node_dir):
    """The interpreter refuses, whoever asks."""
    code = (
        "import os, subprocess, sys\n"
        "from cucmos_shell.frontends import confine\n"
        "confine.no_programs()\n"
        "for start in (lambda: subprocess.run(['id']), lambda: os.system('id'),\n"
        "              lambda: os.execv('/bin/sh', ['sh']), os.fork,\n"
        "              lambda: os.posix_spawn('/bin/id', ['id'], {})):\n"
        "    try: start()\n"
        "    except PermissionError: continue\n"
        "    sys.exit('started')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_environment_is_made_anew():
    """A fixed PATH, and nothing that steers a library."""
    from cucmos_shell.frontends.confine import PATH, clean_environment

    environment = {
        "PATH": "/tmp", "LD_PRELOAD": "x", "PYTHONPATH": "x", "OPENSSL_CONF": "x", "LC_ALL": "C",
        "TERM": "vt100", "PAGER": "sh", "SSL_CERT_FILE": "x", "LC_X": "x" * 70_000,
    }  # fmt: skip
    clean_environment(environment)
    assert environment == {"PATH": PATH, "LC_ALL": "C", "TERM": "vt100"}
