"""Statements in the words of the product's database, put into those of SQLite."""

import contextlib
import sqlite3
import time

import pytest

from cucmos_shell.errors import BadValue
from cucmos_shell.node.dialect import to_sqlite

SAME = [
    "select first from x", "select skip, first from x", "select 'select first 1 a', 'b''\"c' from x",
    "select first from x where first = 3", "values(1)", "select a.first from x as a limit 2",
    "select x.select 5 from x", "", ")", "'", "select name from x where y='a",
]  # fmt: skip
OTHER = {
    "select first 3 name from x": "select name from x limit 3 offset 0 ",
    "select skip 2 first 3 name from x;": "select name from x limit 3 offset 2 ;",
    "select skip 5 unique name from x": "select distinct name from x limit -1 offset 5 ",
    "select a, (select first 1 b from y) from x": (
        "select a, (select b from y limit 1 offset 0 ) from x"
    ),
    "select first 1 a from (select first 2 a from x)": (
        "select a from (select a from x limit 2 offset 0 ) limit 1 offset 0 "
    ),
    "select first/* or */2 a -- not this\nfrom x": "select a  \nfrom x limit 2 offset 0 ",
    'select "it\'s", "a""b", ""': "select 'it''s', 'a\"b', ''",
    'select "open': "select 'open",
}


@pytest.mark.parametrize("statement", SAME)
def test_what_is_the_same(statement):
    assert to_sqlite(statement) == statement


@pytest.mark.parametrize("statement", OTHER)
def test_what_is_not(statement):
    assert to_sqlite(statement).split() == OTHER[statement].split()


def test_a_comment_cuts_nothing_off():
    """Not even one that is not closed."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for end in ("", "--", "/*", "/* */", ";", "; --"):
            statement = to_sqlite(f"select first 1 * from (values (1), (2)) {end}")
            assert connection.execute(statement).fetchall() == [(1,)]


@pytest.mark.parametrize("part", ["/*", "'", '"', "(", "select ", "select first ", "a", "((\"'"])
def test_a_long_statement_takes_no_longer_a_sign(part):
    """Twenty times the text, not four hundred times the time."""

    def seconds(length):
        text = part * (length // len(part))
        best = []
        for _ in range(3):
            before = time.thread_time()
            to_sqlite(text)
            best.append(time.thread_time() - before)
        return min(best)

    assert seconds(65536) < 60 * seconds(3277) + 0.01


def test_a_union_that_is_cut_is_refused():
    with pytest.raises(BadValue):
        to_sqlite("select first 1 a from x union select a from x")
    assert "limit" in to_sqlite("select a from x union select * from (select first 1 a from x)")
