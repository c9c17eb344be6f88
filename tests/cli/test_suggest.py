"""Tab and `?`: choices come from what stands before, in the node's spelling, and fit the screen."""

import pytest

from cucmos_shell.cli import Argument, Family, Grammar, Walker
from cucmos_shell.cli.pattern import Offer
from cucmos_shell.cli.suggest import Completion, syntax
from cucmos_shell.errors import BadValue, NotFound, UnknownCommand
from cucmos_shell.text import MAX_LISTED, described, listing

SHELVES = {"Fruit": ("Apple", "Apricot"), "tools": ("hammer", "long saw", "long file")}
SHELF = Argument("shelf", "shelf", choices=lambda node: SHELVES)
THING = Argument(
    "thing", "thing on the shelf", kind="thing",
    complete=lambda node, typed: [Offer(n, "here") for n in SHELVES[typed.bound["shelf"]]],
)  # fmt: skip
SIZED = Argument(
    "colour", "colour of that size",
    complete=lambda node, typed: {"big": ("red",), "small": ("blue",)}[typed.bound["size"]],
)  # fmt: skip
WORDS = Argument(
    "words", "FIELD TEXT", words=True, kind="field",
    complete=lambda node, typed: (
        [Offer("TEXT", placeholder=True)] if typed.words else ["name", "number"]
    ),
)  # fmt: skip
PLAIN = Argument("plain", "anything you like")


@pytest.fixture
def walker():
    """A walker over commands whose arguments depend on each other."""
    family = Family()
    for pattern, names in (
        ("take <shelf> <thing>", "shelf, thing"),
        ("paint {big|small:size} <colour>", "size, colour"),
        ("find <words...>", "words"),
        ("say <plain>", "plain"),
        ("hide {self:who} [now]", "who, now=''"),
    ):
        space = {}
        exec(f'def handler(node, {names}):\n    "Do it."', space)
        family.command(pattern, level=0, arguments=(SHELF, THING, SIZED, WORDS, PLAIN))(
            space["handler"]
        )
    return Walker(Grammar({"all": ("",)}, lambda module: family), None, 0)


def test_choices_come_from_the_arguments_before(walker):
    """Words and arguments alike, however they were shortened or spelled."""
    assert walker.complete("take FRUIT ").insert == "Ap"
    assert walker.complete("take fruit ap").candidates == ("Apple", "Apricot")
    assert walker.complete("take Tools h") == Completion("ammer ")
    assert walker.complete("pa sm ") == Completion("blue ")
    assert walker.complete("paint b ") == Completion("red ")


def test_nothing_is_offered_behind_a_wrong_argument_and_help_says_why(walker):
    """What would be refused is not completed further."""
    assert walker.complete("take nowhere ") == Completion()
    with pytest.raises(NotFound) as caught:
        walker.help("take nowhere ")
    assert caught.value.message() == "nowhere is not a known shelf"
    assert walker.complete("take fruit Apple more ") == Completion()
    with pytest.raises(BadValue):
        walker.help("take fruit Apple more ")


def test_a_completed_word_takes_the_right_spelling(walker):
    """As far as the names agree in it."""
    assert walker.complete("TAKE fruit APP") == Completion("Apple ", erase=3)
    assert walker.complete("TA") == Completion("take ", erase=2)
    assert walker.complete("take f") == Completion("Fruit ", erase=1)
    assert walker.complete("take fruit a") == Completion("Ap", erase=1)


def test_a_name_with_blanks_is_quoted(walker):
    """Or it would be two words; nothing is completed up to the blank."""
    assert walker.complete("take tools long\\ s") == Completion()
    assert walker.complete('take tools "long s"') == Completion('"long saw" ', erase=8)
    assert walker.complete("take tools l").candidates == ("long file", "long saw")


