"""What commands of high availability and of voice mail clusters say, and how much of what public
programs send is answered."""

import json
import re

import pytest
from harness import Conversation
from programs_sent import ALL, ANSWERED, SENT

from cucmos_shell.frontends.reference import NOT_ANSWERED
from cucmos_shell.node import Node
from cucmos_shell.profile.dialogues import FipsSpec
from cucmos_shell.profile.profile import Peer

# What is left out, as the reference says, with the reasons.
LEFT_OUT = set(NOT_ANSWERED)


def changed(node, **fields):
    """A conversation with the node, that has other facts in its profile."""
    return Conversation(Node(node.state_dir, node.profile.replace(**fields), node.world))


@pytest.fixture
def voice_mail(node):
    """A node with the commands of a voice mail server."""
    return changed(node, commands=("show cuc", "utils cuc", "run cuc"))


def test_nine_tenths_of_what_programs_send_are_answered(node, ucm_node, voice_mail):
    """By one product at least; the rest is not taken for an answer."""
    later = changed(ucm_node, commands=("utils fips",), fips=FipsSpec(regenerates={}))
    products = (Conversation(node), Conversation(ucm_node), voice_mail, later)

    def answered(line, answers):
        texts = [say(line, *answers) for say in products]
        no = ("does not simulate", "No valid command entered")
        for text, say in zip(texts, products, strict=True):
            if any(words in text for words in no):
                assert "Executed command unsuccessfully" in text
                assert say.status == 1
        return not all(any(words in text for words in no) for text in texts)

    missing = set()
    for command, (_, *rest) in SENT.items():
        line, *answers = rest or (command,)
        if not answered(line, answers):
            missing.add(command)
    assert missing == LEFT_OUT
    share = ANSWERED + sum(sent[0] for command, sent in SENT.items() if command not in missing)
    assert (share, ALL) == (209, 216)


class TestRedundancy:
    def test_programs_find_name_state_and_reason(self, say):
        found = re.findall(
            r"\tName:\s+(\S+).*?State:\s+(\S+).*?Reason:\s+(\S+)", say("utils ha status"), re.DOTALL
        )
        assert found == [("imp-pub", "Unknown", "High"), ("imp-sub", "Unknown", "High")]

    def test_it_follows_the_cluster(self, node):
        say = changed(node, peers=(Peer("far", "192.0.2.99", "Subscriber"),))
        assert "\tName:  far\n" in say("utils ha status DefaultCluster")
        assert "is not a known presence redundancy group" in say("utils ha status other")

    def test_a_call_manager_has_none(self, ucm_node):
        """As on the product."""
        say = Conversation(ucm_node)
        assert say("utils ha status").endswith("No valid command entered\n")
        assert "ha" not in say.session.complete("utils ").candidates


class TestVoiceMail:
    def test_one_server_is_the_primary_one(self, voice_mail):
        lines = voice_mail("show cuc cluster status").splitlines()
        assert re.split(r"\s{2,}", lines[1])[:3] == ["Server Name", "Member ID", "Server State"]
        assert re.split(r"\s{2,}", lines[3]) == ["imp-pub", "0", "Primary", "Pri Active", "Normal"]
        assert re.split(r"\s{2,}", lines[4]) == [
            "imp-sub",
            "1",
            "Secondary",
            "Sec Active",
            "Normal",
        ]

    def test_another_one_may_be_made_it(self, node):
        """The node that is told so."""
        peers = (Peer("pub", "192.0.2.99", "Publisher"),)
        say = changed(
            node, role="Subscriber", peers=peers, commands=("show cuc", "utils cuc", "run cuc")
        )
        say.session.settings.output = "json"

        def primary():
            rows = json.loads(say("show cuc cluster status"))["data"]
            return [row["hostname"] for row in rows if row["primary"]]

        assert primary() == ["pub"]
        assert json.loads(say("utils cuc cluster makeprimary"))["data"] == {"hostname": "imp-pub"}
        assert primary() == ["imp-pub"]

    def test_other_products_have_none(self, say):
        for line in ("show cuc cluster status", "utils cuc cluster makeprimary"):
            assert say(line).endswith("No valid command entered\n")
