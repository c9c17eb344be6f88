"""Trust certificates imported: by paste and by file, the rules of names and of dates."""

import json
import pathlib
import subprocess

import pytest
from certificate_authority import DAY, YEAR
from harness import Conversation
from screen import Screen

SUCCESS = (
    "\nSuccessfully imported certificate for tomcat.\n"
    "Please restart services related to tomcat for the new certificate to become active.\n"
)


@pytest.fixture
def json_say(node):
    """A conversation in JSON; the data of what was said."""
    conversation = Conversation(node)
    conversation("set output json")

    def speak(line, *answers):
        return json.loads(conversation(line, *answers))

    return speak


def upload(node, name, data):
    """A file in the upload area."""
    pathlib.Path(node.state_dir, "upload", name).write_bytes(data)


def names(node, store="tomcat-trust"):
    return {row.name for row in node.snapshot().trust(store)} - {"imp-pub"}


def test_a_pasted_root_is_trusted(node, say, outside_ca):
    """Exact words; the name is the common name; OpenSSL finds it by its hash."""
    root = outside_ca.root()
    text = say("set cert import trust tomcat", root.pem.decode())
    assert say.asked == ["Paste the Certificate and Hit Enter"]
    assert SUCCESS in text
    assert text.startswith(
        "WARNING: This operation will change which certificates tomcat-trust trusts\n"
    )
    assert (
        "Running services that read tomcat-trust: Cisco Tomcat, Cisco Intercluster Sync Agent\n"
        in text
    )
    assert "tomcat-trust/Example_Root_CA.pem: Trust Certificate" in say("show cert list trust")
    view = pathlib.Path(node.state_dir, "store", "view", "tomcat-trust")
    hashed = subprocess.run(
        ["openssl", "x509", "-noout", "-subject_hash", "-in", root.path],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert (view / f"{hashed}.0").resolve().read_bytes() == root.pem


@pytest.mark.parametrize("unit", ["directory", "DIRECTORY"])
def test_a_store_without_own_certificate_takes_uploads(node, say, outside_ca, unit):
    """Directory-trust, in any case."""
    text = say(f"set cert import trust {unit}", outside_ca.root().pem.decode())
    assert "Successfully imported certificate for directory.\n" in text
    assert names(node, "directory-trust") == {"Example_Root_CA"}


def test_pem_der_and_pkcs7_are_uploaded(node, say, outside_ca):
    """With a description; as one list."""
    roots = [outside_ca.root(f"Root {i}") for i in range(4)]
    upload(node, "one.der", roots[0].der)
    upload(
        node,
        "list.pem",
        b"\xef\xbb\xbfour CAs\r\n" + (roots[1].pem + roots[2].pem).replace(b"\n", b"\r\n"),
    )
    upload(node, "list.p7b", outside_ca.pkcs7(roots, form="DER"))
    text = say("utils cert upload trust tomcat one.der description Signed Certificate")
    assert SUCCESS in text
    assert "tomcat-trust/Root_0.pem: Signed Certificate\n" in say("show cert list trust")
    assert "Root_2.pem: imported\n" in say("utils cert upload trust tomcat list.pem")
    text = say("utils cert upload trust tomcat list.p7b")
    assert "Root_0.pem: was there already\n" in text
    assert "Root_3.pem: imported\n" in text
    assert names(node) == {"Root_0", "Root_1", "Root_2", "Root_3"}


def test_of_one_common_name_the_later_start_stays(node, say, outside_ca):
    """A newer one replaces, an older one is refused, in a list it is reported."""
    old = outside_ca.root(start=-9 * DAY)
    new = outside_ca.root(start=-2 * DAY)
    other = outside_ca.root("Other CA")
    say("set cert import trust tomcat", old.pem.decode())
    text = say("set cert import trust tomcat", new.pem.decode())
    assert "Example_Root_CA.pem: imported, in place of an older one\n" in text
    head = node.snapshot().head
    text = say("set cert import trust tomcat", old.pem.decode())
    assert say.status == 1
    assert text.splitlines()[1] == (
        "tomcat-trust/Example_Root_CA.pem stays: it has the same common name and begins later"
    )
    assert node.snapshot().head == head
    text = say("set cert import trust tomcat", (old.pem + other.pem).decode())
    assert "Example_Root_CA.pem: not imported: the one there begins later\n" in text
    assert say.status == 0
    assert names(node) == {"Example_Root_CA", "Other_CA"}


def test_importing_twice_is_a_success(node, say, outside_ca):
    """Automation runs again; nothing changes, so nothing has to restart."""
    root = outside_ca.root().pem.decode()
    say("set cert import trust tomcat", root)
    head = node.snapshot().head
    assert say("set cert import trust tomcat", root) == (
        "WARNING: This operation will change which certificates tomcat-trust trusts\n"
        "\nSuccessfully imported certificate for tomcat.\n"
        "tomcat-trust/Example_Root_CA.pem: was there already\n"
    )
    assert node.snapshot().head == head
    say("set output json")
    assert json.loads(say("set cert import trust tomcat", root))["data"]["services_reading"] == []
    # One that is new among them is news to whoever reads the store.
    both = root + outside_ca.root("Another Root").pem.decode()
    assert json.loads(say("set cert import trust tomcat", both))["data"]["services_reading"]


def test_an_own_copy_stands_beside_the_rule(node, say, outside_ca):
    """A CA with the node's own name does not push its copy out."""
    text = say("set cert import trust tomcat", outside_ca.root("imp-pub").pem.decode())
    assert "tomcat-trust/imp-pub-2.pem: imported\n" in text
    assert names(node) == {"imp-pub-2"}


def test_a_leaf_is_accepted_and_noted(say, outside_ca):
    """CA:TRUE is not asked of a trust certificate."""
    text = say("set cert import trust tomcat", outside_ca.leaf(None).pem.decode())
    assert say.status == 0
    assert "imported; not a CA certificate (CA:TRUE is missing)\n" in text


def test_old_roots_are_accepted_where_the_profile_allows(node, say, outside_ca):
    """And noted; where it does not, that is a matter of policy."""
    upload(node, "v1.pem", outside_ca.root("Version 1", version=1).pem)
    upload(node, "sha1.pem", outside_ca.root("Old Hash", hash_name="sha1").pem)
    assert "imported; an X.509 version 1 root" in say("utils cert upload trust tomcat v1.pem")
    assert "a root signed with SHA-1\n" in say("utils cert upload trust tomcat sha1.pem")
    policy = node.profile.policy.replace(allow_v1_roots=False, allow_sha1_roots=False)
    node.profile = node.profile.replace(policy=policy)
    for name in ("v1.pem", "sha1.pem"):
        assert "which the policy does not allow" in say(f"utils cert upload trust ipsec {name}")
        assert say.status == 3


def test_an_expired_one_refuses_the_whole_list(node, say, outside_ca):
    """Expected and found are named; nothing of the list is taken."""
    stale = outside_ca.root("Stale", end=-1)
    head = node.snapshot().head
    text = say("set cert import trust tomcat", (outside_ca.root().pem + stale.pem).decode())
    assert text.startswith("block 2 (line ")
    assert "the certificate of Stale has expired\n" in text
    assert "Expected: a certificate that is valid at 2026-11-18T11:06:40Z\n" in text
    assert "Found: valid until 2026-11-18T11:06:39Z\n" in text
    assert "WARNING" not in text
    assert node.snapshot().head == head


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("trust tomcat-trust", "tomcat-trust is not the base name of a trust store\n"),
        ("trust nowhere", "nowhere is not the base name of a trust store\n"),
        (
            "trust CUP-xmpp-s2s",
            "cup-xmpp-s2s has no trust store of its own: its CA certificates are in cup-xmpp-trust"
            "\nImport them for cup-xmpp",
        ),
        ("own directory", "directory-trust has no own certificate\n"),
        ("own nowhere", "nowhere is not a certificate unit\n"),
        ("trust tomcat Root.pem", "Root.pem: a CA certificate is named for an own one only\n"),
        ("own tomcat Root.pem", "Root.pem is not a certificate of tomcat-trust\n"),
        ("own tomcat ipsec-trust/imp-pub.pem", "ipsec-trust/imp-pub.pem is not in tomcat-trust\n"),
    ],
)
def test_the_paste_is_taken_before_any_refusal(say, outside_ca, line, says):
    """It can never become commands; that it is for nothing is said before it."""
    text = say(f"set cert import {line}", outside_ca.root().pem.decode())
    assert say.asked == ["Paste the Certificate and Hit Enter"]
    before, _, after = text.partition(": what is pasted will not be kept\n")
    assert says.strip().startswith(before)
    assert says in after
    assert text.endswith("Executed command unsuccessfully\n")


