"""What a member has signed once, written again by a stranger later on: with and without a rebuild."""

import sqlite3
import time

import pytest
from three_nodes import NAMES, PASSWORD

from cucmos_shell.cluster.signed import content
from cucmos_shell.node.tasks.agent import COLLECT
from cucmos_shell.world.bus import BusDamaged, Item, Put
from cucmos_shell.world.buses.directory import DirectoryBus, create

SYNC, REBUILD = "utils cluster sync", "utils cluster rebuild"
DELETE = "set cert delete tomcat-trust Root_A.pem"
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"


def written_again(cluster, stranger, before, *prefixes):
    """A stranger writes what the bus held once."""
    kept = before.items.items()
    stranger.change([], [Put(key, item.value) for key, item in kept if key.startswith(prefixes)])
    for name in NAMES:
        cluster.say(name, SYNC, status=None)


def rebuilt(cluster):
    for name in NAMES:
        cluster.say(name, REBUILD, PASSWORD)
    cluster.settle()


def held(cluster):
    return [len(cluster.held(name)) for name in NAMES]


def test_a_deletion_that_was_collected_holds(cluster, stranger, root, outside_ca):
    """The nodes remember it when the bus no longer does."""
    before = cluster.bus.copy()
    cluster.say("ann", DELETE, "yes")
    pem = b"".join(outside_ca.root(f"R {n}").pem for n in range(COLLECT))
    cluster.upload("ann", "tomcat-trust", pem)
    cluster.settle()
    for row in cluster.node("ann").snapshot().trust("tomcat-trust"):
        if row.common_name.startswith("R "):
            cluster.say("ann", f"set cert delete tomcat-trust {row.name}.pem", "yes")
    cluster.settle()
    cluster.settle()
    assert not any(key.startswith("trust/") for key in cluster.bus.items)
    written_again(cluster, stranger, before, "trust/")
    assert held(cluster) == [0, 0, 0]
    assert "ClusterStranger" in cluster.say("cay", "show alarm")


@pytest.mark.parametrize("present", [True, False])
def test_a_rebuild_takes_no_old_value_for_a_new_one(cluster, stranger, root, present):
    """A certificate that was deleted, and the deletion of one that was uploaded again."""
    before = cluster.bus.copy()
    cluster.say("ann", DELETE, "yes")
    cluster.settle()
    if not present:
        before = cluster.bus.copy()
        cluster.upload("ann", "tomcat-trust", root.pem)
        cluster.settle()
    written_again(cluster, stranger, before, "trust/")
    rebuilt(cluster)
    assert held(cluster) == ([0, 0, 0] if present else [1, 1, 1])


@pytest.mark.parametrize("anew", [True, False])
def test_what_was_said_before_a_rebuild_says_nothing_after_it(cluster, stranger, root, anew):
    """Where the bus was made anew or put back, and counts revisions again that it has counted."""
    (key,) = (one for one in cluster.bus.items if one.startswith("trust/"))
    copy = cluster.bus.copy()
    cluster.say("ann", DELETE, "yes")
    cluster.settle()
    before = cluster.bus.copy()
    cluster.upload("ann", "tomcat-trust", root.pem)
    cluster.settle()
    cluster.bus.make_anew() if anew else cluster.bus.put_back(copy)
    rebuilt(cluster)
    another = cluster.bus.open(cluster.clock)
    while cluster.bus.revision < 2 * before.revision:
        another.change([], [Put("junk", b"x")])
    another.change([], [Put(key, before.items[key].value)])
    for name in NAMES:
        cluster.say(name, SYNC)
        assert "ClusterStranger" in cluster.say(name, "show alarm")
    assert held(cluster) == [1, 1, 1]
    another.change([], [Put("meta", before.items["meta"].value)])
    another.change([], [Put(key, before.items[key].value)])
    for name in NAMES:
        cluster.say(name, SYNC, status=None)
    assert held(cluster) == [1, 1, 1]


def test_no_rebuild_brings_an_old_multi_server_certificate_back(
    cluster, stranger, root, outside_ca
):
    issuer = outside_ca.root("Root B")
    cluster.upload("ann", "tomcat-trust", issuer.pem)
    found = []
    for start in (-86_400, -3600):
        cluster.say("ann", "set csr gen tomcat multi-server")
        csr = cluster.node("ann").snapshot().request_pem("tomcat")
        pem = outside_ca.sign(csr, issuer, start=start).pem
        cluster.say("ann", "set cert import own tomcat", pem.decode())
        cluster.settle()
        found.append(cluster.bus.copy())
    last = cluster.node("ann").snapshot().own_der("tomcat")
    written_again(cluster, stranger, found[0], "own/", "keys/own/")
    rebuilt(cluster)
    assert {cluster.node(name).snapshot().own_der("tomcat") for name in NAMES} == {last}


