"""Trust list files: what is built verifies, published sizes come out, everything broken is refused."""

import datetime
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sweeping import every

from cucmos_shell.errors import Refused, ShellError
from cucmos_shell.pki import certs
from cucmos_shell.pki.trust_lists import build, form, read
from cucmos_shell.pki.trust_lists.parts import parts

TIME = 1_424_792_265
START = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
EXPIRED_AFTER = datetime.timedelta(days=1825)


def certificate(key, common_name="cucm-pub", serial=0x83E9_0842_4242_4242, signer=None, **more):
    """A certificate in DER, self-signed unless `signer` is `(name, key)`."""
    pairs = [("C", "PL"), ("ST", "Malopolska"), ("L", "Krakow"), ("O", "Cisco"), ("OU", "TAC")]
    name = more.get("name") or certs.subject_name([*pairs, ("CN", common_name)])
    issuer, issuer_key = signer or (name, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(START)
        .not_valid_after(START + EXPIRED_AFTER)
    )
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)


class Cluster:
    """Keys and certificates of a publisher, and what a list of it says."""

    def __init__(self, keys):
        self.key = keys("rsa1024")
        self.der = certificate(self.key)
        self.capf_key = keys("ec256")
        self.capf = certificate(self.capf_key, "CAPF-1", 77)
        self.signer = build.Signer(self.der, certs.key_pem(self.key))

    def parties(self):
        return [
            build.Party(form.SAST, self.der, "cucm-pub", bytes((192, 0, 2, 11))),
            build.Party(2, self.der, "cucm-pub", bytes((192, 0, 2, 11))),
            build.Party(4, self.capf, "cucm-pub", bytes((192, 0, 2, 11))),
        ]

    def list(self, parties=None, digest="sha1", name="CTLFile.tlv"):
        parties = self.parties() if parties is None else parties
        return build.build(name, parties, self.signer, digest=digest, timestamp=TIME)


@pytest.fixture(scope="module")
def cluster(keys):
    return Cluster(keys)


# --- sizes in the manufacturer's documents -------------------------------------------------------


def header_size(name, serial, issuer, signature, file_name=12):
    """The size of a header from the lengths of the values in it, closing NULs included."""
    o = form.OVERHEAD
    group = (o + name) + (o + serial) + (o + issuer)
    bare = 2 * (o + 2) + (o + group) + (o + 15) + (o + signature) + (o + file_name) + (o + 4)
    return bare + -bare % form.WORD


def record_size(*lengths):
    """The size of a record from the lengths of its values, but for its own length and its role."""
    return 2 * (form.OVERHEAD + 2) + sum(form.OVERHEAD + length for length in lengths)


# Lengths of DNSNAME, SUBJECTNAME, ISSUERNAME, SERIALNUMBER, PUBLICKEY, SIGNATURE (not in records
# that the old client wrote), CERTIFICATE, IPADDRESS, and the size shown with them.
TOKEN = ((1, 56, 42, 10, 140, 902, 4), 1186)
EMPTY = ((13, 4), 33)  # CCM+TFTP in non-secure mode: DNSNAME and IPADDRESS only
CLIENT_CAPF = ((13, 60, 60, 16, 140, 680, 4), 1004)
PUBLISHER = ((16, 62, 62, 16, 140, 128, 694, 4), 1156)
CAPF = ((16, 60, 60, 16, 140, 128, 680, 4), 1138)
SUBSCRIBER = ((17, 63, 63, 16, 140, 128, 696, 4), 1161)
LARGER_PUBLISHER = ((16, 62, 62, 16, 270, 256, 955, 4), 1675)
# Lengths of SIGNERNAME, SERIALNUMBER, CANAME, SIGNATURE; the header's size; records; the file's.
PUBLISHED = [
    ((56, 10, 42, 128), 304, (TOKEN, TOKEN, EMPTY, CLIENT_CAPF, EMPTY), 3746),
    ((62, 16, 62, 128), 336, (PUBLISHER, PUBLISHER, CAPF, SUBSCRIBER), 4947),
    ((62, 16, 62, 256), 464, (LARGER_PUBLISHER, LARGER_PUBLISHER, CAPF, SUBSCRIBER), 6113),
]


