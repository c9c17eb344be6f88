"""Multi-server certificates: what a node gives of one to the others, and how one comes to it.

The private key goes sealed for each member (`pki.sealed`), and opens for that member only, in that
cluster, for that certificate.
"""

from __future__ import annotations

import contextlib
import io

from cucmos_shell.cluster import shared
from cucmos_shell.cluster.membership import Said, revisions
from cucmos_shell.cluster.rules import Entry, shared_holds
from cucmos_shell.cluster.shared import OWN, REQUEST, Asked, Held, KnownThing, Sharing, parts
from cucmos_shell.errors import Refused, ShellError
from cucmos_shell.node.certificates import issuing
from cucmos_shell.node.certificates.anchors import anchors
from cucmos_shell.node.certificates.own_import import REQUEST_LABEL, request_key
from cucmos_shell.pki import certs
from cucmos_shell.pki.bundle import read_file
from cucmos_shell.pki.chains.decide import AnchorIndex, decide
from cucmos_shell.pki.der import from_pem, from_pems, to_pem
from cucmos_shell.pki.sealed import seal, unseal
from cucmos_shell.pki.tbs import Tbs
from cucmos_shell.store import CertificateRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cucmos_shell.cluster.entries import Shared
    from cucmos_shell.cluster.membership import Membership, NodeRecord, Secrets
    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store import Snapshot
    from cucmos_shell.store.transaction import Transaction


OWNER = "cluster/"  # and the unit: what trust stores say of the copy where a node has left


def held(profile: Profile, snapshot: Snapshot, thing: str) -> Held | None:
    """What the node has of a thing, for the others; None if nothing, or one of its own."""
    if not shared.sha256_of(snapshot, thing):
        return None
    kind, unit = parts(thing)
    own = snapshot.own(unit)
    if kind == REQUEST and own.request is not None:
        der = from_pem(snapshot.request_pem(unit), REQUEST_LABEL)
        return Held(own.request.sha256, (der,), "", 0, snapshot.request_key_pem(unit))
    if own.row is None:
        return None
    ders = (snapshot.own_der(unit), *from_pems(snapshot.chain_pem(unit)))
    root = _root(profile, snapshot, unit, ders)
    key = snapshot.private_key_pem(unit)
    return Held(own.row.sha256, (*ders, root), own.row.description, own.row.not_before, key)


def _root(profile: Profile, snapshot: Snapshot, unit: str, ders: tuple[bytes, ...]) -> bytes:
    """The certificate of the trust store that a chain ends in; empty if there is none any more."""
    leaf, *between = map(certs.load_der, ders)
    store = profile.units[unit].trust_store
    verdict = decide(leaf, between, anchors(snapshot, store), profile.policy, snapshot.when)
    return verdict.chain[-1].der if verdict.chain and verdict.chain[-1].anchor else b""


def _context(member: Membership, thing: str, sha256: str, node: str) -> bytes:
    return "\0".join((member.cluster, thing, sha256, node)).encode()


def sealed_for(
    member: Membership, thing: str, has: Held, nodes: Iterable[NodeRecord]
) -> dict[str, bytes]:
    """The key of a thing, sealed for each of the nodes, by their random names."""
    keys = {}
    for node in nodes:
        context = _context(member, thing, has.sha256, node.id)
        with contextlib.suppress(ValueError):  # a key that is none: nothing for that node
            keys[node.id] = seal(bytes.fromhex(node.sealing), has.key_pem, context)
    return keys


def keep_copies(change: Transaction, profile: Profile, units: Iterable[str]) -> None:
    """Go on trusting the certificates that the other nodes share, where this one leaves them."""
    for unit in units:
        _put_copy(change, profile, unit, change.base.own_der(unit))


def _put_copy(change: Transaction, profile: Profile, unit: str, der: bytes) -> None:
    description = certs.describe(certs.load_der(der))
    for store in profile.distribution.copies.get(unit, ()):
        before = change.owned(store, OWNER + unit)
        if before is None or before.sha256 != description.sha256:
            name = issuing.file_name(profile.trust_stores[store], description)
            row = CertificateRow(**certs.row(description, name, certs.TRUSTED, OWNER + unit))
            change.put_copy(store, OWNER + unit, row, der)


def _drop_copy(change: Transaction, profile: Profile, unit: str) -> None:
    for store in profile.distribution.copies.get(unit, ()):
        before = change.owned(store, OWNER + unit)
        if before is not None:
            change.remove_trust(store, before.name)


