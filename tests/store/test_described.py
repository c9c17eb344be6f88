"""Descriptions beside certificates: the certificate is the truth, whatever lies beside it."""

import json
import pathlib
import tarfile

import pytest
from harness import Conversation, clock_world
from hypothesis import given, settings
from hypothesis import strategies as st
from make_state import PRODUCTS, STATES
from one_shot import loaded
from places import LIMBO
from small_store import row

from cucmos_shell.errors import Refused
from cucmos_shell.node import Node
from cucmos_shell.pki import certs
from cucmos_shell.pki.description import FORM, name_text, packed, unpacked
from cucmos_shell.store import described
from cucmos_shell.store.rows import TrustIndex
from cucmos_shell.store.state_json import sealed, unsealed

KEPT = pathlib.Path(__file__).parents[1] / "support" / "described"
LINES = (
    "show cert own tomcat", "show cert own tomcat brief", "show cert own cup-xmpp",
    "show cert trust tomcat-trust/imp-pub.pem", "show cert trust tomcat-trust/imp-pub.pem brief",
)  # fmt: skip
TEXTS = st.text(max_size=20) | st.sampled_from(['"', "\ud800", "a\nb", "\x00", "admin:"])


def beside(node_dir):
    """Every description in a state folder."""
    own = pathlib.Path(node_dir).glob("store/versions/*/*/certs/*.json")
    return sorted([*own, *pathlib.Path(node_dir).glob("store/pool/*.json")])


def spoken(node_dir, world):
    """What the lines show, as text and as JSON."""
    say = Conversation(Node.open(str(node_dir), world))
    shown = [say(line) for line in LINES]
    say("set output json")
    return shown + [say(line) for line in LINES]


def back(octets):
    """What a file of the store says."""
    return unpacked(json.loads(unsealed(octets, "")[0]))


# --- what is kept ----------------------------------------------------------------------------------


def test_each_certificate_is_described_when_it_comes_in(node, say, outside_ca):
    """As it would be now: at installation, by a change, by an import, by going back."""
    say("set cert regen tomcat", "yes")
    say("set cert import trust tomcat", outside_ca.root().pem.decode())
    say("utils store rollback 2", "yes")
    assert say.status == 0
    found = beside(node.state_dir)
    for path in found:
        assert path.read_bytes() == described.octets(path.with_suffix(".der").read_bytes())
    pool = pathlib.Path(node.layout.pool)
    assert len(list(pool.glob("*.der"))) > len(node.snapshot().units)
    assert {path.stem for path in pool.glob("*.der")} == {path.stem for path in pool.glob("*.json")}
    own = {(path.parents[2].name, path.parents[1].name) for path in found if path.parent != pool}
    assert {(unit, str(node.snapshot().version(unit))) for unit in node.snapshot().units} <= own


def test_a_long_list_is_described_when_somebody_asks(node, say, monkeypatch, outside_ca):
    """Of ten thousand it would be ten thousand more files."""
    monkeypatch.setattr(described, "MAX_KEPT", 1)
    known = beside(node.state_dir)
    roots = b"".join(outside_ca.root(f"Root {i}").pem for i in range(2))
    say("set cert import trust tomcat", roots.decode())
    assert beside(node.state_dir) == known
    assert "Subject Name: CN=Root 1" in say("show cert trust tomcat-trust/Root_1.pem")


def test_a_description_goes_with_its_certificate(node, say, outside_ca):
    """When no kept state has it any more."""
    say("set cert import trust tomcat", outside_ca.root("Gone").pem.decode())
    row = node.snapshot().find_trust("tomcat-trust", "Gone")
    path = pathlib.Path(node.layout.pool_file(row.sha256, "json"))
    assert path.exists()
    say("set cert delete tomcat-trust Gone.pem")
    assert path.exists()
    say("utils store purge", "yes")
    assert not path.exists()


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.der")), ids=lambda path: path.stem)
def test_what_is_kept_in_one_form_stays_what_is_said(path):
    """Whoever describes certificates otherwise gives `FORM` another number, and writes these anew."""
    octets = path.with_suffix(".json").read_bytes()
    assert json.loads(octets)["form"] == FORM
    assert octets == described.octets(path.read_bytes())


def real_certificates():
    """Those of the public suite, where it is."""
    return sorted(LIMBO.glob("*/*.pem"))[::23]


