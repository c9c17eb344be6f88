"""The whole third-party procedure against the openssl program as the CA, for units and keys."""

import pathlib

import pytest
from certificate_authority import DAY

UNITS = ("tomcat", "cup-xmpp", "cup-xmpp-s2s")


def names_line(snapshot, unit):
    """What a CA that drops the request's extensions is told to write."""
    names = snapshot.own(unit).request.alternative_names
    return f"subjectAltName = {','.join(names)}"


def verified(ca, node, unit, trust_store):
    """What openssl says of the node's certificate, by the folder the node keeps for it."""
    snapshot = node.snapshot()
    view = pathlib.Path(node.state_dir, "store", "view")
    words = ["verify", "-attime", int(ca.now), "-no-CAfile", "-no-CAstore"]
    words += ["-CApath", view / trust_store]
    if kept := snapshot.chain_pem(unit):
        chain = ca.folder / "kept-chain.pem"
        chain.write_bytes(kept)
        words += ["-untrusted", chain]
    return ca.openssl(*words, view / unit / f"{unit}.pem").decode()


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("key", ["rsa2048", "ec384"])
@pytest.mark.parametrize("copied", [True, False], ids=["copied", "dropped"])
def test_the_procedure(node, say, outside_ca, unit, key, copied):
    """Request, signature, CA certificates, import, restart: and openssl agrees."""
    trust_store = node.profile.units[unit].trust_store
    base = node.profile.trust_stores[trust_store].base
    service = node.profile.units[unit].services[0]
    root = outside_ca.root(key="rsa2048" if key[0] == "r" else "ec256")
    issuing = outside_ca.intermediate(root, key="rsa2048" if key[0] == "r" else "ec384")
    # 1, 2: the request leaves the node
    assert say(f"set csr gen {unit} key {key}") == f"Successfully Generated CSR  for {unit}\n"
    csr = say(f"show csr own {unit}").partition("-----BEGIN")
    # 3: the CA signs it
    extensions = ["basicConstraints = CA:FALSE", "extendedKeyUsage = serverAuth,clientAuth"]
    if not copied:
        extensions.append(names_line(node.snapshot(), unit))
    signed = outside_ca.sign(
        (csr[1] + csr[2]).encode(), issuing, copy_extensions=copied, extensions=extensions,
        end=47 * DAY,
    )  # fmt: skip
    # 4: without the CA's certificates it is not taken; with them it is
    text = say(f"set cert import own {unit}", signed.pem.decode())
    assert text.startswith("CA certificate is not available in the trust-store\n")
    say(f"set cert import trust {base}", (root.pem + issuing.pem).decode())
    # 5: key, certificate and chain change together
    text = say(f"set cert import own {unit}", signed.pem.decode())
    assert f"Successfully imported certificate for {unit}.\n" in text
    assert service in text
    assert f"{unit}/{unit}.pem: Certificate Signed by Example Issuing CA\n" in say(
        "show cert list own"
    )
    # 6: in use after a restart, and not before
    assert service in say("show service pending")
    say(f"utils service restart {service}")
    assert service not in say("show service pending")
    # 7: a second opinion
    assert verified(outside_ca, node, unit, trust_store).endswith(": OK\n")
    assert "The chain is complete" in say(f"show cert chain {unit}")


def test_two_units_share_a_trust_store(node, say, outside_ca):
    """cup-xmpp and cup-xmpp-s2s: both signed, both copies there, openssl accepts both."""
    root = outside_ca.root()
    say("set cert import trust cup-xmpp", root.pem.decode())
    for unit in ("cup-xmpp", "cup-xmpp-s2s"):
        say(f"set csr gen {unit}")
        signed = outside_ca.sign(node.snapshot().request_pem(unit), root)
        say(f"set cert import own {unit}", signed.pem.decode())
        assert say.status == 0
    owners = {row.owner for row in node.snapshot().trust("cup-xmpp-trust")}
    assert owners == {"", "cup-xmpp", "cup-xmpp-s2s"}
    for unit in ("cup-xmpp", "cup-xmpp-s2s"):
        assert verified(outside_ca, node, unit, "cup-xmpp-trust").endswith(": OK\n")


def test_multi_server_certificates_are_imported(node, say, outside_ca):
    """Other common name, all the names of the cluster."""
    root = outside_ca.root()
    say("set cert import trust tomcat", root.pem.decode())
    say("set csr gen tomcat multi-server")
    signed = outside_ca.sign(node.snapshot().request_pem("tomcat"), root)
    say("set cert import own tomcat", signed.pem.decode())
    assert say.status == 0
    assert "tomcat-trust/imp-pub-ms.example.com.pem: Trust Certificate\n" in say(
        "show cert list trust"
    )
    assert verified(outside_ca, node, "tomcat", "tomcat-trust").endswith(": OK\n")


def test_the_call_manager_profile_too(ucm_node, outside_ca):
    """Its own units, the same procedure."""
    from harness import Conversation

    say = Conversation(ucm_node)
    root = outside_ca.root()
    for unit, spec in ucm_node.profile.units.items():
        base = ucm_node.profile.trust_stores[spec.trust_store].base
        say(f"set cert import trust {base}", root.pem.decode())
        say(f"set csr gen {unit}")
        assert say.status == 0
        signed = outside_ca.sign(ucm_node.snapshot().request_pem(unit), root)
        text = say(f"set cert import own {unit}", signed.pem.decode())
        assert say.status == 0, text
        assert verified(outside_ca, ucm_node, unit, spec.trust_store).endswith(": OK\n")
