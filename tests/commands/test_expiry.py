"""`show cert expiry`: order, bars, JSON, and a picture that is well-formed whatever names say."""

import json
import pathlib
import xml.etree.ElementTree as ET

import pytest
from harness import START, Conversation

from cucmos_shell.cli.render import to_lines
from cucmos_shell.commands.expiry import Ending, Expiry
from cucmos_shell.commands.views.expiry import Bar, grouped, svg
from cucmos_shell.node import Node
from cucmos_shell.node.expiry.life import Life

DAY = 86_400


def test_soonest_first_with_a_bar_of_the_life_used(say):
    """Five own certificates; their trust copies are left out."""
    text = say("show cert expiry").splitlines()
    assert say.status == 0
    assert len(text) == 5
    assert text[0].split()[0] == "tomcat/tomcat.pem"
    assert "[....................]" in text[0]
    assert text[0].endswith("1824 days left")


def test_within_keeps_what_ends_soon(node, say):
    """Expired ones are among them; none is said, and is a success."""
    assert say("show cert expiry within 30 days") == "No certificates found\n"
    assert say.status == 0
    node.world.sleep(1810 * DAY)
    assert "[####################]  14 days left" in say("show cert expiry within 30 days")
    node.world.sleep(20 * DAY)
    assert "expired 5 days ago" in say("show cert expiry within 0 days")


def test_json(node):
    """ISO times and numbers."""
    say = Conversation(node)
    say("set output json")
    answer = json.loads(say("show cert expiry"))
    first = answer["data"][0]
    assert first["name"] == "tomcat/tomcat.pem"
    assert first["not_after"].endswith("Z")
    assert (first["days_left"], first["state"], first["life_used"]) == (1824, "valid", 0.0)


def test_picture_goes_to_the_download_area(node, say):
    """A path is refused; nothing is written elsewhere."""
    assert "is no name for a file" in say("show cert expiry --svg ../../../tmp/x")
    assert say("show cert expiry --svg x") == "Picture: x.svg in the download area\n"
    picture = pathlib.Path(node.state_dir, "download", "x.svg")
    root = ET.fromstring(picture.read_text())
    words = "".join(root.itertext())
    assert "Certificates of imp-pub" in words
    assert "cup-xmpp-s2s/cup-xmpp-s2s.pem" in words


@pytest.mark.parametrize("name", ['<script>"&', "\x1b[31m\x00\x0b", "‮evil", "x" * 9000, "\ud800"])
def test_foreign_names_cannot_break_the_picture(name):
    """Markup, control characters, direction marks, endless names."""
    life = Life(f"store/{name}", name, "RSA 2048", START - DAY, START + DAY, START)
    picture = svg([Bar(life, (name, name))], name, START)
    root = ET.fromstring(picture.encode())
    assert len(picture) < 5000
    assert {child.tag.rpartition("}")[2] for child in root.iter()} <= {
        "svg", "style", "rect", "text", "line", "title",
    }  # fmt: skip
    assert "\x1b" not in to_lines(Expiry((Ending(None, "trust", "store", None, life),)))[0]


def test_no_life_is_no_division():
    """A certificate that ends when it begins, one that is over, one that is to come."""
    assert Life("x", "", "", START, START, START + 1).used == 1.0
    assert Life("x", "", "", START, START + DAY, START + 9 * DAY).words() == "expired 8 days ago"
    assert Life("x", "", "", START, START + DAY, START + DAY + 5).words() == "expired today"
    assert Life("x", "", "", START + DAY, START + 2 * DAY, START).state == "future"
    assert svg([], "n", START).count("No certificates found") == 1


def test_a_link_in_the_way_is_not_followed(node_dir, world, tmp_path):
    """A download replaces a link by a file, and never writes through it."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    area = pathlib.Path(node_dir, "download")
    area.mkdir(exist_ok=True)
    (area / "x.svg").symlink_to(victim)
    say = Conversation(Node.open(str(node_dir), world))
    say("show cert expiry --svg x.svg")
    assert victim.read_text() == "precious"
    assert not (area / "x.svg").is_symlink()


def bars(picture):
    """The lengths of the bars in a picture, from above."""
    found = [
        one for one in ET.fromstring(picture.encode()).iter() if len(one) and "fill" in one.attrib
    ]
    return [float(one.get("width")) for one in found]


def test_two_days_are_told_from_twenty_seven():
    """A bar is as long as what is left, and days that count are wide."""
    lives = [
        Life(f"{days}", "", "", START - DAY, START + days * DAY, START) for days in (2, 27, 300)
    ]
    short, longer, longest = bars(svg([Bar(one, (one.name,)) for one in lives], "n", START))
    assert longer > 5 * short
    assert longest < 4 * longer


def test_copies_of_a_certificate_are_one_bar(say, node):
    """It names all its places; the list and its JSON stay as they are."""
    say("show cert expiry --svg x")
    picture = pathlib.Path(node.state_dir, "download", "x.svg").read_text()
    assert len(bars(picture)) == len(node.profile.units)
    assert "also tomcat-trust/imp-pub.pem" in picture
    assert "tomcat-trust" not in say("show cert expiry")
    one = Life("a", "", "", 0, 1, 0)
    other = one.replace(name="b")
    assert grouped([("x", one), ("y", other), ("x", other)]) == [
        Bar(one, ("a", "b")), Bar(other, ("b",)),
    ]  # fmt: skip
