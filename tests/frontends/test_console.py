"""The console on real terminals: what is on them, who may interrupt, and how they are left."""

import os
import pathlib
import signal
import subprocess
import sys
import termios
import threading

import pytest
from pty_terminal import ENVIRONMENT, PROGRAM, Terminal

EXPECT = pathlib.Path(__file__).parent / "expect"

PEM = "-----BEGIN X-----\r" + "M" * 64 + "\r-----END X-----\r"
AT_ONCE = 1.0


@pytest.fixture
def terminal():
    opened = []

    def open_terminal(*options, prompt=b"admin:", **size):
        opened.append(Terminal(*options, **size))
        if prompt:
            opened[-1].until(prompt)
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


def test_the_banner_and_the_first_prompt(terminal):
    at = terminal()
    assert at.out == (
        b"Command Line Interface is starting up, please wait ...\r\n\r\n"
        b"   Welcome to the Platform Command Line Interface\r\n\r\n"
        b"VMware Installation:\r\n\t2 vCPU: Test CPU\r\n\r\nadmin:"
    )


def test_nothing_but_the_rules_is_on_a_modern_terminal(terminal):
    at = terminal()
    at.type("echo a?b\r".replace("?", ""))
    at.until(b"[ab]\r\nadmin:")
    at.type("\r\r")
    at.until(b"\r\nadmin:\r\nadmin:")
    assert b"\x1b" not in at.out


def test_it_is_raw_from_before_the_banner_to_the_end(terminal):
    at = terminal()
    mode = at.mode()
    assert not mode[3] & (termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
    assert not mode[0] & (termios.ICRNL | termios.IXON)
    assert not mode[1] & termios.OPOST
    at.type("wait 0.2\rexit\r")
    at.until(b"waiting\r\n")
    assert at.mode() == mode
    assert at.ended(5) == 0
    assert at.out.endswith(b"waited\r\nadmin:exit\r\nleft with 0\r\n")
    assert at.mode() == at.mode_before


@pytest.mark.parametrize("typed", ["exit\r", "\x04"])
def test_exit_and_ctrl_d_end_it_at_once(terminal, typed):
    at = terminal()
    at.type(typed)
    assert at.ended(AT_ONCE) == 0
    assert at.mode() == at.mode_before


def test_type_ahead_before_the_banner_is_kept(terminal):
    at = terminal(prompt=None)
    at.type("\r\necho early\r")
    at.until(b"admin:echo early\r\n[early]\r\nadmin:")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT])
@pytest.mark.parametrize("doing", ["", "half a line", "confirm\r", "paste\r", "busy 0.2\r"])
def test_signals_end_it_within_a_second_and_restore_the_terminal(terminal, number, doing):
    at = terminal()
    at.type(doing)
    if doing:
        at.until(doing.rstrip().encode())
    at.signal(number)
    assert at.ended(AT_ONCE) == 128 + number
    assert at.mode() == at.mode_before


def test_a_signal_during_work_that_never_ends(terminal):
    at = terminal()
    at.type("stuck 100\r")
    at.until(b"stuck\r\n")
    at.signal(signal.SIGTERM)
    assert at.ended(AT_ONCE) == 128 + signal.SIGTERM
    assert at.mode() == at.mode_before


def test_a_signal_while_nobody_reads(terminal):
    at = terminal()
    at.type("lines 200000\r")
    at.until(b"line 1\r\n")
    at.signal(signal.SIGTERM)
    assert at.process.wait() == 128 + signal.SIGTERM
    assert at.mode() == at.mode_before


def test_a_closed_terminal_ends_it():
    """Nobody holds the other end any more: the device says so, with or without a signal."""
    at = Terminal()
    at.until(b"admin:")
    os.close(at.device)
    os.close(at.master)
    assert at.process.wait(AT_ONCE) == 128 + signal.SIGHUP
    os.close(at.exit)


def test_its_own_mistakes_restore_the_terminal_too(terminal):
    at = terminal("--broken", prompt=b"ZeroDivisionError")
    assert at.ended(AT_ONCE) == 1
    assert at.mode() == at.mode_before


