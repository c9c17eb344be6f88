"""One certificate: in full as the product lays it out, which programs read; brief; as PEM."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.certificates import OWN_NAME, TRUST_NAME, TrustName, listed_own
from cucmos_shell.commands.views.certificate import (
    EXTENSION,
    KEY,
    extension_data,
    key_data,
    key_lines,
    rest_lines,
    safe_name,
)
from cucmos_shell.commands.views.copies import CopyOf, copy_of
from cucmos_shell.pki.der import from_pem
from cucmos_shell.pki.description import name_text, serial_text
from cucmos_shell.results import (
    MOMENT,
    PEM,
    SERIAL,
    SHA256,
    TEXT,
    TRUTH,
    WHOLE,
    Notice,
    Value,
    each,
    maybe,
    record,
)
from cucmos_shell.store import described
from cucmos_shell.text import columns, iso_time, java_date, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.pki.description import Description
    from cucmos_shell.store import CertificateRow, Snapshot

family = Family()


BRIEF = record(
    name=TEXT,
    copy_of=maybe(CopyOf.form),
    subject=TEXT,
    issuer=TEXT,
    alternative_names=each(TEXT),
    serial=SERIAL,
    not_before=MOMENT,
    not_after=MOMENT,
    key_type=TEXT,
    sha256=SHA256,
)
BLOCK = record(name=TEXT, pem=PEM)


class CertificateShown(Value):
    """A certificate in full; `name` is its name in the list, `zone` the time zone of its dates.

    `copy_of` is the own certificate of which it is a copy.
    """

    form = record(
        **BRIEF,
        common_name=TEXT,
        version=WHOLE,
        signature_algorithm=TEXT,
        key=KEY,
        ca=TRUTH,
        extensions=each(EXTENSION),
        pem=PEM,
    )

    name: str
    description: Description
    pem: str
    zone: str
    copy_of: CopyOf | None = None

    def lines(self) -> list[str]:
        """The text: the decoded certificate, and its PEM glued to the bracket that ends it."""
        one = self.description
        first, *rest = self.pem.rstrip("\n").split("\n")
        return [
            "[",
            f"  Version: V{one.version}",
            f"  Serial Number: {serial_text(one.serial)}",
            f"  SignatureAlgorithm: {one.signature_name} ({one.signature_oid})",
            f"  Issuer Name: {safe_name(one.issuer)}",
            f"  Validity From: {java_date(one.not_before, self.zone)}",
            f"           To:   {java_date(one.not_after, self.zone)}",
            f"  Subject Name: {safe_name(one.subject)}",
            *key_lines(one.key),
            *rest_lines(one.extensions, one.signature),
            f"]{first}",
            *rest,
        ]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        one = self.description
        return {
            "name": self.name,
            "version": one.version,
            "serial": f"{one.serial:x}",
            "signature_algorithm": one.signature_name,
            "issuer": name_text(one.issuer),
            "subject": name_text(one.subject),
            "common_name": one.common_name,
            "not_before": iso_time(one.not_before),
            "not_after": iso_time(one.not_after),
            "key_type": one.key.text,
            "key": key_data(one.key),
            "sha256": one.sha256,
            "ca": bool(one.ca),
            "alternative_names": one.alternative_names,
            "extensions": extension_data(one.extensions),
            "pem": self.pem,
            "copy_of": self.copy_of,
        }


class Brief(Value):
    """What most people want to know of a certificate; `copy_of` as in `CertificateShown`."""

    form = record(**BRIEF, sha1=TEXT)

    name: str
    description: Description
    sha1: str
    copy_of: CopyOf | None

    def lines(self) -> list[str]:
        """The text: a label and a value each."""
        one = self.description
        fields = [
            ("Certificate", self.name),
            *([("Copy of", str(self.copy_of))] if self.copy_of else []),
            ("Subject", safe_name(one.subject)),
            ("Issuer", safe_name(one.issuer)),
            ("Alternative names", safe(", ".join(one.alternative_names)) or "none"),
            ("Serial number", f"{one.serial:x}"),
            ("Valid from", iso_time(one.not_before)),
            ("Valid until", iso_time(one.not_after)),
            ("Key", safe(one.key.text)),
            ("SHA-256", _pairs(one.sha256)),
            ("SHA-1", _pairs(self.sha1)),
        ]
        return columns(((label, f": {value}") for label, value in fields), gap=1)

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        one = self.description
        return {
            "name": self.name,
            "copy_of": self.copy_of,
            "subject": name_text(one.subject),
            "issuer": name_text(one.issuer),
            "alternative_names": one.alternative_names,
            "serial": f"{one.serial:x}",
            "not_before": iso_time(one.not_before),
            "not_after": iso_time(one.not_after),
            "key_type": one.key.text,
            "sha256": one.sha256,
            "sha1": self.sha1,
        }


class StoredCertificate(Value):
    """A certificate as it is stored: `unit` is whose own it is, `row` that of a trust store."""

    snapshot: Snapshot
    name: str
    pem: bytes
    unit: str = ""
    row: CertificateRow | None = None

    def copy_of(self, node: Node) -> CopyOf | None:
        """The own certificate of which it is a copy."""
        return copy_of(node, self.row) if self.row else None


def _own(node: Node, unit: str) -> StoredCertificate:
    snapshot = node.snapshot()
    return StoredCertificate(snapshot, listed_own(unit), snapshot.own_pem(unit), unit)


def _trust(node: Node, name: TrustName) -> StoredCertificate:
    snapshot = node.snapshot()
    pem = snapshot.certificate_pem(name.row.sha256)
    return StoredCertificate(snapshot, name.listed, pem, row=name.row)


def _pairs(digits: str) -> str:
    """A fingerprint as OpenSSL and browsers show it."""
    return bytes.fromhex(digits).hex(":").upper()


def _shown(node: Node, one: StoredCertificate) -> CertificateShown:
    about = described.description(one.snapshot, one.pem, one.unit)
    return CertificateShown(one.name, about, one.pem.decode("ascii"), node.zone, one.copy_of(node))


def _brief(node: Node, one: StoredCertificate) -> Brief:
    from hashlib import sha1

    about = described.description(one.snapshot, one.pem, one.unit)
    digest = sha1(from_pem(one.pem), usedforsecurity=False).hexdigest()
    return Brief(one.name, about, digest, one.copy_of(node))


def _block(one: StoredCertificate) -> Notice:
    text = one.pem.decode("ascii")
    return Notice(tuple(text.splitlines()), {"name": one.name, "pem": text})


# --- own -----------------------------------------------------------------------------------------


@family.command(
    "show cert own <name>",
    level=1,
    arguments=(OWN_NAME,),
    examples=("show cert own tomcat", "show cert own tomcat/tomcat.pem"),
    form=CertificateShown.form,
)
def show_own(node: Node, name: str) -> CertificateShown:
    """Show one of the node's own certificates in full, and its PEM."""
    return _shown(node, _own(node, name))


