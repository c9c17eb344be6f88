"""Clusters that follow each other: what comes, what stays out, and peers that lie or are silent."""

import json
import stat
from base64 import b64encode
from hashlib import sha256

import pytest
from feeds import HOSTILE
from key_watch import WATCH
from two_clusters import PASSWORD, Peers, answered

from cucmos_shell.cluster import membership, peering
from cucmos_shell.node.tasks import offering
from cucmos_shell.node.tasks.offering import FeedOffer, offered
from cucmos_shell.world.bus import Put
from cucmos_shell.world.unanswered import Unanswered

SYNC, LOOK = "utils cluster sync", "utils cluster peer sync"


@pytest.fixture
def roots(peers, outside_ca):
    """Twelve roots that eve has uploaded, which all nodes have."""
    made = [outside_ca.root(f"Root {n}") for n in range(12)]
    peers.west.upload("eve", "tomcat-trust", b"".join(one.pem for one in made))
    peers.settle()
    assert len(peers.east.held("bob")) == 12
    return made


def alarms(peers, name="ann"):
    return peers.say(name, "show alarm").count("ClusterPeerNotFollowed")


def state(peers):
    """The line of west in what ann shows."""
    return peers.say("ann", "show cluster peer west").splitlines()[-1]


def unchanged(peers, *, says, status=1):
    """A look at west changes nothing, and says why; so does what is shown then."""
    before = peers.east.held("ann")
    said = peers.say("ann", f"{LOOK} west", status=None)
    assert peers.of("ann").talks["ann"].status == status
    assert says in said
    assert says in state(peers)
    assert peers.east.held("ann") == before
    return said


def test_a_certificate_that_both_have_is_nobodys_copy(peers, outside_ca):
    """What is deleted there stays here, and the other way round."""
    root = outside_ca.root("Both")
    for cluster, name in ((peers.east, "bob"), (peers.west, "fay")):
        cluster.upload(name, "tomcat-trust", root.pem)
    peers.settle()
    assert peers.say("ann", "show cluster peer").split()[-2:] == ["0", "followed"]
    peers.say("eve", "set cert delete tomcat-trust Both.pem", "yes")
    peers.settle()
    assert not peers.west.held("fay")
    assert peers.east.held("ann") == peers.east.held("bob") != set()


def test_what_was_deleted_before_the_first_look_is_kept_out(
    imp_template, tmp_path, keys, outside_ca
):
    """And said, until it is uploaded here."""
    peers = Peers(imp_template, tmp_path, keys)
    root = outside_ca.root("Old Root")
    for cluster, name in ((peers.east, "ann"), (peers.west, "eve")):
        cluster.begin()
        cluster.upload(name, "tomcat-trust", root.pem)
        cluster.settle()
    peers.say("bob", "set cert delete tomcat-trust Old_Root.pem", "yes")
    peers.east.settle()
    peers.say("eve", "set cluster feed east", PASSWORD, PASSWORD)
    said = peers.say("ann", "set cluster peer west eve account east", PASSWORD, "yes")
    assert "kept out 1" in said
    assert "it was deleted here; upload it here to bring it back" in said
    assert "Old_Root, kept out" in peers.say("ann", "show cert distribution tomcat-trust")
    assert "kept out 0" in peers.say("ann", LOOK)
    assert not peers.east.held("ann")
    peers.east.upload("bob", "tomcat-trust", root.pem)
    peers.east.settle()
    assert len(peers.east.held("ann")) == 1


def test_a_rebuild_over_there_brings_nothing_back(peers, roots):
    """Lives that are told anew are the old ones; what is new goes on."""
    peers.say("bob", "set cert delete tomcat-trust Root_3.pem", "yes")
    peers.settle()
    for name in ("eve", "fay"):
        peers.say(name, "utils cluster rebuild", "Blue-Harbour7")
    peers.settle()
    assert len(peers.east.held("ann")) == 11
    assert len(peers.west.held("eve")) == 12
    peers.say("eve", "set cert delete tomcat-trust Root_3.pem", "yes")
    peers.west.settle()
    peers.west.upload("eve", "tomcat-trust", roots[3].pem)
    peers.settle()
    assert len(peers.east.held("bob")) == 12


