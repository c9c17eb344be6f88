"""One mail to one server (RFC 5321, 3207, 4954), by `smtplib`, which knows no total deadline."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading

from cucmos_shell.world.connect import Deadline, connect
from cucmos_shell.world.unanswered import MailServer, Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECONDS = 30.0


class _Client(smtplib.SMTP):
    """SMTP over a connection that is there already; the watch cuts it at the deadline.

    `smtplib` reads line by line with a time-out each, so a second descriptor of the connection is
    shut down from outside when time is up: that ends any read, encrypted or not.
    """

    def __init__(self, server: MailServer, deadline: Deadline) -> None:
        self._server = server
        self._deadline = deadline
        self.given = False
        super().__init__(local_hostname=server.hello, timeout=deadline.seconds)
        self._host = server.host  # what a certificate must name

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        made = connect(self._server.host, self._server.port, self._deadline)
        made.settimeout(self._deadline.left())
        self._second = made.dup()
        self._watch = threading.Timer(self._deadline.left(), self._cut)
        self._watch.daemon = True
        self._watch.start()
        if self._server.security == "tls":
            return trusting(self._server).wrap_socket(made, server_hostname=self._server.host)
        return made

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self._second.shutdown(socket.SHUT_RDWR)

    def send(self, data: Any) -> None:
        # Commands are text here, and a message is octets.
        self.given = self.given or isinstance(data, bytes)
        super().send(data)

    def end(self) -> None:
        """Let go of everything."""
        if watch := getattr(self, "_watch", None):
            watch.cancel()
            self._second.close()
        self.close()


def trusting(server: MailServer) -> ssl.SSLContext:
    """A TLS context that wants a certificate with the server's name in it, from a known CA."""
    context = ssl.create_default_context()
    if server.anchors:
        context.load_verify_locations(cadata=server.anchors)
    return context


def send(
    server: MailServer, sender: str, recipient: str, message: bytes, seconds: float = SECONDS
) -> None:
    """Hand the message over: it is, once the server has answered to its end (DATA).

    Raises Unanswered; `uncertain` once the message was on its way.
    """
    for address in (sender, recipient):
        if not address.isascii() or not address.isprintable() or {" ", "<", ">"} & set(address):
            raise Unanswered("an address holds characters that no address may")
    deadline = Deadline(seconds)
    client = _Client(server, deadline)
    try:
        _converse(client, server, sender, recipient, message)
    except (Unanswered, OSError, smtplib.SMTPException, ValueError) as error:
        refused = isinstance(error, smtplib.SMTPResponseException)
        reason, late = _reason(error), deadline.over()
        if late:
            # What went wrong then is that the watch cut the connection.
            refused, reason = False, deadline.missed().reason
        raise Unanswered(reason, uncertain=client.given and not refused, late=late) from None
    finally:
        client.end()


def _reason(error: Exception) -> str:
    """What went wrong, in words."""
    if isinstance(error, Unanswered):
        return error.reason
    if isinstance(error, smtplib.SMTPResponseException):
        return _words(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _words(*next(iter(error.recipients.values())))
    if isinstance(error, ssl.SSLError):
        return f"TLS: {getattr(error, 'verify_message', '') or error.reason or 'it failed'}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _converse(
    client: _Client, server: MailServer, sender: str, recipient: str, message: bytes
) -> None:
    code, words = client.connect(server.host, server.port)
    if code != 220:
        raise Unanswered(_words(code, words))
    client.ehlo_or_helo_if_needed()
    if server.security == "starttls":
        if not client.has_extn("starttls"):
            raise Unanswered("it offers no STARTTLS")
        code, words = client.starttls(context=trusting(server))
        if code != 220:
            raise Unanswered(_words(code, words))
        client.ehlo()
    if server.account:
        client.login(server.account, server.password)
    client.sendmail(sender, [recipient], message)
    # It has the message now: whatever it says to QUIT, or does not, changes nothing.
    with contextlib.suppress(smtplib.SMTPException, OSError):
        client.putcmd("quit")


def _words(code: int, words: bytes | str) -> str:
    text = words.decode("ascii", "backslashreplace") if isinstance(words, bytes) else words
    return f"it answered {code} {' '.join(text.split())[:200]}".strip()