def test_ctrl_c_is_seen_while_a_step_runs(terminal):
    at = terminal()
    at.type("busy 0.3\r")
    at.until(b"step 1\r\n")
    at.type("\x03")
    assert at.until(b"Control-C pressed\r\nadmin:") in (b"", b"step 2\r\n")


def test_an_interrupt_from_outside_is_ctrl_c(terminal):
    at = terminal()
    at.type("wait 100\r")
    at.until(b"waiting\r\n")
    at.signal(signal.SIGINT)
    at.until(b"Control-C pressed\r\nadmin:")


def test_ctrl_z_and_ctrl_backslash_do_nothing(terminal):
    at = terminal()
    at.type("\x1a\x1cecho x\x1a\r")
    at.until(b"echo x\r\n[x]\r\nadmin:")


def test_pages_follow_the_size_of_the_terminal(terminal):
    at = terminal(rows=5)
    at.type("pages 100\r")
    at.until(b"line 4\r\n\x1b[1mPress <enter>")
    at.until(b"\x1b[0m")
    at.resize(11, 80)
    at.type("x ")
    at.until(b"\r\x1b[Kline 5\r\n")
    at.until(b"line 14\r\n\x1b[1mPress <enter>")
    at.type("q")
    at.until(b"\r\x1b[Kadmin:")


def test_a_question_a_password_and_a_paste(terminal):
    at = terminal()
    at.type("confirm\r")
    at.until(b"Proceed (yes|no)? ")
    at.type("yes\r")
    at.until(b"yes\r\nanswered yes\r\nadmin:")
    at.type("secret\r")
    at.until(b"Password: ")
    at.type("abc\r")
    at.until(b"***\r\nsecret of 3\r\nadmin:")
    at.type("paste\r")
    at.until(b"Enter\r\n")
    at.type(PEM)
    at.until(PEM.replace("\r", "\r\n").encode() + b"pasted 1 of 99\r\nadmin:")


def test_editing_works_from_the_first_key_on(terminal):
    at = terminal()
    at.type("echo helo\x1b[Dl\x1b[F!\r")
    at.until(b"[hello!]\r\nadmin:")
    at.type("\x1b[A\x7f?\r".replace("?", ""))
    at.until(b"[hello]\r\nadmin:")


def test_long_lines_pass_whole(terminal):
    at = terminal()
    line = "echo " + "x" * 4091
    at.type(line + "\r")
    at.until(line.encode() + b"\r\n[" + b"x" * 4091 + b"]\r\nadmin:")


def test_large_output_arrives_whole_and_in_order(terminal):
    at = terminal()
    at.type("lines 30000\r")
    at.until(b"lines 30000\r\n")
    assert at.until(b"admin:").splitlines() == [b"line %d" % i for i in range(1, 30001)]


def test_an_idle_session_is_closed(terminal):
    at = terminal("--idle", "0.3")
    assert at.ended(3) == 0
    assert at.out.endswith(
        b"\r\nThe session was idle for too long and is closed\r\nleft with 0\r\n"
    )


def test_too_much_type_ahead_stays_with_the_terminal(terminal):
    """16 KiB are taken while a command runs; the rest waits in the kernel, and nothing is lost."""
    at = terminal()
    lines = [f"echo {i:0200d}" for i in range(150)]
    typing = threading.Thread(target=lambda: at.type("\r".join(["wait 0.3", *lines, ""])))
    typing.start()
    for line in lines:
        at.until(f"admin:{line}\r\n[{line[5:]}]\r\n".encode())
    typing.join()


@pytest.mark.unmeasured
def test_the_toolkit_is_not_loaded_for_scripts():
    """It costs a tenth of a second, which a prompt must not wait for."""
    code = (
        "import sys; from cucmos_shell.frontends import console; from cucmos_shell.terminal.editor import *;"
        "e = LineEditor(); e.prompt(0); e.receive(b'\\x01\\x15\\x7fshow cert\\r', 0);"
        "print(any(name.startswith(('prompt_toolkit', 'asyncio')) for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"False\n"


@pytest.mark.parametrize("script", sorted(p.name for p in EXPECT.glob("*.exp")))
def test_expect_scripts(script):
    done = subprocess.run(
        ["expect", "-f", str(EXPECT / script), sys.executable, str(PROGRAM)],
        env=ENVIRONMENT,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
