"""A question by HTTPS: the server is known by its certificate, and has so many seconds in all."""

import contextlib
import hashlib
import socket
import ssl
import threading
import time
from base64 import b64encode

import pytest
from certificate_authority import CertificateAuthority

from cucmos_shell.world.https import HttpsQuestion, OtherCertificate, certificate, get
from cucmos_shell.world.unanswered import Unanswered

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(scope="module")
def leaf(tmp_path_factory):
    """A certificate of nobody in particular, which has expired long ago, with its key."""
    folder = tmp_path_factory.mktemp("https")
    ca = CertificateAuthority(folder / "ca")
    made = ca.leaf(None, "expired.example", start=-9999, end=-4000, extensions=())
    path = folder / "leaf.pem"
    path.write_bytes(made.pem + made.key.read_bytes())
    return made, path


class Server:
    """Answers each connection with `answer(connection)`, after TLS where `tls`; keeps what came."""

    def __init__(self, leaf, answer, tls=True):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(leaf[1])
        self.answer, self.tls, self.came = answer, tls, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                    stack.callback(connection.close)
                    if self.tls:
                        connection = self.context.wrap_socket(connection, server_side=True)
                        stack.callback(connection.close)
                        self.came += connection.recv(65536)
                    self.answer(connection)

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


@pytest.fixture
def server(leaf):
    servers = []

    def made(answer=lambda connection: connection.sendall(JSON), **options):
        servers.append(Server(leaf, answer, **options))
        return servers[-1]

    yield made
    for one in servers:
        one.end()


def question(server, leaf, **changes):
    pin = hashlib.sha256(leaf[0].der).hexdigest()
    return HttpsQuestion(
        "127.0.0.1", server.port, pin, "/x?since=5", "east", "Gold-Meadow8", "application/json",
        1000, 20.0,
    ).replace(**changes)  # fmt: skip


def says(octets):
    return lambda connection: connection.sendall(octets)


def test_the_answer(server, leaf):
    """To whoever says who asks, with a certificate that counts whatever its dates are."""
    one = server()
    assert get(question(one, leaf)) == b"{}"
    head = one.came.decode().split("\r\n")
    assert head[0] == "GET /x?since=5 HTTP/1.1"
    assert "Authorization: Basic ZWFzdDpHb2xkLU1lYWRvdzg=" in head
    assert certificate("127.0.0.1", one.port, 20.0) == leaf[0].der


def test_a_question_does_not_show_its_password(server, leaf):
    """In whatever an error shows of it."""
    assert "Gold" not in repr(question(server(), leaf))


def test_another_certificate_is_sent_nothing(server, leaf):
    """Neither who asks nor for what."""
    one = server()
    with pytest.raises(OtherCertificate) as found:
        get(question(one, leaf, pin="0" * 64))
    assert found.value.sha256 == hashlib.sha256(leaf[0].der).hexdigest()
    assert one.came == b""


HTTP = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (HTTP % (b"503 Away", b"text/plain", 14, b"it is stopped\n"), "503 it is stopped"),
        (HTTP % (b"503 Away", b"text/html", 3, b"<p>"), "503 Away"),
        (HTTP % (b"503 Away", b"text/plain", 0, b""), "503 Away"),
        (HTTP % (b"302 Found", b"text/plain", 0, b""), "302 Found (redirects are not followed)"),
        (HTTP % (b"200 OK", b"text/html", 2, b"{}"), "text/html, not application/json"),
        (HTTP % (b"200 OK", b"application/json", 9999, b"{}"), "larger than"),
        (HTTP % (b"200 OK", b"application/json", 5, b"{}"), "its answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b"x" * 40_000, "larger"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 70_000, "its answer is"),
        (b"SSH-2.0-x\r\n", "not HTTP"),
        (b"", "its answer is not HTTP"),
    ],
)
def test_what_is_no_answer(server, leaf, octets, reason):
    """Said in words."""
    with pytest.raises(Unanswered) as found:
        get(question(server(says(octets)), leaf))
    assert reason in found.value.reason


def test_a_server_without_tls(server, leaf):
    """Says something else, or nothing for long."""
    plain = server(says(b"220 mail.example ESMTP\r\n"), tls=False)
    with pytest.raises(Unanswered, match="does not speak TLS"):
        certificate("127.0.0.1", plain.port, 20.0)
    begun = time.monotonic()
    silent = server(lambda connection: connection.recv(65536) and connection.recv(1), tls=False)
    with pytest.raises(Unanswered, match=r"no answer within 0.3 s"):
        certificate("127.0.0.1", silent.port, 0.3)
    assert time.monotonic() - begun < 15


def test_an_octet_at_a_time_meets_the_deadline(server, leaf):
    """One for all of the answer."""

    def drip(connection):
        while True:
            connection.sendall(JSON[:1])
            time.sleep(0.02)

    with pytest.raises(Unanswered, match="no answer within"):
        get(question(server(drip), leaf, seconds=0.5))


def test_nobody_is_there(server, leaf):
    """At the address, or behind the name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unanswered, match="Connection refused"):
        certificate("127.0.0.1", port, 20.0)


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 401 You said %s\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 401 No\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 100 + b"%s\n",
    ],
)
def test_a_server_that_repeats_the_password(server, leaf, octets):
    """It is not in what is told of the answer, not even in part."""
    asked = question(server(), leaf)
    told = b64encode(f"{asked.account}:{asked.password}".encode())
    for secret in (told, asked.password.encode()):
        with pytest.raises(Unanswered) as found:
            get(question(server(says(octets % secret)), leaf))
        assert found.value.reason.endswith("***")
        assert secret[:4].decode() not in found.value.reason
