"""The trust lists as the product prints them: `show ctl`, `show itl`.

Rows stand on tab stops. BYTEPOS is the tag's number, and two names are misspelt, as on the product.
"""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.views.trust_list import too_large
from cucmos_shell.errors import Refused
from cucmos_shell.pki.trust_lists import form
from cucmos_shell.results import (
    MOMENT,
    PEM,
    SERIAL,
    SHA256,
    TEXT,
    TRUTH,
    WHOLE,
    Finding,
    Value,
    each,
    maybe,
    record,
)
from cucmos_shell.text import iso_time, java_date, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.pki.trust_lists.form import Header, ListRecord, TrustList

family = Family()

HEADER_NAMES = {
    form.SIGNER_ID: "SIGNERID", form.SIGNER_NAME: "SIGNERNAME", form.SIGNER_SERIAL: "SERIALNUMBER",
    form.SIGNER_ISSUER: "CANAME", form.SIGNATURE_INFO: "SIGNATUREINFO",
    form.DIGEST_ALGORITHM: "DIGESTALGORTITHM",
    form.SIGNATURE_ALGORITHM_INFO: "SIGNATUREALGOINFO",
    form.SIGNATURE_ALGORITHM: "SIGNATUREALGORTITHM", form.MODULUS: "SIGNATUREMODULUS",
    form.SIGNATURE: "SIGNATURE", form.FILE_NAME: "FILENAME", form.TIMESTAMP: "TIMESTAMP",
    form.SIGNER_VERSION: "SIGNERVERSION",
}  # fmt: skip
RECORD_NAMES = {
    form.RECORD_LENGTH: "RECORDLENGTH", form.DNS_NAME: "DNSNAME", form.SUBJECT: "SUBJECTNAME",
    form.FUNCTION: "FUNCTION", form.ISSUER: "ISSUERNAME", form.SERIAL: "SERIALNUMBER",
    form.PUBLIC_KEY: "PUBLICKEY", form.RECORD_SIGNATURE: "SIGNATURE",
    form.CERTIFICATE: "CERTIFICATE", form.ADDRESS: "IPADDRESS",
    form.CERTIFICATE_HASH: "CERTIFICATEHASH",
    form.CERTIFICATE_HASH_ALGORITHM: "CERTIFICATEHASHALGO",
}  # fmt: skip
TABLE = ("BYTEPOS\tTAG\t\tLENGTH\tVALUE", "-------\t---\t\t------\t-----")
SIGNATURE_ROW = 8
TAB = 8


HEADER = record(
    version=TEXT,
    length=WHOLE,
    signer=TEXT,
    serial=SERIAL,
    issuer=TEXT,
    digest=TEXT,
    modulus_bits=WHOLE,
    signature=TEXT,
    name=TEXT,
    timestamp=maybe(MOMENT),
)
RECORD = record(
    length=WHOLE,
    role=TEXT,
    role_number=WHOLE,
    dns_name=maybe(TEXT),
    address=maybe(TEXT),
    subject=TEXT,
    issuer=TEXT,
    serial=SERIAL,
    sha256=maybe(SHA256),
    signed_the_list=TRUTH,
)
CERTIFICATE = record(
    sha256=SHA256,
    subject=TEXT,
    issuer=TEXT,
    serial=SERIAL,
    key_type=TEXT,
    not_before=MOMENT,
    not_after=MOMENT,
    pem=PEM,
)


