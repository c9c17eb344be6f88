"""What is special to a bus in an etcd: addresses, TLS, lost answers, and who else writes there."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest
from bus_places import EtcdPlace
from etcd_hostile import Proxy
from etcd_servers import EtcdAuthority, free_ports
from places import SUPPORT

from cucmos_shell.errors import BadValue, Refused
from cucmos_shell.world.bus import (
    MAX_KEYS,
    At,
    BusAway,
    BusDamaged,
    BusNewer,
    BusUnknown,
    BusWentBack,
    Compacted,
    Put,
)
from cucmos_shell.world.buses import create_bus, open_bus
from cucmos_shell.world.buses.etcd import forms
from cucmos_shell.world.buses.etcd.bus import EtcdBus
from cucmos_shell.world.buses.etcd.places import EtcdAddress, parse_address


@pytest.fixture
def place(memory_path):
    with contextlib.closing(EtcdPlace(memory_path)) as place:
        yield place


@pytest.fixture
def bus(place):
    return place.open()


def opened(place, ports, folder=None, seconds=10.0):
    """A bus of a place over other ports, or with other files."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    url = f"etcd+https://{hosts}/{place.name}"
    bus = EtcdBus(parse_address(url), url, str(folder or place.servers.client), seconds)
    return contextlib.closing(bus)


# --- addresses ---------------------------------------------------------------------------------


def test_an_address_names_members_and_a_bus():
    """Port and name may be left out."""
    known = {
        "h": ((("h", 2379),), "cucmos"),
        "h:1,h:2/b": ((("h", 1), ("h", 2)), "b"),
        "a.b-c:65535,192.0.2.1,[::1]:7/x.y_z-1": (
            (("a.b-c", 65535), ("192.0.2.1", 2379), ("::1", 7)),
            "x.y_z-1",
        ),
        "h/": ((("h", 2379),), "cucmos"),
    }
    for text, expected in known.items():
        assert parse_address(f"etcd+https://{text}") == EtcdAddress(*expected)


@pytest.mark.parametrize(
    "rest",
    [
        *("", ",", "h,", "h,h", "h:0", "h:65536", "h:x", "a b", "u@h", "h/a/b", "h/..", "h?x"),
        *("h/é", "[::1", "h\0", ",".join(f"h{i}" for i in range(10))),
    ],
)
def test_an_address_that_is_none(rest, tmp_path):
    """Refused before anybody is asked; so is one without TLS."""
    for scheme in ("etcd+https://", "etcd+http://", "etcd+https:"):
        for use in (open_bus, create_bus):
            with pytest.raises(BadValue):
                use(scheme + rest, str(tmp_path), float)


def test_one_bus_a_name(place, bus):
    """Creating another one is refused, and changes nothing."""
    before = bus.identity()
    with pytest.raises(Refused):
        create_bus(place.address, str(place.folder), place.clock)
    assert bus.identity() == before


def test_names_are_apart(place, bus, memory_path):
    """One's changes make no revision of another's."""
    (memory_path / "beside").mkdir()
    with contextlib.closing(EtcdPlace(memory_path / "beside")) as beside:
        other = beside.open()
        before = bus.read("")
        other.change([], [Put("k", b"")])
        assert bus.read("") == before
        assert bus.since("", before.revision) == ()


# --- TLS ---------------------------------------------------------------------------------------


def refused(place, folder):
    """Why a bus with those files cannot be used, told soon."""
    begun = time.monotonic()
    with opened(place, place.servers.ports, folder) as bus, pytest.raises(BusAway) as caught:
        bus.change([], [Put("k", b"")])
    assert time.monotonic() - begun < 8
    assert str(caught.value).count("nothing was changed there") == 1
    return caught.value.fields["reason"]


def test_a_server_of_another_authority_is_not_believed(place, memory_path):
    """And is asked nothing."""
    files = shutil.copytree(place.servers.client, memory_path / "files")
    (files / "ca.pem").write_bytes(
        (EtcdAuthority().issue(memory_path / "x") / "ca.pem").read_bytes()
    )
    reason = refused(place, files)
    assert reason.count("its certificate is not good: ") == 3


def test_who_has_no_good_certificate_is_refused(place, memory_path):
    """One of another authority, one that has ended."""
    other = EtcdAuthority().issue(memory_path / "other")
    shutil.copy(place.servers.client / "ca.pem", other)
    ended = place.servers.authority.issue(memory_path / "ended", days_ago=2)
    for folder in (other, ended):
        assert refused(place, folder).count("it refuses this node's certificate") == 3


