"""The plugin in a suite of somebody else: fixtures, markers, options, and what a failure tells."""

import os
import re
import subprocess
import sys
import textwrap

import pytest

SUITE = '''
import paramiko
import pytest


def client(address):
    """A signed-in client."""
    made = paramiko.SSHClient()
    made.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    made.connect(**address.paramiko())
    return made


def test_a_fresh_node(cucmos_node):
    assert "Self-signed" in cucmos_node.run("show cert list own").text


@pytest.mark.parametrize("turn", range(3))
def test_a_shared_server_is_as_fresh(cucmos_shared_node, cucmos_shared_ssh, turn):
    with client(cucmos_shared_ssh) as made:
        said = made.exec_command("--yes set cert regen cup")[1].read().decode()
        assert "Successfully Regenerated" in said
        history = made.exec_command("show store history")[1].read().decode()
    assert history.count("set cert regen cup") == 1, history
    assert [one.command for one in cucmos_shared_node.commands()][-1] == "show store history"


@pytest.mark.cucmos("ucm-9.1", hostname="lab-pub")
class TestAnotherProduct:
    def test_is_what_the_marker_says(self, cucmos_node):
        assert cucmos_node.json("show network cluster")[0]["hostname"] == "lab-pub"
        assert "CallManager/CallManager.pem" in cucmos_node.run("show cert list own").text

    @pytest.mark.cucmos(hostname="other")
    def test_the_nearest_marker_counts(self, cucmos_node):
        assert cucmos_node.json("show network cluster")[0]["hostname"] == "other"


def test_a_template_is_one(cucmos_template):
    assert cucmos_template("imp-9.1") == cucmos_template("imp-9.1")
    assert (cucmos_template("imp-9.1") / "profile.json").exists()


@pytest.mark.parametrize("fixture", ["cucmos_node", "cucmos_shared_node"])
def test_that_fails(request, fixture):
    node = request.getfixturevalue(fixture)
    with client(node.ssh) as made:
        made.exec_command("show nothing")[1].read()
    assert fixture == "another"


@pytest.mark.cucmos(color="blue")
def test_with_a_mistake(cucmos_node):
    pass
'''


class Suite:
    """A folder with tests, run by a pytest of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.base = folder.parent / "base"
        self.environment = dict(os.environ)

    def run(self, text, *options):
        """What it prints, and how many tests came to which end."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "test_it.py").write_text(textwrap.dedent(text))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-W", "error", "--strict-markers",
             "-p", "no:cacheprovider", f"--basetemp={self.base}", *options],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        counts = re.findall(r"(\d+) (passed|failed|error|skipped)", said.splitlines()[-1])
        return said, {what: int(number) for number, what in counts}


@pytest.fixture
def suite(tmp_path):
    return Suite(tmp_path / "suite")


def test_a_suite(suite):
    """Over two workers: one template a kind, folders that go, and those that are to stay."""
    said, counts = suite.run(SUITE, "-n", "2", "--dist", "worksteal", "--cucmos-keep")
    assert counts == {"passed": 7, "failed": 2, "error": 1}, said
    for name in ("cucmos_node", "cucmos_shared_node"):
        assert f"{name}: what clients ran" in said
        kept = re.search(rf"{name}: kept in -+\n(\S+)", said)[1]
        log = os.path.join(kept, "log", "platform", "log", "cli00001.log")
        with open(log) as file:
            assert "show nothing" in file.read()
    assert said.count("admin ssh/127.0.0.1: show nothing -> failed(1)") == 2
    assert "cucmos: color is none of: profile, " in said
    folders = [path.name for path in (suite.base / "cucmos-templates").iterdir() if path.is_dir()]
    kinds = [name.rpartition("-")[0] for name in sorted(folders)]
    assert kinds == ["imp-9.1", "ucm-9.1", "ucm-9.1"]
    left = [path.name for path in suite.base.glob("popen-gw*/cucmos0/*")]
    assert sorted(re.sub(r"\d+", "N", name) for name in left) == [
        "node-N", "test_that_fails-cucmos_shared_node-",
    ]  # fmt: skip


def test_the_ini_file_names_the_product(suite):
    """A file's path is seen from the suite's root."""
    suite.folder.mkdir()
    (suite.folder / "pytest.ini").write_text("[pytest]\ncucmos_profile = ./none.yaml\n")
    said, counts = suite.run("def test(cucmos_node):\n    pass\n")
    assert counts == {"error": 1}
    assert f"{suite.folder}/none.yaml" in said.replace("/./", "/")


WITHOUT = """
import sys


def test_of_somebody_else():
    dear = ("cryptography", "asyncio", "msgspec", "yaml", "cucmos_shell.node", "cucmos_shell.store")
    assert [name for name in dear if name in sys.modules] == []


def test_without_ssh(cucmos_node):
    assert cucmos_node.run("show cert list own").ok


def test_with_ssh(cucmos_ssh):
    pass


def test_with_a_shared_server(cucmos_shared_ssh):
    pass
"""


def test_without_the_extra_a_fixture_says_what_to_install(suite, tmp_path):
    """And suites that use none of them notice nothing."""
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    # What `pip install cucmos-shell` does not bring is not to be found.
    (stubs / "sitecustomize.py").write_text(
        "import sys\n"
        "class Missing:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'asyncssh':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing)\n"
    )
    suite.environment["PYTHONPATH"] = str(stubs)
    others = ("xdist", "hypothesispytest", "asyncio", "cov", "pytest_cov")
    plugins = [word for name in others for word in ("-p", f"no:{name}")]
    said, counts = suite.run(WITHOUT, *plugins)
    assert counts == {"passed": 2, "error": 2}, said
    assert said.count("pip install 'cucmos-shell[test-kit]'") >= 2
    assert "Traceback" not in said
