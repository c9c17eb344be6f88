"""Inventories: what a file means, what is wrong in one, and how it is shown."""

import json
import subprocess
import sys

import pytest
import yaml
from harness import clock_world

from cucmos_shell.errors import ProfileError, ShellError, UsageError
from cucmos_shell.frontends import lab as verb
from cucmos_shell.frontends.addresses import Addresses, Listen, listen_of, ports_of
from cucmos_shell.frontends.inventory import load

LAB = """defaults: {profile: ucm-15, admin: ops, admin-password-file: secret/first, speed: 0}
nodes:
  - {name: imp, profile: imp-9.1, count: 2, lab: false}
  - {name: old, state: ../elsewhere, listen: "127.0.9.1"}
  - {name: row, count: 2, listen: "127.0.8.254:2200", state: rows}
clusters:
  - {name: pub, nodes: 3}
"""


@pytest.fixture
def file(tmp_path):
    """A file of that name, whose text a test may replace."""
    made = tmp_path / "lab.yaml"
    made.write_text(LAB)
    return made


def test_a_file_says_what_there_is(file, tmp_path):
    """Each with an address of its own; folders are seen from the file's."""
    found = load(str(file))
    assert [(site.name, site.address, site.state) for site in found.sites] == [
        ("imp-1", "127.0.1.1:2222", f"{tmp_path}/nodes/imp-1"),
        ("imp-2", "127.0.1.2:2222", f"{tmp_path}/nodes/imp-2"),
        ("old", "127.0.9.1:2222", f"{tmp_path.parent}/elsewhere"),
        ("row-1", "127.0.8.254:2200", f"{tmp_path}/rows/row-1"),
        ("row-2", "127.0.9.1:2200", f"{tmp_path}/rows/row-2"),
        ("pub", "127.0.1.3:2222", f"{tmp_path}/nodes/pub/pub"),
        ("pub-sub1", "127.0.1.4:2222", f"{tmp_path}/nodes/pub/pub-sub1"),
        ("pub-sub2", "127.0.1.5:2222", f"{tmp_path}/nodes/pub/pub-sub2"),
    ]
    assert [site.profile for site in found.sites] == ["imp-9.1"] * 2 + ["ucm-15"] * 6
    assert [site.lab for site in found.sites] == [False] * 2 + [True] * 6
    assert {site.speed for site in found.sites} == {0.0}
    assert (found.admin, found.password_file) == ("ops", f"{tmp_path}/secret/first")
    (cluster,) = found.clusters
    assert (cluster.name, cluster.folder, cluster.count) == ("pub", f"{tmp_path}/nodes/pub", 3)


def test_a_port_is_given_to_all(file):
    assert {site.port for site in load(str(file), 0).sites} == {0}


@pytest.mark.parametrize(
    ("defaults", "addresses"),
    [
        ("{}", ["127.0.1.1:2222", "127.0.1.2:2222"]),
        ('{listen: "10.0.0.254:22"}', ["10.0.0.254:22", "10.0.1.1:22"]),
        ("{ports: 2200-2299}", ["127.0.0.1:2200", "127.0.0.1:2201"]),
        ('{ports: 7-8, listen: "::1"}', ["[::1]:7", "[::1]:8"]),
    ],
)
def test_addresses_are_given_in_order(file, defaults, addresses):
    file.write_text(f"defaults: {defaults}\nnodes: [{{name: n, count: 2}}]\n")
    assert [site.address for site in load(str(file)).sites] == addresses


def test_a_block_has_254_addresses():
    row = Addresses.of(Listen())
    taken = [row.take()[0] for _ in range(600)]
    assert (taken[0], taken[253], taken[254]) == ("127.0.1.1", "127.0.1.254", "127.0.2.1")
    assert len(set(taken)) == 600
    assert not any(host.endswith((".0", ".255")) for host in taken)
    assert Addresses.of(Listen("255.255.255.255")).take() == ("255.255.255.255", 2222)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.1.1", ("127.0.1.1", None)), ("127.0.1.1:0", ("127.0.1.1", 0)),
        ("[::1]:22", ("::1", 22)), ("::1", ("::1", None)), ("lab.example:22", ("lab.example", 22)),
    ],
)  # fmt: skip
def test_where_to_listen_is_written_so(text, found):
    assert listen_of(text) == Listen(*found)


@pytest.mark.parametrize("text", [":22", "a:b", "a:70000", "[]:2", "a:"])
def test_what_is_no_place_to_listen(text):
    with pytest.raises(ValueError, match=r"is no|names no"):
        listen_of(text)


@pytest.mark.parametrize("text", ["2200", "9-1", "0-5", "a-b", "1-99999"])
def test_what_is_no_range_of_ports(text):
    with pytest.raises(ValueError, match="is no"):
        ports_of(text)


