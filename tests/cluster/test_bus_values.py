"""A bus that holds what no node writes: a status and a sentence, and nothing changes on a node."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from etcd_chaos import pem as root
from three_nodes import PASSWORD, Cluster

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.signed import content, signed
from cucmos_shell.node.tasks.round_lines import LISTED
from cucmos_shell.world.bus import Changes, Item

WRONG = [None, "x", -1, 1e400, []]
RAW = [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"[]", b"3", b'"x"', b"a" * 64 + b" 7 {}"]
KINDS = ["meta", "nodes", "applied", "trust", "copies"]
KEYS = ["trust", "trust/", "trust/a", "trust/tomcat-trust/zz", "copies", "copies/a", "nodes/other"]
LINES = ["utils cluster sync", "show cert distribution", "show network cluster"]


@pytest.fixture(scope="module")
def two(imp_template, tmp_path_factory, keys):
    return Cluster(imp_template, tmp_path_factory.mktemp("two"), keys, ("ann", "bob")).begin()


@pytest.fixture
def cluster(two, tmp_path, keys, outside_ca):
    cluster = two.copy(tmp_path, keys)
    cluster.upload("ann", "tomcat-trust", outside_ca.root("Root A").pem)
    cluster.settle()
    return cluster


def plant(bus, key, value):
    """Put a value on the bus as if a node had."""
    bus.revision += 1
    item = Item(key, value, bus.revision)
    bus.items[key] = item
    bus.log.append(Changes(bus.revision, (item,), ()))


def said(cluster, key, value):
    """What bob says with that on the bus; the statuses go by line."""
    before = cluster.bus.items.get(key)
    plant(cluster.bus, key, value)
    statuses = {}
    for line in LINES:
        answer = cluster.say("bob", line, status=None)
        statuses[line] = cluster.talks["bob"].status
        assert statuses[line] != 70, (key, value[:80], line, answer)
    assert len(cluster.held("bob")) == 1
    if before is not None and before.value:
        plant(cluster.bus, key, by_member(cluster, key, content(before)))
    else:
        plant(cluster.bus, key, b"")
    return statuses


def first(cluster, kind):
    """A key of that kind, and what it says."""
    key = next(key for key in cluster.bus.items if key.partition("/")[0] == kind)
    return key, content(cluster.bus.items[key])


def by_member(cluster, key, data):
    """A value as a member signs it, whatever it says."""
    snapshot = cluster.node("ann").snapshot()
    secret, era = membership.secrets(snapshot).cluster, membership.member(snapshot).era
    return signed(secret, key, era, cluster.bus.revision, data)


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_wrong_types(cluster, kind):
    """Whatever a field is that a member has signed: damage, or as good as anything."""
    key, good = first(cluster, kind)
    for field in good:
        for wrong in WRONG:
            if type(wrong) is not type(good[field]):
                value = by_member(cluster, key, {**good, field: wrong})
                status = said(cluster, key, value)["utils cluster sync"]
                assert status in (0, 1, 5), (field, wrong)
        less = {name: good[name] for name in good if name != field}
        said(cluster, key, by_member(cluster, key, less))


@pytest.mark.parametrize("kind", KINDS)
def test_values_that_are_no_json(cluster, kind):
    """Nobody has signed them: they are passed over, and a log without a head is said to be none."""
    key, _ = first(cluster, kind)
    for raw in RAW:
        status = said(cluster, key, raw)["utils cluster sync"]
        assert status == (1 if kind == "meta" else 0), raw[:20]


@pytest.mark.parametrize("key", KEYS)
def test_keys_that_no_node_writes(cluster, key):
    """Whoever has signed them."""
    assert said(cluster, key, b"x")["utils cluster sync"] == 0
    value = by_member(cluster, key, first(cluster, "trust")[1])
    assert said(cluster, key, value)["utils cluster sync"] in (0, 5)


def test_a_key_of_a_later_version_is_passed_over(cluster):
    assert said(cluster, "later/thing", by_member(cluster, "later/thing", 7)) == dict.fromkeys(
        LINES, 0
    )


def test_a_certificate_under_another_sum_is_kept_out(cluster):
    """And in a store that this product has not, nothing comes of it."""
    data = first(cluster, "trust")[1]
    for store in ("elsewhere-trust", "tomcat-trust"):
        key = f"trust/{store}/{'ab' * 32}"
        plant(cluster.bus, key, by_member(cluster, key, data))
        answer = cluster.say("bob", "utils cluster sync")
    assert "another certificate than the cluster says" in answer
    assert len(cluster.held("bob")) == 1


def test_large_certificates_are_told_in_several_changes(cluster, outside_ca):
    """All of them are more than one change of a bus takes."""
    padding = f"1.3.6.1.4.1.55555.1 = ASN1:UTF8String:{'x' * 20_000}"
    key = outside_ca.new_key("ec256")
    roots = (outside_ca.root(f"R {n}", key=key, extensions=(padding,)) for n in range(45))
    pem = b"".join(one.pem for one in roots)
    cluster.upload("ann", "tomcat-trust", pem)
    cluster.settle()
    assert len(cluster.held("bob")) == 46


def test_of_much_that_comes_the_first_is_named(cluster):
    """The rest is counted, and all is data."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = "".join(root(f"R {n}", key) for n in range(LISTED + 7)).encode()
    cluster.upload("ann", "tomcat-trust", pem)
    cluster.settle("ann")
    answer = cluster.say("bob", "utils cluster sync")
    assert answer.count(", new\n") == LISTED
    assert "\t(7 more)\n" in answer


def test_rebuild_is_for_members_of_that_cluster_only(cluster, imp_template, tmp_path, keys):
    """A removed node does not come back by it, nor does a password less than the cluster's do."""
    assert "security password is not" in (
        cluster.say("bob", "utils cluster rebuild", "Other-Harbour8", status=1)
    )
    cluster.say("ann", "utils cluster remove BOB", "yes")
    answer = cluster.say("bob", "utils cluster rebuild", PASSWORD, status=1)
    assert "This node was removed from the cluster" in answer
    cluster.bus.make_anew()
    (tmp_path / "other").mkdir()
    other = Cluster(imp_template, tmp_path / "other", keys, ("cay",), cluster.bus)
    other.say("cay", "utils cluster create dir:bus", PASSWORD)
    answer = cluster.say("ann", "utils cluster rebuild", PASSWORD, status=1)
    assert "The bus belongs to another cluster" in answer
