"""The store: changes happen together or not at all, and what is read is what was written."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess

import pytest
from small_store import change, give_own, new_store, read_everything, row, tree

from cucmos_shell.errors import Busy, Damaged, OutcomeUnknown, Unavailable
from cucmos_shell.store import RequestRow, SnapshotExpired, Store, per_state
from cucmos_shell.store.paths import clean_name, is_clean


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path / "s") if (tmp_path / "s").mkdir() is None else None


def request_row(name="alpha"):
    return RequestRow(name, "CN=a", "a", ("DNS:a", "IP:10.0.0.1"), "RSA 2048", "ab" * 32, 5.0)


# --- reading what was written ------------------------------------------------------------------


def test_a_first_installation_is_read_back(store):
    """Units, stores, own certificates, copies and settings are there after one commit."""
    snapshot = store.snapshot()
    assert (snapshot.head, snapshot.when) == (1, 1000.0)
    assert snapshot.units == ("alpha", "beta")
    assert snapshot.stores == ("alpha-trust", "beta-trust")
    assert snapshot.own_der("alpha") == b"first alpha"
    assert snapshot.private_key_pem("alpha") == b"key of first alpha"
    (copy,) = snapshot.trust("alpha-trust")
    assert (copy.name, copy.owner) == ("host", "alpha")
    assert snapshot.certificate_der(copy.sha256) == b"first alpha"
    assert snapshot.settings() == {"speed": 0}
    assert snapshot.note()["who"] == "test"


def test_several_units_change_together(store):
    """One commit is one head; the certificate, its copy and the request belong to it."""

    def work(transaction):
        give_own(transaction, "alpha", b"second alpha")
        transaction.put_request("beta", request_row("beta"), b"the csr", b"csr key")
        transaction.put_settings({"speed": 1})

    assert change(store, work) == 2
    snapshot = store.snapshot()
    assert snapshot.head == 2
    assert snapshot.own_der("alpha") == b"second alpha"
    assert snapshot.own("beta").request == request_row("beta")
    assert snapshot.request_pem("beta") == b"the csr"
    assert snapshot.request_key_pem("beta") == b"csr key"
    assert snapshot.own_der("beta") == b"first beta"
    assert snapshot.settings() == {"speed": 1}
    assert [r.sha256 for r in snapshot.trust("alpha-trust")] == [
        hashlib.sha256(b"second alpha").hexdigest()
    ]
    assert snapshot.note()["changed"] == ["alpha", "beta", "alpha-trust", "node"]


def test_a_transaction_reads_its_own_changes(store):
    """What a command has staged it sees, and what it has not it sees as it is."""

    def work(transaction):
        give_own(transaction, "alpha", b"new")
        assert transaction.own_der("alpha") == b"new"
        assert transaction.own("alpha").row.sha256 == hashlib.sha256(b"new").hexdigest()
        assert transaction.private_key_pem("alpha") == b"key of new"
        assert transaction.own_der("beta") == b"first beta"
        assert [r.owner for r in transaction.trust("alpha-trust")] == ["alpha"]
        transaction.put_trust("alpha-trust", row("Root", b"root"), b"root")
        assert transaction.find_trust("alpha-trust", "ROOT").name == "Root"
        assert transaction.named("alpha-trust", "Root")[0].name == "Root"
        transaction.remove_trust("alpha-trust", "Root")
        assert transaction.find_trust("alpha-trust", "Root") is None
        transaction.put_request("alpha", request_row(), b"csr", b"key")
        assert transaction.own("alpha").request == request_row()
        transaction.drop_request("alpha")
        assert transaction.own("alpha").request is None

    change(store, work)


def test_nothing_to_change_makes_no_head(store, tmp_path):
    """A command that finds all as it should be leaves no trace."""
    before = tree(tmp_path)
    assert change(store, lambda t: t.put_settings({"speed": 0})) == 1
    assert change(store, lambda t: t.drop_request("alpha")) == 1
    assert tree(tmp_path) == before


def test_a_transaction_that_is_not_committed_writes_nothing(store, tmp_path):
    """Files appear at the commit, not before."""
    before = tree(tmp_path)
    with store.try_lock() as lock:
        transaction = store.begin(lock, who="a", what="b", now=3.0)
        give_own(transaction, "alpha", b"never")
    assert tree(tmp_path) == before


def test_a_snapshot_shows_its_state_while_others_change_it(store):
    """A reader keeps what it resolved, without a lock."""
    before = store.snapshot()
    change(store, lambda t: give_own(t, "alpha", b"second"))
    assert before.own_der("alpha") == b"first alpha"
    assert store.snapshot().own_der("alpha") == b"second"


def test_order_needs_no_clock(store):
    """A change has the clock's time, be it before that of the last one; numbers tell the order."""
    before = store.snapshot()
    assert change(store, lambda t: give_own(t, "alpha", b"2"), now=500.0) == before.head + 1
    assert (before.when, store.snapshot().when) == (1000.0, 500.0)
    assert store.snapshot().own("alpha").history[-1][1:3] == (before.head + 1, 500.0)


