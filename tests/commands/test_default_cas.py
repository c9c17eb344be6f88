"""The CAs that the product knows by itself: a profile may name some, and commands trust them."""

import json
import shutil

import pytest
from harness import Conversation, Keys, clock_world
from quick_authority import DAY, Authority, pem

from cucmos_shell.errors import ProfileError
from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.profile.load import load_yaml

HEAD = "format: 1\nname: mine\nbase: ucm-15\n"
GROUPS = "default_cas: {groups: {phones: {file: makers.pem}, call-home: {file: home.pem}}}\n"
MAKER, ENDED, HOME = "Maker CA", "Maker CA of Old", "Home CA"
NO_LIST = "This node has no list of default CA certificates\n"
STORES = ("CallManager-trust", "CAPF-trust")


@pytest.fixture(scope="module")
def cas():
    return {name: Authority(name) for name in (MAKER, HOME)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cas):
    """A profile with two files of certificates beside it, one of which has expired."""
    folder = tmp_path_factory.mktemp("default-cas")
    old = Authority(ENDED)
    ended = old.issue(old.name, old.key.public_key(), (), start=-800 * DAY, end=-DAY, ca=True)
    (folder / "makers.pem").write_text(pem(cas[MAKER].certificate) + pem(ended))
    (folder / "home.pem").write_text(pem(cas[HOME].certificate))
    (folder / "mine.yaml").write_text(HEAD + GROUPS)
    return folder


@pytest.fixture
def made(folder, tmp_path):
    """Speak to a new node of that profile, which is gone, and so are the files beside it."""

    def make(**place):
        world, _ = clock_world(Keys())
        copy = shutil.copytree(folder, tmp_path / "profile")
        install(str(tmp_path / "node"), str(copy / "mine.yaml"), world, speed=0, **place)
        shutil.rmtree(copy)
        return Conversation(Node.open(str(tmp_path / "node"), world))

    return make


@pytest.fixture
def tell(made):
    return made()


def stores_with(tell, name):
    """The trust stores that have an upload of that common name."""
    snapshot = tell.node.snapshot()
    stores = tell.node.profile.trust_stores
    return {store for store in stores for row in snapshot.trust(store) if row.common_name == name}


def test_a_fresh_node_trusts_what_has_not_expired(tell):
    assert stores_with(tell, MAKER) == set(STORES)
    assert stores_with(tell, HOME) == {"tomcat-trust"}
    assert stores_with(tell, ENDED) == set()
    tell("set output json")
    rows = json.loads(tell("show cert default-ca-list"))["data"]["certificates"]
    assert [(row["common_name"], bool(row["trusted"])) for row in rows] == [
        (HOME, True), (MAKER, True), (ENDED, False),
    ]  # fmt: skip
    assert rows[1]["trust_stores"] == list(STORES)
    assert all(name.startswith(("CallManager-trust/Maker_CA_", "CAPF-trust/Maker_CA_"))
               for name in rows[1]["trusted"])  # fmt: skip


def test_all_go_and_all_come_back(tell):
    """What has expired is left out, and that is said; twice is the same as once."""
    for _ in range(2):
        tell("set cert default-ca-list disable all", "yes")
        assert tell.status == 0
        assert not stores_with(tell, MAKER) | stores_with(tell, HOME)
    for _ in range(2):
        said = tell("set cert default-ca-list enable all", "yes")
        assert said.endswith(
            "Successfully enabled the default Cisco CA certificates.\n"
            "Please wait for a few minutes for the UI to reflect the correct status.\n"
        )
        assert f"Warning: {ENDED} is left out: " in said
        assert stores_with(tell, MAKER) == set(STORES)
        assert stores_with(tell, ENDED) == set()


def test_json_says_what_has_changed(tell):
    tell("set output json")
    gone = json.loads(tell("set cert default-ca-list disable common-name", MAKER, "yes"))["data"]
    assert gone["enabled"] is False
    assert [row["name"].partition("/")[0] for row in gone["changed"]] == list(STORES)
    assert gone["services"] == [
        "Cisco CallManager", "Cisco Certificate Authority Proxy Function", "Cisco Tftp",
    ]  # fmt: skip
    again = json.loads(tell("set cert default-ca-list disable common-name", MAKER, "yes"))["data"]
    assert again["changed"] == []
    come = json.loads(tell("set cert default-ca-list enable common-name", MAKER, "yes"))["data"]
    assert come == {**gone, "enabled": True}
    none = json.loads(tell("set cert default-ca-list enable all", "no"))
    assert (none["ok"], none["data"]) == (True, None)


def test_the_services_that_read_a_store_wait_for_a_restart(tell):
    tell("set cert default-ca-list disable common-name", HOME, "yes")
    assert "Cisco Tomcat" in tell("show service pending")


def test_one_that_has_expired_is_not_trusted(tell):
    said = tell("set cert default-ca-list enable common-name", ENDED, "yes")
    assert f"the certificate of {ENDED} has expired" in said
    assert tell.status == 1


def test_one_that_is_in_no_list(tell):
    """Nothing is asked; the name is that of the certificate, not of its file."""
    for name in ("CAP-RTP-003", "Maker_CA", "maker ca", ""):
        said = tell("set cert default-ca-list enable common-name", name)
        expected = f"The {name} certificate is not in the list of default Cisco CA certificates.\n"
        assert said == f"{expected}Executed command unsuccessfully\n"


