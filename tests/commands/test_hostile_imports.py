"""Hostile certificates through the real commands: accepted, or one clear line and no change."""

import datetime
import itertools
import os
import pathlib
import re
import subprocess
import sys
import time
import warnings

import pytest
from certificate_authority import DAY
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from harness import START
from places import LIMBO
from small_store import read_everything

from cucmos_shell.pki.der import to_pem

PATIENCE = 0.2
FAILURE = "Executed command unsuccessfully\n"
CLEAN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class Hostile:
    """Imports by paste and by file, and looks at what is left."""

    def __init__(self, node, say, capfd):
        self.node = node
        self.say = say
        self.capfd = capfd
        self.upload = pathlib.Path(node.state_dir, "upload")

    def run(self, line, *answers):
        """The text of a command that must be quick and quiet; nothing changes when it fails."""
        before = self.node.snapshot().head
        began = time.process_time()
        text = self.say(line, *answers)
        taken = time.process_time() - began
        assert self.capfd.readouterr() == ("", "")
        assert "Traceback" not in text
        assert not [c for c in text if c != "\n" and not c.isprintable()], repr(text)
        if self.say.status:
            assert text.endswith(FAILURE)
            assert self.node.snapshot().head == before
            assert text.count("\n") <= 5, text
            assert taken < PATIENCE, (taken, text)
        assert self.say.status != 70, text
        return text

    def paste(self, text, line="set cert import trust tomcat"):
        return self.run(line, text)

    def file(self, data, line="utils cert upload trust tomcat evil.pem"):
        (self.upload / "evil.pem").write_bytes(data)
        return self.run(line)

    def tidy(self):
        """Every name in the stores and folders is clean, every file agrees with its records."""
        read_everything(self.node.store)
        view = pathlib.Path(self.node.state_dir, "store", "view")
        for path in view.glob("*/*"):
            assert CLEAN.match(path.name)
        for line in self.say("show cert list trust").splitlines():
            name, colon, _ = line.partition(": ")
            assert colon
            assert CLEAN.match(name.partition("/")[2])
            assert self.say(f"show cert trust {name}").startswith("[\n")
        assert not any(c != "\n" and not c.isprintable() for c in self.say("show cert expiry"))


@pytest.fixture
def hostile(node, say, capfd):
    return Hostile(node, say, capfd)


