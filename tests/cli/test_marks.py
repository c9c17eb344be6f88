"""What is known of a line while it is typed: words understood, the first wrong one, what follows."""

import pytest

from cucmos_shell.cli.marks import Mark
from cucmos_shell.session import Session


@pytest.fixture
def session(node):
    """A session of a fresh node."""
    return Session(node)


@pytest.fixture
def marked(session):
    """The words of a line that are marked, each with its mark."""
    return lambda text: [
        (text[one.start : one.end], one.kind) for one in session.walker.marks(text)
    ]


def words(text):
    return [(word, "word") for word in text.split()]


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("", []),
        ("s", []),
        ("se", words("se")),
        ("show cert own ", words("show cert own")),
        ("sh cer own tomcat", [*words("sh cer own"), ("tomcat", "value")]),
        ("show cert own tom", words("show cert own")),
        ("show cert own tomct", [*words("show cert own"), ("tomct", "wrong")]),
        ("show cert own tom ", [*words("show cert own"), ("tom", "wrong")]),
        ('show cert own "tom', words("show cert own")),
        ("show crt own tomcat", [*words("show"), ("crt", "wrong")]),
        ("set c ", [*words("set"), ("c", "wrong")]),
        ("show cert expiry within 12x", [*words("show cert expiry within"), ("12x", "wrong")]),
        (
            "show cert expiry within 12 days --svg a b",
            [
                *words("show cert expiry within"), ("12", "value"), *words("days --svg"),
                ("a", "value"), ("b", "wrong"),
            ],
        ),
        ("utils service restart Cisco ", words("utils service restart")),
        (
            "utils service restart Cisco Tomcat",
            [*words("utils service restart"), ("Cisco Tomcat", "value")],
        ),
        (
            "utils service restart Cisco Tomkat ",
            [*words("utils service restart"), ("Cisco Tomkat", "wrong")],
        ),
        ("show cert list own where subject-cn ", [*words("show cert list own where"),
                                                  ("subject-cn", "wrong")]),
        ("help show cer", words("help show cer")),
        ("help shw cert", [*words("help"), ("shw", "wrong")]),
        ("show cert list own | c", [*words("show cert list own"), ("|", "filter"), ("c", "filter")]),
        (
            "show cert list own | foo x",
            [*words("show cert list own"), ("|", "filter"), ("foo", "wrong")],
        ),
        ("set cert regen tomcat | count", [*words("set cert regen"), ("tomcat", "value"),
                                           ("|", "wrong")]),
    ],
)  # fmt: skip
def test_the_first_wrong_word_is_the_last_one_marked(marked, line, end):
    """What may still become something has no mark yet."""
    assert marked(line) == end


def test_a_condition_that_goes_on_is_not_wrong(session, marked):
    """One that ends in a text of one's own is a value as soon as it is whole."""
    field = session.walker.menu("show cert list own where ").entries[0].text
    relation = session.walker.menu(f"show cert list own where {field} ").entries[0].text
    assert marked(f"show cert list own where {field} ") == words("show cert list own where")
    begun = f"show cert list own where {field} {relation} "
    assert "wrong" not in [kind for _, kind in marked(begun)]


def test_words_that_the_level_does_not_have_are_wrong(node):
    """As at Enter."""
    marks = Session(node, level=0).walker.marks("set cert regen tomcat")
    assert marks[-1].kind == "wrong"


def test_what_cannot_be_looked_up_is_not_marked(session, node):
    """Whether it is wrong is for the command to say."""

    def broken():
        raise OSError("unplugged")

    node.snapshot = broken
    line = "show cert trust Root"
    assert session.walker.marks(line) == tuple(
        Mark(*place, "word") for place in ((0, 4), (5, 9), (10, 15))
    )


def test_the_walker_decides(session):
    """A line has a wrong word if and only if the walker refuses it, incomplete ones apart."""
    for line in ("show cert list own", "show version active", "show crt", "help set", "exit now"):
        refused = (
            not session.walker.understands(line) and not session.walker.menu(f"{line} ").entries
        )
        wrong = any(mark.kind == "wrong" for mark in session.walker.marks(f"{line} "))
        assert refused == wrong, line


# --- menus ---------------------------------------------------------------------------------------


def about(session, line):
    """What a menu says of each of its entries."""
    return {one.text: one.about for one in session.walker.menu(line).entries}


def test_a_menu_says_what_commands_do(session):
    """Their summary; where several begin so, the words that follow."""
    shown = about(session, "show cert ")
    assert shown["expiry"].startswith("Show when certificates end")
    assert about(session, "show ")["cert"].startswith("chain, distribution, expiry")
    assert list(about(session, "show c")) == ["cert", "cli", "cluster", "csr", "ctl"]


def test_a_menu_says_what_a_certificate_is_and_when_it_ends(session, node):
    """For units, own certificates, and those of trust stores."""
    row = node.snapshot().own("tomcat").row
    for line in ("set cert regen tomc", "show cert own tomc"):
        (entry,) = session.walker.menu(line).entries
        assert (entry.about, entry.until) == (row.description, row.not_after)
    assert all(one.until for one in session.walker.menu("show cert trust ").entries)
    assert all(one.until for one in session.walker.menu("set cert delete tomcat-trust ").entries)


def test_a_menu_says_the_state_of_a_service(session):
    """Of those that the command takes."""
    shown = about(session, "utils service restart Cisco T")
    assert shown["Cisco Tomcat"] == "STARTED"


def test_a_menu_begins_where_its_word_begins(session):
    """A name of several words at the first of them, those of `help` behind it."""
    assert session.walker.menu("utils service restart Cisco T").start == len(
        "utils service restart "
    )
    assert session.walker.menu("help show ce").start == len("help show ")
    assert session.walker.menu("show cert list own | i").start == len("show cert list own | ")
    assert session.walker.menu("show crt ").entries == ()
    assert session.walker.menu('show cert own "').entries == ()
