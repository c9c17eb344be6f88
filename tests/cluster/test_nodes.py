"""Trust stores of three nodes: what one does all have, and what was deleted stays so."""

import json

import pytest
from harness import START
from three_nodes import NAMES, PASSWORD, Cluster

from cucmos_shell.cluster import membership

AGENT = "Cisco Intercluster Sync Agent"
DAY = 86_400


@pytest.fixture
def roots(outside_ca):
    """PEM of three roots."""
    return [outside_ca.root(f"Root {letter}").pem for letter in "ABC"]


def everywhere(cluster, store="tomcat-trust"):
    """What all nodes hold; the assertion is that it is the same."""
    first, *others = (cluster.held(name, store) for name in cluster.talks)
    assert all(other == first for other in others)
    return first


def test_an_upload_and_a_deletion_reach_every_node(cluster, roots):
    cluster.upload("bob", "tomcat-trust", roots[0])
    assert not cluster.held("ann")
    cluster.settle()
    assert len(everywhere(cluster)) == 1
    assert "Root_A" in cluster.say("cay", "show cert list trust")
    cluster.say("cay", "set cert delete tomcat-trust Root_A.pem")
    cluster.settle()
    assert not everywhere(cluster)


def test_a_store_that_is_not_shared_stays_as_it_is(cluster, roots):
    cluster.upload("bob", "directory-trust", roots[0])
    cluster.settle()
    assert len(cluster.held("bob", "directory-trust")) == 1
    assert not cluster.held("ann", "directory-trust")


def test_services_go_on(cluster, roots):
    """Nothing restarts because a certificate arrives."""
    before = cluster.say("ann", "utils service list")
    cluster.upload("bob", "tomcat-trust", roots[0])
    cluster.settle()
    assert cluster.say("ann", "utils service list") == before


def test_the_sync_agent_stopped_for_a_while(cluster, roots):
    """Absent and behind; when it is started again, there."""
    cluster.say("bob", f"utils service stop {AGENT}")
    cluster.upload("ann", "tomcat-trust", roots[0])
    cluster.settle("ann", "cay")
    cluster.clock.sleep(31 * 60)
    assert f"{AGENT} is not running" in cluster.say("bob", "utils cluster sync", status=1)
    assert not cluster.held("bob")
    lines = cluster.say("bob", "show cert distribution").splitlines()
    assert any(line.split()[:1] == ["bob"] and "behind by 1" in line for line in lines)
    assert any(line.split()[:1] == ["cay"] and "in sync" in line for line in lines)
    assert f"Service : {AGENT}  (not running: nothing is told or applied)" in lines
    cluster.say("bob", f"utils service start {AGENT}")
    cluster.say("bob", "utils cluster sync")
    assert len(everywhere(cluster)) == 1
    assert "behind" not in cluster.say("bob", "show cert distribution")


def test_a_deletion_stays_whoever_was_away(cluster, roots):
    """One node is away for a day, another is put back to before."""
    cluster.upload("ann", "tomcat-trust", roots[0])
    cluster.settle()
    cluster.snapshot("ann")
    cluster.say("bob", "set cert delete tomcat-trust Root_A.pem")
    cluster.settle("ann", "bob")
    cluster.clock.sleep(DAY)
    cluster.restore("ann")
    assert len(cluster.held("ann")) == 1
    answer = cluster.say("ann", "utils cluster sync")
    assert "This node's state was put back, or copied" in answer
    assert "tomcat-trust/Root_A, deleted" in answer
    cluster.settle()
    assert not everywhere(cluster)


