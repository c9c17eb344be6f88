"""What people paste and upload, good, mistaken and hostile. Files are made by openssl."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import subprocess
import sys
import time

import pytest
from certificate_authority import CertificateAuthority, Issued
from harness import PRINT_PEAK
from hypothesis import given, settings
from hypothesis import strategies as st
from places import LIMBO

from cucmos_shell.errors import Refused
from cucmos_shell.pki import bundle
from cucmos_shell.pki.bundle import Candidate, read_file, read_paste
from cucmos_shell.pki.der import encode, to_pem

PATIENCE = 0.2  # seconds that one hostile file may take


@pytest.fixture(scope="module")
def leaf(authority: CertificateAuthority, root: Issued) -> Issued:
    return authority.leaf(root, "host.example.com", alternative_names=["DNS:host.example.com"])


def file(data: bytes, **options: int) -> tuple[Candidate, ...]:
    return tuple(read_file(io.BytesIO(data), **options))


def common_names(found: tuple[Candidate, ...]) -> list[str]:
    return [one.description.common_name for one in found]


def refusal(data: bytes | str, **options: int) -> str:
    """The one clear line for what is no certificate."""
    start = time.process_time()
    with pytest.raises(Refused) as caught:
        (read_paste if isinstance(data, str) else file)(data, **options)  # type: ignore[operator]
    assert time.process_time() - start < PATIENCE
    message = caught.value.message()
    assert "\n" not in message
    assert len(message) < 400
    return message


# --- forms that are taken --------------------------------------------------------------------------


def test_paste_of_one_certificate(leaf):
    (found,) = read_paste(leaf.pem.decode())
    assert found.der == leaf.der
    assert found.certificate == leaf.certificate
    assert found.description.common_name == "host.example.com"
    assert found.place == "block 1 (line 1)"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: text.strip(),
        lambda text: "\n\n  " + text.replace("\n", "\n   ") + "\n\n",
        lambda text: "Bag Attributes\n    friendlyName: x\nsubject=CN = x\n" + text + "good bye\n",
        lambda text: text.replace("CERTIFICATE", "X509 CERTIFICATE"),
        lambda text: text.replace("-----\n", "-----\nComment: exported\n\n", 1),
        lambda text: text.replace("\n", "").replace("E-----", "E-----\n", 1),
    ],
)
def test_text_around_and_within_does_not_matter(leaf, change):
    assert common_names(read_paste(change(leaf.pem.decode()))) == ["host.example.com"]


def test_several_blocks_keep_their_order(authority, root, leaf):
    text = leaf.pem + b"and its issuer:\n" + root.pem
    found = read_paste(text.decode())
    assert common_names(found) == ["host.example.com", "Root"]
    assert found[1].place.startswith("block 2 (line ")
    assert common_names(file(text)) == ["host.example.com", "Root"]


def test_text_of_openssl_before_the_block(authority, leaf):
    text = authority.openssl("x509", "-in", leaf.path, "-text")
    assert common_names(file(text)) == ["host.example.com"]


def test_der_alone_and_concatenated(root, leaf):
    assert common_names(file(leaf.der)) == ["host.example.com"]
    assert common_names(file(leaf.der + root.der)) == ["host.example.com", "Root"]
    assert common_names(file(leaf.der + b"\r\n")) == ["host.example.com"]


def test_every_place_a_piece_may_end_at(root, leaf):
    """Blocks and lengths that straddle two pieces of the stream."""
    for data in (leaf.der + root.der + leaf.der, leaf.pem + root.pem + leaf.pem):
        for size in (1, 2, 3, 5, 7, 11, 64, 257):
            stream = Slow(data, size)
            assert len(tuple(read_file(stream))) == 3  # type: ignore[arg-type]


class Slow(io.BytesIO):
    """Gives a few octets a time, as a pipe may."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self.size = size

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.size)


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_pkcs7(authority, root, leaf, form):
    found = file(authority.pkcs7([leaf, root], form=form))
    assert sorted(common_names(found)) == ["Root", "host.example.com"]
    assert found[0].place.startswith("certificate 1 of ")


def test_pkcs7_under_another_label_and_in_ber(authority, leaf):
    pem = authority.pkcs7([leaf]).replace(b"PKCS7", b"CERTIFICATE")
    assert common_names(file(pem)) == ["host.example.com"]
    content = authority.pkcs7([leaf], form="DER")
    at = content.index(b"\x02\x01\x01\x31")
    oid = encode(0x06, bytes.fromhex("2a864886f70d010702"))
    ber = b"\x30\x80" + oid + b"\xa0\x80\x30\x80" + content[at:] + b"\x00\x00" * 3
    assert common_names(file(ber)) == ["host.example.com"]


