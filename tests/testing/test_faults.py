"""Faults that a test sets on its node: whoever runs a command meets them."""

import asyncssh
import pytest
from ssh_server import run

from cucmos_shell.testing import FaultMistake


def test_a_fault_happens_to_whoever_comes(cucmos_shared_node):
    """In this process and over SSH, counted together; then never again."""
    node = cucmos_shared_node
    fault = node.fault("command.begin", "refuse", when={"words": "show cert *"}, text="Not today")
    assert "Not today" in node.run("show cert list own").text
    assert node.run("show myself").ok

    async def main():
        async with asyncssh.connect(**node.ssh.asyncssh()) as client:
            assert "Not today" in (await client.run("show cert list own")).stdout

    run(main())
    assert fault.hits == 2
    assert [one.name for one in node.faults.list()] == [fault.name]
    assert {(one.fault, one.at, one.do) for one in node.faults.happened()} == {
        (fault.name, "command.begin", "refuse")
    }
    assert node.faults.happened()[0].facts["words"] == "show cert list own"
    node.faults.reset()
    assert node.run("show cert list own").ok


def test_a_fault_is_there_for_a_block(cucmos_node):
    with cucmos_node.fault("command.begin", "busy", name="busy") as fault:
        assert cucmos_node.run("show myself").status == 4
        assert fault.hits == cucmos_node.faults.hits("busy") == 1
    assert cucmos_node.run("show myself").ok
    with cucmos_node.fault("command.begin", "busy", name="busy"):
        cucmos_node.faults.remove("busy")
    with pytest.raises(LookupError, match="There is no fault busy"):
        cucmos_node.faults.remove("busy")


def test_times_and_after_count(cucmos_node):
    cucmos_node.fault("command.begin", "busy", after=1, times=2)
    assert [cucmos_node.run("show myself").ok for _ in range(4)] == [True, False, False, True]


def test_a_restart_that_hangs(cucmos_node):
    """The command never comes to its end; who is tired of waiting breaks it off."""
    cucmos_node.patience = 0.2
    cucmos_node.fault("service.start", "hang", when={"service": "Cisco Tomcat"}, times=1)
    answer = cucmos_node.run("utils service restart Cisco Tomcat")
    assert "[STARTED]" not in answer.text
    assert answer.text.endswith("Control-C pressed\n")
    assert not answer.ok
    assert "Cisco Tomcat[STARTED]" in cucmos_node.run("utils service restart Cisco Tomcat").text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"at": "no.point", "do": "hang"}, "at: no.point is none of: command.begin"),
        ({"at": "service.start", "do": "nothing"}, "do: nothing is none of: fail, hang"),
        ({"at": "service.start", "do": "delay"}, "seconds is missing"),
        ({"at": "service.start", "do": "hang", "color": 1}, "color is unknown here"),
        ({"at": "service.start", "do": "hang", "when": {"color": "1"}}, "knows no color"),
    ],
)
def test_a_mistake_is_told_at_once(cucmos_node, given, told):
    with pytest.raises(FaultMistake, match=told):
        cucmos_node.fault(**given)
    assert cucmos_node.faults.list() == []


def test_a_restore_brings_faults_back_as_they_were(cucmos_node):
    cucmos_node.fault("command.begin", "busy", name="one")
    snapshot = cucmos_node.save()
    cucmos_node.faults.reset()
    cucmos_node.restore(snapshot)
    assert [one.name for one in cucmos_node.faults.list()] == ["one"]
    assert cucmos_node.run("show myself").status == 4