def test_an_untold_upload_of_what_was_deleted_is_kept_out_and_said(cluster, roots):
    """Whoever uploads it again has seen that it was deleted."""
    cluster.upload("ann", "tomcat-trust", roots[0])
    cluster.settle()
    cluster.snapshot("ann")
    cluster.say("ann", "set cert delete tomcat-trust Root_A.pem")
    cluster.settle()
    cluster.upload("cay", "tomcat-trust", roots[1])
    cluster.upload("bob", "tomcat-trust", roots[1])
    cluster.say("bob", "utils cluster sync")
    cluster.say("bob", "set cert delete tomcat-trust Root_B.pem")
    cluster.say("bob", "utils cluster sync")
    answer = cluster.say("cay", "utils cluster sync")
    why = "Root_B, kept out: it was deleted on bob by admin; upload it again to bring it back"
    assert f"tomcat-trust/{why}" in answer
    assert "Root_B" not in cluster.say("cay", "show cert list trust")
    shown = cluster.say("cay", "show cert distribution tomcat-trust")
    assert why.partition(", kept out")[0] in shown
    data = json.loads(cluster.say("cay", "set output json") and
                      cluster.say("cay", "show cert distribution"))  # fmt: skip
    assert data["data"]["kept_out"][0]["name"] == "tomcat-trust/Root_B"
    cluster.say("cay", "set output text")
    cluster.upload("cay", "tomcat-trust", roots[1])
    cluster.settle()
    assert len(everywhere(cluster)) == 1


def test_a_deletion_of_what_was_uploaded_again_has_no_effect(cluster, roots):
    """It was aimed at the upload before; that is said."""
    cluster.upload("ann", "tomcat-trust", roots[0])
    cluster.settle()
    cluster.say("cay", "set cert delete tomcat-trust Root_A.pem")
    cluster.say("ann", "set cert delete tomcat-trust Root_A.pem")
    cluster.say("ann", "utils cluster sync")
    cluster.upload("ann", "tomcat-trust", roots[0])
    cluster.say("ann", "utils cluster sync")
    answer = cluster.say("cay", "utils cluster sync")
    assert "tomcat-trust/Root_A, deleted: it was uploaded again on ann by admin" in answer
    cluster.settle()
    assert len(everywhere(cluster)) == 1


def test_two_of_one_name_at_once(cluster, outside_ca):
    """The one that begins later holds on all nodes, whoever was first."""
    older = outside_ca.root("Same Root")
    outside_ca.now += 3600
    newer = outside_ca.root("Same Root")
    cluster.clock.sleep(7200)
    cluster.upload("ann", "tomcat-trust", newer.pem)
    cluster.upload("bob", "tomcat-trust", older.pem)
    cluster.say("ann", "utils cluster sync")
    cluster.settle("bob", "cay", "ann")
    assert len(everywhere(cluster)) == 1
    row = next(r for r in cluster.node("cay").snapshot().trust("tomcat-trust") if not r.owner)
    assert row.not_before == START + 3600 - DAY


def test_own_certificates_are_known_to_the_others(cluster):
    """A regenerated one takes the place of the one before; a removed node's go."""

    def copies(name, of):
        rows = cluster.node(name).snapshot().trust("tomcat-trust")
        member = next(i for i, n in nodes.items() if n.hostname == of)
        return [row.sha256 for row in rows if row.owner == f"{member}/tomcat"]

    def own(name):
        return [cluster.node(name).snapshot().own("tomcat").row.sha256]

    nodes = cluster.log().members()
    assert copies("ann", "bob") == copies("cay", "bob") == own("bob")
    before = own("bob")
    cluster.say("bob", "set cert regen tomcat", "yes")
    cluster.settle()
    assert copies("ann", "bob") == copies("cay", "bob") == own("bob") != before
    assert copies("bob", "bob") == []
    cluster.say("ann", "utils cluster remove cay", "yes")
    cluster.settle("ann", "bob")
    assert copies("bob", "cay") == []
    assert copies("bob", "ann") == own("ann")
    answer = cluster.say("cay", "utils cluster sync", status=1)
    assert "This node was removed from the cluster" in answer
    cluster.say("cay", "utils cluster leave", "yes")
    assert copies("cay", "bob") == []
    assert len(own("cay")) == 1


def test_a_rollback_is_a_change_like_others(cluster, roots):
    """What comes back by it comes back everywhere: somebody wanted it who had seen the rest."""
    cluster.upload("ann", "tomcat-trust", roots[0])
    cluster.settle()
    head = cluster.node("ann").snapshot().head
    cluster.say("ann", "set cert delete tomcat-trust Root_A.pem")
    cluster.settle()
    cluster.say("ann", f"utils store rollback {head}", "yes")
    cluster.settle()
    assert len(everywhere(cluster)) == 1


# --- the bus -------------------------------------------------------------------------------------


