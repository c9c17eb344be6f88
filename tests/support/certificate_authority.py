"""A certificate authority for tests: the `openssl` program, as an outside CA would use it.

    ca = CertificateAuthority(folder)
    root = ca.root()
    issuing = ca.intermediate(root)
    signed = ca.sign(csr_pem, issuing)            # what a third-party CA sends back
    accepted, words = ca.verify(signed, [issuing], [root])

Times are seconds relative to the authority's `now`. `openssl ca` writes the dates, so expired and
future certificates need no turned-back clock. `conftest` imports the fixture `ca` from here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

DAY = 86400
YEAR = 365 * DAY

_CURVES = {"ec256": "P-256", "ec384": "P-384", "ec521": "P-521"}
_CONFIG = """
[ca]
default_ca = own
[own]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}/issued
default_md = sha256
rand_serial = yes
policy = anything
unique_subject = no
copy_extensions = {copy}
email_in_dn = yes
[anything]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
emailAddress = optional
[req]
distinguished_name = nothing
string_mask = utf8only
[nothing]
"""
CA_EXTENSIONS = (
    "keyUsage = critical,keyCertSign,cRLSign",
    "subjectKeyIdentifier = hash",
)
LEAF_EXTENSIONS = ("basicConstraints = CA:FALSE", "subjectKeyIdentifier = hash")


class Issued:
    """A certificate on disk, and its private key where the authority made that too."""

    def __init__(self, path: Path, key: Path | None, issuer: Issued | None = None) -> None:
        self.path = path
        self.key = key
        self.issuer = issuer or self

    @property
    def pem(self) -> bytes:
        return self.path.read_bytes()

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.pem)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


class CertificateAuthority:
    """A folder of keys and certificates made by the real `openssl`."""

    def __init__(self, folder: Path, *, now: float | None = None) -> None:
        self.folder = folder
        self.now = time.time() if now is None else now
        self._count = 0
        (folder / "issued").mkdir(parents=True, exist_ok=True)
        (folder / "index.txt").touch()
        for copy in ("copy", "none"):
            text = _CONFIG.format(folder=folder, copy=copy)
            (folder / f"{copy}.cnf").write_text(text)

    # --- the program -------------------------------------------------------------------------

    def openssl(self, *words: object, data: bytes | None = None) -> bytes:
        """What `openssl WORDS` writes; its complaint is the assertion when it fails."""
        done = self._run(words, data)
        assert done.returncode == 0, f"openssl {words}: {done.stderr.decode(errors='replace')}"
        return done.stdout

    def _run(
        self, words: Sequence[object], data: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        command = ["openssl", *map(str, words)]
        return subprocess.run(command, input=data, capture_output=True, cwd=self.folder)

    def _new(self, suffix: str) -> Path:
        self._count += 1
        return self.folder / f"{self._count:03d}{suffix}"

    # --- keys and requests -------------------------------------------------------------------

    def new_key(self, kind: str = "ec256") -> Path:
        """A private key (`rsa2048`, `ec256`, …) in PKCS#8 PEM."""
        path = self._new(".key")
        if kind in _CURVES:
            options = ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{_CURVES[kind]}"]
        elif kind.startswith("rsa"):
            options = ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{kind[3:]}"]
        else:
            options = ["-algorithm", kind]
        self.openssl("genpkey", *options, "-out", path)
        return path

    def request(
        self, subject: str, key: Path, *, extensions: Iterable[str] = (), hash_name: str = "sha256"
    ) -> bytes:
        """A PKCS#10 request for `subject` (`/CN=…/O=…`) in PEM."""
        path = self._new(".csr")
        words: list[object] = ["req", "-new", "-key", key, "-subj", subject, "-utf8"]
        words += ["-config", self.folder / "copy.cnf", "-out", path, f"-{hash_name}"]
        for line in extensions:
            words += ["-addext", line]
        self.openssl(*words)
        return path.read_bytes()

    # --- certificates ------------------------------------------------------------------------

    def root(
        self,
        name: str = "Example Root CA",
        *,
        key: str | Path = "ec256",
        path_length: int | None = None,
        extensions: Iterable[str] = (),
        start: float = -DAY,
        end: float = 10 * YEAR,
        hash_name: str = "sha256",
        version: int = 3,
    ) -> Issued:
        """A self-signed CA certificate; version 1 has no extensions."""
        private = self.new_key(key) if isinstance(key, str) else key
        request = self.request(_subject(name), private)
        if version == 1:
            return self._version_1(request, private, hash_name)
        lines = _ca_lines(path_length, extensions)
        return self._issue(request, None, lines, start, end, hash_name, key=private)

    def intermediate(
        self,
        issuer: Issued,
        name: str = "Example Issuing CA",
        *,
        key: str | Path = "ec256",
        path_length: int | None = None,
        extensions: Iterable[str] = (),
        start: float = -DAY,
        end: float = 5 * YEAR,
        hash_name: str = "sha256",
    ) -> Issued:
        """A CA certificate signed by `issuer`."""
        private = self.new_key(key) if isinstance(key, str) else key
        request = self.request(_subject(name), private)
        lines = _ca_lines(path_length, extensions)
        return self._issue(request, issuer, lines, start, end, hash_name, key=private)

    def cross_sign(self, subject: Issued, issuer: Issued, *, end: float = 5 * YEAR) -> Issued:
        """The name and key of the CA `subject`, certified by `issuer` too."""
        assert subject.key is not None
        request = self.request(_common_subject(subject), subject.key)
        lines = _ca_lines(None, ())
        return self._issue(request, issuer, lines, -DAY, end, "sha256", key=subject.key)

    def sign(
        self,
        request: bytes,
        issuer: Issued | None,
        *,
        copy_extensions: bool = True,
        extensions: Iterable[str] = LEAF_EXTENSIONS,
        start: float = -DAY,
        end: float = YEAR,
        hash_name: str = "sha256",
        key: Path | None = None,
    ) -> Issued:
        """A certificate for the request (PEM), with its wishes copied or dropped."""
        lines = tuple(extensions)
        return self._issue(
            request, issuer, lines, start, end, hash_name, key=key, copy=copy_extensions
        )

    def leaf(
        self,
        issuer: Issued | None,
        name: str = "host.example.com",
        *,
        key: str | Path = "ec256",
        alternative_names: Sequence[str] = (),
        extensions: Iterable[str] = LEAF_EXTENSIONS,
        start: float = -DAY,
        end: float = YEAR,
        hash_name: str = "sha256",
    ) -> Issued:
        """An end certificate with a key of its own; without an issuer it is self-signed."""
        private = self.new_key(key) if isinstance(key, str) else key
        lines = list(extensions)
        if alternative_names:
            lines.append(f"subjectAltName = {','.join(alternative_names)}")
        request = self.request(_subject(name), private)
        return self._issue(request, issuer, lines, start, end, hash_name, key=private)

    def _issue(
        self,
        request: bytes,
        issuer: Issued | None,
        extensions: Iterable[str],
        start: float,
        end: float,
        hash_name: str,
        *,
        key: Path | None,
        copy: bool = False,
    ) -> Issued:
        source, target, lines = self._new(".csr"), self._new(".pem"), self._new(".ext")
        source.write_bytes(request)
        lines.write_text("\n".join(extensions) + "\n")
        config = self.folder / ("copy.cnf" if copy else "none.cnf")
        words: list[object] = ["ca", "-batch", "-notext", "-preserveDN"]
        words += ["-config", config, "-in", source, "-out", target, "-md", hash_name]
        words += ["-startdate", _moment(self.now + start), "-enddate", _moment(self.now + end)]
        words += ["-extfile", lines]
        if issuer is None:
            words += ["-selfsign", "-keyfile", key]
        else:
            words += ["-cert", issuer.path, "-keyfile", issuer.key]
        self.openssl(*words)
        return Issued(target, key, issuer)

    def _version_1(self, request: bytes, key: Path, hash_name: str) -> Issued:
        target = self._new(".pem")
        if b"-x509v1" in self._run(["req", "-help"]).stderr:  # OpenSSL 3.4 makes v3 unless told
            words: list[object] = ["req", "-x509", "-x509v1", "-key", key]
        else:
            words = ["x509", "-req", "-signkey", key]
        words += ["-days", 3650, f"-{hash_name}", "-out", target]
        self.openssl(*words, data=request)
        return Issued(target, key)

    # --- other things people upload ----------------------------------------------------------

    def pkcs7(self, certificates: Iterable[Issued], *, form: str = "PEM") -> bytes:
        """A degenerate PKCS#7 (`.p7b`) of certificates only."""
        words: list[object] = ["crl2pkcs7", "-nocrl", "-outform", form]
        for issued in certificates:
            words += ["-certfile", issued.path]
        return self.openssl(*words)

    def pkcs12(self, issued: Issued, password: str = "secret") -> bytes:
        """Certificate and key as PKCS#12."""
        words = ["pkcs12", "-export", "-in", issued.path, "-inkey", issued.key]
        return self.openssl(*words, "-passout", f"pass:{password}")

    def revocation_list(self, issuer: Issued) -> bytes:
        """An empty CRL of `issuer` in PEM."""
        words = ["ca", "-gencrl", "-config", self.folder / "none.cnf", "-crldays", "30"]
        return self.openssl(*words, "-cert", issuer.path, "-keyfile", issuer.key)

    # --- a second opinion --------------------------------------------------------------------

    def verify(
        self,
        leaf: Issued | bytes,
        intermediates: Iterable[Issued | bytes] = (),
        anchors: Iterable[Issued | bytes] = (),
        *,
        options: Sequence[object] = (),
    ) -> tuple[bool, str]:
        """What `openssl verify` makes of the chain at the authority's `now`, and its words."""
        files = [self._new(".leaf"), self._new(".chain"), self._new(".anchors")]
        for path, group in zip(files, ([leaf], intermediates, anchors), strict=True):
            path.write_bytes(b"".join(one if isinstance(one, bytes) else one.pem for one in group))
        words: list[object] = ["verify", "-attime", int(self.now), "-no-CApath", "-no-CAstore"]
        words += ["-CAfile", files[2]] if files[2].stat().st_size else ["-no-CAfile"]
        if files[1].stat().st_size:
            words += ["-untrusted", files[1]]
        done = self._run([*words, *options, files[0]])
        return done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")


