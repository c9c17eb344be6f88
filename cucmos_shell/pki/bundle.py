"""Certificates as people bring them: pasted or in a file, PEM, DER, PKCS#7, one or ten thousand.

PEM may stand in other text (`Bag Attributes`, mail, CRLF, a byte order mark); DER certificates may
follow each other; of PKCS#7 only the certificates are taken (RFC 7468, RFC 5652, RFC 2315). All
else is refused under its own name, and a private key is refused before anything reads it: what was
in it is in no result, message or file.

The input is never trusted. It is read in pieces, a file or certificate that is too large is refused
when that is known, and whatever a certificate holds ends in `Refused`, never in another exception
or a warning.
"""

from __future__ import annotations

import binascii
import io
import os
import re

from cucmos_shell.errors import Refused
from cucmos_shell.pki import certs
from cucmos_shell.pki.der import element
from cucmos_shell.pki.description import Description
from cucmos_shell.pki.sniff import CERTIFICATE, KEY, PKCS7, kind_of, pkcs7_certificates
from cucmos_shell.pki.tbs import Tbs
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from cryptography import x509

MAX_PASTE = 1 << 20
MAX_FILE = 64 << 20
MAX_CERTIFICATE = 64 << 10
MAX_NAME = 4096

_CHUNK = 1 << 18
_SAMPLE = 64 << 10
_BEGIN, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"
_MAX_LABEL, _MAX_BLOCK = 80, 2 * MAX_CERTIFICATE
_HEADER = 8  # octets in which tag and length of any element to be taken stand
_BLANK = b" \t\r\n\x00"

_LOOSE_KEY = re.compile(rb'BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File|"kty"\s*:')
_KEY_MARKS = (b"PRIVATE KEY", b"PuTTY-User-Key-File", b'"kty"')
_LOOSE_KEY_LENGTH = 64
_CERTIFICATE_LABELS = ("CERTIFICATE", "X509 CERTIFICATE")
_PKCS7_LABELS = ("PKCS7", "CMS", "PKCS #7 SIGNED DATA")
_OTHER_LABELS = {
    "CERTIFICATE REQUEST": "a certificate signing request (CSR)",
    "NEW CERTIFICATE REQUEST": "a certificate signing request (CSR)",
    "X509 CRL": "a certificate revocation list (CRL)",
    "PUBLIC KEY": "a public key",
    "RSA PUBLIC KEY": "a public key",
    "ATTRIBUTE CERTIFICATE": "an attribute certificate",
    "DH PARAMETERS": "a set of DH parameters",
    "EC PARAMETERS": "a set of EC parameters",
}
_PLAIN_TEXT = "Save it as plain text (ASCII or UTF-8) and try again."
_ARMOUR = "A certificate in text form stands between BEGIN CERTIFICATE and END CERTIFICATE lines."
_ONLY_CERTIFICATES = "Give certificates only; a private key stays where it was made."


class Candidate(Value):
    """One certificate as it was found; `place` says where, for messages."""

    der: bytes
    certificate: x509.Certificate
    description: Description
    place: str


def read_paste(text: str, *, limit: int = MAX_PASTE) -> tuple[Candidate, ...]:
    """The certificates in pasted `text`, in its order, at least one; Refused for anything else.

    `limit` is in octets.
    """
    if len(text) > limit:
        raise _too_large("the paste", limit)
    data = text.encode("utf-8", "replace")
    return tuple(_read(_Window(io.BytesIO(data), limit, "the paste")))


def read_file(stream: BinaryIO, *, limit: int = MAX_FILE) -> Iterator[Candidate]:
    """The certificates in an open file, one by one, at least one; Refused for anything else.

    A refusal may come after some certificates: take none of them then. `limit` is in octets; a
    larger file is refused before it is read where its size is known, and while it is read else.
    """
    try:
        size = os.fstat(stream.fileno()).st_size
    except (OSError, io.UnsupportedOperation):
        size = 0
    if size > limit:
        raise _too_large("the file", limit)
    return _read(_Window(stream, limit, "the file"))


class _Window:
    """What is read of a stream and not yet done with."""

    def __init__(self, stream: BinaryIO, limit: int, name: str) -> None:
        self.data = bytearray()
        self.line = 1
        self.name = name
        self._stream = stream
        self._limit = self._left = limit
        self._ended = False

    def more(self) -> bool:
        """Read a piece; False at the end."""
        if self._ended:
            return False
        piece = self._stream.read(min(_CHUNK, self._left + 1))
        if len(piece) > self._left:
            raise _too_large(self.name, self._limit)
        self._left -= len(piece)
        self._ended = not piece
        self.data += piece
        return bool(piece)

    def fill(self, size: int) -> bool:
        """Whether at least `size` octets are at hand, after reading what is needed."""
        while len(self.data) < size and self.more():
            pass
        return len(self.data) >= size

    def find(self, mark: bytes, start: int, within: int) -> int:
        """Where `mark` next stands after `start` and begins before `within`; -1 if nowhere."""
        while (at := self.data.find(mark, start, within + len(mark))) < 0:
            start = max(start, len(self.data) - len(mark) + 1)
            if start > within or not self.more():
                break
        return at

    def take(self, size: int) -> bytes:
        """The next `size` octets, done with."""
        piece = bytes(self.data[:size])
        self.line += piece.count(b"\n")
        del self.data[:size]
        return piece


