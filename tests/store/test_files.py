"""Units of plain files: versions like everything else, made by their first file."""

import pytest
from small_store import change, give_own, new_store

from cucmos_shell.errors import Damaged
from cucmos_shell.store.durable import remove_tree

UNIT = "lists"


def test_a_file_comes_and_goes_with_other_changes(tmp_path):
    store = new_store(tmp_path)
    assert store.snapshot().find_file(UNIT, "A.tlv") is None
    before = store.snapshot().head

    def both(transaction):
        transaction.put_file(UNIT, "A.tlv", b"\0\1")
        assert transaction.find_file(UNIT, "A.tlv") == b"\0\1"
        give_own(transaction, "alpha", b"second alpha")

    assert change(store, both) == before + 1
    snapshot = store.snapshot()
    assert snapshot.find_file(UNIT, "A.tlv") == b"\0\1"
    assert snapshot.own_der("alpha") == b"second alpha"
    assert UNIT not in (*snapshot.units, *snapshot.stores)
    change(store, lambda t: t.put_file(UNIT, "B.tlv", b"2"))
    assert store.snapshot().find_file(UNIT, "A.tlv") == b"\0\1"
    change(store, lambda t: t.put_file(UNIT, "A.tlv", None))
    change(store, lambda t: t.put_file(UNIT, "B.tlv", None))
    assert store.snapshot().find_file(UNIT, "A.tlv") is None
    assert store.snapshot().find_file(UNIT, "B.tlv") is None
    assert store.snapshot().has(UNIT)


def test_the_same_file_again_is_no_change(tmp_path):
    store = new_store(tmp_path)
    assert change(store, lambda t: t.put_file(UNIT, "A.tlv", None)) == 1
    head = change(store, lambda t: t.put_file(UNIT, "A.tlv", b"1"))
    assert change(store, lambda t: t.put_file(UNIT, "A.tlv", b"1")) == head


def test_a_file_that_never_was_leaves_no_unit_behind(tmp_path):
    store = new_store(tmp_path)

    def none(transaction):
        transaction.put_file(UNIT, "A.tlv", None)
        transaction.put_settings({"speed": 2})

    change(store, none)
    assert not store.snapshot().has(UNIT)


def test_a_file_that_was_altered_is_noticed(tmp_path):
    store = new_store(tmp_path)
    change(store, lambda t: t.put_file(UNIT, "A.tlv", b"1"))
    (tmp_path / "store" / "versions" / UNIT / "1" / "A.tlv").write_bytes(b"2")
    with pytest.raises(Damaged, match=r"A\.tlv"):
        store.snapshot().find_file(UNIT, "A.tlv")


def test_names_and_kinds_are_kept_apart(tmp_path):
    store = new_store(tmp_path)

    def wrong(transaction):
        for unit, name in ((UNIT, "../A"), (UNIT, "MANIFEST"), ("..", "A"), (UNIT, "")):
            with pytest.raises(ValueError, match="cannot name"):
                transaction.put_file(unit, name, b"")
        for unit in ("alpha", "alpha-trust", "node"):
            with pytest.raises(LookupError):
                transaction.put_file(unit, "A", b"")

    change(store, wrong)


@pytest.mark.parametrize("where", ["gone", "there"])
def test_of_a_link_only_the_link_is_removed(tmp_path, where):
    """Wherever it leads: nowhere, or to a folder with something in it."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("x")
    link = tmp_path / "link"
    link.symlink_to(where)
    remove_tree(str(link))
    assert not link.is_symlink()
    assert (tmp_path / "there" / "file").exists()
    remove_tree(str(link))
    remove_tree(str(tmp_path / "there"))
    assert list(tmp_path.iterdir()) == []
