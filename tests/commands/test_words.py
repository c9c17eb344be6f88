"""One form for one thing, and no `1 days`."""

import re

import pytest

ONE = re.compile(r"\b1 (?:certificates|days|seconds|sessions|lines|bytes|hours)\b")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("set cert monitor start 1", "1 day before"),
        ("set ocsp deadline 1", "1 second for"),
        ("utils cert download store ipsec-trust", "Holds  : 1 certificate\n"),
        ("show cert list own | last 1 | redirect one.txt", "1 line in"),
    ],
)
def test_one_of_a_thing_is_singular(say, line, said):
    """As everywhere in the words of ours."""
    text = say(line) + say("show cert monitor") + say("show ocsp")
    assert said in text
    assert not ONE.search(text)


def test_serials_have_one_form_in_json(ucm_node):
    """Hexadecimal, lower case, no leading zeros; the lists for phones have it, too."""
    import json

    from harness import Conversation

    from cucmos_shell.cli.caller import Settings

    say = Conversation(ucm_node, settings=Settings(output="json"))
    serials = re.findall(r'"serial": "([^"]*)"', say("show itl") + say("show cert list own"))
    serials.append(json.loads(say("show cert own CAPF"))["data"]["serial"])
    assert len(serials) > 8
    assert all(re.fullmatch("[1-9a-f][0-9a-f]*", serial) for serial in serials)


def test_dates_of_ours_have_one_form(say):
    """ISO 8601, to the day or to the second."""
    say("set cert regen tomcat", "yes")
    for line in ("show service pending", "show store history", "show logins", "show cert expiry"):
        text = say(line)
        assert re.search(r"\d{4}-\d\d-\d\d", text) or line == "show logins"
        assert not re.search(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", text)


def test_a_word_in_full_for_a_shortened_one_is_understood(say):
    """The product says cert; people say certificate."""
    assert say("show certificate list own").startswith("Did you mean:\n\tcert\n")
    assert say.status == 1