MISTAKES = {
    "nodes: [{name: n, color: blue}]": "1: nodes[0].color: is unknown; known: name, profile",
    "nodes:\n- {name: n}\n- {profile: imp-9.1}": "3: nodes[1].name: is missing",
    "nodes: [{name: a_b}]": "1: nodes[0].name: a_b is not a host name",
    "nodes: [{name: n, profile: imp-1}]": "1: nodes[0].profile: there is no profile imp-1 (Profiles",
    "defaults: {profile: nix}\nnodes: [{name: n}]": "1: defaults.profile: there is no profile nix",
    "nodes: [{name: n, count: 0}]": "1: nodes[0].count: must be a whole number from 1 to 4096",
    "clusters: [{name: n, nodes: 21}]": "1: clusters[0].nodes: must be a whole number from 1 to 20",
    "nodes: [{name: n, speed: -1}]": "1: nodes[0].speed: must be a number from 0 to 1000000",
    "defaults: {lab: 7}\nnodes: [{name: n}]": "1: defaults.lab: must be true or false",
    "nodes: [{name: n, listen: 2222}]": "1: nodes[0].listen: must be text",
    "nodes: [{name: n, listen: ':2222'}]": "1: nodes[0].listen: :2222 names no address",
    "defaults: {ports: 22}\nnodes: [{name: n}]": "1: defaults.ports: must be text",
    "defaults: {ports: 9-1}\nnodes: [{name: n}]": "1: defaults.ports: 9-1 is no range of ports",
    "defaults: {ports: 7-8, listen: 'a:1'}\nnodes: [{name: n}]": "1: defaults.listen: has a port,",
    "nodes:\n- {name: n}\n- {name: N}": "3: nodes[1].name: N is the name of two nodes: n, N",
    "nodes:\n- {name: a, state: x}\n- {name: b, state: ./x}": "3: nodes[1].state: ",
    "nodes:\n- {name: a}\n- {name: b, listen: 127.0.1.1}": (
        "3: nodes[1].listen: 127.0.1.1:2222 is the address of two nodes: a, b"
    ),
    "nodes: [{name: n, count: 2, listen: '::1'}]": (
        "1: nodes[0]: there is no address for n-2: only an IPv4 address is counted on from, not ::1"
    ),
    "defaults: {ports: 7-8}\nnodes: [{name: n, count: 3}]": (
        "2: nodes[0]: there is no address for n-3: there are 2 ports in 7-8"
    ),
    "nodes: {}": "1: nodes: must be a list",
    "nodes: [7]": "1: nodes[0]: must be a map",
    "format: 2\nnodes: [{name: n}]": "1: format: must be 1",
    "defaults: {}": "1: the file: has neither nodes nor clusters",
    "- a": "1: the file: must be a map",
    "nodes: [": "is not YAML",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_key(file, text):
    file.write_text(f"{text}\n")
    with pytest.raises(ProfileError) as caught:
        load(str(file))
    assert caught.value.message().startswith(f"{file}:")
    assert MISTAKES[text] in caught.value.message()


def test_all_mistakes_are_told_at_once(file):
    file.write_text("nodes:\n- {name: a_b, profile: nix}\n- {count: x}\n")
    with pytest.raises(ProfileError) as caught:
        load(str(file))
    assert len(caught.value.details) == 3


# --- how it is shown ---------------------------------------------------------------------------


def shown(file, world, *, ansible=False):
    return verb.run("/nowhere", ("inventory", str(file)), world, ansible=ansible)


@pytest.fixture
def world(keys):
    return clock_world(keys)[0]


def test_people_see_a_table(file, world):
    lines = shown(file, world).lines
    assert lines[0].split("  ")[0] == "Name"
    assert lines[2].split() == [
        "imp-1",
        "127.0.1.1:2222",
        "imp-9.1",
        "-",
        f"{file.parent}/nodes/imp-1",
    ]
    assert lines[-1].split()[:4] == ["pub-sub2", "127.0.1.5:2222", "ucm-15", "pub"]


def test_programs_get_json(file, world):
    rows = json.loads(verb.text(shown(file, world), as_json=True))
    assert rows[0] == {
        "name": "imp-1", "profile": "imp-9.1", "state": f"{file.parent}/nodes/imp-1",
        "ssh": "127.0.1.1:2222", "host": "127.0.1.1", "port": 2222, "username": "ops",
        "cluster": None,
    }  # fmt: skip
    assert [row["cluster"] for row in rows[-3:]] == ["pub"] * 3


def test_ansible_gets_hosts_and_groups(file, world):
    """Groups have names that Ansible takes, and no host's."""
    found = yaml.safe_load("\n".join(shown(file, world, ansible=True).lines))["all"]
    assert found["hosts"]["row-1"] == {
        "ansible_host": "127.0.8.254", "ansible_port": 2200, "ansible_user": "ops",
        "cucmos_profile": "ucm-15", "cucmos_state": f"{file.parent}/rows/row-1",
    }  # fmt: skip
    groups = {name: list(one["hosts"]) for name, one in found["children"].items()}
    assert list(groups) == ["profile_imp_9_1", "profile_ucm_15", "cluster_pub"]
    assert groups["cluster_pub"] == ["pub", "pub-sub1", "pub-sub2"]


@pytest.mark.slow
def test_ansible_takes_it(file, world, tmp_path):
    """Without a warning."""
    pytest.importorskip("ansible")
    hosts = tmp_path / "hosts.yaml"
    hosts.write_text("\n".join(shown(file, world, ansible=True).lines))
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "inventory", "-i", str(hosts), "--list"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"ANSIBLE_HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["_meta"]["hostvars"]["pub"]["ansible_host"] == "127.0.1.3"
    assert set(found["cluster_pub"]["hosts"]) == {"pub", "pub-sub1", "pub-sub2"}


def test_what_ansible_is_not_for(world):
    with pytest.raises(UsageError, match="--ansible is for"):
        verb.run("/nowhere", ("show",), world, ansible=True)
    with pytest.raises(ShellError, match="No such file"):
        shown("/nowhere/lab.yaml", world)
