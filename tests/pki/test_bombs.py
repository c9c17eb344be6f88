"""What a file says about its own cost is read before it is opened."""

import pathlib
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from cucmos_shell.commands.bulk import pack, unpack
from cucmos_shell.errors import Refused
from cucmos_shell.node.access import passwords
from cucmos_shell.pki.der import children, element, encode
from cucmos_shell.pki.pkcs12 import MAX_ITERATIONS, MAX_KEY_BAG, tame

PASSWORD = "secret"
BOMB = 2**31 - 1


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    """`(key file, certificate file)`, made by OpenSSL."""
    folder = tmp_path_factory.mktemp("pkcs12")
    words = "req -x509 -newkey rsa:2048 -nodes -subj /CN=x -days 30 -keyout key.pem -out cert.pem"
    subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)
    return folder


def made(issued, *options):
    """A file made by OpenSSL."""
    words = [
        "pkcs12",
        "-export",
        "-inkey",
        "key.pem",
        "-in",
        "cert.pem",
        "-passout",
        "pass:secret",
        "-out",
        "out.p12",
    ]
    subprocess.run(["openssl", *words, *options], cwd=issued, check=True, capture_output=True)
    return (pathlib.Path(issued) / "out.p12").read_bytes()


def by_library(issued, encryption):
    key = load_pem_private_key((issued / "key.pem").read_bytes(), None)
    certificate = x509.load_pem_x509_certificate((issued / "cert.pem").read_bytes())
    return pkcs12.serialize_key_and_certificates(b"x", key, certificate, None, encryption)