@pytest.mark.parametrize(("signer", "header", "records", "size"), PUBLISHED)
def test_sizes_are_those_of_published_lists(signer, header, records, size):
    assert header_size(*signer) == header
    for lengths, of_record in records:
        assert record_size(*lengths) == of_record
    assert header + sum(of_record for _, of_record in records) == size


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_the_formulas_agree_with_what_is_built(cluster, digest):
    found = read.read(cluster.list(digest=digest))
    e = found.header.elements
    lengths = (len(e[tag]) for tag in (4, 5, 6, 12))
    assert found.header.size == header_size(*lengths)
    for record in found.records:
        others = [len(v) for tag, v in record.elements.items() if tag not in (1, 4)]
        assert record.size == record_size(*others)
    assert len(found.raw) == found.header.size + sum(r.size for r in found.records)


# --- what is built -------------------------------------------------------------------------------


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_a_built_list_verifies(cluster, digest):
    found = read.read(cluster.list(digest=digest))
    assert read.verify(found) == read.Verified(0, cluster.der)
    assert found.header.digest == digest
    assert found.header.version == (1, 2)
    assert found.header.timestamp == TIME
    assert found.header.file_name == "CTLFile.tlv"
    assert found.header.signer_name == "CN=cucm-pub;OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL"
    assert [r.role_name for r in found.records] == [
        "System Administrator Security Token", "CCM+TFTP", "CAPF",
    ]  # fmt: skip
    assert [r.certificate for r in found.records] == [cluster.der, cluster.der, cluster.capf]
    assert found.records[0].dns_name == "cucm-pub"
    assert found.records[0].address == "192.0.2.11"
    assert found.records[0].serial.hex() == "83e9084242424242"


def test_openssl_verifies_the_signature(cluster, tmp_path, ca):
    """Whoever cuts the signature's element out has the message, and needs none of our code."""
    raw = cluster.list()
    at = raw.index(b"\x0c\x00\x80")
    (tmp_path / "message").write_bytes(raw[:at] + raw[at + 3 + 128 :])
    (tmp_path / "signature").write_bytes(raw[at + 3 : at + 3 + 128])
    key = x509.load_der_x509_certificate(cluster.der).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key").write_bytes(pem)
    words = ["dgst", "-sha1", "-verify", tmp_path / "key", "-signature", tmp_path / "signature"]
    assert ca.openssl(*words, tmp_path / "message") == b"Verified OK\n"


def test_the_bytes_are_in_the_order_of_a_server(cluster):
    raw = cluster.list()
    assert raw[:3] == b"\x01\x00\x02"
    assert raw[3:5] == b"\x01\x02"
    header = read.read(raw).header
    assert list(header.elements) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15]
    assert list(read.read(raw).records[0].elements) == list(range(1, 11))
    assert header.size % 4 == 0
    assert len(header.elements[3]) == 9 + sum(len(header.elements[t]) for t in (4, 5, 6))


