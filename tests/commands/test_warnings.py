"""Warnings before harm: what `show cert impact` says, the change warns of, and is true after it."""

import json
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from harness import Conversation, clock_world
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from places import CHECKOUT
from quick_authority import DAY, Authority, pem

from cucmos_shell.node import Node
from cucmos_shell.node.install import install

OLD, NEWER, OTHER = (
    Authority("Example Root"), Authority("Example Root", start=-2 * DAY), Authority("Other Root"),
)  # fmt: skip
ROOTS = (OLD, NEWER, OTHER)


def trust(say, unit, authority):
    text = say(f"set cert import trust {unit}", pem(authority.certificate))
    assert say.status == 0
    return text


def sign(say, unit, authority):
    """A certificate by `authority`, imported for `unit`; what the import said."""
    say(f"set csr gen {unit}")
    answer = authority.answer(say.node.snapshot().request_pem(unit))
    text = say(f"set cert import own {unit}", pem(answer))
    assert say.status == 0, text
    return text


@pytest.fixture
def in_json(node):
    """A conversation in JSON: the whole line of what was said, warnings without their nulls."""
    conversation = Conversation(node)
    conversation("set output json")

    def ask(line, *answers):
        answer = json.loads(conversation(line, *answers))
        answer["warnings"] = [
            {key: value for key, value in warning.items() if value is not None}
            for warning in answer["warnings"]
        ]
        return answer

    return ask


# --- regenerate ----------------------------------------------------------------------------------


def test_a_certificate_of_a_ca_and_a_request_are_not_lost_unsaid(say, in_json):
    """Behind the product's own line, before the question."""
    trust(say, "tomcat", OLD)
    sign(say, "tomcat", OLD)
    say("set csr gen tomcat")
    said = (
        "WARNING: The certificate of tomcat that Example Root has signed would be lost\n"
        "WARNING: The pending CSR of tomcat would be deleted:"
        " a certificate signed for it will not fit\n"
    )
    assert say("show cert impact tomcat").endswith(f"\n\n{said}")
    assert say("set cert regen tomcat", "no") == (
        "\nWARNING: This operation will overwrite any CA signed certificate previously imported for"
        f"  tomcat\n{said}Regeneration cancelled\n"
    )
    warnings = in_json("show cert impact tomcat")["warnings"]
    assert warnings == in_json("set cert regen tomcat", "no")["warnings"]
    assert warnings == [
        {
            "kind": "ca-signed-lost",
            "message": "The certificate of tomcat that Example Root has signed would be lost",
            "unit": "tomcat",
            "ca": "Example Root",
        },
        {
            "kind": "csr-lost",
            "message": "The pending CSR of tomcat would be deleted:"
            " a certificate signed for it will not fit",
            "unit": "tomcat",
            "name": "tomcat/tomcat.csr",
        },
    ]
    # Another subject is another certificate, too.
    assert said in say("set web-security a b c d US", "no")


def test_a_regeneration_that_breaks_nothing_says_no_more_than_the_product(say, in_json):
    """Not a byte, since programs read it."""
    assert say("set cert regen tomcat", "no") == (
        "\nWARNING: This operation will overwrite any CA signed certificate previously imported for"
        "  tomcat\nRegeneration cancelled\n"
    )
    assert in_json("show cert impact tomcat")["warnings"] == []
    assert "WARNING" not in say("show cert impact tomcat")


def test_services_that_are_not_activated(say, in_json):
    """A restart would be refused."""
    line = "Not activated, so they cannot be restarted: Cisco SIP Proxy, Cisco Presence Engine"
    assert f"\nWARNING: {line}\n" in say("set cert regen cup", "yes")
    (warning,) = in_json("set cert regen cup", "no")["warnings"]
    services = ["Cisco SIP Proxy", "Cisco Presence Engine"]
    assert warning == {"kind": "not-activated", "message": line, "services": services}
    say("utils service restart Cisco SIP Proxy")
    assert say.status == 1
    say("utils service activate Cisco SIP Proxy")
    (warning,) = in_json("show cert impact cup")["warnings"]
    assert warning["services"] == ["Cisco Presence Engine"]


def test_a_failure_in_json_has_its_warnings_too(say, in_json):
    """The question found no answer."""
    say("set csr gen tomcat")
    conversation = Conversation(say.node, interactive=False)
    conversation("set output json")
    line = json.loads(conversation("set cert regen tomcat"))
    assert line["ok"] is False
    assert [warning["kind"] for warning in line["warnings"]] == ["csr-lost"]
    assert in_json("show cli pagination")["warnings"] == []


# --- requests ------------------------------------------------------------------------------------


