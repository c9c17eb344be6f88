"""What a server sees of a node from one look to the next."""

import os
import pathlib

import pytest
from harness import START, Conversation, clock_world

from cucmos_shell.frontends.sshd.watch import NOTHING, Sight
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
    sight = Sight(node)
    assert sight.look() == NOTHING.replace(changed=True)
    _ = node.services.installed()
    opened = []
    monkeypatch.setattr(os, "open", lambda *_, **__: opened.append(_))
    for _ in range(3):
        clock.sleep(1)
        assert sight.look() == NOTHING
    assert not opened


def test_a_restart_is_seen_when_it_is_time(clocked):
    """It is planned for later, and so far nothing has happened."""
    node, clock = clocked
    settings = node.snapshot().settings()
    with node.store.try_lock() as lock:
        node.change(lock, "t", "t", lambda c: c.put_settings({**settings, "speed": 1}))
    sight = Sight(node, wait=1e9)
    sight.look()
    with node.store.try_lock() as lock:
        boot = node.change(lock, "t", "t", node.services.restart_node)
    assert boot > clock() + 10
    assert sight.look() == NOTHING
    clock.sleep(boot - clock() - 1)
    assert sight.look() == NOTHING
    clock.sleep(1)
    assert sight.look().restarted == node.services.start_mark() == (0, boot)
    assert sight.look() == NOTHING


def test_a_plan_that_cannot_be_read_is_looked_at_until_it_is_mended(clocked):
    node, clock = clocked
    Conversation(node)("utils system restart", "yes")
    sight = Sight(node)
    sight.look()
    plan = pathlib.Path(node.layout.services)
    whole = plan.read_bytes()
    plan.write_bytes(b"{")
    assert sight.look() == NOTHING
    plan.write_bytes(whole)
    assert sight.look() == NOTHING
    clock.sleep(1)
    Conversation(node)("utils system restart", "yes")
    assert sight.look().restarted is not None


def test_the_monitor_has_its_turn_when_it_is_time(clocked):
    """The first a minute after the start; then when it has said."""
    node, clock = clocked
    sight = Sight(node)
    clock.sleep(MINUTE - 1)
    assert not sight.look().due
    clock.sleep(1)
    assert sight.look().due
    sight.monitored(15 * MINUTE)
    clock.sleep(15 * MINUTE - 1)
    assert not sight.look().due
    clock.sleep(1)
    assert sight.look().due
    sight.monitored(15 * MINUTE)
    clock.sleep(-MINUTE)
    assert sight.look().due


def test_the_monitor_follows_what_is_done_to_a_lab(node_dir, keys):
    """At the next look, whatever that was."""
    world, clock = clock_world(keys)
    make_lab(str(node_dir))
    lab = open_lab(str(node_dir), world)
    node = Node.open(str(node_dir), world)
    sight = Sight(node)
    assert sight.look().due
    sight.monitored(15 * MINUTE)
    clock.sleep(1)
    assert not sight.look().due
    lab.clock.advance(20 * MINUTE)
    assert sight.look().due
    sight.monitored(15 * MINUTE)
    assert not sight.look().due
    Conversation(node)("set cert regen cup", "yes")
    assert sight.look().due
    sight.monitored(15 * MINUTE)
    lab.clock.freeze(START - MINUTE)
    assert sight.look().due
