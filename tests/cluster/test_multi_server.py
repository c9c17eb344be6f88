"""One certificate for all nodes: request, certificate, chain and key reach each of them."""

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from three_nodes import NAMES, PASSWORD, Cluster

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.signed import content, signed
from cucmos_shell.world.bus import Put

SYNC = "utils cluster sync"
JOIN = "utils cluster join dir:bus"


def request(cluster, name, unit="tomcat", options="multi-server"):
    """The CSR that a node has made for all."""
    cluster.say(name, f"set csr gen {unit} {options}")
    text = cluster.say(name, f"show csr own {unit}")
    return text[text.index("-----BEGIN") :].encode()


def bring(cluster, name, pem, unit="tomcat"):
    """Import the certificate that the CA has signed."""
    return cluster.say(name, f"set cert import own {unit}", pem.decode())


def own(cluster, name, unit="tomcat"):
    """DER, public key of the private key, chain and pending request of a unit."""
    snapshot = cluster.node(name).snapshot()
    public = load_pem_private_key(snapshot.private_key_pem(unit), None).public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pending = snapshot.own(unit).request
    return snapshot.own_der(unit), spki, snapshot.chain_pem(unit), pending and pending.sha256


def everywhere(cluster, unit="tomcat"):
    """What all nodes have of a unit; the assertion is that it is the same."""
    first, *others = (own(cluster, name, unit) for name in cluster.talks)
    assert all(other == first for other in others)
    return first


def in_use(cluster, outside_ca, root, **dates):
    """A certificate for all that ann has asked for and imported."""
    leaf = outside_ca.sign(request(cluster, "ann"), root, **dates)
    bring(cluster, "ann", leaf.pem)
    cluster.settle()
    return leaf


def test_request_certificate_chain_and_key_reach_every_node(cluster, outside_ca, root):
    """Under an intermediate CA; what is pending is so on each node, other units stay."""
    others = {name: own(cluster, name, "cup") for name in NAMES}
    middle = outside_ca.intermediate(root)
    csr = request(cluster, "ann")
    assert b"DNS:bob" in outside_ca.openssl("req", "-noout", "-text", data=csr)
    cluster.settle()
    assert len({own(cluster, name)[3] for name in NAMES}) == 1
    leaf = outside_ca.sign(csr, middle)
    said = bring(cluster, "bob", leaf.pem + middle.pem)
    assert "Successfully imported certificate for tomcat." in said
    cluster.settle()
    der, _, chain, pending = everywhere(cluster)
    assert der == leaf.der
    assert chain == middle.pem
    assert pending is None
    for name in NAMES:
        assert "Cisco Tomcat" in cluster.say(name, "show service pending")
        assert cluster.say(name, "show alarm").count("TomcatCertRegen") == 1
        assert own(cluster, name, "cup") == others[name]
        assert "The chain is complete" in cluster.say(name, "show cert chain tomcat")
        shown = cluster.say(name, "show cert distribution")
        assert "tomcat  certificate   on this node" in shown
        trusted = cluster.say(name, "show cert list trust | include tomcat-trust")
        assert trusted.count("-ms") == 1


def test_whoever_joins_later_gets_it(imp_template, tmp_path, keys, outside_ca):
    """Certificate, key and the pending request for the next one."""
    cluster = Cluster(imp_template, tmp_path, keys)
    cluster.say("ann", "utils cluster create dir:bus", PASSWORD)
    cluster.say("bob", JOIN, PASSWORD)
    root = outside_ca.root("Root A")
    cluster.upload("ann", "tomcat-trust", root.pem)
    cluster.settle("ann", "bob")
    bring(cluster, "ann", outside_ca.sign(request(cluster, "ann"), root).pem)
    request(cluster, "ann")
    cluster.settle("ann", "bob")
    cluster.say("cay", JOIN, PASSWORD)
    cluster.say("bob", SYNC)
    cluster.say("cay", SYNC)
    assert everywhere(cluster)[3]
    assert "waits" not in cluster.say("cay", "show cert distribution")


def test_a_removed_node_is_named_and_gets_no_more(cluster, outside_ca, root):
    in_use(cluster, outside_ca, root)
    csr = request(cluster, "ann")
    cluster.settle()
    said = cluster.say("ann", "utils cluster remove cay", "yes")
    assert "It knows the private key of the multi-server certificate of tomcat: replace it" in said
    assert not [key for key in cluster.bus.items if key.startswith("keys/") and "cay" in key]
    bring(cluster, "ann", outside_ca.sign(csr, root, start=0).pem)
    cluster.settle("ann", "bob")
    assert own(cluster, "ann")[:3] == own(cluster, "bob")[:3] != own(cluster, "cay")[:3]
    sealed = [key for key in cluster.bus.items if key.startswith("keys/own/")]
    assert len(sealed) == 2