def test_the_origin_outlives_a_rebuild_here(peers, roots):
    """What came from there is not offered as if it were from here."""
    for name in ("ann", "bob"):
        peers.say(name, "utils cluster rebuild", "Blue-Harbour7")
    peers.east.settle()
    assert offered(peers.east.node("bob"), None)["entries"] == []
    assert len(offered(peers.west.node("fay"), None)["entries"]) == len(roots)
    peers.say("eve", "set cert delete tomcat-trust Root_3.pem", "yes")
    peers.settle()
    assert len(peers.east.held("bob")) == 11


def test_too_much_does_not_go_without_a_person(peers, roots):
    """More than ten, and more than a fifth."""
    for n in range(11):
        peers.say("eve", f"set cert delete tomcat-trust Root_{n}.pem", "yes")
    peers.west.settle()
    said = unchanged(peers, says="It would take away 11 of 12 certificates of tomcat-trust")
    assert "utils cluster peer sync west confirm" in said
    assert alarms(peers) == 1
    assert "deleted 11" in peers.say("ann", f"{LOOK} west confirm")
    assert len(peers.east.held("ann")) == 1


def test_a_feed_that_lies_changes_nothing(peers):
    """It is said, with an alarm when that is new; when it is a feed again all goes on."""
    for octets in HOSTILE.values():
        peers.network.liars["eve"] = lambda question, octets=octets: octets
        unchanged(peers, says="What it offers is no feed")
    seen = alarms(peers)
    unchanged(peers, says="What it offers is no feed")
    assert alarms(peers) == seen > 0
    peers.network.liars.clear()
    peers.say("ann", LOOK)
    assert state(peers).endswith(": followed")


def lying(peers, **keys):
    """The feed of west with other values."""

    def answer(question):
        data = offered(peers.west.node("eve"), None)
        return json.dumps({**data, **keys}).encode()

    peers.network.liars["eve"] = answer


def test_another_cluster_at_its_place(peers):
    """Even with its certificate."""
    lying(peers, cluster="ffffffff")
    assert "set cluster peer west" in unchanged(peers, says="It is another cluster than before")


def test_a_feed_that_went_back(peers, roots):
    """As after its bus was put back from a copy, until its nodes have told that anew."""
    lying(peers, revision=0, entries=[])
    unchanged(peers, says="Its feed is older than it was")
    lying(peers, era=0)
    unchanged(peers, says="Its feed is older than it was")
    assert alarms(peers) == 1


def test_what_does_not_originate_there_is_not_taken(peers, roots):
    """Whatever a feed says."""
    data = offered(peers.west.node("eve"), None)
    for entry in data["entries"]:
        entry |= {"origin": "ffffffff", "present": False, "der": ""}
        entry |= {"revision": data["revision"], "life": data["revision"]}
    lying(peers, entries=data["entries"])
    peers.say("ann", LOOK)
    assert len(peers.east.held("ann")) == 12


def test_a_multi_server_certificate_is_trusted_by_its_ca(peers, outside_ca):
    """Which was uploaded there and so comes; the certificate itself and its chain stay there."""
    root = outside_ca.root("Root A")
    middle = outside_ca.intermediate(root)
    peers.west.upload("eve", "tomcat-trust", root.pem)
    peers.say("eve", "set csr gen tomcat multi-server")
    text = peers.say("eve", "show csr own tomcat")
    leaf = outside_ca.sign(text[text.index("-----BEGIN") :].encode(), middle)
    peers.west.settle()
    peers.say("fay", "set cert import own tomcat", (leaf.pem + middle.pem).decode())
    peers.west.settle()
    assert peers.west.node("eve").snapshot().own_der("tomcat") == leaf.der
    before = {row.sha256 for row in peers.east.node("bob").snapshot().trust("tomcat-trust")}
    # It is another one now that the peer shows.
    said = peers.say("ann", f"{LOOK} west", status=None)
    assert "Its certificate is not the one that was confirmed" in said
    peers.say("ann", "set cluster peer west eve account other", PASSWORD, "yes")
    peers.settle()
    after = {row.sha256 for row in peers.east.node("bob").snapshot().trust("tomcat-trust")}
    assert after - before == {sha256(root.der).hexdigest()} == peers.east.held("bob")
    assert outside_ca.verify(leaf, [middle], [root])[0]