def test_signed_pkcs7_gives_its_certificates_only(authority, root, leaf):
    words = ["cms", "-sign", "-signer", leaf.path, "-inkey", leaf.key, "-certfile", root.path]
    signed = authority.openssl(*words, "-outform", "DER", "-nodetach", data=b"text")
    assert sorted(common_names(file(signed))) == ["Root", "host.example.com"]


# --- private keys ----------------------------------------------------------------------------------


def private_keys(authority: CertificateAuthority) -> dict[str, bytes]:
    rsa, ec = authority.new_key("rsa2048"), authority.new_key("ec256")
    run = authority.openssl
    encrypted = ["-topk8", "-passout", "pass:secret", "-v2", "aes256"]
    keys = {
        "PKCS#8": rsa.read_bytes(),
        "PKCS#8 DER": run("pkcs8", "-topk8", "-nocrypt", "-in", rsa, "-outform", "DER"),
        "PKCS#1": run("rsa", "-in", rsa, "-traditional"),
        "PKCS#1 DER": run("rsa", "-in", rsa, "-traditional", "-outform", "DER"),
        "PKCS#1 encrypted": run(
            "rsa", "-in", rsa, "-traditional", "-aes128", "-passout", "pass:secret"
        ),
        "EC": run("ec", "-in", ec),
        "EC DER": run("ec", "-in", ec, "-outform", "DER"),
        "Ed25519": authority.new_key("ED25519").read_bytes(),
        "encrypted": run("pkcs8", "-in", rsa, *encrypted),
        "encrypted DER": run("pkcs8", "-in", rsa, *encrypted, "-outform", "DER"),
    }
    short = authority.new_key("ED25519")
    keys["Ed25519 DER"] = run("pkey", "-in", short, "-outform", "DER")
    keys["PKCS#12"] = authority.pkcs12(authority.leaf(None, "own"))
    target = authority.folder / "ssh"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(target)]
    if subprocess.run(command, capture_output=True).returncode == 0:
        keys["OpenSSH"] = target.read_bytes()
    keys["PuTTY"] = b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"
    keys["JWK"] = b'{"kty": "EC", "crv": "P-256", "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZ"}'
    keys["Java"] = b"\xfe\xed\xfe\xed\x00\x00\x00\x02" + bytes(40)
    keys["bare Base64"] = b"".join(keys["PKCS#1"].splitlines(keepends=True)[1:-1])
    return keys


def test_private_keys_of_every_kind_are_refused(authority, root, leaf):
    """Alone, after a certificate, before one, in a text, in a block that claims a certificate."""
    for kind, key in private_keys(authority).items():
        cases = [key]
        if b"-----BEGIN" in key:
            cases += [leaf.pem + key, key + leaf.pem, b"Bag Attributes\n" + key + b"bye\n"]
            cases += [key.rpartition(b"-----END")[0], key.replace(b"-----", b"--", 1)]
        elif key[0] == 0x30:
            cases += [to_pem(key), leaf.der + key, leaf.pem + to_pem(key)]
            cases += [to_pem(key, "SOMETHING"), base64.b64encode(key)]
        secret = max(key.splitlines()[1:] or [key], key=len)[:16].decode("latin-1")
        for case in cases:
            message = refusal(case)
            assert "not stored" in message or "SOMETHING" in message, (kind, message)
            assert secret not in message


def test_key_is_not_in_the_traceback(authority):
    key = authority.new_key("rsa2048").read_bytes()
    with pytest.raises(Refused) as caught:
        read_paste(key.decode())
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__cause__ is None
    assert key.splitlines()[1].decode() not in repr(error.args)


# --- other things ----------------------------------------------------------------------------------


