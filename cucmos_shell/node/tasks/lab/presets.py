"""States that a node of a lab can be put into: what is put into a transaction for each of them.

A preset of one thing is written `THING-what`, as `tomcat-expires-in-5-days`; see `PRESETS`.
Certificates get the real dates that they are to have: every program sees the same.
"""

from __future__ import annotations

from cucmos_shell.errors import BadValue
from cucmos_shell.node.access import accounts, passwords
from cucmos_shell.node.certificates import issuing
from cucmos_shell.node.lab.authority import DAY, load_key, plain_root
from cucmos_shell.node.tasks.revocation import CONFIGURED, FROM_CERTIFICATE
from cucmos_shell.pki import certs, csr
from cucmos_shell.pki.der import to_pem
from cucmos_shell.profile import subjects
from cucmos_shell.results import Value
from cucmos_shell.store import CertificateRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.node.lab.authority import Authority
    from cucmos_shell.node.node import Node
    from cucmos_shell.node.services.services import Services
    from cucmos_shell.profile.profile import TrustStoreSpec
    from cucmos_shell.store.transaction import Transaction

    Put = Callable[..., None]

ROOTS_AT_MOST = 20_000


class PresetStage(Value):
    """What presets work on: a change of a node, an authority that signs, services that are quick.

    `waiting` takes functions that are called when the change is made.
    """

    node: Node
    change: Transaction
    authority: Authority
    services: Services
    waiting: list[Callable[[], None]]


class Preset(Value):
    """A state by name. `takes` maps its arguments to their defaults; None: it must be given.

    `pattern` is how it is written in one word. `late`: it comes after the services have loaded
    what the others have changed.
    """

    put: Put
    takes: dict[str, Any]
    pattern: str
    late: bool = False

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return (self.put.__doc__ or "").partition("\n")[0]


# --- certificates ------------------------------------------------------------------------------


def expires(stage: PresetStage, unit: str, days: float) -> None:
    """The unit's self-signed certificate ends in so many days."""
    spec = stage.node.profile.units[unit]
    if days > spec.validity_days:
        raise BadValue(
            "A certificate of {unit} lasts {most} days at most", unit=unit, most=spec.validity_days
        )
    begins = stage.change.now + (days - spec.validity_days) * DAY
    _issue(stage, unit, begins)


def expired(stage: PresetStage, unit: str, days: float) -> None:
    """The unit's self-signed certificate has ended so many days ago."""
    expires(stage, unit, -days)


def _issue(stage: PresetStage, unit: str, begins: float) -> None:
    """A self-signed certificate for the key that the unit has."""
    key = load_key(stage.change.private_key_pem(unit))
    serial = stage.node.world.new_serial()
    made = issuing.first(stage.node.profile, unit, key, now=begins, serial=serial)
    issuing.stage(stage.change, stage.node.profile, made)


def csr_pending(stage: PresetStage, unit: str) -> None:
    """The unit has a request that nobody has answered."""
    _request(stage, unit)


def _request(stage: PresetStage, unit: str) -> str:
    node, spec = stage.node, stage.node.profile.units[unit]
    subject = subjects.current(node.profile, stage.change.settings())
    private = node.world.new_key(spec.key)
    der = csr.make(
        private,
        subject=subjects.subject_pairs(node.profile, unit, subject),
        alternative_names=subjects.alternative_names(node.profile, unit, subject),
        key_usage=spec.csr_key_usage,
        extended_key_usage=spec.csr_extended_key_usage,
        hash_name=csr.hash_for(spec.key, "", spec.hash),
    )
    row = issuing.request_row(unit, der, stage.change.now, multi_server=False)
    pem = to_pem(der, csr.LABEL)
    stage.change.put_request(unit, row, pem, certs.key_pem(private))
    return pem.decode("ascii")


def ca_signed(stage: PresetStage, unit: str, days: float) -> None:
    """The unit's certificate is signed by the lab's authority, and ends in so many days."""
    profile = stage.node.profile
    subject = subjects.current(profile, stage.change.settings())
    pairs = subjects.subject_pairs(profile, unit, subject)
    _signed(stage, unit, pairs, subjects.alternative_names(profile, unit, subject), days)


def multi_server(stage: PresetStage, unit: str, days: float) -> None:
    """The unit's certificate is one for all nodes, signed by the lab's authority."""
    profile = stage.node.profile
    if unit not in profile.multi_server_units():
        raise BadValue("{unit} has no multi-server certificates", unit=unit)
    kind = profile.units[unit].key
    name = subjects.multi_server_name(profile, kind)
    subject = subjects.current(profile, stage.change.settings())
    pairs = subjects.subject_pairs(profile, unit, subject, common_name=name)
    hosts = [profile.hostname, *(peer.hostname for peer in profile.peers)]
    names = subjects.multi_server_names(profile, unit, kind, hosts)
    _signed(stage, unit, pairs, names, days, multi=True)


