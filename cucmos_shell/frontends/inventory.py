"""Inventories: a YAML file that says which nodes and clusters one process serves, and where.

A mistake in one is told with file, line and key, as those of profiles are. Nothing is looked at
here but the file: nodes are installed and opened elsewhere.
"""

from __future__ import annotations

import os

from cucmos_shell.errors import ProfileError
from cucmos_shell.frontends.addresses import Addresses, Listen, listen_of, ports_of
from cucmos_shell.frontends.cluster import MAX_NODES, node_names
from cucmos_shell.frontends.verbs import DEFAULT_PROFILE
from cucmos_shell.node.install import is_host_name
from cucmos_shell.profile.profile import find
from cucmos_shell.profile.source import Source, read
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Path = tuple[str | int, ...]

FORMAT = 1
MAX_SITES = 4096
KEYS = ("format", "defaults", "nodes", "clusters")
# What nodes and clusters may have of their own, and all have from `defaults` else.
SHARED = ("profile", "speed", "lab")
DEFAULTS = (*SHARED, "state", "listen", "ports", "admin", "admin-password-file")
NODE = ("name", *SHARED, "state", "count", "listen")
CLUSTER = ("name", *SHARED, "state", "nodes", "listen", "security-password-file")
STATE, ADMIN = "nodes", "admin"


