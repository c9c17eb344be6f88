"""Shortened words: what our own commands are called takes none from the product's."""

import pytest

from cucmos_shell import commands
from cucmos_shell.cli import Walker
from cucmos_shell.cli.lexemes import split
from cucmos_shell.errors import AmbiguousCommand
from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import find, names

# With what the product does not have a line begins so (x for an argument): typed in once more, by
# hand. Behind a product's command stand words of our own, too.
OWN = {
    "delete cluster", "delete sftp-host-key", "set account ssh-key", "set alarm", "set cli editor",
    "set cluster", "set csr delete", "set ocsp", "set output", "set security", "show alarm",
    "show audit", "show cert chain", "show cert distribution", "show cert expiry",
    "show cert impact", "show cert loaded", "show cli editor", "show cluster", "show history",
    "show ocsp", "show security", "show service", "show store", "utils cert", "utils cluster",
    "utils ctl download", "utils ctl upload", "utils ocsp", "utils profile", "utils smtp",
    "utils store",
    *(f"file {verb} {area}" for verb in ["dump", "get", "list", "search", "tail", "view"]
      for area in ("certs", "download", "upload")),
    "file delete download", "file delete upload",
    *(f"set csr gen x {option}" for option in ("key", "hash", "multi-server")),
    *(f"set smtp x {option}" for option in ("starttls", "tls", "account")),
    *(f"show cert {kind} x {form}" for kind in ("own", "trust") for form in ("brief", "pem")),
    *(f"show cert list {kind} where" for kind in ("own", "trust")), "show csr list where",
}  # fmt: skip
LEVELS, NOBODY = (0, 1, 4), 5


class Words:
    """The words of `grammar` at each of its `places`: `(line, {word: levels})`.

    The levels are the least of the product's commands behind the word, and of all.
    """

    def __init__(self, grammar):
        self.grammar = grammar
        self.own = set()
        self._found = {}
        self._look(grammar.root, (), own=False)
        self.places = list(self._found.values())

    def _look(self, place, line, *, own):
        if " ".join(line) in OWN:
            own = True
            self.own.add(" ".join(line))
        self.grammar.open(place)
        # Behind an argument that takes the rest of the line nothing stands.
        end, behind = (place.next, None) if place.argument_rest else (place, place.next)
        level = end.command.level if end.command else NOBODY
        levels = {word: self._look(p, (*line, word), own=own) for word, p in place.words.items()}
        if levels and place.argument is None:
            # Options in another order are the same.
            self._found.setdefault((line[:2], frozenset(levels.items())), (line, levels))
        found = [(NOBODY if own else level, level), *levels.values()]
        if behind is not None:
            found.append(self._look(behind, (*line, "x"), own=own))
        return tuple(map(min, zip(*found, strict=True)))

    def lines(self, level):
        """`(line, all words behind it, the product's, our own)`, the last two open to `level`."""
        for line, levels in self.places:
            product = {word for word, (least, _) in levels.items() if least <= level}
            own = {word for word, (_, least) in levels.items() if least <= level} - product
            yield line, set(levels), product, own


def beginnings(words, every):
    """All that the `words` begin with, but not what is one of `every` by itself."""
    found = {word[:size].casefold() for word in words for size in range(1, len(word))}
    return sorted(found - {word.casefold() for word in every})


def fit(words, typed):
    """Those of `words` that begin so."""
    return [word for word in words if word.casefold().startswith(typed)]


def read(walker, line, typed):
    """The word that `typed` is taken for behind `line`; empty if it is ambiguous."""
    try:
        *_, (_, _, word, _) = walker.path(split(" ".join((*line, typed))))
    except AmbiguousCommand:
        return ""
    return word


@pytest.fixture(scope="module", params=names())
def words(request):
    """What a node of each product and release can do."""
    return Words(commands.grammar(load_yaml(find(request.param))))


@pytest.mark.parametrize("level", LEVELS)
def test_what_means_one_word_of_the_product_means_it_here(words, level):
    """Our own beside it do not count."""
    walker, wrong, tried = Walker(words.grammar, None, level, live=False), [], 0
    for line, every, product, _ in words.lines(level):
        for typed in beginnings(product, every):
            meant = fit(product, typed)
            if len(meant) == 1:
                tried += 1
                if read(walker, line, typed) != meant[0]:
                    wrong.append((" ".join((*line, typed)), meant[0]))
    assert not wrong
    assert tried > 1000


@pytest.mark.parametrize("level", LEVELS)
def test_our_own_are_matched_as_ever_where_none_of_the_product_fits(words, level):
    """In full, and by what only one of them begins with; what several begin with is ambiguous."""
    walker, tried = Walker(words.grammar, None, level, live=False), 0
    for line, every, product, own in words.lines(level):
        assert all(read(walker, line, word) == word for word in own | product)
        for typed in beginnings(own, every):
            if not fit(product, typed):
                tried += 1
                meant = fit(own, typed)
                assert read(walker, line, typed) == (meant[0] if len(meant) == 1 else "")
    assert tried > 800


def test_every_word_of_our_own_is_one(words):
    """Or the list would say less than it seems to."""
    assert words.own == OWN


def test_it_means_the_products_and_lists_both(say):
    """Tab and `?` hide nothing, and an own word is understood as soon as only it fits."""
    assert say("sh cl pag") == say("show cli pagination")
    assert say("sh clu p") == say("show cluster peer")
    assert say.session.complete("show cl").candidates == ("cli*", "cluster*")
    assert say.session.help("show cl") == ("\tcli*", "\tcluster*")


def test_what_is_ambiguous_among_the_products_words_names_all(say):
    """One may go on with each of them."""
    lines = say("set s").splitlines()
    assert lines[:-1] == ["Ambiguous command: s", "\tsecurity", "\tsession", "\tsmtp"]


def test_a_word_may_be_the_products_in_one_release_only():
    """Release 9.1 has no list of CAs that it knows by itself."""
    found = {
        name: Walker(commands.grammar(load_yaml(find(name))), None, 4).begins("show cert d")[-1]
        for name in ("ucm-9.1", "ucm-15")
    }
    assert found == {"ucm-9.1": "distribution", "ucm-15": "default-ca-list"}
