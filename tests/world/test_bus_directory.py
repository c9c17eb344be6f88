"""What is special to a bus in a folder: its files, what may befall them, and who shares them."""

import contextlib
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys

import pytest
from bus_places import DirectoryPlace

from cucmos_shell.errors import BadValue, Refused, ShellError
from cucmos_shell.world.bus import (
    At,
    BusAway,
    BusDamaged,
    BusNewer,
    BusUnknown,
    BusWentBack,
    Item,
    Put,
)
from cucmos_shell.world.buses import create_bus, open_bus
from cucmos_shell.world.buses.database import MAX_WAL
from cucmos_shell.world.buses.directory import DirectoryBus

FLIPS = 400


@pytest.fixture
def place(memory_path):
    with contextlib.closing(DirectoryPlace(memory_path)) as place:
        yield place


@pytest.fixture
def bus(place):
    return place.open()


@pytest.fixture
def filled(place):
    """A closed bus with some history, in one file; `(place, reading)`."""
    with contextlib.closing(place.open()) as bus:
        rng = random.Random(3)
        for i in range(12):
            items = [Put(f"k/{n:02}", b"%d " % i + rng.randbytes(700)) for n in range(i, 12)]
            bus.change([], items, [f"k/{i - 5:02}"] if i > 5 else [])
        bus.compact(3)
        reading = bus.read("")
    assert not os.path.exists(f"{place.file}-wal")
    return place, reading


def every_use(place):
    """Each use of a bus that reads or writes its database."""
    for use in (
        lambda bus: bus.identity(),
        lambda bus: bus.read(""),
        lambda bus: bus.change([], [Put("a", b"")]),
        lambda bus: bus.since("", 0),
        lambda bus: bus.compact(0),
    ):
        with contextlib.closing(place.open()) as bus:
            yield lambda use=use, bus=bus: use(bus)


# --- addresses and files -----------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", "bus", "dir", "dir:", "dir:a\0b", "etcd:x", "/bus"])
def test_an_address_that_is_none(address, tmp_path):
    """Refused before anything is looked at."""
    for use in (open_bus, create_bus):
        with pytest.raises(BadValue):
            use(address, str(tmp_path), float)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["b", "b/c", "?#%41 é", "x/../y", "//z"])
def test_a_path_is_relative_to_the_base_or_absolute(tmp_path, name):
    """Whatever its letters."""
    bus = create_bus(f"dir:{name.lstrip('/')}", str(tmp_path), float)
    revision = bus.change([], [Put("k", b"")])
    bus.close()
    with contextlib.closing(open_bus(f"dir:{tmp_path}/{name}", "/nowhere", float)) as again:
        assert again.read("").revision == revision
    assert (tmp_path / name.lstrip("/") / "bus.db").is_file()


def test_files_are_the_owners_alone(place, bus):
    """Whatever the mask."""
    bus.change([], [Put("k", b"")])
    bus.alive("k", b"", 5)
    files = [place.folder, *place.folder.rglob("*")]
    assert {"bus.db-wal", "bus.db-shm", "alive"} <= {file.name for file in files}
    for file in files:
        assert file.stat().st_mode & 0o777 == (0o700 if file.is_dir() else 0o600), file


def test_one_bus_a_folder(place, bus):
    """Creating another one is refused, and changes nothing."""
    before = bus.identity()
    with pytest.raises(Refused):
        create_bus(f"dir:{place.folder}", "", place.clock)
    assert bus.identity() == before
    assert sorted(os.listdir(place.folder)) == ["bus.db", "bus.db-shm", "bus.db-wal"]


def test_nothing_of_a_removed_bus_reaches_the_next(place):
    """Though its log was left behind, and somebody has it open."""
    bus = place.open()
    bus.change([], [Put("old", bytes(100))])
    place.file.unlink()
    create_bus(f"dir:{place.folder}", "", place.clock).close()
    new = place.open()
    assert new.read("").items == ()
    assert new.change([], [Put("new", b"")])
    bus.close()
    assert new.change([], [Put("newer", b"")])
    new.close()
    assert [item.key for item in place.open().read("").items] == ["new", "newer"]


@pytest.mark.unmeasured
def test_nothing_is_loaded_for_an_address():
    """SQLite is, when a bus is opened."""
    code = "import sys, cucmos_shell.world.buses, cucmos_shell.world.bus; print('sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


# --- what may befall a file --------------------------------------------------------------------


