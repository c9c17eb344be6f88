"""Turns and valves: how much is read of whom before somebody else is heard, and what may wait."""

import asyncio
import contextlib
import itertools
import socket

import asyncssh
import pytest
from ssh_server import run

from cucmos_shell.frontends import turns as limits
from cucmos_shell.frontends.sshd.door import WaitingRoom
from cucmos_shell.frontends.sshd.entrance import AT_ONCE, MAX_WAITING, Entrance
from cucmos_shell.frontends.turns import Turns
from cucmos_shell.frontends.valve import (
    LARGE,
    MAX_BEFORE_SIGN_IN,
    MAX_LARGE,
    MAX_UNSENT,
    MIN_PIECE,
    PIECE,
    READ,
    Valve,
)
from cucmos_shell.node.access.networks import network_of

COST = limits.TURN / 4


class Clock:
    """Processor seconds: each piece of work takes `COST` of them, and none passes otherwise."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Flood:
    """A worker with so many pieces of work, who notes when it has done one."""

    least = 0.0

    def __init__(self, name, share, pieces, clock, log, cost=COST):
        self.name, self.share, self.pieces = name, share, pieces
        self.clock, self.log, self.cost = clock, log, cost

    def work(self, left):
        self.log.append(self.name)
        while self.pieces:
            self.pieces -= 1
            self.clock.now += self.cost
            if left() <= 0:
                break
        return self.pieces > 0


class Rounds:
    """The time of a loop that stands still, and its rounds one by one."""

    def __init__(self):
        self.now = 100.0
        self.soon, self.later = [], []

    def time(self):
        return self.now

    def call_soon(self, function):
        self.soon.append(call := Call(function))
        return call

    def call_at(self, when, function):
        self.later.append((when, call := Call(function)))
        return call

    def round(self):
        """Run what was to be run in the next round; whether that was anything."""
        ready, self.soon = [call for call in self.soon if call.function], []
        if not ready:
            waiting = [pair for pair in self.later if pair[1].function]
            if not waiting:
                return False
            self.later = []
            self.now, call = min(waiting, key=lambda pair: pair[0])
            ready = [call]
        for call in ready:
            call.function()
        return True


class Call:
    def __init__(self, function):
        self.function = function

    def cancel(self):
        self.function = None


@pytest.fixture
def rounds():
    return Rounds()


@pytest.fixture
def clock():
    return Clock()


class TestAFloodHasOneTurnInARound:
    """However many connections it comes by."""

    def test_a_turn_ends_when_its_time_is_over(self, rounds, clock):
        log, line = [], Turns(rounds, clock)
        flood = Flood("x", line.stranger("10.0.0.1"), 1000, clock, log)
        line.ask(flood)
        assert flood.pieces == 1000 - 4
        rounds.round()
        assert flood.pieces == 1000 - 8

    @pytest.mark.parametrize("sockets", [1, 20, 500])
    def test_the_connections_of_a_network_share_it(self, rounds, clock, sockets):
        """Beyond what is served at once, a round serves one of them."""
        log, line = [], Turns(rounds, clock)
        for number in range(sockets):
            line.ask(Flood(number, line.stranger("10.0.0.1"), 10**6, clock, log))
        at_once = len(log)
        assert at_once <= limits.BURST / limits.TURN + 1
        for _ in range(50):
            rounds.round()
        assert len(log) == at_once + 50

    def test_strangers_of_many_networks_share_what_is_served_at_once(self, rounds, clock):
        log, line = [], Turns(rounds, clock)
        for number in range(1000):
            line.ask(Flood(number, line.stranger(f"10.0.{number}"), 1, clock, log, cost=0.005))
        assert len(log) <= limits.TOGETHER_BURST / 0.005 + 1

    def test_strangers_are_in_the_way_where_accounts_use_the_loop_only(self, rounds, clock):
        """New connections of services pause for accounts, and for nobody else."""
        log, line = [], Turns(rounds, clock)
        line.ask(Flood("crowd", line.stranger("10.0.0.1"), 10**6, clock, log))
        for _ in range(400):
            rounds.round()
        assert (line.crowded(), line.in_the_way()) == (True, False)
        line.ask(Flood("ann", line.account("ann"), 1, clock, log))
        assert line.in_the_way()
        rounds.now += 1.5
        assert not line.in_the_way()

    def test_who_asks_for_little_does_not_wait(self, rounds, clock):
        log, line = [], Turns(rounds, clock)
        for number in range(100):
            line.ask(Flood(number, line.account(f"user{number % 20}"), 10**6, clock, log))
        for _ in range(5):
            rounds.round()
        line.ask(Flood("quiet", line.account("quiet"), 2, clock, log))
        assert log[-1] == "quiet"

    def test_shares_take_turns(self, rounds, clock):
        """One with a hundred connections gets no more of them than one with one."""
        log, line = [], Turns(rounds, clock)
        for _ in range(100):
            line.ask(Flood("many", line.account("many"), 10**6, clock, log))
        line.ask(Flood("one", line.account("one"), 10**6, clock, log))
        for _ in range(300):
            rounds.round()
        counts = [log[-200:].count(name) for name in ("many", "one")]
        assert abs(counts[0] - counts[1]) <= 1

    def test_what_cannot_be_divided_is_followed_by_a_rest(self, rounds, clock):
        """A key exchange of 50 ms; with nobody else there is none."""
        log, line = [], Turns(rounds, clock)
        share = line.stranger("10.0.0.1")
        line.ask(Flood("alone", share, 2, clock, log, cost=0.05))
        rounds.round()
        assert rounds.now == 100.0
        line.ask(Flood("quiet", line.account("quiet"), 1, clock, log))
        line.ask(Flood("x", share, 2, clock, log, cost=0.05))
        rounds.round()
        begun = rounds.now
        line.ask(Flood("quiet", line.account("quiet"), 1, clock, log))
        assert log[-1] == "quiet"
        assert rounds.now == begun
        rounds.round()
        assert rounds.now == begun + limits.REST * 0.05

    def test_all_who_have_had_two_such_turns_rest_after_each(self, rounds, clock):
        """So twenty networks that exchange keys have no more of it than one."""
        log, line = [], Turns(rounds, clock)
        for number in range(20):
            share = line.stranger(f"10.0.0.{number}")
            line.ask(Flood(number, share, 10**6, clock, log, cost=0.05))
        for _ in range(45):
            rounds.round()
        begun, had = rounds.now, len(log)
        assert set(log) == set(range(20))
        while rounds.now < begun + 30:
            rounds.round()
        assert len(log) - had <= 30 / (limits.REST * 0.05) + 1

    def test_whoever_had_least_is_next(self, rounds, clock):
        """Twenty accounts that flood together keep nobody else waiting for more than one turn."""
        log, line = [], Turns(rounds, clock)
        for number in range(100):
            line.ask(Flood("many", line.account(f"user{number % 20}"), 10**6, clock, log))
        for _ in range(200):
            rounds.round()
        line.count(line.account("spender"), 10.0)
        line.ask(Flood("quiet", line.account("quiet"), 1, clock, log))
        assert log[-1] == "many"
        rounds.round()
        assert log[-1] == "quiet"

    def test_accounts_share_what_is_served_at_once(self, rounds, clock):
        log, line = [], Turns(rounds, clock)
        for number in range(1000):
            line.ask(Flood(number, line.account(str(number)), 1, clock, log, cost=0.005))
        assert len(log) <= limits.TOGETHER_BURST / 0.005 + 1

    def test_what_is_done_elsewhere_counts(self, rounds, clock):
        """A turn that only begins something counts for what that takes on the loop."""
        log, line = [], Turns(rounds, clock)
        for _ in range(1000):
            errand = Flood("x", line.account("x"), 1, clock, log, cost=0.0)
            errand.least = 0.005
            line.ask(errand)
        assert len(log) <= limits.BURST / 0.005 + 1

    def test_with_others_turns_are_apart(self, rounds, clock):
        """So the line takes a third of the loop, and all of it where nobody else is."""
        log, line = [], Turns(rounds, clock)
        line.ask(Flood("x", line.account("x"), 10**6, clock, log))
        begun = rounds.now
        for _ in range(100):
            rounds.round()
        assert rounds.now == begun
        line.ask(Flood("quiet", line.account("quiet"), 1, clock, log))
        for _ in range(10):
            rounds.round()
        assert rounds.now - begun == pytest.approx(9 * limits.APART * limits.TURN, abs=limits.TURN)

    def test_it_forgets_whom_it_need_not_know(self, rounds, clock):
        line = Turns(rounds, clock)
        for number in range(10 * limits.MAX_SHARES):
            rounds.now += 1
            Flood(number, line.stranger(str(number)), 1, clock, []).work(lambda: 0.0)
        assert len(line._shares) <= limits.MAX_SHARES


# --- valves ----------------------------------------------------------------------------------------


class Ssh:
    """What stands behind a valve; answers each piece with `answer`, and holds `held` packets back."""

    def __init__(self, answer=b""):
        self.pieces, self.answer, self.held, self.ended = [], answer, 0, False
        self.looks = self.congestion = 0
        self.costs = None
        self.valve = None

    def connection_made(self, valve):
        self.valve = valve
        valve.owner = self

    def data_received(self, data):
        self.pieces.append(len(data))
        if self.costs is not None:
            clock, each = self.costs
            clock.now += each * len(data)
        self.valve.write(self.answer)

    def eof_received(self):
        self.ended = True

    def connection_lost(self, exc):
        self.ended = True

    def look(self):
        self.looks += 1

    def congested(self, is_so):
        self.congestion = is_so


@contextlib.asynccontextmanager
async def joined(ssh, clock=None, line=None, unfinished=lambda ssh: 0):
    """A valve over a pair of sockets, and the client's end."""
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    line = line or Turns(loop, clock or Clock())
    valve = Valve(line, line.stranger("10.0.0.1"), ssh, lambda ssh: ssh.held, unfinished)
    ours.setblocking(False)
    theirs.setblocking(False)
    await loop.connect_accepted_socket(lambda: valve, ours)
    try:
        yield valve, theirs
    finally:
        theirs.close()
        valve.abort()
        await settled(lambda: ssh.ended)


