"""A recovery key brought back from outside: a PKCS#12 file (RFC 7292) in the upload area."""

from __future__ import annotations

from cucmos_shell.errors import Refused
from cucmos_shell.node.areas import open_upload
from cucmos_shell.node.certificates import issuing
from cucmos_shell.pki import certs
from cucmos_shell.pki.pkcs12 import tame
from cucmos_shell.results import AskText, Secret
from cucmos_shell.store import CertificateRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

MAX_SIZE = 1 << 20
DESCRIPTION = "Recovery certificate brought back"


def ask_file(default: str) -> Conversation[tuple[str, str]]:
    """Ask for the name of the file and its password; both are judged after the last answer."""
    name = yield AskText(
        f"Please enter the name of the file in the upload area [{default}]: ", default
    )
    password = yield Secret("Please enter the password of the file: ")
    return name, password


def recovered(node: Node, unit: str, name: str, password: str) -> Callable[[Transaction], object]:
    """The change that gives `unit` the key and certificate in the file `name` of the upload area.

    Raises NotFound, Refused, Unavailable.
    """
    with open_upload(node.layout, name) as opened:
        data = opened.read(MAX_SIZE)
    credential = _credential(data, password, unit)
    return lambda transaction: issuing.stage(transaction, node.profile, credential)


def _credential(data: bytes, password: str, unit: str) -> issuing.Credential:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        secret = password.encode("utf-8")
        key, certificate, _ = pkcs12.load_key_and_certificates(tame(data), secret)
    except ValueError:
        raise Refused("The file is no PKCS#12 file, or the password is wrong") from None
    if not isinstance(key, rsa.RSAPrivateKey) or certificate is None:
        raise Refused("The file does not hold an RSA key with its certificate")
    description = certs.describe(certificate)
    if certificate.public_key() != key.public_key():
        raise Refused("The key in the file does not belong to the certificate in it")
    row = CertificateRow(**certs.row(description, unit, DESCRIPTION))
    return issuing.Credential(row, certs.to_der(certificate), certs.key_pem(key), description)