def test_a_node_of_its_own_mind_leaves_until_there_is_a_new_one(cluster, outside_ca, root):
    """It still trusts what the others have."""
    first = in_use(cluster, outside_ca, root)
    cluster.say("bob", "set cert regen tomcat", "yes")
    cluster.settle()
    assert own(cluster, "bob")[0] != first.der
    assert own(cluster, "ann")[0] == own(cluster, "cay")[0] == first.der
    assert "tomcat  certificate   another certificate here" in cluster.say(
        "bob", "show cert distribution"
    )
    for name, other in (("bob", "ann"), ("ann", "bob")):
        snapshot = cluster.node(name).snapshot()
        trusted = {row.sha256 for row in snapshot.trust("tomcat-trust")}
        assert cluster.node(other).snapshot().own("tomcat").row.sha256 in trusted
    bring(cluster, "cay", outside_ca.sign(request(cluster, "cay"), root, start=0).pem)
    cluster.settle()
    cluster.settle()  # what bob gave the others of its own goes, too
    assert everywhere(cluster)[0] != first.der
    for name in NAMES:
        trusted = cluster.say(name, "show cert list trust | include tomcat-trust")
        assert trusted.count("-ms") == 1


@pytest.mark.parametrize("order", ["ann bob cay", "bob ann cay"])
def test_of_two_at_once_the_later_holds(cluster, outside_ca, root, order):
    """Wherever it was told first; that one was dropped is said to whoever thinks it is in use."""
    csr = request(cluster, "ann")
    cluster.settle()
    early, late = (outside_ca.sign(csr, root, start=start) for start in (-86_400, -3600))
    bring(cluster, "bob", late.pem)
    bring(cluster, "ann", early.pem)
    cluster.settle(*order.split())
    assert everywhere(cluster)[0] == late.der
    said = cluster.say("ann", "show cert distribution")
    assert ("own/tomcat, dropped " in said) is order.startswith("bob")


def test_a_request_that_is_deleted_is_so_everywhere(cluster):
    """And one of a node's own stays its own."""
    request(cluster, "ann")
    cluster.settle()
    request(cluster, "cay", options="")
    single = own(cluster, "cay")[3]
    cluster.say("bob", "set csr delete tomcat", "yes")
    cluster.settle()
    assert [own(cluster, name)[3] for name in NAMES] == [None, None, single]


def test_two_requests_at_once(cluster):
    """The one that was told first; whoever made the other is told."""
    request(cluster, "ann")
    request(cluster, "bob")
    cluster.settle()
    assert len({own(cluster, name)[3] for name in NAMES}) == 1
    assert "csr/tomcat, dropped " in (cluster.say("bob", "show cert distribution"))


def test_a_bus_that_was_lost_gets_it_again(cluster, outside_ca, root):
    in_use(cluster, outside_ca, root)
    request(cluster, "bob")
    cluster.settle()
    before = everywhere(cluster)
    cluster.bus.make_anew()
    for name in NAMES:
        cluster.say(name, "utils cluster rebuild", PASSWORD)
    cluster.settle()
    assert everywhere(cluster) == before
    assert sum(key.startswith("keys/") for key in cluster.bus.items) == 6


def test_a_state_put_back_gets_it_again(cluster, outside_ca, root):
    """The key is sealed for the node, whose own private key was put back, too."""
    cluster.snapshot("cay")
    in_use(cluster, outside_ca, root)
    cluster.restore("cay")
    cluster.settle()
    everywhere(cluster)


def test_what_a_nodes_checks_refuse_is_kept_out(cluster, outside_ca, root):
    """Here because it has ended by the time it arrives."""
    leaf = outside_ca.sign(request(cluster, "ann"), root, end=3600)
    bring(cluster, "ann", leaf.pem)
    cluster.settle("ann")
    cluster.clock.sleep(7200)
    said = cluster.say("bob", SYNC)
    assert "own/tomcat, kept out: " in said
    assert own(cluster, "bob")[0] != leaf.der


def test_no_stranger_gets_a_key_or_gives_one(cluster, outside_ca, root):
    """A sealed key opens for its node only, for that certificate."""
    in_use(cluster, outside_ca, root)
    before = everywhere(cluster)
    bus = cluster.bus
    ids = [key.removeprefix("keys/own/tomcat/") for key in bus.items if key.startswith("keys/own/")]
    stranger = bus.open(cluster.clock)
    values = [bus.items[f"keys/own/tomcat/{one}"].value for one in ids]
    swapped = zip(ids, (*values[1:], values[0]), strict=True)
    stranger.change([], [Put(f"keys/own/tomcat/{one}", value) for one, value in swapped])
    for name in NAMES:
        assert "no member of the cluster" in cluster.say(name, SYNC)
    assert everywhere(cluster) == before


@pytest.mark.parametrize(
    "change",
    [{"sha256": "", "ders": []}, {"sha256": ""}, {"ders": []}, {"ders": ["AA=="]}, {"sha256": "x"},
     {"text": "\ud800"}, {"when": -1}],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["own", "csr"])
def test_malformed_things_of_a_member_are_damage(cluster, outside_ca, root, kind, change):
    """Or nothing comes of them; no node ends in an internal error, and none loses anything."""
    in_use(cluster, outside_ca, root)
    request(cluster, "ann")
    cluster.settle()
    before = everywhere(cluster)
    key, bus = f"{kind}/tomcat", cluster.bus.open(cluster.clock)
    data = {**content(cluster.bus.items[key]), **change}
    secret = membership.secrets(cluster.node("ann").snapshot()).cluster
    era = cluster.log().meta().era
    bus.change([], [Put(key, signed(secret, key, era, cluster.bus.revision, data))])
    for line in (SYNC, "show cert distribution", "show csr own tomcat", "show cert list own"):
        cluster.say("bob", line, status=None)
        assert cluster.talks["bob"].status in (0, 1, 5), line
    assert own(cluster, "bob")[:3] == before[:3]