def test_other_things_are_named(authority, root, leaf):
    request = authority.request("/CN=x", authority.new_key())
    wide = leaf.pem.decode().encode("utf-16")
    public = authority.openssl("pkey", "-in", leaf.key, "-pubout")
    for data, name in (
        (request, "a certificate signing request (CSR), not a certificate"),
        (request.replace(b"CERTIFICATE REQUEST", b"CERTIFICATE"), "signing request (CSR)"),
        (authority.revocation_list(root), "a certificate revocation list (CRL)"),
        (public, "a public key"),
        (wide, "UTF-16"),
        (leaf.pem.decode().encode("utf-16-be"), "UTF-16"),
        (leaf.pem.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"), "TRUSTED CERTIFICATE"),
        (leaf.pem.replace(b"CERTIFICATE", b"\x1b[31mX"), '"\\u{1B}[31mX"'),
        (b"<!DOCTYPE html><html>not found</html>", "a web page"),
        (b"PK\x03\x04" + bytes(100), "a ZIP archive"),
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (b"hello\n", "no certificate found in the file"),
        (base64.b64encode(leaf.der), "a certificate without BEGIN and END lines"),
        (bytes(range(256)), "no certificate found in the file"),
    ):
        assert name in refusal(data), data[:40]


def test_damaged_armour(leaf):
    text = leaf.pem.decode()
    lines = text.splitlines(keepends=True)
    for change, words in (
        ("".join(lines[:-1]), "its END line is missing"),
        ("".join(lines[:-1]) + text, "its END line is missing"),
        (text[:-4], "its END line is missing"),
        (text.replace("END CERTIFICATE", "END X509 CRL"), "do not agree"),
        (text.replace(lines[3], "!" + lines[3]), "not Base64"),
        (text.replace(lines[3], ""), "lengths do not agree"),
        ("-----BEGIN CERTIFICATE", "BEGIN line is not complete"),
        ("-----BEGIN \n-----\n", "BEGIN line is not complete"),
        (lines[0] + lines[-1], "is not a usable certificate"),
    ):
        assert words in refusal(change)
    assert "block 2 (line " in refusal(text + "".join(lines[:-1]))


# --- bounds ----------------------------------------------------------------------------------------


def test_paste_of_more_than_a_mebibyte(leaf):
    text = leaf.pem.decode()
    assert "larger than 1048576 octets" in refusal(text + "x" * (1 << 20))
    assert "larger than 1000000 octets" in refusal(text + "\N{EURO SIGN}" * 400000, limit=1000000)


def test_gigabyte_is_refused_unread(tmp_path, leaf):
    path = tmp_path / "bundle.pem"
    path.write_bytes(leaf.pem)
    os.truncate(path, 1 << 30)
    with path.open("rb") as stream:
        with pytest.raises(Refused, match="larger than"):
            read_file(stream)
        assert stream.tell() == 0


class Endless(io.RawIOBase):
    """A stream that says nothing of its size: blocks for ever."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = len(buffer)
        buffer[:] = (self.block * (size // len(self.block) + 1))[:size]
        self.given += size
        return size


@pytest.mark.parametrize(
    "block", [b"text\n", b"\x30\x82\xff\xff", b"\x00", b"-----BEGIN CMS-----\n"]
)
def test_stream_without_end_is_refused_at_the_limit(block):
    stream = Endless(block)
    with pytest.raises(Refused):
        tuple(read_file(io.BufferedReader(stream), limit=1 << 20))
    assert stream.given <= (1 << 20) + (1 << 19)


_BUNDLE = """
import sys
from cucmos_shell.pki.bundle import read_file
with open(sys.argv[1], "rb") as stream:
    kept = [found.der for found in read_file(stream)]
assert len(kept) == 10000
"""


@pytest.mark.unmeasured
@pytest.mark.parametrize("form", ["PEM", "DER", "PKCS#7"])
def test_ten_thousand_certificates_fit_in_memory(tmp_path, leaf, form):
    path = tmp_path / "bundle"
    if form == "PKCS#7":
        body = b"\x02\x01\x01\x31\x00" + encode(0x30, bytes.fromhex("06092a864886f70d010701"))
        body = encode(0x30, body + encode(0xA0, leaf.der * 10000) + b"\x31\x00")
        oid = bytes.fromhex("06092a864886f70d010702")
        path.write_bytes(to_pem(encode(0x30, oid + encode(0xA0, body)), "PKCS7"))
    else:
        path.write_bytes((leaf.pem if form == "PEM" else leaf.der) * 10000)
    words = [sys.executable, "-W", "error", "-c", _BUNDLE + PRINT_PEAK, str(path)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.stderr == ""
    assert int(done.stdout) < 200 * 1024


# --- hostile DER -----------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = encode(0x30, data)
    return data


def certificate_with(der: bytes, old: bytes, new: bytes) -> bytes:
    """The certificate with one part of its body exchanged; its signature holds no more."""
    from cucmos_shell.pki.der import children, element

    _, start, end = element(der)
    body, algorithm, signature = (encode(t, der[a:b]) for t, a, b in children(der, start, end))
    _, start, end = element(body)
    assert old in body
    parts = [encode(t, body[a:b]).replace(old, new) for t, a, b in children(body, start, end)]
    return encode(0x30, encode(0x30, b"".join(parts)) + algorithm + signature)


def long_name(size: int) -> bytes:
    value = encode(0x30, b"\x06\x03\x55\x04\x03" + encode(0x0C, b"A" * size))
    return encode(0x30, encode(0x31, value))


def test_names_of_64_kilobytes(leaf):
    name = leaf.certificate.subject.public_bytes()
    for size, words in ((65536, "larger than a certificate may be"), (20000, "at most")):
        der = certificate_with(leaf.der, name, long_name(size))
        assert words in refusal(der)
        assert words in refusal(to_pem(der).decode())
    der = certificate_with(leaf.der, name, long_name(3000))
    assert file(der)[0].description.common_name == "A" * 3000


def test_lies_about_length(leaf):
    der = leaf.der
    for data in (
        der[:-1],
        der[:100],
        der[:3],
        b"\x30\x84\xff\xff\xff\xff" + der[4:],
        b"\x30\x88" + b"\xff" * 8 + der,
        b"\x30\x80" + der[4:],
        b"\x30\x82\x00\x01" + der[4:],
        der + b"\x00\x01",
        der + der[:-1],
        b"\x30\x85\x01\x00\x00\x00\x00" + der,
    ):
        assert "not a usable certificate" in refusal(data)
        assert refusal(to_pem(data).decode())


def test_deep_nesting(leaf):
    for data in (nested(5000), nested(15000)):
        refusal(data)
        refusal(to_pem(data).decode())
    name = leaf.certificate.subject.public_bytes()
    refusal(certificate_with(leaf.der, name, nested(900)))


def test_fields_that_make_no_sense(leaf):
    der = leaf.der
    key = der[der.index(bytes.fromhex("06072a8648ce3d0201")) :][:9]
    for old, new in (
        (key, bytes.fromhex("06072a8648ce3d0202")),  # a key of no known kind
        (b"\x06\x03\x55\x1d\x0e", b"\x06\x03\x55\x1d\x11"),  # an extension twice
    ):
        refusal(certificate_with(der, old, new))


def read_any(data: bytes) -> None:
    start = time.process_time()
    outcome: object
    try:
        outcome = file(data)
    except Refused as error:
        outcome = error.message()
    assert outcome
    assert time.process_time() - start < 1


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    kinds = st.sampled_from(["set", "drop", "insert", "double", "cut"])
    places = st.integers(0, 1 << 16)
    return draw(st.lists(st.tuples(kinds, places, st.integers(0, 255)), min_size=1, max_size=4))


def mutate(data: bytes, steps: list[tuple[str, int, int]]) -> bytes:
    for kind, place, value in steps:
        at = place % (len(data) + 1)
        if kind == "set":
            data = data[:at] + bytes([value]) + data[at + 1 :]
        elif kind == "drop":
            data = data[:at] + data[at + 1 + value % 8 :]
        elif kind == "insert":
            data = data[:at] + bytes([value]) * (1 + value % 5) + data[at:]
        elif kind == "double":
            data = data[:at] + data[max(0, at - value) : at] + data[at:]
        else:
            data = data[:at]
    return data


@settings(max_examples=250, deadline=None)
@given(steps=mutations(), pem=st.booleans())
def test_mutated_certificates_never_surprise(leaf, steps, pem):
    if pem:
        read_any(to_pem(mutate(leaf.der, steps)))
        read_any(mutate(leaf.pem * 2, steps))
    else:
        read_any(mutate(leaf.der, steps))


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300), head=st.sampled_from([b"", b"\x30", b"-----BEGIN ", b"0\x82"]))
def test_noise_never_surprises(data, head):
    read_any(head + data)


@pytest.mark.unmeasured
@pytest.mark.skipif(not LIMBO.is_dir(), reason="the corpora are not here")
def test_corpus_is_accepted_or_refused_in_time():
    slowest = 0.0
    for path in sorted(LIMBO.glob("*/*.pem")):
        data = path.read_bytes()
        if not data:
            continue
        start = time.process_time()
        with contextlib.suppress(Refused):
            assert file(data)
        slowest = max(slowest, time.process_time() - start)
    assert slowest < PATIENCE


def test_limits_are_where_they_are_said_to_be():
    assert bundle.MAX_PASTE == 1 << 20
    assert bundle.MAX_CERTIFICATE < bundle.MAX_PASTE < bundle.MAX_FILE
