"""What a terminal's width may change: our own screens, and nothing of the product's."""

import pathlib

import pytest
from harness import Conversation
from hypothesis import given
from hypothesis import strategies as st
from screen import Screen

from cucmos_shell import commands
from cucmos_shell.cli.fit import MIN_WIDTH, fits, hang

OWN = (
    "show cert expiry", "show cert chain tomcat", "show cert impact tomcat", "show service pending",
    "show cert loaded", "show cert own tomcat brief", "show cert trust tomcat-trust/imp-pub.pem brief",
    "show audit", "show alarm", "show store history", "show ocsp", "show history", "help",
    "help show", "utils cert monitor run",
    "show cert impact delete tomcat-trust A_Root_of_a_Certification_Authority_with_quite_a_Long_Name_G3",
)  # fmt: skip
PRODUCT = (
    "show cert list own", "show cert list trust", "show cert own tomcat", "show csr list",
    "utils service list", "show status", "show version active", "show myself", "show account",
    "show network eth0", "show network cluster", "utils dbreplication runtimestate", "show smtp",
    "file list certs / detail", "show accountlocking", "show logins",
    "show timezone config", "show web-security", "show cli session timeout",
)  # fmt: skip


def at(node, width, line):
    """What `line` shows on a terminal of that width."""
    say = Conversation(node)
    say.session.width = width
    return say(line)


@pytest.fixture
def busy(node, outside_ca):
    """A node with long names, waiting services and alarms."""
    say = Conversation(node)
    root = outside_ca.root("A Root of a Certification Authority with quite a Long Name G3")
    say("set cert import trust tomcat", root.pem.decode())
    for unit in ("tomcat", "cup", "cup-xmpp", "cup-xmpp-s2s"):
        say(f"set cert regen {unit}", "yes")
    say("set cert monitor start 3650")
    say("utils cert monitor run")
    return node


TEXT = st.text(
    st.characters(categories=("L", "N", "P", "Zs"), include_characters="\t"), max_size=300
)


@given(st.lists(TEXT, max_size=4), st.integers(MIN_WIDTH, 200))
def test_no_piece_is_wider_and_no_character_is_lost(lines, width):
    """Whatever stands there: wide characters, tabs, words without end."""
    lines = [line.expandtabs() for line in lines]
    pieces = hang(lines, width)
    assert fits(pieces, width)
    assert "".join("".join(pieces).split()) == "".join("".join(lines).split())


@pytest.mark.parametrize("width", [80, 40, 20])
@pytest.mark.parametrize("line", OWN)
def test_our_own_screens_fit(busy, line, width):
    """No line is wider; without a width they are as ever."""
    lines = at(busy, width, line).splitlines()
    assert fits(lines, width), [each for each in lines if not fits((each,), width)]
    assert lines


@pytest.mark.parametrize("line", PRODUCT)
def test_the_products_screens_never_change(busy, line):
    """Programs read them, whatever terminal they say they have."""
    usual = at(busy, 0, line)
    assert all(at(busy, width, line) == usual for width in (1, 20, 40, 80, 1000))


def test_every_own_command_is_known_here():
    """So that none is forgotten that shows something without being told what."""
    grammar = commands.grammar()
    own = {c.words for c in grammar.below(grammar.root) if c.own}
    named = {word for word in own if any(line.startswith(word) for line in OWN)}
    asking = {"show cert distribution", "show cluster peer", "utils cluster peer sync",
              "utils cluster sync", "utils ocsp check"}  # fmt: skip
    assert own - named - asking == {
        "utils store rollback",
        "utils store purge",
        "utils service restart pending",
        "utils smtp test",
    }


TABLES = ("show cert expiry", "show service pending", "show audit last 3", "show cert chain tomcat")


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("line", [*TABLES, "show alarm", "show ocsp", "show history"])
def test_what_is_filtered_fits_as_the_whole_does(busy, line, width):
    """A filter that keeps all lines keeps their form, and one that keeps some keeps theirs."""
    whole = at(busy, width, line).splitlines()
    kept = at(busy, width, f"{line} | exclude nothing-like-this").splitlines()
    if line not in ("show audit last 3", "show history"):
        assert kept == whole
    assert fits(kept, width)
    last = at(busy, width, f"{line} | last 1").splitlines()
    assert fits(last, width)
    assert last


def test_filters_look_at_the_lines_of_a_program(busy):
    """What stands in one of them is found, wherever the terminal breaks it."""
    for width in (0, 1, 40, 80, 1000):
        line = "show service pending | include Cisco Tomcat .*tomcat-trust"
        shown = at(busy, width, line)
        assert shown.startswith("Cisco Tomcat\n" if width == 40 else "Cisco Tomcat  ")
        assert "tomcat-trust" in shown
        assert at(busy, width, f"{line} | count") == "Count: 1 line\n"


@pytest.mark.parametrize("line", TABLES)
def test_a_file_gets_what_a_program_gets(busy, line):
    """Whatever the terminal is."""
    files = []
    for width in (0, 40):
        at(busy, width, f"{line} | redirect w{width}.txt")
        files.append(pathlib.Path(busy.state_dir, "download", f"w{width}.txt").read_text())
    assert len(files[0].splitlines()) == len(files[1].splitlines())
    assert fits(at(busy, 80, f"{line} | page").splitlines(), 80)


def test_the_bar_shrinks_before_anything_goes(busy):
    """Then the name stands above, and at last it goes."""
    shown = {w: at(busy, w, "show cert expiry").splitlines() for w in (0, 1, 200, 100, 80, 44, 30)}
    assert shown[0] == shown[1] == shown[200]
    assert len(shown[100]) == 2 * len(shown[0])
    assert shown[80][1] == "  2031-11-17  [....................]  1824 days left"
    assert shown[44][1] == "  2031-11-17  [............]  1824 days left"
    assert shown[30][1] == "  2031-11-17  1824 days left"


def test_a_resize_counts_from_the_next_command(busy):
    """And while a list is shown, its pages follow the terminal."""
    screen = Screen(busy, banner=False, columns=80)
    wide = screen.type("show cert expiry\r")
    screen.terminal.resize(40, 5)
    narrow = screen.type("show cert expiry\r")
    assert len(narrow.splitlines()) > len(wide.splitlines())
    assert "Press <enter>" in screen.type("show audit\r")
    screen.terminal.resize(1, 1)
    screen.terminal.resize(1000, 3)
    assert "Press <enter>" in screen.type(" ")
    assert screen.type("q").endswith("admin:")
