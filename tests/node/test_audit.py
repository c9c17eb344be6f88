"""What the audit log has of a line, and which lines are refused for the key that stands on them."""

import pytest

from cucmos_shell.node.logs.audit import Audit, holds_key, looks_secret, redacted

SUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
KEY = "MC4CAQAwBQYDK2VwBCIEIDdk8Kt08YGYlu2bqi7wipqr6KzD/60mn/88Nugjjzjh"


@pytest.mark.parametrize(
    "line", ["show cert", "Show x", "SHOW", "bogus", "rm -rf /", "set-up", "sh?"]
)
def test_what_may_be_meant_for_a_command_is_logged(line):
    assert redacted(line, understood=False) == line
    assert not looks_secret(line)


@pytest.mark.parametrize(
    "line",
    ["Blue-Harbour7", "Blue-Harbour7 x", "fEuj2aviCC5O", "a" * 16, "3e:4a:51", "пароль", "_x"],
)
def test_what_cannot_be_meant_for_one_is_its_length(line):
    """Unless it was understood: then it is what it is."""
    assert redacted(line, understood=False) == f"({len(line)} characters not logged)"
    assert redacted(line) == line
    assert looks_secret(line)


@pytest.mark.parametrize(
    "text",
    [SUM, SUM.upper(), f"platform/log/{SUM}.log", "A" * 60, "-----BEGIN", "/var/lib/some/rather/deep/"
     "folder/of/which/nobody/knows/the/end", "VeriSignClassThreePublicPrimaryCertificationAuthority"],
)  # fmt: skip
def test_sums_paths_and_names_are_no_keys(text):
    assert not holds_key(f"file search activelog * {text}")


@pytest.mark.parametrize("text", [KEY, f"x.{KEY}", f"-----BEGIN PRIVATE KEY----- {KEY[:20]}"])
def test_a_line_of_a_key_is_one(text, say):
    """Refused without a word of it, in text and as JSON."""
    assert holds_key(f"show cert own {text}")
    for output in ("text", "json"):
        say(f"set output {output}")
        assert KEY[:20] not in say(f"show cert own {text}")
        assert say.status == 1


def test_an_entry_whose_time_is_damaged_is_passed_over(tmp_path):
    """Like any line that is no entry: what is read back has a time."""
    log = Audit(lambda n: str(tmp_path / f"log{n}"), str(tmp_path / "reserve"))
    for account in ("ann", "bob", "cay"):
        log.begin(1_794_991_600.0, "show myself", "show myself", account, "console")
    lines = (tmp_path / "log0").read_bytes().splitlines(keepends=True)
    (tmp_path / "log0").write_bytes(lines[0] + lines[1].replace(b":", b"\xba", 1) + lines[2])
    assert [entry.account for entry in log.entries(9)] == ["ann", "cay"]
