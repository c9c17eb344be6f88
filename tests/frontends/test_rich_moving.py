"""The rich terminal: coloured output, counted pastes, and a mark that moves; and its colours."""

import pytest
from console_session import Session
from prompt_toolkit.output import ColorDepth

from cucmos_shell.frontends.rich.moving import SILENT, STEP, WIPE, MovingTerminal
from cucmos_shell.frontends.rich.theme import (
    COLOURS,
    MENU,
    SELECTED,
    TOOLBAR,
    Paint,
    hexadecimal,
    parts,
)

MANY, FEW, NONE = ColorDepth.DEPTH_8_BIT, ColorDepth.DEPTH_4_BIT, ColorDepth.DEPTH_1_BIT
# Backgrounds that terminals come with.
BLACK, DARK, BLUISH, WHITE, CREAM = "#000000", "#1e1e1e", "#002b36", "#ffffff", "#fdf6e3"
READABLE = 3.4


class Desk:
    """A person at the terminal; time passes when `wait` says so."""

    def __init__(self, depth=NONE):
        self.now = 100.0
        self.terminal = MovingTerminal(Session(), Paint(depth), columns=80, rows=24)
        self.terminal.start((), self.now)

    def out(self):
        return self.terminal.take_output(self.now)

    def run(self, line):
        self.terminal.run_line(line)
        return self.work()

    def work(self):
        self.terminal.worked(self.terminal.take_work()(), self.now)
        return self.out()

    def wait(self, seconds):
        self.now += seconds
        self.terminal.tick(self.now)
        return self.out()


# --- what moves ----------------------------------------------------------------------------------


def test_a_mark_moves_while_a_command_says_nothing():
    """Not at once, and gone before anything else is written."""
    desk = Desk()
    desk.run("lines 1")
    assert desk.wait(0.06) == b"line 1\r\n"
    assert desk.wait(SILENT - 0.1) == b""
    frames = []
    while len(frames) < 4:
        assert desk.terminal.deadline is not None
        assert desk.terminal.deadline <= desk.now + SILENT
        frames.append(desk.wait(max(STEP, desk.terminal.deadline - desk.now)))
    assert {frame[1:2] for frame in frames} == {b"|", b"/", b"-", b"\\"}
    assert all(frame.startswith(b"\r") and frame.endswith(b" s\x1b[K") for frame in frames)
    assert desk.work() == WIPE
    assert desk.terminal.idle
    assert desk.wait(10) == b""


def test_it_stands_for_pauses_and_work_alike():
    """It tells the seconds."""
    desk = Desk()
    desk.run("wait 100")
    desk.work()
    desk.wait(0.06)
    assert desk.terminal.take_work() is None
    assert b" 3 s" in desk.wait(3)
    desk.terminal.receive(b"\x03", desk.now)
    assert desk.work() + desk.wait(0.06) == WIPE + b"Control-C pressed\r\n"


@pytest.mark.parametrize("line", ["confirm", "secret", "paste", "pages 100"])
def test_nothing_moves_while_a_person_is_asked(line):
    """Whoever types or pastes is not disturbed, however long it takes."""
    desk = Desk()
    desk.run(line)
    while work := desk.terminal.take_work():
        desk.terminal.worked(work(), desk.now)
    desk.wait(0.06)
    assert desk.wait(30) == b""


# --- pastes --------------------------------------------------------------------------------------


def test_pasted_blocks_are_counted_as_they_come():
    """Behind the END line of each, however the bytes arrive."""
    desk = Desk()
    desk.run("paste")
    block = b"-----BEGIN X-----\rMIIB\r-----END X-----\r"
    desk.terminal.receive(block, desk.now)
    assert desk.out().endswith(b"-----END X-----   1 pasted\r\n")
    shown = b""
    for byte in block:
        desk.terminal.receive(bytes((byte,)), desk.now)
        shown += desk.out()
    assert shown.endswith(b"-----END X-----   2 pasted\r\n")


def test_a_private_key_is_counted_and_not_shown():
    """The person sees that it has come."""
    desk = Desk()
    desk.run("paste")
    desk.terminal.receive(
        b"-----BEGIN PRIVATE KEY-----\rSECRET\r-----END PRIVATE KEY-----\r", desk.now
    )
    shown = desk.out()
    assert b"SECRET" not in shown
    assert shown.endswith(b"   1 pasted\r\n")


# --- colours -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("Cisco Tomcat[STARTED]  ", {"STARTED": "good"}),
        ("A[STOPPING]\nB[STOPPED]\n", {"STOPPING": "soon", "STOPPED": "bad"}),
        ("WARNING: it ends", {"WARNING: it ends": "soon"}),
        ("no WARNING here", {}),
        ("Executed command unsuccessfully\n", {"Executed command unsuccessfully": "bad"}),
        ("x  [##..]  2 days left", {"[##..]  2 days left": "bad"}),
        ("x  [##..]  27 days left", {"[##..]  27 days left": "soon"}),
        ("x  [....]  270 days left", {"[....]  270 days left": "good"}),
        ("x  [####]  expired 3 days ago", {"[####]  expired 3 days ago": "bad"}),
        ("expired ones included", {}),
        ("not yet valid", {"not yet valid": "soon"}),
    ],
)
def test_states_expiry_and_warnings_have_classes(text, classes):
    """The same ones in output and menu."""
    found = list(parts(text))
    assert "".join(part for _, part in found) == text
    assert {part: name for name, part in found if name} == classes


def test_output_is_coloured_as_the_terminal_can():
    """256 colours, 16, none."""
    text = "Cisco Tomcat[STARTED]\n"
    assert Paint(MANY)(text) == "Cisco Tomcat[\x1b[38;5;64mSTARTED\x1b[39m]\n"
    assert Paint(FEW)(text) == "Cisco Tomcat[\x1b[32mSTARTED\x1b[39m]\n"
    assert Paint(NONE)(text) == text


def test_what_is_foreign_brings_no_colours():
    """Its control characters are shown, before anything is coloured."""
    desk = Desk(MANY)
    desk.run("echo \x1b[31mred STARTED")
    assert desk.wait(0.06) == b"[\\u{1B}[31mred \x1b[38;5;64mSTARTED\x1b[39m]\r\n"


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """As the accessibility guidelines (WCAG 2) have it: from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("background", [BLACK, DARK, BLUISH, WHITE, CREAM])
def test_colours_are_readable_on_dark_and_on_light(background):
    """The terminal's background is not known."""
    for name, (number, _, _) in COLOURS.items():
        assert contrast(hexadecimal(number), background) >= READABLE, name


def test_menu_and_toolbar_are_readable():
    """On the background that they bring with them."""
    for background, text in (MENU, SELECTED, TOOLBAR):
        assert contrast(hexadecimal(background), hexadecimal(text)) >= 7
    for background in (MENU[0], TOOLBAR[0]):
        for name, (_, _, number) in COLOURS.items():
            assert contrast(hexadecimal(background), hexadecimal(number)) >= 4.5, name
