"""Small records: what they share with those of the standard library, whose imports they save."""

from collections import namedtuple
from functools import cached_property

import pytest

from cucmos_shell.results import lazy, row_type

FIELDS = "name age key"
Ours, Theirs = row_type("Ours", FIELDS), namedtuple("Theirs", FIELDS)


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_a_record_is_a_tuple_with_names(kind):
    """Made by place and by name, from any row of values, and changed into another one."""
    one = kind("a", 1, key=None)
    assert one == ("a", 1, None) == kind._make(["a", 1, None]) == kind(age=1, key=None, name="a")
    assert (one.name, one.age, one.key) == ("a", 1, None)
    assert one._asdict() == {"name": "a", "age": 1, "key": None}
    assert one._replace(age=2) == ("a", 2, None)
    assert type(one._replace(age=2)) is kind
    assert repr(one) == f"{kind.__name__}(name='a', age=1, key=None)"
    assert kind._fields == ("name", "age", "key")
    with pytest.raises(AttributeError):
        one.name = "b"


@pytest.mark.parametrize("kind", [Ours, Theirs])
@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), (("a", 1), {}), (("a", 1, 2, 3), {}), (("a", 1, 2), {"name": "b"}),
     (("a",), {"key": 1}), (("a", 1), {"bogus": 2})],
)  # fmt: skip
def test_a_record_of_the_wrong_size_is_a_type_error(kind, values, named):
    """So a damaged row is no row."""
    with pytest.raises(TypeError):
        kind(*values, **named)
    if not named:
        with pytest.raises(TypeError):
            kind._make(values)


@pytest.mark.parametrize("part", [lazy, cached_property])
def test_a_lazy_part_is_made_once_and_may_be_dropped(part):
    """It is kept with its owner."""
    made = []

    class Owner:
        @part
        def thing(self):
            """A thing."""
            made.append(self)
            return len(made)

    owner = Owner()
    assert (owner.thing, owner.thing, len(made)) == (1, 1, 1)
    del owner.__dict__["thing"]
    assert owner.thing == 2
    assert Owner.thing.__doc__ == "A thing."


def test_the_last_values_may_be_absent():
    """Where something stands for them; so a row of an earlier version is a row."""
    later = row_type("Later", FIELDS, age=0, key=())
    assert later("a") == later._make(["a"]) == later(name="a") == ("a", 0, ())
    assert later("a", key="k") == ("a", 0, "k")
    assert later("a", 1)._replace(name="b") == ("b", 1, ())
    two = row_type("Two", FIELDS, key=())
    for kind, values, named in (
        (later, (), {}), (later, (), {"key": 1}), (later, ("a", 1, 2, 3), {}),
        (later, ("a",), {"name": "b"}), (two, ("a",), {"key": 1}), (two, ("a",), {}),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            kind(*values, **named)
