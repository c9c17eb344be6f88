"""The contract of a bus: whoever implements `world.bus.Bus` passes all of this.

Revisions are compared, never counted: a bus may leave some out, and begin anywhere.
"""

import contextlib
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from bus_places import PLACES
from following import follow

from cucmos_shell.world.bus import (
    MAX_CHANGE,
    MAX_KEY,
    MAX_KEYS,
    MAX_VALUE,
    At,
    BusWentBack,
    Changes,
    Compacted,
    Item,
    Put,
)

THREADS, TURNS = 8, 12
# Text that is in order, and where folding, normal forms or another order would show.
ODD_KEYS = (
    " ",
    "%",
    "A",
    "_",
    "a",
    "a\t\n",
    "a/",
    "a/e\u0301",
    "a/\xe9",
    "a0",
    "\ue000",
    "\U0010ffff",
)


@pytest.fixture(params=sorted(PLACES))
def place(request, memory_path):
    with contextlib.closing(PLACES[request.param](memory_path)) as place:
        yield place


@pytest.fixture
def bus(place):
    return place.open()


@pytest.fixture
def other(place):
    """The bus as another node has it."""
    return place.open()


def put(bus, key, value=b"v"):
    """Write whatever is there; the revision."""
    revision = bus.change([], [Put(key, value)])
    assert revision is not None
    return revision


def keys(bus, prefix=""):
    return [item.key for item in bus.read(prefix).items]


# --- reading and changing ----------------------------------------------------------------------


def test_a_new_bus_is_empty(bus):
    """And has a revision from which it can be followed."""
    reading = bus.read("")
    assert reading.items == ()
    assert bus.since("", reading.revision) == ()


def test_what_is_put_is_read_by_others(bus, other):
    """With the revision that wrote it, which grows."""
    first = put(bus, "a/1", b"one")
    second = put(other, "a/2", b"")
    assert 0 < first < second
    found = (Item("a/1", b"one", first), Item("a/2", b"", second))
    assert bus.read("a/") == other.read("a/") == (second, found)


def test_several_keys_change_at_once(bus, other):
    """Put and dropped by one revision."""
    put(bus, "old")
    revision = bus.change([], [Put("x", b"1"), Put("y", b"2")], ["old"])
    assert other.read("") == (revision, (Item("x", b"1", revision), Item("y", b"2", revision)))


def test_an_absent_key_is_compared_with_zero(bus, other):
    """Who comes second finds it there, until it is dropped."""
    assert bus.change([At("k", 0)], [Put("k", b"mine")])
    assert other.change([At("k", 0)], [Put("k", b"yours")]) is None
    assert bus.change([], [], ["k"])
    assert other.change([At("k", 0)], [Put("k", b"yours")])


def test_a_present_key_is_compared_with_its_revision(bus, other):
    """Not with any other one, the present one of the bus included."""
    first = put(bus, "k")
    later = put(bus, "beside")
    assert other.change([At("k", later)], [Put("k", b"no")]) is None
    second = other.change([At("k", first)], [Put("k", b"yes")])
    assert bus.change([At("k", first)], [Put("k", b"late")]) is None
    assert bus.read("k").items == (Item("k", b"yes", second),)


def test_one_false_comparison_stops_all(bus):
    """Nothing is written, and no revision made."""
    revision = put(bus, "a")
    assert bus.change([At("a", revision), At("b", 9)], [Put("c", b"")], ["a"]) is None
    assert bus.read("") == (revision, (Item("a", b"v", revision),))
    assert bus.since("", revision) == ()


def test_a_comparison_alone_guards_another_key(bus):
    """A key that is compared need not be written."""
    revision = put(bus, "guard")
    assert bus.change([At("guard", revision)], [Put("k", b"")])
    assert bus.read("guard").items[0].revision == revision