def test_what_is_pasted_for_a_wrong_name_never_becomes_commands(node, outside_ca):
    """It is taken as any other; the command behind it runs."""
    screen = Screen(node, banner=False)
    block = outside_ca.root().pem.decode().replace("\n", "\r")
    seen = screen.type(f"set cert import trust nowhere\r{block}show myself\r")
    assert "what is pasted will not be kept\r\nPaste the Certificate" in seen
    assert "No valid command entered" not in seen
    assert "Machine Name" in seen


def test_an_empty_paste_says_what_was_missing(say):
    """In one line."""
    assert say("set cert import trust tomcat", "") == (
        "Nothing was pasted: the BEGIN line of a certificate is missing\n"
        "Executed command unsuccessfully\n"
    )


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("", "Nothing was pasted for 60 seconds: nothing was kept"),
        (
            "-----BEGIN CERTIFICATE-----\rMIIB\r",
            "The paste ended without its END line, 60 seconds ago: nothing was kept",
        ),
    ],
)
def test_a_paste_that_stops_says_what_was_missing(node, keys, says):
    """In one line, on a terminal that waits for more."""
    screen = Screen(node, banner=False)
    screen.type("set cert import trust tomcat\r")
    screen.type(keys)
    node.world.sleep(60)
    screen.terminal.tick(node.world.monotonic())
    assert screen.type("").replace("\r\n", "\n") == (
        f"{says}\nExecuted command unsuccessfully\nadmin:"
    )


