"""An inventory as it is shown: a table for people, JSON, and the YAML form that Ansible reads."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from cucmos_shell.frontends.inventory import Inventory, Site

HEADINGS = ("Name", "Address", "Profile", "Cluster", "State folder")


def table(inventory: Inventory) -> tuple[str, ...]:
    """A line for each node, below headings."""
    rows = [
        (site.name, _shown(site), site.profile, site.cluster or "-", site.state)
        for site in inventory.sites
    ]
    rows = [HEADINGS, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    rows.insert(1, tuple("=" * width for width in widths))  # type: ignore[arg-type]
    return tuple(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _shown(site: Site) -> str:
    return site.address if site.port else f"{site.address.rpartition(':')[0]}, a free port"


def data(inventory: Inventory) -> list[dict[str, Any]]:
    """A row for each node: keys as in `GET /nodes`, and where it is reached in parts.

    `port` is null where the server takes a free one.
    """
    return [
        {
            "name": site.name,
            "profile": site.profile,
            "state": site.state,
            "ssh": site.address if site.port else None,
            "host": site.host,
            "port": site.port or None,
            "username": inventory.admin,
            "cluster": site.cluster or None,
        }
        for site in inventory.sites
    ]


def ansible(inventory: Inventory) -> tuple[str, ...]:
    """The lines of an Ansible inventory: a host a node, a group for each product and each cluster.

    There is no password in it.
    """
    return tuple(_ansible(inventory))


def _ansible(inventory: Inventory) -> Iterator[str]:
    yield "all:"
    yield "  hosts:"
    for site in inventory.sites:
        yield f"    {_quoted(site.name)}:"
        yield f"      ansible_host: {_quoted(site.host)}"
        if site.port:
            yield f"      ansible_port: {site.port}"
        yield f"      ansible_user: {_quoted(inventory.admin)}"
        yield f"      cucmos_profile: {_quoted(site.profile)}"
        yield f"      cucmos_state: {_quoted(site.state)}"
    yield "  children:"
    for name, hosts in _groups(inventory.sites).items():
        yield f"    {name}:"
        yield "      hosts:"
        yield from (f"        {_quoted(host)}: {{}}" for host in hosts)


def _groups(sites: Iterable[Site]) -> dict[str, list[str]]:
    """`profile_NAME` and `cluster_NAME` → their hosts; groups have no other sign than `_`."""
    found: dict[str, list[str]] = {}
    for site in sites:
        found.setdefault(_group("profile", site.profile), []).append(site.name)
    for site in sites:
        if site.cluster:
            found.setdefault(_group("cluster", site.cluster), []).append(site.name)
    return found


def _group(kind: str, name: str) -> str:
    last = name.rpartition("/")[2].removesuffix(".yaml")
    return f"{kind}_{''.join(c if c.isascii() and c.isalnum() else '_' for c in last)}"


def _quoted(text: str) -> str:
    """A text as YAML takes it, whatever stands in it: JSON's form is one of YAML's."""
    return json.dumps(text)
