"""Small files that processes share: replaced whole, and what damage means for each kind."""

import os
import subprocess
import sys

import pytest

from cucmos_shell.errors import Damaged, Unavailable
from cucmos_shell.store.locks import lock_folder, try_lock
from cucmos_shell.store.shared_json import SharedJson
from cucmos_shell.store.state_json import StateJson


def test_a_shared_file_is_made_and_changed(tmp_path):
    """With its folder, for the owner only; nothing but the file and its lock stays."""
    shared = SharedJson(str(tmp_path / "run" / "some.json"))
    assert shared.read() == {}
    with shared.change() as entries:
        entries["a"] = [1]
    with pytest.raises(IndexError), shared.change() as entries:
        entries["a"].append(entries["a"].pop() + entries["a"].pop())
    assert shared.read() == {"a": [1]}
    assert sorted(os.listdir(tmp_path / "run")) == ["some.json", "some.json.lock"]
    assert os.stat(shared.path).st_mode & 0o777 == 0o600


def test_a_file_that_is_made_once_is_never_replaced(tmp_path):
    """A session's, for example."""
    shared = SharedJson(str(tmp_path / "one.json"))
    shared.create({"since": 1.5})
    with pytest.raises(FileExistsError):
        shared.create({})
    assert shared.read() == {"since": 1.5}


CHANGER = """
import sys
from cucmos_shell.store.shared_json import SharedJson
for _ in range(200):
    with SharedJson(sys.argv[1]).change() as entries:
        entries["count"] = entries.get("count", 0) + 1
"""


def test_changes_of_several_processes_add_up(tmp_path):
    """None is lost."""
    path = str(tmp_path / "count.json")
    changers = [subprocess.Popen([sys.executable, "-c", CHANGER, path]) for _ in range(3)]
    assert [changer.wait() for changer in changers] == [0, 0, 0]
    assert SharedJson(path).read() == {"count": 600}


def test_a_file_of_the_state_says_when_it_is_damaged(tmp_path):
    """Missing it is nothing, of a newer format or unreadable it is left alone."""
    state = StateJson(str(tmp_path / "some.json"), 2)
    assert state.read(dict) is None
    state.replace(b'{"format": 2, "a": "x"}')
    assert state.read(lambda data: data["a"]) == "x"
    with pytest.raises(Damaged, match=r"some\.json is damaged: KeyError: 'b'"):
        state.read(lambda data: data["b"])
    with pytest.raises(Damaged, match=r"some\.json is damaged: it is no list"):
        state.read(lambda data: data["b"], "it is no list")
    for octets in (b"", b"[]", b"3", b"{}", b'{"format": "2"}', b"[" * 100_000, b"\xff"):
        state.replace(octets)
        with pytest.raises(Damaged):
            state.read(dict)
    state.replace(b'{"format": 3}')
    with pytest.raises(Unavailable, match=r"some\.json was written by a newer version"):
        state.read(dict)
    os.unlink(state.path)
    os.mkdir(state.path)
    with pytest.raises(Unavailable, match=r"some\.json cannot be read: Is a directory"):
        state.read(dict)


def test_a_lock_is_one_processes_at_a_time(tmp_path):
    """Or one holder's in a process; a lock on a folder makes it."""
    path = str(tmp_path / "lock")
    with try_lock(path) as lock:
        assert lock.held
        assert try_lock(path) is None
    assert try_lock(path) is not None
    with lock_folder(str(tmp_path / "a" / "b")):
        assert os.stat(tmp_path / "a" / "b").st_mode & 0o777 == 0o700
    with pytest.raises(Unavailable, match="cannot be opened: No such file"):
        try_lock(str(tmp_path / "c" / "lock"))