def test_a_request_over_a_pending_one(say, in_json):
    """The CA may be at it already."""
    assert say("set csr gen tomcat") == "Successfully Generated CSR  for tomcat\n"
    assert say("set csr gen tomcat") == (
        "WARNING: This operation will replace the pending CSR of tomcat;"
        " a certificate signed for that one will not fit\n"
        "Successfully Generated CSR  for tomcat\n"
    )
    assert [one["kind"] for one in in_json("set csr gen tomcat")["warnings"]] == ["csr-lost"]


def test_odd_characters_are_warnings_of_the_same_form(say, in_json):
    """With what they are about."""
    say('set web-security "R & D" b c d US', "yes")
    (warning,) = in_json("set csr gen tomcat")["warnings"]
    assert warning == {
        "kind": "odd-characters",
        "message": "many public CAs refuse & in OU (R & D)",
        "attribute": "OU",
        "value": "R & D",
        "characters": "&",
    }


# --- chains --------------------------------------------------------------------------------------


def test_a_deletion_says_which_chain_breaks(say, in_json):
    """Beforehand, too; a CA that nobody ends in says nothing."""
    for authority in (OLD, OTHER):
        trust(say, "tomcat", authority)
    sign(say, "tomcat", OLD)
    said = "WARNING: Without tomcat-trust/Example_Root.pem the chain of tomcat/tomcat.pem breaks\n"
    assert say("show cert impact delete tomcat-trust Example_Root.pem").endswith(f"\n\n{said}")
    line = in_json("show cert impact delete tomcat-trust Example_Root.pem")
    assert line["warnings"] == [
        {
            "kind": "chain-breaks",
            "message": said[9:-1],
            "name": "tomcat-trust/Example_Root.pem",
            "names": ["tomcat/tomcat.pem"],
        }
    ]
    assert "WARNING" not in say("show cert impact delete tomcat-trust Other_Root.pem")
    assert say("set cert delete tomcat-trust Example_Root.pem") == (
        "WARNING: This operation will permanently delete tomcat-trust/Example_Root.pem\n"
        f"{said}\nSuccessfully deleted certificate tomcat-trust/Example_Root.pem.\n"
    )
    say("show cert chain tomcat")
    assert say.status == 1


def test_a_newer_ca_of_the_same_name_says_which_chain_breaks(say):
    """Between the paste and the result; the same key again breaks nothing."""
    trust(say, "tomcat", OLD)
    sign(say, "tomcat", OLD)
    renewed = OLD.issue(OLD.name, OLD.key.public_key(), (), start=-3 * DAY, ca=True)
    assert "the chain" not in say("set cert import trust tomcat", pem(renewed))
    text = trust(say, "tomcat", NEWER)
    caution, warning, blank, done = text.split("\n")[:4]
    assert caution.startswith("WARNING: This operation will change")
    assert warning == (
        "WARNING: Without tomcat-trust/Example_Root.pem the chain of tomcat/tomcat.pem breaks"
    )
    assert (blank, done) == ("", "Successfully imported certificate for tomcat.")


def test_an_intermediate_that_came_along_is_kept(say):
    """Its deletion from the store breaks nothing; its issuer's does."""
    trust(say, "tomcat", OLD)
    issuing = Authority("Issuing")
    issuing.certificate = OLD.issue(issuing.name, issuing.key.public_key(), (), ca=True)
    say("set csr gen tomcat")
    answer = issuing.answer(say.node.snapshot().request_pem("tomcat"))
    say("set cert import own tomcat", pem(answer) + pem(issuing.certificate))
    assert say.status == 0
    trust(say, "tomcat", issuing)
    assert "WARNING" not in say("show cert impact delete tomcat-trust Issuing")
    assert "breaks" in say("show cert impact delete tomcat-trust Example_Root")


def test_a_deletion_that_would_be_refused_is_refused(say):
    """As `set cert delete` does."""
    text = say("show cert impact delete tomcat-trust imp-pub.pem")
    assert "cannot be deleted: it is the self-signed certificate generated by system" in text
    assert say.status == 1
    assert "tomcat is the node's own certificate" in say("show cert impact delete tomcat x.pem")
    assert "Incomplete command entered" in say("show cert impact delete tomcat-trust")


def test_store_and_file_in_one_word(say):
    """As the list prints it."""
    trust(say, "tomcat", OLD)
    name = "tomcat-trust/Example_Root.pem"
    assert say(f"show cert impact delete {name}").startswith(f"What deleting {name} would touch:\n")
    assert (
        say.session.complete("show cert impact delete tomcat-trust/E").insert == "xample_Root.pem "
    )


