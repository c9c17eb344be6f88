"""The product's diagnosis of a node: its modules in their order, and what each finds here."""

from __future__ import annotations

import os

from cucmos_shell.errors import Damaged
from cucmos_shell.node.members import others
from cucmos_shell.node.services.plan import STARTED
from cucmos_shell.node.time_source import time_source
from cucmos_shell.results import Value
from cucmos_shell.store.outputs import keep_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.node.node import Node

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
OFF_HOURS = "This module must be run directly and off hours"
SYSTEM_INFO = "Collected system information in diagnostic log"
_PREFIX, _SUFFIX = "diag", ".log"
# Of the web server: whether it runs is all that can be told of these.
_OF_WEB = ("connectors", "threads", "memory", "sessions")


class Check(Value):
    """What one module found: PASSED or FAILED with a `reason`, or that it was SKIPPED."""

    module: str
    outcome: str
    reason: str = ""


def checks(node: Node) -> Iterator[Check]:
    """The modules of the diagnosis, one after the other."""
    unit, service = _web(node)
    disk = next(iter(node.profile.status["disks"].values()))
    figures = f"available: {disk['free'] // 1024} MB, used: {disk['used'] // 1024} MB"
    yield Check("disk_space", PASSED, figures)
    yield Check("disk_files", SKIPPED, OFF_HOURS)
    down = [one.name for one in node.services.platform_states() if one.state != STARTED]
    yield _check("service_manager", f"{', '.join(down)} not running" if down else "")
    runs = not service or node.services.running(service)
    web = "" if runs else f"{service} is not running"
    yield _check(unit, web)
    yield _check(f"{unit}_deadlocks", web)
    yield _check(f"{unit}_keystore", _keystore(node, unit))
    for part in _OF_WEB:
        yield _check(f"{unit}_{part}", web)
    yield Check(f"{unit}_heapdump", SKIPPED, OFF_HOURS)
    away = [one.hostname for one in others(node) if not one.reachable]
    yield _check("validate_network", f"{', '.join(away)} cannot be reached" if away else "")
    yield Check("raid", PASSED)
    yield Check("system_info", PASSED, SYSTEM_INFO)
    source = time_source(node)
    late = "" if source.running else f"{source.daemon} is not running"
    for module in ("ntp_reachability", "ntp_clock_drift", "ntp_stratum"):
        yield _check(module, late)
    for module in ("sdl_fragmentation", "sdi_fragmentation"):
        yield Check(module, SKIPPED, OFF_HOURS)


def _check(module: str, trouble: str) -> Check:
    return Check(module, FAILED if trouble else PASSED, trouble)


def _web(node: Node) -> tuple[str, str]:
    """The unit of the web server, whose trust store is the node's own, and its service."""
    profile = node.profile
    specs = profile.units.values()
    spec = next((one for one in specs if one.trust_store == profile.node_trust_store), None)
    if spec is None:
        return profile.trust_stores[profile.node_trust_store].base, ""
    return spec.name, next(iter(spec.services), "")


def _keystore(node: Node, unit: str) -> str:
    """What is wrong with the unit's certificate and its private key; empty if nothing is."""
    from cucmos_shell.pki.keypair import belongs

    snapshot = node.snapshot()
    try:
        row = snapshot.own(unit).row if unit in snapshot.units else None
        if row is None:
            return "there is no certificate"
        if not belongs(snapshot.private_key_pem(unit), snapshot.own_der(unit)):
            return "the private key is not that of the certificate"
    except (ValueError, IndexError):
        return "the private key cannot be read"
    except Damaged as error:
        return error.message()
    now = node.now()
    if now < row.not_before:
        return "the certificate is not valid yet"
    return "" if now <= row.not_after else "the certificate has expired"


def write_log(node: Node, text: str) -> str:
    """Keep `text` as the log of a new diagnosis; the path of the file among the logs.

    The oldest are deleted where there are too many. Raises OSError.
    """
    data = text.encode("utf-8", "backslashreplace")
    number = max(_numbers(os.path.dirname(node.layout.diagnostic_log(1))), default=0)
    while True:
        number += 1
        path = node.layout.diagnostic_log(number)
        try:
            keep_output(path, data, _PREFIX)
        except FileExistsError:
            continue
        return os.path.relpath(path, node.layout.logs)


def _numbers(folder: str) -> Iterator[int]:
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        number = name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
        if name == f"{_PREFIX}{number}{_SUFFIX}" and number.isascii() and number.isdigit():
            yield int(number[:9])
