"""`show tech`, `show perf`, `show risdb`, `set trace`: what scanners look for in them."""

import json
import os
import re

import pytest
from harness import Conversation

from cucmos_shell.node import Node
from cucmos_shell.profile.profile import Peer

FAILED = "Executed command unsuccessfully\n"


def changed(node, **fields):
    """A conversation with the node, that has other facts in its profile."""
    return Conversation(Node(node.state_dir, node.profile.replace(**fields), node.world))


class TestServices:
    def test_scanners_tell_the_product_by_the_group(self, say, ucm_node):
        line = "show tech ccm_service"
        assert "GroupName: IM and Presence Services\n" in say(line)
        other = Conversation(ucm_node)
        assert "GroupName: CM Services\n" in other(line)
        assert "GroupName: IM and Presence" not in other(line)

    def test_it_follows_them(self, say):
        row = r"(?m)^Cisco CDP +Yes +(\S+)$"
        assert re.search(row, say("show tech ccm_service"))[1] == "STARTED"
        say("utils service stop Cisco CDP")
        assert re.search(row, say("show tech ccm_service"))[1] == "STOPPED"

    def test_another_product_has_a_group_of_its_own(self, node):
        machine = node.profile.machine.replace(service_group="")
        text = changed(node, machine=machine, product="Edge")("show tech ccm_service")
        assert "GroupName: Edge Services\n" in text


class TestHosts:
    def test_they_are_the_cluster(self, node):
        """A program takes the line with its address, and finds the name in `processnode`."""
        say = changed(node, hostname="far", peers=(Peer("near", "192.0.2.77", "Subscriber"),))
        text = say("show tech network hosts")
        line = next(line for line in text.splitlines() if "192.0.2.77" in line)
        assert line == "192.0.2.77 near.example.com near"
        names = say("run sql select name from processnode")
        assert any(name in names.split() for name in line.split())
        assert text.startswith(
            "-------------------- show platform network --------------------\n\n/etc/hosts File:\n"
        )

    def test_name_servers_are_the_profiles(self, node):
        text = changed(node, dns=("192.0.2.3", "192.0.2.4"), domain="x.org")(
            "show tech network resolv"
        )
        assert "search x.org\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n" in text


class TestDatabase:
    def test_the_file_can_be_read(self, say):
        """By the command that it names, the product's text around it."""
        text = say("show tech dbstateinfo")
        assert text.startswith(
            "------------------------ Show tech dbstateinfo -------------------\n\n\n"
            "Database State Info\n\nOutput is in /cm/trace/dbl/showtechdbstateinfo110640.txt\n \n"
        )
        command = re.search(r'Please use "(file view .*\.txt)" to see', text)[1]
        found = say(command)
        assert "State: STARTED\n" in found
        assert "192.0.2.22 imp-sub.example.com Subscriber\n" in found
        assert say("show tech dbstateinfo") == text

    def test_few_are_kept(self, node, say):
        for _ in range(15):
            node.world.sleep(1)
            say("show tech dbstateinfo")
        assert len(os.listdir(os.path.join(node.layout.logs, "cm", "trace", "dbl"))) == 10

    def test_it_follows_the_service(self, say):
        say("utils service stop A Cisco DB")
        say.session.settings.output = "json"
        assert json.loads(say("show tech dbstateinfo"))["data"]["state"] == "stopped"


@pytest.mark.parametrize("line", ["show tech ccm_service", "show process load"])
def test_it_stops_at_each_page(node, line):
    """As on the product; not where the pager is off."""
    from screen import Screen

    screen = Screen(node)
    assert "Press <enter> for 1 line" in screen.type(f"{line}\r")
    screen.type("q")
    screen.type("set cli pagination off\r")
    assert "Press <enter>" not in screen.type(f"{line}\r")


class TestCounters:
    ROW = r"(?m)^\s*(\S+)\s+->\s+(.+?)\s+=\s+(-?\d+(?:\.\d+)?)$"

    def test_programs_find_instance_name_and_value(self, say):
        text = say("show perf query class Processor")
        assert text.startswith("==>query class :\n\n - Perf class (Processor) has instances and va")
        rows = re.findall(self.ROW, text)
        assert ("_Total", "% CPU Time", "7") in rows
        counter = say("show perf query counter processor '% cpu time'".replace("'", '"'))
        assert re.findall(self.ROW, counter) == [("_Total", "% CPU Time", "7")]

    def test_processes_are_those_of_the_services(self, say):
        assert re.search(r"(?m)^    tomcat +-> PID ", say("show perf query class Process"))
        say("utils service stop Cisco Tomcat")
        assert "tomcat " not in say("show perf query class Process")

    def test_figures_are_those_of_the_status(self, say):
        status = re.search(r"Memory Total: +(\d+)K", say("show status"))[1]
        counter = say('show perf query counter Memory "Total KBytes"')
        assert counter == (
            f"- Perf class Memory(Total KBytes) has values:\n   -> Total KBytes          = {status}\n"
        )

    def test_unknown_names_are_told(self, say):
        assert "nonsense is not a known class of counters" in say("show perf query class nonsense")
        assert "is not a counter of Memory" in say("show perf query counter Memory PID")
        assert say.status == 1


class TestRegistrations:
    def test_there_are_none(self, say):
        """Where programs look: fields in the sixth line, rows from there to an empty one."""
        lines = say("show risdb query phone").splitlines()
        assert lines[0] == "----------- Phone Information -----------"
        fields = lines[5].split(", ")
        assert fields[:3] == ["DeviceName", "Descr", "Ipaddr"]
        assert lines[6] == ""
        assert "Total count 0" in lines
        say.session.settings.output = "json"
        assert json.loads(say("show risdb query phone"))["data"] == []

    def test_other_tables_are_not_simulated(self, say):
        for line in ("show risdb query misc phone", "show risdb list"):
            assert "does not simulate" in say(line)
            assert say.status == 1


class TestTrace:
    def test_a_level_is_kept(self, node, say):
        assert say("show trace cdps") == "cdps tracing is disabled\n"
        assert say("set trace enable detailed CDPS") == "cdps tracing set to Detailed.\n"
        again = Conversation(Node.open(node.state_dir, node.world))
        assert again("show trace cdps") == "cdps trace level is Detailed\n"
        assert say("set trace disable cdps") == "cdps tracing set to disabled.\n"
        assert say("show trace cdps") == "cdps tracing is disabled\n"

    def test_without_a_task_they_are_listed(self, say):
        assert {"cdps", "tomcat"} <= set(say("show trace").splitlines())

    def test_what_there_is_not(self, say):
        assert "nonsense is not a known task" in say("set trace enable Error nonsense")
        assert "is not one of: Arbitrary" in say("set trace enable Loud cdps")
        low = Conversation(say.node, account="low", level=0)
        assert low("set trace disable cdps").endswith("No valid command entered\n")