def test_the_copy_of_an_own_certificate_takes_the_request_along(say, in_json):
    """Which is said before."""
    trust(say, "tomcat", OLD)
    sign(say, "tomcat", OLD)
    say("set csr gen tomcat")
    line = in_json("show cert impact delete tomcat-trust imp-pub.pem")
    assert line["data"]["copy_of"] == {
        "hostname": "imp-pub",
        "name": "tomcat/tomcat.pem",
    }
    assert line["data"]["csr_deleted"] == ["tomcat/tomcat.csr"]
    assert "Copy of own certificate : tomcat/tomcat.pem\n" in say(
        "show cert impact delete tomcat-trust imp-pub.pem"
    )
    done = in_json("set cert delete tomcat-trust imp-pub.pem")
    assert done["warnings"] == line["warnings"]
    assert [warning["kind"] for warning in line["warnings"]] == ["csr-lost"]
    assert done["data"]["csr_deleted"] == ["tomcat/tomcat.csr"]


def test_a_ca_in_fifty_chains(tmp_path, keys):
    """All are in JSON, the first twenty on the screen."""
    text = (CHECKOUT / "etc" / "imp-9.1.yaml").read_text()
    unit = re.search(r"(?ms)^  ipsec:\n.*?(?=^  cup:)", text)[0].replace("*subject", "&plain", 0)
    more = "".join(unit.replace("  ipsec:", f"  unit-{i}:", 1) for i in range(49))
    profile = tmp_path / "fifty.yaml"
    profile.write_text(text.replace(unit, unit + more, 1))
    world, _ = clock_world(keys)
    install(str(tmp_path / "fifty"), str(profile), world, speed=0)
    say = Conversation(Node.open(str(tmp_path / "fifty"), world))
    trust(say, "ipsec", OLD)
    units = ["ipsec", *(f"unit-{i}" for i in range(49))]
    for unit in units:
        sign(say, unit, OLD)
    lines = say("show cert impact delete ipsec-trust Example_Root").splitlines()
    start = lines.index(
        "WARNING: Without ipsec-trust/Example_Root.pem the chains of 50 certificates break:"
    )
    assert lines[start + 1 : start + 3] == ["\tipsec/ipsec.pem", "\tunit-0/unit-0.pem"]
    assert lines[start + 21 :] == ["\t(30 more)"]
    say("set output json")
    (warning,) = json.loads(say("set cert delete ipsec-trust Example_Root"))["warnings"]
    assert warning["names"] == [f"{unit}/{unit}.pem" for unit in units]


# --- what enters a trust store --------------------------------------------------------------------


def test_a_weak_certificate_that_enters_a_trust_store_is_noted(say, in_json, outside_ca):
    """By its key, or by the hash of its signature; a root's own SHA-1 as before."""
    small = Authority("Small", key=rsa.generate_private_key(65537, 1024))
    assert "Small.pem: imported; its key (RSA 1024) is too weak for a chain\n" in trust(
        say, "tomcat", small
    )
    old = outside_ca.leaf(outside_ca.root(), "old.example.com", hash_name="sha1")
    answer = in_json("set cert import trust tomcat", old.pem.decode())
    (row,) = answer["data"]["trust"]["certificates"]
    assert "its signature (SHA1withECDSA) is too weak for a chain" in row["notes"]
    fine = in_json("set cert import trust tomcat", pem(OTHER.certificate))["data"]
    assert fine["trust"]["certificates"][0]["notes"] == []


# --- the three agree -----------------------------------------------------------------------------