def test_a_reader_that_takes_groups_for_markers_finds_the_same(cluster):
    """As another program reads lists: no nesting, any order, the last SAST of that serial signs."""
    raw = cluster.list(digest="sha512")
    header, at, cut = {}, 0, None
    while at < len(raw) and len(header) < 15:
        tag, length = raw[at], int.from_bytes(raw[at + 1 : at + 3], "big")
        if tag == 13:
            break
        if tag in (3, 7, 9):
            header[tag], at = length, at + 3
            continue
        if tag == 12:
            cut = (at, at + 3 + length)
        header[tag] = raw[at + 3 : at + 3 + length]
        at += 3 + length
        if tag == 15:
            break
    size = int.from_bytes(header[2], "big")
    assert raw[at:size] == b"\r" * (-at % 4)
    signer, at = None, size
    while at < len(raw):
        record, end = {}, at + int.from_bytes(raw[at + 3 : at + 5], "big")
        while at < end:
            length = int.from_bytes(raw[at + 1 : at + 3], "big")
            record[raw[at]] = raw[at + 3 : at + 3 + length]
            at += 3 + length
        if record[4] == b"\0\0" and record[6].hex() == header[5].hex():
            signer = record
    assert (signer[3], signer[5]) == (header[4], header[6])
    key = x509.load_der_x509_certificate(signer[9]).public_key()
    message = raw[: cut[0]] + raw[cut[1] :]
    key.verify(header[12], message, padding.PKCS1v15(), hashes.SHA512())


@pytest.mark.parametrize(("moment", "told"), [(-5, 0), (0, 0), (1 << 32, 0xFFFF_FFFF)])
def test_a_time_that_does_not_fit_is_the_nearest_that_does(cluster, moment, told):
    raw = build.build(
        "CTLFile.tlv", cluster.parties(), cluster.signer, digest="sha1", timestamp=moment
    )
    assert read.read(raw).header.timestamp == told


def test_an_ec_certificate_is_a_party_and_no_signer(cluster):
    its = read.read(cluster.list()).records[2].elements
    assert its[7][0] == 4
    assert len(its[7]) == 65
    assert its[8] == x509.load_der_x509_certificate(cluster.capf).signature
    with pytest.raises(Refused, match="cannot sign"):
        build.Signer(cluster.capf, certs.key_pem(cluster.capf_key))


def test_a_key_of_3072_bits_has_no_number(keys):
    key = keys("rsa3072")
    with pytest.raises(Refused, match="512, 1024, 2048, 4096"):
        build.Signer(certificate(key), certs.key_pem(key))


def test_a_signer_shows_no_key(cluster):
    assert repr(cluster.signer) == "<Signer>"


def test_a_party_without_a_certificate_keeps_its_place(cluster):
    """As CCM+TFTP does in non-secure mode: a name and an address, 33 octets for 10.48.47.153."""
    party = build.Party(2, b"", "10.48.47.153", bytes((10, 48, 47, 153)))
    found = read.read(cluster.list([cluster.parties()[0], party]))
    assert read.verify(found).signer == 0
    assert found.records[1].size == 33
    assert list(found.records[1].elements) == [1, 2, 4, 10]


def test_names_have_one_order_and_escapes(keys):
    def text(*pairs):
        return build.name_text(x509.Name([x509.NameAttribute(o, v) for o, v in pairs]))

    assert text((NameOID.COUNTRY_NAME, "PL"), (NameOID.COMMON_NAME, "a")) == "CN=a;C=PL"
    assert (
        text(
            (NameOID.SERIAL_NUMBER, "9"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "one"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "two"),
            (NameOID.COMMON_NAME, "a;b\\c"),
        )
        == "CN=a\\;b\\\\c;OU=one;OU=two;SERIALNUMBER=9"
    )
    assert text((NameOID.COMMON_NAME, " # \0 ")) == "CN=\\ # \\00\\ "


# --- round trips ---------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
roles = st.sampled_from([0, 1, 2, 3, 4, 7, 21, 999])
addresses = st.one_of(st.just(b""), st.binary(min_size=4, max_size=4))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), digest=st.sampled_from(["sha1", "sha512"]))
def test_whatever_is_built_reads_back_the_same(cluster, data, digest):
    ders = st.sampled_from([b"", cluster.der, cluster.capf])
    others = data.draw(st.lists(st.builds(build.Party, roles, ders, texts, addresses), max_size=8))
    parties = [*others, cluster.parties()[0]]
    raw = cluster.list(parties, digest)
    found = read.read(raw)
    assert read.verify(found).certificate == cluster.der
    assert len(found.records) == len(parties)
    for record, party in zip(found.records, parties, strict=True):
        assert record.role == party.role
        assert record.certificate == party.certificate
        assert record.dns_name == party.dns_name
        assert record.elements.get(form.ADDRESS, b"") == party.address
        if party.certificate:
            subject, issuer = build.names(certs.load_der(party.certificate))
            assert (record.subject, record.issuer) == (subject, issuer)
            assert record.serial == parts(party.certificate)[0]
    again = build.sign_again(
        raw, found.header.size, "ITLFile.tlv", cluster.signer, digest=digest, timestamp=TIME + 1
    )
    assert read.read(again).contents == found.contents
    read.verify(read.read(again))