def test_an_emptied_bus_deletes_nothing(cluster, roots):
    """It is said, and told anew on request; deletions stay deletions."""
    for root in roots:
        cluster.upload("ann", "tomcat-trust", root)
    cluster.settle()
    cluster.say("ann", "set cert delete tomcat-trust Root_C.pem")
    cluster.settle("ann", "bob")  # cay does not know yet
    cluster.bus.make_anew()
    for name in NAMES:
        assert "utils cluster rebuild" in cluster.say(name, "utils cluster sync", status=1)
        assert len(cluster.held(name)) == (3 if name == "cay" else 2)
    for name in ("cay", "ann", "bob"):
        cluster.say(name, "utils cluster rebuild", PASSWORD)
    cluster.settle()
    assert len(everywhere(cluster)) == 2


def test_a_bus_put_back_from_an_older_copy(cluster, roots):
    """Entries of later than the copy are told anew by those who know them."""
    cluster.upload("ann", "tomcat-trust", roots[0])
    cluster.settle()
    copy = cluster.bus.copy()
    cluster.upload("bob", "tomcat-trust", roots[1])
    cluster.say("bob", "set cert delete tomcat-trust Root_A.pem")
    cluster.settle()
    cluster.bus.put_back(copy)
    for name in NAMES:
        assert "utils cluster rebuild" in cluster.say(name, "utils cluster sync", status=1)
    cluster.say("ann", "utils cluster rebuild", PASSWORD)
    cluster.say("bob", "utils cluster rebuild", PASSWORD)
    cluster.say("cay", "utils cluster rebuild", PASSWORD)
    cluster.settle()
    assert len(everywhere(cluster)) == 1
    assert "Root_B" in cluster.say("cay", "show cert list trust")


def test_who_may_tell_a_bus_anew(imp_template, tmp_path, keys, roots):
    """By the node's security password, and nothing goes to another cluster."""
    cluster = Cluster(imp_template, tmp_path, keys)
    cluster.say("ann", "utils cluster create dir:bus", PASSWORD)
    cluster.say("bob", "utils cluster join dir:bus", PASSWORD)
    cluster.upload("ann", "tomcat-trust", roots[0])
    cluster.settle("ann", "bob")
    assert "security password is not right" in (
        cluster.say("ann", "utils cluster rebuild", "Other-Harbour8", status=1)
    )
    cluster.bus.make_anew()
    cluster.say("cay", "utils cluster create dir:bus", PASSWORD)
    assert "The bus belongs to another cluster" in (
        cluster.say("ann", "utils cluster rebuild", PASSWORD, status=1)
    )
    cluster.settle("cay")
    assert not cluster.held("cay")


def test_what_the_bus_has_lost_is_kept_and_said(cluster, outside_ca):
    """Nobody who was there all the time has heard of a deletion."""
    pem = b"".join(outside_ca.root(f"R {n}").pem for n in range(14))
    cluster.upload("ann", "tomcat-trust", pem)
    cluster.settle()
    lost = cluster.bus
    lost.items = {key: one for key, one in lost.items.items() if not key.startswith("trust/")}
    lost.log.clear()
    lost.revision = lost.floor = lost.revision + 1
    answer = cluster.say("cay", "utils cluster sync")
    assert answer.count("kept: the bus has lost it, and nobody has deleted it") == 14
    assert len(cluster.held("cay")) == 14
    for name in NAMES:
        cluster.say(name, "utils cluster rebuild", PASSWORD)
    cluster.settle()
    assert len(everywhere(cluster)) == 14
    assert len(cluster.log().look(fresh(cluster), lambda key: 0).lines) == 14


def fresh(cluster):
    """A member that knows nothing yet."""
    return membership.member(cluster.node("ann").snapshot()).replace(fresh=True)


