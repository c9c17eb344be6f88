"""Values of every class that declares a form, made of hostile parts: no key is undeclared or absent."""

import ast
import collections.abc
import functools
import importlib
import inspect
import json
import types
import typing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from json_watch import closed
from jsonschema import Draft202012Validator

from cucmos_shell.cli.grammar import Command
from cucmos_shell.cli.render import to_data, to_json
from cucmos_shell.cli.schema import schema
from cucmos_shell.frontends.reference import every_command
from cucmos_shell.node import Node
from cucmos_shell.pki import certs
from cucmos_shell.pki.trust_lists.form import TrustList
from cucmos_shell.results import FINDINGS, Finding, Value, maybe
from cucmos_shell.store import CertificateRow

TEXTS = st.text(max_size=12) | st.sampled_from(
    ['"', "admin:", "\x1b[2J", "\u202e", "\ud800", "a\n"]
)
TIMES = st.floats(0, 4e9)
PLAIN = {
    str: TEXTS, int: st.integers(0, 2**40), float: TIMES, bool: st.booleans(), bytes: st.binary(),
    typing.Any: TEXTS, object: TEXTS, type(None): st.none(),
}  # fmt: skip


@functools.cache
def namespace(name):
    """What names mean in a module, those for types only included."""
    module = importlib.import_module(name)
    found = dict(vars(module))
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            for one in node.body:
                _learn(one, found)
    return found


def _learn(statement, found):
    if isinstance(statement, ast.ImportFrom) and statement.module.startswith("cucmos_shell"):
        other = namespace(statement.module)
        for alias in statement.names:
            found[alias.name] = other.get(alias.name, typing.Any)
    else:
        exec(compile(ast.Module([statement], []), "<types>", "exec"), found)


def hints(kind):
    """The types of the fields of a value class, or of a named tuple."""
    if issubclass(kind, tuple) and not getattr(kind, "__annotations__", None):
        # Types made by name: what they hold is said for type checkers, where they are made.
        rooms = ("cucmos_shell.store.rows", "cucmos_shell.pki.description", kind.__module__)
        homes = map(namespace, rooms)
        kind = next(home[kind.__name__] for home in homes if kind.__name__ in home)
    names = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("cucmos_shell"):
            names |= namespace(base.__module__)
    return {name: typing.get_type_hints(kind, names)[name] for name in kind._fields}


def parts(kind, special):
    """A strategy for whatever an annotation says; `special` has some of them."""
    known = {**PLAIN, **special}
    if kind in known:
        return known[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([parts(one, special) for one in arguments])
    if origin is tuple and arguments[-1:] != (...,):
        return st.tuples(*(parts(one, special) for one in arguments))
    if origin in (tuple, list, collections.abc.Sequence, collections.abc.Iterable):
        return st.lists(parts(arguments[0], special), max_size=3).map(tuple)
    if origin in (dict, collections.abc.Mapping):
        return st.dictionaries(*(parts(one, special) for one in arguments), min_size=1, max_size=3)
    fields = {name: parts(one, special) for name, one in hints(kind).items()}
    return st.builds(kind, **fields)


def of_form(form):
    """A strategy for data of that form."""
    if isinstance(form, maybe):
        return st.none() | of_form(form.form)
    if isinstance(form, tuple):
        return st.sampled_from(form)
    if isinstance(form, list):
        return st.lists(of_form(form[0]), max_size=3)
    if isinstance(form, dict):
        return st.fixed_dictionaries({key: of_form(one) for key, one in form.items()})
    numbers = {"number": TIMES, "integer": PLAIN[int], "whole": PLAIN[int], "truth": st.booleans()}
    return numbers.get(form, TEXTS)


def finding(kind):
    """A strategy for warnings of that kind."""
    facts = {key: of_form(Finding.form[key].form) for key in FINDINGS[kind][1]}
    texts = st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
    return st.builds(Finding, st.just(kind), texts, st.fixed_dictionaries(facts))


def declared():
    """The value classes that say what their JSON looks like."""
    every_command()
    found, stack = set(), [Value]
    while stack:
        for kind in stack.pop().__subclasses__():
            stack.append(kind)
            own = kind.__module__.startswith("cucmos_shell") and kind is not Command
            declares = getattr(kind, "form", None) is not None and "data" in dir(kind)
            if own and declares:
                found.add(kind)
    return sorted(found, key=lambda kind: kind.__qualname__)


def shape(found):
    """The schema without the words and patterns that what is made at random cannot keep."""
    if isinstance(found, dict):
        loose = ("enum", "pattern", "minimum", "format")
        return {key: shape(value) for key, value in found.items() if key not in loose}
    return found


@pytest.mark.parametrize("kind", declared(), ids=lambda kind: kind.__qualname__)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_key_is_undeclared_or_absent(node, kind, data):
    """Whatever is in the value; and the line is one line of ASCII that is no prompt."""
    snapshot = node.snapshot()
    certificate = certs.load_der(snapshot.own_der("tomcat"))
    row = {name: parts(one, {}) for name, one in hints(CertificateRow).items()}
    special = {
        Node: st.just(node),
        # Those of an earlier version are completed by their certificates.
        CertificateRow: st.builds(CertificateRow, **{**row, "subject": TEXTS}),
        TrustList: st.none(),
        type(certificate): st.just(certificate),
        certs.x509.Certificate: st.just(certificate),
    }
    # What there is of each kind.
    special[Finding] = st.sampled_from([*FINDINGS]).flatmap(finding)
    special[Command] = st.sampled_from(every_command())
    value = data.draw(parts(kind, special))
    line = to_json(to_data(value))
    assert line.isascii()
    assert "\n" not in line
    assert "admin:" not in line
    validator = Draft202012Validator(closed(shape(schema(kind.form))))
    assert [error.message for error in validator.iter_errors(json.loads(line))] == []


def test_findings_are_as_the_contract_has_them():
    """A warning has all keys of warnings."""
    assert set(Finding("x", ("a", " b"), {"unit": "u"}).data()) == set(Finding.form)
