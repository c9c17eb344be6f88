"""Fixtures of the crash tests."""

import os
import pathlib
import tempfile

import pytest
from harness import clock_world


def pytest_collection_modifyitems(items):
    """Everything here counts the program's system calls."""
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("unmeasured")


@pytest.fixture
def disk(tmp_path):
    """Where the many disks are laid out, one after the other: in memory where there is some."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path / "disk"
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield pathlib.Path(folder) / "disk"


@pytest.fixture(scope="session")
def readers_world(keys):
    """One moment for all readers, long after whatever a change has planned."""
    return clock_world(keys, start=4_000_000_000.0)[0]
