"""Steps in threads: what one account's take, nobody else waits for."""

import asyncio
import threading
import time

import pytest
from ssh_server import run

from cucmos_shell.errors import Busy
from cucmos_shell.frontends import steps as limits
from cucmos_shell.frontends.steps import NODE, Steps, lend


def busy(seconds):
    """Use the processor for so long."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Pool:
    """Steps on a loop, and what has begun and ended of them."""

    def __init__(self):
        self.steps = Steps(asyncio.get_running_loop())
        self.begun, self.ended, self.results = [], [], []
        self.go = threading.Event()

    def begin(self, whose, work):
        """A step that does `work`."""

        def function():
            self.begun.append(whose)
            return work()

        def then(result):
            self.ended.append(whose)
            self.results.append(result)

        self.steps.begin(whose, function, then)

    def waits(self, whose):
        """A step that waits until it may go on."""
        self.begin(whose, lambda: self.go.wait(20))

    def lends(self, whose):
        """The same, as one does that waits for the network."""
        self.begin(whose, lambda: lend(lambda: self.go.wait(20)))

    async def fill(self, but=0):
        """Take all places of those that wait, by an account each, but so many."""
        for number in range(limits.MAX_AWAY - but):
            self.lends(f"n:full{number}")
        await self.until(lambda: len(self.begun) >= limits.MAX_AWAY - but)
        await self.quiet()

    async def until(self, condition):
        while not condition():
            await asyncio.sleep(0.001)

    async def quiet(self):
        """Wait until nothing begins any more."""
        before = -1
        while before != len(self.begun):
            before = len(self.begun)
            for _ in range(20):
                await asyncio.sleep(0.001)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.go.set()
        await self.until(lambda: not self.steps.running)
        self.steps.close()


class TestAnAccountHasSoManySteps:
    def test_the_rest_wait_and_others_do_not(self):
        async def main():
            async with Pool() as pool:
                for _ in range(100):
                    pool.waits("n:greedy")
                await pool.quiet()
                assert pool.begun == ["n:greedy"] * limits.EACH
                pool.begin("n:other", lambda: None)
                await pool.until(lambda: pool.ended == ["n:other"])
                pool.go.set()
                await pool.until(lambda: len(pool.ended) == 101)

        run(main())

    def test_accounts_take_turns(self):
        """Who came last with one step does not wait behind the thirty of each before."""

        async def main():
            ends = threading.Semaphore(0)
            async with Pool() as pool:
                for whose in ("n:a", "n:b", "n:c", "n:d"):
                    for _ in range(30):
                        pool.begin(whose, ends.acquire)
                pool.begin("n:last", ends.acquire)
                await pool.quiet()
                begun = len(pool.begun)
                assert begun == limits.THREADS
                # One ends at a time, so that one begins.
                for number in range(1, 6):
                    ends.release()
                    await pool.until(lambda most=begun + number: len(pool.begun) == most)
                ends.release(121)
                assert "n:last" in pool.begun[begun:][:5]

        run(main())


class TestWhoWaitsForTheNetworkHoldsNoThreadOfThePool:
    @pytest.mark.parametrize("accounts", [5, 12, 40])
    def test_others_have_its_place(self, accounts):
        """More of them than there are threads in the pool."""

        async def main():
            async with Pool() as pool:
                for number in range(accounts):
                    for _ in range(limits.EACH):
                        pool.lends(f"n:{number}")
                await pool.until(lambda: len(set(pool.begun)) == accounts)
                await pool.until(lambda: len(pool.begun) > limits.THREADS)
                for number in range(limits.THREADS):
                    pool.begin(f"n:other{number}", lambda: None)
                await pool.until(lambda: len(pool.ended) == limits.THREADS)

        run(main())

    def test_a_place_is_taken_again(self):
        """So many run afterwards as before, and what it gives or raises is told."""

        async def main():
            async with Pool() as pool:
                results = []
                for work in (lambda: lend(lambda: 7), lambda: lend(lambda: 1 // 0)):
                    pool.steps.begin("n:a", work, results.append)
                await pool.until(lambda: len(results) == 2)
                assert 7 in results
                assert [type(one) for one in results if one != 7] == [ZeroDivisionError]
                for number in range(100):
                    pool.waits(f"n:{number}")
                await pool.quiet()
                assert len(pool.begun) == limits.THREADS

        run(main())

    def test_where_nobody_is_served_it_just_waits(self):
        assert lend(lambda: 7) == 7


class TestWhereTooManyWait:
    def test_the_next_is_refused_and_holds_no_thread_of_the_pool(self):
        """However many accounts there are, all who wait for nobody run, as many as ever."""

        async def main():
            async with Pool() as pool:
                await pool.fill()
                for number in range(2 * limits.THREADS):
                    pool.lends(f"n:late{number}")
                await pool.until(lambda: len(pool.ended) == 2 * limits.THREADS)
                assert all(name.startswith("n:late") for name in pool.ended)
                assert {type(one) for one in pool.results} == {Busy}
                assert {one.message() for one in pool.results} == {limits.CROWDED}
                del pool.begun[:]
                for number in range(limits.THREADS + 5):
                    pool.waits(f"n:other{number}")
                await pool.quiet()
                assert len(pool.begun) == limits.THREADS

        run(main())

    def test_who_has_waited_may_again(self):
        """So nothing is refused in its middle."""
        full = threading.Event()

        def work():
            lend(lambda: None)
            full.wait(20)
            return lend(lambda: lend(lambda: 7))

        async def main():
            async with Pool() as pool:
                pool.begin("n:first", work)
                await pool.until(lambda: pool.begun)
                await pool.fill(but=1)
                pool.lends("n:late")
                await pool.until(lambda: pool.ended == ["n:late"])
                full.set()
                await pool.until(lambda: pool.ended[1:] == ["n:first"])
                assert type(pool.results[0]) is Busy
                assert pool.results[1] == 7

        run(main())

    def test_places_are_free_again(self):
        """After steps that waited, that failed, and that waited within a wait."""

        async def main():
            async with Pool() as pool:
                for number in range(2 * limits.MAX_AWAY):
                    pool.begin(f"n:{number}", lambda: lend(lambda: lend(lambda: 1 // 0)))
                await pool.until(lambda: len(pool.ended) == 2 * limits.MAX_AWAY)
                await pool.fill()
                assert len(pool.ended) == 2 * limits.MAX_AWAY

        run(main())

    def test_nodes_have_places_of_their_own(self):
        """What they do by themselves is not refused for what accounts do."""

        async def main():
            async with Pool() as pool:
                await pool.fill()
                for number in range(limits.THREADS - 1):
                    pool.waits(f"n:other{number}")
                await pool.quiet()
                for _ in range(limits.MAX_RUNS):
                    pool.lends(NODE)
                await pool.until(lambda: pool.begun.count(NODE) == limits.MAX_RUNS)
                pool.begin("n:last", lambda: None)
                await pool.until(lambda: pool.ended == ["n:last"])

        run(main())


class TestFewStepsUseTheProcessorAtOnce:
    def test_two_of_all_and_one_of_an_account(self):
        """Once it is known that they take much of it."""
        running, most, lock = [], [], threading.Lock()

        def work(whose):
            with lock:
                running.append(whose)
                most.append(sorted(running))
            busy(0.02)
            with lock:
                running.remove(whose)

        async def main():
            async with Pool() as pool:
                for whose in ("n:a", "n:b", "n:c"):
                    pool.begin(whose, lambda: busy(2 * limits.BURST))
                await pool.until(lambda: len(pool.ended) == 3)
                for _ in range(5):
                    for whose in ("n:a", "n:b", "n:c"):
                        pool.begin(whose, lambda whose=whose: work(whose))
                await pool.until(lambda: len(pool.ended) == 18)
                assert max(map(len, most)) <= limits.MAX_HEAVY
                assert all(len(set(names)) == len(names) for names in most)

        run(main())

    def test_who_uses_little_does_not_wait_for_them(self):
        async def main():
            async with Pool() as pool:
                for whose in ("n:a", "n:b"):
                    pool.begin(whose, lambda: busy(2 * limits.BURST))
                await pool.until(lambda: len(pool.ended) == 2)
                for whose in ("n:a", "n:b"):
                    for _ in range(10):
                        pool.waits(whose)
                await pool.quiet()
                assert len(pool.begun) == 4
                for whose in ("n:quiet", NODE):
                    pool.begin(whose, lambda: None)
                await pool.until(lambda: set(pool.ended[2:]) == {"n:quiet", NODE})

        run(main())
