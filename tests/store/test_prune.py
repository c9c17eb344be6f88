"""Old states are cleared away by count and age, and only what nobody needs goes with them."""

import hashlib
import os
import pathlib

import pytest
from small_store import change, give_own, new_store, read_everything, row

from cucmos_shell.store.prune import BATCH, MAX_HEADS, MIN_HEADS


@pytest.fixture
def store(tmp_path):
    (tmp_path / "s").mkdir()
    return new_store(tmp_path / "s")


def pool(store):
    return {path.name.partition(".")[0] for path in pathlib.Path(store.layout.pool).iterdir()}


def heads(store):
    return sorted(int(name) for name in os.listdir(store.layout.heads))


def sha(der):
    return hashlib.sha256(der).hexdigest()


def make_old(store, seconds=1000):
    """As if all there is had been made so many seconds earlier."""
    for name in os.listdir(store.layout.heads):
        path = os.path.join(store.layout.heads, name)
        made = os.stat(path).st_mtime - seconds
        os.utime(path, (made, made))


def test_what_a_reader_may_be_reading_is_kept(store):
    """In quick succession more states are kept than are worth going back to, up to a bound."""
    for number in range(MAX_HEADS + 20):
        change(store, lambda t, n=number: give_own(t, "alpha", b"%d" % n))
    assert MAX_HEADS <= len(heads(store)) < MAX_HEADS + BATCH
    make_old(store)
    change(store, lambda t: give_own(t, "alpha", b"last"))
    assert len(heads(store)) == MIN_HEADS
    versions = pathlib.Path(store.layout.versions)
    assert len(list((versions / "alpha").iterdir())) == MIN_HEADS
    assert len(list((versions / "beta").iterdir())) == 1
    assert len(pool(store)) == MIN_HEADS + 1
    read_everything(store)


def test_a_certificate_goes_with_the_last_state_that_names_it(store):
    """One that another store names, or that came back, stays; so do own copies."""
    shared, gone, back = b"shared", b"gone", b"back"

    def put(transaction):
        for name, der in (("S", shared), ("G", gone), ("B", back)):
            transaction.put_trust("alpha-trust", row(name, der), der)
        transaction.put_trust("beta-trust", row("S", shared), shared)

    change(store, put)

    def remove(transaction):
        for name in "SGB":
            transaction.remove_trust("alpha-trust", name)

    change(store, remove)
    change(store, lambda t: t.put_trust("beta-trust", row("Back", back), back))
    for number in range(2 * MIN_HEADS + BATCH):
        assert {sha(shared), sha(back)} <= pool(store)
        make_old(store)
        change(store, lambda t, n=number: t.put_settings({"speed": n + 1}))
    assert pool(store) == {sha(shared), sha(back), sha(b"first alpha"), sha(b"first beta")}
    read_everything(store)


def test_many_removed_at_once_are_collected(store):
    """A bundle put in and taken out again leaves the pool as it was."""
    before = pool(store)
    bundle = [b"cert %d" % n for n in range(300)]
    change(
        store,
        lambda t: [t.put_trust("alpha-trust", row(f"C{n}", d), d) for n, d in enumerate(bundle)],
    )
    change(
        store,
        lambda t: [t.remove_trust("alpha-trust", f"C{n}") for n in range(1, len(bundle))],
    )
    for number in range(MIN_HEADS + BATCH + 1):
        make_old(store)
        change(store, lambda t, n=number: t.put_settings({"speed": n + 1}))
    assert pool(store) == {*before, sha(bundle[0])}


def test_what_a_killed_change_has_left_is_swept_up(store):
    """Its head's folder gives it away; the next change removes all of it and nothing else."""
    change(store, lambda t: give_own(t, "alpha", b"second"))
    root = pathlib.Path(store.layout.store)
    (root / "heads" / "000003").mkdir()
    (root / "heads" / "000003" / "note.json").write_text("{half a no")
    (root / "versions" / "alpha" / "3" / "keys").mkdir(parents=True)
    (root / "versions" / "alpha" / "3" / "keys" / "alpha_priv.pem").write_text("key")
    (root / "pool" / ("ab" * 32 + ".der")).write_bytes(b"torn")
    torn = root / "pool" / (sha(b"new") + ".der")
    torn.write_bytes(b"ne")
    (root / "current.next").symlink_to("heads/000003")

    def work(transaction):
        give_own(transaction, "alpha", b"third")
        transaction.put_trust("beta-trust", row("New", b"new"), b"new")

    assert change(store, work) == 4
    read_everything(store)
    assert heads(store) == [1, 2, 4]
    assert sorted(os.listdir(root / "versions" / "alpha")) == ["1", "2", "4"]
    assert pool(store) == {
        sha(d) for d in (b"first alpha", b"first beta", b"second", b"third", b"new")
    }
    assert not os.path.lexists(root / "current.next")


def test_old_states_stay_readable(store):
    """The states that are kept are whole: one can go back by the one rename."""
    for number in range(5):
        change(store, lambda t, n=number: give_own(t, "alpha", b"%d" % n))
    for number in heads(store):
        os.unlink(store.layout.current)
        os.symlink(f"heads/{number:06d}", store.layout.current)
        assert read_everything(store)["head"] == number