def _signed(
    stage: PresetStage,
    unit: str,
    pairs: tuple[tuple[str, str], ...],
    names: tuple[str, ...],
    days: float,
    *,
    multi: bool = False,
) -> None:
    profile, change, authority = stage.node.profile, stage.change, stage.authority
    spec = profile.units[unit]
    for der in authority.chain:
        _trust(change, profile.trust_stores[spec.trust_store], der)
    pem = change.private_key_pem(unit)
    text = csr.make(
        load_key(pem),
        subject=pairs,
        alternative_names=names,
        key_usage=spec.csr_key_usage,
        extended_key_usage=spec.csr_extended_key_usage,
        hash_name=csr.hash_for(spec.key, "", spec.hash),
    )
    request = to_pem(text, csr.LABEL)
    certificate = certs.load_pem(authority.sign(request, days=days, now=change.now).encode())
    found = certs.describe(certificate)
    row = CertificateRow(**certs.row(found, unit, f"Certificate Signed by {found.issuer_name}"))
    made = issuing.Credential(row, certs.to_der(certificate), pem, found)
    issuing.stage(change, profile, made, (authority.issuing.der,), multi_server=multi)


def _trust(change: Transaction, store: TrustStoreSpec, der: bytes) -> None:
    found = certs.describe(certs.load_der(der))
    if any(row.sha256 == found.sha256 for row in change.named(store.name, found.common_name)):
        return
    name = change.free_name(store.name, issuing.file_name(store, found))
    row = CertificateRow(**certs.row(found, name, certs.TRUSTED))
    change.put_trust(store.name, row, der)


def pending_restart(stage: PresetStage, unit: str) -> None:
    """The unit has a new certificate that its services have not loaded."""
    _issue(stage, unit, stage.change.now)


def many_trust(stage: PresetStage, count: float, store: str) -> None:
    """A trust store has so many more certificates."""
    profile, change = stage.node.profile, stage.change
    spec = _store(stage, store)
    if not 0 < count <= ROOTS_AT_MOST:
        raise BadValue("{count:g} is no number of 1 to {most}", count=count, most=ROOTS_AT_MOST)
    key = stage.node.world.new_key("ec256")
    ends = change.now + profile.units[next(iter(profile.units))].validity_days * DAY
    for i in range(1, int(count) + 1):
        _trust(change, spec, plain_root(f"Lab Root {i:05d}", key, now=change.now, ends=ends))


def weak_root(stage: PresetStage, store: str) -> None:
    """A trust store has a root whose key (RSA, 1024 bits) is too weak for a chain."""
    key = stage.node.world.new_key("rsa1024")
    now = stage.change.now
    root = plain_root("Lab Weak Root", key, now=now, ends=now + 365 * DAY)
    _trust(stage.change, _store(stage, store), root)


def _store(stage: PresetStage, name: str) -> TrustStoreSpec:
    """The trust store of that name, or the one that the first unit uses."""
    profile = stage.node.profile
    first = next(iter(profile.units.values())).trust_store
    spec = profile.trust_stores.get(name or first)
    if spec is None:
        names = ", ".join(profile.trust_stores)
        raise BadValue("{store} is no trust store: {names}", store=name, names=names)
    return spec


# --- the rest ----------------------------------------------------------------------------------


def ocsp_enabled(stage: PresetStage, uri: str) -> None:
    """Uploads are checked by OCSP: by the responder that they name, or by this one."""
    mode = {"mode": CONFIGURED, "uri": uri} if uri else {"mode": FROM_CERTIFICATE}
    stage.change.change_setting("ocsp", **mode)


def service_down(stage: PresetStage, service: str) -> None:
    """A service, and what needs it, is stopped."""
    stage.services.stop(stage.change, service)


def locked(stage: PresetStage, account: str) -> None:
    """An account, which is made if there is none of that name, is locked now."""
    node, change = stage.node, stage.change
    if account not in accounts.everybody(change):
        accounts.check_name(account)
        phc, identity = passwords.make_hash(passwords.new()), accounts.new_identity(node.world)
        accounts.put(change, accounts.Account(account, 1, phc, id=identity))
    rules = accounts.locking(change).replace(enabled=True, count=1)
    stage.waiting.append(lambda: node.accounts.failed(account, "-", rules))


UNIT, DAYS = r"(?P<unit>.+)", r"(?P<days>\d+)-days?"
PRESETS: dict[str, Preset] = {
    "expires": Preset(expires, {"unit": None, "days": None}, f"{UNIT}-expires-in-{DAYS}"),
    "expired": Preset(expired, {"unit": None, "days": 1.0}, f"{UNIT}-expired"),
    "csr_pending": Preset(csr_pending, {"unit": None}, f"{UNIT}-csr-pending"),
    "ca_signed": Preset(
        ca_signed, {"unit": None, "days": 47.0}, f"{UNIT}-ca-signed(?:-for-{DAYS})?"
    ),
    "multi_server": Preset(multi_server, {"unit": None, "days": 47.0}, f"{UNIT}-multi-server"),
    "pending_restart": Preset(pending_restart, {"unit": None}, f"{UNIT}-pending-restart", True),
    "service_down": Preset(service_down, {"service": None}, "(?P<service>.+)-down", True),
    "locked": Preset(locked, {"account": None}, "(?P<account>.+)-locked"),
    "many_trust": Preset(many_trust, {"count": None, "store": ""}, r"many-trust-(?P<count>\d+)"),
    "ocsp_enabled": Preset(ocsp_enabled, {"uri": ""}, "ocsp-enabled"),
    "weak_root": Preset(weak_root, {"store": ""}, "weak-root"),
}
