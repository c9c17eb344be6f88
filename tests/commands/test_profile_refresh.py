"""`utils profile refresh`: a node made from an older profile gets to know what is new."""

import json

import pytest
import yaml
from harness import Conversation, clock_world
from places import CHECKOUT

from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.profile.profile import to_json
from cucmos_shell.store.state_json import StateJson


def outdated(node, **changes):
    """The node with facts of its profile as they were once."""
    profile = node.profile.replace(**changes)
    octets = json.dumps(to_json(profile)).encode() + b"\n"
    with node.store.try_lock():
        StateJson(node.layout.profile, 1).replace(octets)
    return Node.open(node.state_dir, node.world)


def test_nothing_new(say):
    assert say("utils profile refresh") == "Nothing about imp-9.1 is new\n"
    assert say.status == 0


def test_newer_facts_are_shown_asked_for_and_taken_over(node):
    """What the node is called and how fast it runs stays."""
    tomcat = node.profile.services["Cisco Tomcat"].replace(start_seconds=99.5)
    services = {**node.profile.services, "Cisco Tomcat": tomcat}
    own = {"hostname": "anna", "ip": "192.0.2.77"}
    node = outdated(node, services=services, version="9.0.0", **own)
    say = Conversation(node)
    shown = say("utils profile refresh", "no")
    assert "services / Cisco Tomcat / start_seconds: 99.5 -> " in shown
    assert '\tversion: "9.0.0" -> "9.1.1' in shown
    assert "192.0.2" not in shown
    assert "Nothing was changed" in shown
    assert "9.0.0" in say("show version active")
    head = node.snapshot().head
    say("utils profile refresh", "yes")
    assert say.status == 0
    assert "9.0.0" not in say("show version active")
    assert say("utils profile refresh") == "Nothing about imp-9.1 is new\n"
    again = Node.open(node.state_dir, node.world)
    assert (again.hostname, again.profile.defaults["speed"]) == ("anna", 0)
    assert again.profile.ip == "192.0.2.77"
    assert again.profile.services["Cisco Tomcat"].start_seconds != 99.5
    assert again.snapshot().head == head


def test_a_new_unit_gets_its_certificate_and_its_store(tmp_path, keys):
    """A process that goes on with the older profile is not disturbed by them."""
    data = yaml.safe_load((CHECKOUT / "etc" / "imp-9.1.yaml").read_text())
    del data["units"]["ipsec"], data["trust_stores"]["ipsec-trust"], data["distribution"]
    lacking = tmp_path / "lacking.yaml"
    lacking.write_text(yaml.safe_dump(data, sort_keys=False))
    world, _ = clock_world(keys)
    install(str(tmp_path / "node"), str(lacking), world, speed=0)
    older = Conversation(Node.open(str(tmp_path / "node"), world))
    say = Conversation(Node.open(str(tmp_path / "node"), world))
    assert "ipsec" not in say("show cert list own")
    shown = say("utils profile refresh", "yes")
    assert "units / ipsec: none -> 1" in shown
    assert say.status == 0
    assert "ipsec/ipsec.pem" in say("show cert list own")
    assert "ipsec-trust/imp-pub.pem" in say("show cert list trust")
    say("set cert regen ipsec", "yes")
    assert say.status == 0
    for line in ("show cert list own", "show cert list trust", "show cert expiry",
                 "show csr list", "utils cert monitor run", "set cert regen tomcat",
                 "utils service list", "show service pending", "utils store rollback 1"):  # fmt: skip
        older(line, "yes")
        assert older.status == 0, line
    assert "ipsec/ipsec.pem" in say("show cert list own")


@pytest.mark.parametrize("gone", ["units", "trust_stores"])
def test_a_profile_that_lost_something_is_refused(say, gone):
    """The node's certificates would have no place in it."""
    profile = say.node.profile
    extra = {**getattr(profile, gone), "old-thing": next(iter(getattr(profile, gone).values()))}
    say.node.profile = profile.replace(**{gone: extra})
    assert "no longer has old-thing, which this node has" in say("utils profile refresh", "yes")
    assert say.status == 1


def test_a_profile_of_ones_own_is_not_refreshed(say):
    say.node.profile = say.node.profile.replace(name="mine")
    assert "mine, which does not come with the program" in say("utils profile refresh", "yes")
    assert say.status == 1
