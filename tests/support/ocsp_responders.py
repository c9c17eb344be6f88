"""OCSP responders on loopback: `openssl ocsp` makes the answers wherever it can, and one HTTP server
hands them out, or misbehaves, by the path of the address.

    responders = Responders(folder)
    responders.uri("revoked")          # an address that answers so
"""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import subprocess
import tempfile
import threading

from certificate_authority import CertificateAuthority

EKU = "extendedKeyUsage = OCSPSigning"
STATUSES = {"malformed-request": 1, "internal-error": 2, "try-later": 3, "sig-required": 5,
            "unauthorized": 6}  # fmt: skip
TYPE = "application/ocsp-response"


def der(tag, *contents):
    """A DER element."""
    body = b"".join(contents)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


class Responders:
    """A CA with certificates, and a responder for each behaviour in `BEHAVIOURS` of the tests."""

    def __init__(self, folder):
        self.ca = CertificateAuthority(folder)
        self.root = self.ca.root("Example Root CA", key="rsa2048")
        self.other_root = self.ca.root("Other Root CA")
        self.namesake = self.ca.root("Example Root CA")
        leaf = {"extensions": (EKU,)}
        self.delegate = self.ca.leaf(self.root, "Example Responder", **leaf)
        self.no_purpose = self.ca.leaf(self.root, "Purposeless Responder")
        self.wrong_purpose = self.ca.leaf(
            self.root, "Web Server", extensions=("extendedKeyUsage = serverAuth",)
        )
        self.expired = self.ca.leaf(self.root, "Old Responder", start=-9999, end=-4000, **leaf)
        self.future = self.ca.leaf(self.root, "New Responder", start=4000, **leaf)
        self.foreign = self.ca.leaf(self.other_root, "Foreign Responder", **leaf)
        self.alone = self.ca.leaf(None, "Lone Responder", extensions=())
        self.other_leaf = self.ca.leaf(self.root, "Other Leaf")
        self.foreign_leaf = self.ca.leaf(self.other_root, "Foreign Leaf")
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.responders = self
        self._lock = threading.Lock()
        self._leaves = {}
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.over.set()
        self._server.shutdown()
        self._server.server_close()

    def uri(self, behaviour):
        return f"http://127.0.0.1:{self._server.server_address[1]}/{behaviour}"

    def leaf(self, behaviour="", named=True):
        """A leaf certificate whose AuthorityInfoAccess names the responder, revoked if that says
        so, and forgotten by the CA if that does."""
        key = (behaviour, named)
        if key not in self._leaves:
            access = (f"authorityInfoAccess = OCSP;URI:{self.uri(behaviour)}",) if named else ()
            name = f"{behaviour or 'plain'} leaf"
            made = self.ca.leaf(self.root, name, key="ec256", extensions=access)
            if behaviour == "revoked":
                self.revoke(made)
            elif behaviour == "unknown":
                self.forget(made)
            self._leaves[key] = made
        return self._leaves[key]

    def revoke(self, issued):
        words = ["ca", "-config", self.ca.folder / "none.cnf", "-revoke", issued.path]
        words += ["-crl_reason", "keyCompromise"]
        self.ca.openssl(*words, "-cert", self.root.path, "-keyfile", self.root.key)

    def forget(self, issued):
        index = self.ca.folder / "index.txt"
        serial = f"{issued.certificate.serial_number:X}"
        lines = [line for line in index.read_text().splitlines(True) if serial not in line]
        index.write_text("".join(lines))

    def answer(self, request, *options, signer=None, issuer=None, days=True):
        """What `openssl ocsp` answers to a request in DER."""
        signer = signer or self.root
        with tempfile.TemporaryDirectory() as folder:
            asked, answered = os.path.join(folder, "q"), os.path.join(folder, "a")
            with open(asked, "wb") as file:
                file.write(request)
            words = ["openssl", "ocsp", "-index", self.ca.folder / "index.txt"]
            words += ["-CA", (issuer or self.root).path, "-rsigner", signer.path]
            words += ["-rkey", signer.key, "-reqin", asked, "-respout", answered, *options]
            words += ["-ndays", "7"] if days else []
            done = subprocess.run(list(map(str, words)), capture_output=True)
            assert done.returncode == 0, done.stderr
            with open(answered, "rb") as file:
                return file.read()

    def request(self, issued, *options, issuer=None):
        """A request of `openssl ocsp`'s own."""
        issuer = issuer or self.root
        with tempfile.NamedTemporaryFile() as file:
            words = ["-issuer", issuer.path, "-cert", issued.path, "-reqout", file.name]
            self.ca.openssl("ocsp", *words, *options)
            return file.read()

    def make(self, behaviour, request):
        """The octets that `behaviour` answers, or None where no answer of openssl is its matter."""
        signers = {
            "delegate": (self.delegate,), "delegate-by-key": (self.delegate, "-resp_key_id"),
            "delegate-bare": (self.delegate, "-resp_no_certs"),
            "delegate-bare-by-key": (self.delegate, "-resp_no_certs", "-resp_key_id"),
            "no-purpose": (self.no_purpose,), "wrong-purpose": (self.wrong_purpose,),
            "expired-responder": (self.expired,), "future-responder": (self.future,),
            "foreign": (self.foreign,), "namesake": (self.namesake,),
            "wrong-key": (self.namesake, "-resp_no_certs"), "alone": (self.alone,),
            "by-key": (self.root, "-resp_key_id"), "bad-signature": (self.root, "-badsig"),
            "sha1": (self.root, "-rmd", "sha1"), "sha512": (self.root, "-rmd", "sha512"),
        }  # fmt: skip
        if behaviour in signers:
            signer, *options = signers[behaviour]
            return self.answer(request, *options, signer=signer)
        if behaviour in ("good", "revoked", "unknown", "out-of-date", "from-the-future"):
            return self.answer(request)
        if behaviour == "no-next-update":
            return self.answer(request, days=False)
        if behaviour == "no-next-update-no-nonce":
            return self.answer(self._bare(request), days=False)
        if behaviour == "no-nonce":
            return self.answer(self._bare(request))
        if behaviour == "other-nonce":
            return self.answer(self._renonced(request))
        if behaviour == "wrong-serial":
            return self.answer(self.request(self.other_leaf, "-no_nonce"))
        if behaviour == "wrong-issuer":
            other = self.request(self.foreign_leaf, "-no_nonce", issuer=self.other_root)
            return self.answer(other, issuer=self.other_root)
        if behaviour == "truncated":
            return self.answer(request)[:-20]
        if behaviour == "trailing":
            return self.answer(request) + b"\0"
        if behaviour in STATUSES:
            return der(0x30, der(0x0A, bytes((STATUSES[behaviour],))))
        if behaviour == "successful-but-empty":
            return der(0x30, der(0x0A, b"\0"))
        if behaviour == "empty":
            return b""
        if behaviour == "random":
            return bytes(i * 193 % 256 for i in range(2000))
        if behaviour == "nested":
            inner = b""
            for _ in range(3000):
                inner = der(0x30, inner)
            return inner
        return None

    def _parts(self, request):
        from cryptography.x509 import ocsp

        return ocsp.load_der_ocsp_request(request)

    def _bare(self, request):
        """The same question without a nonce."""
        return self._asked(request, None)

    def _renonced(self, request):
        return self._asked(request, b"0123456789abcdef")

    def _asked(self, request, nonce):
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509 import ocsp

        old = self._parts(request)
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            old.issuer_name_hash, old.issuer_key_hash, old.serial_number, old.hash_algorithm
        )
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), False)
        return builder.build().public_bytes(Encoding.DER)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.over = threading.Event()


