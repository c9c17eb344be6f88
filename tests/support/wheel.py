"""The project's wheel, installed in a prefix of its own."""

import os
import subprocess
import sys

import pytest
from places import CHECKOUT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A prefix with the project's wheel in it."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    made = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(CHECKOUT)]
    subprocess.run(made, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    put = [*pip, "install", "--no-deps", "--no-index", "--prefix", str(folder / "prefix")]
    put += ["--ignore-installed", "--no-warn-script-location", str(wheel)]
    subprocess.run(put, check=True, capture_output=True)
    return folder / "prefix"


def with_wheel(prefix):
    """The environment in which the wheel comes before anything else of its name."""
    (packages,) = prefix.glob("lib/*/site-packages")
    return {**os.environ, "PYTHONPATH": str(packages)}
