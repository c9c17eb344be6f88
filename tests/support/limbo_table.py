"""The x509-limbo cases through the chain decision, and the table of where it differs.

    python tests/support/limbo_table.py > docs/limbo.md

The suite asks for the rules of public web CAs; a node is mostly certified by private ones. So each
difference carries its reason here, by the beginning of the case's name.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import sys
import time
import warnings
from typing import Any

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from places import CORPORA, DOCS

from cucmos_shell.errors import Refused
from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.decide import DEPTH, AnchorIndex, ChainVerdict, decide
from cucmos_shell.profile.profile import Policy

LIMBO = CORPORA / "x509-limbo" / "limbo.json"
TABLE = DOCS / "limbo.md"

POLICY = Policy(
    min_rsa_bits=2048,
    curves=("ec256", "ec384", "ec521"),
    hashes=("sha256", "sha384", "sha512"),
    allow_sha1_roots=True,
    allow_v1_roots=True,
    multi_server=True,
)
PURPOSES = {"SERVER": "1.3.6.1.5.5.7.3.1", "CLIENT": "1.3.6.1.5.5.7.3.2"}
# What the authors of `cryptography` leave out of their own run of the suite.
UNSUPPORTED = {
    "has-crl",
    "has-policy-constraints",
    "name-constraint-dn",
    "pedantic-public-suffix-wildcard",
    "pedantic-rfc5280",
    "pedantic-webpki-eku",
    "pedantic-webpki-subscriber-key",
    "rfc5280-incompatible-with-webpki",
}
REASONS = (
    ("crl::", "Revocation is asked of OCSP responders; a chain decision reads no lists."),
    (
        "pathlen::",
        "The verifier counts self-issued CA certificates like any other, against path lengths and "
        "depth. Such certificates are of no use to a node.",
    ),
    (
        "rfc5280::aki::",
        "Private CAs issue without key identifiers; names and signatures tie the chain. Where there "
        "are identifiers, they must agree.",
    ),
    ("rfc5280::ski::", "As for authority key identifiers."),
    (
        "rfc5280::nc::permitted-dns-match-noncritical",
        "Name constraints are kept whether they are marked critical or not.",
    ),
    (
        "rfc5280::nc::permitted-dn-match",
        "The verifier cannot match directory names and refuses critical constraints on them. "
        "Constraints that are not critical are kept by the node itself.",
    ),
    (
        "rfc5280::pc::",
        "Certificate policies are not processed; only a critical policy extension is refused.",
    ),
    (
        "rfc5280::root-non-critical-basic-constraints",
        "Roots of private CAs are often made so; a root is trusted for being in the trust store.",
    ),
    (
        "rfc5280::leaf-ku-keycertsign",
        "The product's own certificates carry keyCertSign and are no CAs (cup, tomcat of 9.1).",
    ),
    (
        "webpki::aki::",
        "Roots made with OpenSSL's old defaults name issuer and serial number in their identifier.",
    ),
    (
        "webpki::cn::",
        "A rule of public web CAs: the common name repeats an alternative name. A node's common "
        "name is its host name, without a domain or with `-ms`.",
    ),
    ("webpki::eku::", "Rules of public web CAs; no extended key usage means any purpose."),
    (
        "webpki::san::public-suffix",
        "Takes the list of public suffixes; what a wildcard may cover is the CA's affair.",
    ),
    (
        "webpki::san::san-critical",
        "RFC 5280 only advises against it, and the names are the same either way.",
    ),
    ("webpki::ee-basicconstraints-ca", "A CA certificate may be an own certificate (CAPF signs)."),
    ("webpki::ca-as-leaf", "A CA certificate may be an own certificate (CAPF signs)."),
)


class Case:
    """One case of the suite, as far as it can be loaded."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.name: str = data["id"]
        self.expected = data["expected_result"] == "SUCCESS"
        self.supported = not UNSUPPORTED & set(data["features"] or ())
        self._data = data

    @property
    def when(self) -> float:
        text = self._data["validation_time"]
        return datetime.datetime.fromisoformat(text).timestamp() if text else time.time()

    def node(self) -> ChainVerdict | None:
        """The node's verdict; None where a certificate cannot even be loaded."""
        data = self._data
        peer = data["expected_peer_name"]
        depth = data["max_chain_depth"]
        try:
            roots = [certs.load_pem(pem.encode()) for pem in data["trusted_certs"]]
            given = [certs.load_pem(pem.encode()) for pem in data["untrusted_intermediates"]]
            leaf = certs.load_pem(data["peer_certificate"].encode())
            index = AnchorIndex(map(certs.to_der, roots))
        except Refused:
            return None
        return decide(
            leaf,
            given,
            index,
            POLICY,
            self.when,
            depth=DEPTH if depth is None else depth,
            partial=any(root.issuer != root.subject for root in roots),
            purpose=PURPOSES[data["validation_kind"]],
            name=peer["value"] if peer else "",
        )

    def library(self) -> bool:
        """What the verifier says of itself, with its rules for web servers or clients."""
        data = self._data
        peer, depth = data["expected_peer_name"], data["max_chain_depth"]
        try:
            roots = [x509.load_pem_x509_certificate(pem.encode()) for pem in data["trusted_certs"]]
            given = [
                x509.load_pem_x509_certificate(pem.encode())
                for pem in data["untrusted_intermediates"]
            ]
            leaf = x509.load_pem_x509_certificate(data["peer_certificate"].encode())
            builder = PolicyBuilder().store(Store(roots))
            builder = builder.time(datetime.datetime.fromtimestamp(self.when, datetime.UTC))
            if depth is not None:
                builder = builder.max_chain_depth(depth)
            if peer and data["validation_kind"] == "SERVER":
                name: x509.DNSName | x509.IPAddress = x509.DNSName(peer["value"])
                if peer["kind"] == "IP":
                    name = x509.IPAddress(ipaddress.ip_address(peer["value"]))
                builder.build_server_verifier(name).verify(leaf, given)
            else:
                builder.build_client_verifier().verify(leaf, given)
        except (ValueError, VerificationError):
            return False
        return True


