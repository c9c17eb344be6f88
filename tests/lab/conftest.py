"""Labs of one node: for conversations, or served over SSH."""

import shutil

import pytest
from ssh_server import Served

from cucmos_shell.node import Node
from cucmos_shell.node.lab.faults import Faults
from cucmos_shell.node.lab.lab import make_lab, open_lab
from cucmos_shell.store.paths import Layout


@pytest.fixture
def lab(node_dir, world):
    """A fresh node, made a lab."""
    make_lab(str(node_dir))
    return open_lab(str(node_dir), world)


@pytest.fixture
def lab_node(lab):
    """The node in it."""
    return Node.open(lab.layout.state, lab.outside)


@pytest.fixture(scope="module")
def served(imp_template, tmp_path_factory):
    """The server of another lab, for the tests of a module."""
    folder = shutil.copytree(imp_template, tmp_path_factory.mktemp("lab") / "node", symlinks=True)
    make_lab(str(folder))
    with Served(folder) as server:
        yield server


@pytest.fixture
def faults(served):
    """Faults of what is served, which end with the test."""
    made = Faults(Layout(str(served.node_dir)), lambda: 0.0)
    yield made
    made.reset()
