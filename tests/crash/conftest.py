"""Fixtures of the crash tests."""

import os
import pathlib
import tempfile

import pytest


@pytest.fixture
def disk(tmp_path):
    """Where the many disks are laid out, one after the other: in memory where there is some."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path / "disk"
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield pathlib.Path(folder) / "disk"
