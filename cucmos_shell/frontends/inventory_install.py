"""Installs what an inventory names and what is not there: several nodes at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed

from cucmos_shell.cluster import membership
from cucmos_shell.commands import check_words
from cucmos_shell.frontends.cluster import SUBSCRIBER, init_cluster
from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.node.lab.lab import make_lab
from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import PUBLISHER, find
from cucmos_shell.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cucmos_shell.frontends.inventory import ClusterSite, Inventory, Site
    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.world import World

# Keys are found without the interpreter, and commits wait for the disk: a few more than processors.
MORE_THREADS = 2
# Seconds between two lines that say how far it is.
TOLD_EVERY = 5.0


class Installation:
    """What of an inventory is not there yet. Nothing is done before `run`.

    Raises what `Store.exists` and `Node.open` raise.
    """

    def __init__(self, inventory: Inventory, world: World) -> None:
        self._world = world
        self.clusters = [one for one in inventory.clusters if not _whole(one, inventory, world)]
        names = {one.name for one in self.clusters}
        self.sites = [
            site
            for site in inventory.sites
            if (site.cluster in names if site.cluster else not Store(site.state).exists())
        ]
        wanted = sorted({site.profile for site in self.sites})
        self._profiles = {name: _profile(name) for name in wanted}

    def __bool__(self) -> bool:
        return bool(self.sites)

    def run(self, prepare: Callable[[str], object], say: Callable[[str], None]) -> None:
        """Install all of it; `prepare` is called with each state folder then, and `say` is told how
        far it is. Broken off, it goes on where it was the next time.

        Raises what `install` and `init_cluster` raise, for the first that fails.
        """
        total, done = len(self.sites), 0
        begun = told = self._world.patience()
        say(f"Installing {total} {'node' if total == 1 else 'nodes'}")
        with ThreadPoolExecutor((os.cpu_count() or 1) + MORE_THREADS, "install") as pool:
            jobs = [pool.submit(self._cluster, one, prepare) for one in self.clusters]
            alone = (site for site in self.sites if not site.cluster)
            jobs += [pool.submit(self._site, site, prepare) for site in alone]
            try:
                for job in as_completed(jobs):
                    done += job.result()
                    now = self._world.patience()
                    if now - told >= TOLD_EVERY or done == total:
                        told = now
                        rate = done / max(now - begun, 0.001)
                        say(f"Installed {done} of {total} ({rate:.1f} a second)")
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _site(self, site: Site, prepare: Callable[[str], object]) -> int:
        if site.lab:
            # Before the node: a kill in between leaves nothing that would not be done again.
            make_lab(site.state)
        install(
            site.state, self._profiles[site.profile], self._world,
            hostname=site.name, speed=site.speed,
        )  # fmt: skip
        prepare(site.state)
        return 1

    def _cluster(self, cluster: ClusterSite, prepare: Callable[[str], object]) -> int:
        states = [site.state for site in self.sites if site.cluster == cluster.name]
        for state in states if cluster.lab else ():
            make_lab(state)
        init_cluster(
            cluster.folder, self._profiles[cluster.profile], self._world,
            count=cluster.count, hostname=cluster.name, speed=cluster.speed,
            password_file=cluster.password_file, progress=lambda line: None,
        )  # fmt: skip
        for state in states:
            prepare(state)
        return len(states)


def profiles(inventory: Inventory, world: World) -> Iterator[Profile]:
    """The profile of each node: its own, or the one that it has when it is installed.

    Raises what `Store.exists` and `Node.look` raise.
    """
    products: dict[str, Profile] = {}
    for site in inventory.sites:
        if Store(site.state).exists():
            yield Node.look(site.state, world).profile
            continue
        if site.profile not in products:
            products[site.profile] = _profile(site.profile)
        product = products[site.profile]
        if site.cluster:
            first = site.name == site.cluster
            product = product.replace(role=PUBLISHER if first else SUBSCRIBER)
        yield product.as_it_is_here()


def _profile(name: str) -> Profile:
    profile = load_yaml(find(name))
    check_words(profile)
    return profile


def _whole(cluster: ClusterSite, inventory: Inventory, world: World) -> bool:
    """Whether all nodes of the cluster are there, and have joined it."""
    states = [site.state for site in inventory.sites if site.cluster == cluster.name]
    return all(
        Store(state).exists() and membership.member(Node.look(state, world).snapshot()) is not None
        for state in states
    )