def test_history_names_each_certificate_and_is_bounded(store):
    """One entry for each certificate, none for a request; 64 are kept, the first among them."""
    change(store, lambda t: t.put_request("alpha", request_row(), b"csr", b"key"))
    assert len(store.snapshot().own("alpha").history) == 1
    for number in range(70):
        change(store, lambda t, n=number: give_own(t, "alpha", b"%d" % n), now=3000.0 + number)
    history = store.snapshot().own("alpha").history
    assert len(history) == 64
    assert history[0].sha256 == hashlib.sha256(b"first alpha").hexdigest()
    assert [entry.head for entry in history[1:]] == list(range(10, 73))
    last = history[-1]
    assert last.sha256 == hashlib.sha256(b"69").hexdigest()
    assert (last.head, last.when) == (72, 3069.0)
    assert last.version == store.snapshot().own("alpha").version
    assert store.snapshot().own("alpha").request == request_row()


def test_copies_belong_to_their_unit(store):
    """Two units with one common name in one store keep a copy each, replaced by unit."""

    def work(transaction):
        assert transaction.put_copy("alpha-trust", "beta", row("host", b"b1"), b"b1").name == (
            "host-2"
        )

    change(store, work)
    change(store, lambda t: give_own(t, "alpha", b"a2"))
    change(store, lambda t: t.put_copy("alpha-trust", "beta", row("host", b"b2"), b"b2"))
    rows = {r.name: (r.owner, r.sha256) for r in store.snapshot().trust("alpha-trust")}
    assert rows == {
        "host": ("alpha", hashlib.sha256(b"a2").hexdigest()),
        "host-2": ("beta", hashlib.sha256(b"b2").hexdigest()),
    }


def test_a_chain_is_kept_with_the_certificate(store):
    """Intermediates stand beside the certificate, as PEM one after the other."""
    change(
        store, lambda t: t.put_own("alpha", row("alpha", b"x"), b"x", b"k", chain_ders=[b"1", b"2"])
    )
    assert store.snapshot().chain_pem("alpha").count(b"BEGIN CERTIFICATE") == 2
    assert store.snapshot().chain_pem("beta") == b""


# --- files -------------------------------------------------------------------------------------


def test_keys_are_for_the_owner_alone(store, tmp_path):
    """Private keys and requests are 0600 in a folder that is 0700, whatever the umask."""
    old = os.umask(0)
    try:
        change(store, lambda t: t.put_request("beta", request_row("beta"), b"csr", b"key"))
        change(store, lambda t: give_own(t, "alpha", b"second"))
    finally:
        os.umask(old)
    folders = list((tmp_path / "s" / "store" / "versions").glob("*/*/keys"))
    assert len(folders) == 4
    for folder in folders:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(f.stat().st_mode) for f in folder.iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "s" / "lock").stat().st_mode) == 0o600


def test_check_sums_are_those_of_the_tools(store, tmp_path):
    """`sha256sum -c MANIFEST` agrees in every version and every head."""
    change(store, lambda t: t.put_request("beta", request_row("beta"), b"csr", b"key"))
    manifests = list((tmp_path / "s" / "store").glob("*/**/MANIFEST"))
    assert len(manifests) >= 8
    for manifest in manifests:
        done = subprocess.run(
            ["sha256sum", "--strict", "--quiet", "-c", "MANIFEST"], cwd=manifest.parent
        )
        assert done.returncode == 0
        listed = {line[66:] for line in manifest.read_text().splitlines()}
        there = {
            str(p.relative_to(manifest.parent))
            for p in manifest.parent.rglob("*")
            if p.is_file() and not p.is_symlink() and p.name != "MANIFEST"
        }
        assert there <= listed


