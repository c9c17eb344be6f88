"""A new node in an empty folder: keys, certificates, profile; one rename makes it installed.

Until `store/current` is there, nothing is: what a killed installation has left, as the marker
`installing` tells, is written over. Anything else without `store/current` is a damaged node.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re

from cucmos_shell.errors import UsageError, from_os
from cucmos_shell.node.certificates import default_cas, issuing
from cucmos_shell.node.node import Node
from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import PUBLISHER, find, to_json
from cucmos_shell.store import Store
from cucmos_shell.store.durable import (
    SECRET_FOLDER_MODE,
    replace_file,
    sync_folder,
)
from cucmos_shell.store.state_json import sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store import Lock
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world import World
    from cucmos_shell.world.world import PrivateKey

# Seconds that one of several installations at once waits for the others.
PATIENCE = 120.0
_HOSTNAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)\Z")


def install(
    state_dir: str,
    product: str | Profile,
    world: World,
    *,
    hostname: str | None = None,
    ip: str | None = None,
    role: str | None = None,
    speed: float | None = None,
    progress: Callable[[str], None] | None = None,
    check: Callable[[Profile], None] | None = None,
) -> bool:
    """Install a node of `product` (a profile, its name or its file); False if there is one by now.

    Of several at once one installs and the others wait for it. `speed` divides the times of the
    services, 0 means at once. `progress` is told a line at a time what is done. `check` raises what
    else speaks against the profile.
    Raises ProfileError, UsageError, Unavailable, Busy.
    """
    store = Store(state_dir)
    if store.exists():
        return False
    profile = _profile(product, hostname, speed)
    profile = _placed(profile, ip or profile.ip, role or profile.role)
    if check is not None:
        check(profile)
    try:
        _make_folder(state_dir)
        busy = "another process holds {folder}"
        with store.lock(world.patience, world.sleep, PATIENCE, busy) as lock:
            if store.exists():
                return False
            _install(store, profile, world, lock, progress or (lambda line: None))
    except OSError as error:
        raise from_os(error, "written") from error
    return True


def is_host_name(name: str) -> bool:
    """Whether a node may be called so."""
    return _HOSTNAME.match(name) is not None


def _profile(product: str | Profile, hostname: str | None, speed: float | None) -> Profile:
    profile = load_yaml(find(product)) if isinstance(product, str) else product
    if hostname is not None:
        if not is_host_name(hostname):
            raise UsageError("{name} is not a host name", name=hostname)
        profile = profile.replace(hostname=hostname)
    if speed is not None:
        if not 0 <= speed <= 1_000_000:
            raise UsageError("a speed is a number from 0 to 1000000")
        profile = profile.replace(defaults={**profile.defaults, "speed": speed})
    return profile


def _placed(profile: Profile, ip: str, role: str) -> Profile:
    """The profile at that address in that role; a peer is the publisher of a subscriber."""
    try:
        ip = str(ipaddress.IPv4Address(ip))
    except ValueError:
        raise UsageError("{ip} is not an IPv4 address", ip=ip) from None
    peers = profile.peers
    if role != PUBLISHER and peers and not any(peer.role == PUBLISHER for peer in peers):
        peers = (peers[0].replace(role=PUBLISHER), *peers[1:])
    placed: Profile = profile.replace(ip=ip, role=role, peers=peers)
    return placed.as_it_is_here()


def _make_folder(path: str) -> None:
    """The folder, with every missing one above it, durably."""
    missing = []
    path = os.path.abspath(path)
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        try:
            os.mkdir(folder, SECRET_FOLDER_MODE)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise
        sync_folder(os.path.dirname(folder))


def _install(
    store: Store,
    profile: Profile,
    world: World,
    lock: Lock,
    progress: Callable[[str], None],
) -> None:
    layout = store.layout
    cas = default_cas.read(profile)
    replace_file(layout.installing, b"")
    progress(f"Installing {profile.product} {profile.version} as {profile.hostname}")
    for folder in (layout.download, layout.logs, layout.run, layout.upload):
        _make_folder(folder)
    keys = _keys(profile, world, progress)
    data = json.dumps(to_json(profile), indent=1).encode("ascii") + b"\n"
    replace_file(layout.profile, sealed(data))

    def fill(change: Transaction) -> None:
        change.define(profile.units, profile.trust_stores)
        for unit, key in keys.items():
            serial = world.new_serial()
            credential = issuing.first(profile, unit, key, now=change.now, serial=serial)
            issuing.stage(change, profile, credential)
        default_cas.deliver(change, profile, cas)
        change.put_settings({})

    Node(layout.state, profile, world).create(lock, fill)
    os.unlink(layout.installing)
    progress("The node is installed")


def _keys(profile: Profile, world: World, progress: Callable[[str], None]) -> dict[str, PrivateKey]:
    """A key for every unit, made side by side: finding primes needs no interpreter."""
    from concurrent.futures import ThreadPoolExecutor

    units = list(profile.units.values())
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        made = pool.map(world.new_key, [spec.key for spec in units])
        keys: dict[str, PrivateKey] = {}
        try:
            for spec, key in zip(units, made, strict=True):
                keys[spec.name] = key
                progress(f"Generated a key for {spec.name}")
        except BaseException:
            # Whoever ends the program does not wait for keys that have not been begun.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return keys
