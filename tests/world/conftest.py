"""Fixtures of the tests of the outside."""

import os
import pathlib
import tempfile

import pytest


@pytest.fixture
def memory_path(tmp_path):
    """A folder in memory, where there is some: what is synced there is synced at once."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield pathlib.Path(folder)
