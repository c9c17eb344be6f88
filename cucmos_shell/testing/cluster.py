"""Three nodes that hold the same certificates, for a test."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cucmos_shell.testing.node import LabNode, Snapshot, ready

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self

# What a node's link to the bus is called, beside its folder.
_BUS, _NODE = "bus", "node"
# Where copies of the bus are.
_KEPT = "snapshots"
# Rounds in which everybody has heard of everybody.
_MAX_ROUNDS = 20


class LabCluster(Mapping[str, LabNode]):
    """The cluster that `install_cluster` has made in `folder`; its nodes by host name.

    Nobody tells the others anything before `sync`, unless a node's server runs: that has an agent.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).absolute()
        self._nodes: dict[str, LabNode] = {}
        self._away: set[str] = set()
        try:
            for path in sorted(self.folder.glob(f"*/{_NODE}")):
                self._nodes[path.parent.name] = LabNode(path)
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name: str) -> LabNode:
        return self._nodes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all nodes."""
        for node in self._nodes.values():
            node.close()

    def save(self) -> Snapshot:
        """Keep all nodes and what is between them as they are now; their servers end first."""
        name = os.urandom(6).hex()
        self._stop()
        shutil.copytree(self.folder / _BUS, self.folder / _KEPT / name)
        for node in self._nodes.values():
            node._save(name)
        return Snapshot(name)

    def restore(self, snapshot: Snapshot) -> None:
        """Put all nodes back to what they were, and what is between them; their servers end first.

        Raises LookupError where the cluster has no such snapshot.
        """
        kept = self.folder / _KEPT / snapshot.name
        if not kept.is_dir():
            raise LookupError(f"There is no snapshot {snapshot.name}")
        self._stop()
        shutil.rmtree(self.folder / _BUS)
        shutil.copytree(kept, self.folder / _BUS)
        for node in self._nodes.values():
            node.restore(snapshot)

    def _stop(self) -> None:
        for node in self._nodes.values():
            node.stop()

    def sync(self) -> int:
        """Let each node that is not away have its rounds, until nobody has anything to tell.

        Returns the revision that all of them have applied.
        """
        there = [node for name, node in self._nodes.items() if name not in self._away]
        before: list[int] = []
        for _ in range(_MAX_ROUNDS):
            revisions = [self._round(node) for node in there]
            if len(set(revisions)) == 1 and revisions == before:
                break
            before = revisions
        return min(before)

    def _round(self, node: LabNode) -> int:
        node.run("utils cluster sync")
        return _applied(node)

    @contextlib.contextmanager
    def partition(self, *groups: Iterable[str]) -> Iterator[None]:
        """Let the nodes of the first group alone reach the bus, until the block ends.

        Nodes that are in no group belong to the first.
        """
        cut = {name for group in groups[1:] for name in group}
        with contextlib.ExitStack() as links:
            for name in cut:
                links.enter_context(self._without_bus(name))
            yield

    @contextlib.contextmanager
    def down(self, node: str) -> Iterator[None]:
        """Let a node be switched off until the block ends: no server, no rounds."""
        self._nodes[node].stop()
        with self._without_bus(node):
            yield

    @contextlib.contextmanager
    def _without_bus(self, name: str) -> Iterator[None]:
        link = self._nodes[name].state.parent / _BUS
        target = os.readlink(link)
        link.unlink()
        self._away.add(name)
        try:
            yield
        finally:
            os.symlink(target, link)
            self._away.discard(name)


def install_cluster(
    folder: str | os.PathLike[str],
    profile: str = "imp-9.1",
    *,
    count: int = 3,
    preset: str | Iterable[str] = (),
    speed: float = 0.0,
    hostname: str | None = None,
) -> LabCluster:
    """Install `count` nodes in `folder`, joined over a bus in it; the first is the publisher.

    `hostname` is the publisher's; the rest is as with `install`.
    """
    from cucmos_shell.frontends.cluster import init_cluster
    from cucmos_shell.world import World

    place = Path(folder).absolute()
    made = init_cluster(
        str(place), profile, World.real(),
        count=count, hostname=hostname, speed=speed, progress=lambda line: None,
    )  # fmt: skip
    for state in map(Path, made):
        # Each node has a link of its own to the bus, which can be taken away.
        between = state.with_name(f"{state.name}.{_NODE}")
        state.rename(between)
        state.mkdir(mode=0o700)
        between.rename(state / _NODE)
        os.symlink(f"../{_BUS}", state / _BUS)
        ready(state / _NODE, preset if isinstance(preset, str) else tuple(preset)).close()
    cluster = LabCluster(place)
    try:
        cluster.sync()
    except BaseException:
        cluster.close()
        raise
    return cluster


def _applied(node: LabNode) -> int:
    """The revision of the cluster's log that a node has applied."""
    from cucmos_shell.cluster import membership

    member = membership.member(node._open().snapshot())
    return member.applied if member is not None else 0
