"""The trust lists of a node: made with its certificates, shown, signed anew, taken from outside."""

import json
import pathlib
import shutil

import pytest
from certificate_authority import CertificateAuthority
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from harness import Conversation, clock_world
from wrong_profiles import refused

from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.pki import certs
from cucmos_shell.pki.trust_lists import build, form, read
from cucmos_shell.profile.profile import find

CTL, ITL = "CTLFile.tlv", "ITLFile.tlv"
RECOVERY = """  ITLRecovery:
    key: rsa2048
    hash: sha256
    subject: *subject
    key_usage: *own_usage
    extended_key_usage: *tls
    csr_key_usage: *csr_usage
    csr_extended_key_usage: *tls
    validity_days: 1825
    trust_store: CallManager-trust
    services: [Cisco Tftp]

# `base` is"""


def lists_of_12(text):
    """The profile as releases from 12 on have it: the recovery key signs, CallManager is second."""
    text = text.replace("# `base` is", RECOVERY, 1)
    head, lists = text.split("trust_lists:\n", 1)
    lists, services = lists.split("# --- services", 1)
    lists = lists.replace("    signer: CallManager", "    signer: ITLRecovery")
    lists = lists.replace("records: [", "records: [[sast, ITLRecovery], ")
    lists = lists.replace("    never_together: [[CallManager, TVS]]",
        "    recovery: ITLRecovery\n"
        "    never_together: [[CallManager, ITLRecovery], [CallManager, TVS]]")  # fmt: skip
    return f"{head}trust_lists:\n{lists}# --- services{services}"


@pytest.fixture(scope="session")
def template_12(keys, tmp_path_factory):
    folder = tmp_path_factory.mktemp("release12")
    profile = folder / "ucm-12.yaml"
    profile.write_text(lists_of_12(pathlib.Path(find("ucm-9.1")).read_text()))
    world, _ = clock_world(keys)
    install(str(folder / "node"), str(profile), world, speed=0)
    return folder / "node"


@pytest.fixture
def node_12(template_12, tmp_path, world):
    folder = shutil.copytree(template_12, tmp_path / "ucm12", symlinks=True)
    return Node.open(str(folder), world)


@pytest.fixture
def ucm(ucm_node):
    return Conversation(ucm_node)


@pytest.fixture
def ucm_12(node_12):
    return Conversation(node_12)


def held(node, name):
    """The list as the node has it, verified; None if there is none."""
    raw = node.snapshot().find_file("lists", name)
    if raw is None:
        return None
    found = read.read(raw)
    read.verify(found)
    return found


def signer(node, name):
    found = held(node, name)
    der = read.verify(found).certificate
    snapshot = node.snapshot()
    return next(unit for unit in snapshot.units if snapshot.own_der(unit) == der)


def parties(node, name):
    """`(role, unit)` of each record; no unit for a record without certificate."""
    snapshot = node.snapshot()
    units = {snapshot.own_der(unit): unit for unit in snapshot.units} | {b"": ""}
    return [(r.role_name, units[r.certificate]) for r in held(node, name).records]


SAST = "System Administrator Security Token"


# --- made with the certificates ------------------------------------------------------------------


def test_a_fresh_node_has_an_itl_file_and_no_ctl_file(ucm_node):
    assert parties(ucm_node, ITL) == [
        (SAST, "CallManager"), ("CCM+TFTP", "CallManager"), ("TVS", "TVS"), ("CAPF", "CAPF"),
    ]  # fmt: skip
    assert signer(ucm_node, ITL) == "CallManager"
    assert held(ucm_node, CTL) is None


@pytest.mark.parametrize("unit", ["CallManager", "CAPF", "TVS"])
def test_a_new_certificate_is_in_the_lists_from_the_same_change_on(ucm, unit):
    node = ucm.node
    ucm("utils ctl set-cluster mixed-mode", "y")
    before = node.snapshot()
    ctl = held(node, CTL)
    ucm(f"set cert regen {unit}", "yes")
    assert node.snapshot().head == before.head + 1
    assert parties(node, ITL)[-1] == ("CAPF", "CAPF")  # all of them present certificates
    assert signer(node, ITL) == "CallManager"
    assert (held(node, CTL) == ctl) == (unit == "TVS")
    assert unit == "TVS" or unit in [name for _, name in parties(node, CTL)]


