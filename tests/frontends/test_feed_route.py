"""Who asks for the feed of a cluster at a TLS port: what they take, and whom they keep waiting."""

import asyncio
import threading
from base64 import b64encode

import pytest
from ssh_server import run

from cucmos_shell.frontends import feed_route
from cucmos_shell.frontends.feed_route import MAX_ANSWERS, routes
from cucmos_shell.frontends.host import Host
from cucmos_shell.frontends.http import Request
from cucmos_shell.frontends.steps import MAX_RUNS
from cucmos_shell.node.tasks import offering

RIGHT = {"authorization": "Basic " + b64encode(b"east:Gold-Meadow8").decode()}
GUESSES = 20


def question(headers, client="10.0.0.1"):
    return Request("GET", "/", "/", {}, headers, client)


def guess(number):
    who = b64encode(f"east:Guess-{number}".encode()).decode()
    return question({"authorization": f"Basic {who}"}, "10.9.9.9")


@pytest.fixture
def hashing(monkeypatch):
    """Passwords take until the test lets them; whose threads it was."""
    gate, threads = threading.Semaphore(0), []

    def matches(password, phc):
        threads.append(threading.current_thread().name)
        gate.acquire()
        return password == "Gold-Meadow8"

    monkeypatch.setattr(offering.passwords, "matches", matches)
    return gate, threads


async def rounds(number=50):
    for _ in range(number):
        await asyncio.sleep(0.001)


def test_guesses_wait_in_the_line_of_all_passwords(node, hashing):
    """However many there are: what the node does by itself goes on, and so do its steps."""
    gate, threads = hashing

    async def main():
        host = Host()
        (answer,) = routes(node, host).values()
        asked = [asyncio.ensure_future(answer(guess(i))) for i in range(GUESSES)]
        while not threads:
            await asyncio.sleep(0.001)
        await rounds()
        assert await asyncio.gather(*(host.by_itself(lambda: 1) for _ in range(2 * MAX_RUNS)))
        assert len(threads) <= 2
        assert all(name.startswith("password") for name in threads)
        # Of another network, and after all of them: it is next but those that have begun.
        right = asyncio.ensure_future(answer(question(RIGHT)))
        await rounds()
        for _ in range(4):
            gate.release()
        assert (await asyncio.wait_for(right, 20)).status != 401
        for _ in range(GUESSES):
            gate.release()
        assert {one.status for one in await asyncio.gather(*asked)} == {401}

    run(main())


def test_an_account_has_few_answers_on_their_way(node, hashing, monkeypatch):
    """The next is made when one has been sent, or never will be."""
    gate, _ = hashing
    made = []
    monkeypatch.setattr(
        feed_route.FeedOffer, "answer", lambda self, since: (made.append(1), (200, b"{}"))[1]
    )

    async def main():
        (answer,) = routes(node, Host()).values()
        for _ in range(GUESSES):
            gate.release()
        asked = [asyncio.ensure_future(answer(question(RIGHT))) for _ in range(MAX_ANSWERS + 1)]
        done, waiting = await asyncio.wait(asked, timeout=20, return_when="FIRST_COMPLETED")
        while len(done) < MAX_ANSWERS:
            more, waiting = await asyncio.wait(waiting, return_when="FIRST_COMPLETED")
            done |= more
        await rounds()
        assert len(made) == MAX_ANSWERS
        done.pop().result().sent()
        await asyncio.wait_for(asyncio.gather(*waiting), 20)
        assert len(made) == MAX_ANSWERS + 1

    run(main())