class ListShown(Value):
    """A list as the node has it. `found` is None without one; `reason` says why it is not good.

    `signer` is the number of the signer's record, from 0. `modified` is in seconds since the epoch.
    `made` is how the list came to be, empty for the usual way.
    """

    form = record(
        name=TEXT,
        list=maybe(
            record(
                length=WHOLE,
                md5=TEXT,
                sha1=TEXT,
                modified=MOMENT,
                made=maybe(TEXT),
                too_large_for_phones=TRUTH,
                header=HEADER,
                records=each(RECORD),
                certificates=each(CERTIFICATE),
                verdict=record(verified=TRUTH, reason=maybe(TEXT)),
            )
        ),
    )

    title: str
    name: str
    service: str
    zone: str
    found: TrustList | None = None
    modified: float = 0.0
    made: str = ""
    signer: int | None = None
    reason: str = ""

    def lines(self) -> Iterator[str]:
        """The text: check sums, header, records, verdict."""
        title, found = self.title, self.found
        if found is None:
            yield f"Length of {title} file: 0"
            yield f"{title} File not found. {self._remedy()}"
            yield f"Error parsing the {title} File."
            return
        md5, sha1 = _sums(found.raw)
        yield f"The checksum value of the {title} file:"
        yield f"{md5}(MD5)"
        yield f"{sha1}(SHA1)"
        yield ""
        yield f"Length of {title} file: {len(found.raw)}"
        yield f"The {title} File was last modified on {java_date(self.modified, self.zone)}"
        yield ""
        yield f"\tParse {title} File"
        yield "\t----------------"
        yield ""
        yield from _header_lines(found.header)
        for number, entry in enumerate(found.records):
            yield ""
            yield f"\t{title} Record #:{number + 1}"
            yield "\t\t  ----"
            yield from _record_lines(entry)
            if entry.role == form.SAST:
                used = "was" if number == self.signer else "was not"
                yield f"This etoken {used} used to sign the {title} file."
        yield ""
        verdict = f"not verified: {self.reason}" if self.reason else "verified successfully."
        yield f"The {title} file was {verdict}"
        for finding in self.findings:
            yield from finding.lines()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """That phones do not load it, if they do not."""
        return too_large(self.title, len(self.found.raw)) if self.found else ()

    def _remedy(self) -> str:
        if self.service:
            return f"It is made when {self.service} starts."
        return (
            f"Please run {self.title}Client plugin or run the CLI - utils {self.title.lower()}.. "
            f"to generate the {self.title} file."
        )

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {"name": self.name, "list": self._list(self.found) if self.found else None}

    def _list(self, found: TrustList) -> dict[str, Any]:
        md5, sha1 = _sums(found.raw)
        return {
            "length": len(found.raw),
            "md5": md5,
            "sha1": sha1,
            "modified": iso_time(self.modified),
            "made": self.made or None,
            "too_large_for_phones": len(found.raw) >= form.MAX_PHONE,
            "header": _header_data(found.header),
            "records": [
                _record_data(i, record, self.signer) for i, record in enumerate(found.records)
            ],
            "certificates": _certificates(found),
            "verdict": {"verified": not self.reason, "reason": self.reason or None},
        }


# --- the product's layout ------------------------------------------------------------------------


def _sums(raw: bytes) -> tuple[str, str]:
    import hashlib

    return (
        hashlib.md5(raw, usedforsecurity=False).hexdigest(),
        hashlib.sha1(raw, usedforsecurity=False).hexdigest(),
    )


def _row(tag: int, name: str, length: int, value: str = "") -> str:
    gap = "\t\t" if len(name) < TAB else "\t"
    return f"{tag}\t{name}{gap}{length}" + (f"\t{value}" if value else "")


def _header_lines(header: Header) -> Iterator[str]:
    yield "Version:\t{}.{}".format(*header.version)
    yield f"HeaderLength:\t{header.size} (BYTES)"
    yield ""
    yield from TABLE
    for tag, value in sorted(header.elements.items()):
        if tag in HEADER_NAMES:
            length, text = len(value), ""
            if tag in form.GROUPS:
                length, text = 2, str(len(value))
            elif tag in (form.SIGNER_NAME, form.SIGNER_ISSUER):
                text = safe(form.text_of(value))
            elif tag == form.SIGNER_SERIAL:
                text = _serial(value)
            yield _row(tag, HEADER_NAMES[tag], length, text)
            if tag == form.SIGNATURE:
                yield from _signature(value)


def _signature(value: bytes) -> Iterator[str]:
    for at in range(0, len(value), SIGNATURE_ROW):
        yield "\t" + "  ".join(f"{octet:x}" for octet in value[at : at + SIGNATURE_ROW])


def _serial(value: bytes) -> str:
    return value.hex(":").upper()


