"""A fresh node: real keys and certificates that OpenSSL agrees with, all there or none."""

import json
import os
import pathlib
import stat
import subprocess
import sys

import pytest
from harness import Conversation, clock_world
from places import CHECKOUT
from small_store import read_everything, tree

from cucmos_shell.errors import Busy, ProfileError, Unavailable, UsageError
from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.store import Store


def openssl(*words, **options):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(params=["imp", "ucm"])
def fresh(request, imp_template, ucm_template, world):
    """A node of each product as installed; not to be changed."""
    folder = imp_template if request.param == "imp" else ucm_template
    return Node.open(str(folder), world)


def test_every_unit_has_a_certificate_of_its_profile(fresh):
    """Key, subject, names, usages and validity are those of the profile."""
    from cucmos_shell.pki import certs

    snapshot = fresh.snapshot()
    assert snapshot.units == tuple(fresh.profile.units)
    assert snapshot.stores == tuple(fresh.profile.trust_stores)
    for unit, spec in fresh.profile.units.items():
        description = certs.describe(certs.load_der(snapshot.own_der(unit)))
        pairs = tuple(pair for (pair,) in description.subject)
        facts = fresh.profile.facts(unit, description.serial)
        assert pairs == fresh.profile.subject_of(unit, facts)
        names = fresh.profile.alternative_names_of(unit, facts)
        assert set(description.alternative_names) == set(names)
        assert description.key_usage == spec.key_usage
        assert description.not_before == int(snapshot.when)
        assert description.not_after - description.not_before == spec.validity_days * 86400 - 1
        assert description.signature_hash == "sha256"
        assert snapshot.own(unit).row.description == certs.SELF_SIGNED
        copy = snapshot.owned(spec.trust_store, unit)
        assert snapshot.certificate_der(copy.sha256) == snapshot.own_der(unit)
    serials = {snapshot.own(unit).row.serial for unit in snapshot.units}
    keys = {snapshot.private_key_pem(unit) for unit in snapshot.units}
    assert len(serials) == len(keys) == len(snapshot.units)


def test_openssl_agrees_with_every_file(fresh):
    """`openssl x509`, `pkey` and `verify -CApath`, for each file of the view."""
    root = pathlib.Path(fresh.store.layout.view)
    snapshot = fresh.snapshot()
    for unit, spec in fresh.profile.units.items():
        folder = root / unit
        pem, der = folder / f"{unit}.pem", folder / f"{unit}.der"
        assert openssl("x509", "-in", pem, "-outform", "DER") == der.read_bytes()
        key = pem.resolve().parents[1] / "keys" / f"{unit}_priv.pem"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
        assert openssl("pkey", "-in", key, "-pubout") == openssl(
            "x509", "-in", pem, "-noout", "-pubkey"
        )
        assert b": OK" in openssl("verify", "-CApath", root / spec.trust_store, pem)
        digest = openssl("x509", "-in", pem, "-noout", "-fingerprint", "-sha256")
        assert digest.partition(b"=")[2].replace(b":", b"").strip().lower().decode() == (
            snapshot.own(unit).row.sha256
        )
    for store in fresh.profile.trust_stores:
        for row in snapshot.trust(store):
            pem, der = root / store / f"{row.name}.pem", root / store / f"{row.name}.der"
            assert openssl("x509", "-inform", "DER", "-in", der) == pem.read_bytes()
            shown = openssl("x509", "-in", pem, "-noout", "-subject_hash", "-serial").decode()
            found, serial = shown.split()
            assert found == row.subject_hash
            assert int(serial.partition("=")[2], 16) == int(row.serial, 16)
            assert any(
                (root / store / link).resolve() == pem.resolve()
                for link in os.listdir(root / store)
                if link.startswith(f"{found}.")
            )
            assert b": OK" in openssl("verify", "-CApath", root / store, pem)


def test_the_folders_are_the_owners_alone(fresh):
    """Nobody else reads anything of a node."""
    folder = pathlib.Path(fresh.state_dir)
    for path in (folder, *(folder / name for name in ("download", "log", "run", "upload"))):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_units_that_share_a_name_and_a_store_have_a_copy_each(node):
    """Copies are kept by unit: their names differ, their common names do not."""
    shared = {}
    for unit, spec in node.profile.units.items():
        shared.setdefault(spec.trust_store, []).append(unit)
    store, units = next((s, u) for s, u in shared.items() if len(u) > 1)
    rows = node.snapshot().trust(store)
    assert {row.owner for row in rows} == set(units)
    assert len({row.common_name for row in rows}) == 1
    assert len({row.name for row in rows}) == len(units)


def test_a_second_installation_changes_nothing(node_dir, world):
    """A node is installed once."""
    before = tree(node_dir)
    assert install(str(node_dir), "imp-9.1", world) is False
    assert install(str(node_dir), "no such profile", world) is False
    assert tree(node_dir) == before