def test_a_server_of_another_name_is_not_believed(place):
    """The certificate is for 127.0.0.1 and localhost."""
    proxy = Proxy(place.servers.ports[0])
    with contextlib.closing(proxy):
        url = f"etcd+https://ip6-localhost:{proxy.port},127.1:{proxy.port}/{place.name}"
        bus = EtcdBus(parse_address(url), url, str(place.servers.client))
        with contextlib.closing(bus), pytest.raises(BusAway) as caught:
            bus.read("")
    assert "certificate is not good" in caught.value.fields["reason"]


@pytest.mark.parametrize("what", ["ca.pem", "cert.pem", "key.pem"])
@pytest.mark.parametrize("how", ["missing", "empty", "nonsense", "locked", "another"])
def test_files_that_will_not_do(place, memory_path, what, how):
    """Said, with the folder's name; nobody is asked for a password."""
    files = shutil.copytree(place.servers.client, memory_path / "files")
    file = files / what
    if how == "missing":
        file.unlink()
    elif how == "locked":
        if what != "key.pem":
            pytest.skip("only keys are locked")
        command = ["openssl", "pkcs8", "-topk8", "-passout", "pass:x", "-in", file]
        file.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    elif how == "another":
        if what == "ca.pem":
            pytest.skip("another authority has a test of its own")
        shutil.copy(EtcdAuthority().issue(memory_path / "other") / what, file)
    else:
        file.write_bytes({"empty": b"", "nonsense": b"-----BEGIN X-----\n"}[how])
    assert str(files) in refused(place, files)


def test_renewed_files_are_taken_after_a_close(place, memory_path):
    """An agent closes its bus after each failure."""
    files = place.servers.authority.issue(memory_path / "files", days_ago=2)
    with opened(place, place.servers.ports, files) as bus:
        with pytest.raises(BusAway):
            bus.read("")
        shutil.copytree(place.servers.client, files, dirs_exist_ok=True)
        bus.close()
        assert bus.read("").items == ()


# --- members that are away, silent or lose an answer -------------------------------------------


def test_no_member_there(place):
    """Told at once, each member by its name."""
    ports = free_ports(3)
    begun = time.monotonic()
    with opened(place, ports) as bus, pytest.raises(BusAway) as caught:
        bus.change([], [Put("k", b"")])
    assert time.monotonic() - begun < 2
    for port in ports:
        assert f"127.0.0.1 port {port}: Connection refused" in caught.value.fields["reason"]


def test_one_member_is_enough_to_ask(place, bus):
    """Wherever it stands in the address."""
    revision = bus.change([], [Put("k", b"v")])
    away = free_ports(2)
    for ports in ([*away, place.servers.ports[0]], [away[0], place.servers.ports[2], away[1]]):
        with opened(place, ports) as other:
            assert other.read("").revision == revision


def test_a_silent_member_is_left_for_another(place, bus):
    """By one who looks, by one who writes; and what is written is written once."""
    before = bus.change([], [Put("k", b"0")])
    proxy = Proxy(place.servers.ports[0])
    with contextlib.closing(proxy), opened(place, [proxy.port, *place.servers.ports[1:]]) as other:
        for use in (lambda: other.read("").revision, lambda: other.change([], [Put("k", b"1")])):
            other.close()
            other._state.members._first = 0
            other.identity()
            proxy.lose()
            begun = time.monotonic()
            assert use() >= before
            assert 0.9 < time.monotonic() - begun < 4
            proxy.passing()
    assert [change.items[0].value for change in bus.since("", before)] == [b"1"]


def test_all_silent_is_away_by_the_deadline(place, bus):
    """One deadline for all of them together."""
    proxies = [Proxy(port) for port in place.servers.ports]
    with contextlib.ExitStack() as stack:
        for proxy in proxies:
            stack.enter_context(contextlib.closing(proxy))
        other = stack.enter_context(opened(place, [p.port for p in proxies], seconds=1.2))
        other.identity()
        for proxy in proxies:
            proxy.lose()
        for use, error in (
            (other.identity, BusAway),
            (lambda: other.change([], [Put("k", b"")]), BusAway),
        ):
            begun = time.monotonic()
            with pytest.raises(error):
                use()
            assert 1.1 < time.monotonic() - begun < 3


