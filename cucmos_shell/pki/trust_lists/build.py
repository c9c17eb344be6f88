"""Builds and signs trust lists and signed files, in the order and with the padding of a server."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cucmos_shell.errors import Refused
from cucmos_shell.pki import certs
from cucmos_shell.pki.extensions import name_parts
from cucmos_shell.pki.trust_lists import form
from cucmos_shell.pki.trust_lists.parts import parts
from cucmos_shell.pki.untrusted import reading
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography import x509

FORMAT_VERSION = (1, 2)
_DIGESTS = {name: number for number, name in form.DIGESTS.items()}
_MODULI = {bits: number for number, bits in form.MODULUS_BITS.items()}
# Phones of that time verify nothing newer than SHA-1.
_HASHES = {"sha1": SHA1(), "sha256": SHA256(), "sha512": SHA512()}  # noqa: S303
# The order in names, whatever the certificate's; others follow.
_NAME_ORDER = ("CN", "OU", "O", "L", "ST", "C")
_ESCAPED = frozenset('\\;,+"<>')


class Party(Value):
    """Somebody to be trusted: `role` is a number of form.ROLES, `certificate` DER or empty.

    `dns_name` may be empty; `address` is four octets, sixteen, or none for no such element.
    """

    role: int
    certificate: bytes = b""
    dns_name: str = ""
    address: bytes = b""


class Signer:
    """A certificate (DER) and its private RSA key, one of the node's own.

    Its representation shows no key.
    """

    __slots__ = ("certificate", "key", "modulus")

    def __init__(self, certificate: bytes, key_pem: bytes) -> None:
        key = load_pem_private_key(key_pem, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size not in _MODULI:
            raise Refused(
                "This key cannot sign a trust list: RSA of {sizes} bits can",
                sizes=", ".join(map(str, _MODULI)),
            )
        self.certificate = certificate
        self.key = key
        self.modulus = _MODULI[key.key_size]

    def __repr__(self) -> str:
        return "<Signer>"


def build(
    file_name: str,
    parties: Iterable[Party],
    signer: Signer,
    *,
    digest: str,
    timestamp: int,
) -> bytes:
    """A signed trust list. `digest` is sha1 or sha512, `timestamp` seconds since the epoch.

    Raises Refused for what the format cannot hold. The signer has to be among the parties, with
    the role that signs; `read.verify` says so if it is not.
    """
    body = b"".join(map(record, parties))
    return _signed(file_name, body, signer, digest, timestamp)


def sign_again(
    raw: bytes, size: int, file_name: str, signer: Signer, *, digest: str, timestamp: int
) -> bytes:
    """The records of the list `raw`, whose header is of `size` octets, under a new header."""
    return _signed(file_name, raw[size:], signer, digest, timestamp)


# --- pieces ------------------------------------------------------------------------------------


def _element(tag: int, value: bytes) -> bytes:
    if len(value) > form.MAX_ELEMENT:
        raise Refused("A value of {size} bytes does not fit into a trust list", size=len(value))
    return bytes((tag,)) + len(value).to_bytes(2, "big") + value


def _text(tag: int, text: str) -> bytes:
    return _element(tag, text.encode("utf-8") + b"\0")


def _number(tag: int, number: int, size: int) -> bytes:
    return _element(tag, number.to_bytes(size, "big"))


def record(party: Party) -> bytes:
    """One record, its elements in the order of their tags. Raises Refused."""
    pieces = [_text(form.DNS_NAME, party.dns_name)]
    role = _number(form.FUNCTION, party.role, 2)
    if party.certificate:
        certificate = certs.load_der(party.certificate)
        subject, issuer = names(certificate)
        serial, key = parts(party.certificate)
        pieces += [
            _text(form.SUBJECT, subject),
            role,
            _text(form.ISSUER, issuer),
            _element(form.SERIAL, serial),
            _element(form.PUBLIC_KEY, key),
            _element(form.RECORD_SIGNATURE, certificate.signature),
            _element(form.CERTIFICATE, party.certificate),
        ]
    else:
        pieces.append(role)
    if party.address:
        pieces.append(_element(form.ADDRESS, party.address))
    body = b"".join(pieces)
    size = form.OVERHEAD + 2 + len(body)
    if size > form.MAX_ELEMENT:
        raise Refused("A record of {size} bytes does not fit into a trust list", size=size)
    return _number(form.RECORD_LENGTH, size, 2) + body


def _signed(
    file_name: str,
    body: bytes,
    signer: Signer,
    digest: str,
    timestamp: int,
) -> bytes:
    before = _signer_elements(signer, digest)
    after = _text(form.FILE_NAME, file_name) + _number(form.TIMESTAMP, _fitting(timestamp), 4)
    length = signer.key.key_size // 8
    bare = 2 * (form.OVERHEAD + 2) + len(before) + form.OVERHEAD + length + len(after)
    after += bytes((form.PADDING,)) * (-bare % form.WORD)
    size = bare + -bare % form.WORD
    if size > form.MAX_ELEMENT:
        raise Refused("A header of {size} bytes does not fit into a trust list", size=size)
    before = (
        _element(form.VERSION, bytes(FORMAT_VERSION))
        + _number(form.HEADER_LENGTH, size, 2)
        + before
    )
    signature = signer.key.sign(before + after + body, padding.PKCS1v15(), _HASHES[digest])
    return before + _element(form.SIGNATURE, signature) + after + body


def _fitting(timestamp: int) -> int:
    """The time as far as four octets can tell it: 1970 to 2106."""
    return min(max(timestamp, 0), 0xFFFF_FFFF)


def _signer_elements(signer: Signer, digest: str) -> bytes:
    subject, issuer = names(certs.load_der(signer.certificate))
    algorithm = _number(form.SIGNATURE_ALGORITHM, form.RSA_PKCS1, 1) + _number(
        form.MODULUS, signer.modulus, 1
    )
    return _element(
        form.SIGNER_ID,
        _text(form.SIGNER_NAME, subject)
        + _element(form.SIGNER_SERIAL, parts(signer.certificate)[0])
        + _text(form.SIGNER_ISSUER, issuer),
    ) + _element(
        form.SIGNATURE_INFO,
        _number(form.DIGEST_ALGORITHM, _DIGESTS[digest], 1)
        + _element(form.SIGNATURE_ALGORITHM_INFO, algorithm),
    )


# --- names -------------------------------------------------------------------------------------


def names(certificate: x509.Certificate) -> tuple[str, str]:
    """Subject and issuer as lists write them. Raises Refused."""
    with reading():
        return name_text(certificate.subject), name_text(certificate.issuer)


def name_text(name: x509.Name) -> str:
    """`CN=host;OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL`: a fixed order, whatever the DER's.

    Other attributes follow in the order of the certificate. Several values of one attribute stay
    in their order. Characters that mean something are escaped as RFC 4514 (section 2.4) has it,
    and so is the semicolon.
    """
    pairs = [pair for part in name_parts(name) for pair in part]
    known = [pair for label in _NAME_ORDER for pair in pairs if pair[0] == label]
    other = [pair for pair in pairs if pair[0] not in _NAME_ORDER]
    return ";".join(f"{label}={_escaped(value)}" for label, value in (*known, *other))


def _escaped(value: str) -> str:
    text = "".join("\\00" if c == "\0" else f"\\{c}" if c in _ESCAPED else c for c in value)
    if text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1] + "\\ "
    return f"\\{text}" if text[:1] in (" ", "#") else text