def test_name_and_speed_can_be_chosen(tmp_path, world):
    """The host name is in the certificates, the speed with the node."""
    lines = []
    folder = str(tmp_path / "a" / "b")
    assert install(folder, "imp-9.1", world, hostname="other", speed=0, progress=lines.append)
    node = Node.open(folder, world)
    assert node.hostname == "other"
    assert node.profile.defaults["speed"] == 0
    assert {node.snapshot().own(u).row.common_name for u in node.snapshot().units} == {"other"}
    assert "other" in lines[0]
    assert len(lines) == 2 + len(node.profile.units)


@pytest.mark.parametrize(
    ("profile", "options", "error"),
    [
        ("no-such", {}, ProfileError),
        ("imp-9.1", {"hostname": "-x"}, UsageError),
        ("imp-9.1", {"hostname": "a b"}, UsageError),
        ("imp-9.1", {"hostname": "a" * 64}, UsageError),
        ("imp-9.1", {"speed": -1}, UsageError),
        ("imp-9.1", {"speed": float("nan")}, UsageError),
    ],
)
def test_wrong_options_leave_nothing(tmp_path, world, profile, options, error):
    """They are refused before a folder is made."""
    with pytest.raises(error):
        install(str(tmp_path / "node"), profile, world, **options)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_installation_left_is_written_over(tmp_path, world):
    """Without `store/current` and with the marker there is no node, whatever else is there."""
    folder = tmp_path / "node"
    install(str(folder), "ucm-9.1", world)
    (folder / "store" / "current").unlink()
    (folder / "installing").write_text("")
    with pytest.raises(Unavailable):
        Store(str(folder)).snapshot()
    assert install(str(folder), "imp-9.1", world)
    node = Node.open(str(folder), world)
    assert node.profile.name == "imp-9.1"
    read_everything(node.store)
    heads = os.listdir(folder / "store" / "heads")
    assert heads == [f"{node.snapshot().head:06d}"]
    assert set(os.listdir(folder / "store" / "versions")) >= set(node.snapshot().units)
    own = {node.snapshot().own(unit).row.sha256 for unit in node.snapshot().units}
    assert {name.partition(".")[0] for name in os.listdir(folder / "store" / "pool")} == own
    assert os.readlink(folder / "store" / "view" / ".head").partition(".")[0] == heads[0]


def test_a_lock_that_is_never_freed_ends_in_busy(tmp_path, keys):
    """Waiting for another installation has an end."""
    world, clock = clock_world(keys)
    began = clock()
    with Store(str(tmp_path)).try_lock(), pytest.raises(Busy):
        install(str(tmp_path), "imp-9.1", world)
    assert 60 < clock() - began < 300
    assert not Store(str(tmp_path)).exists()


def test_an_unwritable_place_is_said(tmp_path, world):
    """One clear line, and it names the place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="file cannot be written"):
        install(str(tmp_path / "file" / "node"), "imp-9.1", world)


INSTALLER = """
import sys
from cucmos_shell.node.install import install
from cucmos_shell.world.world import World
print(install(sys.argv[1], "imp-9.1", World.real(), speed=0))
"""


def test_of_several_first_uses_one_installs(tmp_path):
    """The others wait for it, and all find the same node."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", INSTALLER, tmp_path / "node"],
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
            text=True,
        )
        for _ in range(4)
    ]
    answers = sorted(process.communicate(timeout=60)[0].strip() for process in started)
    assert answers == ["False", "False", "False", "True"]
    assert Store(str(tmp_path / "node")).snapshot().head == 1


def test_the_profile_is_kept_with_the_node(node_dir):
    """A node needs no profile file any more once it is installed."""
    kept = json.loads((node_dir / "profile.json").read_text())
    assert kept["name"] == "imp-9.1"


@pytest.mark.parametrize("role", ["Publisher", "Subscriber"])
def test_a_unit_of_publishers_is_missing_elsewhere(tmp_path, keys, role):
    """With its certificate, its place in services, and its word of the bulk exchange."""
    text = (CHECKOUT / "etc" / "imp-9.1.yaml").read_text()
    last = "    cup-xmpp-s2s: [cup-xmpp-trust]\n"
    path = tmp_path / "later.yaml"
    path.write_text(text.replace(last, f"{last}  publisher_only: [cup-xmpp-s2s]\n"))
    world, _ = clock_world(keys)
    install(str(tmp_path / "node"), str(path), world, role=role, speed=0)
    say = Conversation(Node.open(str(tmp_path / "node"), world))
    here = role == "Publisher"
    assert ("cup-xmpp-s2s/cup-xmpp-s2s.pem" in say("show cert list own")) is here
    assert ("cup-xmpp-trust/imp-pub-2.pem" in say("show cert list trust")) is here
    say("set cert regen cup-xmpp-s2s", "yes")
    assert (say.status == 0) is here
    say("set cert regen cup-xmpp", "yes")
    assert say.status == 0
    pending = say("show service pending")
    assert "Cisco XCP Router" in pending
    assert ("cup-xmpp-s2s" in pending) is here
