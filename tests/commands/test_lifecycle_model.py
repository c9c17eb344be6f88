"""The node against a plain model of it, driven at random: nobody thinks of every order of things.

Certificates are generated, requested, signed elsewhere, imported (good ones, and bad ones of every
kind), trusted, deleted and regenerated; services restart; dialogues are broken off; the node is
closed and opened again. After every step its files say what the model says.
"""

import hashlib
import pathlib
import shutil

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from harness import Conversation, clock_world
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from quick_authority import DAY, Authority, pem, sha256

from cucmos_shell.node import Node
from cucmos_shell.pki import certs

UNITS = st.sampled_from(["tomcat", "cup-xmpp", "cup-xmpp-s2s"])
BASES = st.sampled_from(["tomcat", "cup-xmpp"])
BAD = st.sampled_from(["key", "names", "expired", "future", "unsigned", "text"])


def spki(public):
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# Two of one common name: the later start stays.
AUTHORITIES = [Authority("Alpha"), Authority("Beta"), Authority("Alpha", start=-2 * DAY)]
CAS = st.sampled_from(range(len(AUTHORITIES)))


class Lifecycle(RuleBasedStateMachine):
    """The model: certificate and request of each unit, the authorities in each store."""

    def __init__(self, template, folder, keys):
        super().__init__()
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder, symlinks=True)
        self.world, _ = clock_world(keys)
        self.open()
        snapshot = self.node.snapshot()
        self.own = {unit: snapshot.own(unit).row.sha256 for unit in snapshot.units}
        self.loaded = dict(self.own)
        self.requests = dict.fromkeys(snapshot.units)
        self.trusted = {store: {} for store in snapshot.stores}

    def open(self):
        self.node = Node.open(str(self.folder), self.world)
        self.say = Conversation(self.node)

    def store_of(self, unit):
        return self.node.profile.units[unit].trust_store

    def expect(self, ok, line, *answers):
        text = self.say(line, *answers)
        assert (self.say.status == 0) == ok, f"{line}: {text}"
        assert text.endswith("Executed command unsuccessfully\n") == (not ok)

    # --- what may happen -----------------------------------------------------------------------

    @rule(unit=UNITS)
    def generate(self, unit):
        self.expect(True, f"set csr gen {unit} key ec256")
        self.requests[unit] = self.node.snapshot().request_pem(unit)

    @rule(unit=UNITS)
    def delete_request(self, unit):
        self.expect(self.requests[unit] is not None, f"set csr delete {unit}")
        self.requests[unit] = None

    @rule(base=BASES, which=CAS)
    def trust(self, base, which):
        authority = AUTHORITIES[which]
        name = authority.name.rdns[0]._attributes[0].value
        there = self.trusted[f"{base}-trust"]
        rival = there.get(name)
        stays = rival is not None and AUTHORITIES[rival].start > authority.start
        self.expect(not stays, f"set cert import trust {base}", pem(authority.certificate))
        if not stays:
            there[name] = which

    @rule(base=BASES, name=st.sampled_from(["Alpha", "Beta", "imp-pub"]))
    def distrust(self, base, name):
        there = self.trusted[f"{base}-trust"]
        if name == "imp-pub":
            return
        self.expect(name in there, f"set cert delete {base}-trust {name}.pem")
        there.pop(name, None)

    @rule(unit=UNITS, which=CAS)
    def import_good(self, unit, which):
        request = self.requests[unit]
        answered = request or self.request_of_nobody()
        signed = AUTHORITIES[which].answer(answered)
        known = which in self.trusted[self.store_of(unit)].values()
        self.expect(bool(request) and known, f"set cert import own {unit}", pem(signed))
        if request and known:
            self.own[unit], self.requests[unit] = sha256(signed), None

    @rule(unit=UNITS, which=CAS, kind=BAD)
    def import_bad(self, unit, which, kind):
        request = self.requests[unit] or self.request_of_nobody()
        authority = AUTHORITIES[which]
        changes = {
            "key": {"public": authority.key.public_key()},
            "names": {"names": ["DNS:elsewhere.example.org"]},
            "expired": {"end": -DAY / 2},
            "future": {"start": DAY},
        }
        text = "nothing"
        if kind == "unsigned":
            text = pem(Authority("Nobody").answer(request))
        elif kind in changes:
            text = pem(authority.answer(request, **changes[kind]))
        self.expect(False, f"set cert import own {unit}", text)

    def request_of_nobody(self):
        key = ec.generate_private_key(ec.SECP256R1())
        names = certs.alternative_names(["DNS:nobody.example.org"])
        builder = x509.CertificateSigningRequestBuilder().subject_name(AUTHORITIES[0].name)
        made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
        return made.public_bytes(Encoding.PEM)

    @rule(unit=UNITS, answer=st.sampled_from(["yes", "no"]))
    def regenerate(self, unit, answer):
        self.expect(True, f"set cert regen {unit}", answer)
        if answer == "yes":
            fresh = self.node.snapshot().own(unit).row.sha256
            assert fresh != self.own[unit]
            self.own[unit], self.requests[unit] = fresh, None

    @rule(unit=UNITS)
    def restart(self, unit):
        # Times of restarts and changes are apart, as they are for people.
        self.world.sleep(1)
        service = self.node.profile.units[unit].services[0]
        self.expect(True, f"utils service restart {service}")
        self.world.sleep(1)
        for other, spec in self.node.profile.units.items():
            if service in spec.services:
                self.loaded[other] = self.own[other]

    @rule(unit=UNITS, which=CAS)
    def break_off(self, unit, which):
        """The dialogue ends between the check and the change; the node is opened anew."""
        signed = AUTHORITIES[which].answer(self.requests[unit] or self.request_of_nobody())
        execution = self.say.session.execute(f"set cert import own {unit}")
        execution.step()
        execution.step(pem(signed))
        execution.interrupt()
        self.open()

    @rule()
    def reopen(self):
        self.open()

    # --- what is always so ---------------------------------------------------------------------

    @invariant()
    def own_certificates_and_requests(self):
        snapshot = self.node.snapshot()
        for unit, wanted in self.own.items():
            der = snapshot.own_der(unit)
            assert hashlib.sha256(der).hexdigest() == snapshot.own(unit).row.sha256 == wanted
            key = load_pem_private_key(
                snapshot.private_key_pem(unit), None, unsafe_skip_rsa_key_validation=True
            )
            assert spki(key.public_key()) == spki(certs.load_der(der).public_key())
            if self.requests[unit] is None:
                assert snapshot.own(unit).request is None
                assert not [n for n in snapshot.manifest(unit) if "csr" in n]
            else:
                assert snapshot.request_pem(unit) == self.requests[unit]

    @invariant()
    def trust_stores(self):
        snapshot = self.node.snapshot()
        for store, there in self.trusted.items():
            rows = [row for row in snapshot.trust(store) if not row.owner]
            wanted = {name: sha256(AUTHORITIES[which].certificate) for name, which in there.items()}
            assert {row.name: row.sha256 for row in rows} == wanted
            copies = {row.owner: row.sha256 for row in snapshot.trust(store) if row.owner}
            units = [u for u in self.own if self.store_of(u) == store]
            assert copies == {unit: self.own[unit] for unit in units}

    @invariant()
    def links_for_openssl(self):
        snapshot = self.node.snapshot()
        for store in self.trusted:
            view = pathlib.Path(self.folder, "store", "view", store)
            for which in self.trusted[store].values():
                der = AUTHORITIES[which].certificate.public_bytes(Encoding.DER)
                (row,) = [
                    r for r in snapshot.trust(store) if r.sha256 == hashlib.sha256(der).hexdigest()
                ]
                links = list(view.glob(f"{row.subject_hash}.*"))
                assert der in [(view / f"{row.name}.der").resolve().read_bytes()]
                assert f"{row.name}.pem" in [link.readlink().name for link in links]
            names = {link.name for link in view.iterdir()}
            assert {n for n in names if n.endswith(".pem")} == {
                f"{row.name}.pem" for row in snapshot.trust(store)
            }

    @invariant()
    def pending_restarts(self):
        pending = {p.service for p in self.node.services.pending(self.node.snapshot())}
        for unit in ("tomcat", "cup-xmpp"):
            service = self.node.profile.units[unit].services[0]
            units = [u for u, s in self.node.profile.units.items() if service in s.services]
            differs = any(self.loaded[u] != self.own[u] for u in units)
            assert (service in pending) == differs


@pytest.mark.parametrize(
    "examples", [6, pytest.param(100, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_the_node_agrees_with_the_model(imp_template, tmp_path, keys, examples):
    """At random, in every order."""
    run_state_machine_as_test(
        lambda: Lifecycle(imp_template, tmp_path / "node", keys),
        settings=settings(
            max_examples=examples, stateful_step_count=25, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck), database=None,
        ),
    )  # fmt: skip
