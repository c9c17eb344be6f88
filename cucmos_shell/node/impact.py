"""What a change of certificates would break.

`show cert impact`, the warnings of the commands that make the change, and their JSON all say what
is found here. Nothing here changes anything.
"""

from __future__ import annotations

import contextlib

from cucmos_shell.errors import Damaged, Unavailable
from cucmos_shell.node.certificates import clients
from cucmos_shell.pki.tbs import Tbs
from cucmos_shell.results import Finding
from cucmos_shell.text import counted, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cucmos_shell.node.certificates.own_chains import Exchange
    from cucmos_shell.node.certificates.trust_import import Ready
    from cucmos_shell.node.certificates.trust_lists import ListImpact
    from cucmos_shell.node.node import Node
    from cucmos_shell.store import CertificateRow, Snapshot
    from cucmos_shell.store.transaction import Transaction

    Findings = tuple[Finding, ...]

NAMED = 20
REPLACED = (
    "This operation will replace the pending CSR of {unit};"
    " a certificate signed for that one will not fit"
)
DELETED = "The pending CSR of {unit} would be deleted: a certificate signed for it will not fit"


# --- changes -----------------------------------------------------------------------------------


def regenerating(node: Node, snapshot: Snapshot, unit: str) -> Findings:
    """What a new self-signed certificate of `unit` would break."""
    return _found(
        _lost(snapshot, unit),
        _request_lost(snapshot, unit, DELETED),
        *_replacing(node, snapshot, unit),
    )


def importing(node: Node, snapshot: Snapshot, unit: str, chain: Sequence[bytes]) -> Findings:
    """What it would break that the first of `chain`, signed by the next, is the unit's own."""
    from cucmos_shell.node.certificates import client_auth

    lacking = client_auth.importing(node.profile, unit, chain)
    return _found(*_replacing(node, snapshot, unit, tuple(chain[:1])), lacking)


def trusting(node: Node, change: Transaction, store: str, ready: Iterable[Ready]) -> Findings:
    """What breaks by what `change` has done to `store`, into which `ready` came."""
    from cucmos_shell.node.certificates import client_auth
    from cucmos_shell.node.certificates.own_chains import Exchange

    changed = change.uploads_changed(store)
    if not changed:
        return ()
    servers = (one.row.common_name for one in ready if one.for_servers)
    gone = tuple(row for has, row in changed.values() if not has)
    come = tuple(one.der for one in ready if changed.get(one.row.sha256, (False,))[0])
    return _found(
        _chains(node, change.base, Exchange(store, gone, come)),
        client_auth.trusting(node.profile, store, servers),
    )


def deleting(
    node: Node, snapshot: Snapshot, store: str, row: CertificateRow, units: Iterable[str]
) -> Findings:
    """What the deletion of `row` from `store` breaks; it is the copy of the own one of `units`."""
    from cucmos_shell.node.certificates.own_chains import Exchange

    requests = (_request_lost(snapshot, unit, DELETED) for unit in units)
    return _found(*requests, _chains(node, snapshot, Exchange(store, (row,))))


def requesting(snapshot: Snapshot, unit: str) -> Findings:
    """What a new request of `unit` makes worthless."""
    return _found(_request_lost(snapshot, unit, REPLACED))


def _found(*parts: Iterator[Finding]) -> Findings:
    """The findings of all parts; what is damaged has none, and hinders no change."""
    findings: list[Finding] = []
    for part in parts:
        with contextlib.suppress(Damaged, Unavailable):
            findings += part
    return tuple(findings)


# --- what is asked of the node -------------------------------------------------------------------


def lost_issuer(snapshot: Snapshot, unit: str) -> str:
    """The CA of the unit's certificate; empty where the unit signed it itself, or has none."""
    row = snapshot.own(unit).row
    if row is None:
        return ""
    outline = Tbs(snapshot.own_der(unit))
    return "" if outline.subject == outline.issuer else row.issuer_name or row.issuer


