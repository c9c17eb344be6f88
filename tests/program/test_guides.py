"""The guides in `docs/` are run as they stand: shell lines, node lines, and what they print.

A block behind `<!-- shell -->` has `$ ` lines, one behind `<!-- node -->` has `admin:` lines, and
`<!-- node: paste FILE … -->` pastes files; one behind `<!-- file: NAME -->` is what that file holds. `...` in
what is printed stands for anything. Standard error of shell lines is not shown.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys

import pytest
from places import DOCS

BLOCK = re.compile(
    r"<!-- (shell|node|file)(?:: (?:paste )?([^>]*?))? -->\n```\w*\n(.*?)\n```", re.DOTALL
)
GUIDES = [path for path in sorted(DOCS.glob("*.md")) if BLOCK.search(path.read_text())]
PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]


class Place:
    """An empty folder in which a guide is followed."""

    def __init__(self, folder):
        self.folder = folder
        tools = folder / "bin"
        tools.mkdir()
        python = [sys.executable]
        pytest_here = [*python, "-m", "pytest", "-p", "no:cacheprovider"]
        programs = {"cucmos-shell": PROGRAM, "pytest": pytest_here, "python3": python}
        for name, program in programs.items():
            script = tools / name
            script.write_text(f'#!/bin/sh\nexec {" ".join(program)} "$@"\n')
            script.chmod(0o755)
        self.environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(folder)}

    def shell(self, line, _):
        return self._run(["sh", "-e", "-c", line], "")

    def node(self, line, pasted):
        text = "".join((self.folder / name).read_text() for name in (pasted or "").split())
        return self._run([*PROGRAM, "--state", "node", "-c", line], text)

    def _run(self, command, text):
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, cwd=self.folder,
            env=self.environment, check=False,
        )  # fmt: skip
        return done.stdout


def steps(block, prompt):
    """`(line, what it prints)` of a block."""
    for part in re.split(rf"(?m)^{re.escape(prompt)}", block)[1:]:
        line, _, output = part.partition("\n")
        yield line, output.rstrip("\n")


def matches(expected, seen):
    """Whether `seen` is `expected`, in which `...` stands for anything but four dots and more."""
    parts = re.split(r"(?<!\.)\.\.\.(?!\.)", expected)
    return re.fullmatch(".*".join(map(re.escape, parts)), seen, re.DOTALL) is not None


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_a_guide_works_as_it_is_written(path, tmp_path):
    """Line by line, in the order of the text."""
    place = Place(tmp_path)
    try:
        for kind, pasted, block in BLOCK.findall(path.read_text()):
            if kind == "file":
                (tmp_path / pasted).write_text(f"{block}\n")
                continue
            run, prompt = (place.shell, "$ ") if kind == "shell" else (place.node, "admin:")
            for line, expected in steps(block, prompt):
                seen = run(line, pasted).rstrip("\n")
                where = f"{path.name}: {line}\n{seen}"
                assert matches(expected, seen), f"{where}\n--- expected\n{expected}"
    finally:
        for file in tmp_path.glob("*.pids"):
            for pid in map(int, file.read_text().split()):
                with contextlib.suppress(OSError):
                    # Another process may have its number by now.
                    if os.readlink(f"/proc/{pid}/cwd") == str(tmp_path):
                        os.kill(pid, signal.SIGKILL)
