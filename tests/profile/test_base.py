"""A profile on top of others: what is laid over what, and every mistake with its file and line."""

import pytest
import yaml
from harness import Conversation, Keys, clock_world

from cucmos_shell import commands
from cucmos_shell.errors import ProfileError, UsageError
from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import find

HEAD = "format: 1\nname: mine\nbase: imp-9.1\n"
BELOW = load_yaml(find("imp-9.1"))


@pytest.fixture
def laid(tmp_path):
    """The profile that comes of `text`, behind a head that names the base, or of a whole file."""

    def make(text, head=HEAD):
        path = tmp_path / "mine.yaml"
        path.write_text(f"{head}{text}", encoding="utf-8")
        return load_yaml(str(path))

    return make


@pytest.fixture
def mistakes(laid):
    """What is said of `text`, laid over the base: `FILE:LINE: KEY: REASON`, each."""

    def find_them(text, head=HEAD):
        with pytest.raises(ProfileError) as caught:
            laid(text, head)
        said = (caught.value.message(), *caught.value.details)
        return [line.rpartition("/")[2] for line in said]

    return find_them


def test_without_a_word_it_is_the_base_by_another_name(laid):
    assert laid("") == BELOW.replace(name="mine")


def test_a_value_and_a_list_take_the_place_of_those_below(laid):
    made = laid("version: 9.1.2.10000-1\ndns: [192.0.2.1]\nunits: {tomcat: {validity_days: 47}}\n")
    assert made.version == "9.1.2.10000-1"
    assert made.dns == ("192.0.2.1",)
    tomcat = BELOW.units["tomcat"].replace(validity_days=47)
    assert made.units == {**BELOW.units, "tomcat": tomcat}


def test_a_list_is_added_to_and_taken_from(laid):
    made = laid(
        "not_simulated-: [file check]\nnot_simulated+: [show pigeons]\n"
        "units: {cup: {services-: [Cisco SIP Proxy], services+: [Cisco Tomcat]}}\n"
    )
    assert made.not_simulated[-1] == "show pigeons"
    assert "file check" not in made.not_simulated
    assert made.units["cup"].services == ("Cisco Presence Engine", "Cisco Tomcat")


def test_names_are_added_and_taken_away(laid):
    """Services stand in the order of their names, units where they were put."""
    made = laid(
        "services-: [Cisco CDP]\nservices+: {Cisco Abacus: {feature: true}}\n"
        "services: {Cisco Audit Event Service: null, Cisco Tomcat: {start_seconds: 1}}\n"
        "trust_stores+: {new-trust: {base: new}}\n"
    )
    names = list(made.services)
    assert names == sorted(names)
    assert {"Cisco CDP", "Cisco Audit Event Service"}.isdisjoint(names)
    assert made.services["Cisco Abacus"].feature
    tomcat = made.services["Cisco Tomcat"]
    assert (tomcat.start_seconds, tomcat.stop_seconds) == (1, 8)
    assert list(made.trust_stores)[-1] == "new-trust"


def test_null_takes_a_section_away(laid):
    assert laid("database: null\n").database is None


def test_bases_in_their_order(laid, tmp_path):
    """A base that is no profile by itself lies in a folder of its own; the last one has its way."""
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases" / "one.yaml").write_text("format: 1\nversion: 1.0.0.0-1\nproduct: One\n")
    (tmp_path / "two.yaml").write_text("format: 1\nversion: 2.0.0.0-2\n")
    made = laid("", "format: 1\nname: mine\nbase: [imp-9.1, one, two]\n")
    assert (made.product, made.version) == ("One", "2.0.0.0-2")
    # What a base is based on comes below it.
    (tmp_path / "two.yaml").write_text("format: 1\nbase: one\nproduct: Two\n")
    made = laid("", "format: 1\nname: mine\nbase: [imp-9.1, two]\n")
    assert (made.product, made.version) == ("Two", "1.0.0.0-1")


