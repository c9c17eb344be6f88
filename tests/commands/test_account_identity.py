"""A session belongs to the account that has signed in, and to no later one of its name."""

import asyncio
import os
import shutil

import asyncssh
import pytest
from harness import Conversation, clock_world
from ssh_server import Served, Shell, client_key, run

from cucmos_shell.frontends.who import who
from cucmos_shell.node import Node
from cucmos_shell.node.access.accounts import Account, Locking, everybody, put
from cucmos_shell.results import Done, Secret

GOOD, OTHER = "Blue-Harbour7", "Green-Valley8"
OVER = "this session is over"


def make(say, name, level="1", password=GOOD):
    say(f"set account name {name}", level, password, password)
    assert say.status == 0


def signed_in(node, name):
    """A conversation with a session of the account, as the SSH server has it."""
    account = everybody(node.snapshot())[name]
    return Conversation(
        node, account=name, level=account.level, identity=account.identity,
        history=node.logins.history(account.identity),
    )  # fmt: skip


class TestASessionEndsAtItsNextLineWhenItsAccountIsAnother:
    """Deleted, made anew, of another level, locked."""

    def test_a_deleted_account_runs_nothing_more(self, say, node):
        make(say, "ann")
        ann = signed_in(node, "ann")
        assert "tomcat" in ann("show cert list own")
        say("delete account ann")
        assert ann("show cert list own") == (
            f"Account ann was deleted: {OVER}\nExecuted command unsuccessfully\n"
        )
        assert (ann.status, ann.session.ended) == (1, True)

    def test_a_new_account_of_the_name_is_another(self, say, node):
        make(say, "ann")
        ann = signed_in(node, "ann")
        say("delete account ann")
        make(say, "ann", password=OTHER)
        assert OVER in ann("show myself")
        assert "ann" in signed_in(node, "ann")("show myself")

    def test_another_level_is_told(self, say, node):
        make(say, "ann")
        ann = signed_in(node, "ann")
        now = everybody(node.snapshot())["ann"]
        with node.store.lock(node.world.monotonic, node.world.sleep) as lock:
            node.change(lock, "admin", "test", lambda change: put(change, now.replace(level=0)))
        assert "Account ann has another level now" in ann("show cert list own")
        assert ann.session.ended

    def test_a_locked_account_waits_outside(self, node_dir, keys):
        world, clock = clock_world(keys)
        node = Node.open(str(node_dir), world)
        say = Conversation(node)
        make(say, "ann")
        ann = signed_in(node, "ann")
        for _ in range(3):
            ann("set password user admin", "Wrong-One1", OTHER, OTHER)
        assert not ann.session.ended
        assert f"Account ann is locked for 300 seconds: {OVER}" in ann("show myself")
        assert ann.session.ended
        clock.sleep(301)
        assert "ann" in signed_in(node, "ann")("show myself")

    def test_an_answer_is_a_line_too(self, say, node):
        """A question that was open meanwhile is no way around; nothing changes."""
        make(say, "ann")
        ann = signed_in(node, "ann")
        execution = ann.session.execute("set password user security")
        event = execution.step()
        while not isinstance(event, Secret):
            event = execution.step()
        say("delete account ann")
        text = execution.step("").text
        assert OVER in text
        assert ann.session.ended
        assert isinstance(execution.step(), Done)

    def test_tab_and_help_tell_nothing_more(self, say, node):
        make(say, "ann")
        ann = signed_in(node, "ann")
        say("delete account ann")
        assert not ann.session.complete("show cert own ").candidates
        assert ann.session.help("show cert ") == (f"Account ann was deleted: {OVER}",)

    def test_who_has_no_account_is_told_when_one_is_made(self, say, node):
        """Under sshd, with a level of its own."""
        environment = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}
        there = who(node, environment, "sue", 4)
        sue = Conversation(node, account="sue", level=4, identity=there.identity)
        assert "sue" in sue("show myself")
        make(say, "sue", level="0")
        assert "Account sue was made meanwhile" in sue("show account")
        assert sue.session.ended

    def test_who_is_here_for_want_of_accounts_goes_with_the_first(self, say, node):
        """Whoever makes it."""
        there = who(node, {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, "sue", None)
        sue = Conversation(node, account="sue", level=there.level, identity=there.identity)
        sue.session.caller.provisional = there.provisional
        assert "admin" in sue("show account")
        make(say, "ann")
        assert f"The node has accounts now, and sue has none: {OVER}" in sue("show account")

    def test_the_installer_goes_on(self, say, node):
        """Whether it was written down when it came or not; a console never asks."""
        admin = signed_in(node, "admin")
        admin("set password user admin", "", GOOD, GOOD)
        assert admin.status == 0
        assert "admin" in admin("show myself")
        for _ in range(3):
            node.accounts.failed("admin", "192.0.2.1", Locking())
        assert OVER in admin("show myself")
        assert "admin" in say("show myself")


class TestAHistoryGoesWithItsAccount:
    """Nobody else reads what somebody has typed."""

    def test_a_new_account_begins_without_one(self, say, node, node_dir):
        make(say, "ann")
        signed_in(node, "ann")("show cert own tomcat brief")
        assert "tomcat brief" in signed_in(node, "ann")("show history")
        say("delete account ann")
        make(say, "ann")
        assert "tomcat brief" not in signed_in(node, "ann")("show history")
        assert len(os.listdir(node_dir / "run" / "history")) == 1

    def test_what_a_deleted_session_types_is_not_kept(self, say, node, node_dir):
        make(say, "ann")
        ann = signed_in(node, "ann")
        say("delete account ann")
        ann("show cert own tomcat")
        assert not [name for name in os.listdir(node_dir / "run" / "history") if name != ".lock"]

    def test_the_editor_is_chosen_anew(self, say, node):
        make(say, "ann")
        signed_in(node, "ann")("set cli editor rich")
        say("delete account ann")
        make(say, "ann")
        assert "quiet" in signed_in(node, "ann")("show cli editor")

    def test_an_account_of_an_earlier_state_keeps_its_own(self, say, node):
        """It has its name for an identity, and never gets another."""
        with node.store.lock(node.world.monotonic, node.world.sleep) as lock:
            node.change(lock, "admin", "test", lambda change: put(change, Account("old", 1)))
        node.logins.history("old").keep("show version active")
        old = signed_in(node, "old")
        assert "show version active" in old("show history")
        say("set account ssh-key old remove")
        assert "show version active" in old("show history")
        say("delete account old")
        make(say, "old")
        assert OVER in old("show myself")
        assert "version" not in signed_in(node, "old")("show history")


@pytest.fixture
def served(imp_template, tmp_path):
    node = shutil.copytree(imp_template, tmp_path / "node", symlinks=True)
    with Served(node) as server:
        yield server


class TestOverSsh:
    """A shell, SFTP and new channels of a connection that is open already."""

    def test_nothing_is_left_to_an_account_that_is_made_anew(self, served, tmp_path):
        """Even with the same public key."""
        path, public = client_key(tmp_path)
        served.account("ann", key=public)

        async def main():
            options = {"password": None, "client_keys": [str(path)]}
            async with served.connect("ann", **options) as connection:
                async with (
                    Shell(connection) as shell, connection.start_sftp_client() as client,
                ):  # fmt: skip
                    assert "upload" in await client.listdir("/")
                    await asyncio.to_thread(served.run, "delete account ann")
                    await asyncio.to_thread(served.account, "ann", 1, OTHER, public)
                    shell.send(b"show cert list own\r")
                    said = await shell.rest()
                    with pytest.raises(asyncssh.SFTPFailure, match="changed meanwhile"):
                        await client.listdir("/upload")
                    done = await connection.run("show myself")
                return said.decode(), done.stdout + done.stderr

        said, done = run(main(), 60)
        assert "Account ann was deleted, and a new one made: this session is over" in said
        assert "tomcat" not in said
        assert "The account has changed meanwhile; sign in again" in done
