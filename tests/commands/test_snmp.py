"""SNMP communities, the next sign-in, the web pages' administrator: dialogues, and what is kept."""

import json

import pytest
from harness import Conversation

from cucmos_shell.node import Node
from cucmos_shell.node.access.passwords import matches

FAILED = "Executed command unsuccessfully\n"
ADD = "utils snmp config 1/2c community-string add"
LIST = "utils snmp config 1/2c community-string list"
DELETE = "utils snmp config 1/2c community-string delete"
PASSWORD = "utils reset_application_ui_administrator_password"


class TestCommunities:
    def test_what_is_added_is_listed(self, node, say):
        """The first question byte for byte: a program waits for it."""
        say(ADD, "monitoring", "ReadOnly", "192.0.2.70", "yes")
        assert say.asked[0] == "Enter the community string:: "
        assert say(LIST) == (
            "Community String : monitoring\nAccess Privilege : ReadOnly\n"
            "Host IP Addresses: 192.0.2.70\n"
        )
        other = Conversation(Node.open(node.state_dir, node.world))
        other.session.settings.output = "json"
        assert json.loads(other(LIST))["data"] == [
            {"community": "monitoring", "access": "ReadOnly", "hosts": ["192.0.2.70"]}
        ]

    def test_defaults(self, say):
        say(ADD, "public", "", "", "yes")
        assert "Access Privilege : ReadOnly\nHost IP Addresses: all\n" in say(LIST)

    def test_no_changes_nothing(self, say):
        say(ADD, "public", "", "", "no")
        assert say(LIST) == "No community strings are configured\n"

    @pytest.mark.parametrize(
        "answers",
        [
            ("", "", "", "yes"), ("a b", "", "", "yes"), ("x" * 33, "", "", "yes"),
            ("x", "Everything", "", "yes"), ("x", "", "a;b", "yes"), ("hôte", "", "", "yes"),
        ],
    )  # fmt: skip
    def test_what_cannot_be(self, say, answers):
        """It is judged after the last answer, so that none becomes a command."""
        assert say(ADD, *answers).endswith(FAILED)
        assert len(say.asked) == 4
        assert say(LIST) == "No community strings are configured\n"

    def test_once_only(self, say):
        say(ADD, "public", "", "", "yes")
        assert "There is this community string already" in say(ADD, "public", "", "", "yes")

    def test_one_may_go(self, say):
        say(ADD, "public", "", "", "yes")
        assert say(DELETE, "other").startswith("There is no such community string\n")
        assert say(DELETE, "public") == "The community string was deleted\n"
        assert say(LIST) == "No community strings are configured\n"

    def test_it_is_in_no_log(self, node, say):
        say(ADD, "very-secret-word", "", "", "yes")
        with open(node.layout.audit_log(), encoding="utf-8") as file:
            assert "very-secret-word" not in file.read()

    def test_notifications_go_nowhere(self, say):
        assert say("utils snmp config 1/2c inform list") == (
            "No inform destinations are configured\n"
        )
        assert say("utils snmp config 1/2c trap list") == "No trap destinations are configured\n"

    def test_the_system_group_is_this_nodes(self, node, say):
        assert say("utils snmp config mib2 list").startswith("System Name     : imp-pub\n")
        other = Node(node.state_dir, node.profile.replace(hostname="far"), node.world)
        assert Conversation(other)("utils snmp config mib2 list").startswith(
            "System Name     : far"
        )

    def test_the_rest_is_not_simulated(self, say):
        for line in ("utils snmp walk 2c", "utils snmp config user 3 list"):
            assert "does not simulate" in say(line)

    def test_it_is_for_advanced_accounts(self, node):
        low = Conversation(node, account="low", level=0)
        assert low(LIST).endswith(FAILED)
        assert "community" not in low("utils snmp config 1/2c ")


class TestNextSignIn:
    def test_every_account_keeps_its_password(self, say):
        say("set account name ann", "1", "Blue-Harbour-77", "Blue-Harbour-77")
        assert say("set password change-at-login disable ANN") == (
            "ann keeps its password at the next sign-in\n"
        )
        assert "nobody is not a known account" in say("set password change-at-login disable nobody")

    def test_the_other_word_is_not_simulated(self, say):
        assert "does not simulate" in say("set password change-at-login enable admin")


class TestWebPages:
    def test_the_password_is_kept_as_a_hash(self, node, say):
        text = say(PASSWORD, "Green-Harbour8", "Green-Harbour8")
        assert "password:" in say.asked[0]
        assert "Password:" in say.asked[1]
        assert text == "Password changed successfully.\n"
        kept = node.snapshot().settings()["application_administrator"]
        assert matches("Green-Harbour8", kept["password"])
        assert "Green-Harbour8" not in json.dumps(kept)

    def test_two_passwords_or_a_weak_one(self, say):
        assert "not the same" in say(PASSWORD, "Green-Harbour8", "Green-Harbour9")
        assert say(PASSWORD, "abc", "abc").endswith(FAILED)

    def test_the_name(self, node, say):
        say("utils reset_application_ui_administrator_name", "pat")
        assert node.snapshot().settings()["application_administrator"]["name"] == "pat"
        assert say("utils reset_application_ui_administrator_name", "a b").endswith(FAILED)