async def settled(value):
    """What `value` gives when it gives the same for a while."""
    last = None
    while (now := value()) != last:
        last = now
        for _ in range(200):
            await asyncio.sleep(0)
    return last


def send(sock, data):
    """Send as much of `data` as the kernel takes."""
    try:
        return sock.send(data)
    except (BlockingIOError, BrokenPipeError):
        return 0


class TestAValveIsReadALittleAtATime:
    def test_pieces_are_small_and_whole(self):
        async def main():
            ssh = Ssh()
            async with joined(ssh) as (valve, client):
                valve.signed_in("ann")
                sent = send(client, bytes(60_000))
                await settled(lambda: sum(ssh.pieces))
                assert sum(ssh.pieces) == sent
                assert max(ssh.pieces) == PIECE
                assert ssh.looks == len(ssh.pieces)

        run(main())

    def test_pieces_are_smaller_the_dearer_they_are(self):
        """What is dear to work on is given in as few octets as take a part of a turn."""

        async def main():
            ssh, clock = Ssh(), Clock()
            async with joined(ssh, clock) as (valve, client):
                valve.signed_in("ann")
                for dear in (True, False):
                    ssh.pieces.clear()
                    ssh.costs = (clock, limits.TURN / PIECE) if dear else None
                    send(client, bytes(60_000))
                    await settled(lambda: sum(ssh.pieces))
                    later = ssh.pieces[5:-1]
                    assert max(later) <= PIECE // 2 if dear else max(later) == PIECE
                    assert min(later) >= MIN_PIECE

        run(main())

    def test_so_much_may_come_before_the_sign_in(self):
        async def main():
            ssh = Ssh()
            async with joined(ssh) as (_, client):
                for _ in range(20):
                    send(client, bytes(READ))
                    await settled(lambda: sum(ssh.pieces))
                assert ssh.ended
                assert sum(ssh.pieces) <= MAX_BEFORE_SIGN_IN + READ

        run(main())


