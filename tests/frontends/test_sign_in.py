"""Sign-ins beside others that only guess: who is right gets in, and what was judged is known."""

import asyncio
import contextlib
import json
import shutil
import sys

import asyncssh
import pytest
from ssh_server import PASSWORD, Served, client_key, run

from cucmos_shell.frontends.lines import WaitingLine

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Z5cA1i2cVLzqWkTjm5Qwe9yKmBAxXn2S8gmVJwqDd"


@pytest.fixture
def served(imp_template, tmp_path):
    node = shutil.copytree(imp_template, tmp_path / "node", symlinks=True)
    with Served(node) as server:
        yield server


def refusals(served):
    """How many refused sign-ins the log has."""
    log = served.node_dir / "log" / "platform" / "log" / "cli00001.log"
    return log.read_text().count("session refused") if log.exists() else 0


def failures(served):
    """How many failures of this machine are counted."""
    try:
        entries = json.loads((served.node_dir / "run" / "failures.json").read_text())
    except FileNotFoundError:
        return 0
    return entries.get("a:127.0.0.1", {"count": 0})["count"]


class TestNetworksTakeTurns:
    """Hashing takes a processor: networks take turns at it, and names of a network do."""

    def test_networks_take_turns(self):
        line = WaitingLine()
        for number in range(250):
            line.put(("attacker", f"name{number}"), ("attacker", number))
        line.put(("friend", "ann"), ("friend", 0))
        order = [line.take() for _ in range(4)]
        assert order.index(("friend", 0)) == 1

    def test_names_of_a_network_take_turns(self):
        line = WaitingLine()
        for number in range(250):
            line.put(("same", "admin"), ("admin", number))
        line.put(("same", "ann"), ("ann", 0))
        assert [line.take() for _ in range(3)] == [("admin", 0), ("ann", 0), ("admin", 1)]

    def test_everything_comes_once_and_in_order(self):
        line = WaitingLine()
        for number in range(60):
            line.put((str(number % 3), str(number % 4)), number)
        taken = [line.take() for _ in range(60)]
        assert sorted(taken) == list(range(60))
        assert not line
        assert line.take() is None
        for first in range(12):
            same = [number for number in taken if number % 12 == first]
            assert same == sorted(same)


class TestWhoIsRightGetsIn:
    def test_a_password_known_to_be_right_waits_behind_nobody(self, served):
        """It is in before those who came first have been judged."""
        served.account("ann")
        served.account("bob")

        async def main():
            async with served.connect("ann"):
                pass
            wrong = [
                asyncio.ensure_future(served.connect("bob", "wrong", preferred_auth="password"))
                for _ in range(60)
            ]
            while not refusals(served):
                await asyncio.sleep(0.01)
            async with served.connect("ann"):
                judged = refusals(served)
            for task in wrong:
                task.cancel()
            await asyncio.gather(*wrong, return_exceptions=True)
            return judged

        assert run(main(), 60) < 60

    def test_beside_connections_that_do_not_sign_in(self, served):
        """More than there may be, of this very address; and others still, once these have left."""

        async def main():
            sockets = []
            for _ in range(600):
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
                    writer.write(b"SSH-2.0-x\r\n")
                    sockets.append(writer)
            for _ in range(5):
                async with served.connect() as connection:
                    assert (await connection.run("show version active")).exit_status == 0
            for writer in sockets:
                writer.close()
            async with served.connect() as connection:
                assert (await connection.run("show version active")).exit_status == 0

        run(main(), 60)

    def test_wrong_passwords_close_no_keys(self, served, tmp_path):
        path, public = client_key(tmp_path)
        served.account("ann", key=public)

        async def main():
            for _ in range(4):
                with pytest.raises(asyncssh.PermissionDenied):
                    await served.connect("ann", "wrong", preferred_auth="password")
            async with served.connect("ann", None, client_keys=[str(path)]) as connection:
                assert (await connection.run("show myself")).exit_status == 0

        run(main())


class TestWhatIsJudgedIsKnown:
    def test_a_client_that_leaves_after_its_password_is_in_the_log(self, served):
        """There is a line for each failure that counts, however soon somebody goes."""

        async def one(number):
            with contextlib.suppress(TimeoutError, asyncssh.Error, OSError):
                async with asyncio.timeout(0.1 * number):
                    await served.connect(PASSWORD[:4], "wrong", preferred_auth="password")

        async def main():
            await asyncio.gather(*(one(number) for number in range(20)))
            same = 0
            while same < 10:
                before = refusals(served), failures(served)
                await asyncio.sleep(0.05)
                same = same + 1 if before == (refusals(served), failures(served)) else 0

        run(main())
        assert refusals(served) == failures(served) > 0


class TestNobodyLearnsWhoHasAnAccount:
    def test_a_probe_with_a_key_does_the_same_for_all_names(self, node, say):
        """Counted in calls: names that are known, known without keys, and unknown."""
        say("set account name ann", "1", PASSWORD, PASSWORD)
        say("set account name bob", "1", PASSWORD, PASSWORD)
        for kind in ("AAAA", "BBBB", "CCCC"):
            say("set account ssh-key ann", KEY.replace("AAAAC3", "AAAAC3")[:-4] + kind)
        calls = []

        def count(frame, event, argument):
            calls[-1] += 1

        for name in ("ann", "ann", "bob", "nobody"):
            calls.append(0)
            sys.setprofile(count)
            found = node.accounts.by_key(name, KEY)
            sys.setprofile(None)
            assert found is None
        assert len(set(calls[1:])) == 1