class SharedArrivals:
    """The coming in of what the log says of things, `sharing` is what was just told on top of it.

    `renewed` are the units that got a certificate, `said` what was dropped or refused.
    """

    def __init__(
        self,
        change: Transaction,
        profile: Profile,
        member: Membership,
        secrets: Secrets,
        sharing: Sharing,
    ) -> None:
        self._change = change
        self._profile = profile
        self._member = member
        self._secrets = secrets
        self._known = {**shared.known(change), **sharing.known}
        self._told = sharing.seen.keys()
        self._revision = revisions(change)
        done = {*self._told, *sharing.stale}
        self._asked = {k: one for k, one in shared.asked(change).items() if k not in done}
        self.renewed: list[str] = []
        self.said: list[Said] = []

    def run(self, things: Mapping[str, Shared]) -> None:
        """Let them come in, and keep what is known of them and still wished."""
        allowed = self._profile.multi_server_units()
        for thing, said in things.items():
            if parts(thing)[1] in allowed and thing not in self._told:
                self._meet(thing, said)
        shared.put_known(self._change, self._known)
        shared.put_asked(self._change, self._asked)

    def _meet(self, thing: str, said: Shared) -> None:
        one, before = self._asked.get(thing), self._known.get(thing)
        if before and said.revision == self._revision(thing) and said.sha256 != before.sha256:
            return  # an old value in the place of the one that is known
        if one is not None:
            entry = Entry(bool(said.sha256), said.revision, said.by)
            own = self._change.own(parts(thing)[1]).row
            mine = own.not_before if own and parts(thing)[0] == OWN else 0
            if shared_holds(entry, one.wish, mine, begin(thing, said)):
                return  # to be told in the next turn
            del self._asked[thing]
            self._drop(thing, one, said)
        if before is None or before.sha256 != said.sha256 or before.awaited:
            self._arrive(thing, said)

    def _drop(self, thing: str, one: Asked, said: Shared) -> None:
        """Say that what is wished is not to be; a request that is gone elsewhere goes here, too."""
        kind, unit = parts(thing)
        if not one.wish.present or shared.sha256_of(self._change, thing) == said.sha256:
            return
        if kind == REQUEST and not said.sha256:
            self._change.drop_request(unit)
            self._note(thing, "dropped", f"it was deleted or answered elsewhere by {said.account}")
        else:
            self._note(thing, "dropped", f"another came first, from {said.account}")

    def _arrive(self, thing: str, said: Shared) -> None:
        kind, unit = parts(thing)
        before = self._known.get(thing)
        self._known[thing] = KnownThing(said.sha256)
        try:
            if kind == OWN:
                self._take_certificate(unit, said)
            elif said.sha256:
                self._take_request(unit, said)
            elif before is not None and before.sha256 == shared.sha256_of(self._change, thing):
                self._change.drop_request(unit)
        except ShellError as error:
            self._note(thing, "kept out", error.message())

    def _key(self, thing: str, said: Shared) -> bytes | None:
        """The private key; None if nobody has given it to this node yet."""
        context = _context(self._member, thing, said.sha256, self._member.node)
        key = unseal(self._secrets.private, said.sealed, context) if said.sealed else None
        if key is None:
            self._known[thing] = KnownThing(said.sha256, awaited=True)
        return key

    def _take_certificate(self, unit: str, said: Shared) -> None:
        leaf, *between, root = said.ders
        key = self._key(shared.thing(OWN, unit), said)
        if shared.sha256_of(self._change, shared.thing(OWN, unit)) == said.sha256:
            return
        credential = _credential(self._profile, unit, said, key or b"", self._change.now)
        if key is None:
            _put_copy(self._change, self._profile, unit, leaf)
            return
        if certs.public_key_of(key) != Tbs(leaf).key:
            raise Refused("The key does not belong to the certificate")
        issuing.stage(self._change, self._profile, credential, between, multi_server=True)
        _drop_copy(self._change, self._profile, unit)
        self._put_root(unit, root)
        self.renewed.append(unit)

    def _put_root(self, unit: str, der: bytes) -> None:
        """What the certificate ends in comes along where its trust store is not distributed."""
        spec = self._profile.trust_stores[self._profile.units[unit].trust_store]
        if not der or spec.name in self._profile.distribution.stores:
            return
        description = certs.describe(certs.load_der(der))
        if self._change.upload(spec.name, description.sha256) is None:
            name = self._change.free_name(spec.name, issuing.file_name(spec, description))
            row = CertificateRow(**certs.row(description, name, certs.TRUSTED))
            self._change.put_trust(spec.name, row, der)

    def _take_request(self, unit: str, said: Shared) -> None:
        thing = shared.thing(REQUEST, unit)
        pending = self._change.own(unit).request
        if pending is not None and pending.sha256 == said.sha256:
            return
        key = self._key(thing, said)
        if key is None:
            return
        (der,) = said.ders
        row = issuing.request_row(unit, der, said.when, multi_server=True)
        if row.sha256 != said.sha256 or certs.public_key_of(key) != request_key(der):
            raise Refused("The key does not belong to the CSR")
        if pending is not None and not pending.multi_server:
            self._note(thing, "replaced", "its CSR made way for that of the cluster")
        self._change.put_request(unit, row, to_pem(der, REQUEST_LABEL), key)

    def _note(self, thing: str, what: str, why: str) -> None:
        sha256 = self._known[thing].sha256 if thing in self._known else ""
        self.said.append(Said("", sha256, thing, what, why, "cluster", self._change.now))


def begin(thing: str, said: Shared) -> int:
    """When the certificate begins (seconds since the epoch); 0 for a request, or none."""
    if parts(thing)[0] != OWN or not said.ders:
        return 0
    return certs.describe(certs.load_der(said.ders[0])).not_before


def _credential(
    profile: Profile, unit: str, said: Shared, key: bytes, now: float
) -> issuing.Credential:
    """The certificate, if the node's own checks take it. Raises Refused, PolicyRefused."""
    leaf, *between, root = said.ders
    (one,) = read_file(io.BytesIO(leaf))
    if one.description.sha256 != said.sha256:
        raise Refused("It is another certificate than the cluster says")
    store = profile.units[unit].trust_store
    ends = AnchorIndex([root] if root else [])
    others = [certs.load_der(der) for der in between]
    verdict = decide(one.certificate, others, ends, profile.policy, now, store=store)
    if not verdict.accepted:
        raise verdict.refusal()
    row = CertificateRow(**certs.row(one.description, unit, said.text))
    return issuing.Credential(row, leaf, key, one.description)