def test_a_large_loss_is_looked_at_first(cluster, outside_ca):
    """Who was away while much was deleted, and the deletions forgotten, agrees before it goes."""
    pem = b"".join(outside_ca.root(f"R {n}").pem for n in range(14))
    cluster.upload("ann", "tomcat-trust", pem)
    cluster.settle()
    cluster.snapshot("cay")
    for row in cluster.node("ann").snapshot().trust("tomcat-trust"):
        if row.common_name.startswith("R "):
            cluster.say("ann", f"set cert delete tomcat-trust {row.name}.pem", "yes")
    cluster.settle()
    view = cluster.log().look(fresh(cluster), lambda key: 0)
    deleted = [(s, h, line.entry.revision) for (s, h), line in view.lines.items()]
    assert cluster.log().collect(view.revision, deleted)
    bus = cluster.bus.open(cluster.clock)
    bus.compact(bus.read("").revision)
    cluster.restore("cay")
    answer = cluster.say("cay", "utils cluster sync", status=1)
    assert "The cluster no longer knows 14 of 14 certificates of tomcat-trust" in answer
    assert "utils cluster sync confirm" in answer
    assert len(cluster.held("cay")) == 14
    cluster.say("cay", "utils cluster sync confirm")
    cluster.settle()
    assert not everywhere(cluster)


# --- coming and going ----------------------------------------------------------------------------


def test_joining_brings_both_sides_together(imp_template, tmp_path, keys, roots):
    cluster = Cluster(imp_template, tmp_path, keys, ("ann", "bob"))
    cluster.upload("ann", "tomcat-trust", roots[0])
    cluster.upload("bob", "tomcat-trust", roots[1])
    cluster.begin()
    assert len(everywhere(cluster)) == 2


def test_who_may_join(imp_template, tmp_path, keys):
    """By the security password, under a name of one's own, once."""
    cluster = Cluster(imp_template, tmp_path, keys, ("ann", "bob"))
    cluster.say("ann", "utils cluster sync", status=1)
    assert "There is no cluster on this bus" in (
        cluster.say("bob", "utils cluster join dir:bus", PASSWORD, status=1)
    )
    cluster.say("ann", "utils cluster create dir:bus", "short", status=1)
    cluster.say("ann", "utils cluster create dir:bus", PASSWORD)
    assert "The security password is not that of the cluster" in (
        cluster.say("bob", "utils cluster join dir:bus", "Other-Harbour8", status=1)
    )
    assert "There is a cluster on this bus already" in (
        cluster.say("bob", "utils cluster create dir:bus", PASSWORD, status=1)
    )
    assert "member of a cluster already" in (
        cluster.say("ann", "utils cluster join dir:bus", PASSWORD, status=1)
    )
    cluster.node("bob").profile = cluster.node("bob").profile.replace(hostname="ann")
    assert "has a node of that name: ann" in (
        cluster.say("bob", "utils cluster join dir:bus", PASSWORD, status=1)
    )


def test_a_copy_beside_its_original_is_noticed(cluster, roots):
    """Both tell as one node."""
    cluster.snapshot("bob")
    cluster.upload("bob", "tomcat-trust", roots[0])
    cluster.settle("bob")
    cluster.restore("bob")
    assert "put back, or copied" in cluster.say("bob", "utils cluster sync")
    assert "put back, or copied" not in cluster.say("bob", "utils cluster sync")


def test_what_the_nodes_own_checks_refuse_is_kept_out(cluster, outside_ca):
    """An expired certificate comes to a node that was away."""
    cluster.upload("ann", "tomcat-trust", outside_ca.root("Short", end=DAY).pem)
    cluster.settle("ann", "bob")
    cluster.clock.sleep(2 * DAY)
    answer = cluster.say("cay", "utils cluster sync")
    assert "tomcat-trust/Short, kept out:" in answer
    assert "has expired" in answer
    assert not cluster.held("cay")
    assert "has expired" in cluster.say("cay", "show cert distribution")
    assert "has expired" not in cluster.say("cay", "utils cluster sync")


def test_a_membership_of_a_newer_version_is_said_so(cluster):
    """By whoever has gone back to an older program."""
    node = cluster.node("ann")

    def newer(change):
        raw = change.find_file("cluster", "member.json").replace(b'"format": 1', b'"format": 2')
        change.put_file("cluster", "member.json", raw)

    follows, node.store.before_commit = node.store.before_commit, ()
    with node.store.try_lock() as lock:
        node.change(lock, "test", "newer", newer)
    node.store.before_commit = follows
    assert "of a newer version of this program" in cluster.say(
        "ann", "utils cluster sync", status=4
    )
