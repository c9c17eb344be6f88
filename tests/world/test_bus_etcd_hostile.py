"""A member that lies, babbles or falls silent: no answer of it is believed that cannot be true.

A real server with TLS answers in its place; it has a certificate of the right authority.
"""

import contextlib
import itertools
import time
import tracemalloc

import pytest
from etcd_hostile import HostileEtcd, b64
from etcd_servers import EtcdAuthority

from cucmos_shell.errors import Refused, ShellError
from cucmos_shell.world.bus import (
    BusAway,
    BusDamaged,
    BusUnknown,
    BusWentBack,
    Compacted,
    Put,
)
from cucmos_shell.world.buses.etcd import forms, wire
from cucmos_shell.world.buses.etcd.bus import EtcdBus
from cucmos_shell.world.buses.etcd.changes import create_etcd
from cucmos_shell.world.buses.etcd.places import parse_address

# For calls that end by their deadline, and for those that end by what they are told.
SECONDS, LONG = 0.4, 20.0
LARGE = 100 * 1024 * 1024
HEAD = b"/b/log/head"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What client and server have, both of one authority."""
    return EtcdAuthority().issue(tmp_path_factory.mktemp("tls") / "files")


@contextlib.contextmanager
def speaking(files, answer, head=None, version=b"{}", seconds=LONG):
    """A bus whose only member answers so."""
    with contextlib.closing(HostileEtcd(files, answer, head, version)) as server:
        url = f"etcd+https://127.0.0.1:{server.port}/b"
        with contextlib.closing(EtcdBus(parse_address(url), url, str(files), seconds)) as bus:
            bus.server, bus._whole = server, seconds
            yield bus


def header(revision=9):
    return {"cluster_id": "1", "member_id": "2", "revision": str(revision), "raft_term": "3"}


def row(key, value=b"", revision=9):
    return {"key": b64(key), "value": b64(value), "mod_revision": str(revision)}


def head_row(revision=9, identity="i", was=0, keys=1):
    return row(HEAD, forms.head_value(identity, was, "by", keys), revision)


def encoded(form):
    return forms.json.dumps(form).encode()


def sound(path, form, kvs=()):
    """What an etcd with an empty bus says."""
    if path.endswith("range"):
        return encoded({"header": header(), "kvs": [head_row()], "count": "1"})
    first = {"response_range": {"header": header(), "kvs": [head_row()]}}
    second = {"response_range": {"header": header(), "kvs": list(kvs)}}
    return encoded({"header": header(), "succeeded": True, "responses": [first, second]})


def each_use(bus):
    """Every use of a bus, by its name."""
    yield "identity", bus.identity
    yield "read", lambda: bus.read("")
    yield "change", lambda: bus.change([], [Put("k", b"")])
    yield "drop", lambda: bus.change([], [], ["k"])
    yield "since", lambda: bus.since("", 3)
    yield "compact", lambda: bus.compact(3)
    yield "alive", lambda: bus.alive("k", b"", 5)
    yield "who", lambda: bus.who_is_alive("")


# --- answers that are none -----------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\n"
NONE = {
    "empty": (b"", None),
    "a list": (b"[]", None),
    "a number": (b"1", None),
    "no JSON": (b"{", None),
    "no UTF-8": (b'{"a":"\xff"}', None),
    "deep": (b'{"a":' + b"[" * 100_000, None),
    "a long number": (b'{"header":' + b"9" * 100_000 + b"}", None),
    "no object": (b'{"header":1,"kvs":1,"responses":1,"result":1}', None),
    "nothing": (b"{}", None),
    "null": (b'{"header":null,"kvs":[null],"responses":[null],"succeeded":null}', None),
    "no HTTP": (b"", b"SSH-2.0-x\r\n" * 9),
    "half a head": (b"", b"HTTP/1.1 200"),
    "half a body": (b"{}", OK + b"Content-Length: 100\r\n\r\n"),
    "half a chunk": (b"5\r\n{", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "a wrong chunk": (b"-5\r\n{}", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "a negative length": (b"{}", OK + b"Content-Length: -1\r\n\r\n"),
    "a redirect": (b"", b"HTTP/1.1 307 X\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
    "a failure": (b"{}", b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n"),
    "an odd failure": (b'{"error":1,"code":[],"message":{}}', b"HTTP/1.1 400 X\r\nContent-Length: 34\r\n\r\n"),
    "many headers": (b"", OK + b"X: y\r\n" * 200 + b"\r\n"),
    "a long header": (b"", OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n"),
    "only 100": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if head else [])
        for name, (_, head) in NONE.items()
    ],
)
def test_an_answer_that_is_none(files, name):
    """Each use ends with an error of a bus, by its deadline; a change may have been made."""
    body, head = NONE[name]
    answer = (lambda path, form: body) if head is None else (lambda path, form: [body])
    seconds = LONG if head is None else SECONDS
    with speaking(files, answer, head, seconds=seconds) as bus:
        # What is not even HTTP is asked for again until the deadline; that takes a while each time.
        for use, ask in each_use(bus):
            if head is not None and use not in ("identity", "change"):
                continue
            begun = time.monotonic()
            with pytest.raises(ShellError) as caught:
                ask()
            assert type(caught.value) in (BusAway, BusDamaged, BusUnknown), use
            assert time.monotonic() - begun < 10, use


# --- too much, too slow ----------------------------------------------------------------------------


def large(_, __):
    """More than any answer, in pieces."""
    yield b'{"kvs":["'
    for _ in range(LARGE // 65536):
        yield b"A" * 65536


def test_a_hundred_mebibytes_are_not_taken_in(files):
    """By no use; what is held meanwhile is bounded."""
    tracemalloc.start()
    try:
        with speaking(files, large) as bus:
            for use, ask in each_use(bus):
                with pytest.raises((BusDamaged, BusUnknown)):
                    ask()
                assert tracemalloc.get_traced_memory()[1] < 4 * wire.MAX_ANSWER, use
    finally:
        tracemalloc.stop()


def dripping(server):
    """An octet every tenth of a second."""

    def answer(_, __):
        for _ in range(1000):
            server[0].pause(0.1)
            yield b" "

    return answer


@pytest.mark.parametrize("how", ["silent", "dripping"])
def test_silence_ends_by_the_deadline(files, how):
    """And so does an answer that goes on for ever."""
    servers = []

    def silent(_, __):
        servers[0].pause(30)
        return b""

    how = silent if how == "silent" else dripping(servers)
    with speaking(files, how, seconds=SECONDS) as bus:
        servers.append(bus.server)
        for ask in (bus.identity, lambda: bus.alive("k", b"", 5)):
            begun = time.monotonic()
            with pytest.raises(BusAway):
                ask()
            assert SECONDS * 0.9 < time.monotonic() - begun < SECONDS * 5


@pytest.mark.parametrize("version", [b"", b"[]", b"x" * 10])
def test_what_is_no_etcd_is_away(files, version):
    """Whatever it says of its version: what it answers decides."""
    answer = lambda path, form: b"x"  # noqa: E731
    with speaking(files, answer, None, version) as bus, pytest.raises((BusAway, BusDamaged)):
        bus.identity()


# --- revisions and keys that cannot be -----------------------------------------------------------


@pytest.mark.parametrize(
    "revision",
    ["-1", "x", "", "1e3", " 7", "٣", "9" * 30, str(1 << 63), 7, None, True, [], {}, "0"],
)
def test_a_revision_that_is_none(files, revision):
    """Of the head, of a key, of the etcd."""
    at = {**head_row(), "mod_revision": revision}

    def answer(path, form):
        return encoded({"header": header(), "kvs": [at]})

    with speaking(files, answer) as bus, pytest.raises(BusDamaged):
        bus.identity()
    kv = {**row(b"/b/log/i/k"), "mod_revision": revision}
    answer = lambda path, form: sound(path, form, [kv])  # noqa: E731
    with speaking(files, answer) as bus, pytest.raises(BusDamaged):
        bus.read("")


@pytest.mark.parametrize(
    "kvs",
    [
        [row(b"/b/log/i/k", revision=10)],
        [row(b"/b/log/i/b"), row(b"/b/log/i/a")],
        [row(b"/b/log/i/a"), row(b"/b/log/i/a")],
        [row(b"/b/log/g/a")],
        [row(b"/c/log/i/a")],
        [row(b"/b/log/i/\xff")],
        [{**row(b"/b/log/i/a"), "value": "A"}],
        [{**row(b"/b/log/i/a"), "value": 5}],
        [{**row(b"/b/log/i/a"), "key": "/*"}],
        ["x"],
    ],
)
def test_items_that_cannot_be(files, kvs):
    """Newer than the bus, out of order, twice, not asked for, not decoded."""
    answer = lambda path, form: sound(path, form, kvs)  # noqa: E731
    with speaking(files, answer) as bus, pytest.raises(BusDamaged):
        bus.read("")


def test_a_revision_that_goes_back(files):
    """From one answer to the next."""
    revisions = iter([9, 9, 8, 9])

    def answer(path, form):
        return encoded({"header": header(), "kvs": [head_row(next(revisions))]})

    with speaking(files, answer) as bus:
        bus.identity()
        bus.identity()
        with pytest.raises(BusWentBack):
            bus.identity()


def test_pages_without_end(files):
    """The same page again, an empty one, one that goes back."""
    for names in (["a", "a"], ["b", "a"], ["a", None]):
        pages = iter(names)

        def answer(path, form, pages=pages):
            name = next(pages, None)
            kvs = [row(b"/b/log/i/" + name.encode())] if name else []
            data = {"header": header(), "kvs": kvs, "more": True}
            if path.endswith("range"):
                return encoded(data)
            first = {"response_range": {"kvs": [head_row()]}}
            return encoded({"header": header(), "responses": [first, {"response_range": data}]})

        with speaking(files, answer) as bus, pytest.raises(BusDamaged):
            bus.read("")


# --- history -------------------------------------------------------------------------------------


def history(*events, **more):
    """A bus that is at revision 9, and tells this when it is asked for history."""
    lines = [{"result": {"header": header(), "created": True}}]
    lines.append({"result": {"header": header(), "events": list(events), **more}})

    def answer(path, form):
        if path.endswith("range"):
            return encoded({"header": header(), "kvs": [head_row(was=7)]})
        return [encoded(line) + b"\n" for line in lines]

    return answer


def put(key, revision, value=b""):
    return {"kv": row(b"/b/log/" + key, value, revision)}


END = {"kv": head_row(was=7)}
WHOLE = (put(b"i/a", 7), {"kv": head_row(7, was=2)}, put(b"i/b", 9), END)


def test_a_whole_history_is_told(files):
    """Each revision with what it has put."""
    with speaking(files, history(*WHOLE)) as bus:
        assert [change.revision for change in bus.since("", 3)] == [7, 9]


@pytest.mark.parametrize(
    "left",
    [leave for n in (1, 2) for leave in itertools.combinations(range(4), n) if leave != (0, 1)],
)
def test_what_is_lost_of_a_history_is_noticed(files, left):
    """One event, or two: the node reads all anew, or hears that there is no whole answer."""
    events = [event for i, event in enumerate(WHOLE) if i not in left]
    answer = history(*events)
    with speaking(files, answer, seconds=SECONDS) as bus, pytest.raises((Compacted, BusAway)):
        bus.since("", 3)


def test_a_revision_lost_at_the_beginning_is_noticed(files):
    """The first head names one that was not asked for."""
    with speaking(files, history(*WHOLE[2:])) as bus, pytest.raises(Compacted):
        bus.since("", 3)
    with speaking(files, history(*WHOLE[2:])) as bus:
        assert [change.revision for change in bus.since("", 7)] == [9]


@pytest.mark.parametrize(
    "events",
    [
        (put(b"i/a", 9), put(b"i/b", 8), END),
        (put(b"x", 9), END),
        (put(b"i/\xff", 9), END),
        ({"kv": 1},),
        ({},),
        ("x",),
    ],
)
def test_events_that_cannot_be(files, events):
    """Out of order, of other keys, of no form."""
    with speaking(files, history(*events)) as bus, pytest.raises((BusDamaged, Compacted)):
        bus.since("", 3)


def test_a_watch_that_is_ended(files):
    """Compacted with a floor, else damage."""
    with speaking(files, history(canceled=True, compact_revision="8")) as bus:
        with pytest.raises(Compacted) as caught:
            bus.since("", 3)
        assert caught.value.floor == 8
    for more in ({}, {"compact_revision": "0"}, {"compact_revision": "-4"}):
        with speaking(files, history(canceled=True, **more)) as bus, pytest.raises(BusDamaged):
            bus.since("", 3)


def test_a_change_that_is_answered_by_nonsense_is_unknown(files):
    """It may have been made."""
    for found in (
        {"header": header(), "succeeded": True, "responses": []},
        {"header": header(), "succeeded": True, "responses": [{}]},
        {"succeeded": True, "responses": [{"response_txn": {"succeeded": True}}]},
        {"header": header(4), "succeeded": True, "responses": [{"response_txn": {"succeeded": True}}]},
        {"header": header(), "succeeded": "yes", "responses": [{}]},
    ):  # fmt: skip

        def answer(path, form, found=found):
            return encoded(found if form.get("compare") else {"header": header(), "succeeded": True,
                "responses": [{"response_range": {"kvs": [head_row()]}}]})  # fmt: skip

        with speaking(files, answer) as bus, pytest.raises(BusUnknown):
            bus.change([], [Put("k", b"")])


def test_a_bus_is_not_created_by_nonsense(files):
    """Refused where there is one; unknown where that cannot be told."""
    for found, error in (
        ({"responses": [{"response_range": {"kvs": [head_row()]}}]}, Refused),
        ({"responses": [{"response_range": {}}]}, Refused),
        ({"responses": []}, BusDamaged),
        ({"succeeded": 1}, BusDamaged),
        ({"error": "x", "code": 7, "message": "permission\x1b[2J denied"}, BusAway),
    ):
        with speaking(files, lambda path, form, found=found: encoded(found)) as bus:
            url = f"etcd+https://127.0.0.1:{bus.server.port}/b"
            with pytest.raises(error) as caught:
                create_etcd(parse_address(url), url, str(files))
            assert "\x1b" not in caught.value.message()
