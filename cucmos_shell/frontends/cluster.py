"""A whole cluster in one folder: several nodes, their bus, and the security password."""

from __future__ import annotations

import os

from cucmos_shell.errors import Refused, UsageError, from_os
from cucmos_shell.frontends.password_file import first_line
from cucmos_shell.node import Node
from cucmos_shell.node.access import passwords
from cucmos_shell.node.install import install
from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import PUBLISHER, find
from cucmos_shell.session.unattended import give

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
    product: str,
    world: World,
    *,
    count: int,
    hostname: str | None = None,
    speed: float | None = None,
    password_file: str | None = None,
    progress: Callable[[str], None],
) -> list[str]:
    """Install `count` nodes below `folder` and join them; returns their state folders.

    The first is the publisher; each has the folder of its name, the bus lies beside them. Without
    `password_file` a security password is made and left beside them, readable by its owner only.
    Raises UsageError, ProfileError, Refused, Unavailable.
    """
    if not 1 <= count <= MAX_NODES:
        raise UsageError("a cluster has 1 to {most} nodes", most=MAX_NODES)
    profile = load_yaml(find(product))
    if not profile.distribution.service:
        raise UsageError("{product} distributes nothing", product=profile.name)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    password = _password(folder, password_file)
    states = []
    for i, name in enumerate(_names(hostname or profile.hostname, count)):
        state = os.path.join(folder, name)
        role = PUBLISHER if i == 0 else SUBSCRIBER
        place = {"hostname": name, "ip": _address(profile, i), "role": role}
        if not install(state, product, world, speed=speed, progress=progress, **place):
            raise UsageError("{folder} holds a node already", folder=state)
        verb = "join" if i else "create"
        line = f"utils cluster {verb} dir:../{BUS}"
        node, by = Node.open(state, world), {"level": 4, "origin": "batch"}
        status, said = give(node, line, "installation", password=password, **by)
        if status:
            raise Refused("{said}", said=said.partition("\n")[0])
        progress(f"{name} has {'joined' if i else 'begun'} the cluster")
        states.append(state)
    return states


def _names(first: str, count: int) -> list[str]:
    return [first, *(f"{first}-sub{i}" for i in range(1, count))]


def _address(profile: Profile, number: int) -> str:
    head, _, last = profile.ip.rpartition(".")
    if int(last) + number > 254:
        raise UsageError("there are not so many addresses behind {ip}", ip=profile.ip)
    return f"{head}.{int(last) + number}"


def _password(folder: str, given: str | None) -> str:
    try:
        if given is not None:
            password = first_line(given)
            passwords.check_strength(password, "security")
            return password
        password = passwords.new()
        path = os.path.join(folder, PASSWORD_FILE)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{password}\n")
        return password
    except Refused as refusal:
        raise UsageError("{reason}", reason=refusal.message()) from None
    except OSError as error:
        raise from_os(error, "used") from error
