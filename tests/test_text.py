"""Foreign text cannot steer the screen, and the product's forms are exact."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmos_shell.errors import Refused
from cucmos_shell.text import columns, iso_time, java_date, safe, safe_line, uptime


@given(st.text(max_size=200))
def test_safe_text_holds_no_control_format_or_unassigned_character(text):
    """Whatever goes in, nothing that moves a cursor or hides itself comes out."""
    shown = safe(text)
    bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [c for c in shown if unicodedata.category(c) in bad]


@given(st.text(max_size=200))
def test_what_is_safe_stays_as_it_is(text):
    """However often a line is made safe."""
    line = safe_line(f"{text}admin:\t")
    assert safe_line(line) == line
    assert safe_line(safe(text)) == safe(text)
    assert line.splitlines() == [line]


@given(st.text(max_size=300))
def test_safe_text_never_holds_the_prompt(text):
    """A certificate named like the prompt cannot end a script's wait."""
    assert "admin:" not in safe(f"{text}admin:{text}")


def test_escape_sequences_are_shown_by_number():
    """ESC becomes its number, a backslash is doubled so that the two cannot be confused."""
    assert safe("\x1b[2Jx\u202e\\u{1B}") == "\\u{1B}[2Jx\\u{202E}\\\\u{1B}"


def test_long_text_is_cut_and_counted():
    """A 64 KiB name does not fill the screen."""
    assert safe("a" * 65_536) == "a" * 256 + "... (65280 more characters)"


def test_ordinary_foreign_letters_stay():
    """Names in any script are readable."""
    assert safe("Zürich 株式会社") == "Zürich 株式会社"


def test_error_fields_are_made_safe():
    """An error sentence is safe although its fields are not."""
    assert Refused("no {name}", name="\x07bell").message() == "no \\u{7}bell"


def test_dates_of_the_certificate_view_are_java_dates_in_the_zone():
    """The certificate view shows the node's zone, with its summer time name."""
    seconds = 1531051519
    assert java_date(seconds, "Europe/London") == "Sun Jul 08 13:05:19 BST 2018"
    assert java_date(seconds) == "Sun Jul 08 12:05:19 UTC 2018"
    assert iso_time(seconds) == "2018-07-08T12:05:19Z"


def test_columns_line_up_without_trailing_blanks():
    """Each column is as wide as its widest cell."""
    assert columns([("a", "bb", ""), ("ccc", "d", "e")]) == ["a    bb", "ccc  d   e"]
    assert columns([]) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 min"),
        (59, "0 min"),
        (300, "5 min"),
        (3900, " 1:05"),
        (36_000 + 60, "10:01"),
        (86_400, "1 day, 0 min"),
        (86_400 + 7380, "1 day,  2:03"),
        (72 * 86_400 + 21 * 3600 + 60, "72 days, 21:01"),
    ],
)
def test_uptime_reads_as_uptime_says_it(seconds, text):
    """Days, hours, minutes."""
    assert uptime(seconds) == text