def test_no_certificate_is_none(peers):
    """Octets of the right SHA-256 that are no certificate, and two for one."""
    rows = no_certificates(peers)
    lying(peers, entries=rows)
    assert "new 0" in peers.say("ann", LOOK)
    assert not peers.east.held("ann")


def no_certificates(peers):
    """Entries whose octets are nothing that could be trusted."""
    own = peers.west.node("eve").snapshot().own_der("tomcat")
    rows = []
    for der in (b"\x30\x03abc", own + own, b""):
        rows.append({
            "store": "tomcat-trust", "sha256": sha256(der).hexdigest(), "present": True,
            "revision": 5, "life": 5, "again": False, "name": "x", "description": "",
            "origin": peering.peers(peers.east.node("ann").snapshot())["west"].cluster,
            "der": b64encode(der).decode(),
        })  # fmt: skip
    return rows


def test_a_silent_peer_is_said_at_the_second_time(peers):
    """A moment's silence is no alarm."""
    peers.network.down.add("eve")
    unchanged(peers, says="Connection refused")
    assert alarms(peers) == 0
    unchanged(peers, says="Connection refused")
    unchanged(peers, says="Connection refused")
    assert alarms(peers) == 1


def test_the_reason_of_a_peer_is_safe(peers):
    """It is foreign text."""

    def answer(question):
        raise Unanswered("it answered 500 \x1b[2J" + "x" * 9999)

    peers.network.liars["eve"] = answer
    said = peers.say("ann", LOOK, status=1)
    assert "\x1b" not in said
    assert len(said) < 2000


def test_who_may_read(peers, monkeypatch):
    """By the account for that, and no other one."""
    offer = FeedOffer(peers.west.node("fay"))
    right = basic("other", PASSWORD)
    assert answered(offer, None, right)[0] == 200
    wrong = (None, "", "Basic", "Basic *", "Bearer x", basic("other", "Wrong-Meadow8"),
             basic("admin", PASSWORD), basic("", ""), basic("other", "x" * 9999))  # fmt: skip
    for credentials in wrong:
        assert answered(offer, None, credentials)[0] == 401
    for since in ("", "-1", "1.5", "9" * 30, "²", "x"):
        assert answered(offer, since, right)[0] == 400
    monkeypatch.setattr(offering.passwords, "matches", lambda *_: pytest.fail("known by now"))
    assert answered(offer, "0", right)[0] == 200
    assert PASSWORD not in repr(offer.claim(right))


def basic(name, password):
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"


def test_what_has_changed_since(peers, roots):
    """And the whole where that is not known any more, or was never."""
    node = peers.west.node("fay")
    whole = offered(node, None)
    assert whole["full"]
    since = offered(node, whole["revision"])
    assert (since["full"], since["entries"]) == (False, [])
    peers.say("eve", "set cert delete tomcat-trust Root_3.pem", "yes")
    peers.west.settle()
    (entry,) = offered(peers.west.node("fay"), whole["revision"])["entries"]
    assert (entry["present"], entry["der"]) == (False, "")
    assert offered(peers.west.node("fay"), 10**17)["full"]


def test_a_feed_is_whole_or_is_not_offered(peers, roots):
    """Peers would take for deleted what a stranger has written over, or taken away."""
    bus = peers.west.bus.open(peers.west.clock)
    key = bus.read("trust/").items[0].key
    bus.change([], [], [key])
    with pytest.raises(Exception, match="lost something"):
        offered(peers.west.node("eve"), None)
    bus.change([], [Put(key, b"x")])
    with pytest.raises(Exception, match="no member has written"):
        offered(peers.west.node("eve"), None)


