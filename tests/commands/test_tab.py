"""Tab and `?` on a node: only what the command would take."""

import pytest

from cucmos_shell import commands
from cucmos_shell.cli import Grammar


def loaded(place, level, grammar):
    """Whether a command open to `level` is at or below `place`, whatever must be loaded."""
    return any(command.level <= level for command in grammar.below(place))


@pytest.mark.parametrize("level", [0, 1, 4])
def test_what_families_promise_is_what_they_hold(level):
    """Menus are listed by the promises alone; each must be true once the family is loaded."""
    promised = Grammar(commands.FAMILIES, commands.load)
    kept = Grammar(commands.FAMILIES, commands.load)
    stack = [(promised.root, kept.root)]
    while stack:
        before, after = stack.pop()
        words = list(before.words)
        assert promised.visible(before, level) == loaded(after, level, kept), words
        more = any(loaded(place, level, kept) for place in kept.open(after).words.values())
        assert promised.has_more(before, level) == more, words
        stack += [(before.words[word], after.words[word]) for word in words]


@pytest.fixture
def complete(say):
    """What Tab offers, by name."""

    def names(line):
        found = say.session.complete(line)
        return list(found.candidates) or [line[: len(line) - found.erase] + found.insert]

    return names


def test_download_offers_what_its_kind_takes(say, complete):
    """No CSR, no offer; no trust file behind own."""
    assert complete("utils cert download csr ") == ["utils cert download csr "]
    say("set csr gen tomcat")
    assert complete("utils cert download csr ") == ["utils cert download csr tomcat/tomcat.csr "]
    own = complete("utils cert download own ")
    assert len(own) == len(say.node.profile.units)
    assert not any("trust" in name for name in own)


def test_delete_offers_what_may_be_deleted(say, outside_ca, complete):
    """By its bare name, or with the store's; never what is refused."""
    assert complete("set cert delete tomcat-trust ") == ["set cert delete tomcat-trust "]
    assert "No certificate that may be deleted" in "".join(
        say.session.help("set cert delete tomcat-trust ")
    )
    say("set cert import trust tomcat", outside_ca.root().pem.decode())
    (line,) = complete("set cert delete tomcat-trust ")
    name = line.split()[-1]
    assert name.endswith(".pem")
    assert complete(f"set cert delete TOMCAT-TRUST {name[:2].lower()}") == [
        f"set cert delete TOMCAT-TRUST {name} "
    ]
    assert complete("set cert delete tomcat-trust tomcat-trust/") == [
        f"set cert delete tomcat-trust tomcat-trust/{name} "
    ]
    assert "Successfully deleted" in say(line)


def test_import_offers_one_store(say, complete):
    """The unit's own; behind trust nothing is taken."""
    assert len(complete("set cert import own tomcat ")) == 1
    assert complete("set cert import own tomcat ")[0].endswith(".pem ")
    assert complete("set cert import trust tomcat ") == ["set cert import trust tomcat "]


def test_bare_trust_names_complete(say, outside_ca, complete):
    """They are the documented short form."""
    say("set cert import trust tomcat", outside_ca.root().pem.decode())
    (row,) = [r for r in say.node.snapshot().trust("tomcat-trust") if not r.owner]
    assert complete(f"show cert trust {row.name[:3]}") == [f"show cert trust {row.name}.pem "]