def test_dropping_what_is_not_there_does_nothing(bus):
    """No revision, no word of it to those who follow."""
    revision = put(bus, "a")
    assert bus.change([], [], ["b"]) == revision
    with_another = bus.change([], [Put("c", b"1")], ["b"])
    changes = Changes(with_another, (Item("c", b"1", with_another),), ())
    assert bus.since("", revision) == (changes,)


def test_a_value_is_any_octets(bus, other):
    """Up to the limit."""
    values = {"all": bytes(range(256)), "none": b"", "most": b"\0" * MAX_VALUE}
    for key, value in values.items():
        put(bus, key, value)
    assert {item.key: item.value for item in other.read("").items} == values


def test_a_change_may_be_large(bus, other):
    """As many keys as there may be, compared and written, and as many octets."""
    names = [f"{i:04}" for i in range(MAX_KEYS)]
    value = bytes(MAX_CHANGE // MAX_KEYS - 4)
    compare = [At(name, 0) for name in names]
    assert bus.change(compare, [Put(name, value) for name in names])
    assert keys(other) == names


@pytest.mark.parametrize("key", ["", "a\0", "\0", "k" * (MAX_KEY + 1), "é" * MAX_KEY, "\ud800"])
def test_a_key_that_no_bus_takes_is_refused(bus, key):
    """Wherever it stands."""
    for change in (
        ([At(key, 0)], [Put("a", b"")], ()),
        ([], [Put(key, b"")], ()),
        ([], [], [key]),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            bus.change(*change)
    with pytest.raises(ValueError):  # noqa: PT011
        bus.alive(key, b"", 1)
    assert keys(bus) == []


def test_a_change_that_no_bus_takes_is_refused(bus):
    """Empty, too large, or with a key twice."""
    many = [f"{i}" for i in range(MAX_KEYS + 1)]
    for change in (
        ([At("a", 0)], [], ()),
        ([], [Put("a", bytes(MAX_VALUE + 1))], ()),
        ([], [Put(key, bytes(MAX_VALUE)) for key in many[:4]], ()),
        ([], [Put(key, b"") for key in many], ()),
        ([], [Put(key, b"") for key in many[1:]], many[:1]),
        ([At(key, 0) for key in many], [Put("a", b"")], ()),
        ([], [Put("a", b"1"), Put("a", b"2")], ()),
        ([], [Put("a", b"1")], ["a"]),
        ([], [Put("b", b"1")], ["a", "a"]),
    ):
        with pytest.raises(ValueError, match=r"octets|keys|twice"):
            bus.change(*change)
    assert keys(bus) == []


# --- prefixes ----------------------------------------------------------------------------------


def test_a_prefix_is_the_beginning_of_a_key(bus):
    """No folder, no pattern."""
    names = ["a", "a/", "a/1", "a/1/2", "a0", "ab/1", "b", "a_", "a%"]
    revision = bus.change([], [Put(name, b"") for name in names])
    for prefix in ("", "a", "a/", "a/1", "ab/", "a_", "a%", "c", "a*"):
        expected = sorted(name for name in names if name.startswith(prefix))
        assert keys(bus, prefix) == expected, prefix
        found = bus.since(prefix, revision - 1)
        assert [item.key for one in found for item in one.items] == expected, prefix


def test_odd_keys_are_keys(bus, other):
    """Told apart, and in the order of their octets."""
    bus.change([], [Put(key, key.encode()) for key in reversed(ODD_KEYS)])
    assert keys(other) == sorted(ODD_KEYS)
    for key in ODD_KEYS:
        assert Item(key, key.encode(), other.read("").revision) in other.read(key).items
    assert keys(other, "\U0010ffff") == ["\U0010ffff"]
    longest = "é" * (MAX_KEY // 2)
    put(bus, longest)
    assert keys(other, longest[:-1]) == [longest]


# --- following ---------------------------------------------------------------------------------


def script(bus):
    """Some revisions of every kind; what they did to prefix `a/`."""
    one = bus.change([], [Put("a/2", b"2"), Put("a/1", b"1"), Put("b", b"")])
    put(bus, "b")
    two = bus.change([], [Put("a/3", b"3")], ["a/1", "b"])
    three = bus.change([], [], ["a/2", "a/3"])
    four = put(bus, "a/1", b"again")
    return (
        Changes(one, (Item("a/1", b"1", one), Item("a/2", b"2", one)), ()),
        Changes(two, (Item("a/3", b"3", two),), ("a/1",)),
        Changes(three, (), ("a/2", "a/3")),
        Changes(four, (Item("a/1", b"again", four),), ()),
    )


def test_since_tells_whole_revisions_in_order(bus, other):
    """From whatever revision on; those that do not touch the prefix are left out."""
    begin = bus.read("").revision
    changes = script(bus)
    assert other.since("a/", begin) == changes
    for i, change in enumerate(changes):
        assert other.since("a/", change.revision) == changes[i + 1 :]
    assert [change.gone for change in other.since("b", begin)] == [(), (), ("b",)]
    assert other.since("c", begin) == ()


def test_nothing_is_missed_and_nothing_told_twice(place):
    """Watchers beside eight writers hear the log, each revision once."""
    begin = place.open().read("").revision
    total = THREADS * TURNS
    over = threading.Event()

    def write(name):
        with contextlib.closing(place.open()) as bus:
            return [put(bus, f"w/{name}/{i}", b"%d" % i) for i in range(TURNS)]

    def watch(_):
        found = []
        with contextlib.closing(place.open()) as bus:
            for change in follow(bus, "w/", begin, over.is_set, over.wait):
                found.append(change)
                if len(found) == total:
                    break
        return found

    with ThreadPoolExecutor(THREADS + 2) as pool:
        watchers = [pool.submit(watch, i) for i in range(2)]
        try:
            written = sorted(itertools.chain(*pool.map(write, range(THREADS))))
            heard = [watcher.result(60) for watcher in watchers]
        finally:
            over.set()
    assert len(set(written)) == total
    for found in heard:
        assert [change.revision for change in found] == written
        assert sorted(item.key for change in found for item in change.items) == sorted(
            f"w/{name}/{i}" for name in range(THREADS) for i in range(TURNS)
        )


@pytest.mark.parametrize("shared", [True, False], ids=["one bus", "a bus each"])
def test_each_turn_has_one_winner(place, shared):
    """Eight threads count a key up by comparison: as many revisions as wins."""
    bus = place.open()
    put(bus, "turn", b"0")

    def race(_):
        won = 0
        own = bus if shared else place.open()
        while won < TURNS:
            item = own.read("turn").items[0]
            turn = At("turn", item.revision)
            won += own.change([turn], [Put("turn", b"%d" % (int(item.value) + 1))]) is not None
        return won

    begin = bus.read("").revision
    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(race, range(THREADS))) == THREADS * TURNS
    assert bus.read("turn").items[0].value == b"%d" % (THREADS * TURNS)
    values = [int(change.items[0].value) for change in bus.since("turn", begin)]
    assert values == list(range(1, THREADS * TURNS + 1))


def test_a_reading_is_of_one_moment(place):
    """Two keys that change together are never read apart."""
    bus, other = place.open(), place.open()
    bus.change([], [Put("x", b"0"), Put("z", b"0")])
    with ThreadPoolExecutor(1) as pool:

        def write():
            for i in range(60):
                other.change([], [Put("x", b"%d" % i), Put("z", b"%d" % i)])

        writing = pool.submit(write)
        while not writing.done():
            revision, (x, z) = bus.read("")
            assert (x.value, x.revision) == (z.value, z.revision)
            assert x.revision == revision
        writing.result()


# --- history that is gone, and buses that are others ---------------------------------------------


def test_compacted_history_is_said_to_be_gone(bus, other):
    """What there is stays; what came later can be followed."""
    begin = bus.read("").revision
    changes = script(bus)
    before = bus.read("")
    bus.compact(changes[1].revision)
    with pytest.raises(Compacted) as caught:
        other.since("a/", begin)
    assert begin < caught.value.floor <= changes[1].revision
    assert other.since("a/", caught.value.floor)[-2:] == changes[2:]
    assert other.since("a/", changes[1].revision) == changes[2:]
    with pytest.raises(Compacted):
        other.since("c", begin)
    assert other.read("") == before
    bus.compact(changes[0].revision)
    bus.compact(before.revision)
    assert other.since("", before.revision) == ()
    after = put(bus, "a/new")
    assert [change.revision for change in other.since("", before.revision)] == [after]


def test_a_revision_that_is_not_there_yet(bus):
    """Who has seen more than the bus has is told so."""
    ahead = put(bus, "k") + 1
    for ask in (
        lambda: bus.since("", ahead),
        lambda: bus.compact(ahead),
    ):
        with pytest.raises(BusWentBack):
            ask()


def every_call(bus, revision):
    """Each call that says something about the bus's items."""
    return (
        bus.identity,
        lambda: bus.read(""),
        lambda: bus.change([], [Put("k", b"lost")]),
        lambda: bus.since("", revision),
        lambda: bus.compact(revision),
    )


def test_a_bus_made_anew_is_another_one(place, bus):
    """An open bus says so, whatever it is asked; one opened anew has another identity."""
    identity = bus.identity()
    assert place.open().identity() == identity
    revision = put(bus, "k")
    place.make_anew()
    new = place.open()
    assert new.identity() != identity
    for i in range(revision + 1):
        put(new, f"new/{i}")
    for ask in every_call(bus, revision):
        with pytest.raises(BusWentBack):
            ask()
    assert "k" not in keys(new)


def test_an_older_copy_is_noticed(place, bus):
    """By whoever has seen more; one opened anew is asked for a revision it has not."""
    identity = bus.identity()
    put(bus, "k", b"old")
    bus.close()
    place.keep()
    revision = put(bus, "k", b"new")
    place.put_back()
    for ask in every_call(bus, revision):
        with pytest.raises(BusWentBack):
            ask()
    new = place.open()
    assert new.identity() == identity
    assert new.read("k").items[0].value == b"old"
    with pytest.raises(BusWentBack):
        new.since("", revision)


# --- leases ------------------------------------------------------------------------------------


def test_a_lease_lapses_unless_it_is_renewed(place, bus, other):
    """By the clock of the place; a lapse may show a little late."""
    bus.alive("alive/a", b"1", place.lease)
    bus.alive("alive/b", b"", place.lease)
    assert other.who_is_alive("alive/") == (Item("alive/a", b"1", 0), Item("alive/b", b"", 0))
    place.clock.sleep(place.lease * 0.6)
    bus.alive("alive/a", b"2 3", place.lease)
    assert len(other.who_is_alive("")) == 2
    place.clock.sleep(place.lease * 0.4)
    lapsed(place, other, 1)
    assert other.who_is_alive("") == (Item("alive/a", b"2 3", 0),)
    assert other.who_is_alive("alive/b") == ()
    place.clock.sleep(place.lease * 0.6)
    lapsed(place, other, 0)


def lapsed(place, bus, left):
    """See that within a little time no more than so many are shown."""
    for _ in range(40):
        if len(bus.who_is_alive("")) == left:
            return
        place.clock.sleep(place.late / 40)
    assert len(bus.who_is_alive("")) == left


def test_leases_are_no_items(bus, other):
    """They make no revision and are not read with the items."""
    before = bus.read("")
    bus.alive("k", b"1", 15)
    assert other.read("") == before
    assert other.since("", before.revision) == ()
    assert bus.change([At("k", 0)], [Put("k", b"")])


def test_a_closed_bus_opens_again(bus):
    """When it is used."""
    bus.close()
    put(bus, "k")
    bus.close()
    bus.close()
    assert keys(bus) == ["k"]
