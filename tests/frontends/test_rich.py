"""The rich console: menus and a toolbar on top, the same dialogues below."""

import signal
import termios

import pytest
from console_session import Session
from pty_terminal import Terminal

from cucmos_shell.frontends.rich.line import SessionHistory

# A line is being read: what is pasted is told from what is typed.
READY = b"\x1b[?2004h"
PEM = "-----BEGIN X-----\rMIIB\r-----END X-----\r"


def test_the_history_is_the_sessions():
    lines = ["old"]
    history = SessionHistory(Session(), lines)
    for line in ("new", "new", "private thing", "two\nlines"):
        history.append_string(line)
    assert lines == ["old", "new"]


@pytest.fixture
def rich():
    opened = []

    def open_terminal(*options):
        opened.append(Terminal("--rich", *options, columns=120))
        opened[-1].until(READY)
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


def test_the_banner_the_prompt_and_the_toolbar(rich):
    at = rich()
    at.until(b"leaves")
    assert at.out.count(b"admin:") == 1
    assert b"starting up, please wait ...\r\n\r\n   Welcome" in at.out
    assert b"\x1b[6n" not in at.out


def test_a_menu_opens_while_typing_and_tab_chooses(rich):
    at = rich()
    at.type("s")
    at.until(b"set")
    at.until(b"show")
    at.type("\t")
    at.until(b"et")
    at.type(" x\r")
    at.until(b"No valid command entered\r\n")
    at.until(READY)


def test_help_comes_without_enter_and_the_line_stays(rich):
    at = rich()
    at.type("s?")
    at.until(b"admin:s?\r\n\tset*\r\n\tshow*\r\n")
    at.until(READY)
    at.type("\x15echo hello\r")
    at.until(b"[hello]\r\n")


def test_question_marks_inside_quotes_are_typed(rich):
    at = rich()
    at.type('echo "a?"\r')
    at.until(b'["a?"]\r\n')


def test_history_and_its_search(rich):
    at = rich()
    for word in ("one", "two"):
        at.type(f"echo {word}\r")
        at.until(f"[{word}]\r\n".encode())
        at.until(READY)
    at.type("\x1b[A\r")
    at.until(b"[two]\r\n")
    at.until(READY)
    at.type("\x12one")
    at.until(b"reverse-i-search")
    at.type("\r\r")
    at.until(b"[one]\r\n")


def test_dialogues_are_those_of_the_quiet_console(rich):
    at = rich()
    at.type("confirm\r")
    at.until(b"Proceed (yes|no)? ")
    at.type("x\ryes\r\n")
    at.until(b"x\r\nProceed (yes|no)? yes\r\nanswered yes\r\n")
    at.until(READY)
    at.type("secret\r")
    at.until(b"Password: ")
    at.type("abc\r")
    at.until(b"***\r\nsecret of 3\r\n")
    at.until(READY)
    at.type("paste\r")
    at.until(b"Hit Enter\r\n")
    at.type(PEM)
    at.until(b"-----END X-----\x1b[38;5;244m   1 pasted\x1b[39m\r\npasted 1 of 39\r\n")
    at.until(READY)


def test_typed_ahead_answers_and_commands(rich):
    at = rich()
    at.type("confirm\ryes\recho next\rpaste\r" + PEM + "echo last\r")
    at.until(b"yes\r\nanswered yes\r\n")
    at.until(b"[next]\r\n")
    at.until(b"pasted 1 of 39\r\n")
    at.until(b"[last]\r\n")


def test_a_block_at_the_prompt_is_dropped(rich):
    at = rich()
    at.type(PEM + "echo next\r")
    at.until(b"was dropped: no command had asked for it\r\n")
    at.until(b"[next]\r\n")
    assert b"MIIB" not in at.out


def test_a_bracketed_block_at_the_prompt_is_dropped(rich):
    at = rich()
    at.type(f"\x1b[200~{PEM[:-1]}\x1b[201~\r")
    at.until(b"was dropped: no command had asked for it\r\n")
    at.until(READY)
    at.type("echo next\r")
    at.until(b"[next]\r\n")


def test_bracketed_lines_run_one_after_another(rich):
    at = rich()
    at.type("\x1b[200~echo 1\recho 2\x1b[201~\r")
    at.until(b"[1]\r\n")
    at.until(b"[2]\r\n")


def test_ctrl_c_at_the_prompt_and_in_a_command(rich):
    at = rich()
    at.type("half\x03")
    at.until(READY)
    at.type("wait 100\r")
    at.until(b"waiting\r\n")
    at.type("\x03")
    at.until(b"Control-C pressed\r\n")
    at.until(READY)
    at.type("echo x\r")
    at.until(b"[x]\r\n")


def test_pages(rich):
    at = rich()
    at.type("pages 100\r")
    at.until(b"or <q> to quit\x1b[0m")
    at.type("q")
    at.until(b"\r\x1b[K")
    at.until(READY)


@pytest.mark.parametrize("typed", ["exit\r", "\x04"])
def test_exit_and_ctrl_d_end_it(rich, typed):
    at = rich()
    at.type(typed)
    assert at.ended(1.5) == 0
    assert at.mode() == at.mode_before


@pytest.mark.parametrize(
    ("number", "doing"),
    [
        (signal.SIGHUP, ""),
        (signal.SIGTERM, ""),
        (signal.SIGHUP, "confirm\r"),
        (signal.SIGTERM, "busy 0.2\r"),
        (signal.SIGTERM, "stuck 100\r"),
    ],
)
def test_signals_end_it_and_restore_the_terminal(rich, number, doing):
    at = rich()
    at.type(doing)
    if doing:
        at.until({"c": b"(yes|no)? ", "b": b"step 1", "s": b"stuck\r\n"}[doing[0]])
    at.signal(number)
    assert at.ended(1.5) == 128 + number
    assert at.mode() == at.mode_before


def test_an_idle_session_is_closed(rich):
    at = rich("0.4")
    assert at.ended(3) == 0
    assert b"idle for too long" in at.out


def test_it_is_raw_between_and_during_commands(rich):
    at = rich()
    raw = termios.ECHO | termios.ICANON
    assert not at.mode()[3] & raw
    at.type("wait 100\r")
    at.until(b"waiting\r\n")
    assert not at.mode()[3] & raw
    at.type("\x03")
    at.until(READY)
    assert not at.mode()[3] & raw