CUP_SERVICES = "    services: [Cisco SIP Proxy, Cisco Presence Engine]"
MISTAKES = {
    "a base that there is not": (
        "", "format: 1\nname: mine\nbase: imp-9.2\n",
        "mine.yaml:3: base: there is no profile imp-9.2 (did you mean imp-9.1?)",
    ),
    "a base outside the folder": (
        "", "format: 1\nname: mine\nbase: ../etc/imp-9.1\n",
        "mine.yaml:3: base: must be the name of a profile: a file beside this one",
    ),
    "a base in many words": (
        "", "format: 1\nname: mine\nbase:\n  - {imp: 9.1}\n",
        "mine.yaml:4: base: must be the name of a profile: a file beside this one",
    ),
    "itself": (
        "", "format: 1\nname: mine\nbase: mine\n",
        "mine.yaml:3: base: is a circle: mine is based on mine",
    ),
    "a base twice": (
        "", "format: 1\nname: mine\nbase: [imp-9.1, imp-9.1]\n",
        "mine.yaml:3: base: imp-9.1 is a base already",
    ),
    "a key given twice": (
        "product: One\nlocale: en_US\nproduct: Two\n", HEAD,
        "mine.yaml:6: product: is given twice",
    ),
    "another format": (
        "", "format: 2\nname: mine\nbase: imp-9.1\n", "mine.yaml:1: format: cannot be 2",
    ),
    "no name of its own": (
        "", "format: 1\nbase: imp-9.1\n", "mine.yaml:1: name: is missing",
    ),
    "a unit that the base lacks": (
        "units:\n  tomkat: {validity_days: 3}\n", HEAD,
        "mine.yaml:5: units.tomkat: the base has none (did you mean tomcat?); units+ adds one",
    ),
    "null for what the base lacks": (
        "trust_lists: null\n", HEAD,
        "mine.yaml:4: trust_lists: the base has none to take away",
    ),
    "adding what is there": (
        "services+:\n  Cisco CDP: {}\n", HEAD,
        "mine.yaml:5: services+.Cisco CDP: is there already; services changes it",
    ),
    "adding to a list what is in it": (
        "dns+: [192.0.2.53]\n", HEAD, "mine.yaml:4: dns+.0: 192.0.2.53 is there already",
    ),
    "taking what is not there": (
        "services-: [Cisco CDPP]\n", HEAD,
        "mine.yaml:4: services-.0: the base has no Cisco CDPP (did you mean Cisco CDP?)",
    ),
    "adding to nothing": (
        "lacks+: [show date]\n", HEAD, "mine.yaml:4: lacks+: the base has no lacks to add to",
    ),
    "taking from nothing": (
        "bulk-: [tftp]\n", HEAD, "mine.yaml:4: bulk-: the base has no bulk to take from",
    ),
    "a list for a map": ("services+: [Cisco X]\n", HEAD, "mine.yaml:4: services+: must be a map"),
    "a map for a list": ("dns+: {x: 1}\n", HEAD, "mine.yaml:4: dns+: must be a list"),
    "words for a list": (
        "services-: Cisco CDP\n", HEAD, "mine.yaml:4: services-: must be a list of what to take away",
    ),
    "a key that no section has": (
        "policy: {min_bits: 1}\n", HEAD,
        "mine.yaml:4: policy.min_bits: is no key of this section (did you mean min_rsa_bits?)",
    ),
    "what no longer fits in the base": (
        "services-: [Cisco Presence Engine]\n", HEAD,
        "imp-9.1.yaml:LINE: units.cup.services[1]: there is no service Cisco Presence Engine",
    ),
    "a mistake behind one that was taken away": (
        "units:\n  cup:\n    services-: [Cisco SIP Proxy]\n    services+:\n      - Cisco Nothing\n",
        HEAD, "mine.yaml:8: units.cup.services[1]: there is no service Cisco Nothing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named_in_the_file_where_it_stands(case, mistakes):
    text, head, expected = MISTAKES[case]
    with open(find("imp-9.1"), encoding="utf-8") as file:
        line = 1 + file.read().splitlines().index(CUP_SERVICES)
    expected = expected.replace("LINE", str(line))
    assert any(line.startswith(expected) for line in mistakes(text, head)), mistakes(text, head)


def test_a_circle_over_several_files_is_told_whole(mistakes, tmp_path):
    (tmp_path / "one.yaml").write_text("format: 1\nbase: two\n")
    (tmp_path / "two.yaml").write_text("format: 1\nbase: one\n")
    head = "format: 1\nname: mine\nbase: one\n"
    assert mistakes("", head) == [
        "two.yaml:2: base: is a circle: one is based on two is based on one"
    ]


def test_a_base_of_another_format_is_named(mistakes, tmp_path):
    (tmp_path / "one.yaml").write_text("format: 3\nbase: imp-9.1\n")
    assert mistakes("", "format: 1\nname: mine\nbase: one\n") == ["one.yaml:1: format: cannot be 3"]


def test_a_stack_of_files_has_an_end(mistakes, tmp_path):
    for i in range(20):
        (tmp_path / f"f{i}.yaml").write_text(f"format: 1\nbase: f{i + 1}\n")
    (said,) = mistakes("", "format: 1\nname: mine\nbase: f0\n")
    assert said.endswith("base: is more than 8 files deep")


class TestCommandsOfAProduct:
    """`lacks` takes a command away, as if there had never been one."""

    @pytest.fixture
    def made(self, tmp_path):
        def make(text):
            path = tmp_path / "mine.yaml"
            path.write_text(f"{HEAD}{text}")
            world, _ = clock_world(Keys())
            install(str(tmp_path / "n"), str(path), world, speed=0, check=commands.check_words)
            return Conversation(Node.open(str(tmp_path / "n"), world))

        return make

    def test_what_it_lacks_is_unknown(self, made, say):
        lacking = made('lacks: [show smtp, utils itl reset remotekey, "set ocsp"]\n')
        for line in ("show smtp", "set ocsp disable", "utils itl reset remotekey"):
            assert lacking(line).startswith("Executed command unsuccessfully\nNo valid"), line
        assert lacking("show ocsp") == say("show ocsp")
        assert "smtp" not in lacking.session.complete("show ").candidates
        assert "smtp" in say.session.complete("show ").candidates
        assert "set ocsp" not in lacking("help")

    def test_a_shortened_word_is_no_longer_ambiguous(self, made, say):
        assert "mbiguous" in say("show p load")
        assert "load average" in made("lacks: [show perf]\n")("show p load")

    @pytest.mark.parametrize(
        "text", ["lacks: [show smpt]\n", "commands: [show smtp]\n", "commands: [show nothing]\n"]
    )
    def test_words_of_no_command_are_refused(self, made, text):
        with pytest.raises(UsageError, match="of the profile, is no command"):
            made(text)


def test_what_a_node_keeps_knows_nothing_of_bases(laid):
    made = laid("hostname: other\n")
    from cucmos_shell.profile.profile import from_json, to_json

    kept = to_json(made)
    assert "base" not in kept
    assert from_json(yaml.safe_load(yaml.safe_dump(kept))) == made
