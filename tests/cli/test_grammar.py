"""One declaration answers every question about a line; contradictions are refused at build."""

import threading

import pytest

from cucmos_shell.cli import Argument, Family, Grammar, Walker
from cucmos_shell.cli.lexemes import split
from cucmos_shell.cli.near import near
from cucmos_shell.cli.pattern import GrammarError
from cucmos_shell.cli.suggest import Completion
from cucmos_shell.errors import (
    AmbiguousCommand,
    BadValue,
    IncompleteCommand,
    NotFound,
    UnknownCommand,
)

FRUIT = Argument("fruit", "fruit", choices=lambda node: ("apple", "Apricot", "pear"))
SERVICE = Argument(
    "service", "service", choices=lambda node: ("Cisco Tomcat", "Cisco Tomcat Stats", "A DB")
)
TEXT = Argument("text", "text to look for")
WORDS = Argument("words", "words", words=True)
GUEST = Argument("guest", "guest", choices=lambda node: ("Ann", "bob"), open=True)


def build(*declarations):
    """A walker over commands declared as (pattern, level); handlers return their arguments."""
    family = Family()
    for pattern, level, parameters in declarations:
        space = {}
        exec(f'def handler(node{parameters}):\n    "Do it."\n    return locals()', space)
        family.command(pattern, level=level, arguments=(FRUIT, SERVICE, TEXT, WORDS, GUEST))(
            space["handler"]
        )
    return Walker(Grammar({"all": ("",)}, lambda module: family), None, 1)


@pytest.fixture
def walker():
    return build(
        ("show fruit list {own|trust:kind}", 0, ", kind"),
        ("show fruit one <fruit>", 0, ", fruit"),
        ("show frame", 0, ""),
        ("set fruit <fruit> [size {small|large:size}] [ripe]", 1, ", fruit, size='small', ripe=''"),
        ("utils service start <service...>", 1, ", service"),
        ("find <words...>", 0, ", words"),
        ("secret thing", 4, ""),
    )


def test_words_may_be_shortened_to_a_unique_beginning(walker):
    """Handlers and the log see the full words."""
    match = walker.match("sh fru l t")
    assert match.canonical == "show fruit list trust"
    assert match.arguments == {"kind": "trust"}


def test_an_exact_word_beats_a_longer_one():
    """`set` is `set` although `settle` begins with it."""
    walker = build(("set", 0, ""), ("settle", 0, ""))
    assert walker.match("set").canonical == "set"
    assert walker.match("sett").canonical == "settle"


def test_ambiguous_words_name_their_readings(walker):
    """The readings are the candidates an admin may go on with."""
    with pytest.raises(AmbiguousCommand) as caught:
        walker.match("show fr")
    assert caught.value.details == ("\tframe", "\tfruit")


def test_a_command_above_the_level_is_unknown(walker):
    """Neither running, completing nor help gives it away, and it makes nothing ambiguous."""
    with pytest.raises(UnknownCommand):
        walker.match("secret thing")
    assert walker.complete("se").insert == "t "
    with pytest.raises(UnknownCommand):
        walker.help("secret ")


def test_incomplete_lines_say_what_follows(walker):
    """The continuation is the menu, or the one command's syntax."""
    with pytest.raises(IncompleteCommand) as caught:
        walker.match("show fruit")
    assert caught.value.details == ("\tlist*", "\tone")
    with pytest.raises(IncompleteCommand) as caught:
        walker.match("show fruit one")
    assert caught.value.details == (
        "Syntax:", "show fruit one fruit", "fruit   mandatory   fruit",
        "", "Fruit:", "\tapple", "\tApricot", "\tpear",
    )  # fmt: skip


def test_a_wrong_word_of_a_closed_set_is_told_the_set(walker):
    """It is a bad value, not an unknown command."""
    with pytest.raises(BadValue) as caught:
        walker.match("show fruit list sideways")
    assert caught.value.message() == "sideways is not one of: own, trust"


def test_near_names_begin_with_what_was_typed():
    """A typing mistake is near; otherwise a beginning is meant."""
    names = ("A Cisco DB", "Cisco CDP", "Cisco Tomcat", "Cisco Tomcat Stats Servlet")
    assert near("Cisco Tomcta", names) == ("Cisco Tomcat",)
    assert near("Cisco", names) == ("Cisco CDP", "Cisco Tomcat", "Cisco Tomcat Stats Servlet")


