"""A state folder that an earlier version has left opens with this one, with all that is in it."""

import json
import tarfile

import pytest
from harness import Conversation, clock_world
from make_state import PASSWORD, PRODUCTS, STATES

from cucmos_shell.node import Node

ARCHIVES = sorted(STATES.glob("2*.tar.xz"))
CLUSTERS = sorted(STATES.glob("cluster-*.tar.xz"))


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def kept(request, tmp_path, keys):
    """A conversation with the node in a kept folder, an hour after its last change."""
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path, filter="data")
    state = tmp_path / "node"
    world, clock = clock_world(keys)
    clock.time = max(path.lstat().st_mtime for path in state.rglob("*")) + 3600
    return Conversation(Node.open(str(state), world))


def test_there_is_one_for_each_product():
    """At least; a set is added whenever what is kept changes."""
    assert {name for name in PRODUCTS for path in ARCHIVES if name in path.name} == set(PRODUCTS)


def test_all_of_it_is_there(kept):
    """Certificates, requests, accounts, settings, services, logs."""
    kept("set output json")

    def data(line):
        answer = json.loads(kept(line))
        assert answer["ok"], answer
        return answer["data"]

    assert "tomcat" in json.dumps(data("show cert list own"))
    assert "Kept-Root" in json.dumps(data("show cert list trust"))
    assert "tomcat" in json.dumps(data("show csr list"))
    assert data("show cert chain tomcat")
    assert data("show cert monitor")["start_days"] == 45
    assert data("show cert monitor")["smtp_host"] == "mail.example.com"
    assert "ann" in json.dumps(data("show account"))
    assert "utils cert monitor run" in json.dumps(data("show audit"))
    assert "ipsec" in json.dumps(data("show service pending"))
    assert kept.session.node.accounts.verify("ann", PASSWORD, "192.0.2.1").level == 1


def test_it_goes_on_from_there(kept):
    """Changes work, and the folder is whole after them."""
    kept("set cert regen tomcat", "yes")
    assert kept.status == 0
    kept("utils service restart Cisco Tomcat")
    assert kept.status == 0
    kept("utils cert monitor run")
    assert kept.status == 0
    kept("delete account ann", "yes")
    assert kept.status == 0
    again = Conversation(Node.open(kept.session.node.state_dir, kept.session.node.world))
    assert "tomcat/tomcat.pem" in again("show cert list own")


def test_its_history_goes_on(kept):
    """What happened before is known, gone back to, and forgotten on request."""
    assert "set cert regen ipsec" in kept("show store history")
    for line in ("utils profile refresh", "set csr gen ipsec", "utils store rollback 2",
                 "utils store purge"):  # fmt: skip
        kept(line, "yes")
        assert kept.status == 0, line
    assert len(kept("show store history").splitlines()) == 3
    assert "Cisco Tomcat" in kept("utils service list")


@pytest.mark.parametrize("archive", CLUSTERS, ids=lambda path: path.name.removesuffix(".tar.xz"))
def test_a_cluster_goes_on(archive, tmp_path, keys):
    """What its members have to do first is said, and nothing is lost by it."""
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    password = (tmp_path / "lab" / "security-password").read_text().strip()
    world, clock = clock_world(keys)
    clock.time = (tmp_path / "lab" / "bus" / "bus.db").stat().st_mtime + 3600
    talks = [
        Conversation(Node.open(str(tmp_path / "lab" / name), world)) for name in ("pub", "pub-sub1")
    ]
    for say in talks:
        if "utils cluster rebuild" in say("utils cluster sync"):
            say("utils cluster rebuild", password)
        assert say.status == 0
    for say in talks * 2:
        say("utils cluster sync")
        assert say.status == 0
        assert "tomcat-trust/Kept-Root.pem" in say("show cert list trust")
        assert "in sync" in say("show cert distribution")
    if archive.name >= "cluster-2026-11-30b":
        assert "west" in talks[0]("show cluster feed")
    talks[1]("set cert delete tomcat-trust Kept-Root.pem", "yes")
    for say in talks[::-1]:
        say("utils cluster sync")
    assert "Kept-Root" not in talks[0]("show cert list trust")