def _read(window: _Window) -> Iterator[Candidate]:
    window.fill(_SAMPLE)
    if window.data.startswith(b"\xef\xbb\xbf"):
        window.take(3)
    head = bytes(window.data[:_SAMPLE])
    if not head.strip(_BLANK):
        raise Refused("no certificate found: {source} is empty", source=window.name)
    if _is_wide(head):
        raise Refused("{source} is UTF-16 text", source=window.name, details=(_PLAIN_TEXT,))
    return _read_der(window) if _is_der(head) else _read_pem(window, head)


def _is_wide(head: bytes) -> bool:
    """Text of two octets a character: by its byte order mark, or by every other octet being nil."""
    pair = head[:64]
    half = len(pair) // 2
    return (
        pair.startswith((b"\xff\xfe", b"\xfe\xff"))
        or (half > 1 and not any(pair[0 : 2 * half : 2]) and all(pair[1::2]))
        or (half > 1 and not any(pair[1::2]) and all(pair[0 : 2 * half : 2]))
    )


def _is_der(head: bytes) -> bool:
    """A SEQUENCE, and not text that begins with the digit zero (the same octet)."""
    return head[0] == 0x30 and (
        head[1:2] >= b"\x80" or any(octet < 0x20 and octet not in _BLANK for octet in head[1:8])
    )


# --- text ----------------------------------------------------------------------------------------


def _read_pem(window: _Window, head: bytes) -> Iterator[Candidate]:
    count = 0
    while _to_next_block(window):
        count += 1
        place = f"block {count} (line {window.line})"
        label, body = _block(window, place)
        if label not in _CERTIFICATE_LABELS and label not in _PKCS7_LABELS:
            raise _not_a_certificate(place, _OTHER_LABELS.get(label, ""), label)
        yield from _certificates(_decode(body, place), place)
    if not count:
        raise _nothing(window.name, head)


def _to_next_block(window: _Window) -> bool:
    """Pass over text; False if no block follows it."""
    while (at := window.data.find(_BEGIN)) < 0:
        _watch_for_keys(window.data)
        window.take(max(0, len(window.data) - _LOOSE_KEY_LENGTH))
        if not window.more():
            return False
    _watch_for_keys(window.data[:at])
    window.take(at)
    return True


def _watch_for_keys(text: bytes | bytearray) -> None:
    """Keys whose armour is damaged, and forms of keys that have no PEM armour."""
    # The literals first: the pattern alone reads a large file at a hundredth of the speed.
    if any(mark in text for mark in _KEY_MARKS) and _LOOSE_KEY.search(text):
        raise _private_key("the text", "a private key")


def _block(window: _Window, place: str) -> tuple[str, bytes]:
    """`(label, text between the lines)` of the block the window stands at."""
    after = window.find(_DASHES, len(_BEGIN), len(_BEGIN) + _MAX_LABEL)
    label = bytes(window.data[len(_BEGIN) : max(after, 0)]).decode("ascii", "replace")
    if not label or "\n" in label:
        raise Refused("{place}: its BEGIN line is not complete", place=place)
    if "PRIVATE KEY" in label:
        raise _private_key(place, _key_words(label))
    if label == "TRUSTED CERTIFICATE":
        raise Refused(
            "{place} is an OpenSSL TRUSTED CERTIFICATE, which carries trust settings of its own",
            place=place,
            details=("Convert it: openssl x509 -in FILE -out NEWFILE",),
        )
    after += len(_DASHES)
    within = after + _MAX_BLOCK if label in _CERTIFICATE_LABELS else MAX_FILE
    stop = window.find(_END, after, within)
    if stop < 0 and len(window.data) > within:
        raise _oversized(place)
    body = bytes(window.data[after : stop if stop >= 0 else None])
    _watch_for_keys(body)
    tail = _END + label.encode("ascii", "replace") + _DASHES
    window.fill(stop + _MAX_LABEL)
    line = bytes(window.data[stop : stop + _MAX_LABEL]) if stop >= 0 else b""
    if _BEGIN in body or _DASHES not in line[len(_END) :]:
        raise Refused("{place}: its END line is missing", place=place)
    if not line.startswith(tail):
        raise Refused("{place}: its BEGIN and END lines do not agree", place=place)
    window.take(stop + len(tail))
    return label, body


def _decode(body: bytes, place: str) -> bytes:
    if b":" in body:  # headers of RFC 1421, up to an empty line
        body = body.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    try:
        return binascii.a2b_base64(body.translate(None, b" \t\r\n"), strict_mode=True)
    except binascii.Error:
        raise Refused("{place}: it is not Base64 text throughout", place=place) from None