@settings(max_examples=40, deadline=None)
@given(
    serial=st.integers(1, 2**159 - 1),
    name=st.lists(
        st.tuples(
            st.sampled_from(["CN", "OU", "O", "L", "ST", "DC"]),
            st.text(st.characters(codec="ascii"), min_size=1, max_size=40),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_a_signer_of_any_name_and_serial_is_found(cluster, serial, name):
    try:
        subject = certs.subject_name(name)
    except ValueError:
        return
    der = certificate(cluster.key, serial=serial, name=subject)
    signer = build.Signer(der, certs.key_pem(cluster.key))
    raw = build.build("CTLFile.tlv", [build.Party(0, der)], signer, digest="sha1", timestamp=0)
    found = read.read(raw)
    assert read.verify(found).certificate == der
    assert int.from_bytes(found.records[0].serial, "big") == serial
    assert found.records[0].serial[0]


# --- everything broken is refused ----------------------------------------------------------------


def refused(data):
    """Whether the list is refused; anything but a ShellError is a failure of the test."""
    try:
        read.verify(read.read(data))
    except ShellError as error:
        return bool(error.message())
    return False


def small_list(cluster):
    raw = cluster.list(cluster.parties()[:2])
    assert 2_000 < len(raw) < 2_500
    return raw


def test_every_truncation_is_refused(cluster):
    raw = small_list(cluster)
    assert not refused(raw)
    assert all(refused(raw[:n]) for n in range(len(raw)))
    assert all(refused(raw + extra) for extra in (b"\0", b"\r", raw, b"\1\0\2\0\5"))


def test_every_changed_byte_is_refused(cluster):
    """Each octet with each of its bits turned, and set to the values that mean most."""
    raw = small_list(cluster)
    for at, octet in enumerate(raw):
        for other in {*(octet ^ 1 << bit for bit in range(8)), 0, 13, 255} - {octet}:
            assert refused(raw[:at] + bytes((other,)) + raw[at + 1 :]), (at, other)


@pytest.mark.slow
def test_every_value_of_every_byte_is_refused(cluster):
    raw = small_list(cluster)
    step = every(of=4)
    for at, octet in enumerate(raw):
        for other in set(range(at % step, 256, step)) - {octet}:
            assert refused(raw[:at] + bytes((other,)) + raw[at + 1 :]), (at, other)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_piece_taken_out_put_in_or_doubled_is_refused(cluster, data):
    raw = small_list(cluster)
    a = data.draw(st.integers(0, len(raw)))
    b = data.draw(st.integers(a, min(len(raw), a + 400)))
    piece = data.draw(st.one_of(st.just(b""), st.just(raw[a:b] * 2), st.binary(max_size=40)))
    changed = raw[:a] + piece + raw[b:]
    assert changed == raw or refused(changed)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda b: HEAD + b)))
def test_noise_is_refused(noise):
    assert refused(noise)


HEAD = b"\x01\x00\x02\x01\x02\x02\x00\x02\x00\x40"


def test_a_hundred_mebibytes_of_zeros_are_refused_at_once():
    zeros = bytes(100 << 20)
    with pytest.raises(Refused, match="larger than"):
        read.read(zeros)
    with pytest.raises(Refused):
        read.read(bytes(form.MAX_FILE))


