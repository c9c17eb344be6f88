"""Our own screens at the width of a terminal: nothing is wider, nothing is lost."""

import pytest

from cucmos_shell.cli.fit import MIN_WIDTH, fits, hang, prose, table
from cucmos_shell.cli.render import Table, to_fitted_lines
from cucmos_shell.results import Notice, Record


@pytest.mark.parametrize("width", [0, 1, MIN_WIDTH - 1, 1000])
def test_a_line_is_left_alone_where_it_fits_or_nothing_would(width):
    """Too narrow to be read is too narrow to be laid out for."""
    assert hang(["x" * 90 + " y"], width) == ["x" * 90 + " y"]


def test_values_hang_below_their_beginning():
    """Other lines by two; a tab stays one."""
    assert hang(["Label : one two three four"], 20) == [
        "Label : one two", "        three four"
    ]  # fmt: skip
    assert hang(["\tone two three four"], 22) == ["\tone two three", "          four"]
    assert hang(["x" * 25], 20) == ["x" * 20, "  " + "x" * 5]


def test_prose_is_broken_anew():
    """Lines that the source broke go on; short ones and blanks end a paragraph."""
    long = "word " * 14 + "ends"
    assert prose([long, "here.", "", "a - b", "c - d"], 100) == [
        f"{long} here.", "", "a - b", "c - d"
    ]  # fmt: skip
    assert fits(prose([long, "here."], 40), 40)


def laid_out(*arguments):
    """The lines of a table."""
    return [line for block in table(*arguments) for line in block]


HEADINGS = ("Name", "When", "What")
ROWS = (("first", "2026", "a long sentence about it"), ("second", "2027", "short"))


def test_a_table_lets_its_last_column_down_then_stacks():
    """As wide as it is where it fits, or where the width is unknown."""
    whole = laid_out(HEADINGS, ROWS, 0)
    assert whole == laid_out(HEADINGS, ROWS, 80)
    assert whole[1] == "======  ====  ========================"
    assert laid_out(HEADINGS, ROWS, 30) == [
        "Name    When", "  What", "======  ====",
        "first   2026", "  a long sentence about it",
        "second  2027", "  short",
    ]  # fmt: skip
    wide = tuple((f"{name} with a long name", *rest) for name, *rest in ROWS)
    assert laid_out(HEADINGS, wide, 28)[:3] == [
        "first with a long name", "  When : 2026", "  What : a long sentence"
    ]  # fmt: skip


def test_values_without_a_third_form_hang():
    """Records and notices, too; a table of facts stays safe."""
    record = Record((("Label", "one two three four"),), None)
    assert to_fitted_lines(record, 20) == ["Label : one two", "        three four"]
    assert to_fitted_lines(Notice(("a" * 30,)), 20) == ["a" * 20, "  " + "a" * 10]
    assert to_fitted_lines(None, 20) == []
    evil = Table(("A", "B"), (("\x1b[2J" * 9, "admin:"),), None)
    text = "".join(to_fitted_lines(evil, 40))
    assert "\x1b" not in text
    assert "admin:" not in text
    assert to_fitted_lines(Table(("A",), (), None), 40) == ["No entries"]