def test_a_change_whose_answer_is_lost_is_made_once(place, bus):
    """The connection is cut when etcd has answered; the next member says that it was made."""
    begin = bus.read("").revision
    proxy = Proxy(place.servers.ports[0])
    with contextlib.closing(proxy), opened(place, [proxy.port]) as other:
        at = 0
        for number in range(8):
            other.identity()
            proxy.cut()
            revision = other.change([At("n", at)], [Put("n", b"%d" % number)], ["x"] * (number % 2))
            if number % 3 == 0:
                assert revision is not None
            assert bus.read("n").items[0].revision == revision
            at = revision
    assert [int(change.items[0].value) for change in bus.since("n", begin)] == list(range(8))


def test_a_lost_answer_is_found_behind_others_changes(place, bus):
    """Though the head is another's by then: its history has it."""
    proxy = Proxy(place.servers.ports[0])
    with contextlib.closing(proxy), opened(place, [proxy.port]) as other:
        other.identity()
        began = other._state.members._from_any

        def then_others(attempt, deadline):
            def slow(member, patience):
                try:
                    return attempt(member, patience)
                finally:
                    if not proxy_done:
                        proxy_done.append(bus.change([], [Put("beside", b"1")]))
                        bus.change([], [Put("beside", b"2")])

            return began(slow, deadline)

        proxy_done = []
        other._state.members._from_any = then_others
        proxy.cut()
        revision = other.change([], [Put("mine", b"1")])
    assert revision == bus.read("mine").items[0].revision < proxy_done[0]


def test_a_change_that_nobody_confirms_is_unknown(place, bus):
    """The question reached etcd, and no answer ever came."""
    begin = bus.read("").revision
    proxy = Proxy(place.servers.ports[0])
    with contextlib.closing(proxy), opened(place, [proxy.port], seconds=2.0) as other:
        other.identity()
        proxy.cut(times=1000)
        with pytest.raises(BusUnknown):
            other.change([], [Put("k", b"once")])
        proxy.passing()
        assert other.change([At("k", 0)], [Put("k", b"twice")]) is None
    assert [change.items[0].value for change in bus.since("k", begin)] == [b"once"]


# --- what else is done in the etcd -------------------------------------------------------------


def test_emptied_under_an_open_bus(place, bus):
    """It went back; who opens it then finds none."""
    bus.change([], [Put("k", b"")])
    place.servers.control("del", "--prefix", f"/{place.name}/")
    for use in (bus.identity, lambda: bus.read(""), lambda: bus.change([], [Put("k", b"")])):
        with pytest.raises(BusWentBack):
            use()
    with pytest.raises(BusAway, match="there is no bus"):
        place.open().identity()


@pytest.mark.parametrize("key", ["log/i/mine", "log/x", "log/i/\xff", "log/g/k"])
def test_what_another_writes_is_no_item(place, bus, key):
    """Nobody takes it for a change of the bus: said, or without effect."""
    revision = bus.change([], [Put("k", b"1")])
    place.servers.control("put", f"/{place.name}/".encode() + key.encode("latin-1"), "x")
    with contextlib.suppress(BusDamaged, Compacted):
        assert [item.key for item in bus.read("").items] == ["k"]
    assert bus.since("", revision) == ()
    later = bus.change([], [Put("k", b"2")])
    with contextlib.suppress(BusDamaged, Compacted):
        (change,) = bus.since("", revision)
        assert change == (later, change.items, ())
        assert [item.value for item in change.items] == [b"2"]


@pytest.mark.parametrize(
    "value", ["", "x", "[]", "{}", "null", '{"format": 1}', "[" * 9000, '{"format": "1"}']
)
def test_a_head_that_is_none(place, bus, value):
    """Damage, whatever is asked; nothing is written over it."""
    bus.change([], [Put("k", b"")])
    place.servers.control("put", f"/{place.name}/log/head", value)
    other = place.open()
    for use in (other.identity, lambda: other.read(""), lambda: other.change([], [Put("k", b"")])):
        with pytest.raises(BusDamaged):
            use()


def test_a_newer_format_is_left_alone(place, bus):
    """Whatever else its head says."""
    head = forms.head_value(bus.identity(), 0, "x", 0).replace(b'"format": 1', b'"format": 2')
    place.servers.control("put", f"/{place.name}/log/head", head.decode())
    for use in (bus.identity, lambda: bus.change([], [Put("k", b"")])):
        with pytest.raises(BusNewer):
            use()