def test_names_are_exact_but_blind_to_case(walker):
    """A name is never shortened; its own spelling reaches the handler; near ones are suggested."""
    assert walker.match("show fruit one APRICOT").arguments == {"fruit": "Apricot"}
    with pytest.raises(NotFound) as caught:
        walker.match("show fruit one appl")
    assert "\tapple" in caught.value.details


def test_an_open_argument_takes_other_texts_as_they_are():
    """The names it knows are completed and spelled as everywhere."""
    walker = build(("greet <guest>", 0, ", guest"))
    assert walker.match("greet ANN").arguments == {"guest": "Ann"}
    found = walker.match('greet "Zoe B"')
    assert (found.arguments, found.canonical) == ({"guest": "Zoe B"}, "greet Zoe B")
    assert walker.complete("greet b") == Completion("ob ")
    assert "\tAnn" in walker.help("greet ")


def test_names_of_several_words_need_no_quotes(walker):
    """`Cisco Tomcat` is exact although a longer name begins with it."""
    match = walker.match("utils service start cisco tomcat")
    assert match.arguments == {"service": "Cisco Tomcat"}
    assert match.canonical == "utils service start Cisco Tomcat"
    match = walker.match('utils service start "Cisco Tomcat Stats"')
    assert match.arguments == {"service": "Cisco Tomcat Stats"}


def test_options_come_in_any_order_each_once(walker):
    """A missing option leaves the handler's own default."""
    assert walker.match("set fruit pear ripe size large").arguments == {
        "fruit": "pear", "ripe": "ripe", "size": "large",
    }  # fmt: skip
    assert walker.match("set fruit pear").arguments == {"fruit": "pear"}
    with pytest.raises(BadValue):
        walker.match("set fruit pear ripe ripe")


def test_surplus_words_are_named_with_the_syntax(walker):
    """The admin sees which word was too many."""
    with pytest.raises(BadValue) as caught:
        walker.match("show fruit one pear now")
    assert "now" in caught.value.message()


def test_filters_follow_and_may_be_shortened(walker):
    """Several may follow each other; they belong to the canonical line."""
    match = walker.match('show frame | inc "a | b" | c')
    assert [(f.kind, f.text) for f in match.filters] == [("include", "a | b"), ("count", "")]
    assert match.canonical == 'show frame | include "a | b" | count'
    for wrong in ("show frame |", "show frame | include", "show frame | count x", "show frame | x"):
        with pytest.raises(BadValue):
            walker.match(wrong)


def test_quotes_group_and_must_close():
    """Inside quotes a bar and blanks are plain."""
    assert [(w.text, w.quoted) for w in split('a "b | c" d"e f"')] == [
        ("a", False), ("b | c", True), ("de f", True),
    ]  # fmt: skip
    assert split(r'"say \"hi\""')[0].text == 'say "hi"'
    assert split("a|b")[1].text == "|"
    assert split('"open')[0].open


def test_rest_words_arrive_as_they_are(walker):
    """A rest argument of words keeps each."""
    assert walker.match('find a "b c" d').arguments == {"words": ("a", "b c", "d")}


def test_tab_completes_a_unique_word_and_lists_several(walker):
    """A star marks words that have words of their own."""
    assert walker.complete("sho").insert == "w "
    assert walker.complete("show ").insert == "fr"
    assert walker.complete("show fr").candidates == ("frame", "fruit*")
    assert walker.complete("show fruit one ap").insert == ""
    assert walker.complete("show fruit one ap").candidates == ("apple", "Apricot")
    assert walker.complete("utils service start Cisco T").insert == "omcat"
    assert walker.complete("utils service start a").insert == "A DB "
    assert walker.complete("show frame | co").insert == "unt "
    assert walker.complete("nonsense x") == walker.complete('show "')


def test_help_lists_menus_and_explains_leaves(walker):
    """`?` after a menu word lists, after a leaf it gives the syntax."""
    assert walker.help("") == ("\tfind", "\tset*", "\tshow*", "\tutils*")
    assert walker.help("show f") == ("\tframe", "\tfruit*")
    assert walker.help("set fruit pear ")[:2] == (
        "Syntax:", "set fruit fruit [size {small|large}] [ripe]",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("show <fruit>", ", fruit"), ("show all", "")),
        (("show <fruit>", ", fruit"), ("show <text>", ", text")),
        (("show all", ""), ("show all", "")),
        (("show {a|b:kind}", ", kind"), ("show a", "")),
    ],
)
def test_contradicting_declarations_are_refused(first, second):
    """A position holds words or one argument; a command is declared once."""
    walker = build((first[0], 0, first[1]), (second[0], 0, second[1]))
    with pytest.raises(GrammarError):
        walker.match("show a")


