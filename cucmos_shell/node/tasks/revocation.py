"""What the node's settings say about revocation, and the check of an upload by them.

The network is asked here, so no lock may be held: between the checks of an upload and its commit.
"""

from __future__ import annotations

from cucmos_shell.errors import PolicyRefused
from cucmos_shell.node.certificates.anchors import Issuers, TrustedStore
from cucmos_shell.node.certificates.ask import Enquiry, ask_all
from cucmos_shell.node.tasks.alarms import raise_alarms
from cucmos_shell.pki import certs
from cucmos_shell.pki.ocsp.verdict import NOT_CHECKED, REVOKED, UNKNOWN, OcspVerdict
from cucmos_shell.pki.ocsp.verify import MAX_AGE, Question
from cucmos_shell.results import Finding, Value, each, record, remark
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from cryptography import x509

    from cucmos_shell.node import Node
    from cucmos_shell.node.logs.alarms import Raised
    from cucmos_shell.store import Snapshot

DISABLED, FROM_CERTIFICATE, CONFIGURED = "disable", "certificate-uri", "configured-uri"
REFUSE, ACCEPT = "refuse", "accept"


class OcspSettings(Value):
    """`mode` is one of the three above, `unknown` refuse or accept, `seconds` for one upload.

    `max_age` is how many hours old an answer may be that does not say until when it holds.
    """

    mode: str
    uri: str
    unknown: str
    seconds: float
    max_age: int


def ocsp_settings(node: Node, settings: Mapping[str, Any]) -> OcspSettings:
    """The settings as they were set, and as the profile has them where they were not."""
    defaults = node.profile.defaults
    own = settings.get("ocsp", {})
    return OcspSettings(
        own.get("mode", defaults["ocsp_mode"]),
        own.get("uri", ""),
        own.get("unknown", defaults["ocsp_unknown"]),
        float(own.get("seconds", defaults["ocsp_deadline_seconds"])),
        int(own.get("max_age", MAX_AGE / 3600)),
    )


class Checked(Value):
    """The verdicts on an upload, in its order, and what to warn of; empty when disabled."""

    form = each(OcspVerdict.form)
    # What stands in the error of an upload that is refused for it.
    details = record(revocation=form)

    verdicts: tuple[OcspVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()

    def lines(self) -> list[str]:
        """The text: the verdicts of those that were asked, then the warnings."""
        asked = [verdict for verdict in self.verdicts if verdict.status != NOT_CHECKED]
        lines = [line for verdict in asked for line in verdict.lines()]
        return lines + [line for one in self.findings for line in one.lines()]

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [verdict.data() for verdict in self.verdicts]


def check_upload(node: Node, ders: Sequence[bytes], note: Callable[[str], None]) -> Checked:
    """Ask about the certificates of an upload (DER) whether they are revoked.

    `note` takes a line for the audit log for each. Raises PolicyRefused when one is revoked, or
    when that is unknown and unknown is refused; alarms are raised first.
    """
    snapshot = node.snapshot()
    settings = ocsp_settings(node, snapshot.settings())
    if settings.mode == DISABLED:
        return Checked()
    verdicts = ask(node, snapshot, settings, [certs.load_der(der) for der in ders])
    for verdict in verdicts:
        for line in verdict.lines():
            note(line.strip())
    warning = raise_alarms(node, [alarm for v in verdicts for alarm in alarms_of(node, v)])
    checked = Checked(verdicts, (remark(warning),) if warning else ())
    refuse(settings, checked)
    return checked


def alarms_of(node: Node, verdict: OcspVerdict) -> list[Raised]:
    """The alarms that a verdict raises."""
    name = {REVOKED: "CertificateRevoked", UNKNOWN: "CertificateRevokationStatusByOCSP"}.get(
        verdict.status
    )
    if name is None:
        return []
    message = f"Certificate name:{safe(verdict.name)} Serial number:{verdict.serial}"
    return [node.alarms.make(name, Message=message, Reason=verdict.reason or "not given")]


def refuse(settings: OcspSettings, checked: Checked) -> None:
    """Raise PolicyRefused if the verdicts and the settings want it."""
    for status in (REVOKED, UNKNOWN):
        bad = [verdict for verdict in checked.verdicts if verdict.status == status]
        if not bad or (status == UNKNOWN and settings.unknown == ACCEPT):
            continue
        details = [line for verdict in bad for line in verdict.lines()]
        details += [line for one in checked.findings for line in one.lines()]
        if status == REVOKED:
            error = PolicyRefused("The certificate is revoked", details=details)
        else:
            details.append("`set ocsp unknown accept` accepts such certificates.")
            error = PolicyRefused(
                "Whether the certificate is revoked is not known", details=details
            )
        error.data = {"revocation": checked.data()}
        error.findings = checked.findings
        raise error


def ask(
    node: Node,
    snapshot: Snapshot,
    settings: OcspSettings,
    certificates: Sequence[x509.Certificate],
) -> tuple[OcspVerdict, ...]:
    """A verdict for each certificate, by the responder that `settings` name."""
    verdicts: list[OcspVerdict] = []
    enquiries: dict[int, Enquiry] = {}
    issuers = Issuers(certificates, snapshot)
    for i, certificate in enumerate(certificates):
        description = certs.describe(certificate)
        verdict = OcspVerdict(
            UNKNOWN,
            "the certificate of its issuer is not known",
            name=description.common_name,
            serial=f"{description.serial:x}",
        )
        uris = (settings.uri,) if settings.mode == CONFIGURED else description.ocsp_uris
        if description.self_issued:
            verdict = verdict.replace(status=NOT_CHECKED, reason="it is self-signed")
        elif not uris:
            verdict = verdict.replace(status=NOT_CHECKED, reason="it names no responder")
        elif issuer := issuers.of(certificate):
            nonce = node.world.new_serial().to_bytes(16, "big")
            question = Question(certificate, issuer, nonce, issuers.above(issuer))
            enquiries[i] = Enquiry(question, tuple(uris), 3600.0 * settings.max_age)
        verdicts.append(verdict)
    trusted = TrustedStore(snapshot, node.profile.node_trust_store)
    found = ask_all(node.world, list(enquiries.values()), trusted, settings.seconds)
    for i, answer in zip(enquiries, found, strict=True):
        named = verdicts[i]
        verdicts[i] = answer.replace(name=named.name, serial=named.serial)
    return tuple(verdicts)