def test_what_takes_the_place_of_a_known_revision(cluster, stranger, root):
    """As by whoever edits the rows of a folder's bus: no revision is signed."""
    before = cluster.bus.copy()
    cluster.say("ann", DELETE, "yes")
    cluster.settle()
    (key,) = (one for one in cluster.bus.items if one.startswith("trust/"))
    old, there = before.items[key], cluster.bus.items[key]
    assert content(old)["present"]
    cluster.bus.items[key] = Item(key, old.value, there.revision)
    stranger.compact(cluster.bus.revision)
    for name in NAMES:
        cluster.say(name, SYNC, status=None)
    assert held(cluster) == [0, 0, 0]


def test_a_head_with_another_signature(cluster, stranger, root):
    """A rebuild begins it anew."""
    head = cluster.bus.items["meta"].value
    stranger.change([], [Put("meta", b"0" * 64 + head[64:])])
    assert REBUILD in cluster.say("ann", SYNC, status=1)
    rebuilt(cluster)
    assert held(cluster) == [1, 1, 1]


@pytest.mark.parametrize("key", ["keys/{}", "keys/own/{}", "own", "csr/a/b/c", "keys/x/y/{}"])
def test_odd_keys_of_a_node(cluster, stranger, root, key):
    ids = [one.partition("/")[2] for one in cluster.bus.items if one.startswith("nodes/")]
    stranger.change([], [Put(one, b"x") for one in {key.format(name) for name in ids}])
    for name in NAMES:
        cluster.say(name, SYNC)
        assert "ClusterStranger" in cluster.say(name, "show alarm")


# --- what a member tells anew, and what a node that joins believes -------------------------------


def by_hostname(cluster, name):
    return next(one for one in cluster.log().members().values() if one.hostname == name)


def test_a_node_that_joins_takes_no_old_certificate(cluster, stranger, root):
    """Neither before the members have told the deletion anew nor afterwards."""
    before = cluster.bus.copy()
    cluster.say("ann", DELETE, "yes")
    cluster.settle()
    cluster.install("dan")
    cluster.join("dan")
    for name in NAMES:
        cluster.say(name, SYNC)
    kept = before.items.items()
    stranger.change([], [Put(key, item.value) for key, item in kept if key.startswith("trust/")])
    assert "No node of the cluster has confirmed yet" in cluster.say("dan", SYNC, status=4)
    assert cluster.held("dan") == set()
    cluster.settle("ann", "bob", "cay", "dan")
    assert cluster.held("dan") == set()
    assert "ClusterStranger" in cluster.say("ann", "show alarm")


def test_a_node_that_joins_waits_until_a_member_has_seen_it(cluster, root):
    cluster.install("dan")
    cluster.join("dan")
    answer = cluster.say("dan", SYNC, status=4)
    assert "utils cluster sync confirm" in answer
    assert "has confirmed yet" in cluster.say("dan", "show cert distribution")
    assert cluster.held("dan") == set()
    cluster.say("cay", SYNC)
    cluster.say("dan", SYNC)
    assert cluster.held("dan") == cluster.held("ann")


def test_a_person_may_believe_a_bus_that_nobody_vouches_for(cluster, root):
    cluster.install("dan")
    cluster.join("dan")
    cluster.say("dan", f"{SYNC} confirm")
    assert cluster.held("dan") == cluster.held("ann")


@pytest.mark.parametrize("kind", ["trust/", "nodes/", "copies/", "own/", "csr/"])
def test_what_was_written_over_is_told_anew(cluster, stranger, root, outside_ca, kind):
    """By whoever knows it, so that a node that joins finds it again."""
    issuer = outside_ca.root("Root B")
    cluster.upload("ann", "tomcat-trust", issuer.pem)
    cluster.say("ann", "set csr gen tomcat multi-server")
    csr = cluster.node("ann").snapshot().request_pem("tomcat")
    pem = outside_ca.sign(csr, issuer).pem
    cluster.say("ann", "set cert import own tomcat", pem.decode())
    cluster.say("bob", "set csr gen tomcat multi-server")
    cluster.settle()
    keys = [key for key in cluster.bus.items if key.startswith(kind)]
    said = {key: content(cluster.bus.items[key]) for key in keys}
    stranger.change([], [Put(key, b"nonsense") for key in keys])
    cluster.settle()
    for key in keys:
        now = content(cluster.bus.items[key])
        for what in ("present", "der", "sha256", "ders", "hostname", "sealing"):
            assert now.get(what) == said[key].get(what), key
    cluster.install("dan")
    cluster.join("dan")
    cluster.settle("ann", "bob", "cay", "dan")
    assert cluster.held("dan") == cluster.held("ann")
    own = {cluster.node(name).snapshot().own_der("tomcat") for name in (*NAMES, "dan")}
    assert len(own) == 1


