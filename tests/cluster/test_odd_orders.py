"""Created, joined, left, removed and rebuilt in odd orders, and broken off in between."""

import pytest
from three_nodes import NAMES, PASSWORD, Cluster

from cucmos_shell.node.tasks.agent import COLLECT, COMPACT, MAX_ALARMS
from cucmos_shell.world.bus import BusAway
from cucmos_shell.world.buses.memory import MemoryBus, MemoryCluster

CREATE, JOIN = "utils cluster create dir:bus", "utils cluster join dir:bus"


class FailingCluster(MemoryCluster):
    """A bus that refuses the next changes of keys that begin with `prefix`, `times` times."""

    prefix, times = "", 0

    def open(self, now):
        return FailingBus(self, now)


class FailingBus(MemoryBus):
    """One of its buses."""

    def change(self, compare, put, drop=()):
        cluster = self._cluster
        if cluster.times and any(key.startswith(cluster.prefix) for key, _ in put):
            cluster.times -= 1
            raise BusAway("memory", "it is away")
        return super().change(compare, put, drop)


@pytest.fixture
def apart(imp_template, tmp_path, keys):
    """Three nodes that have joined nothing."""
    return Cluster(imp_template, tmp_path, keys, bus=FailingCluster())


@pytest.fixture
def cluster(begun, tmp_path, keys):
    """Three that have."""
    return begun.copy(tmp_path, keys, FailingCluster())


@pytest.fixture
def root(outside_ca):
    return outside_ca.root("Root A").pem


def held(cluster, *names):
    """What all of them hold; the assertion is that it is the same."""
    first, *others = (cluster.held(name) for name in names or cluster.talks)
    assert all(other == first for other in others)
    return first


def test_create_killed_before_the_node_knew(apart):
    """It is given again; by somebody else, or with another password, it is refused."""
    apart.snapshot("ann")
    apart.say("ann", CREATE, PASSWORD)
    apart.restore("ann")
    assert "a cluster on this bus already" in apart.say("bob", CREATE, PASSWORD, status=1)
    assert "a cluster on this bus already" in apart.say("ann", CREATE, "Other-Harbour8", status=1)
    apart.say("ann", CREATE, PASSWORD)
    apart.say("bob", JOIN, PASSWORD)
    apart.settle("ann", "bob")
    members = apart.log().members().values()
    assert sorted(one.hostname for one in members) == ["ann", "bob"]


def test_join_killed_before_the_others_knew(apart):
    """The next round tells them."""
    apart.say("ann", CREATE, PASSWORD)
    apart.bus.prefix, apart.bus.times = "nodes/", 1
    apart.say("bob", JOIN, PASSWORD)
    assert len(apart.log().members()) == 1
    apart.settle("ann", "bob")
    assert len(apart.log().members()) == 2


def test_rounds_killed_before_their_reports(cluster, outside_ca):
    """However many there are: that does not look like a bus that went back."""
    for letter in "ABC":
        cluster.upload("ann", "tomcat-trust", outside_ca.root(f"Root {letter}").pem)
        cluster.bus.prefix, cluster.bus.times = "applied/", 1
        cluster.say("ann", "utils cluster sync", status=4)
    cluster.settle()
    assert len(held(cluster)) == 3


def test_a_host_name_is_taken_in_any_case(apart):
    apart.say("ann", CREATE, PASSWORD)
    apart.node("bob").profile = apart.node("bob").profile.replace(hostname="ANN")
    assert "has a node of that name: ANN" in apart.say("bob", JOIN, PASSWORD, status=1)


def test_a_changed_security_password(apart):
    """Members go on; whoever joins later needs the new one, as soon as it was told."""
    apart.say("ann", CREATE, PASSWORD)
    apart.say("bob", JOIN, PASSWORD)
    apart.settle("ann", "bob")
    change = (PASSWORD, "Other-Harbour8", "Other-Harbour8", "y")
    apart.say("bob", "set password user security", *change)
    apart.settle("bob", "ann")
    answer = apart.say("cay", JOIN, PASSWORD, status=1)
    assert "The security password is not that of the cluster" in answer
    apart.say("cay", JOIN, "Other-Harbour8")
    apart.settle()
    assert apart.say("ann", "show network cluster").count("\n") == 3
    head = apart.bus.revision
    apart.settle("ann", "bob")
    assert apart.bus.revision == head


