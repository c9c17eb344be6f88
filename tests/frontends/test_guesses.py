"""Passwords wait to be hashed: which is next."""

import asyncio
import threading

import pytest
from ssh_server import run

from cucmos_shell.frontends.guesses import Guesses, Lately
from cucmos_shell.node.access.accounts import SignInRefused


class Desk:
    """Guesses that are judged one at a time, the first of them when `go` is set."""

    def __init__(self, most=1):
        self.guesses = Guesses(asyncio.get_running_loop(), most)
        self.judged = []
        self.go = threading.Event()
        self.tasks = []

    def ask(self, what, network="10.0.0.1", likely=False, wrong=False, raises=True):
        """Have something judged."""

        def judge():
            self.judged.append(what)
            self.go.wait(10)
            if wrong and raises:
                raise SignInRefused("wrong")
            return False if wrong else what

        task = asyncio.ensure_future(self.guesses.run(likely, (network, "admin"), judge))
        self.tasks.append(task)
        return task

    async def until(self, count):
        """Until so many are being judged, or were."""
        while len(self.judged) < count:
            await asyncio.sleep(0)

    async def all(self):
        """What comes of them, in the order in which they were asked; that of the gone is left out."""
        await asyncio.sleep(0)
        self.go.set()
        done = await asyncio.gather(*self.tasks, return_exceptions=True)
        self.guesses.close()
        return [one for one in done if not isinstance(one, asyncio.CancelledError)]


def test_so_many_run_and_the_gone_never_do():
    """What a client that has gone has left is not hashed."""

    async def main():
        desk = Desk(2)
        tasks = [desk.ask(number) for number in range(10)]
        await desk.until(2)
        for task in tasks[2:9]:
            task.cancel()
        return await desk.all(), desk.judged

    assert run(main()) == ([0, 1, 9], [0, 1, 9])


def test_who_is_likely_to_be_right_is_before_all_guesses():
    async def main():
        desk = Desk()
        for number in range(50):
            desk.ask(number)
        await desk.until(1)
        desk.ask("right", likely=True)
        await desk.all()
        return desk.judged

    judged = run(main())
    assert judged[:2] == [0, "right"]
    assert judged[2:] == list(range(1, 50))


def test_who_comes_behind_a_crowd_of_networks_is_next_but_one():
    """Each of them is new, and who was there first is not forgotten either."""

    async def main():
        desk = Desk()
        for number in range(250):
            desk.ask(number, f"10.0.0.{number}", wrong=True)
        await desk.until(1)
        desk.ask("right", "192.0.2.1")
        await desk.all()
        return desk.judged

    judged = run(main())
    assert judged.index("right") <= 2
    assert judged.index(1) <= 3
    assert len(judged) == 251


@pytest.mark.parametrize("raises", [True, False])
def test_networks_that_were_wrong_are_behind_those_that_were_not(raises):
    """What they ask for meanwhile is, too, and nobody's is lost."""

    async def main():
        desk = Desk()
        for turn in range(2):
            for number in range(100):
                desk.ask((turn, number), f"10.0.0.{number}", wrong=True, raises=raises)
        await desk.until(1)
        desk.go.set()
        await asyncio.gather(*desk.tasks, return_exceptions=True)
        desk.go.clear()
        desk.ask("held", "192.0.2.1")
        await desk.until(201)
        for number in range(50, 150):
            desk.ask((2, number), f"10.0.0.{number}")
        await desk.all()
        return desk.judged

    judged = run(main())
    assert [turn for turn, _ in judged[:200]] == [0] * 100 + [1] * 100
    assert judged[200] == "held"
    assert {number for _, number in judged[201:251]} == set(range(100, 150))
    assert {number for _, number in judged[251:]} == set(range(50, 100))


def test_who_leaves_once_it_is_judged_was_wrong_too():
    async def main():
        desk = Desk()
        gone = desk.ask("gone", wrong=True)
        await desk.until(1)
        gone.cancel()
        desk.ask("again", wrong=True)
        desk.ask("new", "192.0.2.1")
        desk.ask("newer", "192.0.2.2")
        await desk.all()
        return desk.judged

    assert run(main())[-1] == "again"


def test_what_was_wrong_is_forgotten_in_time_and_the_oldest_of_too_many():
    wrong = Lately(600.0, 3)
    for number in range(4):
        wrong.note(f"n{number}", 100.0 + number)
    wrong.note("n1", 110.0)
    assert [one for one in range(4) if wrong.has(f"n{one}", 701.0)] == [1, 2, 3]
    assert [one for one in range(4) if wrong.has(f"n{one}", 704.0)] == [1]


def test_a_failure_is_told():
    async def main():
        guesses = Guesses(asyncio.get_running_loop())
        with pytest.raises(ZeroDivisionError):
            await guesses.run(False, ("a", "b"), lambda: 1 // 0)
        assert await guesses.run(False, ("a", "b"), lambda: 1) == 1
        guesses.close()

    run(main())