def test_help_in_the_middle_of_a_word_filters(walker):
    """A whole word is followed; a name is shown with what it is."""
    assert walker.help("ta") == ("\ttake",)
    assert walker.help("take tools h") == ("\thammer   here",)
    assert walker.help("take fruit x") == ("\tNo thing begins with x",)
    assert walker.help("say some") == ("\tplain   anything you like",)
    assert walker.help("paint")[-2:] == ("\tbig", "\tsmall")
    with pytest.raises(UnknownCommand):
        walker.help("nonsense")


def test_the_syntax_comes_first_and_the_choices_follow(walker):
    """With a heading that says what they are."""
    assert walker.help("take fruit ") == (
        "Syntax:", "take shelf thing",
        "shelf   mandatory   shelf", "thing   mandatory   thing on the shelf",
        "", "Thing:", "\tApple     here", "\tApricot   here",
    )  # fmt: skip
    assert walker.help("hide self ")[-3:] == ("", "\tnow", "\t<cr>")


def test_free_text_is_named_and_never_completed(walker):
    """`?` says TEXT; Tab leaves it to the person."""
    assert walker.help("find name ") == ("\tTEXT",)
    assert walker.complete("find name T") == Completion()
    assert walker.complete("find n").candidates == ("name", "number")


def test_help_for_filters(walker):
    """Which there are, then what they take; a wrong line before the bar is said."""
    assert walker.help("say x | c") == ("\tcount   how many there are, headings left out",)
    assert walker.help("say x | include ") == ("\tTEXT   lines with TEXT",)
    assert walker.help("say x | z") == ("\tNo filter begins with z",)
    assert walker.help("say x|count | e")[0].startswith("\texclude")
    with pytest.raises(UnknownCommand):
        walker.help("nonsense | ")
    with pytest.raises(BadValue, match="comes one of: begin"):
        walker.help("say x | z ")


def test_many_names_stand_in_columns():
    """Read downwards, as wide as the terminal; of very many the rest is counted."""
    names = [f"name{i:02}" for i in range(30)]
    assert listing(names[:24], 80) == [f"\t{name}" for name in names[:24]]
    lines = listing(names, 40)
    assert lines[0].split() == ["name00", "name08", "name16", "name24"]
    assert all(len(line.expandtabs()) <= 40 for line in lines)
    assert listing(names, 0) == listing(names, 80)
    assert listing(names, 1) == [f"\t{name}" for name in names]
    assert len(listing(names, 1000)) == 1
    many = [str(i) for i in range(MAX_LISTED + 3)]
    assert listing(many)[-1] == "\t(3 more)"


def test_descriptions_are_wrapped_or_left_out():
    """No line is wider because of one; none is cut."""
    rows = [("apple", "a fruit that keeps the doctor away"), ("pear", "another")]
    assert described(rows, 40) == [
        "\tapple   a fruit that keeps the", "\t        doctor away", "\tpear    another"
    ]  # fmt: skip
    assert described(rows, 20) == ["\tapple", "\tpear"]
    assert described([("a\x1b[2J", "b")], 80) == ["\ta\\u{1B}[2J   b"]


def test_a_syntax_is_broken_between_words_only():
    """A choice stays whole, however narrow the terminal; without a width nothing is broken."""
    family = Family()

    @family.command(
        "take {first|second|third:which} <thing>",
        level=0,
        arguments=(Argument("thing", "a b " * 9),),
    )
    def take(node, which, thing):
        """Take it."""

    (command,) = family.commands
    whole = syntax(command)
    assert whole[1] == "take {first|second|third} thing"
    assert syntax(command, 80)[1] == whole[1]
    narrow = syntax(command, 32)
    assert narrow[1:3] == ["take {first|second|third}", "  thing"]
    assert syntax(command, 26)[1:4] == ["take", "  {first|second|third}", "  thing"]
    assert all(len(line) <= 40 for line in syntax(command, 40))
    assert " ".join(" ".join(narrow).split()) == " ".join(" ".join(whole).split())
