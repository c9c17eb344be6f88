"""What `run` gives is what a screen shows after the echo of the line."""

import shutil

import pytest
from harness import clock_world
from screen import Screen

from cucmos_shell.node import Node
from cucmos_shell.testing.answers import say

PASSWORD = "Blue-Harbour7"
CASES = {
    "a list": ("show cert list own",),
    "a filter": ("show cert list own | include cup",),
    "nothing": ("show cert list own | include nothing",),
    "yes": ("set cert regen tomcat", "yes"),
    "no": ("set cert regen tomcat", "no"),
    "asked again": ("set cert regen tomcat", "maybe", "yes"),
    "no answer": ("set cert regen tomcat",),
    "progress": ("utils service restart Cisco Tomcat",),
    "secrets": ("set account name ann", "1", PASSWORD, PASSWORD),
    "an empty answer": ("set account name ann", ""),
    "no command": ("show nothing",),
    "an unknown unit": ("show cert own nothing",),
    "a comment": ("# nothing",),
    "the end": ("exit",),
    "pages": ("utils service list page", "q"),
    "a paste": ("set cert import trust tomcat", "PEM"),
    "two in a paste": ("set cert import trust tomcat", "PEM\n\nPEM"),
    "no paste": ("set cert import trust tomcat", "garbage"),
    "half a paste": ("set cert import trust tomcat", "-----BEGIN CERTIFICATE-----\nMIIC\n"),
}


def on_screen(node, line, answers):
    """What a person sees who types that, from the echo to the prompt."""
    screen = Screen(node, columns=0)
    screen.session.settings.pagination = False
    seen = screen.type(f"{line}\r")
    for answer in answers:
        many = "\n" in answer.rstrip()
        seen += screen.type(answer.rstrip("\n") + "\r" + ("\x04" if many else ""))
    if not (screen.terminal.at_prompt or screen.terminal.ended):
        seen += screen.type("\x03")
    _, _, rest = seen.partition("\r\n")
    return rest.replace("\r\n", "\n").removesuffix("admin:"), screen.terminal.status


@pytest.mark.parametrize("case", CASES)
def test_the_text_is_what_the_screen_shows(case, imp_template, tmp_path, keys, ca):
    """Questions, answers, stars, progress and all."""
    line, *answers = CASES[case]
    pem = ca.root("Screen CA").pem.decode() if "PEM" in "".join(answers) else ""
    answers = [answer.replace("PEM", pem.rstrip()) for answer in answers]
    nodes = []
    for name in ("one", "other"):
        folder = shutil.copytree(imp_template, tmp_path / name, symlinks=True)
        nodes.append(Node.open(str(folder), clock_world(keys)[0]))
    answer = say(nodes[0], line, answers)
    assert (answer.text, answer.status) == on_screen(nodes[1], line, answers)


@pytest.mark.parametrize(
    "line", ["show cert list own", "show cert list own | include cup", "show myself"]
)
def test_the_data_is_what_json_shows(node, line):
    import json

    told = json.loads(say(node, line, (), output="json").text)
    assert say(node, line, ()).data == told["data"] is not None


def test_what_fails_has_no_data(node):
    for line in ("show nothing", "show cert own nothing", "set cert regen tomcat"):
        answer = say(node, line, ())
        assert not answer.ok
        assert answer.status == 1
        assert answer.data is None


def test_a_pause_of_a_command_is_waited_for(imp_template, tmp_path, keys):
    """By the node's clock: a restart takes as long as it takes."""
    folder = shutil.copytree(imp_template, tmp_path / "slow", symlinks=True)
    world, clock = clock_world(keys)
    node = Node.open(str(folder), world)
    assert say(node, "utils service restart Cisco Tomcat", ()).ok
    at_once = clock.time
    say(node, "utils service auto-restart enable Cisco Tomcat", ())
    with node.store.lock(world.monotonic, world.sleep) as lock:

        def slower(change):
            change.put_setting("speed", 1)

        node.change(lock, "admin", "a test", slower)
    answer = say(node, "utils service restart Cisco Tomcat", ())
    assert "Cisco Tomcat[STARTED]" in answer.text
    assert clock.time - at_once > 5
