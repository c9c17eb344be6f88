"""The real program on a real pseudo-terminal, as pexpect and expect(1) hold the conversation."""

import os
import pathlib
import subprocess
import sys

import pexpect
import pytest

HERE = pathlib.Path(__file__).parent
PROGRAM = ["-I", "-m", "cucmos_shell", "--state"]
TERMINAL = {**os.environ, "TERM": "xterm-256color"}


@pytest.fixture
def shell(node_dir):
    """The program, and every byte it sends."""
    command = [*PROGRAM, str(node_dir)]
    child = pexpect.spawn(sys.executable, command, env=TERMINAL, timeout=20, dimensions=(24, 80))
    child.delaybeforesend = None
    with open(node_dir.parent / "bytes", "wb") as child.logfile_read:
        yield child
        child.close(force=True)


def screen(shell):
    """What has been sent so far."""
    shell.logfile_read.flush()
    return pathlib.Path(shell.logfile_read.name).read_bytes()


@pytest.mark.parametrize("enter", ["\r", "\n", "\r\n"])
def test_regenerate_and_restart(shell, enter):
    """Each command's echo on its prompt's line, once; not one escape sequence."""
    shell.expect_exact("admin:")
    shell.send("set cert regen tomcat" + enter)
    shell.expect_exact("Proceed with regeneration (yes|no)? ")
    shell.send("yes" + enter)
    shell.expect_exact("Successfully Regenerated Certificate for tomcat.\r\n")
    shell.expect_exact("admin:")
    for line, answer in (
        ("show service pending", "Cisco Tomcat  tomcat"),
        ("utils service restart Cisco Tomcat", "Cisco Tomcat[STARTED]  \r\n"),
        ("show service pending", "No service is waiting for a restart\r\n"),
    ):
        shell.send(line + enter)
        shell.expect_exact(answer)
        shell.expect_exact("admin:")
    shell.send("exit" + enter)
    shell.expect(pexpect.EOF)
    said = screen(shell)
    assert b"\x1b" not in said
    assert said.count(b"admin:utils service restart Cisco Tomcat\r\n") == 1
    assert said.count(b"admin:show service pending\r\n") == 2


def test_type_ahead_is_silent_until_it_is_read(shell):
    """Lines sent while a command runs, early Enters among them, are read in their order."""
    shell.expect_exact("admin:")
    shell.send("show version active\rshow cli pagination\r\r\rshow myself\rexit\r")
    shell.expect(pexpect.EOF)
    said = screen(shell)
    assert b"\x1b" not in said
    at = [said.index(b"admin:" + line) for line in (b"show version", b"show cli", b"show myself")]
    assert at == sorted(at)
    assert said.count(b"show myself") == 1


def test_early_enters_are_harmless(shell):
    """A client that nudges before the banner finds prompts, and its command works."""
    shell.send("\r\r")
    shell.expect_exact("Welcome to the Platform Command Line Interface")
    shell.expect_exact("admin:")
    shell.send("show cli pagination\r")
    shell.expect_exact("Automatic Pagination : On.\r\nadmin:")


def test_a_line_of_a_thousand_columns_is_echoed_unbroken(shell):
    """No wrapping and no inserted byte on a terminal of 80."""
    line = "show cert list own | include " + "x" * 971
    shell.expect_exact("admin:")
    shell.send(line + "\r")
    shell.expect_exact(line + "\r\nadmin:")
    assert b"\x1b" not in screen(shell)


def test_expect_holds_it_too(node_dir):
    """expect(1), TERM=xterm-256color."""
    done = subprocess.run(
        ["expect", "-f", str(HERE / "expect" / "regenerate.exp"),
         sys.executable, *PROGRAM, str(node_dir)],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