class Site(Value):
    """A node of an inventory: what it is, where its state lies, and where it is reached.

    `name` is its host name, `profile` a name or the path of a file, `state` an absolute path,
    `port` 0 a free one; `cluster` is the name of its cluster, empty if it is in none.
    """

    name: str
    profile: str
    state: str
    host: str
    port: int
    speed: float | None = None
    lab: bool = True
    cluster: str = ""

    @property
    def address(self) -> str:
        """Where it is reached, as it is written."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class ClusterSite(Value):
    """A cluster of an inventory, whose nodes are among the sites; all lies below `folder`."""

    name: str
    profile: str
    folder: str
    count: int
    speed: float | None = None
    lab: bool = True
    password_file: str | None = None


class Inventory(Value):
    """What a file says. `admin` is the administrator of nodes that have none yet."""

    file: str
    sites: tuple[Site, ...]
    clusters: tuple[ClusterSite, ...] = ()
    admin: str = ADMIN
    password_file: str | None = None


def load(path: str, port: int | None = None) -> Inventory:
    """The inventory in a file; `port` is given to every node instead of the file's.

    Raises ProfileError for all of its mistakes at once.
    """
    source = read(path)
    found = _InventoryReader(source, port).inventory()
    source.verdict()
    return found


class _InventoryReader:
    """Reads an inventory, and notes its mistakes."""

    def __init__(self, source: Source, port: int | None) -> None:
        self._source = source
        self._folder = os.path.dirname(os.path.abspath(source.file))
        self._port = port
        self._defaults: dict[str, Any] = {}
        self._sites: list[Site] = []
        self._clusters: list[ClusterSite] = []
        # What no two nodes may have in common → where the first that has it stands.
        self._taken: dict[tuple[str, str], str] = {}

    def inventory(self) -> Inventory:
        data = self._source.map_at(self._source.data, (), KEYS)
        if data.get("format", FORMAT) != FORMAT:
            self._source.mistake(("format",), f"must be {FORMAT}")
        path: Path = ("defaults",)
        self._defaults = self._source.map_at(data.get("defaults"), path, DEFAULTS)
        row = self._row()
        for i, entry in enumerate(self._source.list_at(data.get("nodes"), ("nodes",))):
            self._nodes(self._source.map_at(entry, ("nodes", i), NODE), ("nodes", i), row)
        for i, entry in enumerate(self._source.list_at(data.get("clusters"), ("clusters",))):
            where = ("clusters", i)
            self._cluster(self._source.map_at(entry, where, CLUSTER), where, row)
        if not self._sites and not self._source.mistakes:
            self._source.mistake((), "has neither nodes nor clusters")
        return Inventory(
            self._source.file,
            tuple(self._sites),
            tuple(self._clusters),
            self._text(self._defaults, "admin", path) or ADMIN,
            self._file(self._defaults, "admin-password-file", path),
        )

    # --- nodes and clusters -----------------------------------------------------------------------

    def _nodes(self, data: dict[str, Any], path: Path, row: Addresses) -> None:
        name, count = self._name(data, path), self._whole(data, "count", path, MAX_SITES)
        names = [name] if count is None else [f"{name}-{i + 1}" for i in range(count)]
        states = self._folder_of(data, path)
        if states is None or count is not None:
            states = states or self._default_state()
            folders = [os.path.join(states, one) for one in names]
        else:
            folders = [states]
        shared = self._shared(data, path)
        self._put(names, folders, shared, path, self._own_row(data, path) or row)

    def _cluster(self, data: dict[str, Any], path: Path, row: Addresses) -> None:
        name = self._name(data, path)
        count = self._whole(data, "nodes", path, MAX_NODES) or 1
        folder = self._folder_of(data, path) or os.path.join(self._default_state(), name)
        shared = self._shared(data, path)
        password = self._file(data, "security-password-file", path)
        self._clusters.append(
            ClusterSite(name=name, folder=folder, count=count, password_file=password, **shared)
        )
        names = node_names(name, count)
        folders = [os.path.join(folder, one) for one in names]
        self._put(
            names, folders, {**shared, "cluster": name}, path, self._own_row(data, path) or row
        )

    def _put(
        self,
        names: list[str],
        folders: list[str],
        shared: dict[str, Any],
        path: Path,
        row: Addresses,
    ) -> None:
        for name, state in zip(names, folders, strict=True):
            place = row.take() if len(self._sites) < MAX_SITES else None
            if place is None:
                why = row.why_no_more if len(self._sites) < MAX_SITES else f"more than {MAX_SITES}"
                self._source.mistake(path, f"there is no address for {name}: {why}")
                return
            host, port = place
            site = Site(name=name, state=state, host=host, port=port, **shared)
            self._only_one(path, "name", name, name)
            self._only_one(path, "state", state, name)
            if port:
                self._only_one(path, "listen", site.address, name)
            self._sites.append(site)

    def _only_one(self, path: Path, key: str, value: str, name: str) -> None:
        other = self._taken.setdefault((key, value.casefold()), name)
        if other is not name:
            what = {"name": "name", "state": "state folder", "listen": "address"}[key]
            self._source.mistake(
                (*path, key), f"{value} is the {what} of two nodes: {other}, {name}"
            )

    # --- addresses --------------------------------------------------------------------------------

    def _row(self) -> Addresses:
        """Where nodes are that say nothing of it."""
        path: Path = ("defaults",)
        ports = self._text(self._defaults, "ports", path)
        listen = self._listen(self._defaults, path)
        if ports is None:
            return Addresses.of(listen or Listen(), self._port)
        try:
            found = ports_of(ports)
        except ValueError as error:
            self._source.mistake((*path, "ports"), str(error))
            return Addresses.of(Listen(), self._port)
        if listen is not None and listen.port is not None:
            self._source.mistake((*path, "listen"), "has a port, and ports has some, too")
        return Addresses.in_range(listen, found, self._port)

    def _own_row(self, data: dict[str, Any], path: Path) -> Addresses | None:
        listen = self._listen(data, path)
        if listen is None:
            return None
        default = self._listen(self._defaults, ("defaults",))
        return Addresses.of(listen.with_port(default), self._port)

    def _listen(self, data: dict[str, Any], path: Path) -> Listen | None:
        text = self._text(data, "listen", path)
        try:
            return None if text is None else listen_of(text)
        except ValueError as error:
            self._source.mistake((*path, "listen"), str(error))
            return None

    # --- values -----------------------------------------------------------------------------------

    def _shared(self, data: dict[str, Any], path: Path) -> dict[str, Any]:
        """What `defaults` may have said: profile, speed and lab."""
        where = {key: path if key in data else ("defaults",) for key in SHARED}
        given = {**self._defaults, **data}
        speed, lab = given.get("speed"), given.get("lab", True)
        number = isinstance(speed, int | float) and not isinstance(speed, bool)
        if speed is not None and not (number and 0 <= speed <= 1_000_000):
            self._source.mistake((*where["speed"], "speed"), "must be a number from 0 to 1000000")
            speed = None
        if not isinstance(lab, bool):
            self._source.mistake((*where["lab"], "lab"), "must be true or false")
        profile = self._profile(given, where["profile"])
        speed = None if speed is None else float(speed)
        return {"profile": profile, "speed": speed, "lab": bool(lab)}

    def _profile(self, given: dict[str, Any], path: Path) -> str:
        profile = self._text(given, "profile", path) or DEFAULT_PROFILE
        if os.sep in profile or os.path.isfile(os.path.join(self._folder, profile)):
            profile = os.path.join(self._folder, profile)
        try:
            find(profile)
        except ProfileError as error:
            known = "; ".join(error.details)
            self._source.mistake((*path, "profile"), f"{error.message()} ({known})")
        return profile

    def _name(self, data: dict[str, Any], path: Path) -> str:
        name = self._text(data, "name", path)
        if name is None:
            self._source.mistake((*path, "name"), "is missing")
            return "node"
        if not is_host_name(name):
            self._source.mistake((*path, "name"), f"{name} is not a host name")
        return name

    def _default_state(self) -> str:
        return self._folder_of(self._defaults, ("defaults",)) or os.path.join(self._folder, STATE)

    def _folder_of(self, data: dict[str, Any], path: Path) -> str | None:
        return self._file(data, "state", path)

    def _file(self, data: dict[str, Any], key: str, path: Path) -> str | None:
        """A path, as it is seen from the inventory's folder."""
        text = self._text(data, key, path)
        return None if text is None else os.path.normpath(os.path.join(self._folder, text))

    def _text(self, data: dict[str, Any], key: str, path: Path) -> str | None:
        value = data.get(key)
        if value is None and key not in data:
            return None
        if not isinstance(value, str) or not value:
            self._source.mistake((*path, key), "must be text")
            return None
        return value

    def _whole(self, data: dict[str, Any], key: str, path: Path, most: int) -> int | None:
        value = data.get(key)
        if value is None and key not in data:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            self._source.mistake((*path, key), f"must be a whole number from 1 to {most}")
            return None
        return value
