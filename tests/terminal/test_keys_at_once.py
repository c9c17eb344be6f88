"""What keys cost: those typed ahead are looked at a few at a time, and their line takes little."""

import tracemalloc

import pytest

from cucmos_shell.terminal.editor import LineEditor
from cucmos_shell.terminal.field import FEW, KEY_COST
from cucmos_shell.terminal.history import MAX_LENGTH

AT_ONCE = 8192
LONG = "x" * 3000
HISTORY = [f"{number} {'ab' * 2000}" for number in range(500)]
# Keys that paint the line anew, or go through earlier ones.
DEAR = {
    "up and down": b"\x1b[A\x1b[A\x1b[B",
    "left": b"\x1b[D",
    "a search": b"\x12",
    "a search and what for": b"\x12ab\x12",
    "a word less, and again": b"\x17\x19",
    "typed inside": b"\x02" + b"y" * 50,
}


def editor(keys, at_once=AT_ONCE):
    """One at its prompt to whom `keys` were sent, with a long line and many earlier ones."""
    one = LineEditor(columns=80, rows=24, history=list(HISTORY))
    one.prompt(0.0)
    one.receive(LONG.encode(), 0.0)
    one.output.take()
    one.at_once = at_once
    one.receive(keys, 0.0)
    return one


@pytest.mark.parametrize("keys", DEAR.values(), ids=DEAR)
def test_few_keys_are_looked_at_together(keys):
    """The rest waits until whoever reads for many says so."""
    one = editor(keys * 500)
    looked_at = len(keys) * 500 - len(one._pending)
    assert one.stalled
    assert looked_at <= AT_ONCE // KEY_COST + FEW
    assert looked_at >= 1
    left = len(one._pending)
    one.output.take()
    one.receive(b"", 0.0)
    assert left - FEW - AT_ONCE // KEY_COST <= len(one._pending) < left


@pytest.mark.parametrize("keys", DEAR.values(), ids=DEAR)
def test_a_turn_at_a_time_they_do_the_same(keys):
    whole, divided = editor(keys * 20, float("inf")), editor(keys * 20)
    out = divided.output.take()
    while divided.stalled:
        divided.receive(b"", 0.0)
        out += divided.output.take()
    text = whole.output.take()
    while whole.stalled:
        whole.receive(b"", 0.0)
        text += whole.output.take()
    assert out == text
    assert divided._field.text == whole._field.text


def test_what_is_typed_at_the_end_of_a_line_costs_nothing():
    """Nobody who types or sends a line waits for a turn."""
    one = editor(b"y" * 10_000)
    assert not one.stalled
    assert one._field.text == LONG + "y" * 10_000


def test_a_search_costs_as_much_as_the_lines_it_may_go_through():
    one = editor(b"\x12" + b"a" * 500)
    assert len(one._pending) >= 500 - AT_ONCE // MAX_LENGTH - 1


def test_a_line_of_any_characters_takes_little():
    """Two octets for each, or four, and not those of a text for each."""
    one = editor(b"\x15")
    text = "漢".encode() * 60_000
    tracemalloc.start()
    try:
        for place in range(0, len(text), 1024):
            one.receive(text[place : place + 1024], 0.0)
            one.output.take()
        assert len(one._field.text) == 60_000
        assert tracemalloc.get_traced_memory()[0] < 1 << 19
    finally:
        tracemalloc.stop()
