"""What a node that joins believes, and what members tell anew, whatever a stranger does to rows."""

import pytest
from three_nodes import NAMES

from cucmos_shell.cluster.signed import content
from cucmos_shell.world.bus import Item, Put

SYNC = "utils cluster sync"
DELETE = "set cert delete tomcat-trust Root_A.pem"


def key_of(cluster, name, prefix="nodes/"):
    found = cluster.log().members().values()
    return prefix + next(one.id for one in found if one.hostname == name)


def entry_key(cluster):
    (key,) = (one for one in cluster.bus.items if one.startswith("trust/"))
    return key


def in_place(cluster, before, *names):
    """An old value under the revision of the one that is there, as in an edited file."""
    for key in names:
        item = cluster.bus.items[key]
        cluster.bus.items[key] = Item(key, before.items[key].value, item.revision)


def rounds(cluster, *names):
    for _ in range(3):
        for name in names:
            cluster.say(name, SYNC, status=None)


def with_dan(cluster, *names):
    cluster.install("dan")
    cluster.join("dan")
    rounds(cluster, *names, "dan")


def copies(cluster, name, of):
    snapshot = cluster.node(name).snapshot()
    rows = [
        row for store in cluster.node(name).profile.trust_stores for row in snapshot.trust(store)
    ]
    return {row.sha256 for row in rows if row.owner.startswith(f"{of}/")}


def multi_server(cluster, outside_ca, issuer, start):
    cluster.say("ann", "set csr gen tomcat multi-server")
    csr = cluster.node("ann").snapshot().request_pem("tomcat")
    pem = outside_ca.sign(csr, issuer, start=start).pem
    cluster.say("ann", "set cert import own tomcat", pem.decode())
    cluster.settle(*NAMES)
    return cluster.node("ann").snapshot().own_der("tomcat")


# --- values in the place of others ---------------------------------------------------------------


def test_a_removed_node_whose_old_record_lies_in_the_place_of_the_new_one(cluster, root):
    """Members say again that it was removed, and a node that joins waits for that."""
    before, key = cluster.bus.copy(), key_of(cluster, "cay")
    cluster.say("ann", "utils cluster remove cay", "yes")
    cluster.settle("ann", "bob")
    in_place(cluster, before, key)
    with_dan(cluster, "ann", "bob")
    assert content(cluster.bus.items[key])["removed"]
    assert "cay" not in cluster.say("dan", "show network cluster")
    assert cluster.held("dan") == cluster.held("ann")


def test_no_old_copy_of_an_own_certificate(cluster, root):
    before, ann = cluster.bus.copy(), key_of(cluster, "ann", "")
    old = copies(cluster, "bob", ann)
    cluster.say("ann", "set cert regen tomcat", "yes")
    cluster.settle()
    in_place(cluster, before, f"copies/{ann}/tomcat")
    with_dan(cluster, *NAMES)
    assert not copies(cluster, "dan", ann) & (old - copies(cluster, "bob", ann))


def test_no_old_multi_server_certificate(cluster, root, outside_ca):
    """Although its key is sealed for the node that joins."""
    old = multi_server(cluster, outside_ca, root, -86_400)
    cluster.install("dan")
    cluster.join("dan")
    cluster.settle(*NAMES)
    before = cluster.bus.copy()
    multi_server(cluster, outside_ca, root, -3600)
    in_place(cluster, before, "own/tomcat", key_of(cluster, "dan", "keys/own/tomcat/"))
    rounds(cluster, *NAMES, "dan")
    assert cluster.node("dan").snapshot().own_der("tomcat") != old


def test_a_row_put_back_and_the_report_of_that_time(cluster, stranger, root):
    """A report vouches for nothing if it is from before the node joined."""
    before = cluster.bus.copy()
    key, report = entry_key(cluster), key_of(cluster, "ann", "applied/")
    cluster.say("ann", DELETE, "yes")
    cluster.settle()
    cluster.install("dan")
    cluster.join("dan")
    for name in NAMES:
        cluster.say(name, SYNC)
    cluster.bus.items[key] = before.items[key]
    stranger.change([], [Put(report, before.items[report].value)])
    assert "has confirmed yet" in cluster.say("dan", SYNC, status=4)
    assert cluster.held("dan") == set()