def test_no_bus_is_no_empty_bus(place):
    """Neither when it is opened, nor when it goes while it is open; and it may come back."""
    with contextlib.closing(place.open()) as bus:
        bus.change([], [Put("k", b"")])
        bus.close()
        reading = bus.read("")
        os.rename(place.folder, f"{place.folder}.away")
        for use in every_use(place):
            with pytest.raises(BusAway, match="No such file"):
                use()
        with pytest.raises(BusAway):
            bus.read("")
        with pytest.raises(BusAway):
            bus.alive("k", b"", 5)
        os.rename(f"{place.folder}.away", place.folder)
        assert bus.read("") == reading


def test_a_folder_for_a_file(place):
    """Cannot be used."""
    place.file.unlink()
    place.file.mkdir()
    for use in every_use(place):
        with pytest.raises(BusAway):
            use()


def foreign_database():
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE meta(name TEXT)")
        return connection.serialize()


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"just some text\n" * 500, bytes(8192), os.urandom(8192), foreign_database()],
    ids=["empty", "line", "text", "zeros", "random", "foreign"],
)
def test_another_file_is_a_damaged_bus(filled, content):
    """Never an empty one, and left as it is."""
    place, _ = filled
    place.file.write_bytes(content)
    for use in every_use(place):
        with pytest.raises(BusDamaged):
            use()
    assert place.file.read_bytes() == content


@pytest.mark.parametrize("octets", [50, 100, 4096, 5000, 8192, -4096])
def test_a_file_cut_short_is_a_damaged_bus(filled, octets):
    """Wherever it was cut."""
    place, _ = filled
    content = place.file.read_bytes()
    place.file.write_bytes(content[:octets])
    for use in every_use(place):
        with pytest.raises(BusDamaged):
            use()


def look(place, reading):
    """What a damaged file gives: all there was, or an error of ours."""
    with contextlib.closing(place.open()) as bus:
        try:
            found = bus.read("")
            changes = bus.since("", 3)
        except ShellError as error:
            return type(error)
        assert found.items == reading.items
        assert sum(len(change.items) for change in changes) == 45
    return None


def test_flipped_octets_are_noticed(filled):
    """Or were of no consequence: no reading is ever another, or less, than what was written."""
    place, reading = filled
    content = place.file.read_bytes()
    rng = random.Random(7)
    seen = set()
    for i in range(FLIPS):
        at = rng.randrange(len(content)) if i % 4 else rng.randrange(4096)
        place.file.write_bytes(
            content[:at] + bytes([content[at] ^ rng.randrange(1, 256)]) + content[at + 1 :]
        )
        seen.add(look(place, reading))
        for file in place.folder.glob("bus.db-*"):
            file.unlink()
    assert {None, BusDamaged} <= seen <= {None, BusDamaged, BusNewer, BusAway}


@pytest.mark.parametrize("octets", [b"\0", b"\xff", None], ids=["zeros", "ones", "another"])
def test_a_page_that_was_lost_is_noticed(filled, octets):
    """Each of them, once."""
    place, reading = filled
    content = place.file.read_bytes()
    seen = set()
    for at in range(0, len(content), 4096):
        page = octets * 4096 if octets else content[at - 4096 : at] or content[-4096:]
        place.file.write_bytes(content[:at] + page + content[at + 4096 :])
        seen.add(look(place, reading))
        for file in place.folder.glob("bus.db-*"):
            file.unlink()
    assert BusDamaged in seen


