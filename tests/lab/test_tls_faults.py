"""Faults at the ports of services: each has its effect, is counted, and ends when it is taken away."""

import asyncio
import os
import time

import pytest
from ssh_server import run
from tls_clients import serving, shown, visit

from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import make_lab, open_lab
from cucmos_shell.world.fault_forms import fault_of
from cucmos_shell.world.faults import POINTS, TLS

TOMCAT = "Cisco Tomcat"
TESTED = {"reset", "delay", "wrong-certificate"}


def own(node, unit):
    return node.snapshot().own(unit).row.sha256


def put(lab, do, **data):
    made = fault_of("one", {"at": "tls.accept", "do": do, **data})
    return lab.faults.add(made)


def test_every_fault_of_the_ports_has_its_test():
    """The table and the tests know the same."""
    points = [point for point in POINTS.values() if point.where == TLS]
    assert [point.name for point in points] == ["tls.accept"]
    assert {one.name for one in points[0].actions} == TESTED


def test_a_connection_is_reset(lab, lab_node):
    """As often as was said, at the service that was meant."""
    put(lab, "reset", service=TOMCAT, port="8443", times=1)

    async def main():
        async with serving(lab_node) as ports:
            with pytest.raises(ConnectionResetError):
                await visit(ports.of(TOMCAT))
            assert await shown(ports.of(TOMCAT)) == own(lab_node, "tomcat")

    run(main())
    assert (lab.faults.hits("one").calls, lab.faults.hits("one").fired) == (2, 1)


def test_nobody_speaks_for_a_while(lab, lab_node):
    """Then it goes on; others do not wait."""
    put(lab, "delay", seconds=0.3, times=1)

    async def main():
        async with serving(lab_node) as ports:
            began = time.monotonic()
            late = asyncio.ensure_future(shown(ports.of(TOMCAT)))
            while not lab.faults.hits("one").fired:
                await asyncio.sleep(0.001)
            assert await shown(ports.of(TOMCAT)) == own(lab_node, "tomcat")
            assert not late.done()
            assert await late == own(lab_node, "tomcat")
            assert time.monotonic() - began >= 0.3

    run(main())


@pytest.mark.parametrize(
    ("arguments", "unit"),
    [({}, "ipsec"), ({"unit": "cup"}, "cup"), ({"unit": "nothing"}, "ipsec")],
)
def test_another_certificate_is_shown(lab, lab_node, arguments, unit):
    """That of a unit that was named, else of any other; with its key."""
    put(lab, "wrong-certificate", **arguments)

    async def main():
        async with serving(lab_node) as ports:
            assert await shown(ports.of(TOMCAT)) == own(lab_node, unit)
            lab.faults.remove("one")
            assert await shown(ports.of(TOMCAT)) == own(lab_node, "tomcat")

    run(main())


def test_other_services_are_left_alone(lab, lab_node):
    """A fact keeps a fault from where it was not meant for."""
    put(lab, "reset", service="Cisco SIP*")

    async def main():
        async with serving(lab_node) as ports:
            assert await shown(ports.of(TOMCAT)) == own(lab_node, "tomcat")

    run(main())


def test_a_node_that_is_down_shows_nothing(lab, lab_node):
    """Who is there is put out, whoever comes is reset; afterwards all is as ever."""

    async def main():
        async with serving(lab_node) as ports:
            port = ports.of(TOMCAT)
            before = await visit(port)
            lab.faults.add(fault_of("one", {"at": "node", "do": "down"}))
            for _ in range(3):
                with pytest.raises(ConnectionResetError):
                    await visit(port)
            assert not before.reader.at_eof()
            await ports.look()
            assert await before.ended()
            # However many have noticed, it has happened once.
            assert lab.faults.hits("one").fired == 1
            lab.faults.remove("one")
            assert await shown(port) == own(lab_node, "tomcat")

    run(main())


def test_without_a_lab_no_fault_acts(node, world):
    """Whatever files lie there."""
    make_lab(node.state_dir)
    lab = open_lab(node.state_dir, world)
    put(lab, "reset")
    os.unlink(lab.layout.lab)
    bare = Node.open(node.state_dir, world)

    async def main():
        async with serving(bare) as ports:
            assert await shown(ports.of(TOMCAT)) == own(bare, "tomcat")

    run(main())
