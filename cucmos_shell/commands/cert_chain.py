"""The chain above a certificate, or where and why it breaks."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.arguments.certificates import (
    complete_own,
    complete_trust,
    listed_own,
    parse_own,
    parse_trust,
)
from cucmos_shell.errors import NotFound
from cucmos_shell.node.certificates.anchors import anchors
from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.decide import Link, Verdict, decide
from cucmos_shell.results import Value
from cucmos_shell.text import columns, iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cryptography import x509

    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot

family = Family()

END = b"-----END CERTIFICATE-----\n"


class Chain(Value):
    """A certificate's chain as far as it goes; `store` is the trust store it is judged by."""

    name: str
    store: str
    verdict: Verdict


def chain_lines(chain: Chain) -> list[str]:
    """One line each, the certificate itself first; then the verdict."""
    verdict = chain.verdict
    rows = [
        (
            str(depth),
            safe(link.words),
            iso_time(link.certificate.not_valid_after_utc.timestamp())[:10],
            _place(chain, depth, link),
        )
        for depth, link in enumerate(verdict.chain)
    ]
    lines = columns([("", "Name", "Until", "Where"), *rows])
    lines += [f"Note: {note}" for note in verdict.notes]
    if verdict.accepted:
        return [*lines, f"The chain is complete: it ends in {chain.store}."]
    refusal = verdict.refusal()
    return [*lines, f"The chain breaks here: {refusal.message()}", *refusal.details]


def _place(chain: Chain, depth: int, link: Link) -> str:
    where = chain.store if link.trusted else "kept with the certificate"
    if not depth:
        where = chain.name
    return f"{where}, trust anchor" if link.anchor else where


def chain_data(chain: Chain) -> dict[str, Any]:
    """The JSON form: keys `name`, `store`, `complete`, `chain`, `notes`, `broken` if it is."""
    verdict = chain.verdict
    data: dict[str, Any] = {
        "name": chain.name,
        "store": chain.store,
        "complete": verdict.accepted,
        "chain": [
            {
                "name": link.words,
                "serial": f"{link.certificate.serial_number:x}",
                "not_after": iso_time(link.certificate.not_valid_after_utc.timestamp()),
                "trusted": link.trusted,
                "anchor": link.anchor,
            }
            for link in verdict.chain
        ],
        "notes": verdict.notes,
    }
    if not verdict.accepted:
        refusal = verdict.refusal()
        data["broken"] = {
            "kind": refusal.kind,
            "message": refusal.message(),
            "details": refusal.details,
        }
    return data


def _complete(node: Node, words: tuple[str, ...]) -> list[str]:
    return [*complete_own(node, words), *complete_trust(node, words)]


NAME = Argument("name", "own or trust certificate, as the lists print it", complete=_complete)


@family.command(
    "show cert chain <name>",
    level=0,
    arguments=(NAME,),
    view=chain_lines,
    json=chain_data,
    examples=("show cert chain tomcat", "show cert chain tomcat-trust/Example_Issuing_CA.pem"),
)
def show_chain(node: Node, name: str) -> Chain:
    """Show the chain from a certificate up to its trust anchor, or where and why it breaks.

    An own certificate is judged by its unit's trust store and the certificates that were imported
    along with it, a trust certificate by its own store; by the rules of the node as it is now.
    """
    snapshot = node.snapshot()
    try:
        unit = parse_own(node, name)
    except NotFound:
        found = parse_trust(node, name)
        der, between = snapshot.certificate_der(found.row.sha256), []
        listed, store = found.listed, found.store
    else:
        der, between = snapshot.own_der(unit), _between(snapshot, unit)
        listed, store = listed_own(unit), node.appliance.units[unit].trust_store
    verdict = decide(
        certs.load_der(der),
        between,
        anchors(snapshot, store),
        node.appliance.policy,
        node.now(),
        store=store,
    )
    return Chain(listed, store, verdict)


def _between(snapshot: Snapshot, unit: str) -> list[x509.Certificate]:
    """What was imported along with the unit's certificate."""
    blocks = snapshot.chain_pem(unit).split(END)[:-1]
    return [certs.load_pem(block + END) for block in blocks]