def test_a_chain_that_leads_through_one_is_warned_of(tell, cas):
    """Before the question; nothing keeps anybody from it."""
    tell("set csr gen tomcat", "no")
    signed = cas[HOME].answer(tell.node.snapshot().request_pem("tomcat"))
    tell("set cert import own tomcat", pem(signed))
    assert tell.status == 0
    said = tell("set cert default-ca-list disable common-name", HOME, "yes")
    assert f"Without tomcat-trust/{HOME.replace(' ', '_')}" in said
    assert said.index("Without") < said.index("Successfully disabled")
    assert stores_with(tell, HOME) == set()


def test_a_newer_one_of_the_same_name_stays(tell):
    tell("set cert default-ca-list disable all", "yes")
    newer = Authority(HOME, start=-2 * DAY)
    tell("set cert import trust tomcat", pem(newer.certificate))
    said = tell("set cert default-ca-list enable all", "yes")
    assert f"Warning: {HOME} is left out: tomcat-trust/Home_CA_" in said
    assert "stays: it has the same name and begins later\n" in said
    assert stores_with(tell, MAKER) == set(STORES)
    said = tell("set cert default-ca-list enable common-name", HOME, "yes")
    assert "Successfully" not in said
    assert tell.status == 1
    tell("set cert default-ca-list disable all", "yes")
    assert stores_with(tell, HOME) == {"tomcat-trust"}


def test_a_subscriber_shows_it_only(made):
    tell = made(hostname="third", ip="192.0.2.13", role="Subscriber")
    assert f'"{MAKER}"' in tell("show cert default-ca-list")
    for line in ("disable all", "enable common-name"):
        said = tell(f"set cert default-ca-list {line}")
        assert said.startswith("The default CA certificates are changed on the publisher only;")
        assert tell.asked == []


def test_without_a_file_there_is_no_list(ucm_15_node):
    """The vendor's is not here, and no other is made up."""
    tell = Conversation(ucm_15_node)
    for line in ("show cert default-ca-list", "set cert default-ca-list enable all",
                 "set cert default-ca-list disable common-name"):  # fmt: skip
        assert tell(line).startswith(NO_LIST)
        assert tell.status == 1
    assert tell.asked == []


def test_release_9_1_has_no_such_command(say, ucm_node):
    for tell in (say, Conversation(ucm_node)):
        assert "default-ca-list" not in tell.session.complete("set cert ").candidates
        assert "No valid command entered" in tell("show cert default-ca-list")


MISTAKES = {
    "no such file": ("phones: {file: no.pem}", "phones.file: no.pem: No such file or directory"),
    "a folder": ("phones: {file: .}", "phones.file: .: Is a directory"),
    "octets": ("phones: {file: octets}", "phones.file: octets: is not text (certificates as PEM)"),
    "too much": ("phones: {file: large}", "phones.file: large: is larger than 131072 octets"),
    "a group that the base lacks": (
        "phoned: {file: home.pem}", "phoned: the base has none (did you mean phones?); groups+ adds one",
    ),
    "an unknown store": (
        "phones: {trust_stores: [CAP-trust]}",
        "phones.trust_stores[0]: there is no trust store CAP-trust (did you mean CAPF-trust?)",
    ),
    "an unknown service": (
        "phones: {services: [Cisco Tftq]}",
        "phones.services[0]: there is no service Cisco Tftq (did you mean Cisco Tftp?)",
    ),
    "no purpose": ("phones: {purpose: 5}", "phones.purpose: must be text, not a whole number"),
    "another key": ("phones: {files: a.pem}", "phones.files: is no key of this section (did you mean file?)"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named_with_its_place(case, folder, tmp_path):
    text, expected = MISTAKES[case]
    (tmp_path / "octets").write_bytes(b"\x30\x82\xff")
    (tmp_path / "large").write_text("x" * 131073)
    (tmp_path / "mine.yaml").write_text(f"{HEAD}default_cas:\n  groups:\n    {text}\n")
    with pytest.raises(ProfileError) as caught:
        load_yaml(str(tmp_path / "mine.yaml"))
    said = "\n".join([caught.value.message(), *caught.value.details])
    assert f"mine.yaml:6: default_cas.groups.{expected}" in said


KEY_LABEL = "PRIVATE KEY"


@pytest.mark.parametrize("case", ["nothing", "twice", "a key"])
def test_no_node_is_made_of_what_is_no_certificate(case, cas, tmp_path):
    """And what it was is nowhere: neither in what is said nor on the disk."""
    one = pem(cas[MAKER].certificate)
    secret = "MIIEvQIBADANBgkq"
    text, expected = {
        "nothing": ("Here is nothing.\n", "mine: default_cas.groups.phones.file: "),
        "twice": (one + one, f"{MAKER} is in the list twice"),
        "a key": (
            f"{one}-----BEGIN {KEY_LABEL}-----\n{secret}\n-----END {KEY_LABEL}-----\n",
            "private key",
        ),
    }[case]
    (tmp_path / "makers.pem").write_text(text)
    (tmp_path / "mine.yaml").write_text(
        f"{HEAD}default_cas: {{groups: {{phones: {{file: makers.pem}}}}}}\n"
    )
    world, _ = clock_world(Keys())
    with pytest.raises(ProfileError) as caught:
        install(str(tmp_path / "node"), str(tmp_path / "mine.yaml"), world, speed=0)
    said = "\n".join([caught.value.message(), *caught.value.details])
    assert expected in said
    assert secret not in said
    assert not (tmp_path / "node" / "store" / "current").exists()
    for path in (tmp_path / "node").rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes()
