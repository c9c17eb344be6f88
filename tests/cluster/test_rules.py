"""The rules of the cluster: random histories, and faults that an invariant has to notice."""

import os

import pytest
from cluster_model import FAULTS, Cluster
from histories import noticed
from hypothesis import given, settings
from hypothesis import strategies as st

histories = st.binary(max_size=70)
MANY = 100_000 if os.environ.get("CUCMOS_SWEEP") == "all" else 20_000


@settings(max_examples=5000, deadline=None)
@given(histories)
def test_nothing_is_lost_and_nothing_comes_back(history):
    """Whatever happens in whichever order."""
    Cluster().run(history)


@pytest.mark.slow
@settings(max_examples=MANY, deadline=None)
@given(histories)
def test_nothing_is_lost_in_many_histories(history):
    """As many as there is time for."""
    Cluster().run(history)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_noticed(name):
    """By an invariant, among a few thousand histories."""
    fault = FAULTS[name]
    noticed(lambda h: Cluster(fault()).run(h), name, fault.letters, turns=6000, longest=70)