RESERVING = Argument(
    "name", "name", choices=lambda node: ("delta", "Cisco Tomcat"), reserves=("delete", "pending")
)


@pytest.fixture
def reserving():
    family = Family()

    @family.command("show <name...>", level=0, arguments=(RESERVING,))
    def show(node, name):
        """Show it."""

    @family.command("show pending", level=0)
    def pending(node):
        """Show what waits."""

    @family.command("show delete <text>", level=1, arguments=(TEXT,))
    def delete(node, text):
        """Show what goes."""

    return lambda level=1: Walker(Grammar({"all": ("",)}, lambda module: family), None, level)


def test_a_reserved_word_may_stand_where_an_argument_may(reserving):
    """In full, in any case, and unquoted; anything else is the argument."""
    walker = reserving()
    assert walker.match("show cisco tomcat").arguments == {"name": "Cisco Tomcat"}
    assert walker.match("show PENDING").canonical == "show pending"
    assert walker.match("show delete this").arguments == {"text": "this"}
    for line in ("show pend", 'show "pending"', "show del this"):
        with pytest.raises(NotFound):
            walker.match(line)
        assert walker.understands(line)
    with pytest.raises(BadValue):
        walker.match("show pending now")
    # A word above the level is none.
    with pytest.raises(UnknownCommand):
        reserving(0).match("show delete this")


def test_a_reserved_word_is_offered_beside_the_argument(reserving):
    """By Tab, and by `?` with what it does."""
    walker = reserving()
    assert walker.complete("show p") == Completion("ending ")
    assert walker.complete("show d").candidates == ()
    assert walker.complete("show del").candidates == ("delete", "delta")
    assert reserving(0).complete("show del") == Completion("ta ")
    assert "\tpending        Show what waits." in walker.help("show ")
    assert walker.help("show delete ") == walker.help("show DELETE ")
    assert walker.complete("show Cisco p") == Completion()


@pytest.mark.parametrize("reserved_first", [True, False])
def test_other_words_stay_out(reserved_first):
    """Only what the argument reserves."""
    words, name = ("show all", ""), ("show <fruit>", ", fruit")
    first, second = (words, name) if reserved_first else (name, words)
    with pytest.raises(GrammarError):
        build((first[0], 0, first[1]), (second[0], 0, second[1])).match("show all")


def test_every_reserved_word_is_refused_as_a_name():
    """Or a profile could hide a command, or be hidden by one."""
    from cucmos_shell import commands
    from cucmos_shell.profile.profile import RESERVED_WORDS

    grammar = commands.grammar()
    for command in grammar.below(grammar.root):
        for token in command.tokens:
            reserved = getattr(getattr(token, "argument", None), "reserves", ())
            assert set(reserved) <= set(RESERVED_WORDS)


def test_a_family_says_the_least_level_of_its_commands():
    """Or a menu could not be listed without loading it."""
    with pytest.raises(GrammarError):
        Grammar({"all": ("show",)}, lambda module: Family())


@pytest.mark.parametrize("pattern", ["show <nothing>", "show [a", "show a]", "show {a|b}"])
def test_broken_patterns_are_refused(pattern):
    """A mistake in a pattern is found at import."""
    with pytest.raises(GrammarError):
        build((pattern, 0, ""))


def test_handler_and_pattern_agree_on_names():
    """A parameter nobody binds, or a binding nobody takes, is a mistake."""
    with pytest.raises(GrammarError):
        build(("show <fruit>", 0, ""))
    with pytest.raises(GrammarError):
        build(("show all", 0, ", kind"))


def test_a_family_that_one_thread_loads_is_whole_for_another():
    """Whoever asks meanwhile waits, and never sees a part of it."""
    family = Family()

    @family.command("open door", level=0)
    def handler(node):
        """Do it."""

    begun, may_go_on = threading.Event(), threading.Event()

    def load(_):
        begun.set()
        assert may_go_on.wait(20)
        return family

    grammar = Grammar({"doors": ("open 0+",)}, load)
    place = grammar.root.words["open"]
    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(list(grammar.open(place).words)))
        for _ in range(2)
    ]
    threads[0].start()
    assert begun.wait(20)
    threads[1].start()
    may_go_on.set()
    for thread in threads:
        thread.join(20)
    assert seen == [["door"], ["door"]]
