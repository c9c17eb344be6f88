"""The manual page, as people and programs read it."""

import os
import subprocess

import pytest
from places import CHECKOUT

from cucmos_shell.frontends.verbs import ENVIRONMENT, EXIT_STATUSES, VERBS

PAGE = str(CHECKOUT / "packaging" / "cucmos-shell.1")
ENVIRONMENT_OF_MAN = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "100"}


def render(*command):
    return subprocess.run(
        [*command, PAGE], capture_output=True, text=True, env=ENVIRONMENT_OF_MAN, check=True
    )


@pytest.mark.parametrize(
    "command", [("groff", "-man", "-ww", "-Tutf8"), ("man", "--warnings", "-P", "cat", "-l")]
)
def test_the_page_renders_without_a_warning(command):
    """By the typesetter, and by what people type."""
    done = render(*command)
    assert done.stderr == ""
    assert "Install a node, and say where." in done.stdout


def test_the_page_has_all_that_is_declared():
    """Every verb but the hidden ones, every option, status and variable."""
    page = render("man", "-P", "cat", "-l").stdout
    for verb in VERBS.values():
        assert (f"   {verb.full_name} [options]" in page) is not verb.hidden
        names = [] if verb.hidden else verb.options
        assert all(f"       {name}" in page for name in names)
    for name in [*map(str, EXIT_STATUSES), *ENVIRONMENT]:
        assert f"\n       {name}" in page
