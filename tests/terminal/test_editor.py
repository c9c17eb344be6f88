"""The line on the wire, rule by rule, byte for byte."""

import pytest

from cucmos_shell.cli.paste import TOO_LONG as TOO_LONG_PASTE
from cucmos_shell.terminal.editor import (
    STRAY_BLOCK,
    TOO_LONG,
    LineEditor,
)
from cucmos_shell.terminal.events import (
    Answer,
    Closed,
    CompletionWanted,
    HelpWanted,
    Interrupted,
    Key,
    Line,
    Pasted,
)
from cucmos_shell.terminal.paste import CUT, SILENT

NOW = 1000.0
PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmg\nAwIBAgIUW5Y=\n-----END CERTIFICATE-----\n"
UP, DOWN, RIGHT, LEFT = b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D"
HOME, END, DELETE = b"\x1b[H", b"\x1b[F", b"\x1b[3~"


class Typist:
    """An editor and what came out of it."""

    def __init__(self, **options):
        self.editor = LineEditor(**options)
        self.now = NOW

    def type(self, data):
        """The bytes written in answer to `data`."""
        self.editor.receive(data, self.now)
        return self.editor.output.take()

    def prompt(self, text="admin:"):
        self.editor.prompt(self.now, text)
        return self.editor.output.take()

    def events(self):
        found = []
        while (event := self.editor.next_event()) is not None:
            found.append(event)
        return found

    def wait(self, seconds):
        """Let time pass, ticking when the editor wants it."""
        end = self.now + seconds
        while (deadline := self.editor.deadline) is not None and deadline <= end:
            self.now = deadline
            self.editor.tick(self.now)
        self.now = end
        return self.editor.output.take()


@pytest.fixture
def typist():
    """Somebody at the prompt of a terminal of 80 columns."""
    made = Typist(columns=80, rows=24)
    assert made.prompt() == b"admin:"
    return made


def pasting(prompt="Paste the Certificate and Hit Enter"):
    made = Typist(columns=80, rows=24)
    made.editor.paste(prompt, made.now)
    assert made.editor.output.take() == prompt.encode() + b"\r\n"
    return made


# --- rule 1: the prompt ----------------------------------------------------------------------------


def test_rule_1_prompt_is_six_bytes_in_one_piece_with_the_tail_of_the_output(typist):
    assert typist.type(b"show\r") == b"show\r\n"
    typist.editor.output.write("first\nlast\n")
    typist.editor.prompt(NOW)
    assert typist.editor.output.take() == b"first\r\nlast\r\nadmin:"


def test_rule_1_line_end_goes_before_it_only_if_the_last_byte_was_none(typist):
    typist.type(b"show\r")
    typist.editor.output.put("no line end")
    typist.editor.prompt(NOW)
    assert typist.editor.output.take() == b"no line end\r\nadmin:"


def test_rule_1_column_is_known_across_takes(typist):
    typist.type(b"show\r")
    typist.editor.output.put("tail")
    assert typist.editor.output.take() == b"tail"
    typist.editor.prompt(NOW)
    assert typist.editor.output.take() == b"\r\nadmin:"


def test_rule_1_a_wiped_line_is_a_line_start(typist):
    typist.type(b"show\r")
    typist.editor.output.put("\r\x1b[")
    typist.editor.output.take()
    typist.editor.output.put("K")
    typist.editor.prompt(NOW)
    assert typist.editor.output.take() == b"Kadmin:"


def test_rule_1_a_large_output_is_taken_in_chunks_and_never_ends_in_a_lone_prompt(typist):
    typist.type(b"show\r")
    typist.editor.output.write("x" * 99 + "\n" + "y\n" * 5000)
    typist.editor.prompt(NOW)
    taken = []
    while data := typist.editor.output.take(4096):
        taken.append(data)
    assert len(taken) > 2
    assert len(taken[-1]) > 4096
    assert taken[-1].endswith(b"y\r\nadmin:")


def test_rule_1_command_count_may_stand_before_the_prompt():
    typist = Typist()
    assert typist.prompt("7 admin:") == b"7 admin:"


# --- rule 2: echo ----------------------------------------------------------------------------------


def test_rule_2_echo_is_the_line_itself_once(typist):
    assert typist.type(b"show version active\r") == b"show version active\r\n"
    assert typist.events() == [Line("show version active")]


def test_rule_2_each_character_is_echoed_when_it_is_read(typist):
    assert [typist.type(bytes((c,))) for c in b"show"] == [b"s", b"h", b"o", b"w"]


def test_rule_2_type_ahead_is_silent_until_it_is_read(typist):
    assert typist.type(b"first\r") == b"first\r\n"
    assert typist.type(b"second\rthird") == b""
    assert typist.prompt() == b"admin:second\r\n"
    assert typist.events() == [Line("first"), Line("second")]
    assert typist.prompt() == b"admin:third"
    assert typist.events() == []


def test_rule_2_lines_in_one_packet_are_echoed_each_on_its_own_prompt(typist):
    assert typist.type(b"a\rb\rc\r") == b"a\r\n"
    assert typist.prompt() == b"admin:b\r\n"
    assert typist.prompt() == b"admin:c\r\n"
    assert typist.events() == [Line("a"), Line("b"), Line("c")]


