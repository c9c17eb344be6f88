"""The chains of the node's own certificates, now and after a change of a trust store."""

from __future__ import annotations

import contextlib

from cucmos_shell.errors import Damaged, Refused
from cucmos_shell.node.certificates.anchors import anchors
from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.decide import decide
from cucmos_shell.pki.der import from_pems
from cucmos_shell.pki.tbs import Tbs
from cucmos_shell.results import Value
from cucmos_shell.store.snapshot import sha256_hex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptography import x509

    from cucmos_shell.pki.chains.decide import ChainVerdict
    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store import CertificateRow, Snapshot


class Exchange(Value):
    """What a change takes out of the trust store `store`, and the certificates (DER) it puts in."""

    store: str
    gone: tuple[CertificateRow, ...]
    come: tuple[bytes, ...] = ()


def between(snapshot: Snapshot, unit: str) -> list[x509.Certificate]:
    """What was imported along with the unit's certificate."""
    return [certs.load_der(der) for der in from_pems(snapshot.chain_pem(unit))]


def broken(
    profile: Profile, snapshot: Snapshot, exchange: Exchange, now: float, *, but: str = ""
) -> dict[str, tuple[str, ...]]:
    """Which chains of own certificates, complete in `snapshot`, would break by `exchange`.

    Names of rows that go, each with the units whose chain leads through it. The unit `but` is left
    out: its certificate changes, too.
    """
    found: dict[str, tuple[str, ...]] = {}
    if exchange.gone:
        for unit, spec in profile.units.items():
            if spec.trust_store == exchange.store and unit != but:
                # What is damaged, or cannot be read, has no chain that could break.
                with contextlib.suppress(Damaged, Refused):
                    name = _through(profile, snapshot, unit, exchange, now)
                    if name:
                        found[name] = (*found.get(name, ()), unit)
    return found


def _through(
    profile: Profile, snapshot: Snapshot, unit: str, exchange: Exchange, now: float
) -> str:
    """The name of the row without which the chain of `unit` breaks; empty if it does not."""
    gone = {row.sha256: row.name for row in exchange.gone}
    row = snapshot.own(unit).row
    if row is None or (_self_issued(snapshot.own_der(unit)) and row.sha256 not in gone):
        return ""
    before = _verdict(profile, snapshot, unit, exchange.store, now)
    through = [name for link in before.chain if (name := gone.get(sha256_hex(link.der)))]
    if not before.accepted or not through:
        return ""
    after = _verdict(profile, snapshot, unit, exchange.store, now, exchange)
    # The last one is nearest to the end of the chain, which is what people know it by.
    return "" if after.accepted else through[-1]


def _self_issued(der: bytes) -> bool:
    outline = Tbs(der)
    return outline.subject == outline.issuer


def _verdict(
    profile: Profile,
    snapshot: Snapshot,
    unit: str,
    store: str,
    now: float,
    exchange: Exchange | None = None,
) -> ChainVerdict:
    """The verdict on the certificate of `unit`, with its trust store as it is after `exchange`."""
    gone = frozenset(row.name for row in exchange.gone) if exchange else frozenset()
    kept = anchors(snapshot, store, gone)
    come = exchange.come if exchange else ()

    def trusted(name: bytes) -> Iterator[bytes]:
        yield from kept(name)
        yield from _of_name(come, name)

    return decide(
        certs.load_der(snapshot.own_der(unit)),
        between(snapshot, unit),
        trusted,
        profile.policy,
        now,
        store=store,
    )


def _of_name(ders: Iterable[bytes], name: bytes) -> Iterator[bytes]:
    return (der for der in ders if Tbs(der).subject == name)
