"""A node of a lab that is served over SSH, and its faults."""

import shutil

import pytest
from ssh_server import Served

from cucmos_shell.node.lab.faults import Faults
from cucmos_shell.node.lab.lab import make_lab
from cucmos_shell.store.paths import Layout


@pytest.fixture(scope="module")
def served(imp_template, tmp_path_factory):
    """Its server, for the tests of a module."""
    folder = shutil.copytree(imp_template, tmp_path_factory.mktemp("lab") / "node", symlinks=True)
    make_lab(str(folder))
    with Served(folder) as server:
        yield server


@pytest.fixture
def faults(served):
    """Its faults, which end with the test."""
    made = Faults(Layout(str(served.node_dir)), lambda: 0.0)
    yield made
    made.reset()
