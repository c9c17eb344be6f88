"""Reading JSON gives what the standard library's reader gives, and refuses what it refuses."""

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmos_shell.store import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
BLANKS = st.text(" \t\r\n", max_size=3)


@given(VALUES, BLANKS, BLANKS, st.booleans())
def test_it_reads_what_was_written(value, before, behind, octets):
    """Whatever stands around it."""
    text = before + json.dumps(value, ensure_ascii=False) + behind
    assert json_text.loads(text.encode("utf-8", "surrogatepass") if octets else text) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "[1,]", "nul", "1 2", "[] x", '{"a" 1}', '{1: 2}', '"\n"', '"\\q"', "'a'", "\ufeff[]"],
)  # fmt: skip
def test_what_is_no_json_is_a_value_error(text):
    """As there; the caller names the file."""
    for reader in (json.loads, json_text.loads):
        with pytest.raises(ValueError):  # noqa: PT011
            reader(text)


@pytest.mark.unmeasured
def test_what_is_wrong_is_said_without_the_standard_reader_at_hand():
    """The scanner looks for it, and nobody has imported it."""
    code = (
        "import sys\n"
        "from cucmos_shell.store.json_text import loads\n"
        "assert 'json' not in sys.modules\n"
        "try:\n    loads('{')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("Expecting property name"), done.stderr


def test_octets_that_are_no_text_are_a_value_error():
    """Of any kind."""
    with pytest.raises(ValueError):  # noqa: PT011
        json_text.loads(b'"\xff"')


def test_what_is_nested_too_deeply_is_a_recursion_error():
    """Which callers take for damage."""
    with pytest.raises(RecursionError):
        json_text.loads("[" * 100_000)


def test_constants_and_an_interpreter_without_the_scanner(monkeypatch):
    """Other interpreters read by the standard library's reader."""
    for _ in range(2):
        assert math.isnan(json_text.loads("NaN"))
        assert json_text.loads("[Infinity, -Infinity]") == [math.inf, -math.inf]
        assert json_text.loads(b' {"a": 1.5e3} ') == {"a": 1500.0}
        monkeypatch.setattr(json_text, "_scan", None)
