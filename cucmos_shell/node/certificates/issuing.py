"""A unit's own certificate, issued by the node itself and put where it belongs."""

from __future__ import annotations

from cucmos_shell.errors import Damaged
from cucmos_shell.node.certificates import clients
from cucmos_shell.pki import certs
from cucmos_shell.results import Value
from cucmos_shell.store import CertificateRow, RequestRow
from cucmos_shell.store.paths import clean_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography import x509

    from cucmos_shell.pki.description import Description
    from cucmos_shell.profile.profile import Profile, TrustStoreSpec, UnitSpec
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world.world import PrivateKey


class Credential(Value):
    """A certificate with its key, ready for the store."""

    row: CertificateRow
    der: bytes
    key_pem: bytes
    description: Description

    def of(self, unit: str) -> Credential:
        """The same for another unit."""
        other: Credential = self.replace(row=self.row._replace(name=unit))
        return other

    def __repr__(self) -> str:
        return f"<Credential {self.row.name}>"


def file_name(spec: TrustStoreSpec, description: Description) -> str:
    """What a certificate is called in a trust store: by common name, or that and its serial.

    The serial number is the octets of its DER integer, two digits each, leading zeros too.
    """
    common_name, serial = description.common_name, description.serial
    name = clean_name(common_name)
    if spec.naming != "cn_serial" or common_name.startswith(spec.no_serial):
        return name
    length = (serial if serial >= 0 else ~serial).bit_length() // 8 + 1
    return f"{name}_{serial.to_bytes(length, signed=True).hex()}"


def first(
    profile: Profile,
    unit: str,
    key: PrivateKey,
    *,
    now: float,
    serial: int,
    facts: Mapping[str, str] | None = None,
) -> Credential:
    """The self-signed certificate that the profile describes; `facts` override the profile's."""
    known = profile.facts(unit, serial, **(facts or {}))
    subject, names = profile.subject_of(unit, known), profile.alternative_names_of(unit, known)
    return for_subject(profile.units[unit], key, subject, names, now=now, serial=serial)


def for_subject(
    spec: UnitSpec,
    key: PrivateKey,
    subject: Iterable[tuple[str, str]],
    names: Iterable[str],
    *,
    now: float,
    serial: int,
) -> Credential:
    """A self-signed certificate with that subject, in DER order, and those alternative names."""
    name = certs.subject_name(subject)
    return _self_signed(spec, key, name, certs.alternative_names(names), now, serial)


def again(spec: UnitSpec, der: bytes, key: PrivateKey, *, now: float, serial: int) -> Credential:
    """A self-signed certificate with the subject and alternative names of the one in `der`."""
    subject, names = certs.names(certs.load_der(der))
    return _self_signed(spec, key, subject, names, now, serial)


def anew(
    transaction: Transaction, profile: Profile, unit: str, key: PrivateKey, *, serial: int
) -> Credential:
    """A self-signed certificate like the unit's present one; as `first` where that is damaged."""
    spec, now = profile.units[unit], transaction.now
    try:
        return again(spec, transaction.own_der(unit), key, now=now, serial=serial)
    except Damaged:
        return first(profile, unit, key, now=now, serial=serial)


def _self_signed(
    spec: UnitSpec,
    key: PrivateKey,
    subject: x509.Name,
    names: x509.SubjectAlternativeName | None,
    now: float,
    serial: int,
) -> Credential:
    certificate = certs.self_signed(
        key,
        subject=subject,
        alternative_names=names,
        key_usage=spec.key_usage,
        extended_key_usage=spec.extended_key_usage,
        basic_constraints=spec.basic_constraints,
        days=spec.validity_days,
        hash_name=spec.hash,
        now=now,
        serial=serial,
    )
    description = certs.describe(certificate)
    row = CertificateRow(**certs.row(description, spec.name, certs.SELF_SIGNED))
    return Credential(row, certs.to_der(certificate), certs.key_pem(key), description)


def request_row(unit: str, der: bytes, created: float, *, multi_server: bool) -> RequestRow:
    """What lists say of the unit's request in DER, made at `created`. Raises Refused."""
    from cucmos_shell.pki import csr
    from cucmos_shell.pki.description import name_text

    found = csr.describe(der)
    pairs = [pair for group in found.subject for pair in group]
    return RequestRow(
        name=unit,
        subject=name_text(found.subject),
        common_name=next((value for name, value in pairs if name == "CN"), ""),
        alternative_names=found.alternative_names,
        key_type=found.key.text,
        sha256=found.sha256,
        created=created,
        multi_server=multi_server,
    )


def stage(
    transaction: Transaction,
    profile: Profile,
    credential: Credential,
    chain_ders: Iterable[bytes] = (),
    *,
    multi_server: bool = False,
) -> CertificateRow:
    """Make `credential` its unit's own certificate, and put its copy into the unit's trust store,
    and into others that have one.

    `chain_ders` are the certificates between it and its root. `multi_server`: it is for all nodes
    of the cluster. A pending request stays: whether it
    goes is the caller's matter. Returns the copy's row.
    """
    unit = credential.row.name
    spec = profile.units[unit]
    transaction.put_own(
        unit,
        credential.row,
        credential.der,
        credential.key_pem,
        chain_ders,
        multi_server=multi_server,
    )
    put = [
        _copied(transaction, profile, profile.trust_stores[name], credential)
        for name in (spec.trust_store, *spec.copies)
    ]
    return put[0]


def replace(
    transaction: Transaction, profile: Profile, credential: Credential, client: str = ""
) -> tuple[str, ...]:
    """Stage `credential` for its unit, and for the unit `client` if there is one.

    Returns those whose pending request went with the old certificate.
    """
    pending = []
    for unit in filter(None, (credential.row.name, client)):
        # What is damaged is readable only once it is replaced.
        stage(transaction, profile, credential.of(unit))
        if transaction.own(unit).request is not None:
            pending.append(unit)
        transaction.drop_request(unit)
    return tuple(pending)


def _copied(
    transaction: Transaction, profile: Profile, store: TrustStoreSpec, credential: Credential
) -> CertificateRow:
    """The copy in `store`; one does for a unit and its client that have the same certificate."""
    unit, row = credential.row.name, credential.row
    before = transaction.owned(store.name, unit)
    for other in clients.partners(profile, unit):
        there = transaction.owned(store.name, other)
        if there is not None and there.sha256 == row.sha256:
            if before is not None:
                transaction.remove_trust(store.name, before.name)
            return there
    name = file_name(store, credential.description)
    copy = CertificateRow(**certs.row(credential.description, name, certs.TRUSTED, unit))
    put = transaction.put_copy(store.name, unit, copy, credential.der)
    if before is not None and before.sha256 != row.sha256:
        # What was the copy for both is now that of the one which stays as it was.
        for other in clients.sharing(profile, transaction, unit, before):
            transaction.put_copy(store.name, other, before, transaction.own_der(other))
    return put