def test_as_many_records_as_fit_are_read_in_a_moment(forge, cluster):
    """The smallest there are, a role each: what a list of the largest size can cost."""
    small = b"\1\0\2\0\x0a\4\0\2\0\4"
    forge.records = build.record(cluster.parties()[0]) + small * 52_000
    raw = forge.header(*forge.usual())
    assert form.MAX_FILE - 4000 < len(raw) <= form.MAX_FILE
    begin = time.process_time()
    assert not refused(raw)
    assert time.process_time() - begin < 5


class Forge:
    """Headers and records put together by hand, signed properly: broken where a test breaks them."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.records = b"".join(map(build.record, cluster.parties()[:1]))

    def element(self, tag, value):
        return bytes((tag,)) + len(value).to_bytes(2, "big") + value

    def parts(self):
        subject, issuer = build.names(certs.load_der(self.cluster.der))
        serial = parts(self.cluster.der)[0]
        return {
            4: self.element(4, subject.encode() + b"\0"),
            5: self.element(5, serial),
            6: self.element(6, issuer.encode() + b"\0"),
            8: self.element(8, b"\1"),
            10: self.element(10, b"\0"),
            11: self.element(11, b"\1"),
            14: self.element(14, b"CTLFile.tlv\0"),
            15: self.element(15, TIME.to_bytes(4, "big")),
        }

    def header(self, before, after, padding_octets=None, size=None):
        """A signed file of `before`, signature, `after`, padding and the records."""
        bare = 10 + len(before) + 3 + 128 + len(after)
        pad = b"\r" * (-bare % 4) if padding_octets is None else padding_octets
        size = bare + len(pad) if size is None else size
        start = b"\1\0\2\1\2" + self.element(2, size.to_bytes(2, "big")) + before
        message = start + after + pad + self.records
        signature = self.cluster.key.sign(message, padding.PKCS1v15(), hashes.SHA1())
        return start + self.element(12, signature) + after + pad + self.records

    def group(self, tag, *pieces):
        return self.element(tag, b"".join(pieces))

    def usual(self, **changes):
        p = self.parts() | {int(k[1:]): v for k, v in changes.items()}
        before = self.group(3, p[4], p[5], p[6])
        before += self.group(7, p[8], self.group(9, p[10], p[11]))
        return before, p[14] + p[15]


@pytest.fixture
def forge(cluster):
    return Forge(cluster)


def test_a_forged_header_like_ours_is_ours(forge, cluster):
    assert forge.header(*forge.usual()) == cluster.list(cluster.parties()[:1])


def test_another_order_and_unknown_elements_are_read(forge):
    """As other writers have them: 6 before 5, a signer's version, the name first; none is lost."""
    p = forge.parts()
    before = forge.element(28, b"\1\0") + forge.group(3, p[4], p[6], p[5]) + p[14]
    before += forge.group(7, p[8], forge.group(9, p[11], p[10])) + forge.element(99, b"?" * 9)
    raw = forge.header(before, p[15] + forge.element(200, b""))
    assert not refused(raw)
    assert 99 not in read.read(raw).header.elements


def test_a_header_without_a_time_is_of_an_old_release(forge):
    before, _ = forge.usual()
    raw = forge.header(before, forge.parts()[14])
    assert not refused(raw)
    assert read.read(raw).header.timestamp is None


def test_unknown_elements_of_records_are_skipped(forge, cluster):
    record = build.record(cluster.parties()[0])
    extra = forge.element(77, b"new") + forge.element(11, b"x" * 20)
    size = len(record) + len(extra)
    forge.records = b"\1\0\2" + size.to_bytes(2, "big") + record[5:] + extra
    raw = forge.header(*forge.usual())
    assert not refused(raw)
    assert 77 not in read.read(raw).records[0].elements