def test_a_certificate_that_is_in_no_list_changes_none(ucm):
    before = ucm.node.snapshot().version("lists")
    ucm("set cert regen tomcat", "yes")
    ucm("set csr gen CallManager")
    ucm("utils service restart Cisco Tftp")
    assert ucm.node.snapshot().version("lists") == before


def test_a_change_that_a_list_cannot_follow_does_not_happen(ucm, tmp_path):
    """An EC certificate for the unit that signs: phones could not verify its signature."""
    node = ucm.node
    ca = CertificateAuthority(tmp_path / "authority", now=node.now())
    root = ca.root()
    (pathlib.Path(node.state_dir) / "upload" / "root.pem").write_bytes(root.pem)
    ucm("utils cert upload trust CallManager root.pem")
    ucm("set csr gen CallManager key ec256")
    request = node.snapshot().request_pem("CallManager")
    signed = ca.sign(request, root, extensions=("basicConstraints = CA:FALSE",))
    (pathlib.Path(node.state_dir) / "upload" / "own.pem").write_bytes(signed.pem)
    before = node.snapshot().head
    text = ucm("utils cert upload own CallManager own.pem")
    assert "The ITL file cannot be signed with the key of CallManager" in text
    assert ucm.status == 1
    assert node.snapshot().head == before


def test_another_product_has_no_lists(say):
    for line in ("show ctl", "show itl", "utils ctl update CTLFile", "utils itl reset localkey"):
        assert "has no" in say(line)
        assert say.status == 1
    say("set cert regen tomcat", "yes")
    assert not say.node.snapshot().has("lists")


# --- mixed and non-secure ------------------------------------------------------------------------


def test_mixed_mode_makes_a_ctl_file_and_non_secure_mode_empties_it(ucm):
    node = ucm.node
    text = ucm("utils ctl set-cluster mixed-mode", "y")
    assert text.splitlines()[1:] == [
        "Moving Cluster to Mixed Mode",
        "Cluster set to Mixed Mode",
        "Please Restart the TFTP and Cisco CallManager services on all nodes in the cluster "
        "that run these services",
    ]
    assert parties(node, CTL) == [
        (SAST, "CallManager"), ("CCM+TFTP", "CallManager"), ("CAPF", "CAPF"),
    ]  # fmt: skip
    mixed = held(node, CTL)
    assert "Mixed Mode already" in ucm("utils ctl set-cluster mixed-mode")
    assert held(node, CTL) == mixed
    ucm("utils ctl set-cluster non-secure-mode", "y")
    assert parties(node, CTL) == [(SAST, "CallManager"), ("CCM+TFTP", ""), ("CAPF", "CAPF")]
    empty = held(node, CTL)
    assert [empty.records[i] for i in (0, 2)] == [mixed.records[i] for i in (0, 2)]
    ucm("set cert regen CallManager", "yes")
    assert parties(node, CTL) == [(SAST, "CallManager"), ("CCM+TFTP", ""), ("CAPF", "CAPF")]


def test_no_is_an_answer(ucm):
    head = ucm.node.snapshot().head
    ucm("utils ctl set-cluster mixed-mode", "n")
    assert ucm.status == 0
    assert ucm.node.snapshot().head == head


def test_without_mixed_mode_there_is_nothing_to_update(ucm):
    for line in ("utils ctl update CTLFile", "utils ctl reset localkey"):
        assert "There is no CTL file" in ucm(line)
        assert ucm.status == 1
    assert "There is no CTL file" in ucm("utils ctl download ctl")
    assert ucm("show ctl").splitlines() == [
        "Length of CTL file: 0",
        "CTL File not found. Please run CTLClient plugin or run the CLI - utils ctl.. to generate "
        "the CTL file.",
        "Error parsing the CTL File.",
    ]
    assert ucm.status == 0
    ucm("utils ctl set-cluster non-secure-mode")
    assert held(ucm.node, CTL) is None