@pytest.mark.parametrize("columns", [0, 1, 2, 20, 80, 511])
def test_rule_2_no_wrapping_at_any_width(columns):
    typist = Typist(columns=columns)
    typist.prompt()
    line = ("word " * 820)[:4097].encode()
    assert typist.type(line + b"\r") == line + b"\r\n"
    assert typist.events() == [Line(line.decode())]


def test_rule_2_utf8_is_echoed_as_typed_also_in_pieces(typist):
    assert typist.type("é".encode()[:1]) == b""
    assert typist.type("é".encode()[1:] + b"\r") == "é\r\n".encode()
    assert typist.events() == [Line("é")]


def test_rule_2_bytes_that_are_no_text_are_not_sent_to_the_terminal(typist):
    data = b"a\x00\x07\x1c\x1db\x9b\xc2\x9b\xe2\x80\xae\xc2\xa0c\r"
    assert typist.type(data) == "ab\ufffd c\r\n".encode()


def test_rule_2_long_lines_take_64_kib_and_no_more(typist):
    line = b"x" * 65536
    assert typist.type(line + b"\r") == line + b"\r\n"
    assert typist.events() == [Line(line.decode())]


FAILED_TOO_LONG = TOO_LONG.encode() + b"\r\nExecuted command unsuccessfully"


def test_rule_2_longer_lines_are_dropped_with_one_message(typist):
    line = b"x" * 65537
    out = line[:-1] + b"\r\n" + FAILED_TOO_LONG + b"\r\nadmin:"
    assert typist.type(line + b"\r") == out
    typist.type(b"y" * 65537)
    for _ in range(100):
        assert typist.type(b"y" * 4096 + b"\x08\x01?\t\x1b[A") == b""
        assert typist.editor._field.text == ""
    assert typist.type(b"\r").endswith(FAILED_TOO_LONG + b"\r\nadmin:")
    assert typist.events() == []
    assert typist.type(b"ok\r") == b"ok\r\n"


def test_rule_2_a_channel_without_terminal_echoes_nothing():
    typist = Typist(echo=False)
    assert typist.prompt() == b"admin:"
    assert typist.type(b"shox\x08w\x1b[D\x1b[C cert\r") == b"\r\n"
    assert typist.events() == [Line("show cert")]


# --- rule 3: repaint -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "out"),
    [
        (b"\x7f", b"\b\x1b[K"),
        (b"\x08", b"\b\x1b[K"),
        (LEFT, b"\b"),
        (b"\x1bOD", b"\b"),
        (LEFT + RIGHT, b"\bt"),
        (HOME, b"\b" * 9),
        (b"\x01", b"\b" * 9),
        (b"\x1b[1~", b"\b" * 9),
        (b"\x01" + END, b"\b" * 9 + b"show cert"),
        (b"\x01\x05", b"\b" * 9 + b"show cert"),
        (b"\x15", b"\b" * 9 + b"\x1b[K"),
        (b"\x17", b"\b\b\b\b\x1b[K"),
        (b"\x01\x0b", b"\b" * 9 + b"\x1b[K"),
        (LEFT + DELETE, b"\b\x1b[K"),
        (LEFT + LEFT + DELETE, b"\b\bt\x1b[K\b"),
        (LEFT + b"X", b"\bXt\b"),
        (LEFT + b"\x04", b"\b\x1b[K"),
        (b"\x1b[1;5D", b"\b\b\b\b"),
        (b"\x1b[200~", b""),
        (b"\x1b[15~\x1bOP\x1b[[A\x1b[12;3R", b""),
        (b"\x1bx", b"x"),
    ],
)
def test_rule_3_editing_keys_send_the_fewest_bytes(typist, keys, out):
    typist.type(b"show cert")
    assert typist.type(keys) == out


@pytest.mark.parametrize(
    "key", [LEFT, RIGHT, UP, DOWN, HOME, END, DELETE, b"\x7f", b"\x15", b"\x17"]
)
def test_rule_3_a_key_that_changes_nothing_sends_nothing(typist, key):
    assert typist.type(key) == b""


def test_rule_3_history(typist):
    for line in ("show status", "show version"):
        typist.editor.remember(line)
    typist.type(b"dra")
    assert typist.type(UP) == b"\b\b\bshow version"
    assert typist.type(UP) == b"\b" * 7 + b"status\x1b[K"
    assert typist.type(UP) == b""
    assert typist.type(DOWN) == b"\b" * 6 + b"version"
    assert typist.type(DOWN) == b"\b" * 12 + b"dra\x1b[K"
    assert typist.type(DOWN) == b""
    assert typist.type(b"\x10\r") == b"\b\b\bshow version\r\n"
    assert typist.events() == [Line("show version")]


def test_rule_3_history_keeps_no_repetitions_and_no_endless_lines(typist):
    for line in ("a", "a", "x" * 5000, "b"):
        typist.editor.remember(line)
    assert typist.editor.history.lines == ["a", "b"]
    for number in range(600):
        typist.editor.remember(f"line {number}")
    assert len(typist.editor.history.lines) == 500


def test_rule_3_the_line_is_never_shown_again_by_editing(typist):
    out = typist.type(b"show\x01\x05\x1b[D\x1b[Ax\x7f\x0b\x15")
    assert b"admin:" not in out