def integer(number):
    return encode(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


ORDINARY = {
    "as OpenSSL does": (),
    "as OpenSSL 1 did": ("-legacy",),
    "3DES": ("-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"),
    "certificates in the open": ("-certpbe", "NONE"),
    "a hundred thousand": ("-iter", "100000"),
    "without a check sum": ("-nomac",),
}


class TestOrdinaryFilesOpen:
    @pytest.mark.parametrize("how", ORDINARY)
    def test_by_openssl(self, issued, how):
        """The same key and certificate come out, and none by another password."""
        data = made(issued, *ORDINARY[how])
        tamed = tame(data)
        key, certificate, _ = pkcs12.load_key_and_certificates(tamed, PASSWORD.encode())
        again = pkcs12.load_key_and_certificates(data, PASSWORD.encode())
        assert certificate == again[1]
        assert key.private_numbers() == again[0].private_numbers()
        with pytest.raises(ValueError, match=r"\w"):
            pkcs12.load_key_and_certificates(tamed, b"another")

    def test_by_the_library(self, issued):
        kinds = (
            BestAvailableEncryption(b"secret"),
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(50_000)
            .hmac_hash(hashes.SHA256())
            .build(b"secret"),
        )
        for encryption in kinds:
            tamed = tame(by_library(issued, encryption))
            key, certificate, _ = pkcs12.load_key_and_certificates(tamed, b"secret")
            assert key.public_key() == certificate.public_key()

    def test_certificates_alone(self, issued):
        certificate = x509.load_pem_x509_certificate((issued / "cert.pem").read_bytes())
        der = certificate.public_bytes(Encoding.DER)
        assert unpack(pack([der]), "x") == [der]


class TestACountOverTheBoundIsRefusedUnopened:
    @pytest.mark.parametrize("options", [("-iter", "3000000"), ("-iter", "3000000", "-legacy")])
    def test_a_file_of_openssl(self, issued, options):
        data = made(issued, *options)
        with pytest.raises(ValueError, match="costs"):
            tame(data)

    @pytest.mark.parametrize("number", [MAX_ITERATIONS, BOMB, 2**63, 2**5000])
    @pytest.mark.parametrize("place", [0, 1])
    def test_any_number(self, issued, place, number):
        """Of what is encrypted, and of a key."""
        with pytest.raises(ValueError, match="costs"):
            tame(with_count(made(issued), place, number))

    def test_the_count_of_the_check_sum_is_not_looked_at(self, issued):
        key, _, _ = pkcs12.load_key_and_certificates(
            tame(with_count(made(issued), 2, BOMB)), PASSWORD.encode()
        )
        assert key.key_size == 2048

    def test_scrypt(self, issued):
        pbkdf2 = bytes.fromhex("2a864886f70d01050c")
        scrypt = bytes.fromhex("2b06010401da47040b")
        data = made(issued)
        assert data.count(pbkdf2) == 2
        with pytest.raises(ValueError, match="scrypt"):
            tame(data.replace(pbkdf2, scrypt))

    def test_the_key_in_the_open_is_met_first(self, issued):
        """OpenSSL writes it last; of a second key nothing is opened."""
        data = made(issued)
        key, secret = bytes.fromhex("2a864886f70d010c0a0102"), bytes.fromhex("2a864886f70d010706")
        assert data.index(key) > data.index(secret)
        assert tame(data).index(key) < tame(data).index(secret)

    def test_a_key_inside_of_what_is_encrypted(self, issued):
        """Nobody can tell what is hashed for it, and it would be the first that is met."""
        data = made(issued, "-certpbe", "NONE", "-keypbe", "NONE")
        assert tame(data)
        with pytest.raises(ValueError, match=r"\w"):
            tame(data.replace(bytes.fromhex("2a864886f70d010c0a0101"),
                              bytes.fromhex("2a864886f70d010c0a0103")))  # fmt: skip

    def test_nothing_that_is_encrypted_in_a_bulk_file(self, issued):
        for options in ((), ("-certpbe", "NONE"), ("-legacy",)):
            with pytest.raises(Refused):
                unpack(made(issued, *options), "x.p12")

    @pytest.mark.parametrize("kind", ["0101", "0102", "0105", "0106"])
    def test_a_key_larger_than_any_of_4096_bits(self, issued, kind):
        """Its factors would be looked at, for hours; nor anything that may hold one."""
        data = made(issued)
        name = bytes.fromhex("2a864886f70d010c0a") + bytes.fromhex(kind)
        for size in (MAX_KEY_BAG - 100, MAX_KEY_BAG):
            bag = encode(0x30, encode(0x06, name) + encode(0xA0, encode(0x04, bytes(size))))
            content = encode(0xA0, encode(0x04, encode(0x30, bag)))
            more = encode(0x30, encode(0x06, bytes.fromhex("2a864886f70d010701")) + content)
            if size < MAX_KEY_BAG:
                assert bag in tame(with_content(data, more))
            else:
                with pytest.raises(ValueError, match="too large"):
                    tame(with_content(data, more))

    def test_a_key_of_4096_bits(self, issued):
        """The largest that anything here is made with."""
        words = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -outform DER"
        done = subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
        assert len(done.stdout) < MAX_KEY_BAG - 1000

    def test_anything_else_is_no_file(self, issued):
        data = made(issued)
        for end in range(0, len(data), 7):
            with pytest.raises(ValueError, match=r"\w"):
                tame(data[:end])
        for other in (b"", b"\x30\x80\x02\x01\x03", b"\x30" * 1000, bytes(100)):
            with pytest.raises(ValueError, match=r"\w"):
                tame(other)
        with pytest.raises(Refused):
            unpack(by_library(issued, NoEncryption()), "x.p12")


def with_content(data, more):
    """A file with `more` behind its contents."""
    _, authenticated = list(children(data, *element(data)[1:]))[:2]
    _, content = children(data, *authenticated[1:])
    inside = element(data, content[1])
    contents = element(data, inside[1])
    anew = encode(0x30, data[contents[1] : contents[2]] + more)
    wrapped = encode(0x30, data[authenticated[1] : content[1] - 4] + encode(0xA0, encode(4, anew)))
    return encode(0x30, b"\x02\x01\x03" + wrapped)


def with_count(data, place, number):
    """`data` with another number in the place of the count of that place, 2048 in each."""
    seen = 0

    def anew(start, end):
        nonlocal seen
        parts = []
        for tag, begin, stop in children(data, start, end):
            inner = data[begin:stop]
            if tag == 0x02 and inner == b"\x08\x00":
                parts.append(integer(number) if seen == place else encode(tag, inner))
                seen += 1
            elif tag & 0x20 or (tag == 0x04 and inner[:2] == b"\x30\x82"):
                parts.append(encode(tag, anew(begin, stop)))
            else:
                parts.append(encode(tag, inner))
        return b"".join(parts)

    grown = anew(0, len(data))
    assert seen == 3
    return grown


class TestAHashThatWouldTakeTooMuchIsNobodys:
    @pytest.mark.parametrize(
        "parameters", ["m=19456,t=4000000000,p=1", "m=4294967295,t=2,p=1", "m=19456,t=2,p=200"]
    )
    def test_a_hash_of_a_restored_state(self, parameters):
        """It takes as long as any, and is not right."""
        phc = passwords.make_hash("Blue-Harbour7")
        assert passwords.matches("Blue-Harbour7", phc)
        bomb = phc.replace("m=19456,t=2,p=1", parameters)
        assert bomb != phc
        begun = time.process_time()
        assert not passwords.matches("Blue-Harbour7", bomb)
        assert time.process_time() - begun < 5
