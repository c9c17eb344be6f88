"""A value knows its two forms; what it does not know is made of its fields, or refused."""

import json

import pytest

from cucmos_shell.cli.render import Table, to_data, to_json, to_lines
from cucmos_shell.results import Document, Notice, Record, Value


class Ruler(Value):
    """A line of marks."""

    mark: str

    def lines(self):
        """The text: one line."""
        yield self.mark * 5

    def data(self):
        """The JSON form: the value itself, once more."""
        return [Point(1, 2), {"mark": self.mark}]


class Point(Value):
    """A value without forms of its own."""

    x: int
    y: object = None


def test_the_text_is_what_the_value_says():
    """There is none of nothing."""
    assert to_lines(Ruler("-")) == ["-----"]
    assert to_lines(None) == []


def test_data_is_what_the_value_says_or_else_its_fields():
    """All the way down; what is neither is refused."""
    assert to_data(Ruler("-")) == [{"x": 1, "y": 2}, {"mark": "-"}]
    assert to_data({1: (Notice(("a",)), Notice((), 2.5))}) == {"1": [None, 2.5]}
    with pytest.raises(TypeError, match="object is not JSON data"):
        to_data(Point(1, object()))


def test_the_values_of_any_command():
    """Lines, records and tables; a document is lines that are read page by page."""
    facts = {"a": 1}
    assert Document(("x",), facts).data() == facts
    record = Record((("Name", "x\x1b"), ("Long name", "")), facts)
    assert to_lines(record) == ["Name      : x\\u{1B}", "Long name : "]
    table = Table(("Name", "Long heading"), (("a\n", "b"),), facts)
    assert to_lines(table) == ["Name    Long heading", "======  ==============", "a\\u{A}  b"]
    assert to_lines(Table(("Name",), (), facts)) == ["No entries"]
    assert to_data(table) == to_data(record) == facts


def test_json_is_never_mistaken_for_a_prompt():
    """Nor does it need more than ASCII."""
    assert to_json({"a": "admin:", "b": "ü"}) == '{"a": "admin\\u003a", "b": "\\u00fc"}'


@pytest.mark.parametrize(
    "data",
    [None, True, 3, -1.5, 2**70, 1e300, "", "\ud800\u202e\x7f\x00\"\\", [], {}, [[], {"": [1, "a"]}],
     {"a": {"\u00e9": None, "b": [False]}}, float("nan"), "\U0001f600", ("a", ("b",))],
)  # fmt: skip
def test_json_is_written_as_the_library_writes_it(data):
    """Without the library, whatever the data."""
    assert to_json(data) == json.dumps(data)


def test_what_is_no_data_is_no_json():
    """It is a mistake in the program, and known as one."""
    with pytest.raises(TypeError, match="object is not JSON data"):
        to_json({"a": object()})
