"""Clock, presets, authority and cluster of a node for tests."""

import datetime

import asyncssh
import pytest
from cryptography import x509
from ssh_server import run

from cucmos_shell.testing import LabCluster, Snapshot

AT = datetime.datetime(2026, 11, 18, 11, 6, 40, tzinfo=datetime.UTC)


def test_every_process_sees_the_clock_of_the_node(cucmos_shared_node):
    """A session of this process, and the server's."""
    node = cucmos_shared_node
    assert node.clock.freeze(datetime.datetime(2026, 11, 18, 11, 6, 40)) == AT
    assert node.clock.advance(days=26, hours=1) == AT + datetime.timedelta(days=26, hours=1)
    shown = "Mon Dec 14"

    async def main():
        async with asyncssh.connect(**node.ssh.asyncssh()) as client:
            return (await client.run("show status")).stdout

    assert shown in node.run("show status").text
    assert shown in run(main())
    assert node.clock.run(60) >= AT
    assert abs(node.clock.real() - datetime.datetime.now(datetime.UTC)).total_seconds() < 5


def test_a_restore_brings_the_clock_back(cucmos_node):
    cucmos_node.clock.freeze(AT)
    snapshot = cucmos_node.save()
    cucmos_node.clock.advance(weeks=3)
    cucmos_node.restore(snapshot)
    assert cucmos_node.clock.now() == AT


@pytest.mark.cucmos(preset="tomcat-expires-in-5-days")
def test_a_marker_names_a_preset(cucmos_node):
    certificate = cucmos_node.loaded("Cisco Tomcat")
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=4) < left <= datetime.timedelta(days=5)


def test_a_node_is_put_into_states(cucmos_node):
    cucmos_node.preset("tomcat-csr-pending")
    assert "tomcat" in cucmos_node.run("show csr list own").text
    with pytest.raises(Exception, match="no-such-thing is no preset"):
        cucmos_node.preset("no-such-thing")


def test_an_authority_signs_and_revokes(cucmos_node, cucmos_ca):
    """The whole way of a certificate, with a responder that is asked."""
    node = cucmos_node
    assert node.run("set cert import trust tomcat", cucmos_ca.chain_pem).ok
    assert node.run("set ocsp enable certificate-uri").ok
    assert node.run("set csr gen tomcat").ok
    signed = cucmos_ca.sign(node.json("show csr own tomcat")["pem"], days=47)
    certificate = x509.load_pem_x509_certificate(signed.encode())
    cucmos_ca.revoke(signed)
    answer = node.run("set cert import own tomcat Test_Issuing_CA.pem", signed)
    assert answer.status == 3, answer.text
    assert "revoked" in answer.text
    signed = cucmos_ca.sign(node.json("show csr own tomcat")["pem"], days=47)
    answer = node.run("set cert import own tomcat Test_Issuing_CA.pem", signed)
    assert answer.ok, answer.text
    assert certificate.issuer.rfc4514_string().startswith("CN=Test Issuing CA")


def test_the_authority_of_a_node_is_what_presets_sign_with(cucmos_node):
    cucmos_node.preset("tomcat-ca-signed")
    issuer = cucmos_node.loaded("Cisco Tomcat").issuer
    chain = x509.load_pem_x509_certificates(cucmos_node.ca.chain_pem.encode())
    assert issuer in [one.subject for one in chain]
    assert cucmos_node.ca.ocsp_url.startswith("http://127.0.0.1:")


def test_a_cluster_shares_what_it_is_given(cucmos_cluster, cucmos_ca):
    """Trust certificates come to all nodes but those that are cut off, and to them afterwards."""
    assert isinstance(cucmos_cluster, LabCluster)
    first, second, third = cucmos_cluster
    before = cucmos_cluster.sync()

    def has(name):
        return "Test_Root_CA" in cucmos_cluster[name].run("show cert list trust").text

    with cucmos_cluster.partition([first, second], [third]):
        answer = cucmos_cluster[first].run("set cert import trust tomcat", cucmos_ca.chain_pem)
        assert answer.ok
        assert cucmos_cluster.sync() > before
        assert [has(name) for name in (first, second, third)] == [True, True, False]
        assert not cucmos_cluster[third].run("utils cluster sync").ok
    with cucmos_cluster.down(second):
        cucmos_cluster.sync()
    assert has(third)


def test_a_cluster_is_put_back_as_a_whole(cucmos_cluster, cucmos_ca):
    """Nodes and what they have told each other: nobody finds that the others went back."""
    first, second, _ = cucmos_cluster
    kept = cucmos_cluster.save()
    before = cucmos_cluster.sync()
    assert cucmos_cluster[first].run("set cert import trust tomcat", cucmos_ca.chain_pem).ok
    assert cucmos_cluster.sync() > before
    assert "Test_Root_CA" in cucmos_cluster[second].run("show cert list trust").text
    cucmos_cluster.restore(kept)
    for node in cucmos_cluster.values():
        assert "Test_Root_CA" not in node.run("show cert list trust").text
    # A deletion or a return would be told of; what is uploaded again reaches all.
    assert cucmos_cluster.sync() >= before
    assert cucmos_cluster[second].run("set cert import trust tomcat", cucmos_ca.chain_pem).ok
    cucmos_cluster.sync()
    for node in cucmos_cluster.values():
        assert "Test_Root_CA" in node.run("show cert list trust").text
        assert "kept out" not in node.run("show cert distribution").text
    with pytest.raises(LookupError):
        cucmos_cluster.restore(Snapshot("never"))
