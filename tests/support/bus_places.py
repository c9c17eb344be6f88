"""Where buses are: what a test of the contract needs besides the bus itself, for each kind."""

import contextlib
import shutil
import time
import uuid

from etcd_servers import shared_etcd
from harness import Clock

from cucmos_shell.world.buses import create_bus, open_bus
from cucmos_shell.world.buses.memory import MemoryCluster


class MemoryPlace:
    """A cluster in memory."""

    lease, late = 15, 0.2

    def __init__(self, _):
        self.clock = Clock()
        self._cluster = MemoryCluster()

    def close(self):
        """Close what was opened."""

    def open(self):
        """One more bus of this place."""
        return self._cluster.open(self.clock)

    def make_anew(self):
        """Empty the place, and make another bus in it."""
        self._cluster.make_anew()

    def keep(self):
        """Keep a copy of what there is."""
        self._kept = self._cluster.copy()

    def put_back(self):
        """Put back what was kept."""
        self._cluster.put_back(self._kept)


class DirectoryPlace:
    """A folder."""

    lease, late = 15, 0.2

    def __init__(self, folder):
        self.clock = Clock()
        self.folder = folder / "bus"
        self.file = self.folder / "bus.db"
        self._kept = folder / "kept"
        self._opened = []
        self._create()

    def open(self):
        """One more bus of this place."""
        self._opened.append(open_bus("dir:bus", str(self.folder.parent), self.clock))
        return self._opened[-1]

    def close(self):
        """Close what was opened."""
        for bus in self._opened:
            bus.close()

    def make_anew(self):
        """Empty the place, and make another bus in it."""
        for file in self.folder.glob("bus.db*"):
            file.unlink()
        self._create()

    def keep(self):
        """Keep a copy of what there is; nobody may be writing."""
        shutil.copytree(self.folder, self._kept)

    def put_back(self):
        """Put back what was kept, as other files, whoever has the present ones open."""
        for file in self.folder.glob("bus.db*"):
            file.unlink()
        for file in self._kept.glob("bus.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, self.folder / file.name)

    def _create(self):
        with contextlib.closing(create_bus("dir:bus", str(self.folder.parent), self.clock)):
            pass


class EtcdClock:
    """The time of day; it cannot be set for three servers."""

    __call__ = staticmethod(time.time)
    sleep = staticmethod(time.sleep)


class EtcdPlace:
    """A name in an etcd of three members, which this process's tests share."""

    # The shortest there is, and how much later the leader may notice that it is over.
    lease, late = 2, 2.0

    def __init__(self, folder):
        self.clock = EtcdClock()
        self.servers = shared_etcd()
        self.folder = folder
        self.name = uuid.uuid4().hex
        self.address = self.servers.address(self.name)
        (folder / "bus").symlink_to(self.servers.client)
        self._kept = folder / "kept"
        self._opened = []
        self._create()

    def open(self):
        """One more bus of this place."""
        self._opened.append(open_bus(self.address, str(self.folder), self.clock))
        return self._opened[-1]

    def close(self):
        """Close what was opened."""
        for bus in self._opened:
            bus.close()

    def make_anew(self):
        """Empty the place, and make another bus in it."""
        self.servers.control("del", "--prefix", f"/{self.name}/")
        self._create()

    def keep(self):
        """Keep a copy of what there is."""
        self.servers.keep(self._kept)

    def put_back(self):
        """Put back what was kept, for all names."""
        self.servers.put_back(self._kept)

    def _create(self):
        with contextlib.closing(create_bus(self.address, str(self.folder), self.clock)):
            pass


PLACES = {"memory": MemoryPlace, "dir": DirectoryPlace, "etcd": EtcdPlace}
