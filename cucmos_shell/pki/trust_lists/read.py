"""Reads and verifies trust lists that may come from anywhere: everything wrong is Refused."""

from __future__ import annotations

import hashlib
import struct

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from cucmos_shell.errors import Refused
from cucmos_shell.pki.trust_lists import form
from cucmos_shell.pki.trust_lists.form import Header, ListRecord, TrustList
from cucmos_shell.pki.trust_lists.parts import parts
from cucmos_shell.pki.untrusted import reading
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    # A certificate in DER, and what records repeat of it: serial number, key, signature.
    Certified = tuple[bytes, bytes, bytes, bytes]

_DIGESTS = {
    "sha1": (hashlib.sha1, Prehashed(hashes.SHA1())),  # noqa: S303
    "sha256": (hashlib.sha256, Prehashed(hashes.SHA256())),
    "sha512": (hashlib.sha512, Prehashed(hashes.SHA512())),
}
_PADDING = padding.PKCS1v15()
_LEAST_HEADER = 10


class _Malformed(Exception):
    """A reason why octets are no trust list; free of foreign text."""


class Verified(Value):
    """A list whose signature is right: which record signed it, and that record's certificate."""

    signer: int
    certificate: bytes


# --- reading -----------------------------------------------------------------------------------


def read(data: bytes) -> TrustList:
    """The list in `data`, of any element order after the first two. Raises Refused.

    Unknown elements are skipped; everything else has to fit to the octet.
    """
    try:
        if len(data) > form.MAX_FILE:
            raise _Malformed(f"it is larger than {form.MAX_FILE} bytes")
        header = _header(data)
        with reading():
            return TrustList(header, tuple(_records(data, header.size)), data)
    except _Malformed as error:
        raise Refused("The file is not a trust list: {reason}", reason=str(error)) from None
    except Refused:
        raise Refused("The file is not a trust list: a certificate in it is malformed") from None


def _header(data: bytes) -> Header:
    if len(data) < _LEAST_HEADER or data[:3] != b"\1\0\2" or data[5:8] != b"\2\0\2":
        raise _Malformed("it does not begin with a version and a header length")
    size = data[8] << 8 | data[9]
    if not _LEAST_HEADER <= size <= len(data) or size % form.WORD:
        raise _Malformed("the header length is wrong")
    found: dict[int, bytes] = {}
    places: dict[int, int] = {}
    _walk(data, 0, _unpadded(data, size), found, places)
    _check_header(found)
    return Header(found, size, places[form.SIGNATURE])


def _walk(
    data: bytes, at: int, end: int, found: dict[int, bytes], places: dict[int, int], group: int = 0
) -> None:
    """Collect the elements between `at` and `end`, which are those of `group` (0: of none)."""
    while at < end:
        start = at + form.OVERHEAD
        if start > end:
            raise _Malformed("an element of the header is cut short")
        tag, length = data[at], data[at + 1] << 8 | data[at + 2]
        if start + length > end:
            raise _Malformed("a length in the header leads out of its element")
        if tag == form.PADDING:
            raise _Malformed("padding stands before the end of the header")
        if tag in form.HEADER_TAGS:
            if tag in found:
                raise _Malformed(f"element {tag} of the header is there twice")
            if _GROUP_OF.get(tag, 0) != group:
                raise _Malformed(f"element {tag} of the header is not in its group")
            found[tag] = data[start : start + length]
            places[tag] = at
            if tag in form.GROUPS:
                _walk(data, start, start + length, found, places, tag)
        at = start + length


_GROUP_OF = {tag: group for group, tags in form.GROUPS.items() for tag in tags}


def _unpadded(data: bytes, size: int) -> int:
    """Where the header's elements end: a walk over the outer ones, then at most three 0x0D."""
    at = 0
    while at < size and data[at] != form.PADDING:
        if at + form.OVERHEAD > size:
            raise _Malformed("an element of the header is cut short")
        at += form.OVERHEAD + (data[at + 1] << 8 | data[at + 2])
    if at > size:
        raise _Malformed("a length leads out of the header")
    rest = data[at:size]
    if len(rest) >= form.WORD or rest.strip(b"\x0d"):
        raise _Malformed("padding stands before the end of the header")
    return at


def _check_header(found: dict[int, bytes]) -> None:
    for tag in sorted(form.REQUIRED):
        if tag not in found:
            raise _Malformed(f"element {tag} of the header is missing")
    for tag, size in form.HEADER_SIZES.items():
        if tag in found and len(found[tag]) != size:
            raise _Malformed(f"element {tag} of the header is of the wrong length")
    for tag in form.HEADER_TEXTS:
        _check_text(found[tag])
    if found[form.DIGEST_ALGORITHM][0] not in form.DIGESTS:
        raise _Malformed("its digest algorithm is unknown")
    if found[form.SIGNATURE_ALGORITHM][0] != form.RSA_PKCS1:
        raise _Malformed("its signature algorithm is unknown")
    bits = form.MODULUS_BITS.get(found[form.MODULUS][0])
    if bits is None:
        raise _Malformed("the size of its signer's key is unknown")
    if len(found[form.SIGNATURE]) * 8 != bits:
        raise _Malformed("its signature is not as long as its signer's key")


