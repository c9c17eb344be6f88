"""Backups and upgrades: the product's questions, and what it says where there are none."""

import json
import re

import pytest
from harness import Conversation

from cucmos_shell.node import Node

FAILED = "Executed command unsuccessfully\n"
INITIATE = "utils system upgrade initiate"


class TestBackups:
    @pytest.mark.parametrize("word", ["backup", "BACKUP", "Backup", "restore"])
    def test_there_is_no_history(self, say, word):
        """In the product's words, two blanks and all."""
        text = say(f"utils disaster_recovery history {word}")
        assert text == "drfCliMsg:  No history data is available\n"
        assert say.status == 0
        assert ".tar" not in text

    def test_there_is_no_status(self, say):
        text = say("utils disaster_recovery status backup")
        assert re.search(r"drfCliMsg: No backup status available", text)
        assert not re.search(r"(?m)^Status\s*:", text)
        say.session.settings.output = "json"
        assert json.loads(say("utils disaster_recovery status backup"))["data"] == []

    def test_nobody_answers_without_the_service(self, node, say):
        """On the publisher, whatever that is called."""
        say("utils service stop Cisco DRF Master")
        assert say("utils disaster_recovery history backup") == (
            "Unable to connect to Master Agent host: imp-pub, Port: 4040."
            " This may be due to Master or Local Agent being down.\n" + FAILED
        )
        other = Node(node.state_dir, node.profile.replace(hostname="other"), node.world)
        assert "host: other," in Conversation(other)("utils disaster_recovery status backup")

    def test_the_rest_is_not_simulated(self, say):
        assert "does not simulate" in say("utils disaster_recovery backup network x")


class TestUpgrades:
    REMOTE = ("1", "/patches", "192.0.2.70", "ops", "secret", "")

    def test_it_asks_what_the_product_asks(self, say):
        """In its order; nobody is asked for anything, and there is nothing."""
        text = say(INITIATE, *self.REMOTE)
        for number, part in enumerate(
            (
                "Please select an option", "Directory", "Server", "User Name", "Password",
                "Please enter SMTP Host Server",
            )
        ):  # fmt: skip
            assert say.asked[number].startswith(part)
        assert len(say.asked) == 6
        assert "Source:\n\n 1) Remote Filesystem" in text
        assert text.endswith(
            "Checking for valid upgrades.  Please wait...\nNo valid upgrade options were found.\n"
            + FAILED
        )
        assert "secret" not in text
        assert say.status == 1

    def test_later_releases_ask_more(self, node):
        profile = node.profile.replace(version="12.5.1.16900-48")
        say = Conversation(Node(node.state_dir, profile, node.world))
        say(INITIATE, *self.REMOTE, "no", "no")
        assert re.search(r"Continue with upgrade after download \(yes/no\)", say.asked[6])
        assert say.asked[7].startswith("Switch-version server after upgrade")

    def test_a_disk_is_asked_no_password_for(self, say):
        assert "No valid upgrade options" in say(INITIATE, "3", "")
        assert len(say.asked) == 2

    def test_one_may_leave(self, say):
        assert say(INITIATE, "q").endswith("Exiting upgrade command. Please wait...\n")
        assert say.status == 0
        assert say(INITIATE).endswith("Control-C pressed\n")

    def test_none_is_there_to_be_seen_or_broken_off(self, say):
        assert say("utils system upgrade status") == "No upgrade is in progress.\n"
        assert say("utils system upgrade cancel") == "No upgrade is in progress.\n" + FAILED