# --- what is taken away --------------------------------------------------------------------------


def test_a_deletion_taken_away_before_others_saw_it(cluster, stranger, root):
    """The history has it."""
    cluster.say("ann", DELETE, "yes")
    cluster.say("ann", SYNC)
    stranger.change([], [], [entry_key(cluster)])
    rounds(cluster, "bob", "cay", "ann")
    assert [cluster.held(name) for name in NAMES] == [set()] * 3


def test_an_upload_taken_away_before_others_saw_it(cluster, stranger, root, outside_ca):
    there = {*cluster.bus.items}
    cluster.upload("ann", "tomcat-trust", outside_ca.root("Root B").pem)
    cluster.say("ann", SYNC)
    new = [key for key in cluster.bus.items if key.startswith("trust/") and key not in there]
    stranger.change([], [], new)
    rounds(cluster, "bob", "cay", "ann")
    assert [len(cluster.held(name)) for name in NAMES] == [2] * 3


@pytest.mark.parametrize("seen", [True, False], ids=["seen by all", "seen by one"])
def test_a_removal_taken_away(cluster, stranger, root, seen):
    key = key_of(cluster, "cay")
    cluster.say("ann", "utils cluster remove cay", "yes")
    cluster.settle("ann", *(["bob"] if seen else []))
    stranger.change([], [], [key])
    rounds(cluster, "bob", "ann")
    assert content(cluster.bus.items[key])["removed"]
    with_dan(cluster, "ann", "bob")
    for name in ("ann", "bob", "dan"):
        assert "cay" not in cluster.say(name, "show network cluster")


@pytest.mark.parametrize("kind", ["nodes/", "copies/", "own/", "csr/"])
def test_what_was_taken_away_is_told_anew(cluster, stranger, root, outside_ca, kind):
    multi_server(cluster, outside_ca, root, -86_400)
    cluster.say("bob", "set csr gen tomcat multi-server")
    cluster.settle()
    keys = [key for key in cluster.bus.items if key.startswith(kind)]
    stranger.change([], [], keys)
    rounds(cluster, *NAMES)
    assert {*keys} <= {*cluster.bus.items}
    for name in NAMES:
        assert "ClusterStranger" in cluster.say(name, "show alarm")
    with_dan(cluster, *NAMES)
    assert cluster.held("dan") == cluster.held("ann")
    before = cluster.bus.revision
    rounds(cluster, *NAMES, "dan")
    assert cluster.bus.revision == before


def test_old_copies_of_a_removed_node_keep_nobody_out(cluster, stranger, root):
    """Which nobody tells anew."""
    before, cay = cluster.bus.copy(), key_of(cluster, "cay", "")
    cluster.say("ann", "utils cluster remove cay", "yes")
    cluster.settle("ann", "bob")
    key = f"copies/{cay}/tomcat"
    stranger.change([], [Put(key, before.items[key].value)])
    rounds(cluster, "ann", "bob")
    with_dan(cluster, "ann", "bob")
    assert cluster.held("dan") == cluster.held("ann")


# --- what is wished meanwhile --------------------------------------------------------------------


@pytest.mark.parametrize("present", [False, True], ids=["deleted", "uploaded"])
def test_what_is_not_told_yet_outlives_that_the_old_is_told_anew(cluster, stranger, root, present):
    """What ann has done since is aimed at what another tells once more."""
    if present:
        cluster.say("bob", DELETE, "yes")
        cluster.settle()
        cluster.upload("ann", "tomcat-trust", root.pem)
    else:
        cluster.say("ann", DELETE, "yes")
    stranger.change([], [Put(entry_key(cluster), b"nonsense")])
    rounds(cluster, "bob", "cay", "ann")
    rounds(cluster, *NAMES)
    assert [len(cluster.held(name)) for name in NAMES] == [int(present)] * 3