def test_groups_that_do_not_nest_are_refused(forge):
    p = forge.parts()
    good = forge.group(7, p[8], forge.group(9, p[10], p[11]))
    names = p[4] + p[5] + p[6]
    after = p[14] + p[15]
    shorter = b"\3" + (len(names) - 1).to_bytes(2, "big") + names
    longer = b"\3" + (len(names) + 3).to_bytes(2, "big") + names
    empty = b"\3\0\0" + names
    inside = forge.group(3, names, good)
    outside = forge.group(3, p[4], p[5]) + p[6]
    for start in (shorter + good, longer + good, empty + good, inside, outside + good):
        assert refused(forge.header(start, after))
    for start in (
        forge.group(7, p[8]) + forge.group(9, p[10], p[11]),
        forge.group(7, p[8], p[10], forge.group(9, p[11])),
        forge.group(7, forge.group(9, p[8], p[10], p[11])),
        forge.group(9, p[10], p[11], forge.group(7, p[8])),
    ):
        assert refused(forge.header(forge.group(3, names) + start, after))


def test_lengths_that_lie_are_refused(forge):
    before, after = forge.usual()
    size = read.read(forge.header(before, after)).header.size
    for lie in (0, 4, 9, 12, size - 4, size + 4, size - 1, 0xFFFF, 0xFFFC):
        assert refused(forge.header(before, after, size=lie))
    record = forge.records
    for lie in (0, 4, 5, len(record) - 1, len(record) + 1, 0xFFFF):
        forge.records = record[:3] + lie.to_bytes(2, "big") + record[5:]
        assert refused(forge.header(before, after))


@pytest.mark.parametrize("pad", [b"", b"\r\r\r\r", b"\r" * 7, b"\0", b"\r\0\r", b"\n\n\n", b"\r\r"])
def test_padding_that_is_wrong_is_refused(forge, pad):
    before, after = forge.usual()
    right = b"\r" * (-(10 + len(before) + 131 + len(after)) % 4)
    assert pad == right or refused(forge.header(before, after, pad))


def test_padding_in_the_wrong_place_is_refused(forge):
    p = forge.parts()
    before, after = forge.usual()
    for start, end in (
        (b"\r" + before, after),
        (before + b"\r", after),
        (before, p[14] + b"\r" + p[15]),
        (before, p[14] + b"\r\r\r\r" + p[15]),
        (forge.group(3, p[4], b"\r", p[5], p[6]) + before[before.index(b"\7\0\x0f") :], after),
    ):
        assert refused(forge.header(start, end))


def test_missing_doubled_and_misshapen_elements_are_refused(forge):
    before, after = forge.usual()
    p = forge.parts()
    assert refused(forge.header(before, p[15]))
    assert refused(forge.header(before, after + p[14]))
    assert refused(forge.header(before + forge.element(1, b"\1\2"), after))
    for change in (
        {"_8": forge.element(8, b"\0")}, {"_8": forge.element(8, b"\4")},
        {"_8": forge.element(8, b"\1\1")}, {"_10": forge.element(10, b"\1")},
        {"_11": forge.element(11, b"\2")}, {"_11": forge.element(11, b"\7")},
        {"_15": forge.element(15, b"\0" * 5)}, {"_14": forge.element(14, b"CTL\0File\0")},
        {"_14": forge.element(14, b"\xff\xfe\0")},
    ):  # fmt: skip
        assert refused(forge.header(*forge.usual(**change)))


def test_largest_values_are_read_or_refused(forge, cluster):
    """A value may be of 65,535 octets by its length, but no record or header holds one."""
    role = forge.element(4, b"\0\2")
    room = 0xFFFF - 5 - len(role) - 3
    for size, fits in ((room, True), (room + 1, False), (0xFFFF, False)):
        body = role + forge.element(2, b"n" * (size - 1) + b"\0")
        record = b"\1\0\2" + (len(body) + 5 & 0xFFFF).to_bytes(2, "big") + body
        forge.records = build.record(cluster.parties()[0]) + record
        assert refused(forge.header(*forge.usual())) != fits
    with pytest.raises(Refused, match="does not fit"):
        build.record(build.Party(2, b"", "n" * room))
    with pytest.raises(Refused, match="does not fit"):
        build.record(build.Party(2, b"", "n" * 70_000))
    assert len(build.record(build.Party(2, b"", "n" * (room - 1)))) == 0xFFFF