def lists(node: Node, snapshot: Snapshot, unit: str) -> ListImpact:
    """The lists that follow the unit, and whether phones would be left alone."""

    def pending(service: str) -> Iterable[str]:
        # Of one service: what all of them wait for takes ten times as long.
        for name, sha256 in node.services.loaded(service, snapshot).items():
            row = snapshot.own(name).row
            if row is not None and row.sha256 != sha256:
                yield name

    return node.lists.impact(snapshot, unit, pending)


def copy(node: Node, snapshot: Snapshot, unit: str) -> CertificateRow | None:
    """The copy of the unit's certificate in its trust store; None if it is another unit's, too."""
    row = snapshot.owned(node.profile.units[unit].trust_store, unit)
    return None if row and clients.sharing(node.profile, snapshot, unit, row) else row


# --- findings ------------------------------------------------------------------------------------


def _replacing(
    node: Node, snapshot: Snapshot, unit: str, come: tuple[bytes, ...] = ()
) -> Iterator[Iterator[Finding]]:
    """What any new certificate of `unit` breaks: its copy is replaced, phones get new lists."""
    yield _phones(node, snapshot, unit)
    yield _copy_replaced(node, snapshot, unit, come)
    yield _not_activated(node, node.profile.units[unit].services)


def _copy_replaced(
    node: Node, snapshot: Snapshot, unit: str, come: tuple[bytes, ...]
) -> Iterator[Finding]:
    row = copy(node, snapshot, unit)
    if row is not None and row.ca:
        from cucmos_shell.node.certificates.own_chains import Exchange

        exchange = Exchange(node.profile.units[unit].trust_store, (row,), come)
        yield from _chains(node, snapshot, exchange, unit)


def _phones(node: Node, snapshot: Snapshot, unit: str) -> Iterator[Finding]:
    impact = lists(node, snapshot, unit)
    if impact.outage:
        first, *others = impact.outage
        text = (
            f"{', '.join(others)} has changed, and phones do not have the new one yet.",
            f"If {first} changes too, they are left without a signer they know:",
            "they will refuse every new list and configuration file.",
            f"Restart {impact.service} and reset the phones first.",
        )
        facts = {"units": impact.outage, "service": impact.service}
        yield Finding("phones-without-signer", text, facts)


def _lost(snapshot: Snapshot, unit: str) -> Iterator[Finding]:
    if issuer := lost_issuer(snapshot, unit):
        text = f"The certificate of {unit} that {safe(issuer)} has signed would be lost"
        yield Finding("ca-signed-lost", (text,), {"unit": unit, "ca": issuer})


def _request_lost(snapshot: Snapshot, unit: str, template: str) -> Iterator[Finding]:
    if snapshot.own(unit).request is not None:
        facts = {"unit": unit, "name": f"{unit}/{unit}.csr"}
        yield Finding("csr-lost", (template.format(unit=unit),), facts)


def _not_activated(node: Node, services: Iterable[str]) -> Iterator[Finding]:
    down = tuple(name for name in services if not node.services.state(name).activated)
    if down:
        text = f"Not activated, so they cannot be restarted: {', '.join(down)}"
        yield Finding("not-activated", (text,), {"services": down})


def _chains(node: Node, snapshot: Snapshot, exchange: Exchange, but: str = "") -> Iterator[Finding]:
    from cucmos_shell.node.certificates import own_chains

    found = own_chains.broken(node.profile, snapshot, exchange, node.now(), but=but)
    for name, units in found.items():
        listed = f"{exchange.store}/{name}.pem"
        certificates = tuple(f"{unit}/{unit}.pem" for unit in units)
        facts = {"name": listed, "names": certificates}
        yield Finding("chain-breaks", _without(listed, certificates), facts)


def _without(ca: str, certificates: tuple[str, ...]) -> tuple[str, ...]:
    if len(certificates) == 1:
        return (f"Without {ca} the chain of {certificates[0]} breaks",)
    number = counted(len(certificates), "certificate")
    lines = [f"\t{name}" for name in certificates[:NAMED]]
    if len(certificates) > NAMED:
        lines.append(f"\t({len(certificates) - NAMED} more)")
    return (f"Without {ca} the chains of {number} break:", *lines)
