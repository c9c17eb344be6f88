"""What a server sees of a node from one look to the next."""

import os
import pathlib

import pytest
from harness import START, Conversation, clock_world

from cucmos_shell.frontends.sshd.watch import NOTHING, Lookout
from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import make_lab, open_lab

MINUTE = 60.0


@pytest.fixture
def clocked(node_dir, keys):
    """A node and its clock."""
    world, clock = clock_world(keys)
    return Node.open(str(node_dir), world), clock


def test_a_node_that_does_nothing_is_not_asked(clocked, monkeypatch):
    """The first look asks for all; later ones open no file."""
    node, clock = clocked
    lookout = Lookout(node)
    assert lookout.look() == NOTHING.replace(changed=True)
    _ = node.services.installed()
    opened = []
    monkeypatch.setattr(os, "open", lambda *_, **__: opened.append(_))
    for _ in range(3):
        clock.sleep(1)
        assert lookout.look() == NOTHING
    assert not opened


def test_a_restart_is_seen_when_it_is_time(clocked):
    """It is planned for later, and so far nothing has happened."""
    node, clock = clocked
    with node.store.try_lock() as lock:
        node.change(lock, "t", "t", lambda c: c.put_setting("speed", 1))
    lookout = Lookout(node, wait=1e9)
    lookout.look()
    with node.store.try_lock() as lock:
        boot = node.change(lock, "t", "t", node.services.restart_node)
    assert boot > clock() + 10
    assert lookout.look() == NOTHING
    clock.sleep(boot - clock() - 1)
    assert lookout.look() == NOTHING
    clock.sleep(1)
    assert lookout.look().restarted == node.services.start_mark() == (0, boot)
    assert lookout.look() == NOTHING


def test_a_plan_that_cannot_be_read_is_looked_at_until_it_is_mended(clocked):
    node, clock = clocked
    Conversation(node)("utils system restart", "yes")
    lookout = Lookout(node)
    lookout.look()
    plan = pathlib.Path(node.layout.services)
    whole = plan.read_bytes()
    plan.write_bytes(b"{")
    assert lookout.look() == NOTHING
    plan.write_bytes(whole)
    assert lookout.look() == NOTHING
    clock.sleep(1)
    Conversation(node)("utils system restart", "yes")
    assert lookout.look().restarted is not None


def test_the_monitor_has_its_turn_when_it_is_time(clocked):
    """The first a minute after the start; then when it has said."""
    node, clock = clocked
    lookout = Lookout(node)
    clock.sleep(MINUTE - 1)
    assert not lookout.look().due
    clock.sleep(1)
    assert lookout.look().due
    lookout.monitored(15 * MINUTE)
    clock.sleep(15 * MINUTE - 1)
    assert not lookout.look().due
    clock.sleep(1)
    assert lookout.look().due
    lookout.monitored(15 * MINUTE)
    clock.sleep(-MINUTE)
    assert lookout.look().due


def test_the_monitor_follows_what_is_done_to_a_lab(node_dir, keys):
    """At the next look, whatever that was."""
    world, clock = clock_world(keys)
    make_lab(str(node_dir))
    lab = open_lab(str(node_dir), world)
    node = Node.open(str(node_dir), world)
    lookout = Lookout(node)
    assert lookout.look().due
    lookout.monitored(15 * MINUTE)
    clock.sleep(1)
    assert not lookout.look().due
    lab.clock.advance(20 * MINUTE)
    assert lookout.look().due
    lookout.monitored(15 * MINUTE)
    assert not lookout.look().due
    Conversation(node)("set cert regen cup", "yes")
    assert lookout.look().due
    lookout.monitored(15 * MINUTE)
    lab.clock.freeze(START - MINUTE)
    assert lookout.look().due