def test_the_password_of_a_peer_is_nowhere(peers, tmp_path):
    """Not on the bus, not on the nodes, not in what is said; its seal is for the owner to read."""
    for name in ("ann", "bob"):
        peers.say(name, "show cluster peer west")
    WATCH.look_around(tmp_path)
    secret = PASSWORD.encode()
    for cluster in (peers.east, peers.west):
        values = [item.value for item in cluster.bus.open(cluster.clock).read("").items]
        assert any(b"sealed" in value or b"password" in value for value in values)
        assert not any(secret in value for value in values)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if secret in path.read_bytes()]
    kept = [path for path in files if path.name == "cluster-peers.json"]
    assert kept
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    snapshot = peers.east.node("bob").snapshot()
    west = peering.peers(snapshot)["west"]
    assert peering.password(membership.secrets(snapshot), west) == PASSWORD


def test_who_leaves_a_cluster_forgets_its_peers(peers):
    """And cannot read their feeds any more."""
    peers.say("bob", "utils cluster leave", "yes")
    snapshot = peers.east.node("bob").snapshot()
    assert (peering.records(snapshot), snapshot.document("cluster-peers.json")) == ({}, {})
    assert "has joined no cluster" in peers.say("bob", "show cluster peer", status=1)


MISTAKES = (
    ("set cluster peer east2 ann account other", (PASSWORD, "yes"), "this cluster itself"),
    ("set cluster peer again eve account other", (PASSWORD, "yes"), "already, as west"),
    ("set cluster peer .. eve account other", (PASSWORD, "yes"), "cannot be the name"),
    ("set cluster peer x eve:0 account other", (PASSWORD, "yes"), "HOST[:PORT]"),
    ("set cluster peer x eve account a:b", (PASSWORD, "yes"), "cannot be the name"),
    ("set cluster peer x eve account other", ("", "yes"), "No password was given"),
    (f"set cluster peer x eve account other sha256 {'0' * 64}", (PASSWORD,), "another cert"),
    ("show cluster peer x", (), "There is no peer x"),
    ("delete cluster peer x", (), "There is no peer x"),
    (f"{LOOK} x", (), "There is no peer x"),
    ("set cluster feed x", (PASSWORD, "other"), "not the same"),
    ("set cluster feed x", ("short", "short"), "not strong enough"),
)


def test_a_mistake_is_said(peers):
    """And nothing is changed."""
    before = peering.records(peers.east.node("ann").snapshot())
    for line, answers, says in MISTAKES:
        assert says in peers.say("ann", line, *answers, status=None)
        assert peers.east.talks["ann"].status
    assert peering.records(peers.east.node("ann").snapshot()) == before


def test_in_json(peers):
    """Each command says what it has done; their forms are looked at along with all JSON."""
    said = [
        ("set cluster feed third", (PASSWORD, PASSWORD), {"account": "third"}),
        ("delete cluster feed third", (), {"account": "third"}),
        ("utils cluster peer sync", (), {"peers": [{
            "peer": "west", "trouble": None, "added": [], "removed": [], "kept_out": [],
        }]}),
        ("delete cluster peer west", (), {"peer": "west"}),
        ("show cluster peer", (), []),
    ]  # fmt: skip
    peers.say("ann", "set output json")
    for line, answers, data in said:
        assert json.loads(peers.say("ann", line, *answers))["data"] == data
    (port,) = json.loads(peers.say("ann", "show cluster feed"))["data"]["ports"]
    assert port["port"] == 8443
    pin = peers.west.node("eve").snapshot().own("tomcat").row.sha256
    line = f"set cluster peer west eve account other sha256 {pin}"
    made = json.loads(peers.say("ann", line, PASSWORD))["data"]
    assert (made["peer"], made["address"], made["account"]) == ("west", "eve", "other")
    assert made["certificate_sha256"] == pin
