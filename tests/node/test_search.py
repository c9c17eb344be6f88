"""Find: the words of a search, and what rows it selects."""

import pytest
from harness import START

from cucmos_shell.errors import BadValue, IncompleteCommand
from cucmos_shell.node.certificates import search
from cucmos_shell.store import CertificateRow, RequestRow

DAY = 86_400


def row(name, **fields):
    """An index row; what is not given is nothing in particular."""
    plain = {
        "name": name, "common_name": name, "issuer": "CN=Example Root CA, C=US",
        "issuer_name": "Example Root CA", "serial": "1f", "not_before": int(START) - DAY,
        "not_after": int(START) + 100 * DAY, "key_type": "RSA 2048", "sha256": "0" * 64,
        "description": "Trust Certificate", "subject_hash": "01234567", "ca": True, "owner": "",
    }  # fmt: skip
    return CertificateRow(**{**plain, **fields})


ROWS = (
    row("Alpha", common_name="Alpha Root", key_type="EC 256", serial="abc1"),
    row("beta", issuer="CN=Beta", not_after=int(START) + 5 * DAY, description=""),
    row("Gamma", common_name="", not_after=int(START) - DAY),
)


def found(line):
    conditions = search.parse(line.split(" ") if '"' not in line else split(line))
    rows = search.select(
        ROWS, conditions, certificate_name="tomcat-trust", type_name=search.TRUST, now=START
    )
    return " ".join(one.name for one in rows)


def split(line):
    """Words, with quotation marks around those that have blanks."""
    return [
        word
        for i, part in enumerate(line.split('"'))
        for word in ([part] if i % 2 else part.split())
    ]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("file-name is-exactly ALPHA.PEM", "Alpha"),
        ("certificate-name begins-with tomcat", "Alpha beta Gamma"),
        ("certificate-name is-exactly ipsec-trust", ""),
        ("type is-exactly trust-certs", "Alpha beta Gamma"),
        ("type is-exactly csr", ""),
        ('common-name contains "ha ro"', "Alpha"),
        ("common-name is-empty", "Gamma"),
        ("common-name is-not-empty", "Alpha beta"),
        ("issuer ends-with c=us", "Alpha Gamma"),
        ("serial is-exactly 0x00:AB:C1", "Alpha"),
        ("serial begins-with ab", "Alpha"),
        ("expiration begins-with 2026-11", "beta Gamma"),
        ("expiration within 30 days", "beta Gamma"),
        ("expiration within 0 days", "Gamma"),
        ("expiration before 2026-11-20", "Gamma"),
        ("expiration is-not-empty", "Alpha beta Gamma"),
        ("description is-empty", "beta"),
        ("key-type contains ec", "Alpha"),
        ("exp within 30 d and common is-n and desc is-em", "beta"),
        ("common-name contains a and issuer contains root and serial is-exactly 1f", ""),
    ],
)
def test_conditions_select_rows(line, names):
    """Case-blind, fields and relations may be shortened, all conditions must hold."""
    assert found(line) == names


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("colour is-exactly red", "colour is not a field"),
        ("serial resembles 1", "resembles is not a relation of serial"),
        ("serial within 3 days", "within is not a relation of serial"),
        ("expiration within soon days", "soon is not a number of days"),
        ("expiration within 3 weeks", "weeks is not a unit of time"),
        ("expiration before never", "never is not a date"),
        ("issuer contains Root CA", "CA: after a condition comes and"),
        ("s contains 1 or 2", "or: after a condition"),
    ],
)
def test_wrong_words_are_named(words, says):
    """One sentence, and the words there are."""
    with pytest.raises(BadValue) as caught:
        search.parse(words.split())
    assert says in caught.value.message()


@pytest.mark.parametrize("words", ["", "issuer", "issuer contains", "expiration within 3",
                                   "issuer is-empty and"])  # fmt: skip
def test_a_beginning_is_incomplete(words):
    """What could follow is said."""
    with pytest.raises(IncompleteCommand) as caught:
        search.parse(words.split())
    assert caught.value.details


@pytest.mark.parametrize(
    ("words", "next_words"),
    [
        ("", search.FIELDS),
        ("issuer", (*search.WITH_TEXT, *search.WITHOUT_TEXT)),
        ("expiration", search.relations("expiration")),
        ("issuer contains", ()),
        ("issuer contains x", ("and",)),
        ("expiration within 3", ("days",)),
        ("issuer is-empty and", search.FIELDS),
    ],
)
def test_tab_knows_what_may_stand_next(words, next_words):
    """Fields, relations, units and `and`; nothing for free text."""
    assert search.follow(words.split()).names == next_words


@pytest.mark.parametrize(
    ("words", "free"),
    [("issuer contains", "TEXT"), ("expiration within", "NUMBER"),
     ("expiration before", "YYYY-MM-DD"), ("issuer is-empty", "<cr>"), ("issuer", "")],
)  # fmt: skip
def test_the_form_of_free_text_is_known(words, free):
    """And of which field and relation it is."""
    following = search.follow(words.split())
    assert following.free == free
    assert following.field == ("" if free == "<cr>" else words.split()[0])


@pytest.mark.parametrize(
    ("words", "lists"),
    [("nonsense", "common-name"), ("issuer sounds-like", "contains"), ("issuer is-empty or", "and"),
     ("expiration within 3 weeks", "days")],
)  # fmt: skip
def test_wrong_words_name_the_right_ones(words, lists):
    """So that whoever asks what may follow learns it."""
    with pytest.raises(BadValue) as caught:
        search.follow(words.split())
    assert f"\t{lists}" in caught.value.details


def test_requests_are_searched_too():
    """They have neither issuer nor end."""
    request = RequestRow("tomcat", "CN=Host", "Host", ("DNS:host",), "RSA 2048", "0" * 64, START)

    def meets(line):
        return search.meets(request, search.parse(line.split()), certificate_name="tomcat")

    assert meets("file-name is-exactly tomcat.csr and common-name contains host")
    assert meets("type is-exactly csr and expiration is-empty")
    assert not meets("expiration within 9999 days")
    assert not meets("key-type contains EC")
