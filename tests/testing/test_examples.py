"""`examples/` is a project as a reader has one: it knows the wheel, and what is public in it."""

import ast
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from places import CHECKOUT
from sweeping import every
from wheel import installed, with_wheel  # noqa: F401

EXAMPLES = CHECKOUT / "examples"
SERVICE = "Cisco Tomcat"


@pytest.fixture
def project(tmp_path):
    """A copy of the project, away from the checkout."""
    folder = tmp_path / "project"
    skipped = shutil.ignore_patterns("node_modules", "__pycache__", ".*_cache")
    return shutil.copytree(EXAMPLES, folder, ignore=skipped)


def outcome(project, environment, *options):
    """What pytest prints there, and how many tests came to which end."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", f"--basetemp={project.parent / 'base'}",
         *options],
        cwd=project, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    counts = re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout.splitlines()[-1])
    return done.stdout, {what: int(number) for number, what in counts}


def with_ssh2(project):
    """Give the project the packages of package.json, from a cache beside Python's."""
    cache = pathlib.Path(sys.prefix, "examples-node-modules")
    if not (cache / "node_modules" / "ssh2").exists() and shutil.which("npm"):
        cache.mkdir(exist_ok=True)
        shutil.copy(project / "package.json", cache)
        words = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(words, cwd=cache, capture_output=True, check=False)
    if (cache / "node_modules").exists():
        shutil.copytree(cache / "node_modules", project / "node_modules", symlinks=True)


@pytest.mark.slow
def test_the_examples_pass_with_the_wheel(project, installed):  # noqa: F811
    """With each client that is there; what is not says what to install."""
    with_ssh2(project)
    said, counts = outcome(project, with_wheel(installed), "-n", "2")
    assert set(counts) <= {"passed", "skipped"}, said
    assert counts["passed"] == 16 - 2 * counts.get("skipped", 0), said
    assert all("is not installed" in line for line in said.splitlines() if "SKIPPED" in line)


@pytest.mark.slow
def test_the_examples_drive_many_nodes(project, installed):  # noqa: F811
    """500 and three clusters where all is swept, else a share of them."""
    many = {"RENEWAL_NODES": str(500 // every("inventory", 100)), "RENEWAL_CLUSTERS": "3"}
    said, counts = outcome(project, {**with_wheel(installed), **many}, "tests/test_inventory.py")
    assert counts == {"passed": 2}, said


def test_a_fault_that_a_script_does_not_handle_fails_readably(project, installed):  # noqa: F811
    """The report says what the script ran, and what went wrong on the node."""
    (project / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture(autouse=True)\n"
        "def _full(cucmos_shared_node):\n"
        "    cucmos_shared_node.fault('store.commit', 'disk-full', name='full')\n"
    )
    chosen = "tests/test_asyncssh.py::test_the_new_certificate_is_in_use"
    said, counts = outcome(project, with_wheel(installed), chosen)
    assert counts == {"failed": 1}, said
    assert "RuntimeError" in said
    assert "No space left on device" in said
    assert "admin ssh/127.0.0.1: set cert regen tomcat -> failed(4)" in said
    assert "full: store.commit disk-full (units=tomcat tomcat-trust)" in said


def test_the_examples_use_what_is_public():
    """Nothing but `cucmos_shell.testing` is imported."""
    for path in EXAMPLES.glob("*/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("cucmos_shell"):
                assert node.module == "cucmos_shell.testing", path
            if isinstance(node, ast.Import):
                assert not any(one.name.startswith("cucmos_shell") for one in node.names), path


def test_mypy_finds_the_types(project, installed):  # noqa: F811
    """`mypy --strict` has nothing to say of the examples, and finds mistakes."""
    (project / "tests" / "test_mistake.py").write_text(
        "from cucmos_shell.testing import LabNode\n"
        "def test(cucmos_node: LabNode) -> None:\n"
        "    cucmos_node.run(1).text\n"
        "    cucmos_node.loaded('x').serial\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict"],
        cwd=project, env=with_wheel(installed), capture_output=True, text=True, check=False,
    )  # fmt: skip
    *wrong, last = done.stdout.splitlines()
    assert last.startswith("Found 2 errors in 1 file"), done.stdout
    assert all(line.startswith("tests/test_mistake.py:") for line in wrong)
    assert 'incompatible type "int"; expected "str"' in done.stdout
    assert '"Certificate" has no attribute "serial"' in done.stdout
