"""Sign-ins beside others that only guess: who is right gets in, and what was judged is known."""

import asyncio
import contextlib
import json
import shutil
import sys
import threading

import asyncssh
import pytest
from ssh_server import PASSWORD, Served, client_key, run

from cucmos_shell.frontends.host import Host
from cucmos_shell.frontends.lines import GUESSING, KNOWN, NEW, FewAtOnce, Lately, WaitingLine
from cucmos_shell.node.access.accounts import SignInRefused

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


class TestGuessesWaitInTheirOwnLine:
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

    def test_so_many_run_and_the_gone_never_do(self):
        """What a client that has gone has left is not hashed."""
        begun, go = [], threading.Event()

        def work(name):
            begun.append(name)
            go.wait(10)
            return name

        async def main():
            few = FewAtOnce(asyncio.get_running_loop(), 2, "test")
            tasks = [
                asyncio.ensure_future(few.run(GUESSING, ("a", "b"), work, i)) for i in range(10)
            ]
            while len(begun) < 2:
                await asyncio.sleep(0)
            for task in tasks[2:9]:
                task.cancel()
            go.set()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            few.close()
            return [one for one in done if not isinstance(one, BaseException)]

        assert run(main()) == [0, 1, 9]
        assert begun == [0, 1, 9]

    def test_who_is_to_be_first_is_before_all_guesses(self):
        begun, go = [], threading.Event()

        def work(name):
            begun.append(name)
            go.wait(10)

        async def main():
            few = FewAtOnce(asyncio.get_running_loop(), 1, "test")
            tasks = [
                asyncio.ensure_future(few.run(GUESSING, ("a", "b"), work, i)) for i in range(50)
            ]
            while not begun:
                await asyncio.sleep(0)
            tasks.append(asyncio.ensure_future(few.run(KNOWN, ("a", "b"), work, "right")))
            await asyncio.sleep(0)
            go.set()
            await asyncio.gather(*tasks)
            few.close()

        run(main())
        assert begun[:2] == [0, "right"]
        assert begun[2:] == list(range(1, 50))

    def test_networks_that_were_wrong_are_behind_those_that_were_not(self):
        """Two hundred of them have guessed once, and guess again, and one has never been wrong."""
        judged, go = [], threading.Event()

        def wrong(network):
            judged.append(network)
            raise SignInRefused("wrong")

        def hold():
            judged.append("held")
            go.wait(10)

        def right():
            judged.append("right")

        async def main():
            host = Host()
            networks = [f"10.0.{number}.0" for number in range(200)]

            def guesses():
                given = (host.hashing(False, (one, "admin"), wrong, one) for one in networks)
                return [asyncio.ensure_future(one) for one in given]

            await asyncio.gather(*guesses(), return_exceptions=True)
            first = len(judged)
            held = [asyncio.ensure_future(host.hashing(False, (one, ""), hold)) for one in "ab"]
            while len(judged) < first + 2:
                await asyncio.sleep(0)
            again = guesses()
            await asyncio.sleep(0)
            mine = asyncio.ensure_future(host.hashing(False, ("192.0.2.1", "admin"), right))
            await asyncio.sleep(0)
            go.set()
            await asyncio.gather(*again, *held, mine, return_exceptions=True)
            host._hashing.close()
            return judged[first + 2 :]

        order = run(main())
        assert len(order) == 201
        # Two threads: one of those that were freed may have begun a guess beside it, and no more.
        assert order.index("right") < 2

    def test_who_leaves_once_it_is_judged_was_wrong_too(self):
        go, begun = threading.Event(), threading.Event()

        def wrong():
            begun.set()
            go.wait(10)
            raise SignInRefused("wrong")

        async def main():
            host = Host()
            task = asyncio.ensure_future(host.hashing(False, ("10.0.0.1", "admin"), wrong))
            while not begun.is_set():
                await asyncio.sleep(0)
            task.cancel()
            go.set()
            while not host._wrong.has("10.0.0.1", host._loop.time()):
                await asyncio.sleep(0)
            host._hashing.close()

        run(main())

    def test_what_was_wrong_is_forgotten_in_time_and_the_oldest_of_too_many(self):
        wrong = Lately(600.0, 3)
        for number in range(4):
            wrong.note(f"n{number}", 100.0 + number)
        wrong.note("n1", 110.0)
        assert [one for one in range(4) if wrong.has(f"n{one}", 701.0)] == [1, 2, 3]
        assert [one for one in range(4) if wrong.has(f"n{one}", 704.0)] == [1]

    def test_a_failure_is_told(self):
        async def main():
            few = FewAtOnce(asyncio.get_running_loop(), 1, "test")
            with pytest.raises(ZeroDivisionError):
                await few.run(NEW, ("a", "b"), lambda: 1 // 0)
            assert await few.run(NEW, ("a", "b"), lambda: 1) == 1
            few.close()

        run(main())


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