def test_a_paste_that_is_cut_names_its_end(say, outside_ca):
    """As an editor's last line does."""
    text = say("set cert import trust tomcat", outside_ca.root().pem.decode()[:400])
    assert text.startswith("block 1 (line 1): its END line is missing\n")


def test_a_pasted_private_key_is_refused_and_found_nowhere(node, say, outside_ca):
    """Not in the answer, not in any file."""
    leaf = outside_ca.leaf(None)
    key = leaf.key.read_text()
    text = say("set cert import trust tomcat", leaf.pem.decode() + key)
    assert "a private key (PKCS#8); it was not stored\n" in text
    line = key.splitlines()[1]
    assert line not in text
    for file in pathlib.Path(node.state_dir).rglob("*"):
        if file.is_file():
            assert line.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "name", ["none.pem", "../lock", "/etc/passwd", "", ".", "a\x00b", "x" * 9000]
)
def test_files_outside_the_upload_area_do_not_exist(say, name):
    """Nor do links, pipes and folders in it."""
    text = say(f'utils cert upload trust tomcat "{name}"')
    assert "is not in the upload area" in text
    assert say.status == 1


def test_only_plain_files_are_read(node, say, outside_ca, tmp_path):
    """A link is not followed; a pipe holds nobody up."""
    import os

    area = pathlib.Path(node.state_dir, "upload")
    (area / "link.pem").symlink_to(outside_ca.root().path)
    os.mkfifo(area / "pipe.pem")
    (area / "folder.pem").mkdir()
    assert "is not in the upload area" in say("utils cert upload trust tomcat link.pem")
    assert "pipe.pem is not a plain file" in say("utils cert upload trust tomcat pipe.pem")
    assert "folder.pem is not a plain file" in say("utils cert upload trust tomcat folder.pem")


def test_json_reports_each(json_say, outside_ca):
    """Name, outcome, notes; a refusal has its kind."""
    answer = json_say("set cert import trust tomcat", outside_ca.root().pem.decode())
    (one,) = answer["data"]["trust"]["certificates"]
    assert (one["name"], one["outcome"]) == ("tomcat-trust/Example_Root_CA.pem", "imported")
    assert answer["data"]["services_to_restart"] == []
    assert answer["data"]["services_reading"][0] == "Cisco Tomcat"
    answer = json_say("set cert import trust tomcat", "nothing")
    assert not answer["ok"]
    assert answer["error"]["kind"] == "refused"


def test_a_downloaded_store_is_uploaded_again_as_one_list(node, say, outside_ca):
    """PEM and PKCS#7; into another store."""
    for i in range(3):
        say("set cert import trust tomcat", outside_ca.root(f"Root {i}").pem.decode())
    for form, store in (("pem", "ipsec"), ("p7b", "directory")):
        say(f"utils cert download store tomcat-trust {form}")
        made = pathlib.Path(node.state_dir, "download", f"tomcat-trust.{form}")
        upload(node, made.name, made.read_bytes())
        say(f"utils cert upload trust {store} {made.name}")
        assert say.status == 0
        assert {"Root_0", "Root_1", "Root_2"} <= names(node, f"{store}-trust")


def test_naming_by_serial_keeps_one_for_a_subject(ucm_node, outside_ca):
    """Where the profile names files by common name and serial number."""
    store = ucm_node.profile.trust_stores["tomcat-trust"]
    ucm_node.profile = ucm_node.profile.replace(
        trust_stores={
            **ucm_node.profile.trust_stores,
            store.name: store.replace(naming="cn_serial"),
        }
    )
    say = Conversation(ucm_node)
    old, new = outside_ca.root(start=-9 * DAY), outside_ca.root(end=YEAR)
    for root in (old, new):
        say("set cert import trust tomcat", root.pem.decode())
    listed = [n for n in say("show cert list trust").splitlines() if "Example_Root_CA" in n]
    number = new.certificate.serial_number
    serial = number.to_bytes(number.bit_length() // 8 + 1).hex()
    assert listed == [f"tomcat-trust/Example_Root_CA_{serial}.pem: Trust Certificate"]
