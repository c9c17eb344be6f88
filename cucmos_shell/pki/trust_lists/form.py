"""The tags of trust lists, and what a list says as plain values."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NamedTuple

    class _Header(NamedTuple):
        elements: Mapping[int, bytes]
        size: int
        signature_at: int

    class _Record(NamedTuple):
        elements: Mapping[int, bytes]
        size: int

    class _TrustList(NamedTuple):
        header: Header
        records: tuple[ListRecord, ...]
        raw: bytes
else:
    from collections import namedtuple

    _Header = namedtuple("Header", "elements size signature_at")
    _Record = namedtuple("Record", "elements size")
    _TrustList = namedtuple("TrustList", "header records raw")

# --- header ------------------------------------------------------------------------------------

VERSION, HEADER_LENGTH = 1, 2
SIGNER_ID, SIGNER_NAME, SIGNER_SERIAL, SIGNER_ISSUER = 3, 4, 5, 6
SIGNATURE_INFO, DIGEST_ALGORITHM = 7, 8
SIGNATURE_ALGORITHM_INFO, SIGNATURE_ALGORITHM, MODULUS = 9, 10, 11
SIGNATURE, PADDING, FILE_NAME, TIMESTAMP = 12, 13, 14, 15
SIGNER_VERSION = 28

# Elements whose value is elements, and which.
GROUPS = {
    SIGNER_ID: (SIGNER_NAME, SIGNER_SERIAL, SIGNER_ISSUER),
    SIGNATURE_INFO: (DIGEST_ALGORITHM, SIGNATURE_ALGORITHM_INFO),
    SIGNATURE_ALGORITHM_INFO: (SIGNATURE_ALGORITHM, MODULUS),
}
HEADER_TAGS = frozenset((*range(VERSION, TIMESTAMP + 1), SIGNER_VERSION)) - {PADDING}
REQUIRED = HEADER_TAGS - {TIMESTAMP, SIGNER_VERSION}
HEADER_SIZES = {
    VERSION: 2, HEADER_LENGTH: 2, DIGEST_ALGORITHM: 1, SIGNATURE_ALGORITHM: 1, MODULUS: 1,
    TIMESTAMP: 4, SIGNER_VERSION: 2,
}  # fmt: skip
HEADER_TEXTS = frozenset((SIGNER_NAME, SIGNER_ISSUER, FILE_NAME))

DIGESTS = {1: "sha1", 2: "sha256", 3: "sha512"}
MODULUS_BITS = {0: 512, 1: 1024, 2: 2048, 3: 4096}
RSA_PKCS1 = 0
WORD = 4

# --- records -----------------------------------------------------------------------------------

RECORD_LENGTH, DNS_NAME, SUBJECT, FUNCTION, ISSUER, SERIAL = 1, 2, 3, 4, 5, 6
PUBLIC_KEY, RECORD_SIGNATURE, CERTIFICATE, ADDRESS = 7, 8, 9, 10
CERTIFICATE_HASH, CERTIFICATE_HASH_ALGORITHM = 11, 12

RECORD_TAGS = frozenset(range(RECORD_LENGTH, CERTIFICATE_HASH_ALGORITHM + 1))
RECORD_TEXTS = frozenset((DNS_NAME, SUBJECT, ISSUER))

# Roles: the number in a list, the word in a profile, and the text that the product shows.
_ROLES = """
0  sast      System Administrator Security Token
1  ccm       CCM
2  ccm+tftp  CCM+TFTP
3  tftp      TFTP
4  capf      CAPF
5  srst      SRST
7  https     HTTPS
21 tvs       TVS
"""
_rows = [line.split(None, 2) for line in _ROLES.strip().splitlines()]
ROLES = {int(number): text for number, _, text in _rows}
ROLE_NUMBERS = {word: int(number) for number, word, _ in _rows}
SAST = ROLE_NUMBERS["sast"]

OVERHEAD = 3  # of an element: tag and length
MAX_ELEMENT = 0xFFFF  # of a value, a record and a header
MAX_PHONE = 1 << 16  # phones fail to load a list of this size and more
MAX_FILE = 1 << 19  # of a list; nothing near it makes sense, and reading it takes a moment


def text_of(value: bytes) -> str:
    """A text element without its closing NULs; `read` has made sure that it is UTF-8."""
    return value.rstrip(b"\0").decode("utf-8")


class Header(_Header):
    """What stands before the records, or before the payload of a signed file.

    `elements` maps tags to values as they stand in the file; a group's value is its contents.
    `size` is in octets with padding; `signature_at` is where the signature's element begins.
    """

    __slots__ = ()

    @property
    def version(self) -> tuple[int, int]:
        """The version of the format, major and minor."""
        major, minor = self.elements[VERSION]
        return major, minor

    @property
    def signer_name(self) -> str:
        """The subject of the signing certificate."""
        return text_of(self.elements[SIGNER_NAME])

    @property
    def signer_serial(self) -> bytes:
        """The serial number of the signing certificate, unsigned, big-endian."""
        return self.elements[SIGNER_SERIAL]

    @property
    def signer_issuer(self) -> str:
        """The issuer of the signing certificate."""
        return text_of(self.elements[SIGNER_ISSUER])

    @property
    def digest(self) -> str:
        """`sha1`, `sha256` or `sha512`."""
        return DIGESTS[self.elements[DIGEST_ALGORITHM][0]]

    @property
    def modulus_bits(self) -> int:
        """The size of the signer's RSA key."""
        return MODULUS_BITS[self.elements[MODULUS][0]]

    @property
    def signature(self) -> bytes:
        """The signature as it stands in the file."""
        return self.elements[SIGNATURE]

    @property
    def file_name(self) -> str:
        """The name under which the file was signed."""
        return text_of(self.elements[FILE_NAME])

    @property
    def timestamp(self) -> int | None:
        """Seconds since the epoch; lists of old releases have none."""
        value = self.elements.get(TIMESTAMP)
        return None if value is None else int.from_bytes(value, "big")


