"""Whoever can write to the bus and does not know the security password changes no node."""

import pytest
from three_nodes import NAMES, PASSWORD, Cluster

from cucmos_shell.cluster.signed import content, signed
from cucmos_shell.world.bus import Put

SYNC = "utils cluster sync"


@pytest.fixture
def cluster(cluster, outside_ca):
    """Three nodes with two roots of which one was deleted, and what the bus held before."""
    for letter in "AB":
        cluster.upload("ann", "tomcat-trust", outside_ca.root(f"Root {letter}").pem)
    cluster.settle()
    cluster.before = cluster.bus.copy()
    cluster.say("ann", "set cert delete tomcat-trust Root_A.pem", "yes")
    cluster.say("ann", "set cert regen tomcat", "yes")
    cluster.settle()
    return cluster


def trusted(cluster):
    """All that each node trusts."""
    return {
        name: {
            (store, row.sha256)
            for store in cluster.node(name).snapshot().stores
            for row in cluster.node(name).snapshot().trust(store)
        }
        for name in NAMES
    }


def rounds(cluster):
    """Each node goes round, and is told to change nothing; what they said."""
    before = trusted(cluster)
    said = "".join(cluster.say(name, SYNC, status=None) for name in (*NAMES, *NAMES))
    assert trusted(cluster) == before
    return said


def keys(cluster, prefix):
    return [key for key in cluster.bus.items if key.startswith(prefix)]


def test_an_entry_that_nobody_has_signed(cluster, stranger, outside_ca):
    """A deletion, or a certificate of its own; there is one alarm for it on each node."""
    (present,) = (k for k in keys(cluster, "trust/") if content(cluster.bus.items[k])["present"])
    data = {**content(cluster.bus.items[present]), "present": False, "der": ""}
    wrong = signed(b"x" * 32, present, cluster.log().meta().era, cluster.bus.revision, data)
    stranger.change([], [Put(present, wrong)])
    assert f"{present}, ignored: no member of the cluster" in rounds(cluster)
    for name in NAMES:
        alarms = cluster.say(name, "show alarm")
        assert alarms.count("ClusterStranger") == 1
        assert f"{present}, ignored: no member of the cluster" in alarms
    assert rounds(cluster).count("ignored") == 0


def test_what_was_overwritten_is_told_anew_by_a_rebuild(cluster, stranger):
    """And the nodes can say something about it again."""
    (present,) = (k for k in keys(cluster, "trust/") if content(cluster.bus.items[k])["present"])
    stranger.change([], [Put(present, b"nonsense")])
    rounds(cluster)
    for name in NAMES:
        cluster.say(name, "utils cluster rebuild", PASSWORD)
    cluster.settle()
    cluster.say("bob", "set cert delete tomcat-trust Root_B.pem", "yes")
    cluster.settle()
    assert not cluster.held("ann") | cluster.held("bob") | cluster.held("cay")


def test_a_deletion_of_what_was_overwritten_gets_through(cluster, stranger):
    """Without a rebuild, too."""
    (present,) = (k for k in keys(cluster, "trust/") if content(cluster.bus.items[k])["present"])
    stranger.change([], [Put(present, b"nonsense")])
    rounds(cluster)
    cluster.say("bob", "set cert delete tomcat-trust Root_B.pem", "yes")
    cluster.settle()
    assert not cluster.held("ann") | cluster.held("bob") | cluster.held("cay")


def test_values_kept_from_earlier_and_written_again(cluster, stranger):
    """Every one that differs from what is there now: it tells itself that it is older."""
    old = [
        Put(key, item.value)
        for key, item in cluster.before.items.items()
        if key not in cluster.bus.items or cluster.bus.items[key].value != item.value
    ]
    kinds = {put.key.partition("/")[0] for put in old}
    assert {"trust", "copies"} <= kinds
    for put in old:
        stranger.change([], [put])
        rounds(cluster)


@pytest.mark.parametrize("prefix", ["trust/", "copies/", "nodes/", "applied/", "meta", ""])
def test_keys_that_are_gone(cluster, stranger, prefix):
    """Nothing goes with them, whether a node follows the bus or has to read all of it."""
    stranger.change([], [], keys(cluster, prefix))
    rounds(cluster)
    stranger.compact(stranger.read("").revision)
    rounds(cluster)


def test_a_removed_node_is_not_brought_back(cluster, stranger):
    """By its old record, or by none."""
    record = next(k for k in keys(cluster, "nodes/") if "cay" in str(content(cluster.bus.items[k])))
    old = cluster.bus.items[record].value
    cluster.say("ann", "utils cluster remove cay", "yes")
    cluster.settle("ann", "bob")
    for change in ([Put(record, old)], []), ([], [record]):
        stranger.change([], *change)
        for name in ("ann", "bob"):
            cluster.say(name, SYNC)
            assert "cay" not in cluster.say(name, "show network cluster")


@pytest.mark.parametrize("value", [b"", b"{}", b"x" * 200_000], ids=["nothing", "JSON", "much"])
def test_a_head_that_nobody_has_signed(cluster, stranger, value):
    """Nothing goes on before a person has looked; a rebuild writes it anew."""
    stranger.change([], [Put("meta", value)])
    for name in NAMES:
        assert "utils cluster rebuild" in cluster.say(name, SYNC, status=1)
    for name in NAMES:
        cluster.say(name, "utils cluster rebuild", PASSWORD)
    rounds(cluster)


def test_a_head_for_another_password(cluster, stranger, imp_template, tmp_path, keys):
    """A cluster of the same name that a stranger has begun is none."""
    (tmp_path / "other").mkdir()
    other = Cluster(imp_template, tmp_path / "other", keys, ("cay",))
    other.say("cay", "utils cluster create dir:bus", "Other-Harbour8")
    stranger.change([], [Put("meta", other.bus.items["meta"].value)])
    for name in NAMES:
        assert "utils cluster rebuild" in cluster.say(name, SYNC, status=1)
    answer = cluster.say("ann", "utils cluster rebuild", PASSWORD, status=1)
    assert "The bus belongs to another cluster" in answer


def test_a_head_from_earlier(cluster, stranger):
    """The floor, and the era, that it tells of are no longer those."""
    for name in NAMES:
        cluster.say(name, "utils cluster rebuild", PASSWORD)
    cluster.settle()
    stranger.change([], [Put("meta", cluster.before.items["meta"].value)])
    rounds(cluster)
