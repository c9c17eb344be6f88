"""The documents say what the program does today."""

import re

import pytest
from places import CHECKOUT, TRANSCRIPTS

from cucmos_shell import errors
from cucmos_shell.frontends import fault_page, manual, reference
from cucmos_shell.frontends.batch import INTERRUPTED
from cucmos_shell.frontends.verbs import EXIT_STATUSES
from cucmos_shell.world.faults import POINTS


def screen(name):
    """A transcript as the screen showed it."""
    return re.sub(r"\n--> [^\n]*\n", "", (TRANSCRIPTS / f"{name}.txt").read_text())


def sessions():
    """Every session block of every document: `(document, transcript, text)`."""
    pattern = re.compile(r"<!-- session: (\S+) -->\n```\n(.*?)\n```", re.DOTALL)
    for path in sorted(CHECKOUT.glob("*.md")) + sorted((CHECKOUT / "docs").glob("*.md")):
        for name, text in pattern.findall(path.read_text()):
            yield pytest.param(name, text, id=f"{path.name}-{name}")


@pytest.mark.parametrize(("name", "text"), list(sessions()))
def test_a_session_in_a_document_is_part_of_a_tested_transcript(name, text):
    """Nobody reads a session that never happened."""
    assert text in screen(name)


def test_the_reference_is_what_the_grammar_says():
    """`cucmos-shell reference docs/commands.md` has been run since the last change."""
    assert (CHECKOUT / "docs" / "commands.md").read_text() == reference.text()


def test_the_reference_leads_to_each_command_by_what_it_is_for():
    """Its contents are its headings in their order, as links that no two of them share."""
    text = reference.text()
    headings = re.findall(r"^###? (.*)$", text, re.M)
    links = re.findall(r"^ *\* \[(.*?)\]\(#(.*?)\)$", text, re.M)
    assert [name for name, _ in links] == headings
    assert len({anchor for _, anchor in links}) == len(links)
    for name, anchor in links:
        assert re.sub(r"-\d+$", "", anchor) == re.sub(r"[^a-z0-9 _-]", "", name.lower()).replace(
            " ", "-"
        )
    # One more is about all of them.
    assert len(headings) == len(reference.every_command()) + len(list(reference.groups())) + 1


def test_the_page_of_faults_is_what_the_table_says():
    """`cucmos-shell reference --faults docs/faults.md` has been run since the last change."""
    page = (CHECKOUT / "docs" / "faults.md").read_text()
    assert page == fault_page.text()
    for point in POINTS.values():
        assert f"\n## {point.name}\n" in page
        assert all(f"\n| `{one.name}` |" in page for one in point.actions)


def test_the_manual_page_is_what_the_declarations_say():
    """`cucmos-shell reference --man packaging/cucmos-shell.1` has been run since the last change."""
    assert (CHECKOUT / "packaging" / "cucmos-shell.1").read_text() == manual.text()


def test_exit_statuses_are_explained_as_the_program_does():
    """Each of them, in the words of `--help`."""
    found = re.findall(
        r"^\| (\d+) \| (.*?) \|", (CHECKOUT / "docs" / "scripting.md").read_text(), re.M
    )
    assert {int(number): what for number, what in found} == EXIT_STATUSES
    summary = re.search(
        r"^Exit status: (.*?)\.", (CHECKOUT / "README.md").read_text(), re.M | re.S
    )[1]
    assert [int(one.split()[0]) for one in re.split(r";\s", summary)] == list(EXIT_STATUSES)
    statuses = {kind.status for kind in kinds(errors.ShellError)}
    assert statuses | {0, INTERRUPTED} == set(EXIT_STATUSES)


def kinds(kind):
    """An error's class and all that are made from it."""
    yield kind
    for one in kind.__subclasses__():
        yield from kinds(one)


def test_every_command_explains_itself():
    """Summary, and a meaning for each argument."""
    for command in reference.every_command():
        assert command.summary.endswith("."), command.pattern
        for name, _, meaning in command.parameters():
            assert meaning or f"[{name}]" in command.usage, f"{command.pattern}: {name}"


def test_documents_name_files_that_exist():
    """No dead link to a file of the project."""
    for path in [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