def test_a_deletion_by_hand_leaves_a_gap(place, bus):
    """It says nothing itself; the count of what a revision has put does."""
    begin = bus.read("").revision
    bus.change([], [Put("a", b""), Put("b", b"")])
    place.servers.control("del", f"/{place.name}/log/i/a")
    last = bus.change([], [Put("c", b"")])
    assert [len(change.items) for change in bus.since("", begin)] == [2, 1]
    assert bus.since("", last) == ()


def test_what_was_dropped_leaves_nothing_once_it_is_compacted(place, bus):
    """However much it was."""
    begin = bus.read("").revision
    for number in range(3):
        names = [f"{number}/{i}" for i in range(MAX_KEYS)]
        bus.change([], [Put(name, b"") for name in names])
        dropped = bus.change([], [], names)
        assert bus.since("", begin)[-1].gone == tuple(sorted(names))
    kept = bus.change([], [Put("kept", b"")])
    bus.change([], [], ["kept"])
    bus.compact(dropped)
    left = place.servers.control("get", "--prefix", "--keys-only", f"/{place.name}/").split()
    assert left == [f"/{place.name}/log/g/kept", f"/{place.name}/log/head"]
    assert [change.gone for change in bus.since("", kept)] == [("kept",)]


def test_a_full_change_with_drops(place, bus):
    """As many keys as there may be, compared, put and dropped."""
    old = [f"old/{i}" for i in range(MAX_KEYS // 2)]
    first = bus.change([], [Put(key, b"") for key in old])
    compare = [At(key, first) for key in old] + [At(f"x/{i}", 0) for i in range(MAX_KEYS // 2)]
    new = [Put(f"new/{i}", b"") for i in range(MAX_KEYS // 2)]
    revision = bus.change(compare, new, old)
    assert len(bus.read("new/").items) == len(old)
    assert bus.read("old/").items == ()
    assert bus.change(compare, new, old) is None
    (change,) = bus.since("", first)
    assert (change.revision, len(change.items), len(change.gone)) == (revision, 64, 64)


# --- leases and processes ----------------------------------------------------------------------


def etcd_revision(place):
    """The revision of the etcd as a whole."""
    fields = place.servers.control("get", "x", "-w", "fields")
    return int(fields.split('"Revision" :')[1].split()[0])


def test_two_renew_what_one_node_shows(place, bus):
    """An agent, and a round in another process: whoever has renewed it last, it stays."""
    bus.alive("a", b"", 2)
    place.open().alive("a", b"", 30)
    place.servers.control("lease", "revoke", f"{bus._leases._leases['a']:x}")
    assert place.open().who_is_alive("a")
    before = etcd_revision(place)
    for one in (bus, place.open(), bus):
        one.alive("a", b"", 30)
        assert one.who_is_alive("a")
    assert etcd_revision(place) == before


def test_a_lease_that_is_gone_is_granted_anew(place, bus):
    """Revoked, or lapsed while the node slept."""
    bus.alive("a", b"1", 30)
    place.servers.control("lease", "revoke", f"{bus._leases._leases['a']:x}")
    assert bus.who_is_alive("") == ()
    bus.alive("a", b"1", 30)
    assert [item.value for item in bus.who_is_alive("")] == [b"1"]


def test_a_child_has_connections_of_its_own(place):
    """It shares no TLS with its parent."""
    command = [
        sys.executable,
        str(SUPPORT / "bus_worker.py"),
        "fork",
        f"{place.address}@{place.folder}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "child/1 child/2 parent parent/1\n", done.stderr


def test_threads_share_a_bus(place, bus):
    """Eight read while one writes: no false alarm that the bus went back."""
    begin = bus.read("").revision
    over = threading.Event()
    errors = []

    def look():
        while not over.is_set():
            try:
                bus.read("k")
                bus.since("", begin)
                bus.identity()
            except Exception as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(40):
        bus.change([], [Put("k", b"%d" % i)])
    over.set()
    for thread in threads:
        thread.join(30)
    assert errors == []


def test_loaded_only_when_asked_for(place):
    """A bus in a folder pays for no TLS."""
    code = (
        "import sys, os; from cucmos_shell.world.buses import create_bus\n"
        f"create_bus('dir:d', {str(place.folder)!r}, float).close()\n"
        "sys.exit(any(name in sys.modules for name in ('ssl', 'http.client')))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], env=os.environ).returncode == 0