def test_a_subscriber_leaves_the_lists_to_its_publisher(ucm_node):
    node = Node(ucm_node.state_dir, ucm_node.profile.replace(role="Subscriber"), ucm_node.world)
    ucm = Conversation(node)
    for line in (
        "utils ctl set-cluster mixed-mode", "utils ctl update CTLFile", "utils ctl reset localkey",
        "utils ctl upload x", "utils itl reset localkey", "utils itl reset remotekey",
    ):  # fmt: skip
        assert "for the publisher" in ucm(line, "", "")
        assert ucm.status == 1


# --- signers by release --------------------------------------------------------------------------


def test_from_release_12_on_the_recovery_key_signs(ucm_12):
    node = ucm_12.node
    assert signer(node, ITL) == "ITLRecovery"
    assert parties(node, ITL)[:3] == [
        (SAST, "ITLRecovery"), (SAST, "CallManager"), ("CCM+TFTP", "CallManager"),
    ]  # fmt: skip
    ucm_12("utils ctl set-cluster mixed-mode", "y")
    assert signer(node, CTL) == "ITLRecovery"
    shown = ucm_12("show ctl")
    assert shown.count("This etoken was used to sign the CTL file.") == 1
    assert shown.count("This etoken was not used to sign the CTL file.") == 1


def test_the_local_key_signs_until_the_service_starts_again(ucm_12):
    node = ucm_12.node
    before = held(node, ITL)
    text = ucm_12("utils itl reset localkey")
    assert "Number of Active TFTP servers in the cluster : 1" in text
    assert "Successfully transferred reset ITL to node cucm-pub" in text
    assert signer(node, ITL) == "CallManager"
    assert held(node, ITL).contents == before.contents
    ucm_12("set cert regen tomcat", "yes")
    ucm_12("utils service restart Cisco Tomcat")
    assert signer(node, ITL) == "CallManager"
    ucm_12("utils service restart Cisco Tftp")
    assert signer(node, ITL) == "ITLRecovery"
    assert held(node, ITL).contents == before.contents
    assert ucm_12.status == 0


def test_a_new_certificate_ends_the_reset(ucm_12):
    ucm_12("utils itl reset localkey")
    ucm_12("set cert regen CAPF", "yes")
    assert signer(ucm_12.node, ITL) == "ITLRecovery"


def test_the_ctl_file_is_reset_until_it_is_updated(ucm_12):
    node = ucm_12.node
    ucm_12("utils ctl set-cluster mixed-mode", "y")
    assert ucm_12("utils ctl reset localkey").splitlines() == [
        "CTLFile.tlv will be reset now",
        "and signed using CallManager certificate key...",
        "",
        "CTL file Reset.",
        "",
        "Please reset all the phones to pickup the new CTL File.",
    ]
    assert signer(node, CTL) == "CallManager"
    ucm_12("utils service restart Cisco Tftp")
    assert signer(node, CTL) == "CallManager"
    assert "CTL file Updated" in ucm_12("utils ctl update CTLFile", "y")
    assert signer(node, CTL) == "ITLRecovery"


def test_with_a_stopped_service_no_server_gets_the_list(ucm):
    ucm("utils service stop Cisco Tftp")
    text = ucm("utils itl reset localkey")
    assert "Number of Active TFTP servers in the cluster : 0" in text
    assert "Successfully transferred" not in text


def test_the_recovery_key_comes_back_from_a_file(ucm_12):
    node = ucm_12.node
    snapshot = node.snapshot()
    first = snapshot.own_der("ITLRecovery")
    key = load_pem_private_key(snapshot.private_key_pem("ITLRecovery"), None)
    sealed = pkcs12.serialize_key_and_certificates(
        b"recovery", key, certs.load_der(first), None, BestAvailableEncryption(b"s3cret!")
    )
    (pathlib.Path(node.state_dir) / "upload" / "ITLRecovery.p12").write_bytes(sealed)
    ucm_12("set cert regen ITLRecovery", "yes")
    assert node.snapshot().own_der("ITLRecovery") != first
    assert "the password is wrong" in ucm_12("utils itl reset remotekey", "", "wrong")
    assert node.snapshot().own_der("ITLRecovery") != first
    ucm_12("utils itl reset remotekey", "", "s3cret!")
    assert ucm_12.status == 0
    assert node.snapshot().own_der("ITLRecovery") == first
    assert read.verify(held(node, ITL)).certificate == first


