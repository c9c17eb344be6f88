"""A node takes over what the program's copy of its profile has come to know since it was made."""

from __future__ import annotations

import json

from cucmos_shell.errors import Refused
from cucmos_shell.node.certificates import issuing
from cucmos_shell.profile.profile import FORMAT, find, names, to_json
from cucmos_shell.store.state_json import StateJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from cucmos_shell.node.node import Node
    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world.world import PrivateKey

# What was decided when the node was made, and is no fact about its product.
OWN = (
    "hostname", "domain", "ip", "netmask", "gateway", "dns", "ethernet", "timezone",
    "timezone_name", "timezone_version", "locale", "role", "peers", "subject",
)  # fmt: skip
MAX_SHOWN = 60


def newer(profile: Profile) -> Profile:
    """The profile of that name that comes with the program, as a node of `profile` would have it.

    Raises Refused where none comes with it, or where it lacks a unit or a trust store of the node;
    ProfileError.
    """
    if profile.name not in names():
        raise Refused(
            "This node was made from the profile {name}, which does not come with the program",
            name=profile.name,
        )
    from cucmos_shell.profile.load import load_yaml

    shipped = load_yaml(find(profile.name))
    speed = profile.defaults["speed"]
    kept = {name: getattr(profile, name) for name in OWN}
    placed: Profile = shipped.replace(**kept, defaults={**shipped.defaults, "speed": speed})
    fresh = placed.as_it_is_here()
    for what in ("units", "trust_stores"):
        lost = getattr(profile, what).keys() - getattr(fresh, what).keys()
        if lost:
            raise Refused(
                "The profile {name} no longer has {lost}, which this node has",
                name=profile.name,
                lost=", ".join(sorted(lost)),
            )
    return fresh


def differences(before: Profile, after: Profile) -> list[str]:
    """What is new, gone or different, a line each: `services / Cisco Tomcat / start_seconds: …`."""
    return list(_differences(_named(to_json(before)), _named(to_json(after)), ()))


def _named(data: dict[str, Any]) -> dict[str, Any]:
    platform = {row["name"]: row for row in data["platform_services"]}
    return {**data, "platform_services": platform}


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, (*path, name))
        elif old != new:
            yield f"{' / '.join((*path, name))}: {_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    text = json.dumps(value)
    if len(text) <= MAX_SHOWN:
        return text
    return f"{len(value)} values" if isinstance(value, dict | list) else f"{text[:MAX_SHOWN]}..."


def new_keys(node: Node, fresh: Profile) -> dict[str, PrivateKey]:
    """A key for each unit that the node does not have yet."""
    known = node.snapshot().units
    return {u: node.world.new_key(spec.key) for u, spec in fresh.units.items() if u not in known}


def take_over(
    node: Node, change: Transaction, fresh: Profile, keys: Mapping[str, PrivateKey]
) -> None:
    """Let `change` make `fresh` the node's profile, with certificates for its new units."""
    change.define(fresh.units, fresh.trust_stores)
    for unit, key in keys.items():
        serial = node.world.new_serial()
        credential = issuing.first(fresh, unit, key, now=change.now, serial=serial)
        issuing.stage(change, fresh, credential)
    octets = json.dumps(to_json(fresh), indent=1).encode("ascii") + b"\n"
    change.put_beside(StateJson(node.layout.profile, FORMAT), octets)