class Outcome:
    """One case, judged by both."""

    def __init__(self, case: Case) -> None:
        self.case = case
        start = time.perf_counter()
        self.verdict = case.node()
        self.seconds = time.perf_counter() - start
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.library = case.library()

    @property
    def accepted(self) -> bool:
        return self.verdict is not None and self.verdict.accepted

    @property
    def agrees(self) -> bool:
        return self.accepted == self.case.expected

    @property
    def reason(self) -> str:
        return next((why for start, why in REASONS if self.case.name.startswith(start)), "")


def outcomes() -> list[Outcome]:
    """All cases of the suite, judged."""
    return [Outcome(Case(data)) for data in json.loads(LIMBO.read_text())["testcases"]]


def render(results: list[Outcome]) -> str:
    """The page `docs/limbo.md`."""
    supported = [one for one in results if one.case.supported]
    agreed = sum(one.agrees for one in supported)
    library = sum(one.library == one.case.expected for one in supported)
    lines = [
        "# The chain decision and x509-limbo",
        "",
        "Written by `tests/support/limbo_table.py`; `tests/pki/test_limbo.py` holds it to what the code does.",
        "",
        f"Of the {len(results)} cases of the C2SP x509-limbo suite the node agrees with "
        f"{sum(one.agrees for one in results)}. Of the {len(supported)} whose features the authors "
        f"of `cryptography` support it agrees with {agreed}, as many as the library's own verifier "
        f"with its rules for the web ({library}).",
        "",
        "The suite asks about a host name and a purpose, which the decision takes as options. It "
        "expects the rules of public web CAs. Where the node differs:",
        "",
        "| case | suite | node | why |",
        "|---|---|---|---|",
    ]
    for one in sorted(results, key=lambda one: one.case.name):
        if one.agrees:
            continue
        words = ("refuse", "accept")
        row = (f"`{one.case.name}`", words[one.case.expected], words[one.accepted], one.reason)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render(outcomes()))
