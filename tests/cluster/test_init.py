"""`init --cluster`: a whole cluster, also by somebody who gives it again after a kill."""

import contextlib
import os
import stat

import pytest
from harness import Conversation, clock_world

from cucmos_shell.errors import UsageError
from cucmos_shell.frontends.cluster import PASSWORD_FILE, init_cluster
from cucmos_shell.node import Node
from cucmos_shell.node.install import install

NAMES = ("imp-pub", "imp-pub-sub1")


class Killed(BaseException):
    """Where the program ends."""


class Lab:
    """A folder for a cluster of two; `init(n)` is broken off when it says its n-th line."""

    def __init__(self, folder, keys):
        self.folder = folder / "lab"
        self.world, _ = clock_world(keys)

    def init(self, lines=None, **options):
        said = []

        def progress(line):
            said.append(line)
            if len(said) == lines:
                raise Killed

        init_cluster(
            str(self.folder), "imp-9.1", self.world, count=2, speed=0, progress=progress, **options
        )
        return said

    def say(self, name, line):
        talk = Conversation(Node.open(str(self.folder / name), self.world))
        answer = talk(line)
        assert talk.status == 0, answer
        return answer


@pytest.fixture
def lab(tmp_path, keys):
    return Lab(tmp_path, keys)


def test_given_again_after_each_line_it_does_the_rest(lab):
    """With the password that it has made."""
    passwords, said = set(), []
    for lines in range(1, 61):
        with contextlib.suppress(Killed):
            said = lab.init(lines)
            break
        passwords.add((lab.folder / PASSWORD_FILE).read_text())
    assert said[-1] == "imp-pub-sub1 has joined the cluster"
    assert len(passwords) == 1
    assert stat.S_IMODE(os.stat(lab.folder / PASSWORD_FILE).st_mode) == 0o600
    for name in NAMES * 2:
        lab.say(name, "utils cluster sync")
    for name in NAMES:
        assert lab.say(name, "show network cluster").count("\n") == 2


def test_a_whole_one_is_left_alone(lab):
    lab.init()
    with pytest.raises(UsageError, match="holds the cluster already"):
        lab.init()


@pytest.mark.parametrize("options", [{"hostname": "anna"}, {}], ids=["another name", "a node"])
def test_what_is_there_and_is_not_its_own_is_left_alone(lab, options):
    """A folder of that name with a node at another address, or one that joined nothing."""
    name = options.get("hostname", "imp-pub")
    state = str(lab.folder / name)
    install(state, "imp-9.1", lab.world, hostname=name, ip="192.0.2.99", speed=0)
    with pytest.raises(UsageError, match="holds another node"):
        lab.init(**options)
    assert Node.open(state, lab.world).profile.ip == "192.0.2.99"
