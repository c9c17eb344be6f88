"""A mistake of the program leaves one short line about where it happened, and nothing else."""

import os

from cucmos_shell.session import bug
from cucmos_shell.store.paths import Layout


def deep(depth):
    """Fail below `depth` calls, with a text that nobody may see."""
    if depth:
        deep(depth - 1)
    raise KeyError("secret")


def report(layout, depth):
    """The error for a mistake below `depth` calls."""
    try:
        deep(depth)
    except KeyError as problem:
        return bug.bug(problem, 1000.5, layout)


def test_a_mistake_is_one_short_line(tmp_path):
    """Innermost place first; the exception's own text goes nowhere."""
    layout = Layout(str(tmp_path))
    error = report(layout, 2)
    assert error.message() == (
        "Internal error (KeyError); details are in activelog platform/log/errors.log"
    )
    report(layout, 500)
    with open(tmp_path / "log" / "platform" / "log" / "errors.log") as file:
        first, second = file.read().splitlines()
    assert first.startswith("1000 KeyError: test_bug.py:")
    assert first.count(" in deep < ") == 3
    assert first.endswith(" in report")
    assert len(second) == 1000
    assert "secret" not in first + second


def test_the_error_log_rotates(tmp_path):
    """It stays small, whatever goes wrong."""
    layout = Layout(str(tmp_path))
    for _ in range(4):
        report(layout, 0)
        with open(layout.error_log(), "a") as file:
            file.write("x" * bug.MAX_SIZE)
    folder = os.path.dirname(layout.error_log())
    assert sorted(os.listdir(folder)) == ["errors.log", "errors.log.1", "errors.log.2"]


def test_a_mistake_is_told_where_the_log_takes_none(tmp_path, capsys):
    """On the standard error."""
    layout = Layout(str(tmp_path))
    os.makedirs(layout.error_log())
    report(layout, 0)
    assert capsys.readouterr().err.startswith("1000 KeyError: test_bug.py:")
