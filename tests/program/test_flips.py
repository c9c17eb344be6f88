"""One octet of a state folder is wrong: it is noticed, or it has no effect; never a mistake of ours."""

import random
import shutil

import pytest
from harness import Conversation
from sweeping import every

from cucmos_shell.errors import ShellError
from cucmos_shell.node import Node

LINES = (
    "show cert list own", "show cert list trust", "show cert own tomcat", "show csr list",
    "show cert chain tomcat", "utils service list", "show service pending", "show cert monitor",
    "show account", "show audit", "show alarm", "show logins", "show itl", "show ctl",
    "utils cert monitor run", "utils service restart Cisco Tomcat", "set cert regen tomcat",
)  # fmt: skip


def files(node_dir):
    """Every regular file of a state folder, links not followed."""
    return sorted(p for p in node_dir.rglob("*") if p.is_file() and not p.is_symlink())


def places(data, count, chance):
    """Where to flip: one of each kind of octet, and some more."""
    kinds = {}
    for i, octet in enumerate(data):
        char = chr(octet)
        kind = "digit" if char.isdigit() else "letter" if char.isalpha() else char
        kinds.setdefault(kind, []).append(i)
    found = [chance.choice(each) for each in kinds.values()]
    return chance.sample(found, min(count, len(found)))


def speak(node_dir, world):
    """What the node answers to everything, or why it does not open."""
    try:
        say = Conversation(Node.open(str(node_dir), world))
    except ShellError as error:
        return [(error.status, error.message())]
    return [(say.status, text) for line in LINES for text in [say(line, "yes")]]


def flip_everywhere(node_dir, tmp_path, world, count, share=1):
    """Flip octets of each file in turn on a copy."""
    chance = random.Random(1)
    tried = 0
    for number, path in enumerate(files(node_dir)):
        if number % share or not path.stat().st_size:
            continue
        for at in places(path.read_bytes(), count, chance):
            copy = shutil.copytree(node_dir, tmp_path / "flipped", symlinks=True)
            victim = copy / path.relative_to(node_dir)
            data = bytearray(victim.read_bytes())
            data[at] ^= 1 << chance.randrange(8)
            mode = victim.stat().st_mode
            victim.chmod(0o600)
            victim.write_bytes(data)
            victim.chmod(mode)
            for status, text in speak(copy, world):
                where = f"{path.relative_to(node_dir)} at {at}: {text}"
                assert status != 70, where
                assert "nternal error" not in text, where
            shutil.rmtree(copy)
            tried += 1
    return tried


@pytest.fixture
def used(ucm_template, tmp_path, world):
    """A node that has done something of everything."""
    folder = shutil.copytree(ucm_template, tmp_path / "used", symlinks=True)
    say = Conversation(Node.open(str(folder), world))
    for line, *answers in (
        ("set csr gen tomcat",), ("utils ctl set-cluster mixed-mode", "y"),
        ("set account name ann", "1", "Blue-Harbour7", "Blue-Harbour7"),
        ("utils service restart Cisco Tomcat",), ("utils cert monitor run",),
    ):  # fmt: skip
        say(line, *answers)
        assert say.status == 0, line
    return folder


def test_an_octet_here_and_there(used, tmp_path, world):
    """One of a few files each."""
    assert flip_everywhere(used, tmp_path, world, 1, share=9) >= 8


@pytest.mark.slow
def test_octets_of_every_kind_in_every_file(used, tmp_path, world):
    """Digits, letters, brackets, quotes, line ends; one of them where not everything is swept."""
    assert flip_everywhere(used, tmp_path, world, 4 if every(of=2) == 1 else 1) > 60


@pytest.mark.parametrize("name", ["profile.json", "services.json", "sent.json"])
def test_small_files_notice_any_octet(used, tmp_path, world, name):
    """By their check sums: damaged, whatever the octet was."""
    before = speak(shutil.copytree(used, tmp_path / "whole", symlinks=True), world)
    assert {status for status, _ in before} == {0}
    chance = random.Random(2)
    size = (used / name).stat().st_size
    for at in chance.sample(range(80, size), 12):
        copy = shutil.copytree(used, tmp_path / "flipped", symlinks=True)
        data = bytearray((copy / name).read_bytes())
        data[at] ^= 1
        (copy / name).write_bytes(data)
        answers = speak(copy, world)
        assert any(status == 5 and name in text for status, text in answers), at
        shutil.rmtree(copy)


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    mode = path.stat().st_mode
    path.chmod(0o600)
    path.write_bytes(data)
    path.chmod(mode)


def version(node_dir, unit):
    """The folder of the unit's version."""
    return (node_dir / "store" / "current" / unit).resolve()


@pytest.mark.parametrize("unit", ["tomcat", "CallManager"])
def test_a_damaged_own_certificate_can_be_regenerated(used, tmp_path, world, unit):
    """Whichever of its files it is: index, certificate, key, list of check sums."""
    for path in files(version(used, unit)):
        copy = shutil.copytree(used, tmp_path / "flipped", symlinks=True)
        flip(version(copy, unit) / path.relative_to(version(used, unit)), 70)
        say = Conversation(Node.open(str(copy), world))
        say(f"set cert regen {unit}", "yes")
        assert say.status == 0, path
        for line in (f"show cert own {unit}", "show cert list own", "show csr list", "show itl"):
            say(line)
            assert say.status == 0, (line, path)
        shutil.rmtree(copy)


def test_a_damaged_list_is_made_anew_by_the_next_change(used, world):
    """Whatever that is about."""
    path = version(used, "lists") / "ITLFile.tlv"
    for at in (1, 9, 400, path.stat().st_size - 1):
        flip(version(used, "lists") / "ITLFile.tlv", at)
        say = Conversation(Node.open(str(used), world))
        assert "damaged" in say("show itl")
        assert say.status == 5
        say("set csr gen CAPF")
        assert say.status == 0
        assert "damaged" not in say("show itl")
        assert say.status == 0


def test_what_is_damaged_hinders_no_change_beside_it(used, world):
    """It stays damaged, and is told so."""
    flip(version(used, "CAPF") / "certs" / "CAPF.der", 99)
    say = Conversation(Node.open(str(used), world))
    say("set csr gen CAPF")
    assert say.status == 0
    assert "CAPF.der does not agree with its check sum" in say("show cert chain CAPF")
    assert say.status == 5


def test_a_node_restart_makes_a_damaged_plan_anew(used, world):
    """A session opens, says what is damaged where it is needed, and knows the way out."""
    flip(used / "services.json", 90)
    say = Conversation(Node.open(str(used), world))
    assert "services.json is damaged" in say("utils service list")
    assert say.status == 5
    assert "services start as they were delivered" in say("utils system restart", "yes")
    assert say.status == 0
    say("utils service list")
    assert say.status == 0


def test_a_profile_of_an_earlier_version_gets_its_check_sum(used, world):
    """When the node is next opened."""
    path = used / "profile.json"
    whole = path.read_bytes()
    head, _, rest = whole.partition(b", ")
    assert head.startswith(b'{"sha256": "')
    path.write_bytes(b"{" + rest)
    Node.open(str(used), world)
    assert path.read_bytes() == whole
