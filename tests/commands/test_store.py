"""`show store history`, `utils store rollback` and `utils store purge`."""

import json
import pathlib

import pytest
from harness import Conversation

from cucmos_shell.cli.caller import Settings
from cucmos_shell.node import Node
from cucmos_shell.store.past import holding


def own(node, unit="tomcat"):
    return node.snapshot().own(unit).row.sha256


def secrets(node):
    """Names of files with secrets, and in how many versions each is."""
    found = {}
    for path in pathlib.Path(node.layout.versions).rglob("*"):
        if path.name.endswith(("_priv.pem", "smtp.json", "accounts.json")):
            found[path.name] = found.get(path.name, 0) + 1
    return found


@pytest.fixture
def talk(ucm_node):
    return Conversation(ucm_node)


def test_the_history_says_who_did_what(talk):
    """Number, time, account, command; the newest last."""
    talk("set cert regen tomcat", "yes")
    talk("set csr gen CAPF")
    lines = talk("show store history").splitlines()
    assert lines[0].split() == ["State", "Time", "Account", "Command"]
    assert [line.split(None, 3)[::3] for line in lines[2:]] == [
        ["1", "install"], ["2", "set cert regen tomcat"], ["3", "set csr gen CAPF"],
    ]  # fmt: skip
    assert len(talk("show store history last 1").splitlines()) == 3
    data = json.loads(
        Conversation(talk.node, settings=Settings(output="json"))("show store history last 2")
    )["data"]
    assert [(one["state"], one["account"], one["command"]) for one in data] == [
        (2, "admin", "set cert regen tomcat"), (3, "admin", "set csr gen CAPF"),
    ]  # fmt: skip


def test_going_back_brings_everything_back_but_accounts(talk):
    """Certificates, keys, requests, trust stores, lists; services are pending as after a change."""
    node = talk.node
    talk("set csr gen CallManager")
    first, key = own(node, "CallManager"), node.snapshot().private_key_pem("CallManager")
    itl = talk("show itl")
    rows = {store: node.snapshot().trust(store) for store in node.snapshot().stores}
    talk("set cert regen CallManager", "yes")
    talk("set smtp 192.0.2.25")
    talk("set account name ann", "1", "Blue-Harbour7", "Blue-Harbour7")
    assert talk.status == 0
    assert talk("show itl") != itl
    talk("utils service restart Cisco CallManager")
    answer = talk("utils store rollback 1", "yes")
    assert talk.status == 0
    assert "undone: set cert regen CallManager (admin)" in answer
    assert "Successfully went back to state 1: CallManager, CallManager-trust" in answer
    assert "Services to restart: " in answer
    snapshot = node.snapshot()
    assert (own(node, "CallManager"), snapshot.private_key_pem("CallManager")) == (first, key)
    assert {store: snapshot.trust(store) for store in snapshot.stores} == rows
    assert talk("show itl") == itl
    assert talk("show csr list").startswith("No CSR")
    assert "ann" in talk("show account")
    assert "192.0.2.25" in talk("show smtp")
    assert snapshot.note()["what"] == "utils store rollback 1"
    assert "Cisco CallManager" in talk("show service pending")


def test_going_forward_again(talk):
    """A state that was undone can be gone back to; its request and key come with it."""
    talk("set csr gen tomcat")
    request = talk.node.snapshot().request_key_pem("tomcat")
    talk("utils store rollback 1", "yes")
    assert talk.node.snapshot().own("tomcat").request is None
    talk("utils store rollback 2", "yes")
    assert talk.status == 0
    assert talk.node.snapshot().request_key_pem("tomcat") == request


def test_what_cannot_come_back_says_why(talk):
    """A state that is not kept, one that changes nothing, one whose key was deleted."""
    talk("set csr gen tomcat")
    talk("set csr delete tomcat", "yes")
    assert talk.status == 0
    head = talk.node.snapshot().head
    assert talk("utils store rollback 77", "yes").startswith("State 77 is not kept\n")
    assert "State 3 does not differ from the current one\n" in talk("utils store rollback 3", "yes")
    gone = "State 2 cannot come back: the private key of the request of tomcat is gone\n"
    assert gone in talk("utils store rollback 2", "yes")
    assert talk.status == 1
    assert "Rollback cancelled" in talk("utils store rollback 1", "no")
    assert "Control-C pressed" in talk("utils store rollback 1")
    assert talk.node.snapshot().head == head


