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
    every = {**commands.FAMILIES, **commands.BY_PROFILE}
    promised, kept = Grammar(every, commands.load), Grammar(every, commands.load)
    stack = [(promised.root, kept.root)]
    while stack:
        before, after = stack.pop()
        words = list(before.words)
        assert promised.visible(before, level) == loaded(after, level, kept), words
        product = kept.visible(after, level, product=True)
        assert promised.visible(before, level, product=True) == product, words
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
    assert complete("set cert delete tomcat-trust/") == [f"set cert delete tomcat-trust/{name} "]
    assert complete(f"set cert delete tomcat-trust/{name} ") == [
        f"set cert delete tomcat-trust/{name} "
    ]
    assert "Successfully deleted" in say(line)


def test_import_offers_one_store(say, complete):
    """The unit's own; behind trust nothing is taken."""
    assert len(complete("set cert import own tomcat ")) == 1
    assert complete("set cert import own tomcat ")[0].endswith(".pem ")
    assert complete("set cert import own tomcat tomcat-trust/i") == [
        "set cert import own tomcat tomcat-trust/imp-pub.pem "
    ]
    assert complete("set cert import trust tomcat ") == ["set cert import trust tomcat "]


def test_bare_trust_names_complete(say, outside_ca, complete):
    """They are the documented short form."""
    say("set cert import trust tomcat", outside_ca.root().pem.decode())
    (row,) = [r for r in say.node.snapshot().trust("tomcat-trust") if not r.owner]
    assert complete(f"show cert trust {row.name[:3]}") == [f"show cert trust {row.name}.pem "]


HOSTILE = ("a b.pem", "\x1b[2Jevil", 'quo"te', "admin:", "x" * 200, "é漢", "-rf")


def test_hostile_file_names_are_offered_safely(say, node_dir, complete):
    """Quoted where they have blanks; nothing steers the terminal, nothing reads as a prompt."""
    area = node_dir / "log" / "odd"
    area.mkdir(parents=True)
    for name in HOSTILE:
        (area / name).write_text("x")
    line = "file view activelog odd/"
    shown = "\n".join((*complete(line), *say.session.help(line), *say.session.help(line + "a")))
    assert "\x1b" not in shown
    assert "\nadmin:" not in "\n" + "\n".join(say.session.help(line))
    assert complete(line + "a b") == [line + "a b"]
    assert complete(f'{line[:-4]}"odd/a b"') == [f'{line[:-4]}"odd/a b.pem" ']
    assert complete(line + "xx")[0].endswith("x" * 200 + " ")


@pytest.mark.parametrize(
    "line",
    [
        "set cert regen " + "x" * 5000, "set cert delete nowhere ", 'show cert own "', "| ", "|",
        "show cert list own | bogus ", "\x00", "show cert list own where bogus ", "help \x1b ",
        "set cert regen tomcat | ", "show cert | in", "set cert import own nowhere ", "file view nowhere ", "utils store rollback x ",
    ],
)  # fmt: skip
def test_wrong_beginnings_complete_to_nothing_and_help_says_so(say, line):
    """Unknown, over-long, open, hostile: no error of the program, nothing unsafe."""
    found = say.session.complete(line)
    assert not found.insert
    assert not found.candidates
    text = "\n".join(say.session.help(line))
    assert "\x1b" not in text
    assert "Internal" not in text


def test_services_are_offered_that_take_the_command(say):
    """With their states; a name that is not offered is still known, and refused by its reason."""
    services = say.node.profile.all_services()
    for line, takes in (
        ("utils service stop ", lambda spec: "stop" in spec.controls),
        ("utils service activate ", lambda spec: spec.feature),
        ("utils service auto-restart show ", lambda spec: spec.auto_restart),
    ):
        agreed = say.session.complete(line).insert
        offered = say.session.complete(line + agreed).candidates
        assert set(offered) == {name for name, spec in services.items() if takes(spec)}
    kept = next(name for name, spec in services.items() if "stop" not in spec.controls)
    assert f"{kept} cannot be told to stop" in say(f"utils service stop {kept}")


def test_where_offers_the_values_that_occur(say, outside_ca, complete):
    """Of the list that is asked for; TEXT may be any other."""
    say("set cert import trust tomcat", outside_ca.root().pem.decode())
    line = "show cert list {} where {} "
    assert complete(line.format("own", "key-type is-exactly")) == [
        'show cert list own where key-type is-exactly "RSA 2048" '
    ]
    assert complete("show cert list trust where common-name contains e") == [
        'show cert list trust where common-name contains "Example Root CA" '
    ]
    stores = say.session.help(line.format("trust", "certificate-name is-exactly"))
    assert stores[0].split()[0] == "TEXT"
    assert stores[1:] == ("\ttomcat-trust", "\tipsec-trust", "\tcup-trust", "\tcup-xmpp-trust")
    assert complete("show csr list where file-name is-exactly ") == [
        "show csr list where file-name is-exactly "
    ]
    say("set csr gen cup")
    assert complete("show csr list where file-name is-exactly ") == [
        "show csr list where file-name is-exactly cup.csr "
    ]
    types = say.session.help("show csr list where type is-exactly ")
    assert types[-1] == "\tcsr"


@pytest.mark.parametrize("line", ["where colour ", "where colour", "where issuer is-empty and col"])
def test_an_unknown_field_lists_those_there_are(say, line):
    """Behind it and in it; Tab does nothing."""
    lines = say.session.help(f"show cert list own {line}")
    assert lines[0].endswith("is not a field of a certificate list")
    assert "\tcommon-name" in lines
    assert not say.session.complete(f"show cert list own {line}").candidates


@pytest.mark.parametrize("line", ["show cert list own | where ", "show csr list | where type is"])
def test_where_is_no_filter_and_it_is_said(say, line):
    """Many look for it behind the bar."""
    assert say.session.help(line)[0] == "where stands before the |:"
    assert say(line).startswith("where stands before the |:\nshow c")
    assert say.status == 1
    assert say("show myself | where x").startswith("After | comes one of: ")


def test_values_of_strangers_are_values_only(say, outside_ca, complete):
    """Whatever they are called, and whatever a terminal would make of them."""
    for name in ("TEXT", "<cr>", "admin: me", "x\x1b[2Jy"):
        say("set cert import trust tomcat", outside_ca.root(name).pem.decode())
    shown = say.session.help("show cert list trust where common-name is-exactly ")
    assert [line.strip() for line in shown[1:]] == [
        "<cr>", "admin\\u{3A} me", "imp-pub", "TEXT", "x\\u{1B}[2Jy"
    ]  # fmt: skip
    assert complete("show cert list trust where common-name is-exactly T") == [
        "show cert list trust where common-name is-exactly TEXT "
    ]