@pytest.mark.parametrize("table", ["items", "log"])
def test_a_row_of_100_mib_is_not_read(filled, table):
    """Somebody who can write to the file has put it there."""
    place, _ = filled
    with contextlib.closing(sqlite3.connect(place.folder / "bus.db")) as database, database:
        row = "999, CAST('big' AS BLOB), zeroblob(100 * 1024 * 1024), 0"
        database.execute(f"INSERT INTO {table} VALUES ({row})")
        database.execute("UPDATE meta SET revision = 999")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with contextlib.closing(place.open()) as bus, pytest.raises(BusDamaged):
        bus.read("") if table == "items" else bus.since("", 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < most + 20 * 1024


@pytest.mark.parametrize("revision", ["-5", "0", "'x'", "NULL", "1e300", "9223372036854775807"])
def test_a_revision_that_lies(filled, revision):
    """What it says is damage, or the key and its value with that revision; never an exception."""
    place, _ = filled
    with contextlib.closing(sqlite3.connect(place.folder / "bus.db")) as database, database:
        database.execute(f"UPDATE meta SET revision = {revision}")
    with contextlib.closing(place.open()) as bus:
        for use in (lambda: bus.read(""), lambda: bus.since("", 0), lambda: bus.compact(1),
                    lambda: bus.change([], [Put("new", b"")])):  # fmt: skip
            with contextlib.suppress(ShellError):
                use()


def test_a_newer_version_is_named(filled):
    """Nothing is read from it, or written to it."""
    place, _ = filled
    with contextlib.closing(sqlite3.connect(place.file)) as connection, connection:
        connection.execute("UPDATE meta SET format = 2")
    for use in every_use(place):
        with pytest.raises(BusNewer, match="format 2"):
            use()


def test_an_older_copy_beside_a_newer_log(place):
    """The log is of a time that the copy does not know: no mixture is taken for a state."""
    bus = place.open()
    for i in range(30):
        bus.change([], [Put(f"k/{i}", bytes(1000))])
    bus.close()
    old = place.file.read_bytes()
    for i in range(30):
        bus.change([], [Put(f"k/{i}", bytes(1000)), Put(f"l/{i}", bytes(1000))])
    bus.close()
    for i in range(5):
        bus.change([], [Put(f"m/{i}", bytes(1000))])
    newest = f"{place.file}.new"
    with open(newest, "wb") as file:
        file.write(old)
    os.rename(newest, place.file)
    for use in every_use(place):
        with pytest.raises(BusDamaged):
            use()


def test_a_change_to_a_file_that_was_exchanged_is_not_acknowledged(place, bus):
    """It may be found in neither."""
    place.keep()
    bus.read("")
    seen = []

    class Exchange(Put):
        """What is put while another file comes into place: it is looked at twice before."""

        def __iter__(self):
            seen.append(1)
            if len(seen) == 3:
                place.put_back()
            return super().__iter__()

    with pytest.raises(BusUnknown):
        bus.change([], [Exchange("k", b"")])
    assert place.open().read("").items == ()


# --- who shares it -----------------------------------------------------------------------------


def test_a_bus_that_is_held_is_away_after_a_while(place, bus):
    """Reading goes on meanwhile; nothing is changed, and afterwards it can be."""
    reading = bus.read("")
    hasty = DirectoryBus(str(place.folder), place.clock, seconds=0.05)
    with contextlib.closing(sqlite3.connect(place.file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        for use in (
            lambda: hasty.change([At("k", 0)], [Put("k", b"")]),
            lambda: hasty.compact(reading.revision),
        ):
            with pytest.raises(BusAway, match="busy"):
                use()
        assert hasty.read("") == bus.read("") == reading
    assert hasty.change([At("k", 0)], [Put("k", b"")])
    hasty.close()


def test_the_log_is_kept_short(place, bus):
    """Though others read all the time."""
    other = place.open()
    value = bytes(200_000)
    size = 0
    for i in range(80):
        bus.change([], [Put(f"k/{i % 4}", value)])
        other.read("k/3")
        size = max(size, os.stat(f"{place.file}-wal").st_size)
    assert MAX_WAL / 2 < size <= MAX_WAL < 80 * len(value) / 3
    assert len(other.since("k/", 0)) == 80
    other.close()


def test_leases_outlive_nothing(place, bus):
    """What is no lease is passed over; one of a clock that was set back does not hold."""
    bus.alive("a", b"1", 15)
    (lease,) = (place.folder / "alive").iterdir()
    for name, content in {"b": b"", "c": b"1 2", "d": b"x y 1 a", "e": b"\xff" * 80}.items():
        (lease.parent / name).write_bytes(content)
    (lease.parent / f"{lease.name}.77").write_bytes(lease.read_bytes())
    assert bus.who_is_alive("") == (Item("a", b"1", 0),)
    place.clock.sleep(-60)
    assert bus.who_is_alive("") == ()
    bus.alive("a", b"2", 15)
    assert bus.who_is_alive("") == (Item("a", b"2", 0),)
    shutil.rmtree(lease.parent)
    assert bus.who_is_alive("") == ()


def test_an_error_is_a_sentence(place):
    """For the person at the prompt."""
    place.file.unlink()
    with pytest.raises(BusAway) as caught:
        place.open().read("")
    assert caught.value.message() == (
        f"The bus {place.file} cannot be used: No such file or directory; nothing was changed there"
    )
    assert BusWentBack("x").message() == "The bus x is another one than before, or went back"
