"""Scenarios: what a file says is so; what is wrong in it is told with its line."""

import pytest
from harness import START, Conversation
from places import DOCS

from cucmos_shell.errors import ProfileError, UsageError
from cucmos_shell.frontends import lab as verb
from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import make_lab, open_lab
from cucmos_shell.node.tasks.lab import scenario

BAD_DAY = """format: 1
name: renewal on a bad day
node: {profile: imp-9.1, hostname: lab-pub, speed: 0}
clock: {at: 2026-11-18T11:06:40Z, frozen: true}
state:
  - ca_signed: {unit: tomcat, days: 5}
  - locked: {account: ops}
  - cup-expired
faults:
  hang: {at: service.start, when: {service: Cisco Tomcat}, do: hang, times: 1}
  drop: {at: ssh.paste, do: cut, lines: 12, how: reset, times: 1}
  ocsp: {at: http, when: {uri: "*/ocsp"}, do: dead}
then:
  - {when: hang, remove: [ocsp], add: {slow: {at: command.step, do: delay, seconds: 3}}}
"""


def test_the_page_shows_this_scenario():
    """So what it says is tested."""
    assert f"```yaml\n{BAD_DAY}```" in (DOCS / "lab.md").read_text()


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "day.yaml"
    made.write_text(BAD_DAY)
    return made


def test_a_scenario_makes_its_node(file, tmp_path, world):
    """With its name, clock, states, faults, and what follows them."""
    state = str(tmp_path / "new")
    answer = verb.run(state, ("scenario", str(file)), world)
    assert answer.lines == ("The scenario is set: renewal on a bad day",)
    node, lab = Node.open(state, world), open_lab(state, world)
    assert node.hostname == "lab-pub"
    assert node.now() == START
    assert lab.clock.setting().rate == 0
    assert node.snapshot().own("tomcat").row.not_after == START + 5 * 86_400
    assert node.snapshot().own("cup").row.not_after < START
    assert node.accounts.locked_for("ops") > 0
    assert [fault.name for fault in lab.faults.list()] == ["hang", "drop", "ocsp"]
    assert node.world.fault("service.start", {"service": "Cisco Tomcat"}).name == "hang"
    assert [fault.name for fault in lab.faults.list()] == ["hang", "drop", "slow"]


def test_a_scenario_takes_the_place_of_another(file, node_dir, world):
    """No fault of before is left; what it does not name stays."""
    make_lab(str(node_dir))
    file.write_text("format: 1\nfaults: {one: {at: http, do: dead}}\nclock: {at: 2026-12-01}\n")
    verb.run(str(node_dir), ("scenario", str(file)), world)
    lab = open_lab(str(node_dir), world)
    assert [fault.name for fault in lab.faults.list()] == ["one"]
    assert lab.clock.setting().rate == 1
    file.write_text("format: 1\nnode: {speed: 2}\nstate: [tomcat-csr-pending]\n")
    verb.run(str(node_dir), ("scenario", str(file)), world)
    assert lab.faults.list() == ()
    assert lab.clock.now() == 1_796_083_200
    node = Node.open(str(node_dir), world)
    assert node.snapshot().settings()["speed"] == 2
    assert "tomcat.csr" in Conversation(node)("show csr list own")


def test_a_scenario_is_for_its_node(file, node_dir, world):
    """Another one is not changed, nor one that is no lab, and none is made without a profile."""
    before = Node.open(str(node_dir), world).snapshot().head
    with pytest.raises(Exception, match="is not one of a lab"):
        verb.run(str(node_dir), ("scenario", str(file)), world)
    make_lab(str(node_dir))
    with pytest.raises(UsageError) as caught:
        verb.run(str(node_dir), ("scenario", str(file)), world)
    assert "a node whose hostname is imp-pub, not lab-pub" in caught.value.message()
    assert Node.open(str(node_dir), world).snapshot().head == before
    file.write_text("format: 1\n")
    with pytest.raises(UsageError):
        verb.run(str(node_dir.parent / "none"), ("scenario", str(file)), world)


MISTAKES = {
    "format: 1": ("format: 2", 1, "format"),
    "name: renewal": ("names: renewal", 2, "names"),
    "speed: 0": ("speed: fast", 3, "node.speed"),
    "hostname:": ("host:", 3, "node.host"),
    "at: 2026-11-18T11:06:40Z": ("at: noon", 4, "clock.at"),
    "frozen: true": ("frozen: maybe", 4, "clock.frozen"),
    "days: 5": ("days: soon", 6, "state[0].ca_signed.days"),
    "ca_signed:": ("casigned:", 6, "state[0].casigned"),
    "{account: ops}": ("{user: ops}", 7, "state[1].locked.user"),
    "- cup-expired": ("- cup-odd", 8, "state[2]"),
    "at: service.start": ("at: service.begin", 10, "faults.hang.at"),
    "do: hang": ("do: hangs", 10, "faults.hang.do"),
    "{service: Cisco Tomcat}": ("{name: Cisco Tomcat}", 10, "faults.hang.when.name"),
    "lines: 12": ("lines: many", 11, "faults.drop.lines"),
    "do: cut, lines: 12,": ("do: cut,", 11, "faults.drop.lines"),
    "{when: hang,": ("{when: hung,", 14, "then[0].when"),
    "[ocsp]": ("[oscp]", 14, "then[0].remove"),
    "seconds: 3": ("second: 3", 14, "then[0].add.slow.second"),
    "then:\n  -": ("then:", 13, "then"),
}


@pytest.mark.parametrize("right", MISTAKES, ids=lambda one: one.replace("\n", " "))
def test_a_mistake_is_told_with_file_line_and_key(file, tmp_path, world, right):
    """And no node is made."""
    wrong, line, key = MISTAKES[right]
    assert right in BAD_DAY
    file.write_text(BAD_DAY.replace(right, wrong))
    with pytest.raises(ProfileError) as caught:
        verb.run(str(tmp_path / "new"), ("scenario", str(file)), world)
    error = caught.value
    assert error.message().startswith(f"{file}:")
    assert (error.fields["line"], error.fields["key"]) == (line, key), error.message()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("text", ["", "[1, 2]", "format: [", "a: &x 1\nb: *x", "\x00"])
def test_what_is_no_scenario(file, text):
    """Is told so."""
    file.write_text(text)
    with pytest.raises(ProfileError):
        scenario.load(str(file))


def test_all_mistakes_are_told_at_once(file):
    """Each with its place."""
    file.write_text(BAD_DAY.replace("do: hang", "do: hangs").replace("lines: 12", "lines: x"))
    with pytest.raises(ProfileError) as caught:
        scenario.load(str(file))
    assert any("faults.drop.lines" in line for line in caught.value.details)
