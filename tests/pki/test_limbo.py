"""The x509-limbo suite: how many agreements, every difference with its reason, none slow."""

from __future__ import annotations

import pytest
from limbo_table import LIMBO, TABLE, Outcome, outcomes, render

pytestmark = pytest.mark.skipif(not LIMBO.exists(), reason="the corpora are not here")


@pytest.fixture(scope="module")
def results() -> list[Outcome]:
    return outcomes()


def test_agrees_with_as_many_cases_as_the_library(results):
    supported = [one for one in results if one.case.supported]
    library = sum(one.library == one.case.expected for one in supported)
    assert sum(one.agrees for one in supported) >= max(159, library)


def test_every_difference_has_its_reason(results):
    assert [one.case.name for one in results if not one.agrees and not one.reason] == []


def test_the_table_in_docs_is_the_truth(results):
    assert TABLE.read_text() == render(results), (
        "run: python tests/support/limbo_table.py > docs/limbo.md"
    )


def test_no_case_takes_a_second(results):
    assert max(one.seconds for one in results) < 1


def test_every_refusal_is_one_sentence(results):
    for one in results:
        if one.verdict is not None and not one.verdict.accepted:
            message = one.verdict.refusal().message()
            assert message
            assert "\n" not in message
            assert len(message) < 400


def test_nothing_is_accepted_for_lack_of_a_rule_of_rfc_5280(results):
    """What the node accepts against the suite is a matter of web CAs, lists, or identifiers."""
    looser = {one.case.name for one in results if one.accepted and not one.case.expected}
    groups = {name.rpartition("::")[0] for name in looser}
    assert groups <= {
        "crl",
        "rfc5280",
        "rfc5280::aki",
        "rfc5280::nc",
        "rfc5280::pc",
        "rfc5280::ski",
        "webpki",
        "webpki::aki",
        "webpki::cn",
        "webpki::eku",
        "webpki::san",
    }