def test_a_record_that_contradicts_its_certificate_is_refused(forge, cluster):
    good = build.record(cluster.parties()[0])
    serial, key = parts(cluster.der)
    for value in (serial, key, x509.load_der_x509_certificate(cluster.der).signature):
        at = good.index(value)
        forge.records = good[:at] + value[:-1] + bytes((value[-1] ^ 1,)) + good[at + len(value) :]
        with pytest.raises(Refused, match="its certificate's"):
            read.read(forge.header(*forge.usual()))
    forge.records = good.replace(cluster.der[:4], b"\x31" + cluster.der[1:4])
    with pytest.raises(Refused, match="malformed"):
        read.read(forge.header(*forge.usual()))


# --- signers -------------------------------------------------------------------------------------


def test_a_signer_without_its_role_is_refused(cluster):
    raw = cluster.list(cluster.parties()[1:])
    with pytest.raises(Refused, match="has not the role"):
        read.verify(read.read(raw))


def test_a_signer_that_is_not_in_the_list_is_refused(cluster):
    for parties in ([], cluster.parties()[2:]):
        with pytest.raises(Refused, match="not in the list"):
            read.verify(read.read(cluster.list(parties)))


def test_a_signer_without_its_certificate_is_refused(forge, cluster):
    e = forge.element
    _, issuer = build.names(certs.load_der(cluster.der))
    body = e(4, b"\0\0") + e(5, issuer.encode() + b"\0") + e(6, parts(cluster.der)[0])
    forge.records = b"\1\0\2" + (len(body) + 5).to_bytes(2, "big") + body
    with pytest.raises(Refused, match="certificate of the list's signer"):
        read.verify(read.read(forge.header(*forge.usual())))


def test_two_signers_with_one_serial_are_told_apart_by_issuer(cluster, keys):
    """With another issuer the right one is found; with the same one there is no right one."""
    serial = int.from_bytes(parts(cluster.der)[0], "big")
    other_key = keys("rsa1024")
    other = certificate(other_key, "cucm-other", serial)
    signer, *rest = cluster.parties()
    for parties in ([build.Party(0, other), signer], [signer, build.Party(0, other)]):
        assert read.verify(read.read(cluster.list(parties))).certificate == cluster.der
    same = certificate(other_key, "cucm-pub", serial)
    with pytest.raises(Refused, match="Two signers"):
        read.verify(read.read(cluster.list([build.Party(0, same), signer, *rest])))
    twice = read.verify(read.read(cluster.list([signer, signer])))
    assert twice.signer == 0


def test_a_list_signed_by_another_key_is_refused(cluster, keys):
    other = build.Signer(cluster.der, certs.key_pem(keys("rsa1024")))
    raw = build.build("CTLFile.tlv", cluster.parties(), other, digest="sha1", timestamp=TIME)
    with pytest.raises(Refused, match="signature is wrong"):
        read.verify(read.read(raw))


def test_a_signer_of_another_size_or_kind_is_refused(cluster, keys):
    """The header says 1024 bits; the certificate that it names has another key."""
    for kind in ("rsa2048", "ec256"):
        key = keys(kind)
        der = certificate(key, "cucm-pub", 5)
        signer = build.Signer(der, certs.key_pem(cluster.key))
        raw = build.build("CTLFile.tlv", [build.Party(0, der)], signer, digest="sha1", timestamp=1)
        with pytest.raises(Refused, match="not of the kind"):
            read.verify(read.read(raw))


def test_the_signers_of_a_list_are_its_tokens(cluster):
    assert read.signers(read.read(cluster.list())) == [cluster.der]
