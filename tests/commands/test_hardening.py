"""FIPS mode and the least version of TLS: who has them, and what becomes of certificates."""

import json

import pytest
from harness import Conversation
from quick_authority import Authority, pem
from wrong_profiles import mistake

from cucmos_shell.node import Node
from cucmos_shell.pki.trust_lists.read import read, verify


@pytest.fixture
def tell(ucm_15_node):
    return Conversation(ucm_15_node)


def serials(node):
    snapshot = node.snapshot()
    return {unit: snapshot.own(unit).row.serial for unit in snapshot.units}


def test_release_9_1_has_neither(say):
    """FIPS mode is a command of it, which is not simulated; the others are none."""
    assert "does not simulate" in say("utils fips enable")
    assert "No valid command entered" in say("set tls min-version 1.2")
    assert "set tlstrace: a command" in say("set tlst enable")
    assert "No valid command entered" in say("utils tls client-auth-validation status")
    assert "tls" not in say.session.complete("show ").candidates
    assert "fips" not in say("help")


class TestFipsMode:
    def test_there_and_back(self, tell):
        """What the product lists is new each time; the session ends, and the node comes back."""
        node, before = tell.node, serials(tell.node)
        said = tell("utils fips enable", "yes")
        assert "FIPS mode enabled successfully.\n" in said
        assert tell.session.ended
        after = serials(node)
        assert all(before[unit] != after[unit] for unit in before)
        again = Node.open(node.state_dir, node.world)
        assert not list(again.services.pending(again.snapshot()))
        for spec in again.profile.trust_lists.values():
            raw = again.lists.raw(again.snapshot(), spec)
            assert raw is None or verify(read(raw))
        tell = Conversation(again)
        assert tell("utils fips status").startswith("The system is operating in FIPS mode.")
        assert "is operating in FIPS mode already" in tell("utils fips enable")
        assert not tell.asked
        tell("utils fips disable", "yes")
        assert (
            Conversation(again)("utils fips status") == "The system is operating in NON-FIPS mode\n"
        )
        assert all(after[unit] != serial for unit, serial in serials(again).items())

    def test_no_changes_nothing(self, tell):
        head = tell.node.snapshot().head
        tell("utils fips enable", "no")
        assert (tell.status, tell.session.ended) == (0, False)
        assert tell.node.snapshot().head == head

    def test_what_is_lost_is_said_before_the_question(self, tell):
        authority = Authority("Example Root CA")
        tell("set cert import trust tomcat", pem(authority.certificate))
        tell("set csr gen tomcat", "no")
        signed = authority.answer(tell.node.snapshot().request_pem("tomcat"))
        tell("set cert import own tomcat", pem(signed))
        tell("set csr gen TVS", "no")
        said = tell("utils fips enable", "no")
        assert "The certificate of tomcat that Example Root CA has signed would be lost" in said
        assert "The pending CSR of TVS would be deleted" in said

    def test_in_json(self, tell):
        tell("set output json")
        data = json.loads(tell("utils fips enable", "yes"))["data"]
        assert data["fips"] is True
        assert set(data["regenerated"]) == set(tell.node.profile.units)
        assert data["back"].endswith("Z")


class TestTheLeastVersionOfTls:
    def test_since_15_it_is_set_without_a_restart(self, tell):
        assert tell("show tls min-version") == "Configured TLS minimum version: 1.0\n"
        assert tell("set tls min-version 1.3", "yes").endswith(
            "Successfully set minimum TLS version to 1.3\n"
        )
        assert not tell.session.ended
        assert tell("show tls min-version") == "Configured TLS minimum version: 1.3\n"

    def test_before_15_the_node_restarts(self, tell):
        """And knows no 1.3."""
        node = tell.node
        node.profile = node.profile.replace(
            tls=node.profile.tls.replace(versions=("1.0", "1.1", "1.2"), reboots=True)
        )
        assert "1.3 is none of 1.0, 1.1, 1.2\n" in tell("set tls min-version 1.3")
        said = tell("set tls min-version 1.2", "yes")
        assert said.endswith("The system will reboot in few minutes.\n")
        assert tell.session.ended

    def test_no_changes_nothing(self, tell):
        tell("set tls min-version 1.2", "no")
        assert tell.status == 0
        assert tell("show tls min-version") == "Configured TLS minimum version: 1.0\n"


MISTAKES = {
    "an unknown unit": (
        "fips:\n  regenerates: {Tomcat: [tomkat]}\n",
        "fips.regenerates.Tomcat[0]: there is no unit tomkat (did you mean tomcat?)",
    ),
    "an unknown version": (
        'tls: {versions: ["1.4"]}\n', "tls.versions[0]: cannot be '1.4'",
    ),
    "no version": ("tls: {versions: []}\n", "tls.versions: must be a list of length >= 1"),
    "commands of everybody": ("commands+: [utils fips]\n", "commands+.0: utils fips is there already"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named(case, tmp_path):
    text, expected = MISTAKES[case]
    assert expected in mistake(tmp_path, text)
