"""Three nodes that share a name in the etcd of the tests."""

import contextlib
import shutil
import subprocess
import threading
import time
import uuid

from certificate_authority import CertificateAuthority
from etcd_servers import shared_etcd
from harness import Conversation, clock_world
from ssh_server import PROGRAM
from three_nodes import PASSWORD

from cucmos_shell.node import Node

NAMES = ("ann", "bob", "cay")
FILES = ("ca.pem", "cert.pem", "key.pem")
SYNC = "utils cluster sync"
PATIENCE = 60  # seconds


class EtcdNodes:
    """Folders of nodes that share a name in the etcd of the tests."""

    def __init__(self, template, folder, keys, servers=None):
        self.servers = servers or shared_etcd()
        self.url = self.servers.address(uuid.uuid4().hex)
        self.folder = folder
        world, clock = clock_world(keys, start=time.time())
        self.world = world.replace(
            sleep=time.sleep, monotonic=time.monotonic, patience=time.monotonic
        )
        for name in NAMES:
            shutil.copytree(template, folder / name, symlinks=True)
        self.ca = CertificateAuthority(folder / "ca", now=clock())

    def say(self, name, line, *answers, status=0):
        """What a node answers, in this process."""
        node = Node.open(str(self.folder / name), self.world)
        node.profile = node.profile.replace(hostname=name)
        talk = Conversation(node, level=4)
        answer = talk(line, *answers)
        assert status is None or talk.status == status, answer
        return answer

    def give_files(self, name, files=None):
        """Put what the etcd asks of a node into its upload area, as SFTP would."""
        for file in FILES:
            target = self.folder / name / "upload" / f"bus-{file}"
            shutil.copy((files or self.servers.client) / file, target)

    def begin(self):
        for verb, name in zip(("create", "join", "join"), NAMES, strict=True):
            self.give_files(name)
            self.say(name, f"utils cluster {verb} {self.url}", PASSWORD)
        for name in NAMES * 2:
            self.say(name, SYNC)
        return self

    def held(self, name):
        """The uploads that a node has."""
        rows = Node.open(str(self.folder / name), self.world).snapshot().trust("tomcat-trust")
        return {row.name for row in rows if not row.owner}

    @contextlib.contextmanager
    def agents(self):
        """An agent for each node."""
        commands = [[*PROGRAM, "agent", "--state", str(self.folder / name)] for name in NAMES]
        with contextlib.ExitStack() as stack:
            running = [
                stack.enter_context(subprocess.Popen(c, stderr=subprocess.DEVNULL))
                for c in commands
            ]
            limit = threading.Timer(2 * PATIENCE, lambda: [one.kill() for one in running])
            limit.start()
            try:
                yield running
            finally:
                limit.cancel()
                for one in running:
                    one.kill()

    def until_all_have(self, names):
        """Seconds until all nodes hold these uploads."""
        begun = time.monotonic()
        while any(self.held(name) != names for name in NAMES):
            assert time.monotonic() < begun + PATIENCE, [self.held(name) for name in NAMES]
            time.sleep(0.02)
        return time.monotonic() - begun
