"""A whole cluster in one folder: several nodes, their bus, and the security password."""

from __future__ import annotations

import os

from cucmos_shell.cluster import membership
from cucmos_shell.commands import check_words
from cucmos_shell.errors import Refused, UsageError, from_os
from cucmos_shell.frontends.password_file import first_line
from cucmos_shell.node import Node
from cucmos_shell.node.access import passwords
from cucmos_shell.node.install import install
from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import PUBLISHER, find
from cucmos_shell.session.unattended import give
from cucmos_shell.store.durable import SECRET_FILE_MODE, replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.world import World

BUS, PASSWORD_FILE = "bus", "security-password"
MAX_NODES = 20
SUBSCRIBER = "Subscriber"


def init_cluster(
    folder: str,
    product: str | Profile,
    world: World,
    *,
    count: int,
    hostname: str | None = None,
    speed: float | None = None,
    password_file: str | None = None,
    progress: Callable[[str], None],
) -> list[str]:
    """Install `count` nodes of a product below `folder` and join them; returns their state folders.

    The product is a profile, its name or its file.
    The first is the publisher; each has the folder of its name, the bus lies beside them. Without
    `password_file` a security password is made and left beside them, readable by its owner only.
    Given again after it was broken off, it does the rest.
    Raises UsageError, ProfileError, Refused, Unavailable.
    """
    if not 1 <= count <= MAX_NODES:
        raise UsageError("a cluster has 1 to {most} nodes", most=MAX_NODES)
    profile = load_yaml(find(product)) if isinstance(product, str) else product
    if not profile.distribution.service:
        raise UsageError("{product} distributes nothing", product=profile.name)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    password = _password(folder, password_file)
    states, joined = [], 0
    for i, name in enumerate(node_names(hostname or profile.hostname, count)):
        state = os.path.join(folder, name)
        role = PUBLISHER if i == 0 else SUBSCRIBER
        place = {"hostname": name, "ip": _address(profile, i), "role": role}
        install(state, profile, world, speed=speed, progress=progress, check=check_words, **place)
        joined += _join(Node.open(state, world), place, password, progress)
        states.append(state)
    if not joined:
        raise UsageError("{folder} holds the cluster already", folder=folder)
    return states


def _join(
    node: Node, place: dict[str, str], password: str, progress: Callable[[str], None]
) -> bool:
    """Have the node join, or the publisher begin; False if that was done before."""
    if any(getattr(node.profile, key) != value for key, value in place.items()):
        raise UsageError("{folder} holds another node", folder=node.state_dir)
    if membership.member(node.snapshot()) is not None:
        return False
    verb = "create" if node.profile.publisher else "join"
    line = f"utils cluster {verb} dir:../{BUS}"
    status, said = give(node, line, "installation", password=password, level=4, origin="batch")
    if status:
        raise Refused("{said}", said=said.partition("\n")[0])
    progress(f"{node.hostname} has {'begun' if verb == 'create' else 'joined'} the cluster")
    return True


def node_names(first: str, count: int) -> list[str]:
    """The host names of a cluster's nodes, the publisher's first; each is that of its folder."""
    return [first, *(f"{first}-sub{i}" for i in range(1, count))]


def _address(profile: Profile, number: int) -> str:
    head, _, last = profile.ip.rpartition(".")
    if int(last) + number > 254:
        raise UsageError("there are not so many addresses behind {ip}", ip=profile.ip)
    return f"{head}.{int(last) + number}"


def _password(folder: str, given: str | None) -> str:
    """The password in the file `given`, else the one that was made here before, else a new one."""
    path = os.path.join(folder, PASSWORD_FILE)
    if given is None and os.path.exists(path):
        given = path
    try:
        if given is not None:
            password = first_line(given)
            passwords.check_strength(password, "security")
            return password
        password = passwords.new()
        replace_file(path, f"{password}\n".encode("ascii"), SECRET_FILE_MODE)
        return password
    except Refused as refusal:
        raise UsageError("{reason}", reason=refusal.message()) from None
    except OSError as error:
        raise from_os(error, "written") from error