def test_rule_3_a_line_wider_than_the_terminal(typist):
    line = b"x" * 100
    typist.type(line)
    assert typist.type(b"\x01") == b"\r\x1b[A\x1b[6C"
    assert typist.type(b"\x05") == line
    assert typist.type(b"\x15") == b"\r\x1b[A\x1b[6C\x1b[J"


def test_rule_3_nothing_is_assumed_of_an_unknown_width():
    typist = Typist(columns=0)
    typist.prompt()
    typist.type(b"x" * 100)
    assert typist.type(b"\x01") == b"\b" * 100


def test_rule_3_ctrl_l_clears_and_shows_prompt_and_line_again(typist):
    typist.type(b"show cert" + LEFT)
    assert typist.type(b"\x0c") == b"\r" + b"\x1b[A" * 23 + b"\x1b[Jadmin:show cert\b"


# --- rule 4 ----------------------------------------------------------------------------------------


def test_rule_4_no_terminal_modes_are_set(typist):
    everything = bytes(range(256)) * 2
    out = typist.type(everything) + typist.prompt() + typist.type(UP + HOME + b"x" * 200 + HOME)
    assert all(code not in out for code in (b"[?", b"[6n", b"\x1b]", b"\x1bP"))


# --- rule 5: Enter ---------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_rule_5_enter_is_cr_or_lf_or_both(typist, end):
    assert typist.type(b"a" + end) == b"a\r\n"
    assert typist.prompt() == b"admin:"
    assert typist.events() == [Line("a")]


def test_rule_5_cr_lf_in_two_packets_is_one(typist):
    assert typist.type(b"a\r") == b"a\r\n"
    assert typist.prompt() == b"admin:"
    assert typist.type(b"\n") == b""
    assert typist.type(b"\n") == b"\r\nadmin:"


def test_rule_5_lf_cr_is_two(typist):
    assert typist.type(b"\n\r") == b"\r\nadmin:" * 2


# --- rule 6: empty lines ---------------------------------------------------------------------------


def test_rule_6_an_empty_line_gives_a_fresh_prompt_at_once(typist):
    assert typist.type(b"\r") == b"\r\nadmin:"
    assert typist.type(b"  \r\n") == b"  \r\nadmin:"
    assert typist.events() == []


def test_rule_6_newlines_during_start_up_are_harmless():
    typist = Typist()
    assert typist.type(b"\r\n\n") == b""
    assert typist.prompt() == b"admin:\r\nadmin:\r\nadmin:"
    assert typist.events() == []


# --- rule 8: after a dialogue ----------------------------------------------------------------------