def _record_lines(record: ListRecord) -> Iterator[str]:
    yield from TABLE
    for tag, value in sorted(record.elements.items()):
        text = ""
        if tag == form.RECORD_LENGTH:
            text = str(record.size)
        elif tag in form.RECORD_TEXTS:
            text = safe(form.text_of(value))
        elif tag == form.FUNCTION:
            text = record.role_name
        elif tag == form.SERIAL:
            text = _serial(value)
        elif tag == form.CERTIFICATE:
            text = f"{_sha1(value)} (SHA1 Hash HEX)"
        yield _row(tag, RECORD_NAMES[tag], len(value), text)


def _sha1(value: bytes) -> str:
    import hashlib

    return hashlib.sha1(value, usedforsecurity=False).digest().hex(" ").upper()


# --- as data -------------------------------------------------------------------------------------


def _header_data(header: Header) -> dict[str, Any]:
    return {
        "version": "{}.{}".format(*header.version),
        "length": header.size,
        "signer": header.signer_name,
        "serial": _plain_serial(header.signer_serial),
        "issuer": header.signer_issuer,
        "digest": header.digest,
        "modulus_bits": header.modulus_bits,
        "signature": header.signature.hex(),
        "name": header.file_name,
        "timestamp": None if header.timestamp is None else iso_time(header.timestamp),
    }


def _plain_serial(value: bytes) -> str:
    """A serial number as everywhere in JSON: hexadecimal, lower case, no leading zeros."""
    return f"{int.from_bytes(value):x}"


def _record_data(index: int, record: ListRecord, signer: int | None) -> dict[str, Any]:
    import hashlib

    der = record.certificate
    return {
        "length": record.size,
        "role": record.role_name,
        "role_number": record.role,
        "dns_name": record.dns_name or None,
        "address": record.address or None,
        "subject": record.subject,
        "issuer": record.issuer,
        "serial": _plain_serial(record.serial),
        "sha256": hashlib.sha256(der).hexdigest() if der else None,
        "signed_the_list": index == signer,
    }


def _certificates(found: TrustList) -> list[dict[str, Any]]:
    """Each certificate of the list once, in the order of the list."""
    from cucmos_shell.pki import certs
    from cucmos_shell.pki.der import to_pem
    from cucmos_shell.pki.description import name_text

    rows = []
    for der in dict.fromkeys(entry.certificate for entry in found.records):
        if der:
            its = certs.describe(certs.load_der(der))
            rows.append(
                {
                    "sha256": its.sha256,
                    "subject": name_text(its.subject),
                    "issuer": name_text(its.issuer),
                    "serial": f"{its.serial:x}",
                    "key_type": its.key.text,
                    "not_before": iso_time(its.not_before),
                    "not_after": iso_time(its.not_after),
                    "pem": to_pem(der).decode("ascii"),
                }
            )
    return rows


# --- commands ------------------------------------------------------------------------------------


@family.command("show ctl", level=0, pages=True, form=ListShown.form)
def show_ctl(node: Node) -> ListShown:
    """Show the CTL file: who signed it, and whom it tells phones to trust.

    There is one only after the cluster was set to mixed mode.
    """
    return look(node, "CTL")


@family.command("show itl", level=0, pages=True, form=ListShown.form)
def show_itl(node: Node) -> ListShown:
    """Show the ITL file: who signed it, and whom it tells phones to trust.

    It is made by the service that serves files to phones, and anew whenever a certificate in it
    changes.
    """
    return look(node, "ITL")


def look(node: Node, title: str) -> ListShown:
    """The list of that title, read and verified."""
    lists, snapshot = node.lists, node.snapshot()
    spec = lists.spec(title)
    shown = ListShown(spec.title, spec.name, spec.service, node.zone)
    raw = lists.raw(snapshot, spec)
    if raw is None:
        return shown
    from cucmos_shell.pki.trust_lists import read

    try:
        found = read.read(raw)
    except Refused as error:
        raise Refused(
            "Error parsing the {title} File", title=spec.title, details=(error.message(),)
        ) from error
    signer, reason = None, ""
    try:
        signer = read.verify(found).signer
    except Refused as error:
        reason = error.message()
    full: ListShown = shown.replace(
        found=found,
        modified=lists.modified(snapshot, spec) or found.header.timestamp or snapshot.when,
        made=lists.made(snapshot, spec),
        signer=signer,
        reason=reason,
    )
    return full