@pytest.mark.parametrize(
    "path", real_certificates(), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_what_is_kept_is_what_was_described(path):
    """Each value and its type, whatever extensions there are."""
    try:
        found = certs.describe(certs.load_pem(path.read_bytes()))
    except Refused:
        return
    kept = unpacked(json.loads(packed(found)))
    assert kept == found
    assert repr(kept) == repr(found)


@settings(max_examples=50, deadline=None)
@given(text=TEXTS, number=st.integers(-(2**160), 2**160), octets=st.binary(max_size=40))
def test_no_text_is_lost_on_the_way(node_template_description, text, number, octets):
    """Names in certificates are anybody's."""
    one = node_template_description
    line = one.extensions[0].lines[0]._replace(label=text, items=(text, text))
    changed = one._replace(
        serial=number, subject=(((text, text), ("CN", text)),), common_name=text, ca=None,
        alternative_names=(text,), key_usage=None, signature=octets,
        key=one.key._replace(value=octets), ocsp_uris=(text,),
        extensions=(one.extensions[0]._replace(name=text, lines=(line,)),),
    )  # fmt: skip
    assert back(sealed(packed(changed))) == changed


@pytest.fixture(scope="module")
def node_template_description(imp_template):
    """What a certificate of the product says."""
    path = next(imp_template.glob("store/versions/tomcat/1/certs/*.der"))
    return certs.describe(certs.load_der(path.read_bytes()))


# --- what is shown ---------------------------------------------------------------------------------


def spoiled(kind, octets, other):
    """A description that is not to be believed."""
    whole = json.loads(unsealed(octets, "")[0])
    return {
        "empty": b"",
        "an octet": octets[:700] + bytes([octets[700] ^ 1]) + octets[701:],
        "cut": octets[:-40],
        "another's": other,
        "another form": sealed(json.dumps({**whole, "form": FORM + 1}).encode()),
        "without a sum": json.dumps(whole).encode(),
        "no certificate in it": sealed(json.dumps({"form": FORM, "certificate": None}).encode()),
        "keys it should not have": sealed(
            json.dumps({"form": FORM, "certificate": {**whole["certificate"], "x": 1}}).encode()
        ),
        "a pit": sealed(b'{"form": ' + b"[" * 100_000),
        "not text": b"\xff" * 900,
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["empty", "an octet", "cut", "another's", "another form", "without a sum",
     "no certificate in it", "keys it should not have", "a pit", "not text", "gone", "a folder"],
)  # fmt: skip
def test_a_certificate_shows_what_it_says(node_dir, world, kind):
    """With a description that is not to be believed as with a good one."""
    before = spoken(node_dir, world)
    # Under the names of these lies what is of other certificates.
    foreign = sorted(path.read_bytes() for path in beside(node_dir))
    for path in beside(node_dir):
        octets = path.read_bytes()
        path.unlink()
        if kind == "a folder":
            path.mkdir()
        elif kind != "gone":
            other = next(one for one in foreign if one != octets)
            path.write_bytes(spoiled(kind, octets, other))
    assert spoken(node_dir, world) == before


@pytest.mark.unmeasured
def test_a_kept_description_is_enough(node_dir):
    """Showing a certificate reads no certificate, and its JSON writes by no library."""
    shown = ("show cert own tomcat", "show cert own tomcat pem", "show cert own tomcat brief",
             "show cert trust tomcat-trust/imp-pub.pem", "set output json", "show cert own tomcat",
             "show cert list own")  # fmt: skip
    there, _ = loaded(node_dir, *(["-c", line] for line in shown))
    assert not there & {"cryptography", "json"}
    for path in beside(node_dir):
        path.unlink()
    assert "cryptography" in loaded(node_dir, ["-c", "show cert own tomcat"])[0]


# --- rows of earlier versions ----------------------------------------------------------------------


@pytest.fixture(params=PRODUCTS)
def earlier(request, tmp_path, keys):
    """A conversation with a node whose rows have no subject."""
    with tarfile.open(STATES / f"2026-11-30-{request.param}.tar.xz") as packed_state:
        packed_state.extractall(tmp_path, filter="data")
    world, clock = clock_world(keys)
    clock.time = (tmp_path / "node" / "services.json").stat().st_mtime + 3600
    return Conversation(Node.open(str(tmp_path / "node"), world))


def rows(snapshot):
    """`(row, its certificate)` of all there are."""
    for unit in snapshot.units:
        yield snapshot.own(unit).row, snapshot.own_der(unit)
    for store in snapshot.stores:
        for one in snapshot.trust(store):
            yield one, snapshot.certificate_der(one.sha256)


def names(der):
    """Subject and alternative names that the certificate has."""
    found = certs.describe(certs.load_der(der))
    return name_text(found.subject), list(found.alternative_names)


def test_a_list_shows_of_an_old_row_what_its_certificate_says(earlier):
    """Without any change."""
    snapshot = earlier.node.snapshot()
    known = {one.sha256: names(der) for one, der in rows(snapshot)}
    assert {one.subject for one, _ in rows(snapshot)} == {None}
    earlier("set output json")
    shown = [
        one
        for kind in ("own", "trust")
        for one in json.loads(earlier(f"show cert list {kind}"))["data"]
    ]
    assert {one["sha256"] for one in shown} == set(known)
    assert all((one["subject"], one["alternative_names"]) == known[one["sha256"]] for one in shown)
    assert any(one["alternative_names"] for one in shown)


def test_the_next_change_completes_the_rows_of_what_it_touches(earlier):
    """And describes them, and nothing else; text lists are as they were."""
    before = earlier("show cert list trust")
    earlier("set cert delete tomcat-trust Kept-Root.pem")
    assert earlier.status == 0
    snapshot = earlier.node.snapshot()
    for store in snapshot.stores:
        for one in snapshot.trust(store):
            der = snapshot.certificate_der(one.sha256)
            kept = pathlib.Path(snapshot.layout.pool_file(one.sha256, "json"))
            if store == "tomcat-trust":
                assert (one.subject, list(one.alternative_names)) == names(der)
                assert kept.read_bytes() == described.octets(der)
            else:
                assert one.subject is None
    others = [line for line in before.splitlines() if "Kept-Root" not in line]
    assert earlier("show cert list trust").splitlines() == others
    earlier("set csr gen ipsec")
    row = earlier.node.snapshot().own("ipsec").row
    der = earlier.node.snapshot().own_der("ipsec")
    assert (row.subject, row.alternative_names) == names(der)
    assert described.octets(der) in [path.read_bytes() for path in beside(earlier.node.state_dir)]
    earlier("utils store rollback 2", "yes")
    assert earlier.status == 0


def test_going_back_to_old_rows_is_no_difference(earlier):
    """What an earlier version has left out of its rows is no change of what they are about."""
    state = earlier.node.snapshot().head
    earlier("set cert import trust tomcat", earlier.node.snapshot().own_pem("ipsec").decode())
    before = earlier.node.snapshot()
    assert before.find_trust("tomcat-trust", "Kept-Root").subject == "CN=Kept-Root"
    earlier(f"utils store rollback {state}", "yes")
    row = earlier.node.snapshot().find_trust("tomcat-trust", "Kept-Root")
    assert row.subject == "CN=Kept-Root"
    assert earlier.node.snapshot().head == before.head + 1


def test_a_damaged_certificate_leaves_its_row_as_it_is(earlier):
    """It hinders no change beside it, and a list says what is damaged."""
    snapshot = earlier.node.snapshot()
    row = snapshot.find_trust("tomcat-trust", "Kept-Root")
    path = pathlib.Path(snapshot.layout.pool_file(row.sha256, "der"))
    path.write_bytes(b"x" + path.read_bytes()[1:])
    other = next(one for one in snapshot.trust("tomcat-trust") if one.name != "Kept-Root")
    # Copies of what the node has itself stay; so one that is only trusted comes in and goes.
    earlier("set cert import trust tomcat", earlier.node.snapshot().own_pem("ipsec").decode())
    assert earlier.status == 0
    after = earlier.node.snapshot()
    assert after.find_trust("tomcat-trust", "Kept-Root").subject is None
    assert after.find_trust("tomcat-trust", other.name).subject is not None
    assert "tomcat-trust/Kept-Root.pem" in earlier("show cert list trust")
    earlier("set output json")
    answer = json.loads(earlier("show cert list trust"))
    assert answer["error"]["kind"] == "damaged"
    assert path.name in answer["error"]["message"]


def test_rows_are_completed_so_many_at_a_time(earlier, monkeypatch):
    """A change of a store of a hundred thousand waits for a thousand."""
    monkeypatch.setattr(described, "MAX_COMPLETED", 1)

    def lacking():
        return len(earlier.node.snapshot().index("tomcat-trust").lacking())

    before = lacking()
    assert before >= 2
    known = {one.name for one in earlier.node.snapshot().trust("tomcat-trust")}
    earlier("set cert import trust tomcat", earlier.node.snapshot().own_pem("ipsec").decode())
    assert lacking() == before - 1
    new = {one.name for one in earlier.node.snapshot().trust("tomcat-trust")} - known
    earlier(f"set cert delete tomcat-trust {new.pop()}.pem")
    assert lacking() == before - 2


@given(st.lists(st.sampled_from(["old", "new", "]"]), max_size=6))
def test_an_index_knows_the_rows_that_say_less(kinds):
    """By the ends of their lines, whatever texts are in them."""
    index, lines = TrustIndex(), []
    for number, kind in enumerate(kinds):
        one = row(f"r{number}", b"x", owner="]]" if kind == "]" else "")
        lines.append(json.dumps(one[:13] if kind == "old" else one, separators=(",", ":")))
    raw = index.HEAD + ",\n".join(lines).encode() + index.TAIL
    old = [f"r{number}" for number, kind in enumerate(kinds) if kind == "old"]
    assert [one.name for one in TrustIndex(raw).lacking()] == old