@family.command(
    "show cert own <name> brief",
    level=1,
    own=True,
    arguments=(OWN_NAME,),
    examples=("show cert own tomcat brief",),
    form=Brief.form,
)
def show_own_brief(node: Node, name: str) -> Brief:
    """Show the names, dates and fingerprints of one of the node's own certificates."""
    return _brief(node, _own(node, name))


@family.command(
    "show cert own <name> pem",
    level=1,
    arguments=(OWN_NAME,),
    examples=("show cert own tomcat pem",),
    form=BLOCK,
)
def show_own_pem(node: Node, name: str) -> Notice:
    """Show the PEM of one of the node's own certificates and nothing else, for other programs."""
    return _block(_own(node, name))


# --- trust ---------------------------------------------------------------------------------------


@family.command(
    "show cert trust <name>",
    level=1,
    arguments=(TRUST_NAME,),
    examples=("show cert trust tomcat-trust/Example_Root_CA.pem",),
    form=CertificateShown.form,
)
def show_trust(node: Node, name: TrustName) -> CertificateShown:
    """Show a certificate of a trust store in full, and its PEM."""
    return _shown(node, _trust(node, name))


@family.command(
    "show cert trust <name> brief",
    level=1,
    own=True,
    arguments=(TRUST_NAME,),
    examples=("show cert trust tomcat-trust/Example_Root_CA.pem brief",),
    form=Brief.form,
)
def show_trust_brief(node: Node, name: TrustName) -> Brief:
    """Show the names, dates and fingerprints of a certificate of a trust store.

    Of a copy of an own certificate it is said whose it is.
    """
    return _brief(node, _trust(node, name))


@family.command(
    "show cert trust <name> pem",
    level=1,
    arguments=(TRUST_NAME,),
    examples=("show cert trust tomcat-trust/Example_Root_CA.pem pem",),
    form=BLOCK,
)
def show_trust_pem(node: Node, name: TrustName) -> Notice:
    """Show the PEM of a certificate of a trust store and nothing else, for other programs."""
    return _block(_trust(node, name))