class _Handler(socketserver.StreamRequestHandler):
    """One connection: the path says what becomes of it."""

    def handle(self):
        with contextlib.suppress(OSError):
            self._handle()

    def _handle(self):
        path = self.rfile.readline().split(b" ")[1].decode("ascii").lstrip("/")
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        request = self.rfile.read(length)
        misbehave = getattr(self, "_" + path.replace("-", "_"), None)
        if misbehave is not None:
            misbehave(request)
        else:
            self._send(self.server.responders.make(path, request))

    def _send(self, body, status="200 OK", kind=TYPE, length=None, extra=""):
        length = len(body) if length is None else length
        head = (
            f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{extra}\r\n"
        )
        self.wfile.write(head.encode() + body)

    def _good_answer(self, request):
        return self.server.responders.answer(request)

    def _chunked(self, request):
        body = self._good_answer(request)
        self.wfile.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: {TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        for at in range(0, len(body), 100):
            piece = body[at : at + 100]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _no_length(self, request):
        body = self._good_answer(request)
        self.wfile.write(f"HTTP/1.0 200 OK\r\nContent-Type: {TYPE}\r\n\r\n".encode() + body)

    def _html(self, request):
        self._send(b"<html>Welcome to the hotel</html>", kind="text/html")

    def _html_in_disguise(self, request):
        self._send(b"<html>Welcome to the hotel</html>")

    def _not_found(self, request):
        self._send(b"no", "404 Not Found")

    def _broken(self, request):
        self._send(b"", "500 Internal Server Error")

    def _redirect(self, request):
        self._send(b"", "302 Found", extra="Location: /good\r\n")

    def _redirect_forever(self, request):
        self._send(b"", "307 Temporary Redirect", extra="Location: /redirect-forever\r\n")

    def _hang(self, request):
        self.server.over.wait()

    def _drip(self, data, pause=0.05):
        for octet in data:
            self.wfile.write(bytes((octet,)))
            if self.server.over.wait(pause):
                return

    def _slow_headers(self, request):
        self._drip(b"HTTP/1.0 200 OK\r\nX: " + b"x" * 10_000)

    def _slow_body(self, request):
        body = self._good_answer(request)
        self.wfile.write(
            f"HTTP/1.0 200 OK\r\nContent-Type: {TYPE}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        self._drip(body)

    def _continue_forever(self, request):
        while not self.server.over.is_set():
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _huge_body(self, request):
        self.wfile.write(f"HTTP/1.0 200 OK\r\nContent-Type: {TYPE}\r\n\r\n".encode())
        for _ in range(1024):
            self.wfile.write(bytes(1 << 20))

    def _huge_length(self, request):
        self._send(b"\x30", length=10**18)

    def _many_headers(self, request):
        self.wfile.write(b"HTTP/1.0 200 OK\r\n")
        while not self.server.over.is_set():
            self.wfile.write(b"X: " + b"y" * 5000 + b"\r\n")

    def _early_close(self, request):
        self._send(self._good_answer(request)[:50], length=1000)

    def _close_at_once(self, request):
        return

    def _reset(self, request):
        import struct

        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _not_http(self, request):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")
