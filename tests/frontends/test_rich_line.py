"""The rich line: menus, colours, suggestions and a toolbar, on terminals of any size."""

import pytest
from prompt_toolkit.output import ColorDepth
from rich_screen import RichScreen

from cucmos_shell.cli.marks import Mark
from cucmos_shell.cli.suggest import Menu, MenuEntry
from cucmos_shell.frontends.rich.lookup import MANY, Insight, Lookup
from cucmos_shell.frontends.rich.toolbar import toolbar
from cucmos_shell.node.expiry.life import DAY, Life
from cucmos_shell.node.node import Attention
from cucmos_shell.session import Session

NOW = 1_000_000.0


@pytest.fixture
def open_line(monkeypatch):
    """Opens lines of a session on terminals, and closes them."""
    opened = []

    def open_one(session, **options):
        opened.append(RichScreen(session, **options))
        return opened[-1]

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def session(node):
    """A session of a fresh node."""
    return Session(node)


# --- menus ---------------------------------------------------------------------------------------


def test_a_menu_is_as_tall_as_the_terminal_allows(session, open_line):
    """All rows but the line's and the toolbar's, and a mark of where one is."""
    at = open_line(session, rows=12)
    at.play(("admin:", "show "), ("█", "\r"))
    line, *menu, bar = at.seen[1]
    assert line == "admin:show"
    assert len(menu) == 10
    assert menu[0].split()[:3] == ["account", "List", "the"]
    assert {row[-1] for row in menu} == {"█", "│"}
    assert "Tab completes" in bar


def test_a_menu_that_fits_has_no_scroll_mark(session, open_line):
    """And no more rows than entries."""
    at = open_line(session)
    at.play(("admin:", "set cert regen "), ("cup-xmpp-s2s", "\r"))
    _, *menu, _ = at.seen[1]
    assert [row.split()[0] for row in menu] == [
        "tomcat",
        "ipsec",
        "cup",
        "cup-xmpp",
        "cup-xmpp-s2s",
    ]
    assert all("ends 20" in row and "█" not in row for row in menu)


def test_tab_puts_on_the_line_what_is_certain_else_goes_through_the_menu(session, open_line):
    """Typed ahead or not."""
    assert open_line(session).play(("admin:", "sho\tce\tli\tow\t\r")) == "show cert list own "
    assert open_line(session).play(("admin:", "show c\t\r\r")) == "show cert "
    assert open_line(session).play(("admin:", "show c"), ("csr", "\t\t"), ("show cli", "\r\r")) == (
        "show cli "
    )


def test_enter_on_an_entry_takes_it_and_runs_nothing(session, open_line):
    """The menu of what follows opens."""
    at = open_line(session)
    line = at.play(
        ("admin:", "show cert "), ("expiry", "\x1b[B\x1b[B\x1b[B"), ("cert expiry", "\r"),
        ("within", "\r"),
    )  # fmt: skip
    assert line == "show cert expiry "


def test_escape_closes_the_menu_and_takes_the_entry_back(session, open_line):
    """The line is as it was typed."""
    at = open_line(session)
    line = at.play(
        ("admin:", "show c"), ("csr", "\t"), ("show cert", "\x1b"),
        (lambda shown: "csr" not in shown, "\r"),
    )  # fmt: skip
    assert line == "show c"


def test_a_resize_in_the_middle_of_a_menu(session, open_line):
    """What is selected stays, and the menu has the new size, below all rows of the line."""
    at = open_line(session, columns=100)
    at.play(
        ("admin:", "utils service restart Cisco "), ("CDP", "\x1b[B\x1b[B\x1b[B"),
        ("restart Cisco Audit", lambda: at.resized(10, 40)), ("Event Service", "\r\r"),
    )  # fmt: skip
    first, second, *menu, bar = at.seen[3]
    assert f"{first} {second}" == "admin:utils service restart Cisco Audit Event Service"
    assert len(menu) == 7
    assert all("Cisco" in row for row in menu)
    assert len(bar) <= 40


def test_a_terminal_of_20_columns(session, open_line):
    """Names before what is said of them; the toolbar fits."""
    attention = Attention(("Cisco Tomcat", "Cisco DRF Local"), lives(-3, 2))
    at = open_line(session, columns=20, rows=12, attention=lambda: attention)
    at.play(("2 restarts", "set cert regen "), ("cup-xmpp-s2s", "\r"))
    assert all(len(row) <= 20 for row in at.seen[1])
    assert at.seen[1][-1] == " 2 restarts   2 end"


def test_a_menu_of_two_rows_is_left_on_a_terminal_of_four(session, open_line):
    """Very little is still something."""
    at = open_line(session, rows=4)
    at.play(("admin:", "show "), ("account", "\r"))
    assert len(at.seen[1]) == 4


