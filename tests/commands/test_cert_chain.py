"""`show cert chain`: up to the anchor, or where and why it breaks."""

import json

from harness import Conversation


def trust(say, *issued, unit="tomcat"):
    say(f"set cert import trust {unit}", b"".join(one.pem for one in issued).decode())
    assert say.status == 0


def test_a_self_signed_certificate_is_its_own_anchor(say):
    """One line and the verdict."""
    lines = say("show cert chain tomcat").splitlines()
    assert "tomcat/tomcat.pem, trust anchor" in lines[1]
    assert lines[-1] == "The chain is complete: it ends in tomcat-trust."


def test_an_intermediate_leads_to_its_root(say, outside_ca):
    """In its own store; once the root is gone, the reason is told."""
    root = outside_ca.root()
    issuing = outside_ca.intermediate(root)
    trust(say, root, issuing)
    text = say("show cert chain tomcat-trust/Example_Issuing_CA.pem")
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["0", "1"]
    assert "CN=Example Root CA" in lines[2]
    assert lines[2].endswith("tomcat-trust, trust anchor")
    assert "complete" in lines[-1]
    say("set cert delete tomcat-trust Example_Root_CA.pem")
    text = say("show cert chain tomcat-trust/Example_Issuing_CA.pem")
    assert say.status == 1
    assert [line.split()[0] for line in text.splitlines()[1:2]] == ["0"]
    assert text.endswith(
        "The chain breaks here: CA certificate is not available in the trust-store\n"
        "issuer CN=Example Root CA is not in tomcat-trust; import it first\n"
        "Executed command unsuccessfully\n"
    )


def test_an_expired_anchor_is_named(node, say, outside_ca):
    """As of the node's clock."""
    trust(say, outside_ca.root(end=86400))
    node.world.sleep(2 * 86400)
    text = say("show cert chain tomcat-trust/Example_Root_CA.pem")
    assert "breaks here: CN=Example Root CA expired on 2026-11-19" in text


def test_a_leaf_and_json(node, say, outside_ca):
    """The same facts as data."""
    root = outside_ca.root()
    trust(say, root, outside_ca.leaf(root))
    say = Conversation(node)
    say("set output json")
    data = json.loads(say("show cert chain tomcat-trust/host.example.com.pem"))["data"]
    assert data["complete"]
    assert [link["anchor"] for link in data["chain"]] == [False, True]
    say("set cert delete tomcat-trust Example_Root_CA")
    line = json.loads(say("show cert chain tomcat-trust/host.example.com.pem"))
    assert (line["ok"], say.status) == (False, 1)
    error = line["error"]
    assert error["message"].startswith("The chain breaks here: CA certificate is not available")
    found = error["details"]
    assert not found["complete"]
    assert [link["common_name"] for link in found["chain"]] == ["CN=host.example.com"]


def test_an_unknown_name_fails(say):
    """Like every name."""
    assert "is not a certificate of a trust store" in say("show cert chain nothing")
    assert say.status == 1