def test_a_key_is_in_no_representation(store):
    """Objects that hold a key do not show it."""
    with store.try_lock() as lock:
        transaction = store.begin(lock, who="a", what="b", now=3.0)
        give_own(transaction, "alpha", b"secret")
        shown = repr(transaction) + repr(vars(transaction))
    assert "key of" not in shown


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CUCM9X", "CUCM9X"),
        ("VeriSign Class 3 Secure Server CA - G3", "VeriSign_Class_3_Secure_Server_CA_-_G3"),
        ("../../etc/passwd", "etc_passwd"),
        ("*.example.com", "example.com"),
        ("-rf", "rf"),
        ("a\x1b[2J\u202eb", "a_2J_b"),
        ("", "certificate"),
        ("\u0000", "certificate"),
        ("M\u00fcller GmbH", "M_ller_GmbH"),
        ("x" * 70_000, "x" * 200),
    ],
)
def test_names_are_cleaned(text, name):
    """No file name comes from a certificate unless it is of the clean form."""
    assert clean_name(text) == name
    assert is_clean(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", ".x", "a b", "a\n", "\u00e9"])
def test_an_unclean_name_is_a_bug(store, name):
    """The store itself takes clean names only."""
    assert not is_clean(name)
    with store.try_lock() as lock:
        transaction = store.begin(lock, who="a", what="b", now=3.0)
        with pytest.raises(ValueError, match="cannot name"):
            transaction.put_trust("alpha-trust", row(name, b"x"), b"x")


# --- damage ------------------------------------------------------------------------------------


def every_file_of_the_state(folder):
    root = folder / "store"
    head = root / os.readlink(root / "current")
    files = [head / "note.json", head / "MANIFEST"]
    for link in head.iterdir():
        if link.is_symlink():
            files += [p for p in link.resolve().rglob("*") if p.is_file()]
    return files + list((root / "pool").iterdir())


@pytest.mark.parametrize("kind", ["flip", "cut", "remove", "link"])
def test_every_damaged_file_is_named(store, tmp_path, kind):
    """One changed octet, a missing end, a missing file, a link: the file is named, not repaired."""
    change(store, lambda t: t.put_request("alpha", request_row(), b"csr", b"key"))
    read_everything(store)
    for path in every_file_of_the_state(tmp_path / "s"):
        octets = path.read_bytes()
        if kind == "flip":
            middle = len(octets) // 2
            path.write_bytes(octets[:middle] + bytes([octets[middle] ^ 1]) + octets[middle + 1 :])
        elif kind == "cut":
            path.write_bytes(octets[:-1])
        else:
            path.unlink()
            if kind == "link":
                (tmp_path / "elsewhere").write_bytes(octets)
                path.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Damaged, match=re.escape(str(path))):
            read_everything(store)
        path.unlink(missing_ok=True)
        path.write_bytes(octets)
        read_everything(store)


def test_a_head_that_leads_elsewhere_is_damage(store, tmp_path):
    """A unit's link is read, not followed: another target does not pass."""
    change(store, lambda t: give_own(t, "alpha", b"second"))
    root = tmp_path / "s" / "store"
    link = root / "heads" / "000002" / "alpha"
    for target in ("../../versions/alpha/1", "../../versions/beta/1", "/etc", "x", "../../.."):
        link.unlink()
        link.symlink_to(target)
        with pytest.raises(Damaged):
            read_everything(store)
    link.unlink()
    with pytest.raises(Damaged, match="alpha"):
        read_everything(store)


@pytest.mark.parametrize("target", ["heads/../heads/000001", "heads/1", "/x", "heads/000009"])
def test_current_that_leads_nowhere_is_damage(store, tmp_path, target):
    """`current` names a head in the one form there is."""
    current = tmp_path / "s" / "store" / "current"
    current.unlink()
    current.symlink_to(target)
    with pytest.raises(Damaged):
        store.snapshot()


def test_a_change_on_a_damaged_unit_is_refused(store, tmp_path):
    """Nothing is repaired silently: what is to be copied on must be whole."""
    index = tmp_path / "s" / "store" / "versions" / "alpha" / "1" / "index.json"
    index.write_text("{}")
    before = tree(tmp_path)
    with pytest.raises(Damaged, match=re.escape(str(index))):
        change(store, lambda t: t.put_request("alpha", request_row(), b"csr", b"key"))
    assert tree(tmp_path) == before


def test_a_newer_format_is_no_damage(store, tmp_path):
    """A store of a later program says so."""
    note = tmp_path / "s" / "store" / "heads" / "000001" / "note.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "format": 2}))
    with pytest.raises(Unavailable, match="newer version"):
        store.snapshot()


def test_nothing_installed_is_said(tmp_path):
    """No store is no damage."""
    store = Store(str(tmp_path))
    assert not store.exists()
    with pytest.raises(Unavailable, match="No node is installed"):
        store.snapshot()
    with pytest.raises(Unavailable):
        Store(str(tmp_path / "missing")).try_lock()


