"""Fixtures named for the thing: a clock, a world, a node, something to say to it."""

import os
import shutil

import json_watch
import pytest
from certificate_authority import CertificateAuthority, ca  # noqa: F401
from etcd_servers import end_shared_etcd
from harness import START, Conversation, Keys, clock_world
from key_watch import WATCH, attach

from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.world import World


@pytest.fixture(scope="session", autouse=True)
def _environment_of_nobody():
    """Nothing of the person who runs the tests reaches them."""
    names = ("CUCMOS_STATE", "XDG_STATE_HOME", "SSH_ORIGINAL_COMMAND")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    yield
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def _etcd_that_is_shared():
    """Ends with the tests of this process, if one of them has started it."""
    yield
    end_shared_etcd()


def pytest_configure():
    attach()
    json_watch.attach()


@pytest.fixture(autouse=True)
def _what_has_left(request):
    """In what the test's clients got, and in logs, is no private key of a node; JSON keeps its
    contract."""
    if "tmp_path" in request.fixturenames:
        # Else it is gone before it can be looked at.
        request.getfixturevalue("tmp_path")
    yield
    arguments = request.node.funcargs
    folders = {getattr(argument, "node_dir", None) for argument in arguments.values()}
    if "tmp_path" in arguments:
        WATCH.look_around(arguments["tmp_path"])
    for folder in filter(None, folders):
        WATCH.learn_node(folder)
    streams = WATCH.streams()
    assert WATCH.found() == set()
    assert not json_watch.all_mistakes(streams)


@pytest.fixture(scope="session")
def keys():
    """Private keys made once for the whole run."""
    return Keys()


def _template(name, tmp_path_factory):
    # Keys of its own: the pool's come round again, and a new key must not be the installed one.
    folder = tmp_path_factory.mktemp("template") / name
    world, _ = clock_world(Keys())
    install(str(folder), name, world, speed=0)
    return folder


@pytest.fixture(scope="session")
def imp_template(tmp_path_factory):
    return _template("imp-9.1", tmp_path_factory)


@pytest.fixture(scope="session")
def ucm_template(tmp_path_factory):
    return _template("ucm-9.1", tmp_path_factory)


@pytest.fixture(scope="session")
def ucm_15_template(tmp_path_factory):
    return _template("ucm-15", tmp_path_factory)


@pytest.fixture
def node_dir(imp_template, tmp_path):
    """The folder of a fresh `imp-9.1` node, services at once."""
    return shutil.copytree(imp_template, tmp_path / "node", symlinks=True)


@pytest.fixture
def world(keys):
    """A world with a clock of its own; keys come from the run's pool."""
    return clock_world(keys)[0]


@pytest.fixture
def node(node_dir, world):
    """A fresh `imp-9.1` node in that world."""
    return Node.open(str(node_dir), world)


@pytest.fixture
def ucm_node(ucm_template, tmp_path, world):
    """A fresh `ucm-9.1` node in that world."""
    folder = shutil.copytree(ucm_template, tmp_path / "ucm", symlinks=True)
    return Node.open(str(folder), world)


@pytest.fixture
def ucm_15_node(ucm_15_template, tmp_path, world):
    """A fresh `ucm-15` node in that world."""
    folder = shutil.copytree(ucm_15_template, tmp_path / "ucm-15", symlinks=True)
    return Node.open(str(folder), world)


@pytest.fixture
def say(node):
    """Speak lines to a session of `node`; what it answered comes back."""
    return Conversation(node)


@pytest.fixture
def outside_ca(tmp_path):
    """A third-party authority whose clock shows what `world` shows at first."""
    return CertificateAuthority(tmp_path / "outside", now=START)


@pytest.fixture
def real_world():
    return World.real()
