"""Who may read which area, by whatever command, and whose word on a host key counts."""

import pytest
from harness import Conversation
from sftp_server import SftpServer

from cucmos_shell.node.readers import READERS

AUDIT = "platform/log/cli00001.log"
COMMANDS = ("file list {}", "file view {}", "file dump {}", "file tail {}", "file search {} x")


@pytest.fixture
def low(node, node_dir):
    """A level-0 account's conversation, where every area has something in it."""
    for area in ("upload", "download"):
        (node_dir / area).mkdir(exist_ok=True)
        (node_dir / area / "a.txt").write_text("contents\n")
    (node_dir / "log" / "own").mkdir(parents=True)
    (node_dir / "log" / "own" / "a.txt").write_text("contents\n")
    Conversation(node)("show status")
    return Conversation(node, account="low", level=0)


class TestAnAreaIsReadFromItsLevelOn:
    """One table decides, for commands and SFTP (tests/frontends/test_sftp)."""

    @pytest.mark.parametrize("command", COMMANDS)
    @pytest.mark.parametrize("area", sorted(READERS))
    def test_an_ordinary_account_reads_what_is_for_all(self, low, command, area):
        place = {"activelog": "own/a.txt", "certs": "tomcat/tomcat.pem"}.get(area, "a.txt")
        text = low(command.format(f"{area} {place}"))
        if READERS[area]:
            assert text.startswith(f"The area {area} is for accounts of level 1 and higher\n")
            assert low.status == 1
        else:
            assert low.status == 0

    @pytest.mark.parametrize("area", sorted(READERS))
    def test_an_advanced_account_reads_all(self, low, node, area):
        assert Conversation(node, account="ann", level=1)(f"file list {area} /") != ""
        assert low("show myself") != ""

    def test_another_areas_name_in_a_path_is_no_way_around(self, low):
        for path in ("upload/a.txt", "/certs/tomcat/tomcat.pem", "/var/log/active/upload/a.txt"):
            assert "is for accounts of level 1" in low(f"file view activelog {path}")

    def test_the_audit_log_is_for_who_may_show_it(self, low, node):
        for line in COMMANDS[1:-1]:
            assert "no such file or directory" in low(line.format(f"activelog {AUDIT}"))
        assert "cli0" not in low("file list activelog platform/log")
        assert "admin" not in low("file search activelog / admin recurs")
        assert "cli0" not in low("file get activelog platform/log/cli*", "y")
        assert "show status" in Conversation(node, level=1)(f"file view activelog {AUDIT}")

    def test_tab_names_nothing_that_is_not_read(self, low, node):
        complete = low.session.complete
        assert complete("file view upload a").insert == ""
        assert complete("file view certs tomcat/tomcat.p").insert == ""
        assert complete("file view activelog platform/log/cli").insert == ""
        assert complete("file view download a").insert == ".txt "


class TestAHostKeyCountsForWhoConfirmedIt:
    """Unless it was somebody whose word counts for all."""

    @pytest.fixture(autouse=True)
    def remote(self, tmp_path):
        (tmp_path / "remote").mkdir()

    def get(self, talk, server, *more):
        return talk("file get download a.txt", "y", *server.answers, "box", *more)

    def test_of_an_ordinary_account_for_itself(self, low, node, tmp_path):
        other = Conversation(node, account="other", level=0)
        with SftpServer(tmp_path / "remote") as server:
            assert "can't be established" in self.get(low, server, "yes")
            assert "can't be established" not in self.get(low, server)
            for talk in (other, Conversation(node, account="ann", level=1)):
                assert "can't be established" in self.get(talk, server, "no")

    def test_of_an_advanced_one_for_all(self, low, node, tmp_path):
        with SftpServer(tmp_path / "remote") as server:
            assert "can't be est" in self.get(Conversation(node, level=1), server, "yes")
            assert "can't be established" not in self.get(low, server)
            assert low.status == 0

    def test_forgotten_it_is_forgotten_for_all(self, say, low, tmp_path):
        with SftpServer(tmp_path / "remote") as server:
            self.get(low, server, "yes")
            self.get(say, server, "yes")
            say(f"delete sftp-host-key [127.0.0.1]:{server.port}")
            assert say.status == 0
            assert "can't be established" in self.get(low, server, "no")