def test_a_snapshot_that_was_cleared_away_is_no_damage(store, tmp_path):
    """A very late reader is told to try again."""
    old = store.snapshot()
    for number in range(80):
        change(store, lambda t, n=number: give_own(t, "alpha", b"%d" % n))
    with pytest.raises(SnapshotExpired):
        old.own_der("alpha")
    assert store.snapshot().own_der("alpha") == b"79"


# --- locks and errors --------------------------------------------------------------------------


def test_one_writer_at_a_time(store, tmp_path):
    """The second lock is not had, also by another process; it is free again afterwards."""
    with store.try_lock() as lock:
        assert store.try_lock() is None
        assert lock.held
    assert not lock.held
    with open(tmp_path / "s" / "lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert store.try_lock() is None
    with store.try_lock():
        pass


def test_the_lock_is_waited_for_up_to_a_while(store):
    """By the world's clock; whoever holds it may let go meanwhile."""
    clock, holder = [0.0], store.try_lock()

    def sleep(seconds):
        clock[0] += seconds
        if clock[0] > 1:
            holder.release()

    with store.lock(lambda: clock[0], sleep) as lock:
        assert lock.held
        assert 1 < clock[0] < 2
        with pytest.raises(Busy, match="Another session is changing this node"):
            store.lock(lambda: clock[0], sleep)
        assert 11 < clock[0] < 13


def test_a_change_needs_the_lock(store, tmp_path):
    """A released lock, or one of another folder, is a bug."""
    with store.try_lock() as lock:
        pass
    with pytest.raises(RuntimeError):
        store.begin(lock, who="a", what="b", now=1.0)
    (tmp_path / "t").mkdir()
    other = new_store(tmp_path / "t")
    with other.try_lock() as lock, pytest.raises(RuntimeError):
        store.begin(lock, who="a", what="b", now=1.0)
    with store.try_lock() as lock, pytest.raises(Unavailable):
        store.create(lock, who="a", what="b", now=1.0)


def test_an_error_before_the_rename_leaves_nothing(store, tmp_path):
    """A commit that cannot write ends as if it had never begun."""
    before = tree(tmp_path)
    # Where the new head's link for this unit belongs there is no room for a version folder.
    os.rename(tmp_path / "s" / "store" / "versions" / "alpha-trust", tmp_path / "aside")
    (tmp_path / "s" / "store" / "versions" / "alpha-trust").write_text("in the way")
    with store.try_lock() as lock:
        transaction = store.begin(lock, who="a", what="b", now=1.0)
        os.unlink(tmp_path / "s" / "store" / "versions" / "alpha-trust")
        os.rename(tmp_path / "aside", tmp_path / "s" / "store" / "versions" / "alpha-trust")
        give_own(transaction, "alpha", b"second")
        os.rename(tmp_path / "s" / "store" / "versions" / "alpha-trust", tmp_path / "aside")
        (tmp_path / "s" / "store" / "versions" / "alpha-trust").write_text("in the way")
        with pytest.raises(Unavailable, match="cannot be"):
            transaction.commit()
    os.unlink(tmp_path / "s" / "store" / "versions" / "alpha-trust")
    os.rename(tmp_path / "aside", tmp_path / "s" / "store" / "versions" / "alpha-trust")
    assert tree(tmp_path) == before


def test_errors_are_of_the_right_kind():
    """Exit statuses: unavailable 4, damaged 5, unknown 6."""
    assert (Unavailable.status, Damaged.status, OutcomeUnknown.status) == (4, 5, 6)


def test_a_finding_is_worked_out_once_for_each_state(store, tmp_path):
    """And anew after a change, and in a folder that was put back from a copy."""
    asked = []

    def find(snapshot):
        asked.append(snapshot.head)
        return snapshot.settings().get("colour")

    def paint(colour):
        change(store, lambda t: t.put_setting("colour", colour))

    found = per_state(store, find)
    assert (found(), found()) == (None, None)
    paint("red")
    assert (found(), found()) == ("red", "red")
    shutil.copytree(tmp_path / "s", tmp_path / "copy", symlinks=True)
    paint("blue")
    assert found() == "blue"
    shutil.rmtree(tmp_path / "s")
    shutil.copytree(tmp_path / "copy", tmp_path / "s", symlinks=True)
    paint("green")
    assert found() == "green"
    assert asked == [1, 2, 3, 3]
    (tmp_path / "s" / "store" / "current").unlink()
    with pytest.raises(Unavailable, match="No node is installed"):
        found()
