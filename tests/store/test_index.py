"""The index of a trust store, searched and changed as octets, against plain lists and dicts."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_store import row

from cucmos_shell.store.draft import TrustDraft
from cucmos_shell.store.rows import TrustIndex, sort_key

names = st.text(alphabet="aAbB1._-", min_size=1, max_size=4).filter(lambda n: n[0] in "aAbB1")
texts = st.sampled_from(
    [
        "Root",
        "root",
        'a "quoted" one',
        "back\\slash",
        "new\nline",
        "\u00e9\u202e\U0001f600",
        ",",
        "]",
        "",
    ]
)


@st.composite
def rows(draw):
    name = draw(names)
    return row(
        name,
        draw(st.binary(min_size=1, max_size=3)),
        common_name=draw(texts),
        description=draw(texts),
        owner=draw(st.sampled_from(["", "alpha", "beta"])),
        subject=draw(texts),
        alternative_names=draw(st.lists(texts, max_size=2)),
    )


changes = st.lists(st.tuples(names, st.one_of(st.none(), rows())), max_size=8)


def as_changes(pairs):
    return {(r.name if r else name): r for name, r in pairs}


def apply(model, pairs):
    for name, new in pairs.items():
        model.pop(name, None)
        if new is not None:
            model[name] = new
    return model


def build(*steps):
    model, raw = {}, TrustIndex().raw
    for step in steps:
        raw = TrustIndex(raw).changed(step)
        apply(model, step)
    return model, TrustIndex(raw)


def in_order(model):
    return tuple(sorted(model.values(), key=lambda r: sort_key(r.name)))


@settings(max_examples=300, deadline=None)
@given(changes.map(as_changes), changes.map(as_changes), changes.map(as_changes))
def test_changes_on_octets_are_changes_on_rows(one, two, three):
    """Adding, replacing and removing by position gives what a dict sorted by name gives."""
    model, index = build(one, two, three)
    assert index.rows() == in_order(model)
    assert json.loads(index.raw) == [list(r) for r in in_order(model)]
    assert index.raw.isascii()


@settings(max_examples=300, deadline=None)
@given(changes.map(as_changes), names, texts)
def test_searching_octets_finds_the_rows(step, name, text):
    """By name in any case, by a whole value, by certificate."""
    model, index = build(step)
    variants = [r for r in in_order(model) if r.name.lower() == name.lower()]
    assert index.variants(name) == variants
    assert index.find(name) == model.get(name, variants[0] if variants else None)
    found = [r for r in index.search(text) if r.common_name == text]
    assert found == [r for r in in_order(model) if r.common_name == text]
    for r in model.values():
        assert index.holds(r.sha256)
    assert not index.holds("0" * 64)


@settings(max_examples=300, deadline=None)
@given(changes.map(as_changes), changes.map(as_changes), names, texts, st.booleans())
def test_a_draft_reads_like_the_index_it_will_be(step, pending, name, text, often):
    """A transaction's view of a store and the store after the commit agree, few lookups or many."""
    _, index = build(step)
    draft = TrustDraft(index)
    for changed, new in pending.items():
        if new is None:
            draft.remove(changed)
        else:
            draft.put(new, b"der")
    for _ in range(40 if often else 0):
        draft.find("nothing")
    after = TrustIndex(index.changed(draft.changes))
    assert draft.rows() == after.rows()
    assert {r.name for r in draft.named(text)} == {
        r.name for r in after.rows() if r.common_name == text
    }
    found, expected = draft.find(name), after.find(name)
    assert (found is None) == (expected is None)
    if expected is not None and expected.name == name:
        assert found == expected
    owned = {r.name for r in after.rows() if r.owner == "alpha"}
    own = draft.owned("alpha")
    assert (own.name in owned) if own else not owned
    assert after.find(draft.free_name(name)) is None
    before, now = {r.name: r.sha256 for r in index.rows()}, {r.name: r.sha256 for r in after.rows()}
    assert sorted(draft.dropped()) == sorted(s for n, s in before.items() if now.get(n) != s)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}\n", b"[\n", b"\n]\n", b"[\n]\n"])
def test_what_is_no_index_is_refused(raw):
    """Only what the store itself has written is read."""
    with pytest.raises(ValueError, match="not an index"):
        TrustIndex(raw)


def test_clean_names_need_no_escapes():
    """The index relies on this where it reads a name without parsing its line."""
    for character in string.ascii_letters + string.digits + "._-":
        assert json.dumps(character) == f'"{character}"'