def _ca_lines(path_length: int | None, extensions: Iterable[str]) -> list[str]:
    """CA extensions; a line given replaces the default of the same name, `NAME = none` drops it."""
    limit = "" if path_length is None else f",pathlen:{path_length}"
    lines = dict(
        line.split(" = ", 1)
        for line in (f"basicConstraints = critical,CA:TRUE{limit}", *CA_EXTENSIONS, *extensions)
    )
    return [f"{name} = {value}" for name, value in lines.items() if value != "none"]


def _subject(name: str) -> str:
    return name if name.startswith("/") else f"/CN={name}"


def _common_subject(issued: Issued) -> str:
    parts = []
    for attribute in issued.certificate.subject:
        parts.append(f"/{attribute.rfc4514_attribute_name}={attribute.value!s}")
    return "".join(parts)


def _moment(seconds: float) -> str:
    form = "%y%m%d%H%M%SZ" if time.gmtime(seconds).tm_year < 2050 else "%Y%m%d%H%M%SZ"
    return time.strftime(form, time.gmtime(seconds))


def openssl_version() -> tuple[int, ...]:
    """The version of the `openssl` program, (0,) where there is none."""
    if not shutil.which("openssl"):
        return (0,)
    text = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else (0,)


@pytest.fixture
def ca(tmp_path: Path) -> CertificateAuthority:
    """An authority in a folder of the test's own."""
    return CertificateAuthority(tmp_path / "authority")
