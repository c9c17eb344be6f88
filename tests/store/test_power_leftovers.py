"""What a power cut may leave on a disk that reorders names: keys without a head, links too old."""

import os
import shutil

import pytest
from harness import Conversation, clock_world
from sweeping import stamp

from cucmos_shell.node import Node


@pytest.fixture
def boots(node_dir, keys):
    """Opens the node in a machine that was started so many times."""

    def open_node(number):
        world, _ = clock_world(keys, boot=lambda: f"boot{number}")
        return Node.open(str(node_dir), world)

    return open_node


def versions(node_dir, unit):
    return sorted(int(path.name) for path in (node_dir / "store" / "versions" / unit).iterdir())


class TestAnOrphanedVersionIsSwept:
    """The head that it was made for did not survive, or never came to be."""

    def lose_the_head(self, node_dir, say):
        """A regeneration whose version survives, and nothing else of it."""
        copy = node_dir.parent / "before"
        shutil.copytree(node_dir, copy, symlinks=True)
        say("set cert regen tomcat", "yes")
        assert say.status == 0
        orphan = max(versions(node_dir, "tomcat"))
        source = node_dir / "store" / "versions" / "tomcat" / str(orphan)
        shutil.copytree(source, copy / "store" / "versions" / "tomcat" / str(orphan))
        shutil.rmtree(node_dir)
        shutil.move(copy, node_dir)
        return orphan

    @pytest.mark.parametrize(
        "line", ["set cert regen tomcat", "set cert regen ipsec", "set cli editor rich"]
    )
    def test_by_the_next_change_whatever_it_changes(self, say, node_dir, boots, line):
        orphan = self.lose_the_head(node_dir, say)
        folder = node_dir / "store" / "versions" / "tomcat" / str(orphan)
        assert (folder / "keys" / "tomcat_priv.pem").exists()
        again = Conversation(boots(1))
        again(line, "yes")
        assert again.status == 0
        assert not folder.exists()
        assert "tomcat" in again("show cert list own")

    def test_and_nothing_is_swept_without_one(self, say, node_dir):
        """What a rollback leaves above is of this state's line."""
        for _ in range(2):
            say("set cert regen tomcat", "yes")
        before = versions(node_dir, "tomcat")
        say("utils store rollback 2", "yes")
        assert say.status == 0
        say("set cert regen ipsec", "yes")
        assert set(before) <= set(versions(node_dir, "tomcat"))


class TestTheStampDoesNotOutliveItsLinks:
    """Neither is synced: after a start of the machine nobody knows which of them have survived."""

    def links(self, node_dir):
        view = node_dir / "store" / "view" / "tomcat-trust"
        return {name: os.readlink(view / name) for name in os.listdir(view)}

    def test_after_a_new_start_the_links_are_looked_at(self, node_dir, boots):
        Conversation(boots(1))("set cert regen tomcat", "yes")
        right = self.links(node_dir)
        view = node_dir / "store" / "view" / "tomcat-trust"
        for name in list(right)[:2]:
            (view / name).unlink()
        boots(1).store.repair_view()
        assert self.links(node_dir) != right
        boots(2).store.repair_view()
        assert self.links(node_dir) == right
        assert os.readlink(node_dir / "store" / "view" / ".head").endswith(".boot2")

    def test_a_change_after_a_new_start_mends_them_too(self, node_dir, boots):
        Conversation(boots(1))("set cert regen tomcat", "yes")
        right = self.links(node_dir)
        view = node_dir / "store" / "view" / "tomcat-trust"
        (view / next(iter(right))).unlink()
        Conversation(boots(2))("set cert regen ipsec", "yes")
        assert self.links(node_dir).keys() == right.keys()
        assert stamp(node_dir / "store") == "000003"

    def test_a_stamp_of_an_earlier_version_is_looked_at(self, node_dir, boots):
        path = node_dir / "store" / "view" / ".head"
        head = stamp(node_dir / "store")
        path.unlink()
        path.symlink_to(head)
        boots(1).store.repair_view()
        assert os.readlink(path) == f"{head}.boot1"


class TestWhatAKillHasLeftBesideTheStoreGoes:
    """Files that were to be renamed."""

    def test_with_the_next_change(self, say, node_dir):
        left = [node_dir / "services.json.next", node_dir / "sent.json.next"]
        for path in left:
            path.write_text("{")
        other = node_dir / "upload" / "mine.next"
        other.parent.mkdir(exist_ok=True)
        other.write_text("x")
        say("set cert regen tomcat", "yes")
        assert say.status == 0
        assert not any(path.exists() for path in left)
        assert other.exists()
