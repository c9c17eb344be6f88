"""Bulk exchange over a real SFTP server: export, consolidate, import, and what is refused."""

import json
import os
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import (
    NoEncryption,
    load_pem_private_key,
    pkcs12,
)
from harness import Conversation, clock_world
from quick_authority import DAY, Authority, pem
from sftp_server import SftpServer

from cucmos_shell.commands.bulk import pack, unpack
from cucmos_shell.errors import Refused
from cucmos_shell.node import Node
from cucmos_shell.pki.der import from_pem


@pytest.fixture
def exchange(tmp_path):
    folder = tmp_path / "exchange"
    (folder / "certs").mkdir(parents=True)
    with SftpServer(folder) as server:
        server.box = folder / "certs"
        yield server


def ready(say, exchange, folder="certs", *more):
    return say("set cert bulk sftp", *exchange.answers, folder, *more)


def test_two_clusters_trust_each_other(say, ucm_node, exchange):
    """Both export, one consolidates, both import; the stores verify by openssl's reading."""
    other = Conversation(ucm_node)
    for one in (say, other):
        assert ready(one, exchange, "certs", "yes").endswith("bulk certificates is set\n")
        assert one("set cert bulk export tomcat") == (
            "Successfully exported tomcat certificate(s) to sftp server.\n"
        )
    names = {f"{say.node.hostname}_tomcat.p12", f"{ucm_node.hostname}_tomcat.p12"}
    assert set(os.listdir(exchange.box)) == names
    assert say("set cert bulk consolidate tomcat") == (
        "Successfully consolidated tomcat certificates.\n"
    )
    done = subprocess.run(
        ["openssl", "pkcs12", "-in", str(exchange.box / "tomcat.p12"), "-passin", "pass:"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.count("BEGIN CERTIFICATE") == 2
    assert "PRIVATE KEY" not in done.stdout
    for one, peer in ((say, ucm_node), (other, say.node)):
        assert one("set cert bulk import tomcat") == "Successfully imported tomcat certificates.\n"
        wanted = peer.snapshot().own("tomcat").row.sha256
        assert wanted in {row.sha256 for row in one.node.snapshot().trust("tomcat-trust")}


def test_all_units_at_once(say, exchange):
    """As JSON, too."""
    ready(say, exchange, "certs", "yes")
    assert say("set cert bulk export all").count("Successfully exported") == 5
    assert say("set cert bulk consolidate all").count("Successfully consolidated") == 5
    say("set output json")
    answer = json.loads(say("set cert bulk import all"))
    assert answer["ok"]
    assert {row["unit"] for row in answer["data"]} == set(say.node.profile.units)


@pytest.fixture
def call_manager(ucm_node):
    """Speak lines to a session of a call manager."""
    return Conversation(ucm_node)


def test_the_originals_words_on_a_call_manager(call_manager, exchange):
    """`tomcat`, `tftp`, `capf` in the original's spelling; units in none of them by their name."""
    ready(call_manager, exchange, "certs", "yes")
    for word in ("tftp", "capf", "CAPF", "TFTP"):
        shown = word.lower()
        assert call_manager(f"set cert bulk export {word}") == (
            f"Successfully exported {shown} certificate(s) to sftp server.\n"
        )
        assert (exchange.box / f"{call_manager.node.hostname}_{shown}.p12").exists()
    text = call_manager("set cert bulk export all")
    words = [line.split()[2] for line in text.splitlines()]
    assert words == ["tomcat", "tftp", "capf", "ipsec", "TVS"]
    assert call_manager.session.help("set cert bulk export ")[-8:] == (
        "",
        "Unit of the bulk exchange:",
        *(f"\t{word}" for word in (*words, "all")),
    )


def test_signers_of_another_cluster_become_known(ucm_node, call_manager, exchange, tmp_path):
    """What signs its TFTP files is trusted by the call manager and for phones; CAPF's, too."""
    shutil.copytree(ucm_node.state_dir, tmp_path / "other", symlinks=True)
    other = Conversation(Node.open(str(tmp_path / "other"), ucm_node.world))
    other("set cert regen CallManager", "yes")
    other("set cert regen CAPF", "yes")
    own = other.node.snapshot().own
    ready(other, exchange, "certs", "yes")
    ready(call_manager, exchange, "certs", "yes")
    for word in ("tftp", "capf"):
        assert "Successfully exported" in other(f"set cert bulk export {word}")
        assert "Successfully consolidated" in call_manager(f"set cert bulk consolidate {word}")
    assert call_manager("set cert bulk import tftp") == (
        "Successfully imported tftp certificates.\n"
    )
    assert call_manager("set cert bulk import all") == (
        "Successfully imported tftp certificates.\nSuccessfully imported capf certificates.\n"
    )
    for unit, stores in (
        ("CallManager", ("CallManager-trust", "Phone-SAST-trust")),
        ("CAPF", ("CAPF-trust", "CallManager-trust")),
    ):
        for store in stores:
            trusted = {row.sha256 for row in ucm_node.snapshot().trust(store)}
            assert own(unit).row.sha256 in trusted


def test_an_unknown_word_lists_the_known_ones(say):
    """A node without phones has no `tftp`."""
    assert say("set cert bulk export tftp") == (
        "tftp is not a known unit of the bulk exchange\nOne of:\n"
        "\ttomcat\n\tipsec\n\tcup\n\tcup-xmpp\n\tcup-xmpp-s2s\n\tall\n"
        "Executed command unsuccessfully\n"
    )


def test_the_servers_password_is_kept_secret(say, exchange):
    """For the owner's eyes, and never shown."""
    text = ready(say, exchange, "certs", "yes")
    path = say.node.snapshot().path("node", "bulk.json")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert exchange.answers[3] not in text + say("show audit")


def test_what_cannot_be_done_is_said(say, exchange):
    """No server, no folder, nothing exported, nothing consolidated, a strange file, a key."""
    assert "No SFTP server is set" in say("set cert bulk export tomcat")
    assert "no such directory" in ready(say, exchange, "elsewhere", "yes")
    ready(say, exchange)
    assert "no exported tomcat" in say("set cert bulk consolidate tomcat")
    assert "consolidate first" in say("set cert bulk import tomcat")
    (exchange.box / "tomcat.p12").write_bytes(b"nonsense")
    assert "not a PKCS#12 file" in say("set cert bulk import tomcat")
    assert say.status == 1
    assert "not a known" in say("set cert bulk export bogus")


def test_a_private_key_is_refused(ca):
    """Nothing is stored of a file that holds one."""
    issued = ca.root("Bulk CA")
    with pytest.raises(Refused, match="without a password"):
        unpack(ca.pkcs12(issued), "x.p12")
    key = load_pem_private_key(issued.key.read_bytes(), None)
    data = pkcs12.serialize_key_and_certificates(
        b"x", key, issued.certificate, None, NoEncryption()
    )
    with pytest.raises(Refused, match="holds a private key"):
        unpack(data, "x.p12")
    assert unpack(pack([issued.der]), "y.p12") == [issued.der]


def test_who_waits_for_the_server_lends_its_place(node_dir, keys, exchange):
    """For the sign-in, for files, and for the farewell."""
    waits = []

    def wait(function):
        waits.append(function)
        return function()

    say = Conversation(Node.open(str(node_dir), clock_world(keys, wait=wait)[0]))
    ready(say, exchange, "certs", "yes")
    assert len(waits) >= 3
    before = len(waits)
    assert "Successfully exported" in say("set cert bulk export tomcat")
    assert len(waits) >= before + 4


def test_a_bulk_that_breaks_a_chain_says_so(say, exchange):
    """As an import by hand does: a newer CA of the same name takes the older one's place."""
    old, newer = Authority("Example Root"), Authority("Example Root", start=-2 * DAY)
    say("set cert import trust tomcat", pem(old.certificate))
    say("set csr gen tomcat")
    answer = old.answer(say.node.snapshot().request_pem("tomcat"))
    say("set cert import own tomcat", pem(answer))
    ready(say, exchange, "certs", "yes")
    (exchange.box / "tomcat.p12").write_bytes(pack([from_pem(pem(newer.certificate).encode())]))
    assert say("set cert bulk import tomcat") == (
        "WARNING: Without tomcat-trust/Example_Root.pem the chain of tomcat/tomcat.pem breaks\n"
        "Successfully imported tomcat certificates.\n"
    )
    say("show cert chain tomcat")
    assert say.status == 1
