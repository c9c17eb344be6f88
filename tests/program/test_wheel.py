"""What is installed from a wheel is the whole program: profiles, script and all."""

import pathlib
import subprocess
import sys

from places import CHECKOUT
from wheel import installed, with_wheel  # noqa: F401


def test_the_installed_script_installs_a_node_and_lists(installed, tmp_path):  # noqa: F811
    """Away from the checkout, with the profiles that came in the wheel."""
    (packages,) = installed.glob("lib/*/site-packages")

    def run(*words):
        done = subprocess.run(
            [str(installed / "bin" / "cucmos-shell"), *words],
            capture_output=True, text=True, cwd=tmp_path,
            env=with_wheel(installed),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    state = str(tmp_path / "node")
    assert run("init", "--state", state, "--profile", "ucm-9.1").startswith("Installed ucm-9.1")
    assert "CallManager/CallManager.pem" in run("--state", state, "-c", "show cert list own")
    # What it is based on comes along.
    assert run("init", "--state", f"{state}-15", "--profile", "ucm-15").startswith("Installed")
    where = [sys.executable, "-c", "import cucmos_shell; print(cucmos_shell.__file__)"]
    found = subprocess.run(
        where, capture_output=True, text=True, env={"PYTHONPATH": str(packages)}, cwd=tmp_path
    )
    assert pathlib.Path(found.stdout.strip()).is_relative_to(packages)


def test_the_manual_page_and_the_completions_are_where_programs_look(installed):  # noqa: F811
    """Below share/, as they are in the checkout."""
    places = {
        "cucmos-shell.1": "man/man1/cucmos-shell.1",
        "cucmos-shell.bash": "bash-completion/completions/cucmos-shell",
        "_cucmos-shell": "zsh/site-functions/_cucmos-shell",
        "cucmos-shell.fish": "fish/vendor_completions.d/cucmos-shell.fish",
    }
    folder = CHECKOUT / "packaging"
    assert {path.name for path in folder.iterdir()} == set(places)
    for name, place in places.items():
        assert (installed / "share" / place).read_bytes() == (folder / name).read_bytes()
