"""The links for people and for OpenSSL: as `openssl rehash` makes them, always for the state."""

import os
import pathlib
import shutil
import subprocess

import pytest
from certificate_authority import CertificateAuthority
from cryptography.hazmat.primitives.serialization import Encoding
from small_store import change, give_own, new_store, row, tree

from cucmos_shell.pki import certs
from cucmos_shell.store import CertificateRow


@pytest.fixture
def store(tmp_path):
    (tmp_path / "s").mkdir()
    return new_store(tmp_path / "s")


def view(store):
    return pathlib.Path(store.layout.view)


def certificate(common_name, keys, serial=1):
    made = certs.self_signed(
        keys("ec256"),
        subject=certs.subject_name([("O", "Example"), ("CN", common_name)]),
        alternative_names=None,
        key_usage=["keyCertSign"],
        extended_key_usage=[],
        basic_constraints=(True, None),
        days=3650,
        hash_name="sha256",
        now=1_700_000_000,
        serial=serial,
    )
    return made.public_bytes(Encoding.DER)


def put(transaction, name, der, store="alpha-trust"):
    fields = certs.row(certs.describe(certs.load_der(der)), name, "Trust Certificate")
    transaction.put_trust(store, CertificateRow(**fields), der)


def fingerprints(folder):
    """Hash value to the set of certificates its links lead to, and that the links are contiguous."""
    found = {}
    for link in folder.iterdir():
        stem, _, number = link.name.partition(".")
        if len(stem) == 8 and number.isdigit():
            found.setdefault(stem, {})[int(number)] = link.read_bytes()
    for numbers in found.values():
        assert sorted(numbers) == list(range(len(numbers)))
    return {stem: set(numbers.values()) for stem, numbers in found.items()}


def rehashed(folder, tmp_path):
    """What `openssl rehash` makes of the same PEM files."""
    copy = tmp_path / "rehash"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for pem in folder.glob("*.pem"):
        if not (pem.name[8:9] == "." and pem.name[9:].isdigit()):
            (copy / pem.name).write_bytes(pem.read_bytes())
    subprocess.run(["openssl", "rehash", copy], check=True, capture_output=True)
    return fingerprints(copy)


def test_the_view_shows_the_first_state(store):
    """Own certificates and copies, and the stamp of the head."""
    root = view(store)
    assert os.readlink(root / ".head") == "000001"
    assert (root / "alpha" / "alpha.der").read_bytes() == b"first alpha"
    assert (root / "alpha-trust" / "host.der").read_bytes() == b"first alpha"
    assert b"BEGIN CERTIFICATE" in (root / "beta-trust" / "host.pem").read_bytes()


def test_the_view_follows_each_change(store):
    """After every commit the links are what a rebuild from nothing would make."""
    other = row("Other", b"other", subject_hash="aaaaaaaa")
    twin = row("Twin", b"twin", subject_hash="aaaaaaaa")
    again = row("Again", b"other", subject_hash="aaaaaaaa")
    steps = [
        lambda t: give_own(t, "alpha", b"second"),
        lambda t: t.put_trust("alpha-trust", other, b"other"),
        lambda t: t.put_trust("alpha-trust", twin, b"twin"),
        lambda t: t.put_trust("alpha-trust", again, b"other"),
        lambda t: t.put_trust("alpha-trust", twin._replace(sha256=other.sha256), b"other"),
        lambda t: t.remove_trust("alpha-trust", "Other"),
        lambda t: t.remove_trust("alpha-trust", "Again"),
        lambda t: t.remove_trust("alpha-trust", "Twin"),
        lambda t: [
            t.put_trust(
                "beta-trust", row(f"R{i}", b"%d" % i, subject_hash=f"0000000{i % 3}"), b"%d" % i
            )
            for i in range(40)
        ],
        lambda t: [t.remove_trust("beta-trust", f"R{i}") for i in range(0, 40, 2)],
    ]
    for number, step in enumerate(steps, 2):
        change(store, step)
        shown = tree(view(store))
        assert shown.pop(".head") == f"-> {number:06d}"
        shutil.rmtree(view(store))
        store.repair_view()
        rebuilt = tree(view(store))
        assert rebuilt.pop(".head") == f"-> {number:06d}"
        assert shown == rebuilt


def test_hash_links_are_those_of_openssl(store, keys, tmp_path):
    """Also where names differ in case and blanks only, and where a certificate is there twice."""
    twice = certificate("Twice", keys)
    ders = {
        "One": certificate("Example Root", keys),
        "Two": certificate("EXAMPLE   root", keys, 2),
        "Three": certificate(" Example Root ", keys, 3),
        "Four": certificate("M\u00fcller \u0416", keys, 4),
        "Five": twice,
        "Six": twice,
    }

    def work(transaction):
        for name, der in ders.items():
            put(transaction, name, der)
        transaction.remove_trust("alpha-trust", "host")

    change(store, work)
    folder = view(store) / "alpha-trust"
    assert fingerprints(folder) == rehashed(folder, tmp_path)
    assert max(len(found) for found in fingerprints(folder).values()) == 3
    change(store, lambda t: t.remove_trust("alpha-trust", "One"))
    assert fingerprints(folder) == rehashed(folder, tmp_path)


def test_openssl_verifies_with_the_view(store, tmp_path):
    """`openssl verify -CApath` finds each anchor, for itself and for what it has signed."""
    ca = CertificateAuthority(tmp_path / "ca")
    roots = [ca.root("One Root"), ca.root("Another Root")]

    def work(transaction):
        for number, root in enumerate(roots):
            put(transaction, f"Root{number}", root.der)
        transaction.remove_trust("alpha-trust", "host")

    change(store, work)
    for one in [*roots, *(ca.leaf(root) for root in roots)]:
        done = subprocess.run(
            ["openssl", "verify", "-CApath", view(store) / "alpha-trust", one.path],
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr


def test_a_view_left_behind_is_repaired_at_the_next_start(store):
    """Wrong, missing and surplus links go; what is no link stays; the stamp tells whether."""
    change(store, lambda t: give_own(t, "alpha", b"second"))
    good = tree(view(store))
    folder = view(store) / "alpha-trust"
    (folder / "host.pem").unlink()
    (folder / "host.der").unlink()
    (folder / "host.der").symlink_to("../../pool/nothing")
    (folder / "surplus.pem").symlink_to("host.pem")
    store.repair_view()
    assert tree(view(store)) != good
    (view(store) / ".head").unlink()
    (view(store) / ".head").symlink_to("000001")
    store.repair_view()
    assert tree(view(store)) == good
    (folder / "README").write_text("a person's own")
    shutil.rmtree(view(store) / "beta")
    (view(store) / ".head").unlink()
    store.repair_view()
    assert tree(view(store)) == {**good, "alpha-trust/README": b"a person's own"}


def test_the_view_is_left_alone_while_another_holds_the_lock(store):
    """A start does not wait for a writer."""
    (view(store) / ".head").unlink()
    with store.try_lock():
        store.repair_view()
        assert not (view(store) / ".head").is_symlink()
    store.repair_view()
    assert (view(store) / ".head").is_symlink()


def test_no_failure_of_the_view_fails_a_change(store):
    """A view that cannot be written does not touch the truth."""
    shutil.rmtree(view(store))
    view(store).write_text("in the way")
    assert change(store, lambda t: give_own(t, "alpha", b"second")) == 2
    assert store.snapshot().own_der("alpha") == b"second"
    store.repair_view()
    view(store).unlink()
    store.repair_view()
    assert os.readlink(view(store) / ".head") == "000002"
