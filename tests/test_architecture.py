"""The layers: imports go down only, hidden ones counted, and who may use what from outside."""

import ast
import pathlib
import subprocess
import sys

import pytest

import cucmos_shell

ROOT = pathlib.Path(cucmos_shell.__file__).parent

ROWS = [
    {"confine", "errors", "line_text", "text"},
    {"certs", "der", "extensions", "grammar", "line_history", "line_keys", "line_output", "line_paste", "line_screen", "outline", "outside", "patterns", "profile_text", "results", "sftp_client", "shapes", "untrusted"},
    {
        "appliance", "chain_names", "chain_rules", "chain_walk", "chains", "ledger", "lexemes", "line_events", "line_field", "match", "pager",
        "profile_schema", "render", "requests", "trust_lists", "uploads", "world",
    },
    {"alarms", "audit", "caller", "line_editor", "subjects", "passwords", "profile_bulk", "profile_lists", "profile_loader", "public_keys", "service_plan", "store", "wording"},
    {"accounts", "areas", "expiry", "sent", "file_areas", "issuing", "logins", "ocsp", "search", "service_states", "services", "terminal", "trust_list_keeper"},
    {"installation", "node", "own_import", "trust_import", "tty_loop"},
    {"commands", "guard", "login"},
    {"session"},
    {"batch", "console", "options", "reference", "rich_console", "sshd"},
    {"__main__"},
]  # fmt: skip
WITHIN_ROW = {
    # A package below another in the same row: (importer, imported), each with its reason.
    ("errors", "text"): "an error makes its fields safe",
    ("certs", "der"): "keys are found in their DER",
    ("certs", "extensions"): "one thing in three files",
    ("certs", "outline"): "one thing in three files",
    ("certs", "untrusted"): "whatever it loads is guarded",
    ("outside", "results"): "what goes outside is a value",
    ("sent", "expiry"): "what was said is what was due",
    ("outline", "der"): "an outline is walked",
    ("shapes", "der"): "an outline is walked",
    ("chains", "chain_walk"): "one thing in four files",
    ("chains", "chain_names"): "one thing in four files",
    ("chains", "chain_rules"): "one thing in four files",
    ("chain_walk", "chain_names"): "one thing in four files",
    ("chain_walk", "chain_rules"): "one thing in four files",
    ("chain_names", "chain_rules"): "one thing in four files",
    ("commands", "guard"): "the setting is shown and changed where it is known",
    ("match", "lexemes"): "the walker reads words",
    ("sftp_client", "results"): "a host key is a value",
    ("profile_loader", "profile_bulk"): "one thing in three files",
    ("profile_loader", "profile_lists"): "one thing in three files",
    ("services", "service_states"): "what can be done, on top of what is",
}
OUTSIDE = {
    "prompt_toolkit": {"line_keys", "rich_console"},
    "asyncssh": {"sftp_client", "sshd"},
    "yaml": {"profile_text"},
    "msgspec": {"profile_lists", "profile_schema"},
    "tabulate": {"render"},
    "cryptography": {
        "certs", "chain_names", "chain_rules", "chain_walk", "chains", "extensions", "issuing", "ocsp", "passwords", "requests",
        "trust_lists", "untrusted", "uploads", "world",
    },
    "socket": {"outside", "sshd"},
    "random": set(),
    "re2": {"patterns"},
    "secrets": {"world"},
    "smtplib": {"outside"},
    "subprocess": set(),
    "pty": set(),
}  # fmt: skip


def modules():
    """`(row name, dotted name, syntax tree)` of every module."""
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        if relative.parts[0] == "etc" or (
            relative.name == "__init__.py" and len(relative.parts) == 1
        ):
            continue
        name = relative.parts[0].removesuffix(".py")
        yield name, str(relative), ast.parse(path.read_text())


def imports(tree):
    """Dotted names a module imports anywhere, functions and type checking included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def row(name):
    for i, names in enumerate(ROWS):
        if name in names:
            return i
    pytest.fail(f"{name} has no row")


def test_imports_go_down_only():
    """No module knows one above it or beside it."""
    wrong = []
    for name, path, tree in modules():
        for dotted in imports(tree):
            parts = dotted.split(".")
            if parts[0] != "cucmos_shell" or len(parts) < 2 or parts[1] == "__version__":
                continue
            other = parts[1]
            if other != name and row(other) >= row(name) and (name, other) not in WITHIN_ROW:
                wrong.append(f"{path} imports {other}")
    assert not wrong


def test_each_outside_package_has_its_room():
    """The terminal, the network, randomness and mail are reached from one place each."""
    wrong = []
    for name, path, tree in modules():
        for dotted in imports(tree):
            package = dotted.split(".")[0]
            if package in OUTSIDE and name not in OUTSIDE[package]:
                if package == "cryptography" and name == "commands":
                    continue
                wrong.append(f"{path} imports {dotted}")
    assert not wrong


def test_no_product_name_occurs_in_code():
    """Units, services and stores are data: a new product needs no line of Python."""
    from cucmos_shell.appliance import find
    from cucmos_shell.profile_loader import load_yaml

    names = set()
    for profile in ("imp-9.1", "ucm-9.1"):
        appliance = load_yaml(find(profile))
        names |= set(appliance.services) | set(appliance.trust_stores)
        names |= set(appliance.units)
    wrong = []
    for _, path, tree in modules():
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


HEAVY = ("cryptography", "prompt_toolkit", "asyncio", "tabulate", "yaml", "asyncssh")


@pytest.mark.parametrize(
    "line",
    [
        "show cert list own",
        "show cert list trust",
        "utils service list",
        "show service pending",
        "utils cert monitor run",
    ],
)
def test_a_listing_pays_for_no_heavy_import(node_dir, line):
    """A one-shot served from the index imports nothing it does not need."""
    code = (
        "import sys, cucmos_shell.__main__ as m\n"
        "from cucmos_shell.world import World\n"
        f"status = m.run(['--state', {str(node_dir)!r}, '-c', {line!r}], World.real())\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'{status} {heavy}' if status or heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout
