"""One certificate in full, as the product lays it out; programs read these lines."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.certificates import OWN_NAME, TRUST_NAME, TrustName, listed_own
from cucmos_shell.commands.views.certificate import (
    extension_data,
    key_data,
    key_lines,
    rest_lines,
    safe_name,
)
from cucmos_shell.pki import certs
from cucmos_shell.pki.extensions import name_text, serial_text
from cucmos_shell.results import Value
from cucmos_shell.text import iso_time, java_date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node

family = Family()


class CertificateShown(Value):
    """A certificate in full; `name` is its name in the list, `zone` the time zone of its dates."""

    name: str
    description: certs.Description
    pem: str
    zone: str

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
        """The JSON form: keys `name`, `version`, `serial`, `signature_algorithm`, `issuer`,
        `subject`, `common_name`, `not_before`, `not_after`, `key`, `sha256`, `ca`,
        `alternative_names`, `extensions`, `pem`."""
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
            "key": {**key_data(one.key), "value": one.key.value.hex()},
            "sha256": one.sha256,
            "ca": bool(one.ca),
            "alternative_names": one.alternative_names,
            "extensions": extension_data(one.extensions),
            "pem": self.pem,
        }


def _shown(name: str, pem: bytes, zone: str) -> CertificateShown:
    return CertificateShown(name, certs.describe(certs.load_pem(pem)), pem.decode("ascii"), zone)


@family.command(
    "show cert own <name>",
    level=1,
    arguments=(OWN_NAME,),
    examples=("show cert own tomcat", "show cert own tomcat/tomcat.pem"),
)
def show_own(node: Node, name: str) -> CertificateShown:
    """Show one of the node's own certificates in full, and its PEM."""
    return _shown(listed_own(name), node.snapshot().own_pem(name), node.zone)


@family.command(
    "show cert trust <name>",
    level=1,
    arguments=(TRUST_NAME,),
    examples=("show cert trust tomcat-trust/Example_Root_CA.pem",),
)
def show_trust(node: Node, name: TrustName) -> CertificateShown:
    """Show a certificate of a trust store in full, and its PEM."""
    return _shown(name.listed, node.snapshot().certificate_pem(name.row.sha256), node.zone)