def certificate(name, *, extensions=(), key=None):
    """A self-signed CA certificate, valid at the node's start."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    start = datetime.datetime.fromtimestamp(START, datetime.UTC)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are longer than they should be
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name, _validate=False)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start - datetime.timedelta(days=1))
        .not_valid_after(start + datetime.timedelta(days=30))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


EVIL = [
    "../../../../etc/passwd", "\x1b[2J\x1b]0;gone\x07", "\x00nil", "line\r\nadmin:exit\r\n", "‮gnp.exe",
    "\u200b\u2066\ufeff", "admin:", "-rf", ".hidden", "a/b", "CON", "%s%n{0}", "<svg onload=x>", "\\", " ",
    "x" * 1500, "\U0010ffff", "é" * 300, "tomcat", "imp-pub", '"; DROP TABLE', "$(reboot)`reboot`",
]  # fmt: skip


def test_evil_names_are_shown_safely_and_name_no_file(hostile, node):
    """Control characters, traversal, prompts, endless names: trusted if one will, never harmful."""
    for name in EVIL:
        text = hostile.paste(to_pem(certificate(name)).decode())
        assert "admin:" not in text
    hostile.tidy()
    assert not pathlib.Path("/etc/passwd.pem").exists()
    outside = {p.name for p in pathlib.Path(node.state_dir).parent.iterdir()}
    assert outside <= {"node", "outside"}


def test_mutated_certificates(hostile):
    """One octet changed, at every place that makes a difference; by paste and by file."""
    der = certificate("Mutant", extensions=[x509.BasicConstraints(True, 1)])
    for at in range(0, len(der), 2):
        for flip in (0x01, 0x80):
            mutant = bytearray(der)
            mutant[at] ^= flip
            data = bytes(mutant)
            hostile.file(data if at % 4 else to_pem(data))
    for size in range(1, len(der), 13):
        hostile.paste(to_pem(der[:size]).decode())
    hostile.tidy()


@pytest.mark.unmeasured
@pytest.mark.skipif(not LIMBO.is_dir(), reason="the corpus is not here")
@pytest.mark.parametrize("part", range(2))
def test_the_corpus(hostile, part):
    """Each case of x509-limbo: as a file, its certificates pasted one by one, and all as one list."""
    cases = sorted(LIMBO.iterdir())[part::2]
    for case in cases:
        files = sorted(case.glob("*.pem"))
        whole = b"".join(path.read_bytes() for path in files)
        if whole.count(b"BEGIN") > 40:
            continue  # a thousand certificates take their time, and are accepted
        hostile.file(whole)
        hostile.paste(files[0].read_text())
    hostile.tidy()


def test_a_chain_of_a_hundred_and_a_circle(hostile, say, outside_ca, node):
    """Own imports: the walk is bounded."""
    say("set csr gen tomcat")
    csr = x509.load_pem_x509_csr(node.snapshot().request_pem("tomcat"))
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.datetime.fromtimestamp(START, datetime.UTC)

    def issue(subject, issuer, public, ca):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start - datetime.timedelta(days=1))
            .not_valid_after(start + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if not ca:
            for extension in csr.extensions:
                builder = builder.add_extension(extension.value, extension.critical)
        return to_pem(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)).decode()

    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"CA {i}")]) for i in range(101)
    ]
    leaf = issue(csr.subject, names[0], csr.public_key(), False)
    long = [issue(a, b, key.public_key(), True) for a, b in itertools.pairwise(names)]
    text = hostile.paste(leaf + "".join(long), "set cert import own tomcat")
    assert say.status == 1, text
    circle = [issue(names[0], names[1], key.public_key(), True),
              issue(names[1], names[0], key.public_key(), True)]  # fmt: skip
    hostile.paste(leaf + "".join(circle), "set cert import own tomcat")
    assert say.status == 1
    same = [issue(names[0], names[0], key.public_key(), True) for _ in range(60)]
    hostile.paste(leaf + "".join(same), "set cert import own tomcat")
    assert say.status == 1
    assert node.snapshot().own("tomcat").request is not None


def test_a_list_with_everything_twice(hostile, say, outside_ca):
    """Each is reported; nothing is stored twice."""
    roots = b"".join(outside_ca.root(f"Root {i}", start=-9 * DAY).pem for i in range(3))
    text = hostile.file(roots * 3)
    assert text.count(": imported\n") == 3
    assert text.count(": was there already\n") == 6
    assert say("show cert list trust | include Root_ | count") == "Count: 3 lines\n"


def test_a_bundle_of_a_gigabyte_is_refused_unread(hostile, say):
    """By its size; in a process of its own it stays small."""
    with open(hostile.upload / "evil.pem", "wb") as file:
        file.truncate(1 << 30)
    text = hostile.run("utils cert upload trust tomcat evil.pem")
    assert text.startswith("the file is larger than ")
    assert "larger than" in hostile.run("utils cert upload own tomcat evil.pem")


def test_what_is_not_a_certificate_is_said_in_one_line(hostile, say, outside_ca):
    """Requests, lists of revocations, PKCS#12, keys of all kinds, noise."""
    root = outside_ca.root()
    leaf = outside_ca.leaf(root)
    say("set csr gen tomcat")
    things = {
        "a certificate signing request": say("show csr own tomcat").encode(),
        "a certificate revocation list": outside_ca.revocation_list(root),
        "a PKCS#12 file": outside_ca.pkcs12(leaf),
        "a private key": leaf.key.read_bytes(),
        "is empty": b"",
        "no certificate found": os.urandom(2000).replace(b"\x30", b""),
        "a web page": b"<html>404</html>",
    }
    for words, data in things.items():
        assert words in hostile.file(data), words
        assert say.status == 1
    for file in pathlib.Path(hostile.node.state_dir).rglob("*"):
        if file.is_file() and file.name != "evil.pem":
            assert leaf.key.read_bytes().splitlines()[1] not in file.read_bytes()


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"-----BEGIN CERTIFICATE-----\n", b"\x00" * 5000]
)
def test_a_batch_without_a_terminal(node_dir, data):
    """The finished program: standard error stays empty."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "cucmos_shell", "--state", str(node_dir), "-c",
         "set cert import trust tomcat"],
        input=data, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == b""
    assert done.stdout.decode().endswith(FAILURE)