class TestWhatIsWrittenWaitsWithinBounds:
    def test_nothing_is_read_while_answers_wait(self):
        """A client that sends and does not read is not heard, whatever the answers are."""

        async def main():
            ssh = Ssh(answer=bytes(10 * PIECE))
            async with joined(ssh) as (valve, client):
                valve.signed_in("ann")
                for _ in range(50):
                    send(client, bytes(READ))
                    await asyncio.sleep(0)
                heard = await settled(lambda: sum(ssh.pieces))
                assert ssh.congestion
                for _ in range(50):
                    send(client, bytes(READ))
                    await asyncio.sleep(0)
                assert await settled(lambda: sum(ssh.pieces)) == heard
                while heard == sum(ssh.pieces):
                    with contextlib.suppress(BlockingIOError):
                        client.recv(1 << 20)
                    await asyncio.sleep(0)

        run(main())

    def test_a_writer_who_does_not_stop_ends_the_connection(self):
        async def main():
            ssh = Ssh()
            async with joined(ssh) as (valve, _):
                for size in itertools.repeat(65536, 200):
                    valve.write(bytes(size))
                assert valve.is_closing()
                await settled(lambda: ssh.ended)
                assert ssh.ended

        run(main())
        assert MAX_UNSENT <= 4 * 1024 * 1024

    def test_what_waits_for_a_key_exchange_is_congestion_and_bounded(self):
        async def main():
            ssh = Ssh()
            async with joined(ssh) as (valve, client):
                for held, congested in ((5, True), (0, False), (1024, True)):
                    ssh.held = held
                    send(client, b"x")
                    await settled(lambda: len(ssh.pieces))
                    assert ssh.congestion is congested
                    assert not valve.is_closing()
                ssh.held = 1025
                send(client, b"x")
                await settled(lambda: ssh.ended)
                assert ssh.ended

        run(main())

    def test_an_account_has_few_packets_that_are_large_and_not_whole(self):
        """Each is up to 256 KiB that the library keeps, on any of hundreds of connections."""

        async def main():
            async with contextlib.AsyncExitStack() as stack:
                line = Turns(asyncio.get_running_loop(), Clock())
                share, valves, kept = line.account("ann"), [], []
                for _ in range(MAX_LARGE + 2):
                    valve, client = await stack.enter_async_context(
                        joined(Ssh(), line=line, unfinished=lambda ssh: sum(ssh.pieces))
                    )
                    valve.signed_in("ann")
                    for _ in range(3):
                        send(client, bytes(READ))
                        await settled(lambda valve=valve: valve.received)
                    valves.append(valve)
                    kept.append(share.large)
                assert [valve.is_closing() for valve in valves] == [False] * MAX_LARGE + [True] * 2
                valves[0].abort()
                await settled(lambda: share.large)
                assert share.large == MAX_LARGE - 1

        run(main())
        assert LARGE < 3 * READ

    def test_asyncssh_keeps_packets_where_they_are_counted(self):
        """Another version of the library may call them otherwise."""
        assert (
            "_deferred_packets"
            in asyncssh.SSHServerConnection.__init__.__globals__[
                "SSHConnection"
            ].__init__.__code__.co_names
        )


