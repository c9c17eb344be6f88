"""A person's pattern: linear time whatever is tried, and an answer whatever is typed."""

import json
import subprocess
import sys
import threading
import time

import pytest
import re2
from harness import Conversation

from cucmos_shell.cli.filters import filtered, filtered_data
from cucmos_shell.cli.regex import MAX_MEMORY, finder, searcher
from cucmos_shell.errors import BadValue

EVIL = ["(.*.*)*Q", "(.|.)*ZZ", "(a+)+b", "(a|a)*b", "a*a*a*a*a*b", "(a*b?)*c", "(a|aa)+$b"]
NO_EXPRESSION = ["((((", "(" * 900, "a**", "[", "(?a)(?u)x", "(?=a)", r"(a)\1", "a{2,1}", "\\"]


@pytest.mark.parametrize("text", EVIL)
def test_a_filter_ends_soon(text):
    """Python's own matcher would try these for hours on forty characters."""
    begun = time.process_time()
    assert filtered(["a" * 4000], [("include", text)]) == []
    assert filtered_data(["a" * 4000], [("include", text)]) == []
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("text", NO_EXPRESSION)
def test_what_is_no_expression_is_plain_text(text):
    """As it stands, and without regard to case."""
    lines = [f"before {text.upper()} after", "another"]
    assert filtered(lines, [("include", text)]) == lines[:1]
    assert filtered(lines, [("exclude", text)]) == lines[1:]


@pytest.mark.parametrize("text", ["(?:.?){1000}(?:.?){1000}Q", r"(\pL*\pN*){300}Q", "x" * 5000])
def test_what_is_too_large_is_plain_text_in_a_filter_and_refused_in_a_search(text):
    """The time of a match grows with the size of the expression."""
    with pytest.raises(BadValue, match="regular expression"):
        searcher(text)
    assert not finder(text)("a" * 4000)
    assert finder(text)(text)


def test_no_expression_is_kept():
    """The library would keep the last 128 with all that they took, whoever they were for."""
    for number in range(20):
        assert searcher(f"a.{number}")(f"a {number}")
    assert re2._Regexp._make.cache_info().currsize == 0


def test_an_expression_takes_little_memory():
    """Of one that has more states than there is memory, few are kept."""
    program = """if True:
        import itertools, random, resource
        from cucmos_shell.cli.regex import searcher
        find = searcher("(a|b)*a(a|b){150}c")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(50):
            find("".join(random.choices("ab", k=4000)))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert int(done.stdout) < 4 * MAX_MEMORY // 1024


def test_huge_counts_are_answered(say):
    """What is an error inside Python's matcher is nothing here."""
    for text in ("a{4294967295}", "a{99999999999999999999}", "(a{1000}){1000}"):
        assert say(f"show status | include {text}") == ""


def test_a_line_in_the_session_is_answered(node):
    """No filter is an internal error, in text or in JSON."""
    say = Conversation(node)
    for text in EVIL + NO_EXPRESSION:
        assert "nternal error" not in say(f'show status | include "{text}"'), text
    say("set output json")
    for text in EVIL + NO_EXPRESSION:
        answer = json.loads(say(f"show cert list own | include {json.dumps(text)}"))
        assert answer["error"] is None or answer["error"]["kind"] != "bug", text


def test_the_others_go_on_while_it_matches():
    """A thread that matches does not hold the interpreter."""
    find = finder("(?:.?){1000}Q")
    ended = threading.Event()

    def match():
        find("ab" * 50_000)
        ended.set()

    thread = threading.Thread(target=match)
    thread.start()
    turns = 0
    while not ended.is_set():
        turns += 1
    thread.join()
    # A matcher that holds the interpreter lets nobody count.
    assert turns > 1000


def test_what_is_no_unicode_is_searched_all_the_same():
    """A lone surrogate comes from an octet that is no UTF-8."""
    assert finder("a.c")("x\udc80 abc")
    assert finder("\udc80")("x\udc80")
    assert not finder("a\udc80.")("abc")


def test_usual_filters(say):
    """Alternatives, anchors, classes; case does not matter, and words need no expression."""
    assert finder("TOMCAT|ipsec")("x tomcat y")
    assert finder("^cert")("Certificate")
    assert not finder("^cert")("my certificate")
    assert finder("tomcat")("Cisco Tomcat")
    assert say("show cert list own | include ^IPSEC/").startswith("ipsec/")
