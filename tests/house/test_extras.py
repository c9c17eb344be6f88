"""What is not needed is not asked for: the command line is tested without the SSH extra."""

import os
import subprocess
import sys

from places import CHECKOUT

EXTRAS = ("asyncssh", "paramiko", "pexpect", "hypothesis", "netmiko", "aiosmtpd")


def test_the_command_line_is_tested_without_extras(tmp_path):
    """`pytest tests/cli`, where nothing but the project and pytest is installed."""
    for name in EXTRAS:
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('{name} is not installed')\n")
    plugins = [word for name in ("xdist", "hypothesispytest") for word in ("-p", f"no:{name}")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, "tests/cli"],
        capture_output=True, text=True, cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_tests_mirror_the_packages():
    """A folder for each package that has tests, and few others."""
    folders = {path.parent.name for path in (CHECKOUT / "tests").glob("*/test_*.py")}
    packages = {path.parent.name for path in (CHECKOUT / "cucmos_shell").glob("*/__init__.py")}
    assert folders - packages == {"crash", "house", "lab", "program", "support", "transcripts"}