def test_release_9_has_no_recovery_key(ucm):
    assert "has no recovery certificate" in ucm("utils itl reset remotekey", "", "s3cret!")
    assert ucm.status == 1
    assert len(ucm.asked) == 2


# --- upload, download, delete --------------------------------------------------------------------


def up(node, name, data):
    (pathlib.Path(node.state_dir) / "upload" / name).write_bytes(data)


def foreign_list(keys, der=None, key=None, roles=(form.SAST, 2), **more):
    """A list as a CTL client would bring it: signed by a token that the node has never seen."""
    key = key or keys("rsa1024")
    der = der or certs.to_der(
        certs.self_signed(
            key,
            subject=certs.subject_name([("O", "Example"), ("CN", "token")]),
            alternative_names=None,
            key_usage=("digitalSignature",),
            extended_key_usage=(),
            basic_constraints=None,
            days=1000,
            hash_name="sha256",
            now=1_790_000_000,
            serial=0x4242,
        )
    )
    records = [build.Party(role, der, more.get("dns", "")) for role in roles]
    signs = build.Signer(der, certs.key_pem(key))
    name = more.get("name", CTL)
    return der, key, build.build(name, records, signs, digest="sha512", timestamp=1_790_000_000)


def test_a_list_signed_by_nobody_known_is_refused(ucm, keys):
    _, _, raw = foreign_list(keys)
    up(ucm.node, "foreign.tlv", raw)
    text = ucm("utils ctl upload foreign.tlv")
    assert "The signer of the file is not known: CN=token;O=Example" in text
    assert "no signer of the CTL file held now" in text
    assert ucm.status == 1
    assert held(ucm.node, CTL) is None


def test_a_list_is_taken_if_its_signer_is_in_a_trust_store(ucm, keys):
    node = ucm.node
    der, key, raw = foreign_list(keys)
    up(node, "token.der", der)
    up(node, CTL, raw)
    ucm("utils cert upload trust Phone-SAST token.der")
    assert "2 records, signed by CN=token;O=Example" in ucm(f"utils ctl upload {CTL}")
    assert held(node, CTL).raw == raw
    # From now on its signers are known, whatever the trust stores hold.
    ucm("set cert delete Phone-SAST-trust token.pem")
    _, _, second = foreign_list(keys, der, key, roles=(form.SAST, 2, 4))
    up(node, CTL, second)
    ucm(f"utils ctl upload {CTL}")
    assert held(node, CTL).raw == second
    # And it stays as it is when certificates change, until somebody wants the node's own.
    assert "CTLFile.tlv, stays as it was uploaded" in ucm("show cert impact CallManager")
    ucm("set cert regen CallManager", "yes")
    assert held(node, CTL).raw == second
    ucm("utils ctl set-cluster mixed-mode", "y")
    assert signer(node, CTL) == "CallManager"


def test_broken_and_misplaced_files_are_refused(ucm, keys):
    node = ucm.node
    der, key, raw = foreign_list(keys)
    up(node, "token.der", der)
    ucm("utils cert upload trust Phone-SAST token.der")
    _, _, itl = foreign_list(keys, der, key, name=ITL)
    _, _, unsigned = foreign_list(keys, der, key, roles=(2,))
    cases = {
        "short": (raw[:-1], "is not a trust list"),
        "empty": (b"", "is not a trust list"),
        "zeros": (bytes(5 << 20), "larger than"),
        "changed": (raw[:-3] + b"???", "is not a trust list"),
        "name": (raw.replace(b"CTLFile", b"CTLfile"), "says that it is CTLfile.tlv"),
        "time": (raw[:300].replace(b"\x6a\xb1", b"\x6a\xb0") + raw[300:], "signature is wrong"),
        "itl": (itl, "says that it is ITLFile.tlv, not CTLFile.tlv"),
        "role": (unsigned, "has not the role"),
    }
    for name, (data, words) in cases.items():
        up(node, name, data)
        text = ucm(f"utils ctl upload {name}")
        assert words in text, name
        assert ucm.status == 1, name
        assert held(node, CTL) is None, name
    assert "not in the upload area" in ucm("utils ctl upload nothing")