def _nothing(source: str, head: bytes) -> Refused:
    """Why text without a block is no certificate: Base64 without armour, a web page, a ZIP…"""
    kind, words = kind_of(head)
    if not words:
        try:
            kind, words = kind_of(binascii.a2b_base64(head.translate(None, b" \t\r\n")))
        except binascii.Error:
            pass
        else:
            words = words and f"{words} without BEGIN and END lines"
    if kind == KEY:
        return _private_key(source, words)
    if not words and head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        words = "a web page"
    if words:
        return Refused("{source} is {words}", source=source, words=words, details=(_ARMOUR,))
    return Refused("no certificate found in {source}", source=source, details=(_ARMOUR,))


# --- DER -----------------------------------------------------------------------------------------


def _read_der(window: _Window) -> Iterator[Candidate]:
    count = 0
    while window.fill(_HEADER) or window.data:
        if count and window.data[0] != 0x30 and _only_blanks(window):
            return
        count += 1
        place = f"certificate {count}"
        try:
            size = element(bytes(window.data[:_HEADER]).ljust(_HEADER, b"\x00"), 0, 1 << 40)[2]
        except ValueError:
            size = MAX_FILE  # a length without end, as BER allows: to the end of the file
            window.fill(size)
            size = len(window.data)
        if not window.fill(size):
            raise _broken(place, f"it should be {size} octets long, {len(window.data)} are there")
        yield from _certificates(window.take(size), place)


def _only_blanks(window: _Window) -> bool:
    return not window.fill(_LOOSE_KEY_LENGTH) and not window.data.strip(_BLANK)


def _certificates(der: bytes, place: str) -> Iterator[Candidate]:
    """The certificate that `der` is, or those it holds."""
    kind, words = kind_of(der)
    if kind == CERTIFICATE:
        yield _found(der, place)
    elif kind == PKCS7:
        yield from _unpack(der, place)
    elif kind == KEY:
        raise _private_key(place, words)
    elif words:
        raise _not_a_certificate(place, words, "")
    else:
        raise _broken(place, _fault(der))


def _unpack(der: bytes, place: str) -> Iterator[Candidate]:
    count = 0
    try:
        for count, one in enumerate(_members(der), 1):
            yield _found(one, f"certificate {count} of {place}")
    except ValueError:
        raise _broken(place, "its list of certificates is cut short") from None
    if not count:
        raise Refused("{place} is a PKCS#7 file without certificates", place=place)


def _members(der: bytes) -> Iterator[bytes]:
    try:
        element(der)
    except ValueError:  # BER: its lengths are known to the library alone
        return iter(certs.pkcs7_certificates(der))
    return pkcs7_certificates(der)


def _found(der: bytes, place: str) -> Candidate:
    if len(der) > MAX_CERTIFICATE:
        raise _oversized(place)
    try:
        end = element(der)[2]
        tbs = Tbs(der)
        longest = max(len(tbs.subject), len(tbs.issuer))
    except (ValueError, IndexError):
        raise _broken(place, _fault(der)) from None
    if end != len(der):
        raise _broken(place, f"{len(der) - end} octets follow it")
    if longest > MAX_NAME:
        raise _broken(place, f"a name in it is {longest} octets long, {MAX_NAME} at most")
    try:
        certificate = certs.load_der(der)
        return Candidate(der, certificate, certs.describe(certificate), place)
    except Refused as error:
        reason = str(error.fields.get("reason", "it cannot be decoded"))
        raise _broken(place, reason) from None


def _fault(der: bytes) -> str:
    """In words, why a blob has no outline at all."""
    try:
        tag, _, end = element(der)
    except ValueError:
        return "its lengths do not agree with its size"
    if end != len(der):
        return f"{len(der) - end} octets follow it"
    return "its contents are not those of a certificate" if tag == 0x30 else "it is not DER"


# --- refusals ------------------------------------------------------------------------------------


def _too_large(source: str, limit: int) -> Refused:
    return Refused("{source} is larger than {limit} octets", source=source, limit=limit)


def _oversized(place: str) -> Refused:
    return Refused(
        "{place} is larger than a certificate may be ({limit} octets)",
        place=place,
        limit=MAX_CERTIFICATE,
    )


def _broken(place: str, reason: str) -> Refused:
    return Refused("{place} is not a usable certificate: {reason}", place=place, reason=reason)


def _not_a_certificate(place: str, words: str, label: str) -> Refused:
    if not words:
        return Refused('{place} is not a certificate but "{label}"', place=place, label=label)
    return Refused("{place} is {words}, not a certificate", place=place, words=words)


def _private_key(place: str, words: str) -> Refused:
    return Refused(
        "{place} is {words}; it was not stored",
        place=place,
        words=words,
        details=(_ONLY_CERTIFICATES,),
    )


def _key_words(label: str) -> str:
    kinds = {"PRIVATE KEY": "PKCS#8", "RSA PRIVATE KEY": "PKCS#1", "EC PRIVATE KEY": "EC"}
    kinds |= {"ENCRYPTED PRIVATE KEY": "PKCS#8, encrypted", "OPENSSH PRIVATE KEY": "OpenSSH"}
    return f"a private key ({kinds[label]})" if label in kinds else "a private key"