def test_what_is_typed_picks_from_a_long_menu():
    """A long list is read once a word."""

    asked = []

    class Long:
        def menu(self, text):
            asked.append(text)
            return Menu(5, tuple(MenuEntry(f"{i:05d}.pem") for i in range(MANY + 1)))

        def marks(self, text, end=None):
            return ()

    look = Lookup(Long())
    assert len(look("show ", "show ").menu.entries) == MANY + 1
    assert [e.text for e in look("show 00001", "show 00001").menu.entries] == ["00001.pem"]
    assert asked == ["show "]
    look("show 00001 ", "show 00001 ")
    look("show 00", "show 00")
    assert asked == ["show ", "show 00001 ", "show 00"]


def test_what_cannot_be_looked_up_is_not_known():
    """The command will say what is wrong."""

    class Broken:
        def menu(self, text):
            raise OSError("unplugged")

        def marks(self, text, end=None):
            return (Mark(0, 4, "word"),)

    assert Lookup(Broken())("show ", "show ") == Insight("show ", "show ")


# --- colours -------------------------------------------------------------------------------------


def test_words_are_coloured_and_a_misspelt_one_is_marked(session, open_line):
    """While the line is typed, before Enter."""
    at = open_line(session)

    def marked(shown):
        return "tomct" in shown and at.has("tomct", "wrong")

    def typed(shown):
        return "own tomcat" in shown and at.has("tomcat", "value")

    assert at.play(("admin:", "show cert own tomct"), (marked, "\x7fat"), (typed, "\r"))
    assert b"\x1b[0;38;5;196;4mtomct" in at.raw


def test_without_colours_nothing_is_coloured(session, open_line, monkeypatch):
    """Underline, reverse and italic are left."""
    monkeypatch.setenv("NO_COLOR", "1")
    at = open_line(session, attention=lambda: Attention(("Cisco Tomcat",), lives(2)))
    assert at.reader.depth == ColorDepth.DEPTH_1_BIT
    at.play(("restart Cisco Tomcat", "shw cert"), ("shw cert", "\r"))
    assert b"38;5" not in at.raw
    assert b"48;5" not in at.raw


# --- suggestions ---------------------------------------------------------------------------------


def test_the_right_arrow_takes_a_suggestion_from_history(session, open_line):
    """The newest line that begins so."""
    history = ["show cert list own", "show cert own tomcat", "show status"]
    at = open_line(session, history=history)
    line = at.play(("admin:", "show cert "), ("show cert own tomcat", "\x1b[C\r"))
    assert line == "show cert own tomcat"


# --- the toolbar ---------------------------------------------------------------------------------


def lives(*days):
    return tuple(
        Life(f"unit{i}", "", "", 0, int(NOW + day * DAY + 1), NOW) for i, day in enumerate(days)
    )


def text(attention, width):
    return "".join(part[1] for part in toolbar(attention, width))


def test_the_toolbar_names_what_is_pending():
    """Services to restart, and certificates with what is left to them."""
    pending = Attention(("Cisco Tomcat", "Cisco DRF Local"), lives(2, 27))
    shown = text(pending, 200)
    assert "restart Cisco Tomcat, Cisco DRF Local   unit0 2 days left, unit1 27 days left" in shown
    assert "Tab completes" in shown
    assert [part[0] for part in toolbar(pending, 200) if "days" in part[1]] == [
        "class:bad", "class:soon",
    ]  # fmt: skip
    assert text(Attention(), 200).startswith(" Nothing to restart, nothing ends soon")


@pytest.mark.parametrize(
    "attention",
    [None, Attention(), Attention(("A service",) * 12, lives(*range(-4, 20)))],
    ids=["unknown", "nothing", "much"],
)
def test_the_toolbar_shortens_instead_of_being_cut(attention):
    """Down to counts; where these fit, no word is cut."""
    whole = {"leaves", "helps", "soon", "end", "left", "ago", "today", ""}
    for width in range(1, 160):
        shown = text(attention, width)
        assert len(shown) <= width
        if width >= 40 or (attention and attention.restarts and width >= 24):
            last = shown.rpartition(" ")[2]
            assert last in whole or last.startswith("+"), shown


def test_a_state_that_cannot_be_read_leaves_the_keys(session, open_line):
    """The commands will say what is wrong."""

    def attention():
        raise OSError("unplugged")

    at = open_line(session, attention=attention)
    at.play(("helps", "show c"), ("csr", "\r"))
    assert "Tab completes" in at.seen[1][-1]


def test_the_node_names_what_needs_attention(node):
    """Own certificates by their units, each certificate once."""
    assert node.attention() == Attention()
    node.world.sleep(node.snapshot().own("tomcat").row.not_after - node.now() - 10 * DAY)
    ending = node.attention().ending
    assert [life.name for life in ending] == [*node.snapshot().units]
    assert {life.days for life in ending} == {10}