def test_what_is_downloaded_can_be_uploaded(ucm):
    node = ucm.node
    ucm("utils ctl set-cluster mixed-mode", "y")
    before = held(node, CTL)
    assert "File   : CTLFile.tlv" in ucm("utils ctl download ctl")
    text = ucm("utils ctl download itl phones.tlv")
    assert f"Size   : {len(held(node, ITL).raw)} bytes" in text
    folder = pathlib.Path(node.state_dir)
    assert (folder / "download" / "phones.tlv").read_bytes() == held(node, ITL).raw
    shutil.copy(folder / "download" / CTL, folder / "upload" / CTL)
    ucm(f"file delete tftp {CTL}", "y")
    assert held(node, CTL) is None
    ucm(f"utils ctl upload {CTL}")
    assert held(node, CTL) == before


def test_a_deleted_list_is_gone_until_it_is_made_again(ucm):
    node = ucm.node
    ucm("utils ctl set-cluster mixed-mode", "y")
    assert ucm(f"file delete tftp {CTL}", "n").splitlines()[-1] == "files: found = 1, deleted = 0"
    assert ucm(f"file delete tftp {CTL}", "y").splitlines() == [
        "Delete the File CTLFile.tlv?",
        "files: found = 1, deleted = 1",
    ]
    assert "CTL File not found" in ucm("show ctl")
    ucm("set cert regen CallManager", "yes")
    assert held(node, CTL) is None
    assert "There is no CTLFile.tlv" in ucm(f"file delete tftp {CTL} noconfirm")
    ucm("utils ctl update CTLFile", "y")
    assert signer(node, CTL) == "CallManager"
    ucm(f"file delete tftp {ITL} noconfirm")
    assert "It is made when Cisco Tftp starts." in ucm("show itl")
    ucm("utils service restart Cisco Tomcat")
    assert held(node, ITL) is None
    ucm("utils service restart Cisco Tftp")
    assert signer(node, ITL) == "CallManager"


def test_phones_are_said_not_to_load_a_large_list(ucm, keys):
    node = ucm.node
    der, _, raw = foreign_list(keys, dns="x" * 33_000, roles=(form.SAST, 2))
    assert len(raw) > form.MAX_PHONE
    up(node, "token.der", der)
    up(node, CTL, raw)
    ucm("utils cert upload trust Phone-SAST token.der")
    warning = f"Warning: the CTL file has {len(raw)} bytes; phones load no more than 65535"
    assert warning in ucm(f"utils ctl upload {CTL}")
    assert warning in ucm("show ctl")
    assert "phones load" not in ucm("show itl")


# --- shown ---------------------------------------------------------------------------------------


def test_the_product_s_layout(ucm):
    """Tab stops, misspelt names, octets without leading zeros, the sums of the whole file."""
    lines = ucm("show itl").splitlines()
    found = held(ucm.node, ITL)
    assert lines[0] == "The checksum value of the ITL file:"
    assert lines[1].endswith("(MD5)")
    assert lines[2].endswith("(SHA1)")
    assert lines[4] == f"Length of ITL file: {len(found.raw)}"
    assert lines[5] == "The ITL File was last modified on Wed Nov 18 11:06:40 UTC 2026"
    assert lines[7:9] == ["\tParse ITL File", "\t----------------"]
    assert lines[10] == "Version:\t1.2"
    assert lines[11] == f"HeaderLength:\t{found.header.size} (BYTES)"
    assert "8\tDIGESTALGORTITHM\t1" in lines
    assert "10\tSIGNATUREALGORTITHM\t1" in lines
    assert "7\tSIGNATUREINFO\t2\t15" in lines
    assert "12\tSIGNATURE\t256" in lines
    at = lines.index("12\tSIGNATURE\t256")
    octets = [int(o, 16) for line in lines[at + 1 : at + 33] for o in line.split()]
    assert bytes(octets) == found.header.signature
    assert not any(o.startswith("0") for o in lines[at + 1].split() if len(o) > 1)
    assert "4\tFUNCTION\t2\tCCM+TFTP" in lines
    assert "2\tDNSNAME\t\t9\tcucm-pub" in lines
    assert lines.count("This etoken was used to sign the ITL file.") == 1
    assert lines[-1] == "The ITL file was verified successfully."