@pytest.mark.parametrize("ends", [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n\n"])
def test_rule_8_bare_line_ends_after_a_dialogue_are_dropped(typist, ends):
    typist.type(b"regen\r")
    typist.editor.ask("Proceed (yes|no)? ", NOW)
    assert typist.type(b"yes\r") == b"Proceed (yes|no)? yes\r\n"
    assert typist.type(ends) == b""
    assert typist.prompt() == b"admin:"
    assert typist.type(b"x\n") == b"x\r\n"


def test_rule_8_the_line_end_after_the_dropped_ones_is_an_enter(typist):
    typist.type(b"regen\r")
    typist.editor.ask("Proceed (yes|no)? ", NOW)
    typist.type(b"yes\r\n")
    assert typist.prompt() == b"admin:"
    assert typist.type(b"\n") == b"\r\nadmin:"


def test_rule_8_other_type_ahead_is_kept(typist):
    typist.type(b"regen\r")
    typist.editor.ask("Proceed (yes|no)? ", NOW)
    typist.type(b"yes\r\r\nshow\r")
    assert typist.prompt() == b"admin:\r\nadmin:show\r\n"


def test_rule_8_without_a_dialogue_line_ends_are_prompts(typist):
    typist.type(b"show\r\n\r\n")
    assert typist.prompt() == b"admin:\r\nadmin:"


# --- rule 9: questions -----------------------------------------------------------------------------


def test_rule_9_question_and_answer_share_a_line(typist):
    typist.type(b"regen\r")
    typist.editor.output.write("WARNING\n")
    typist.editor.ask("Proceed (yes|no)? ", NOW)
    assert typist.editor.output.take() == b"WARNING\r\nProceed (yes|no)? "
    assert typist.type(b"yez\x7fs\r\n") == b"yez\b\x1b[Ks\r\n"
    assert typist.events() == [Line("regen"), Answer("yes")]


def test_rule_9_an_empty_answer_is_an_answer(typist):
    typist.type(b"regen\r")
    typist.editor.ask("Name: ", NOW)
    typist.type(b"\r")
    assert typist.events() == [Line("regen"), Answer("")]


def test_rule_9_answers_may_be_typed_ahead(typist):
    typist.type(b"regen\ryes\r")
    typist.editor.ask("Proceed (yes|no)? ", NOW)
    assert typist.editor.output.take() == b"Proceed (yes|no)? yes\r\n"


def test_rule_9_passwords_are_echoed_as_stars(typist):
    typist.type(b"login\r")
    typist.editor.ask("Password: ", NOW, secret=True)
    assert typist.editor.output.take() == b"Password: "
    assert typist.type("sécret?".encode()) == b"*" * 7
    assert typist.type(b"\x7f") == b"\b\x1b[K"
    assert typist.type(LEFT + b"\t") == b"\b**\b"
    assert typist.type(b"\x01\r") == b"\b" * 6 + b"\r\n"
    assert typist.events() == [Line("login"), Answer("sécre\tt")]


def test_rule_9_questions_have_no_history(typist):
    typist.editor.remember("show")
    typist.type(b"x\r")
    typist.editor.ask("Name: ", NOW)
    typist.editor.output.take()
    assert typist.type(UP) == b""


# --- rule 10: pastes -------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_rule_10_a_paste_is_echoed_and_ends_300_ms_after_its_end(end):
    typist = pasting()
    assert typist.type(PEM.replace("\n", end).encode()) == PEM.replace("\n", "\r\n").encode()
    assert typist.wait(0.299) == b""
    assert typist.events() == []
    assert typist.wait(0.001) == b""
    assert typist.events() == [Pasted(PEM)]
    assert typist.prompt() == b"admin:"


def test_rule_10_the_enter_behind_the_end_need_not_come():
    typist = pasting()
    assert typist.type(PEM[:-1].encode()) == PEM[:-1].replace("\n", "\r\n").encode()
    assert typist.wait(0.3) == b"\r\n"
    assert typist.events() == [Pasted(PEM)]


def test_rule_10_each_byte_starts_the_300_ms_again():
    typist = pasting()
    typist.type(PEM.encode())
    for _ in range(5):
        typist.wait(0.25)
        assert typist.type(b"\n") == b"\r\n"
        assert typist.events() == []
    typist.wait(0.3)
    assert typist.events() == [Pasted(PEM)]


def test_rule_10_late_line_ends_are_dropped_for_a_second():
    typist = pasting()
    typist.type(PEM[:-1].encode())
    typist.wait(0.3)
    typist.events()
    typist.prompt()
    assert typist.type(b"\r") == b""
    typist.wait(0.9)
    assert typist.type(b"\n\r\n") == b""
    typist.wait(0.2)
    assert typist.type(b"\r") == b"\r\nadmin:"


def test_rule_10_the_enter_of_a_command_within_that_second_counts():
    typist = pasting()
    typist.type(PEM[:-1].encode())
    typist.wait(0.3)
    typist.events()
    typist.prompt()
    assert typist.type(b"\r\nshow\r\r") == b"show\r\n"
    assert typist.prompt() == b"admin:\r\nadmin:"
    assert typist.events() == [Line("show")]


def test_rule_10_ctrl_d_ends_it_too():
    typist = pasting()
    typist.type(PEM.encode() + b"\x04\r\n")
    assert typist.events() == [Pasted(PEM)]
    assert typist.prompt() == b"admin:"
    assert typist.type(b"\r\n") == b""


def test_rule_10_ctrl_d_ends_an_unfinished_one():
    typist = pasting()
    typist.type(b"-----BEGIN X-----\rMII\x04")
    assert typist.events() == [Pasted("-----BEGIN X-----\nMII\n")]
    typist = pasting()
    typist.type(b"\x04")
    assert typist.events() == [Pasted("")]


def test_rule_10_text_before_the_first_begin_is_skipped():
    typist = pasting()
    before = "\nsubject=CN = a\nshow version\nBag Attributes\n    name: x\n"
    assert typist.type((before + PEM).encode()) == (before + PEM).replace("\n", "\r\n").encode()
    typist.wait(0.3)
    assert typist.events() == [Pasted(PEM)]


def test_rule_10_a_chain_continues():
    between = "\nsubject=CN = a\nissuer=CN = b\nBag Attributes\n    x: 1\n\tshow version\n  \n"
    typist = pasting()
    typist.type((PEM + between + PEM).encode())
    typist.wait(0.3)
    assert typist.events() == [Pasted(PEM + PEM)]


def test_rule_10_any_other_line_ends_it_and_is_a_command():
    typist = pasting()
    out = typist.type(PEM.encode() + b"\nshow version\r")
    assert out == (PEM + "\n").replace("\n", "\r\n").encode()
    assert typist.events() == [Pasted(PEM)]
    assert typist.prompt() == b"admin:show version\r\n"
    assert typist.events() == [Line("show version")]


def test_rule_10_a_command_directly_behind_the_end():
    typist = pasting()
    out = typist.type(PEM[:-1].encode() + b"utils\r")
    assert out == PEM.replace("\n", "\r\n").encode()
    assert typist.events() == [Pasted(PEM)]
    assert typist.prompt() == b"admin:utils\r\n"


@pytest.mark.parametrize("line", ["set output json", "iss", "-----x", "subjec", "Bag", "s", "B"])
def test_rule_10_lines_that_begin_like_a_skipped_one_are_commands(line):
    typist = pasting()
    for character in PEM + line + "\r":
        typist.type(character.encode())
    assert typist.events() == [Pasted(PEM)]
    assert typist.prompt() == b"admin:" + line.encode() + b"\r\n"


def test_rule_10_an_unfinished_word_is_typed_on_at_the_prompt():
    typist = pasting()
    typist.type(PEM.encode() + b"s")
    typist.wait(0.3)
    assert typist.events() == [Pasted(PEM)]
    assert typist.prompt() == b"admin:s"
    assert typist.type(b"how\r") == b"how\r\n"


def test_rule_10_an_indented_block_counts():
    typist = pasting()
    indented = "".join(f"  {line}\n" for line in PEM.splitlines())
    typist.type((indented + indented).encode())
    typist.wait(0.3)
    assert typist.events() == [Pasted(indented + indented)]


def test_rule_10_a_block_on_one_line_counts():
    typist = pasting()
    line = PEM.replace("\n", " ").rstrip()
    typist.type(line.encode())
    typist.wait(0.3)
    assert typist.events() == [Pasted(line + "\n")]


def test_rule_10_a_megabyte_is_taken_and_more_is_refused_after_it_has_ended():
    body = "M" * 63 + "\n"
    frame = "-----BEGIN X-----\n{}-----END X-----\n"
    fits = frame.format(body * ((1 << 20) // 64 - 2))
    typist = pasting()
    typist.type(fits.encode())
    typist.wait(0.3)
    assert typist.events() == [Pasted(fits)]

    typist = pasting()
    for _ in range(40):
        typist.type(b"-----BEGIN X-----\n" + body.encode() * 1024)
    typist.type(b"set cert regen tomcat\r-----END X-----\r")
    assert typist.events() == []
    typist.wait(0.3)
    assert typist.events() == [Pasted("", TOO_LONG_PASTE)]


def test_rule_10_one_endless_line_is_not_kept_either():
    typist = pasting()
    typist.type(b"-----BEGIN X-----")
    for _ in range(400):
        typist.type(b"M" * 4096)
        assert len(typist.editor._paste._line) < (1 << 20) + 4096
    typist.type(b"-----END X-----")
    typist.wait(0.3)
    assert typist.events() == [Pasted("", TOO_LONG_PASTE)]


@pytest.mark.parametrize("begun", [b"", b"-----BEGIN X-----\rMII", b"text"])
def test_rule_10_sixty_seconds_of_silence_refuse_it(begun):
    typist = pasting()
    typist.type(begun)
    typist.wait(59.9)
    assert typist.events() == []
    typist.wait(0.1)
    assert typist.events() == [Pasted("", CUT if b"BEGIN" in begun else SILENT)]


def test_rule_10_keys_mean_nothing_in_a_paste():
    typist = pasting()
    out = typist.type(b"-----BEGIN X-----\r\x1b[A\x01\x7f?\t|x\r")
    assert out == b"-----BEGIN X-----\r\n[A?\t|x\r\n"
    assert typist.events() == []


def test_rule_10_a_paste_may_be_typed_ahead(typist):
    typist.type(b"import\r\n" + PEM.replace("\n", "\r\n").encode() + b"show\r\n")
    typist.editor.paste("Paste", NOW)
    assert typist.editor.output.take() == b"Paste\r\n" + PEM.replace("\n", "\r\n").encode()
    assert typist.events() == [Line("import"), Pasted(PEM)]
    assert typist.prompt() == b"admin:show\r\n"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_rule_10_a_block_at_the_prompt_is_swallowed_with_one_message(typist, end):
    block = PEM.encode().replace(b"\n", end)
    out = b"-----BEGIN CERTIFICATE-----\r\n" + STRAY_BLOCK.encode() + b"\r\nadmin:"
    assert typist.type(block) + typist.wait(0.3) == out
    assert typist.type(b"show" + end) == b"show\r\n"
    assert typist.events() == [Line("show")]


def test_rule_10_a_chain_at_the_prompt_is_one_message(typist):
    """With blank lines and the like between its blocks; a command behind it is run at once."""
    chain = PEM.encode() + b"\nsubject=x\n" + PEM.encode() + b"show\r"
    out = typist.type(chain)
    assert out == (
        b"-----BEGIN CERTIFICATE-----\r\n" + STRAY_BLOCK.encode() + b"\r\nadmin:show\r\n"
    )
    assert typist.events() == [Line("show")]


def known(line):
    """A grammar of one command."""
    return line.startswith("show")


def test_text_between_two_blocks_is_dropped(typist):
    """It is no command, and a block follows in time."""
    typist.editor.understands = known
    typist.editor.paste("Paste", NOW)
    typist.type(PEM.encode() + b"Now the root:\r\nit is here\r\n")
    typist.now += 0.2
    out = typist.type(PEM.encode())
    assert b"root" not in out
    assert typist.wait(0.3) == b""
    assert typist.events() == [Pasted(PEM + PEM)]


@pytest.mark.parametrize("behind", [b"", b"show x\r"])
def test_text_behind_the_last_block_is_lines_again(typist, behind):
    """In their order; a command ends the paste at once."""
    typist.editor.understands = known
    typist.editor.paste("Paste", NOW)
    typist.type(PEM.encode() + b"one\rtwo\r" + behind)
    if not behind:
        assert typist.events() == []
        typist.wait(0.3)
    assert typist.events() == [Pasted(PEM)]
    seen = [typist.prompt()]
    for line in ("one", "two", *(["show x"] if behind else [])):
        assert typist.events() == [Line(line)]
        seen.append(typist.prompt())
    assert b"".join(seen).startswith(b"admin:one\r\nadmin:two\r\nadmin:")


def test_endless_text_behind_a_block_ends_the_paste(typist):
    """It is not looked at again with each byte, either."""
    asked = []
    typist.editor.understands = lambda line: bool(asked.append(line))
    typist.editor.paste("Paste", NOW)
    typist.type(PEM.encode())
    for _ in range(300):
        typist.type(b"x\r")
    assert len(asked) == 300
    for _ in range(5000):
        typist.type(b"y")
    assert typist.events() == [Pasted(PEM)]


@pytest.mark.parametrize("split", [1, 7, 10_000])
def test_a_private_key_is_pasted_without_echo(typist, split):
    """From its BEGIN line to its END line; a certificate before and behind it is shown."""
    key = PEM.replace("CERTIFICATE", "RSA PRIVATE KEY")
    typist.editor.paste("Paste", NOW)
    typist.editor.output.take()
    data = (PEM + key + PEM).replace("\n", "\r").encode()
    out = b"".join(typist.type(data[i : i + split]) for i in range(0, len(data), split))
    shown = PEM.replace("\n", "\r\n").encode()
    assert out + typist.wait(0.3) == shown + b"\r\n" + shown
    assert typist.events() == [Pasted(PEM + key + PEM)]


def test_rule_10_a_block_at_the_prompt_without_the_last_enter(typist):
    typist.type(PEM[:-1].encode())
    assert typist.wait(0.3) == STRAY_BLOCK.encode() + b"\r\nadmin:"
    assert typist.type(b"\r") == b""
    assert typist.type(b"show\r") == b"show\r\n"


def test_rule_10_commands_inside_a_block_at_the_prompt_are_not_run(typist):
    out = typist.type(b"-----BEGIN X-----\nset cert regen tomcat\n\n-----END X-----\n")
    out += typist.wait(0.3)
    assert out == b"-----BEGIN X-----\r\n" + STRAY_BLOCK.encode() + b"\r\nadmin:"
    assert typist.events() == []


def test_rule_10_many_blocks_at_the_prompt(typist):
    out = typist.type(PEM.encode() * 2000) + typist.wait(0.3)
    assert out.count(STRAY_BLOCK.encode()) == 1
    assert typist.events() == []


def test_rule_10_ctrl_c_leaves_a_block_at_the_prompt(typist):
    typist.type(b"-----BEGIN X-----\rMII\r")
    assert typist.type(b"\x03") == STRAY_BLOCK.encode() + b"\r\nadmin:"
    assert typist.type(b"show\r") == b"show\r\n"


# --- rule 11: Ctrl-C and friends -------------------------------------------------------------------


def test_rule_11_ctrl_c_at_the_prompt_gives_a_fresh_one(typist):
    assert typist.type(b"show ver\x03") == b"show ver\r\nadmin:"
    assert typist.type(b"\x03") == b"\r\nadmin:"
    assert typist.events() == []
    assert typist.type(b"x\r") == b"x\r\n"
    assert typist.events() == [Line("x")]


def test_rule_11_ctrl_c_at_a_question(typist):
    typist.type(b"regen\r")
    typist.events()
    typist.editor.ask("Proceed (yes|no)? ", NOW)
    assert typist.type(b"ye\x03") == b"Proceed (yes|no)? ye"
    assert typist.events() == [Interrupted()]
    typist.editor.output.write("Control-C pressed\n")
    typist.editor.prompt(NOW)
    assert typist.editor.output.take() == b"\r\nControl-C pressed\r\nadmin:"


@pytest.mark.parametrize("before", [b"", b"-----BEGIN X-----\r", PEM.encode(), PEM.encode() + b"s"])
def test_rule_11_ctrl_c_at_a_paste(before):
    typist = pasting()
    typist.type(before + b"\x03")
    assert typist.events() == [Interrupted()]
    assert typist.prompt() == b"admin:"


def test_rule_11_ctrl_c_while_a_command_runs_takes_the_type_ahead_along(typist):
    typist.type(b"slow\r")
    assert typist.events() == [Line("slow")]
    assert typist.type(b"other\r\x03") == b""
    assert typist.events() == [Interrupted()]
    assert typist.prompt() == b"admin:"


def test_rule_11_ctrl_d_on_an_empty_line_closes(typist):
    assert typist.type(b"\x04") == b"\r\n"
    assert typist.events() == [Closed()]


def test_rule_11_ctrl_d_behind_text_does_not_close(typist):
    assert typist.type(b"x\x04") == b"x"
    assert typist.events() == []


def test_rule_11_ctrl_z_and_ctrl_backslash_do_nothing(typist):
    assert typist.type(b"a\x1a\x1cb\r") == b"ab\r\n"
    assert typist.events() == [Line("ab")]


# --- rule 12: ? and Tab ----------------------------------------------------------------------------


def test_rule_12_help_comes_without_enter(typist):
    assert typist.type(b"show ?") == b"show ?\r\n"
    assert typist.events() == [HelpWanted("show ")]
    typist.editor.show_help(("\tcert*", "\tcsr*"), NOW)
    assert typist.editor.output.take() == b"\tcert*\r\n\tcsr*\r\nadmin:show "
    assert typist.type(b"cert\r") == b"cert\r\n"
    assert typist.events() == [Line("show cert")]


def test_rule_12_help_in_the_middle_of_a_line(typist):
    typist.type(b"show cert" + LEFT * 4)
    assert typist.type(b"?") == b"cert?\r\n"
    assert typist.events() == [HelpWanted("show ")]
    typist.editor.show_help(("\tcert*",), NOW)
    assert typist.editor.output.take() == b"\tcert*\r\nadmin:show cert\b\b\b\b"


def test_rule_12_typing_goes_on_behind_help_in_one_packet(typist):
    typist.type(b"sh?ow\r")
    typist.editor.show_help(("\tshow*",), NOW)
    assert typist.editor.output.take() == b"\tshow*\r\nadmin:show\r\n"


def test_rule_12_tab_completes_a_unique_word_with_a_blank(typist):
    typist.type(b"sh\t")
    assert typist.events() == [CompletionWanted("sh")]
    typist.editor.complete("ow ", (), NOW)
    assert typist.editor.output.take() == b"ow "
    assert typist.type(b"x\r") == b"x\r\n"
    assert typist.events() == [Line("show x")]


def test_rule_12_tab_lists_when_ambiguous(typist):
    typist.type(b"show c\t")
    typist.editor.complete("", ("cert*", "csr*"), NOW)
    assert typist.editor.output.take() == b"\r\n\tcert*\r\n\tcsr*\r\nadmin:show c"


def test_rule_12_tab_without_a_meaning_sends_nothing(typist):
    typist.type(b"xyz\t")
    typist.editor.complete("", (), NOW)
    assert typist.editor.output.take() == b""


def test_rule_12_inside_quotes_they_are_characters(typist):
    assert typist.type(b'set "a?b|c\td"\r') == b'set "a?b|c\td"\r\n'
    assert typist.events() == [Line('set "a?b|c\td"')]


def test_rule_12_behind_closed_quotes_they_are_not(typist):
    typist.type(b'set "a\\"b" ?')
    assert typist.events() == [HelpWanted('set "a\\"b" ')]


def test_rule_12_in_answers_they_are_characters(typist):
    typist.type(b"x\r")
    typist.editor.ask("Name: ", NOW)
    typist.type(b"a?b|c\td\r")
    assert typist.events() == [Line("x"), Answer("a?b|c\td")]


# --- rule 13: output -------------------------------------------------------------------------------


def test_rule_13_output_lines_end_in_cr_lf_once(typist):
    typist.type(b"x\r")
    typist.editor.output.write("a\nb\r\nc")
    assert typist.editor.output.take() == b"a\r\nb\r\nc\r\n"


def test_rule_13_the_prompt_never_occurs_inside_output(typist):
    typist.type(b"x\r")
    typist.editor.output.write("see admin:show\n")
    assert typist.editor.output.take() == b"see admin\\u{3A}show\r\n"


def test_rule_13_control_characters_never_reach_the_terminal(typist):
    typist.type(b"x\r")
    typist.editor.output.write("a\x1b[2Jb\x9bc\x07d\re\tf\n")
    assert typist.editor.output.take() == (b"a\\u{1B}[2Jb\\u{9B}c\\u{7}d\\u{D}e\tf\r\n")


# --- single keys, type-ahead, and the rest ---------------------------------------------------------


def test_single_keys_come_one_by_one_and_unseen(typist):
    typist.type(b"pages\r")
    keys = []
    for data in (b"\r\n", b" ", b"q", b"\x1b[A\x1bn", b"\n"):
        typist.editor.read_key(NOW)
        assert typist.type(data) == b""
        keys += typist.events()
    names = [event.name for event in keys if isinstance(event, Key)]
    assert names == ["enter", "space", "q", "n", "enter"]


def test_single_keys_may_be_typed_ahead(typist):
    typist.type(b"pages\r q")
    typist.events()
    typist.editor.read_key(NOW)
    assert typist.events() == [Key("space")]
    typist.editor.read_key(NOW)
    assert typist.events() == [Key("q")]


def test_type_ahead_is_bounded_by_16_kib(typist):
    typist.type(b"slow\r")
    assert typist.editor.wants_input
    assert typist.editor.room == 16384
    typist.type(b"x" * 16383)
    assert typist.editor.room == 1
    typist.type(b"x")
    assert not typist.editor.wants_input
    assert typist.prompt() == b"admin:" + b"x" * 16384
    assert typist.editor.wants_input


def test_an_escape_that_nothing_follows_is_forgotten(typist):
    assert typist.type(b"a\x1b\rb") == b"a\r\n"
    assert typist.events() == [Line("a")]


def test_an_endless_escape_sequence_is_given_up(typist):
    out = typist.type(b"\x1b[" + b"1;" * 40)
    assert len(out) < 80
    assert typist.type(b"\r").startswith(b"\r\n")


def test_resize_changes_the_next_repaint(typist):
    typist.type(b"x" * 60)
    typist.editor.resize(40, 10)
    assert typist.type(b"\x01") == b"\r\x1b[A\x1b[6C"


def test_a_tab_inside_quotes_is_edited_as_wide_as_it_is(typist):
    typist.type(b'set "a\tb')
    assert typist.type(b"\x7f\x7f") == b"\b\x1b[K" + b"\b" * 4 + b"\x1b[K"
    typist.type(b"\tb" + LEFT)
    assert typist.type(LEFT + b"x") == b"\b" * 4 + b"x   b\b" + b"\b" * 3


def test_keys_that_repaint_endlessly_wait_for_their_output_to_be_taken(typist):
    typist.type(b"x" * 40000 + b"\x01\x1b[C")
    presses = 0
    data = b"\x1b[Cy" * 1000
    typist.editor.receive(data, NOW)
    while typist.editor.stalled:
        assert not typist.editor.wants_input
        assert len(typist.editor.output) < 400_000
        typist.editor.output.take()
        typist.editor.receive(b"", NOW)
        presses += 1
    assert presses > 10
    assert len(typist.editor._field.text) == 41000


# --- 3b: Ctrl-R, Ctrl-Y, Alt-B, Alt-F, Alt-D ------------------------------------------------------


@pytest.fixture
def searcher(typist):
    """A typist with a history of three lines."""
    for line in ("set cert regen tomcat", "show status", "set csr gen tomcat"):
        typist.editor.remember(line)
    return typist


SEARCH_R = b"(reverse-i-search)`"


def test_rule_3b_ctrl_r_finds_as_it_is_typed(searcher):
    """The line alone is repainted, and the prompt never."""
    assert searcher.type(b"\x12") == SEARCH_R + b"': "
    assert searcher.type(b"s") == b"\b\b\bs': set csr gen tomcat"
    assert searcher.type(b"h").endswith(b"h': show status\x1b[K")
    out = searcher.type(b"\r")
    assert out.endswith(b"show status\x1b[K\r\n")
    assert b"admin" not in out
    assert searcher.events() == [Line("show status")]


def test_rule_3b_ctrl_r_again_goes_further_up(searcher):
    """To the end; what was found stays, and is said to be the last."""
    searcher.type(b"\x12tomcat")
    assert searcher.type(b"\x12").endswith(b"regen tomcat")
    assert b"failed reverse-i-search)`tomcat': set cert regen tomcat" in searcher.type(b"\x12")
    searcher.type(b"\r")
    assert searcher.events() == [Line("set cert regen tomcat")]


def test_rule_3b_backspace_widens_the_search(searcher):
    """From the newest line on."""
    searcher.type(b"\x12cert\x7f\x7f\x7f\r")
    assert searcher.events() == [Line("set csr gen tomcat")]


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (b"\x07", "draft"),
        (LEFT + b"X", "set ceXrt regen tomcat"),
        (b"\x05!", "set cert regen tomcat!"),
        (b"\x1bd", "set  regen tomcat"),
        (b"zzz", "set cert regen tomcat"),
        (b"\x12\x12\x12", "set cert regen tomcat"),
        (UP, "set csr gen tomcat"),
    ],
)
def test_rule_3b_the_search_is_left_as_any_editing_key_leaves_it(searcher, keys, line):
    """Ctrl-G brings back what stood there; others act on what was found, where it was found."""
    searcher.type(b"draft\x12" + (b"cert" if keys != LEFT + b"X" else b"t regen") + keys + b"\r")
    assert [event.text for event in searcher.events()] == [line]


def test_rule_3b_a_search_in_an_empty_history_sends_nothing(typist):
    """Nor does one in an answer, a secret, or with nothing to search."""
    assert typist.type(b"\x12\x12\x07") == b""
    assert typist.type(b"x\r") == b"x\r\n"
    typist.events()
    typist.editor.ask("Password: ", NOW, secret=True)
    typist.editor.output.take()
    assert typist.type(b"\x12\x19") == b""


def test_rule_3b_question_mark_and_quotes_are_searched_for(searcher):
    """Tab and Enter are not."""
    searcher.type(b'\x12?"|')
    assert searcher.events() == []
    searcher.type(b"\x07")
    searcher.type(b"\x12status\t")
    assert [event.text for event in searcher.events()] == ["show "]


def test_rule_3b_an_endless_pattern_ends(searcher):
    """And nothing hostile comes out of it."""
    searcher.type(b"\x12" + b"x" * 5000)
    assert searcher.type(b"x" * 5000) == b""
    assert searcher.type(b"\x03").endswith(b"\r\nadmin:")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (b"\x15\x19", "show cert-list own"),
        (b"\x17\x19\x19", "show cert-list ownown"),
        (b"\x17\x17\x19", "show cert-list own"),
        (b"\x1b\x7f\x1b\x7f\x19", "show cert-list own"),
        (b"\x1bbX", "show cert-list Xown"),
        (b"\x1bb\x1bBX", "show cert-Xlist own"),
        (b"\x01\x1bfX", "showX cert-list own"),
        (b"\x01\x1bF\x1bfX", "show certX-list own"),
        (b"\x01\x1bd\x1bd\x05\x19", "-list ownshow cert"),
        (b"\x01\x0b\x19\x19", "show cert-list ownshow cert-list own"),
        (b"\x1bf\x1bd", "show cert-list own"),
        (b"\x01\x1bb\x1b\x7f", "show cert-list own"),
    ],
)
def test_rule_3b_words_and_cuts_are_readlines(typist, keys, line):
    """Words are of letters and digits; cuts in a row count as one."""
    typist.type(b"show cert-list own" + keys + b"\r")
    assert [event.text for event in typist.events()] == [line]


def test_rule_3b_yank_reaches_the_next_line_and_no_secret_is_yanked(typist):
    """What is cut from a password stays in it."""
    typist.type(b"secret\x15\r")
    typist.editor.ask("Password: ", NOW, secret=True)
    typist.editor.output.take()
    assert typist.type(b"hidden\x15") == b"******" + b"\b" * 6 + b"\x1b[K"
    assert typist.type(b"\x19") == b"******"
    typist.type(b"\r")
    typist.events()
    typist.prompt()
    assert typist.type(b"\x19") == b"secret"
