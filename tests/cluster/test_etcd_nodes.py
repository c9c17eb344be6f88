"""Nodes of a cluster over an etcd: what it asks of them, rounds, agents, and a member that freezes."""

import shutil
import signal

import pytest
from etcd_nodes import FILES, NAMES, SYNC, EtcdNodes
from etcd_servers import EtcdAuthority
from three_nodes import PASSWORD


@pytest.fixture
def nodes(imp_template, tmp_path, keys):
    return EtcdNodes(imp_template, tmp_path, keys)


def folder_of(nodes, name):
    return nodes.folder / name / "bus"


# --- what an etcd asks of a node -----------------------------------------------------------------


def test_the_files_of_the_upload_area_are_taken(nodes):
    """By the node's owner alone to be read, and they are no longer where people look."""
    nodes.give_files("ann")
    answer = nodes.say("ann", f"utils cluster create {nodes.url}", PASSWORD)
    assert "begins with this node" in answer
    folder = folder_of(nodes, "ann")
    assert sorted(file.name for file in folder.iterdir()) == list(FILES)
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_bytes() == (nodes.servers.client / file.name).read_bytes()
    assert list((nodes.folder / "ann" / "upload").iterdir()) == []
    assert sorted(p.name for p in (nodes.folder / "ann").glob("bus*")) == ["bus"]


def test_without_them_no_cluster_is_begun(nodes):
    """Said with the folder; nothing of a membership is left."""
    answer = nodes.say("ann", f"utils cluster create {nodes.url}", PASSWORD, status=4)
    assert f"{folder_of(nodes, 'ann')}: ca.pem, cert.pem, key.pem: No such file" in answer
    nodes.say("ann", SYNC, status=1)


@pytest.mark.parametrize("spoilt", FILES)
def test_files_that_do_not_fit_change_nothing(nodes, spoilt, tmp_path):
    """Those of before stay in use, and the new ones stay in the upload area."""
    nodes.begin()
    other = EtcdAuthority().issue(tmp_path / "other")
    nodes.give_files("ann")
    upload = nodes.folder / "ann" / "upload" / f"bus-{spoilt}"
    if spoilt == "ca.pem":
        upload.write_bytes(b"no certificate")
    else:
        shutil.copy(other / spoilt, upload)
    answer = nodes.say("ann", "utils cluster credentials", status=1)
    assert "do not belong together" in answer
    assert len(list(upload.parent.iterdir())) == 3
    nodes.say("ann", SYNC)
    upload.unlink()
    assert f"bus-{spoilt} is not in the upload area" in nodes.say(
        "ann", "utils cluster credentials", status=1
    )
    nodes.say("ann", SYNC)
    assert sorted(p.name for p in (nodes.folder / "ann").glob("bus*")) == ["bus"]


def test_new_files_take_the_place_of_the_former(nodes, tmp_path):
    """So a certificate that ends is renewed."""
    nodes.give_files("ann", nodes.servers.authority.issue(tmp_path / "ended", days_ago=2))
    answer = nodes.say("ann", f"utils cluster create {nodes.url}", PASSWORD, status=4)
    assert "it refuses this node's certificate" in answer
    nodes.give_files("ann")
    assert "from now on" in nodes.say("ann", "utils cluster credentials")
    nodes.say("ann", f"utils cluster create {nodes.url}", PASSWORD)


# --- rounds and agents ---------------------------------------------------------------------------


def test_rounds_over_an_etcd(nodes):
    """An upload on one node, a deletion on another."""
    nodes.begin()
    nodes.say("ann", "set cert import trust tomcat", nodes.ca.root("Root A").pem.decode())
    for name in NAMES:
        nodes.say(name, SYNC)
    assert [nodes.held(name) for name in NAMES] == [{"Root_A"}] * 3
    nodes.say("cay", "set cert delete tomcat-trust Root_A.pem", "yes")
    for name in ("cay", "ann", "bob"):
        nodes.say(name, SYNC)
    assert [nodes.held(name) for name in NAMES] == [set()] * 3
    assert nodes.say("bob", "show cert distribution").count("in sync") == 3


def test_agents_keep_nodes_in_step(nodes):
    """Soon after a command; a frozen member is no matter; who is there is shown."""
    nodes.begin()
    with nodes.agents():
        for number, name in enumerate(NAMES):
            pem = nodes.ca.root(f"Root {number}").pem.decode()
            nodes.say(name, "set cert import trust tomcat", pem)
            nodes.until_all_have({f"Root_{i}" for i in range(number + 1)})
        leader = nodes.servers.leader()
        nodes.servers.signal(leader, signal.SIGSTOP)
        try:
            nodes.say("ann", "set cert delete tomcat-trust Root_0.pem", "yes")
            waited = nodes.until_all_have({"Root_1", "Root_2"})
        finally:
            nodes.servers.signal(leader, signal.SIGCONT)
            nodes.servers.wait()
        assert waited < 20
        assert nodes.say("bob", "show network cluster").count("authenticated") == 3
