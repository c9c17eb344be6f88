"""The expiry monitor, OCSP answers, dead responders: `python benchmarks/revocation.py [--rounds N]`.

Every row is a ratio to a yardstick measured in the same run, or a time over a deadline.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from measure import middle, process_time, ratio
from populate import fill
from report import Row, machine, table

from cucmos_shell.node import Node
from cucmos_shell.node.certificates.anchors import TrustedStore
from cucmos_shell.node.install import install
from cucmos_shell.pki.ocsp.verify import Question, verify
from cucmos_shell.session import Session
from cucmos_shell.world import World
from cucmos_shell.world.http import post
from cucmos_shell.world.unanswered import Unanswered

PYTHON = [sys.executable, "-I", "-c"]
SCRIPT = os.path.join(os.path.dirname(sys.executable), "cucmos-shell")
TRUST_STORE = "tomcat-trust"
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
BATCH = 50


def monitor(large: str, rounds: int) -> Row:
    """A run with nothing to say, as cron starts it."""
    line = [SCRIPT, "--state", large, "-c", "utils cert monitor run"]
    said = subprocess.run(line, capture_output=True, text=True)
    if said.returncode or "No notifications are due" not in said.stdout:
        raise SystemExit(f"{line} said {said.stdout}{said.stderr}")
    found = ratio(lambda: process_time(line), lambda: process_time([*PYTHON, "pass"]), rounds)
    what = "`utils cert monitor run`, 10,000 certificates, nothing due"
    return Row(what, "python -I -c pass", *found, 12.0)


# --- one answer --------------------------------------------------------------------------------


class Authority:
    """A CA with RSA-2048, its responder, and a leaf that names an address."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.root = self.certify("Benchmark Root", self.key, ca=True)
        self.responder_key = rsa.generate_private_key(65537, 2048)
        self.responder = self.certify("Responder", self.responder_key, purpose=True)

    def certify(
        self, name: str, key: rsa.RSAPrivateKey, *, ca: bool = False, purpose: bool = False,
        uri: str = "",
    ) -> x509.Certificate:  # fmt: skip
        issuer = "Benchmark Root"
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .serial_number(x509.random_serial_number())
            .public_key(key.public_key())
            .not_valid_before(NOW - DAY)
            .not_valid_after(NOW + 300 * DAY)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if purpose:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
            builder = builder.add_extension(usage, critical=False)
        if uri:
            place = x509.UniformResourceIdentifier(uri)
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
        return builder.sign(self.key, hashes.SHA256())

    def answer(self, leaf: x509.Certificate, nonce: bytes, delegated: bool) -> bytes:
        signer, key = (self.responder, self.responder_key) if delegated else (self.root, self.key)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                leaf, self.root, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, NOW, NOW + DAY, None, None
            )
            .responder_id(ocsp.OCSPResponderEncoding.NAME, signer)
            .add_extension(x509.OCSPNonce(nonce), False)
        )
        if delegated:
            builder = builder.certificates([signer])
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def answers(node: Node, rounds: int) -> list[Row]:
    """Our verification against what the library must do anyway: parse, and verify a signature; of
    a delegated responder's certificate another one. Processor time, since nothing is waited for.
    """
    authority = Authority()
    leaf = authority.certify("leaf", authority.responder_key)
    nonce = bytes(range(16))
    question = Question(leaf, authority.root, nonce)
    trusted = TrustedStore(node.snapshot(), TRUST_STORE)
    rows = []
    for delegated in (False, True):
        answer = authority.answer(leaf, nonce, delegated)
        verdict = verify(answer, question, time.time(), trusted)
        if verdict.status != "good":
            raise SystemExit(str(verdict))
        key = (authority.responder_key if delegated else authority.key).public_key()

        def ours(answer: bytes = answer) -> float:
            begin = time.process_time()
            for _ in range(BATCH):
                verify(answer, question, time.time(), trusted)
            return (time.process_time() - begin) / BATCH

        def least(answer: bytes = answer, key: rsa.RSAPublicKey = key) -> float:
            begin = time.process_time()
            for _ in range(BATCH):
                response = ocsp.load_der_ocsp_response(answer)
                for signer in response.certificates:
                    signer.verify_directly_issued_by(authority.root)
                key.verify(
                    response.signature,
                    response.tbs_response_bytes,
                    padding.PKCS1v15(),
                    hashes.SHA256(),
                )
            return (time.process_time() - begin) / BATCH

        who = "a delegated responder's" if delegated else "the issuer's"
        found = ratio(ours, least, rounds)
        least_work = f"parse, RSA-2048 verify{', twice' if delegated else ''}"
        rows.append(Row(f"verification of {who} answer", least_work, *found, 4.0))
    return rows


# --- dead responders ---------------------------------------------------------------------------


def upload_past_the_deadline(state: str, rounds: int) -> tuple[float, float]:
    """Seconds past the deadline of an upload of three certificates whose responders are silent, and
    the slowest of another session's commands meanwhile."""
    authority = Authority()
    node = Node.open(state, World.real())
    say(node, "set cert import trust tomcat", pem(authority.root))
    say(node, "set ocsp enable certificate-uri")
    say(node, "set ocsp deadline 1")
    late, slowest = [], 0.0
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}/"
        for _ in range(rounds):
            leaves = [
                authority.certify(f"leaf {n}", authority.responder_key, uri=uri) for n in range(3)
            ]
            text = "".join(map(pem, leaves))
            begin = time.monotonic()
            thread = threading.Thread(
                target=say, args=(node, "set cert import trust directory", text)
            )
            thread.start()
            other = Node.open(state, World.real())
            while thread.is_alive():
                started = time.monotonic()
                say(other, "show cert list own")
                slowest = max(slowest, time.monotonic() - started)
                thread.join(0.05)
            late.append(time.monotonic() - begin - 1)
    return max(late), slowest


def name_past_the_deadline() -> float:
    """Seconds past the deadline of a question whose host's name is never resolved."""
    over = threading.Event()

    def resolve(*_: object, **__: object) -> list[object]:
        over.wait(60)
        return []

    begin = time.monotonic()
    try:
        post("http://ocsp.example/", b"", sends="a/b", takes="a/b", seconds=0.5, resolve=resolve)
    except Unanswered:
        return time.monotonic() - begin - 0.5
    finally:
        over.set()
    raise SystemExit("a name that is not resolved was asked")


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def say(node: Node, line: str, answer: str = "") -> None:
    """Run a line to its end."""
    from cucmos_shell.results import Done, Paste, Pause

    execution = Session(node).execute(line)
    event = execution.step()
    while not isinstance(event, Done):
        if isinstance(event, Pause):
            time.sleep(event.seconds)
        event = execution.step(answer if isinstance(event, Paste) else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        state, large = os.path.join(folder, "small"), os.path.join(folder, "large")
        install(state, "imp-9.1", World.real(), speed=0)
        shutil.copytree(state, large, symlinks=True)
        fill(large, TRUST_STORE, 10_000)
        rows = [monitor(large, rounds), *answers(Node.open(state, World.real()), 5 * rounds)]
        print(machine(folder))
        print(table(rows))
        late, slowest = upload_past_the_deadline(state, max(3, rounds // 5))
        names = middle([name_past_the_deadline() for _ in range(3)])
    print(f"\nUpload, three silent responders: {late:.2f} s past the deadline (goal: 0.5)")
    print(f"Name resolution that hangs: {names:.2f} s past the deadline (goal: 0.5)")
    print(f"Slowest listing of another session meanwhile: {1000 * slowest:.0f} ms")


if __name__ == "__main__":
    main()
