"""Three nodes of one cluster in one process, each with a session, over a bus in memory."""

import shutil

from harness import Conversation, clock_world

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.log import Log
from cucmos_shell.node import Node
from cucmos_shell.world.buses.memory import MemoryCluster

PASSWORD = "Blue-Harbour7"
NAMES = ("ann", "bob", "cay")


class Cluster:
    """Nodes by name; `say(name, line, *answers)` speaks to one."""

    def __init__(self, template, folder, keys, names=NAMES, bus=None, **outside):
        self.bus = bus or MemoryCluster()
        self.world, self.clock = clock_world(
            keys,
            open_bus=lambda address, base, now: self.bus.open(now),
            create_bus=lambda address, base, now: self.bus.open(now),
            **outside,
        )
        self.folder, self._template = folder, template
        self.roots = {}
        self.talks = {}
        for name in names:
            self.install(name)

    def install(self, name):
        """One more node, which has joined nothing."""
        shutil.copytree(self._template, self.folder / name, symlinks=True)
        self.open(name)

    def join(self, name):
        """Into the cluster, without a round."""
        return self.say(name, "utils cluster join dir:bus", PASSWORD)

    def open(self, name):
        """(Re)open a node's folder, as another process would."""
        node = Node.open(str(self.folder / name), self.world)
        role = "Publisher" if name == next(iter(self.talks), name) else "Subscriber"
        ip = f"192.0.2.{21 + [*self.talks, name].index(name)}"
        node.profile = node.profile.replace(hostname=name, role=role, ip=ip)
        self.talks[name] = Conversation(node)

    def node(self, name):
        return self.talks[name].node

    def say(self, name, line, *answers, status=0):
        """What the node answers; with `status`, unless that is None."""
        answer = self.talks[name](line, *answers)
        assert status is None or self.talks[name].status == status, answer
        return answer

    def begin(self):
        """The first one creates the cluster, the others join it, and all go round."""
        first, *others = self.talks
        self.say(first, "utils cluster create dir:bus", PASSWORD)
        for name in others:
            self.join(name)
        self.settle()
        return self

    def copy(self, folder, keys, bus=None, **outside):
        """The same in another folder, as of now: to begin takes twenty times as long."""
        bus = bus or MemoryCluster()
        bus.put_back(self.bus)
        bus.leases.update(self.bus.leases)
        made = Cluster(self._template, folder, keys, (), bus, **outside)
        made.clock.time = self.clock.time
        for name in self.talks:
            shutil.copytree(self.folder / name, folder / name, symlinks=True)
            made.open(name)
        return made

    def settle(self, *names):
        """Rounds until nobody has anything to tell; the first ones let new nodes be seen."""
        for status in (None, 0, 0):
            for name in names or self.talks:
                self.say(name, "utils cluster sync", status=status)

    def upload(self, name, store, certificates):
        """Upload certificates (PEM) to a trust store of a node."""
        path = self.folder / name / "upload" / "these.pem"
        path.write_bytes(certificates)
        return self.say(name, f"utils cert upload trust {store.removesuffix('-trust')} these.pem")

    def held(self, name, store="tomcat-trust"):
        """SHA-256 of the uploads that a node has."""
        return {row.sha256 for row in self.node(name).snapshot().trust(store) if not row.owner}

    def snapshot(self, name):
        """Keep the node's folder."""
        shutil.copytree(self.folder / name, self.folder / f"{name}.kept", symlinks=True)

    def restore(self, name):
        """Put the kept folder back."""
        shutil.rmtree(self.folder / name)
        (self.folder / f"{name}.kept").rename(self.folder / name)
        self.open(name)

    def log(self, name=NAMES[0]):
        """The log as a node reads it."""
        secrets = membership.secrets(self.node(name).snapshot())
        return Log(self.bus.open(self.clock), secrets.cluster)