class Agreement(RuleBasedStateMachine):
    """What was said before a change, by it, and what is true after it, whatever came before."""

    units: tuple[str, ...]

    def __init__(self, folder, template, world):
        super().__init__()
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder, symlinks=True)
        self.say = Conversation(Node.open(str(folder), world))
        self.say("set output json")
        profile = self.say.node.profile
        self.units = tuple(profile.units)
        self.stores = {unit: spec.trust_store for unit, spec in profile.units.items()}
        self.bases = {spec.name: spec.base for spec in profile.trust_stores.values()}

    def ask(self, line, *answers):
        return json.loads(self.say(line, *answers))

    def truth(self):
        """The state, asked of commands that warn of nothing."""
        own = {row["name"]: row for row in self.ask("show cert list own")["data"]}
        return {
            "chains": {name for name in own if self.ask(f"show cert chain {name}")["ok"]},
            "signed": {
                name for name, row in own.items() if row["description"].startswith("Certificate S")
            },
            "requests": {row["name"] for row in self.ask("show csr list own")["data"]},
            "waiting": {
                row["service"]: {one["unit"] for one in row["certificates"]}
                for row in self.ask("show service pending")["data"]
            },
            "down": {
                row["service"]
                for row in self.ask("utils service list")["data"]["services"]
                if not row["activated"]
            },
        }

    def compare(self, warnings, before, after, unit=""):
        """`warnings` are what has become of `before`, by a new certificate of `unit` if named."""
        said = {}
        for warning in warnings:
            said.setdefault(warning["kind"], []).append(warning)
        broken = {name for one in said.pop("chain-breaks", ()) for name in one["names"]}
        # What becomes of the certificate that is changed itself, is said otherwise.
        assert broken == before["chains"] - after["chains"] - {f"{unit}/{unit}.pem"}
        lost = {one["name"] for one in said.pop("csr-lost", ())}
        assert lost == before["requests"] - after["requests"]
        gone = {f"{one['unit']}/{one['unit']}.pem" for one in said.pop("ca-signed-lost", ())}
        assert gone == before["signed"] - after["signed"]
        down = {name for one in said.pop("not-activated", ()) for name in one["services"]}
        concerned = self.say.node.profile.units[unit].services if unit else ()
        assert down == after["down"] & set(concerned)
        alone = {
            frozenset(pair)
            for spec in self.say.node.profile.trust_lists.values()
            for pair in spec.never_together
            if unit in pair and set(pair) <= after["waiting"].get(spec.service, set())
        }
        assert {frozenset(one["units"]) for one in said.pop("phones-without-signer", ())} == alone
        assert not said

    @rule(data=st.data())
    def regenerate(self, data):
        unit = data.draw(st.sampled_from(self.units))
        before, impact = self.truth(), self.ask(f"show cert impact {unit}")
        done = self.ask(f"set cert regen {unit}", "yes")
        assert done["warnings"] == impact["warnings"]
        self.compare(impact["warnings"], before, self.truth(), unit)

    @rule(data=st.data(), root=st.sampled_from(ROOTS))
    def trusted(self, data, root):
        store = data.draw(st.sampled_from(sorted(set(self.stores.values()))))
        before = self.truth()
        done = self.ask(f"set cert import trust {self.bases[store]}", pem(root.certificate))
        if done["ok"]:
            self.compare(done["warnings"], before, self.truth())

    @rule(data=st.data())
    def deleted(self, data):
        rows = self.ask("show cert list trust")["data"]
        name = data.draw(st.sampled_from(sorted(row["name"] for row in rows)))
        store, _, file = name.partition("/")
        before, impact = self.truth(), self.ask(f"show cert impact delete {store} {file}")
        done = self.ask(f"set cert delete {store} {file}")
        assert (done["ok"], done["warnings"]) == (impact["ok"], impact["warnings"])
        if done["ok"]:
            self.compare(impact["warnings"], before, self.truth())

    @rule(data=st.data())
    def requested(self, data):
        unit = data.draw(st.sampled_from(self.units))
        pending = f"{unit}/{unit}.csr" in self.truth()["requests"]
        warnings = self.ask(f"set csr gen {unit}")["warnings"]
        assert [one["kind"] for one in warnings] == ["csr-lost"] * pending

    @rule(data=st.data(), root=st.sampled_from(ROOTS))
    def imported(self, data, root):
        unit = data.draw(st.sampled_from(self.units))
        before = self.truth()
        if f"{unit}/{unit}.csr" in before["requests"]:
            answer = root.answer(self.say.node.snapshot().request_pem(unit))
            done = self.ask(f"set cert import own {unit}", pem(answer))
            if done["ok"]:
                # The request was answered: it is not lost.
                before["requests"].discard(f"{unit}/{unit}.csr")
                self.compare(done["warnings"], before, self.truth(), unit)

    @rule(data=st.data())
    def service(self, data):
        names = sorted(self.say.node.profile.services)
        what = data.draw(st.sampled_from(["activate", "deactivate", "restart"]))
        self.ask(f"utils service {what} {data.draw(st.sampled_from(names))}")
        self.say.node.world.sleep(1)


@pytest.mark.parametrize("product", ["imp", "ucm"])
@pytest.mark.parametrize(
    "examples", [4, pytest.param(30, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_what_is_said_before_is_true_after(request, tmp_path, world, product, examples):
    """Of every change, in any order of them."""
    template = request.getfixturevalue(f"{product}_template")
    run_state_machine_as_test(
        lambda: Agreement(tmp_path / "node", template, world),
        settings=settings(
            max_examples=examples, stateful_step_count=25, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck), database=None,
        ),
    )  # fmt: skip