def test_left_and_joined_again(cluster, root):
    """What was deleted meanwhile does not come back by it."""
    cluster.upload("ann", "tomcat-trust", root)
    cluster.settle()
    cluster.say("cay", "utils cluster leave", "yes")
    assert "has joined no cluster" in cluster.say("cay", "utils cluster leave", "yes", status=1)
    cluster.say("ann", "set cert delete tomcat-trust Root_A.pem")
    cluster.settle("ann", "bob")
    assert len(cluster.held("cay")) == 1
    cluster.say("cay", JOIN, PASSWORD)
    cluster.say("bob", "utils cluster sync")
    assert "kept out: it was deleted on ann" in cluster.say("cay", "utils cluster sync")
    cluster.settle()
    assert not held(cluster)


def test_removed_while_away_and_joined_again(cluster, root):
    cluster.upload("cay", "tomcat-trust", root)
    cluster.say("ann", "utils cluster remove cay", "yes")
    assert "is no node of the cluster" in (
        cluster.say("ann", "utils cluster remove cay", "yes", status=1)
    )
    assert "was removed" in cluster.say("cay", "utils cluster sync", status=1)
    cluster.settle("ann", "bob")
    assert not held(cluster, "ann", "bob")
    cluster.say("cay", "utils cluster leave", "yes")
    cluster.say("cay", JOIN, PASSWORD)
    cluster.settle()
    assert len(held(cluster)) == 1


def test_a_bus_that_is_gone_holds_nobody(cluster):
    """The others are told where they can be."""
    cluster.bus.make_anew()
    answer = cluster.say("cay", "utils cluster leave", "yes")
    assert "The others were not told: There is no cluster on this bus" in answer
    cluster.say("cay", CREATE, PASSWORD)
    answer = cluster.say("ann", "utils cluster leave", "yes")
    assert "The bus belongs to another cluster" in answer
    assert len(cluster.log("cay").members()) == 1


def test_a_node_gives_nothing_to_a_bus_that_is_not_its_own(cluster):
    cluster.say("ann", "set cert regen tomcat", "yes")
    cluster.bus.make_anew()
    for _ in range(2):
        cluster.say("ann", "utils cluster sync", status=1)
    assert not cluster.bus.items


def test_a_bus_that_lost_one_report_and_was_written_on(cluster, outside_ca):
    """Its revision has grown again; that it lacks what a node knows was there is still noticed."""
    copy = cluster.bus.copy()
    cluster.upload("ann", "tomcat-trust", outside_ca.root("Root A").pem)
    cluster.say("ann", "utils cluster sync")
    cluster.bus.put_back(copy)
    for letter in "BCDE":
        cluster.upload("bob", "tomcat-trust", outside_ca.root(f"Root {letter}").pem)
        cluster.settle("bob", "cay")
    assert "utils cluster rebuild" in cluster.say("ann", "utils cluster sync", status=1)
    for name in NAMES:
        cluster.say(name, "utils cluster rebuild", PASSWORD)
    cluster.settle()
    assert len(held(cluster)) == 5


def test_much_that_is_kept_out_is_one_alarm_more(cluster, outside_ca):
    """Not one for each of a thousand."""
    bundle = b"".join(outside_ca.root(f"Root {number}").pem for number in range(14))
    cluster.upload("ann", "tomcat-trust", bundle)
    cluster.settle()
    for row in cluster.node("ann").snapshot().trust("tomcat-trust"):
        if row.common_name.startswith("Root"):
            cluster.say("ann", f"set cert delete tomcat-trust {row.name}.pem", "yes")
    cluster.settle("ann")
    for row in cluster.node("cay").snapshot().trust("tomcat-trust"):
        if row.common_name.startswith("Root"):
            cluster.say("cay", f"set cert delete tomcat-trust {row.name}.pem", "yes")
    cluster.upload("cay", "tomcat-trust", bundle)
    assert cluster.say("cay", "utils cluster sync").count("kept out: it was deleted") == 14
    alarms = cluster.say("cay", "show alarm | include CertificateKeptOut")
    assert alarms.count("CertificateKeptOut") == MAX_ALARMS + 1
    assert "4 more; see show cert distribution" in cluster.say("cay", "show alarm")


@pytest.mark.parametrize("older", [False, True], ids=["emptied", "older copy"])
def test_a_late_rebuild_brings_nothing_back(cluster, outside_ca, older):
    """What is said on the bus since the first rebuild is later than what others knew before."""
    kept = cluster.bus.copy()
    for letter in "ABCDEFGH":
        cluster.upload("ann", "tomcat-trust", outside_ca.root(f"Root {letter}").pem)
        cluster.settle()
    if older:
        cluster.bus.put_back(kept)
    else:
        cluster.bus.make_anew()
    cluster.say("ann", "utils cluster rebuild", PASSWORD)
    cluster.say("ann", "set cert delete tomcat-trust Root_H.pem")
    cluster.say("ann", "utils cluster sync")
    for name in ("bob", "cay"):
        cluster.say(name, "utils cluster rebuild", PASSWORD)
    cluster.settle()
    assert len(held(cluster)) == 7


