"""One question by HTTPS to a server that is known by its certificate, whoever has signed that.

The certificate is the server's if its SHA-256 is the one that was confirmed before; its dates,
names and issuer are not looked at, and nothing is sent before it is known. Otherwise as `http`.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from base64 import b64encode

from cucmos_shell.results import Value
from cucmos_shell.world.connect import Deadline, connect
from cucmos_shell.world.http import Limits, ask
from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.world.connect import Resolve


class OtherCertificate(Unanswered):
    """The server has another certificate than the one it is known by; nothing was sent to it."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"it has another certificate than was confirmed, of SHA-256 {sha256}")
        self.sha256 = sha256


class HttpsQuestion(Value):
    """A GET of `path`, of a server known by the SHA-256 `pin`; `most` octets come back at most."""

    host: str
    port: int
    pin: str
    path: str
    account: str
    password: str
    takes: str
    most: int
    seconds: float

    def __repr__(self) -> str:
        return f"<Question to {self.host}:{self.port}>"


def certificate(
    host: str, port: int, seconds: float, resolve: Resolve = socket.getaddrinfo
) -> bytes:
    """The certificate that a server has, in DER, whatever it is. Raises Unanswered."""
    connection, der = _connected(host, port, Deadline(seconds), resolve)
    connection.close()
    return der


def get(question: HttpsQuestion, resolve: Resolve = socket.getaddrinfo) -> bytes:
    """The body of the answer. Raises OtherCertificate, Unanswered."""
    deadline = Deadline(question.seconds)
    connection, der = _connected(question.host, question.port, deadline, resolve)
    found = hashlib.sha256(der).hexdigest()
    if found != question.pin:
        connection.close()
        raise OtherCertificate(found)
    host = f"[{question.host}]" if ":" in question.host else question.host
    who = f"{question.account}:{question.password}".encode("utf-8", "surrogatepass")
    told = b64encode(who).decode("ascii")
    head = (
        f"GET {question.path} HTTP/1.1\r\nHost: {host}:{question.port}\r\nConnection: close\r\n"
        f"Authorization: Basic {told}\r\nAccept: {question.takes}\r\n\r\n"
    )
    # Some servers repeat what they were asked, where they refuse it.
    secrets = (told, question.password) if question.password else (told,)
    limits = Limits(deadline, question.most, question.takes, asks_why=True, secrets=secrets)
    return ask(connection, "GET", head.encode("ascii"), limits)


def _connected(
    host: str, port: int, deadline: Deadline, resolve: Resolve
) -> tuple[ssl.SSLSocket, bytes]:
    """A connection by TLS, and the server's certificate. Raises Unanswered."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # How strong a certificate is was the decision of whoever has confirmed it.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    plain = connect(host, port, deadline, resolve)
    try:
        plain.settimeout(deadline.left())
        wrapped = context.wrap_socket(plain, server_hostname=host)
    except TimeoutError:
        plain.close()
        raise deadline.missed() from None
    except (OSError, ValueError) as error:
        plain.close()
        deadline.left()
        reason = getattr(error, "reason", None) or type(error).__name__
        raise Unanswered(f"it does not speak TLS ({reason})") from None
    der = wrapped.getpeercert(binary_form=True)
    if der is None:
        wrapped.close()
        raise Unanswered("it has no certificate")
    return wrapped, der