def test_a_deletion_that_was_written_over_before_others_saw_it(cluster, stranger, root):
    """They tell the deletion anew, not what they knew before it."""
    before = cluster.bus.copy()
    cluster.say("ann", DELETE, "yes")
    cluster.say("ann", SYNC)
    kept = before.items.items()
    stranger.change([], [Put(key, item.value) for key, item in kept if key.startswith("trust/")])
    cluster.settle("bob", "cay", "ann")
    assert held(cluster) == [0, 0, 0]


def test_a_removed_node_does_not_come_back(cluster, stranger, root):
    """Its old record, written again before the others have heard of its removal."""
    before = cluster.bus.copy()
    gone = by_hostname(cluster, "cay")
    cluster.say("ann", "utils cluster remove cay", "yes")
    key = f"nodes/{gone.id}"
    stranger.change([], [Put(key, before.items[key].value)])
    cluster.settle("bob", "ann")
    assert by_hostname(cluster, "cay").removed
    cluster.install("dan")
    cluster.join("dan")
    cluster.settle("bob", "ann", "dan")
    assert "cay" not in cluster.say("dan", "show network cluster")


def test_sealed_keys_that_were_taken_away_are_given_again(cluster, stranger, outside_ca):
    """To a node that has not had them yet, and says so."""
    issuer = outside_ca.root("Root B")
    cluster.upload("ann", "tomcat-trust", issuer.pem)
    cluster.settle()
    cluster.say("ann", "set csr gen tomcat multi-server")
    csr = cluster.node("ann").snapshot().request_pem("tomcat")
    pem = outside_ca.sign(csr, issuer).pem
    cluster.say("ann", "set cert import own tomcat", pem.decode())
    cluster.say("ann", SYNC)
    stranger.change([], [], [key for key in cluster.bus.items if key.startswith("keys/")])
    cluster.settle("bob", "cay")
    assert "waits for its key" in cluster.say("cay", "show cert distribution")
    cluster.settle()
    assert "waits" not in cluster.say("cay", "show cert distribution")
    own = {cluster.node(name).snapshot().own_der("tomcat") for name in NAMES}
    assert len(own) == 1
    cluster.settle()
    before = cluster.bus.revision
    cluster.settle()
    assert cluster.bus.revision == before


def test_nonsense_in_the_place_of_a_report_raises_an_alarm(cluster, stranger, root):
    stranger.change([], [Put(f"applied/{by_hostname(cluster, 'cay').id}", b"nonsense")])
    cluster.say("bob", SYNC)
    assert "ClusterStranger" in cluster.say("bob", "show alarm")


def test_each_attack_on_a_key_raises_an_alarm(cluster, stranger, root):
    (key,) = (one for one in cluster.bus.items if one.startswith("trust/"))
    for count in (1, 2):
        stranger.change([], [Put(key, b"nonsense")])
        cluster.say("bob", SYNC)
        assert cluster.say("bob", "show alarm").count("ClusterStranger") == count


def test_a_node_whose_record_is_missing_is_waited_for(cluster, stranger, root):
    """What it has not applied is not collected."""
    members = cluster.log().members().values()
    (gone,) = (one.id for one in members if one.hostname == "bob")
    stranger.change([], [], [f"nodes/{gone}"])
    cluster.say("ann", DELETE, "yes")
    for _ in range(3):
        cluster.settle("ann", "cay")
    assert any(key.startswith("trust/") for key in cluster.bus.items)
    cluster.settle()
    assert held(cluster) == [0, 0, 0]
    assert "bob" in cluster.say("ann", "show network cluster")


def test_a_request_deleted_elsewhere_does_not_come_back(cluster):
    """By the state of a node that was put back to before it had told it."""
    cluster.say("ann", "set csr gen tomcat multi-server")
    cluster.snapshot("ann")
    cluster.settle()
    cluster.say("bob", "set csr delete tomcat", "yes")
    cluster.settle()
    cluster.restore("ann")
    assert "csr/tomcat, dropped: it was deleted" in cluster.say("ann", SYNC)
    cluster.settle()
    assert not any(cluster.node(name).snapshot().own("tomcat").request for name in NAMES)


@pytest.mark.parametrize("statement", [
    f"DROP TABLE meta; CREATE VIEW meta AS SELECT 1 format, 'a' identity, ({ENDLESS}) revision, "
    "0 floor",
    f"CREATE TRIGGER t AFTER INSERT ON items BEGIN SELECT ({ENDLESS}); END",
], ids=["view", "trigger"])  # fmt: skip
def test_a_schema_of_somebody_else_is_not_run(tmp_path, statement):
    """Before it is opened, and while it is."""
    create(str(tmp_path))
    bus = DirectoryBus(str(tmp_path), time.time)
    bus.change([], [Put("a", b"")])
    database = sqlite3.connect(tmp_path / "bus.db")
    database.executescript(statement)
    database.close()
    for one in (bus, DirectoryBus(str(tmp_path), time.time)):
        with pytest.raises(BusDamaged):
            one.change([], [Put("b", b"")])
        one.close()