def test_removed_nodes_stay_so_on_a_bus_made_anew(cluster):
    cluster.say("ann", "utils cluster remove cay", "yes")
    cluster.settle("ann", "bob")
    cluster.bus.make_anew()
    cluster.say("ann", "utils cluster rebuild", PASSWORD)
    answer = cluster.say("cay", "utils cluster rebuild", PASSWORD, status=1)
    assert "This node was removed from the cluster" in answer


def test_deletions_are_forgotten_when_all_have_applied_them(cluster, outside_ca):
    """While a node is away none is; and it, put back to before, brings nothing back."""
    key = outside_ca.new_key("ec256")
    roots = [outside_ca.root(f"R {n}", key=key).pem for n in range(COLLECT)]
    cluster.upload("ann", "tomcat-trust", b"".join(roots))
    cluster.settle()
    cluster.snapshot("cay")
    for n in range(COLLECT):
        cluster.say("ann", f"set cert delete tomcat-trust R_{n}.pem")
    cluster.settle("ann", "bob")
    assert len(entries(cluster)) == COLLECT
    cluster.settle()
    cluster.settle()
    assert not entries(cluster)
    cluster.restore("cay")
    assert len(cluster.held("cay")) == COLLECT
    cluster.say("cay", "utils cluster sync", status=None)
    cluster.say("cay", "utils cluster sync confirm", status=None)
    cluster.settle()
    assert not held(cluster)


def test_the_history_of_the_bus_does_not_grow_for_ever(cluster, root):
    """What a node that was away has missed, it reads as a whole."""
    cluster.say("bob", "utils cluster leave", "yes")
    cluster.snapshot("cay")
    for _ in range(COMPACT):
        cluster.upload("ann", "tomcat-trust", root)
        cluster.settle("ann", "cay")
        cluster.say("ann", "set cert delete tomcat-trust Root_A.pem")
        cluster.settle("ann", "cay")
    assert cluster.bus.floor
    assert len(cluster.bus.log) < 6 * COMPACT < cluster.bus.revision
    cluster.restore("cay")
    cluster.settle("cay", "ann")
    assert not held(cluster, "ann", "cay")


def entries(cluster):
    return [key for key in cluster.bus.items if key.startswith("trust/")]


# --- names ---------------------------------------------------------------------------------------


def test_three_of_one_name_at_once(cluster, outside_ca):
    """One holds, and the same on all nodes."""
    cluster.clock.sleep(7200)
    for name in NAMES:
        outside_ca.now += 60
        cluster.upload(name, "tomcat-trust", outside_ca.root("Same Root").pem)
    for _ in range(2):
        cluster.settle()
    assert len(held(cluster)) == 1


def test_names_that_make_one_file_name(cluster, outside_ca):
    """Two certificates are two, under names that need not be the same everywhere."""
    cluster.upload("ann", "tomcat-trust", outside_ca.root("Root:A").pem)
    cluster.upload("bob", "tomcat-trust", outside_ca.root("Root?A").pem)
    cluster.upload("cay", "tomcat-trust", outside_ca.root("root A").pem)
    cluster.settle()
    assert len(held(cluster)) == 3


def test_the_own_certificate_of_another_uploaded_by_hand(cluster):
    """Where it is a copy already, nothing changes; else the two go by themselves."""
    cluster.say("bob", "set cert regen tomcat", "yes")  # the template's is everybody's
    cluster.settle()
    cluster.upload("ann", "tomcat-trust", to_pem_of(cluster, "bob"))
    cluster.settle()
    assert not held(cluster)
    cluster.say("ann", "utils cluster leave", "yes")
    cluster.upload("ann", "tomcat-trust", to_pem_of(cluster, "bob"))
    cluster.say("ann", JOIN, PASSWORD)
    cluster.settle()
    assert len(held(cluster)) == 1
    cluster.say("bob", "set cert regen tomcat", "yes")
    cluster.settle()
    assert len(held(cluster)) == 1
    rows = cluster.node("cay").snapshot().trust("tomcat-trust")
    assert sum("/" in row.owner for row in rows) == 2
    name = next(r.name for r in cluster.node("cay").snapshot().trust("tomcat-trust") if not r.owner)
    cluster.say("cay", f"set cert delete tomcat-trust {name}.pem")
    cluster.settle()
    assert not held(cluster)
    assert "in sync" in cluster.say("ann", "show cert distribution")


def to_pem_of(cluster, name):
    from cucmos_shell.pki.der import to_pem

    return to_pem(cluster.node(name).snapshot().own_der("tomcat"))