def test_secrets_that_are_deleted_are_in_no_version(talk):
    """A request's key, the mail password, an old password's hash: at once; others by a purge."""
    node = talk.node
    talk("set csr gen tomcat")
    talk("set csr gen CAPF")
    talk("set csr gen CAPF")
    assert secrets(node)["CAPF_csr_priv.pem"] == 2
    talk("set csr delete CAPF", "yes")
    assert secrets(node).get("CAPF_csr_priv.pem") is None
    assert secrets(node)["tomcat_csr_priv.pem"] == 1
    talk("set smtp mail.example.com tls account me", "Secret-Mail-9")
    talk("set smtp mail.example.com tls account me", "Secret-Mail-8")
    assert secrets(node)["smtp.json"] == 1
    talk("set account name ann", "1", "Blue-Harbour7", "Blue-Harbour7")
    talk("delete account ann")
    assert secrets(node)["accounts.json"] == 1
    talk("delete smtp")
    text = b"".join(
        path.read_bytes() for path in pathlib.Path(node.state_dir).rglob("*") if path.is_file()
    )
    assert b"Secret-Mail" not in text
    talk("set cert regen tomcat", "yes")
    talk("set cert regen tomcat", "yes")
    assert secrets(node)["tomcat_priv.pem"] > 2
    talk("utils service restart Cisco Tomcat")
    assert talk("utils store purge").endswith("earlier states were cleared away\n")
    assert {name: n for name, n in secrets(node).items() if n > 1} == {}
    assert talk("utils store purge") == "No earlier states were cleared away\n"
    assert len(talk("show store history").splitlines()) == 3


def test_a_deletion_that_was_killed_is_finished_by_the_next_change(talk):
    """The new state says what was to be forgotten."""
    node = talk.node
    talk("set csr gen CAPF")
    kept = pathlib.Path(node.snapshot().path("CAPF", "keys/CAPF_csr_priv.pem"))
    octets = kept.read_bytes()
    talk("set csr delete CAPF", "yes")
    assert not kept.exists()
    kept.write_bytes(octets)
    talk("set smtp 192.0.2.25")
    assert not kept.exists()


def test_what_a_service_has_loaded_outlives_forty_regenerations(talk):
    """And a purge; when the service has loaded another it goes like everything else."""
    node = talk.node
    first, key = own(node), node.snapshot().private_key_pem("tomcat")
    for _ in range(40):
        talk("set cert regen tomcat", "yes")
        node.world.sleep(120)
        _age(node)
    talk("utils store purge")
    assert node.services.loaded("Cisco Tomcat", node.snapshot())["tomcat"] == first
    version = holding(node.layout, "tomcat", first)
    assert version is not None
    folder = pathlib.Path(node.layout.version("tomcat", version))
    assert (folder / "keys" / "tomcat_priv.pem").read_bytes() == key
    talk("utils service restart Cisco Tomcat")
    talk("utils store purge")
    assert holding(node.layout, "tomcat", first) is None


def _age(node):
    """As if all states had been made two minutes earlier."""
    import os

    for name in os.listdir(node.layout.heads):
        path = os.path.join(node.layout.heads, name)
        made = os.stat(path).st_mtime - 120
        os.utime(path, (made, made))


def test_a_plan_that_cannot_be_read_pins_everything(talk):
    """Nothing is cleared away then, and the change is made all the same."""
    node = talk.node
    pathlib.Path(node.layout.services).write_text("{")
    for _ in range(30):
        talk("set csr gen tomcat")
        assert talk.status == 0
        _age(node)
    assert holding(node.layout, "tomcat", own(node)) is not None
    assert len(talk("show store history").splitlines()) > 30
    assert "damaged" in talk("utils store purge")
    assert talk.status == 5


def test_another_process_signs_in_while_passwords_change(talk):
    """What a reader of accounts finds gone it reads again."""
    node = talk.node
    other = Node.open(node.state_dir, node.world)
    talk("set account name ann", "1", "Blue-Harbour7", "Blue-Harbour7")
    assert "ann" in Conversation(other)("show account")
    talk("set account name bob", "1", "Blue-Harbour7", "Blue-Harbour7")
    assert "bob" in Conversation(other)("show account")
