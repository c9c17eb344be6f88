"""Products are data, and what a listing does not need it does not pay for."""

import ast

import pytest
from one_shot import loaded
from tree import modules


def test_no_product_name_occurs_in_code():
    """Units, services and stores are data: a new product needs no line of Python."""
    from cucmos_shell.profile.load import load_yaml
    from cucmos_shell.profile.profile import find
    from cucmos_shell.profile.profile import names as profiles

    names = set()
    for profile in profiles():
        appliance = load_yaml(find(profile))
        names |= set(appliance.services) | set(appliance.trust_stores)
        names |= set(appliance.units)
    wrong = []
    for path, tree in modules().values():
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in names and id(node) not in docs:
                wrong.append(f"{path}:{node.lineno} {node.value}")
    assert not wrong


HEAVY = {"cryptography", "prompt_toolkit", "asyncio", "tabulate", "yaml", "asyncssh", "sqlite3"}


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "line",
    [
        "show cert list own",
        "show cert list trust",
        "utils service list",
        "show service pending",
        "utils cert monitor run",
        "show hardware",
        "show date",
        "show process load",
        "show network status",
        "show network ipprefs all",
        "utils ntp status",
        "utils diagnose test",
        "utils core active list",
        "utils disaster_recovery history backup",
        "utils network host imp-sub",
        "utils snmp config 1/2c community-string list",
        "show tech ccm_service",
        "show tech network hosts",
        "show tech dbstateinfo",
        "show perf query class Process",
        "show risdb query phone",
    ],
)
def test_a_listing_pays_for_no_heavy_import(node_dir, line):
    """A one-shot served from the index imports nothing it does not need."""
    there, _ = loaded(node_dir, ["-c", line])
    assert not there & HEAVY


@pytest.mark.unmeasured
def test_a_query_pays_for_its_database_only(node_dir):
    """Certificates are not parsed for it, subjects included."""
    line = "run sql select subjectname, certificate from certificate"
    there, said = loaded(node_dir, ["-c", line])
    assert there & HEAVY == {"sqlite3"}
    assert said


STANDARD = {"collections", "contextlib", "enum", "functools", "json", "re", "signal"}


@pytest.mark.unmeasured
def test_the_shortest_listing_pays_for_no_import_of_the_standard_library(node_dir):
    """Each of these took a twentieth of its time or more."""
    there, said = loaded(node_dir, ["show", "cert", "list", "own"])
    assert not there & STANDARD
    assert said.count("\n") == 5