# --- the entrance ---------------------------------------------------------------------------------


class Served(Ssh):
    """What an entrance makes for a connection, with the parts of asyncssh that it knows."""

    _deferred_packets = ()
    _inpbuf = b""

    def _recv_data(self):
        pass


@contextlib.asynccontextmanager
async def entrance():
    """`(entrance, its address, addresses of the connections it has begun, what makes them)`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    listener.setblocking(False)
    begun, made = [], []

    def factory(address, port):
        begun.append(address)
        made.append(Served())
        return made[-1]

    taker = Entrance(listener, Turns(asyncio.get_running_loop()))
    try:
        yield taker, listener.getsockname(), begun, factory
    finally:
        taker.close()
        while any(one.valve is None for one in made):
            await asyncio.sleep(0)
        for one in made:
            one.valve.abort()
        await settled(lambda: sum(one.ended for one in made))


class TestWhoConnectsHasATurn:
    def test_networks_take_turns(self):
        """However many connections of another came first."""

        async def main():
            async with entrance() as (taker, place, begun, factory):
                with contextlib.ExitStack() as clients:
                    for number in range(201):
                        source = "127.0.0.2" if number == 200 else "127.0.0.1"
                        client = socket.create_connection(place, source_address=(source, 0))
                        clients.enter_context(client)
                    await taker.create_server(factory, "", 0)
                    while len(begun) < 201:
                        await asyncio.sleep(0.001)
                    assert begun.index("127.0.0.2") < 201 / AT_ONCE + 2

        run(main())

    def test_nobody_waits_in_the_kernel_behind_a_crowd(self):
        """Of a crowd that is larger than may wait, those leave who came first."""

        async def main():
            async with entrance() as (taker, place, begun, factory):
                with contextlib.ExitStack() as clients:
                    for number in range(3 * MAX_WAITING + 1):
                        source = "127.0.0.2" if number == 3 * MAX_WAITING else "127.0.0.1"
                        client = socket.create_connection(place, source_address=(source, 0))
                        clients.enter_context(client)
                    await taker.create_server(factory, "", 0)
                    while "127.0.0.2" not in begun:
                        await asyncio.sleep(0.001)
                    assert begun.index("127.0.0.2") < MAX_WAITING
                    await settled(lambda: len(begun))
                    while taker._line:
                        await asyncio.sleep(0.001)
                    assert len(begun) < 2 * MAX_WAITING

        run(main())

    def test_who_has_gone_is_not_begun(self):
        async def main():
            async with entrance() as (taker, place, begun, factory):
                for _ in range(200):
                    socket.create_connection(place).close()
                await taker.create_server(factory, "", 0)
                with socket.create_connection(place):
                    while not begun:
                        await asyncio.sleep(0.001)
                    await settled(lambda: len(begun))
                assert len(begun) == 1

        run(main())


# --- the waiting room -----------------------------------------------------------------------------


class TestNobodyIsKeptOut:
    """Who has not signed in has to leave for others; who comes is let in."""

    def test_the_oldest_of_the_largest_network_leaves(self):
        room = WaitingRoom(8, lambda: 0.0)
        assert [room.enter(f"one{number}", "one") for number in range(3)] == [None] * 3
        assert room.enter("two", "two") is None
        leaving = [room.enter(f"more{number}", "three") for number in range(6)]
        assert leaving == ["one0", "one1", "more0", "more1", "more2", "more3"]
        assert len(room) == 4

    @pytest.mark.parametrize(("dice", "most"), [(0.0, 50), (0.5, 75), (0.99, 99)])
    def test_the_more_there_are_the_likelier_one_leaves(self, dice, most):
        room = WaitingRoom(100, lambda: dice)
        for number in range(1000):
            room.enter(number, str(number))
        assert len(room) == most

    def test_half_open_connections_do_not_end_a_sign_in(self):
        """Those that do nothing leave first, as long as they are more."""
        room = WaitingRoom(100, lambda: 0.0)
        room.enter("right", "same")
        room.asks("right", "same")
        leaving = [room.enter(number, "same") for number in range(1000)]
        assert "right" not in leaving
        room.leave("right", "same")

    def test_sign_ins_that_do_not_end_make_room_for_new_ones(self):
        room = WaitingRoom(100, lambda: 0.0)
        for number in range(50):
            room.enter(number, "same")
            room.asks(number, "same")
        assert [room.enter(f"new{number}", "other") for number in range(20)] == list(range(20))

    def test_whoever_has_left_is_not_counted(self):
        room = WaitingRoom(4, lambda: 0.0)
        for number in range(100):
            assert room.enter(number, "same") is None
            room.asks(number, "same")
            room.leave(number, "same")
            room.leave(number, "same")
        assert len(room) == 0

    def test_an_ipv6_host_is_its_network(self):
        """It has all the addresses of its /64; an IPv4 host is the same whoever listens."""
        assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9")
        assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
        assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1")
        assert network_of("::ffff:192.0.2.1") != network_of("::ffff:192.0.2.2")