def test_as_data_a_list_has_header_records_certificates_and_verdict(ucm):
    ucm("set output json")
    data = json.loads(ucm("show itl"))["data"]["list"]
    found = held(ucm.node, ITL)
    assert data["header"]["signer"] == found.header.signer_name
    assert data["header"]["signature"] == found.header.signature.hex()
    assert [r["role"] for r in data["records"]] == [r.role_name for r in found.records]
    assert [r["signed_the_list"] for r in data["records"]] == [True, False, False, False]
    assert len(data["certificates"]) == 3
    pems = [certs.to_der(certs.load_pem(c["pem"].encode())) for c in data["certificates"]]
    assert pems == list(dict.fromkeys(r.certificate for r in found.records))
    assert data["verdict"] == {"verified": True, "reason": None}
    assert json.loads(ucm("show ctl"))["data"] == {"name": CTL, "list": None}


def test_foreign_text_in_a_list_steers_no_terminal(ucm, keys):
    der, _, raw = foreign_list(keys, dns="\x1b[2Jadmin:\u202e")
    up(ucm.node, "token.der", der)
    up(ucm.node, CTL, raw)
    ucm("utils cert upload trust Phone-SAST token.der")
    ucm(f"utils ctl upload {CTL}")
    shown = ucm("show ctl")
    assert "\\u{1B}[2J" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


# --- the classic outage --------------------------------------------------------------------------


def test_phones_are_not_left_without_a_signer_unknowingly(ucm):
    assert "WARNING" not in ucm("show cert impact CallManager")
    ucm("set cert regen TVS", "yes")
    assert "WARNING: TVS has changed" in ucm("show cert impact CallManager")
    assert "WARNING" not in ucm("show cert impact TVS")
    assert "WARNING" not in ucm("show cert impact CAPF")
    ucm("utils service restart Cisco Tftp")
    assert "WARNING" not in ucm("show cert impact CallManager")
    ucm("set cert regen CallManager", "yes")
    assert "WARNING: CallManager has changed" in ucm("show cert impact TVS")


def test_from_release_12_on_the_two_signers_are_not_changed_together(ucm_12):
    text = ucm_12("show cert impact ITLRecovery")
    assert "ITLFile.tlv, made anew and signed" in text
    assert "WARNING" not in text
    ucm_12("set cert regen CallManager", "yes")
    assert "WARNING: CallManager has changed" in ucm_12("show cert impact ITLRecovery")
    ucm_12("set output json")
    data = json.loads(ucm_12("show cert impact ITLRecovery"))["data"]["trust_lists"]
    assert data == {
        "made_anew": [ITL],
        "left_as_uploaded": [],
        "phones_left_without_signer": True,
        "units_together": ["ITLRecovery", "CallManager"],
    }


def test_a_unit_in_no_list_has_no_lists(ucm, say):
    assert "Lists for phones" not in ucm("show cert impact tomcat")
    assert "Lists for phones" not in say("show cert impact tomcat")


# --- the profile ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("    signer: CallManager", "    signer: tomcat", "signer"),
        ("[capf, CAPF]]", "[capf, CAPX]]", "records"),
        ("[capf, CAPF]]", "[cap, CAPF]]", "records"),
        ("digest: sha1", "digest: md5", "digest"),
        ("never_together: [[CallManager, TVS]]", "never_together: [[TVS]]", "never_together"),
        ("never_together: [[CallManager, TVS]]", "never_together: [[TVX, TVS]]", "never_together"),
        ("emptied: [ccm+tftp]", "emptied: [x]", "emptied"),
        ("    title: CTL", "    title: itl", "trust_lists"),
        ("  CTLFile.tlv:", "  a/b:", "trust_lists"),
    ],
)
def test_a_profile_with_a_wrong_list_is_refused(tmp_path, old, new, key):
    text = pathlib.Path(find("ucm-9.1")).read_text()
    assert old in text
    path = tmp_path / "wrong.yaml"
    path.write_text(text.replace(old, new, 1))
    message, details = refused(path)
    assert key in "\n".join([message, *details])