def _check_text(value: bytes) -> None:
    try:
        text = form.text_of(value)
    except UnicodeDecodeError:
        raise _Malformed("a text is not UTF-8") from None
    if "\0" in text:
        raise _Malformed("a text goes on after its end")


# What follows is done forty times for a list that takes less than a millisecond to read: it is
# written for that.
_begin = struct.Struct(">BHH").unpack_from
_element = struct.Struct(">BH").unpack_from
_FUNCTION, _ADDRESS, _CERTIFICATE = form.FUNCTION, form.ADDRESS, form.CERTIFICATE
_SERIAL, _PUBLIC_KEY, _SIGNATURE = form.SERIAL, form.PUBLIC_KEY, form.RECORD_SIGNATURE
_DNS_NAME, _SUBJECT, _ISSUER = form.DNS_NAME, form.SUBJECT, form.ISSUER
_ADDRESS_SIZES = (4, 16)
_NONE: Certified = (b"", b"", b"", b"")
_record = ListRecord._make
_TAGS = form.RECORD_TAGS


def _records(data: bytes, at: int) -> list[ListRecord]:
    records = []
    its = _NONE
    last = len(data)
    try:
        while at < last:
            tag, length, size = _begin(data, at)
            end = at + size
            if tag != form.RECORD_LENGTH or length != 2:
                raise _Malformed("a record does not begin with its length")
            if size < 5 or end > last:
                raise _Malformed("the length of a record is wrong")
            found = {}
            count = 0
            while at < end:
                tag, length = _element(data, at)
                start = at + 3
                at = start + length
                found[tag] = data[start:at]
                count += 1
            if at != end or count != len(found):
                raise _Malformed("the elements of a record do not fit into it, each once")
            if not _TAGS.issuperset(found):
                found = {tag: value for tag, value in found.items() if tag in _TAGS}
            its = _check_record(found, its)
            records.append(_record((found, size)))
    except struct.error:
        raise _Malformed("a record is cut short") from None
    return records


def _check_record(found: dict[int, bytes], last: Certified) -> Certified:
    """The record's certificate; `last` is that of the record before, which is often the same."""
    get = found.get
    if len(get(_FUNCTION, b"")) != 2:
        raise _Malformed("a record has no role")
    if len(get(_ADDRESS, b"1234")) not in _ADDRESS_SIZES:
        raise _Malformed("an address is neither IPv4 nor IPv6")
    name, subject, issuer = get(_DNS_NAME, b"\0"), get(_SUBJECT, b"\0"), get(_ISSUER, b"\0")
    for value in (name, subject) if issuer == subject else (name, subject, issuer):
        # The usual text needs no closer look.
        if value.find(0) + 1 != len(value) or not value.isascii():
            _check_text(value)
    der = get(_CERTIFICATE)
    if der is None:
        return last
    if last[0] == der:
        _, serial, key, signature = last
    else:
        signature = x509.load_der_x509_certificate(der).signature
        serial, key = parts(der)
    if get(_SERIAL, serial) != serial or get(_PUBLIC_KEY, key) != key:
        raise _Malformed("the serial number or key in a record is not its certificate's")
    if get(_SIGNATURE, signature) != signature:
        raise _Malformed("the signature in a record is not its certificate's")
    return der, serial, key, signature


# --- verifying ---------------------------------------------------------------------------------


def verify(found: TrustList) -> Verified:
    """Who signed the list, if it is as that signer left it. Raises Refused.

    This proves that nothing was altered. Whether the signer is one to trust is another question:
    its certificate has to be known from elsewhere (`signers`).
    """
    header = found.header
    index = _signer(found)
    der = found.records[index].certificate
    _check_signature(header, found.raw, der)
    return Verified(index, der)


def _signer(found: TrustList) -> int:
    """The record of the signer: the one with role SAST that header and certificate name."""
    serial, issuer = found.header.signer_serial, found.header.signer_issuer
    same = [i for i, r in enumerate(found.records) if r.elements.get(_SERIAL) == serial]
    same = [i for i in same if found.records[i].issuer == issuer]
    able = [i for i in same if found.records[i].role == form.SAST]
    if not same:
        raise Refused("The signer of the list is not in the list")
    if not able:
        raise Refused("The signer of the list has not the role that may sign it")
    signers = {found.records[i].certificate for i in able}
    if len(signers) > 1:
        raise Refused("Two signers in the list have the same issuer and serial number")
    if not signers.pop():
        raise Refused("The certificate of the list's signer is not in the list")
    return able[0]


def _check_signature(header: Header, data: bytes, der: bytes) -> None:
    with reading():
        key = x509.load_der_x509_certificate(der).public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size != header.modulus_bits:
        raise Refused("The signer's key is not of the kind that the header names")
    new, algorithm = _DIGESTS[header.digest]
    digest = new()
    after = header.signature_at + form.OVERHEAD + len(header.signature)
    view = memoryview(data)
    digest.update(view[: header.signature_at])
    digest.update(view[after:])
    try:
        key.verify(header.signature, digest.digest(), _PADDING, algorithm)
    except InvalidSignature:
        raise Refused("The signature is wrong: the file is not as its signer left it") from None


def signers(found: TrustList) -> list[bytes]:
    """The certificates (DER) that may sign the successor of a list."""
    return found.certificates(form.SAST)