class ListRecord(_Record):
    """One trusted party. `elements` maps known tags to values; `size` is in octets."""

    __slots__ = ()

    def _text(self, tag: int) -> str:
        return text_of(self.elements.get(tag, b""))

    @property
    def role(self) -> int:
        """What the party may do: a number of ROLES, or one that nobody has named."""
        return int.from_bytes(self.elements[FUNCTION], "big")

    @property
    def role_name(self) -> str:
        """The role as the product prints it; the number of an unknown one."""
        return ROLES.get(self.role, str(self.role))

    @property
    def dns_name(self) -> str:
        """Host name, domain name or dotted address of the server; often empty."""
        return self._text(DNS_NAME)

    @property
    def subject(self) -> str:
        """The subject of the certificate; empty without one."""
        return self._text(SUBJECT)

    @property
    def issuer(self) -> str:
        """The issuer of the certificate; empty without one."""
        return self._text(ISSUER)

    @property
    def serial(self) -> bytes:
        """The certificate's serial number, unsigned, big-endian; empty without one."""
        return self.elements.get(SERIAL, b"")

    @property
    def certificate(self) -> bytes:
        """The certificate in DER; empty for a party without one."""
        return self.elements.get(CERTIFICATE, b"")

    @property
    def address(self) -> str:
        """The server's address; empty without one."""
        value = self.elements.get(ADDRESS, b"")
        return ".".join(map(str, value)) if len(value) == 4 else value.hex(":", 2)


class TrustList(_TrustList):
    """A whole list, read but not yet verified. `raw` is the file."""

    __slots__ = ()

    @property
    def contents(self) -> bytes:
        """The octets of the records: what is equal in two lists that say the same."""
        return self.raw[self.header.size :]

    def certificates(self, role: int) -> list[bytes]:
        """The certificates (DER) of the records with that role."""
        return [r.certificate for r in self.records if r.role == role and r.certificate]
