"""A terminal and a session without a device: the order of what is written and done."""

import pytest
from console_session import BANNER, Session

from cucmos_shell.terminal import Terminal
from cucmos_shell.terminal.paste import CUT
from cucmos_shell.terminal.terminal import IDLE, TOGETHER

PEM = b"-----BEGIN X-----\rMIIB\r-----END X-----\r"
PAGER = b"\x1b[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b[0m"


class Desk:
    """A person at a terminal, and the worker: work is done when `work` says so."""

    def __init__(self, **options):
        self.session = Session()
        self.terminal = Terminal(self.session, columns=80, rows=10, **options)
        self.now = 100.0
        self.terminal.start((), self.now)
        self.out()

    def out(self):
        taken = []
        while data := self.terminal.take_output(self.now):
            taken.append(data)
        return b"".join(taken)

    def send(self, data):
        """Type; what is written before any work is done."""
        self.terminal.receive(data, self.now)
        return self.out()

    def work(self, steps=1000):
        """Do up to `steps` pieces of work, which take no time; what is written when they are done."""
        for _ in range(steps):
            work = self.terminal.take_work()
            if work is None:
                break
            try:
                result = work()
            except BaseException as error:
                result = error
            self.terminal.worked(result, self.now)
        return self.out()

    def run(self, data):
        return self.send(data) + self.work()

    def wait(self, seconds):
        """Let time pass; what is written meanwhile."""
        end, out = self.now + seconds, b""
        while (deadline := self.terminal.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            out += self.out()
            self.terminal.tick(self.now)
            out += self.work()
        self.now = end
        return out + self.out()


@pytest.fixture
def desk():
    return Desk()


def test_the_banner_ends_with_its_own_empty_line():
    terminal = Terminal(Session())
    terminal.start(BANNER, 0.0)
    assert terminal.take_output(0.0) == (
        b"Command Line Interface is starting up, please wait ...\r\n\r\n"
        b"   Welcome to the Platform Command Line Interface\r\n\r\n"
        b"VMware Installation:\r\n\t2 vCPU: Test CPU\r\n\r\nadmin:"
    )


def test_a_command_and_its_output_and_the_prompt(desk):
    assert desk.send(b"echo hello\r") == b"echo hello\r\n"
    assert desk.work() == b"[hello]\r\nadmin:"


def test_output_is_written_together_with_the_prompt_that_follows(desk):
    desk.send(b"echo x\r")
    assert desk.work(1) == b""
    assert desk.work(1) == b"[x]\r\nadmin:"


def test_output_that_nothing_follows_is_not_kept_back_for_long(desk):
    desk.send(b"busy 0\r")
    assert desk.work(1) == b""
    assert desk.terminal.deadline == desk.now + TOGETHER
    desk.now += TOGETHER
    assert desk.out() == b"step 1\r\n"


def test_an_empty_line_needs_no_worker(desk):
    assert desk.send(b"\r") == b"\r\nadmin:"
    assert desk.terminal.take_work() is None


def test_typed_ahead_commands_run_in_order(desk):
    assert desk.run(b"echo 1\recho 2\r\necho 3\n") == (
        b"echo 1\r\n[1]\r\nadmin:echo 2\r\n[2]\r\nadmin:echo 3\r\n[3]\r\nadmin:"
    )


def test_a_question_is_asked_again_until_it_is_answered(desk):
    assert desk.run(b"confirm\r") == b"confirm\r\nProceed (yes|no)? "
    assert desk.run(b"maybe\r") == b"maybe\r\nProceed (yes|no)? "
    assert desk.run(b"yes\r\n") == b"yes\r\nanswered yes\r\nadmin:"


def test_text_and_secret_questions(desk):
    assert desk.run(b"name\ra b?\r") == b"name\r\nName: a b?\r\nname 'a b?'\r\nadmin:"
    assert desk.run(b"secret\rabc\r") == b"secret\r\nPassword: ***\r\nsecret of 3\r\nadmin:"


def test_a_paste_is_taken_and_the_next_command_follows(desk):
    assert desk.run(b"paste\r") == b"paste\r\nPaste the Certificate and Hit Enter\r\n"
    pem = PEM.replace(b"\r", b"\r\n")
    assert desk.run(PEM) == pem
    assert desk.wait(0.3) == b"pasted 1 of 39\r\nadmin:"
    assert desk.run(b"paste\r" + PEM + b"echo x\r").endswith(b"\r\nadmin:echo x\r\n[x]\r\nadmin:")


def test_a_silent_paste_is_refused_and_says_so(desk):
    desk.run(b"paste\r-----BEGIN X-----\r")
    assert desk.wait(60) == CUT.encode() + b"\r\nadmin:"


def test_ctrl_c_at_a_question(desk):
    desk.run(b"confirm\rye")
    assert desk.run(b"\x03") == b"\r\nControl-C pressed\r\nadmin:"


def test_ctrl_c_at_a_paste(desk):
    desk.run(b"paste\r")
    assert desk.run(b"-----BEGIN X-----\r\x03") == (
        b"-----BEGIN X-----\r\nControl-C pressed\r\nadmin:"
    )


def test_ctrl_c_during_a_pause(desk):
    assert desk.run(b"wait 100\r") == b"wait 100\r\nwaiting\r\n"
    assert desk.wait(50) == b""
    assert desk.run(b"\x03") == b"Control-C pressed\r\nadmin:"
    assert desk.wait(100) == b""


def test_a_pause_ends_by_itself(desk):
    desk.run(b"wait 1.5\r")
    assert desk.wait(1.4) == b""
    assert desk.wait(0.1) == b"waited\r\nadmin:"


def test_ctrl_c_while_a_step_runs_ends_the_command_behind_it(desk):
    desk.send(b"busy 0\r")
    work = desk.terminal.take_work()
    assert desk.send(b"\x03") == b""
    desk.terminal.worked(work(), desk.now)
    assert desk.work() == b"step 1\r\nControl-C pressed\r\nadmin:"


def test_ctrl_c_drops_output_nobody_has_read(desk):
    desk.terminal.receive(b"lines 100000\r", desk.now)
    for _ in range(2):
        work = desk.terminal.take_work()
        desk.terminal.worked(work(), desk.now)
    assert len(desk.terminal.take_output(desk.now)) == 4096
    desk.terminal.receive(b"\x03", desk.now)
    out = desk.work()
    assert out.removeprefix(b"\r\n") == b"Control-C pressed\r\nadmin:"
    assert desk.run(b"echo x\r") == b"echo x\r\n[x]\r\nadmin:"


def test_ctrl_c_during_help_gives_a_fresh_prompt(desk):
    desk.terminal.receive(b"show ?\x03", desk.now)
    assert desk.work() == b"show ?\r\nadmin:"


def test_help_and_completion_come_from_the_session(desk):
    assert desk.run(b"s?") == b"s?\r\n\tset*\r\n\tshow*\r\nadmin:s"
    assert desk.run(b"\t") == b"\r\n\tset*\r\n\tshow*\r\nadmin:s"
    assert desk.run(b"h\t") == b"how "


def test_pages(desk):
    first = b"".join(b"line %d\r\n" % i for i in range(1, 10))
    assert desk.run(b"pages 12\r") == b"pages 12\r\n" + first + PAGER
    assert desk.run(b"\r") == b"\r\x1b[Kline 10\r\n" + PAGER
    assert desk.run(b"x\x1b[A") == b""
    assert desk.run(b" ") == b"\r\x1b[Kline 11\r\nline 12\r\nadmin:"


def test_pages_left_with_q(desk):
    desk.run(b"pages 100\r")
    assert desk.run(b"q\r\n") == b"\r\x1b[Kadmin:"
    desk.run(b"pages 100\r")
    assert desk.run(b"qecho x\r") == b"\r\x1b[Kadmin:echo x\r\n[x]\r\nadmin:"


def test_pages_left_with_ctrl_c(desk):
    desk.run(b"pages 100\r")
    assert desk.run(b"\x03") == b"\r\x1b[KControl-C pressed\r\nadmin:"


def test_nothing_pages_without_a_terminal():
    desk = Desk(echo=False)
    assert PAGER not in desk.run(b"pages 100\r")


def test_the_viewer(desk):
    def page(first, last, end=b""):
        shown = b"".join(b"line %d\r\n" % i for i in range(first, last + 1))
        return (
            shown
            + end
            + (
                b"\x1b[1m\r\noptions: q=quit, n=next, p=prev, b=begin, e=end "
                b"(lines %d - %d of 45) : \x1b[0m" % (first, last)
            )
        )

    assert desk.run(b"view 45\r") == b"view 45\r\n" + page(1, 20)
    assert desk.run(b"n\r") == b"\r\n" + page(21, 40)
    last = page(41, 45, b"end of the file reached\r\n")
    assert desk.run(b"n") == b"\r\n" + last
    assert desk.run(b"p") == b"\r\n" + page(21, 40)
    assert desk.run(b"x\x1b[B") == b""
    assert desk.run(b"q\r") == b"\r\nviewed\r\nadmin:"


def test_the_viewer_left_with_ctrl_c(desk):
    desk.run(b"view 45\r")
    assert desk.run(b"\x03") == b"\r\nControl-C pressed\r\nadmin:"


def test_lines_that_fit_a_page_do_not_stop(desk):
    assert PAGER not in desk.run(b"pages 9\r")
    assert PAGER not in desk.run(b"lines 100\r")


def test_a_resized_terminal_has_other_pages(desk):
    desk.terminal.resize(80, 5)
    assert desk.run(b"pages 5\r").endswith(b"line 4\r\n" + PAGER)


def test_exit_and_ctrl_d_end_it(desk):
    assert desk.run(b"exit\r") == b"exit\r\n"
    assert desk.terminal.ended
    desk = Desk()
    assert desk.send(b"\x04") == b"\r\n"
    assert desk.terminal.ended


def test_the_history_has_only_what_the_session_lets_in():
    kept = ["earlier"]
    desk = Desk(history=kept)
    desk.run(b"echo 1\rprivate key\r")
    assert kept == ["earlier", "echo 1"]
    assert desk.run(b"\x1b[A\x1b[A") == b"echo 1" + b"\b" * 5 + b"arlier"


def test_an_idle_session_is_closed():
    desk = Desk(idle_timeout=60.0)
    desk.wait(59)
    desk.send(b"x")
    assert desk.wait(59.9) == b""
    assert not desk.terminal.ended
    assert desk.wait(0.1) == b"\r\n" + IDLE.encode() + b"\r\n"
    assert desk.terminal.ended


def test_an_idle_question_is_broken_off():
    desk = Desk(idle_timeout=60.0)
    desk.run(b"confirm\r")
    desk.wait(60)
    assert desk.terminal.ended


def test_a_working_session_is_not_idle():
    desk = Desk(idle_timeout=60.0)
    desk.run(b"wait 1000\r")
    desk.wait(999)
    assert not desk.terminal.ended


@pytest.mark.parametrize(
    "begun", [b"", b"half", b"confirm\r", b"paste\r", b"pages 99\r", b"wait 9\r"]
)
def test_a_lost_line_breaks_off_whatever_is_going_on(desk, begun):
    desk.run(begun)
    desk.terminal.hang_up(desk.now)
    desk.work()
    assert desk.terminal.ended


@pytest.mark.parametrize("begun", [b"busy 0\r", b"confirm\r", b"echo x\r", b"s?", b"s\t"])
def test_a_line_lost_while_work_is_being_done(desk, begun):
    desk.send(begun)
    work = desk.terminal.take_work()
    desk.terminal.hang_up(desk.now)
    assert not desk.terminal.ended
    desk.terminal.worked(work(), desk.now)
    desk.work()
    assert desk.terminal.ended


def test_who_is_told_why_is_told_nothing_after_it():
    """A dialogue that is broken off for being idle was not broken off by Ctrl-C."""
    desk = Desk(idle_timeout=60.0)
    desk.run(b"confirm\r")
    assert desk.wait(60).endswith(f"{IDLE}\r\n".encode())


def test_time_does_not_stand_still_while_nothing_is_read(desk):
    """A front end that waits for the reader is not called again and again meanwhile."""
    desk.terminal.receive(b"lines 20000\r", desk.now)
    for _ in range(5):
        if (work := desk.terminal.take_work()) is None:
            break
        desk.terminal.worked(work(), desk.now)
    desk.now += 1.0
    desk.terminal.tick(desk.now)
    assert desk.terminal.deadline is None or desk.terminal.deadline > desk.now


def test_whoever_does_not_read_is_idle():
    """The command is done as far as it can be; the rest is nobody's."""
    desk = Desk(idle_timeout=60.0)
    desk.terminal.receive(b"lines 20000\recho x\r", desk.now)
    for _ in range(5):
        if (work := desk.terminal.take_work()) is None:
            break
        desk.terminal.worked(work(), desk.now)
    assert desk.terminal.deadline is not None
    desk.now += 61.0
    desk.terminal.tick(desk.now)
    while work := desk.terminal.take_work():
        desk.terminal.worked(work(), desk.now)
    assert desk.terminal.ended


def test_a_bug_in_a_session_does_not_end_the_terminal(desk):
    assert desk.run(b"bug\r") == (
        b"bug\r\nbefore\r\nInternal error (ZeroDivisionError)\r\n"
        b"Executed command unsuccessfully\r\nadmin:"
    )
    assert desk.run(b"echo x\r") == b"echo x\r\n[x]\r\nadmin:"


def test_the_status_of_the_last_command_is_known(desk):
    desk.run(b"bug\r")
    assert desk.terminal.status == 70
    desk.run(b"echo x\r")
    assert desk.terminal.status == 0


def test_results_wait_while_output_is_not_read(desk):
    desk.terminal.receive(b"lines 20000\recho x\r", desk.now)
    for _ in range(5):
        work = desk.terminal.take_work()
        if work is None:
            break
        desk.terminal.worked(work(), desk.now)
    assert desk.terminal.busy
    assert desk.work().endswith(b"line 20000\r\nadmin:echo x\r\n")
    assert desk.work() == b"[x]\r\nadmin:"


def test_type_ahead_is_bounded_while_a_command_runs(desk):
    desk.send(b"busy 0\r")
    desk.send(b"x" * 16384)
    assert not desk.terminal.wants_input


def test_lines_from_elsewhere_run_without_prompts():
    desk = Desk(prompts=False)
    desk.terminal.run_line("confirm")
    assert desk.work() == b"Proceed (yes|no)? "
    assert not desk.terminal.idle
    assert desk.run(b"yes\r") == b"yes\r\nanswered yes\r\n"
    assert desk.terminal.idle
