"""The rules by which clusters follow each other: random histories, and faults to be noticed."""

import os

import pytest
from histories import noticed
from hypothesis import given, settings
from hypothesis import strategies as st
from peer_model import FAULTS, World

from cucmos_shell.cluster.rules import Entry
from cucmos_shell.cluster.taking import (
    DROP,
    KEEP_OUT,
    NOTE,
    NOTHING,
    PUT,
    Heard,
    Marks,
    PeerWord,
    brakes,
    take,
    went_back,
)

histories = st.binary(max_size=60)
MANY = 40_000 if os.environ.get("CUCMOS_SWEEP") == "all" else 8_000
HERE, DELETED = Entry(True, 5, "x"), Entry(False, 6, "y")


@settings(max_examples=600, deadline=None)
@given(histories)
def test_clusters_come_to_agree(history):
    """Whatever happens in whichever order."""
    World().run(history)


@pytest.mark.slow
@settings(max_examples=MANY, deadline=None)
@given(histories)
def test_clusters_agree_in_many_histories(history):
    """As many as there is time for."""
    World().run(history)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_noticed(name):
    """By an invariant that is meant for it, among a few thousand histories."""
    fault = FAULTS[name]
    noticed(lambda h: World(fault()).run(h), name, fault.letters, turns=4000, longest=60)


@pytest.mark.parametrize(
    ("entry", "marks", "word", "what", "origin"),
    [
        (None, Marks(), PeerWord(1, 4, True), PUT, "west"),
        (None, Marks(), PeerWord(1, 4, False), NOTHING, ""),
        (HERE, Marks(), PeerWord(1, 4, True), NOTE, ""),
        (HERE, Marks("east"), PeerWord(1, 4, True), NOTE, "east"),
        (HERE, Marks(), PeerWord(1, 4, False), NOTHING, ""),
        (HERE, Marks("west", {"west": Heard(1, 4, True)}), PeerWord(1, 5, False), DROP, "west"),
        (HERE, Marks("", {"west": Heard(1, 4, True)}), PeerWord(1, 5, False), NOTE, ""),
        (DELETED, Marks(), PeerWord(1, 4, True), KEEP_OUT, ""),
        (DELETED, Marks("", {"west": Heard(1, 4, True)}), PeerWord(1, 4, True), NOTHING, ""),
        (DELETED, Marks("", {"west": Heard(1, 4, True)}), PeerWord(1, 9, True), PUT, "west"),
        (DELETED, Marks("", {"west": Heard(1, 4, True)}), PeerWord(2, 9, True, True), NOTHING, ""),
        (DELETED, Marks("west", {"west": Heard(1, 5, False)}), PeerWord(1, 6, True), PUT, "west"),
        (DELETED, Marks("west", {"west": Heard(1, 5, False)}), PeerWord(1, 4, True), NOTHING, ""),
    ],
)
def test_a_word_of_west(entry, marks, word, what, origin):
    """What comes of it, and whose the certificate is then."""
    done = take(entry, marks, "west", word)
    assert (done.what, done.marks.origin) == (what, origin)
    if what != NOTHING:
        assert done.marks.heard["west"] == word[:3]


def test_the_brake():
    """More than ten, and more than a fifth."""
    assert brakes(11, 54)
    assert not brakes(11, 55)
    assert not brakes(10, 10)


def test_a_feed_that_goes_back():
    """By the number of its era first."""
    assert went_back((2, 5), (1, 9))
    assert went_back((2, 5), (2, 4))
    assert not went_back((2, 5), (3, 1))
    assert not went_back((2, 5), (2, 5))
