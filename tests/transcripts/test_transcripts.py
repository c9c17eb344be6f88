"""Conversations as an admin sees them, key by key: `tests/transcripts/*.txt`.

A line `--> keys` is typed (`<TAB>`, `<UP>`, `<C-C>` and the like are keys, Enter follows unless
the line ends in `<>`); what stands below it is what the terminal was sent. `#! name value` in the
head chooses the node (a profile of the program, or a file beside), and the width of the terminal (`columns`). With `#! authority yes` there is a
CA: before each line the upload area has its certificate (`root.pem`), that of another one of the
same name (`newer-root.pem`) and its answers to all pending requests (`UNIT-signed.pem`). `REWRITE_TRANSCRIPTS=1 pytest tests/transcripts` writes the screens
anew: the diff is the review.
"""

import itertools
import os
import pathlib
import re
import shutil

import pytest
from harness import Keys, clock_world
from quick_authority import DAY, Authority, pem
from screen import Screen

from cucmos_shell.node import Node
from cucmos_shell.node.install import install

FOLDER = pathlib.Path(__file__).parent
KEYS = {
    "<TAB>": "\t", "<UP>": "\x1b[A", "<DOWN>": "\x1b[B", "<LEFT>": "\x1b[D", "<C-C>": "\x03",
    "<C-D>": "\x04", "<C-L>": "\x0c", "<C-U>": "\x15", "<BS>": "\x7f", "<CR>": "\r", "<SPACE>": " ",
    "<C-R>": "\x12", "<C-Y>": "\x19", "<C-G>": "\x07", "<A-B>": "\x1bb", "<A-F>": "\x1bf",
    "<A-D>": "\x1bd",
}  # fmt: skip


def typed(line):
    """The bytes of a line behind `--> `."""
    end = "\r"
    if line.endswith("<>"):
        line, end = line[:-2], ""
    return re.sub(r"<[A-Z-]+>", lambda found: KEYS[found[0]], line) + end


def shown(text):
    """What the terminal was sent, readable: CR LF as line ends, escapes by name."""
    text = text.replace("\r\n", "\n").replace("\r", "␍").replace("\x1b", "␛").replace("\b", "␈")
    return text.replace("\x07", "␇")


def run(text, node):
    """The transcript `text` as it happens now."""
    head, *steps = re.split(r"(?m)^--> ", text)
    directives = [line for line in head.splitlines() if line.startswith(("#", "\n"))]
    authority = Authority("Example Root CA") if "#! authority yes" in directives else None
    columns = re.search(r"(?m)^#! columns (\d+)$", head)
    screen = Screen(node, columns=int(columns[1]) if columns else 80)
    result = ["\n".join(directives), shown(screen.seen)]
    for step in steps:
        keys = step.partition("\n")[0]
        result.append(f"--> {keys}")
        if authority:
            offer(node, authority)
        if not screen.terminal.ended:
            result.append(shown(screen.type(typed(keys))))
    return "\n".join(result) + "\n"


def offer(node, authority):
    """What the CA sends, in the upload area."""
    newer = Authority("Example Root CA", start=-2 * DAY)
    files = {"root": authority.certificate, "newer-root": newer.certificate}
    snapshot = node.snapshot()
    for unit in snapshot.units:
        if snapshot.own(unit).request is not None:
            files[f"{unit}-signed"] = authority.answer(snapshot.request_pem(unit))
    folder = pathlib.Path(node.layout.upload)
    folder.mkdir(exist_ok=True)
    for name, certificate in files.items():
        (folder / f"{name}.pem").write_text(pem(certificate))


@pytest.fixture(scope="session")
def templates(imp_template, ucm_template, ucm_15_template, tmp_path_factory):
    """A fresh node of a profile; a file in this folder is one, too."""
    made = {"imp-9.1": imp_template, "ucm-9.1": ucm_template, "ucm-15": ucm_15_template}

    def template(profile):
        if profile not in made:
            made[profile] = tmp_path_factory.mktemp("transcripts") / "node"
            product = str(FOLDER / profile) if profile.endswith(".yaml") else profile
            install(str(made[profile]), product, clock_world(Keys())[0], speed=0)
        return made[profile]

    return template


@pytest.fixture
def node_for(templates, tmp_path, keys):
    def make(text):
        options = dict(re.findall(r"(?m)^#! (\w+) (.*)$", text))
        template = templates(options["profile"])
        # What is uploaded is called by its serial number in later releases.
        Authority.numbers = itertools.count(1)
        folder = shutil.copytree(template, tmp_path / "node", symlinks=True)
        world, _ = clock_world(keys)
        return Node.open(str(folder), world)

    return make


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path, node_for):
    """What the terminal shows is what the transcript says."""
    text = path.read_text()
    now = run(text, node_for(text))
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        path.write_text(now)
    assert now == text
