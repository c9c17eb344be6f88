"""What public programs send, and what they read of the answers, by their own expressions.

`readings` tells what each expression finds on a node of some profile, so that the same rows are
asked of a node in this process, of another one with other names, another cluster and another clock,
over SSH, and on a terminal.
"""

import datetime
import re
import zoneinfo
from typing import NamedTuple

# How many pairs of program and command were answered before the table below.
ANSWERED, ALL = 108, 216
# Commands that were not, with the number of program families that send each, what is typed for it,
# and answers.
SENT = {
    "utils dbreplication runtimestate": (9,),
    "utils disaster_recovery history backup": (8,),
    "run sql": (7, "run sql select name from processnode"),
    "show risdb query": (5, "show risdb query phone"),
    "utils diagnose test": (5,),
    "utils disaster_recovery status backup": (5,),
    "utils ntp status": (5,),
    "show hardware": (4,),
    "show tech": (4, "show tech ccm_service"),
    "show cuc cluster status": (3,),
    "show perf query": (3, "show perf query class Processor"),
    "show version inactive": (3,),
    "utils core active list": (3,),
    "run cuc dbquery": (2, "run cuc dbquery unitydirdb select alias from vw_user"),
    "set password change-at-login disable": (2, "set password change-at-login disable admin"),
    "show network eth0 detail": (2,),
    "show process load": (2,),
    "utils ha status": (2,),
    "utils network capture": (2, "utils network capture eth0 file packets count 1000 size all"),
    "utils snmp config 1/2c community-string list": (2,),
    "utils system upgrade initiate": (2, "utils system upgrade initiate", "q"),
    "file get activelog F reltime": (1, "file get activelog platform/log reltime days 1", "n"),
    "file load cop": (1, "file load cop x.cop.sgn"),
    "file tail activelog F 30": (1, "file tail activelog platform/log/cli00001.log 30"),
    "file transfer secure-import": (1, "file transfer secure-import ops@192.0.2.70:/x.cop.sgn"),
    "run pe sql": (1, "run pe sql ttlogin select * from clientsessions"),
    "set trace": (1, "set trace enable Error cdps"),
    "show cuic license-info": (1,),
    "show date": (1,),
    "show network ipprefs all": (1,),
    "show network status": (1,),
    "show process using-most": (1, "show process using-most cpu"),
    "show tech dbstateinfo": (1,),
    "utils core active analyze": (1, "utils core active analyze core.1"),
    "utils cuc cluster makeprimary": (1,),
    "utils dbreplication status": (1,),
    "utils fips disable": (1, "utils fips disable", "no"),
    "utils fips enable": (1, "utils fips enable", "no"),
    "utils imdb_replication status": (1,),
    "utils network ping": (1, "utils network ping localhost"),
    "utils reset_application_ui_administrator": (
        1, "utils reset_application_ui_administrator_password", "Green-Harbour8", "Green-Harbour8",
    ),
    "utils snmp config 1/2c community-string add": (
        1, "utils snmp config 1/2c community-string add", "public", "ReadOnly", "", "yes",
    ),
    "utils snmp config 1/2c inform list": (1,),
    "utils snmp config 1/2c trap list": (1,),
    "utils snmp config mib2 list": (1,),
    "utils system upgrade cancel": (1,),
    "utils system upgrade status": (1,),
}  # fmt: skip

REPLICATE = (
    r"^(\S+)\s+(\d{1,3}(?:\.\d{1,3}){3})\s+([\d.]+)\s+([YN]/[YN]/[YN])\s+(\d+)\s+\(([^)]+)\)"
    r"\s+\((\d+)\)\s*(.+)?"
)
TEST = r"test\s*-\s*(\S+)\s*:\s*(Passed|Failed)(?:\s*-\s*(.+))?"
TESTS = (
    "disk_space", "service_manager", "tomcat", "tomcat_deadlocks", "tomcat_keystore",
    "tomcat_connectors", "tomcat_threads", "tomcat_memory", "tomcat_sessions", "validate_network",
    "raid", "system_info", "ntp_reachability", "ntp_clock_drift", "ntp_stratum",
)  # fmt: skip
COUNTER = r"\s*(\S+)\s+->\s+(.+?)\s+=\s+(-?\d+(\.\d+)?)"
GROUP = r"\tName:\s+(\S+).*?State:\s+(\S+).*?Reason:\s+(\S+)"
BACKUP = ("Status", "Tar Filename", "Storage Location", "Operation", "Percentage Complete")
SOME = "at least one"


class Reading(NamedTuple):
    """What is sent, and `finds`: expressions with all that they find, or how often, or SOME."""

    line: str
    finds: tuple


class Dialogue(NamedTuple):
    """What is sent, the end of each question and what is answered to it, and what is read then."""

    line: str
    answers: tuple
    finds: tuple


DIALOGUES = (
    Dialogue(
        "utils system upgrade initiate",
        (('Please select an option (1 - 3 or "q" ): ', "q"),),
        ((r"Remote Filesystem via SFTP", 1),),
    ),
    Dialogue(
        "utils snmp config 1/2c community-string add",
        (
            ("Enter the community string:: ", "monitoring"), (": ", "ReadOnly"), (": ", ""),
            ("(yes/no)? ", "yes"),
        ),
        (),
    ),
    Dialogue("file get activelog platform/log reltime days 1", (("[y/n]? ", "n"),), ((r"files", SOME),)),
    Dialogue(
        "utils reset_application_ui_administrator_password",
        (("assword: ", "Green-Harbour8"), (": ", "Green-Harbour8")),
        (),
    ),
)  # fmt: skip


def mistakes(reading, text):
    """The expressions of a reading, or of a dialogue, that find something else in `text`."""
    wrong = []
    for expression, expected in reading.finds:
        flags = re.MULTILINE | (re.DOTALL if expression == GROUP else 0)
        found = re.findall(expression, text, flags)
        if expected == SOME:
            right = bool(found)
        else:
            right = (len(found) if isinstance(expected, int) else found) == expected
        if not right:
            wrong.append((reading.line, expression, expected, found, text))
    return wrong


def readings(profile, now=None):
    """What is read of a node of `profile` at `now`; without it, nothing that depends on the time.

    The node is fresh: its services run, and nobody has checked its replication.
    """
    nodes = [(profile.hostname, profile.ip, profile.role)]
    nodes += [(peer.hostname, peer.ip, peer.role) for peer in profile.peers]
    nodes.sort(key=lambda node: node[2] != "Publisher")
    return (
        *_of_the_cluster(profile, nodes),
        *_of_the_clock(profile, nodes, now),
        *_of_the_machine(profile),
        *_of_what_there_is_not(),
        *_of_the_product(profile, nodes),
        Reading("file tail activelog platform/log/cli00001.log 30", ((r"^\d{4}-\d\d-\d\d ", 30),)),
    )


def _of_the_cluster(profile, nodes):
    here, away = profile.database.ping_milliseconds
    full = profile.network_cluster.layout == "later"
    others = [ip for name, ip, _ in nodes if name != profile.hostname]
    names = [f"{name}.{profile.domain}" if full else name for name, *_ in nodes]
    yield Reading(
        "utils dbreplication runtimestate",
        (
            (REPLICATE, [
                (name, ip, f"{here if ip == profile.ip else away:.3f}", "Y/Y/Y", "0", f"g_{i}", "2",
                 "Setup Completed") for i, (name, ip, _) in enumerate(nodes, 2)
            ]),
            (r"DB Version:\s*(\S+)", ["ccm" + re.sub(r"[.-]", "_", profile.version)]),
            (r"Repltimeout set to:\s*(\d+)s?", ["300"]),
            (r"Sync Status:\s*(.+)", ["All Tables are in sync"]),
        ),
    )  # fmt: skip
    yield Reading(
        "run sql select name,nodeid from processnode",
        (
            (r"^=+ =+$", 1),
            (r"^(\S+) +(\d+) *$", [
                (name, str(i)) for i, name in enumerate(("EnterpriseWideData", *names), 1)
            ]),
        ),
    )  # fmt: skip
    yield Reading(
        "show tech network hosts",
        ((r"^(192\.\S+|198\.\S+) (\S+) (\S+)$", [
            (ip, f"{name}.{profile.domain}", name) for name, ip, _ in nodes
        ]),),
    )  # fmt: skip
    yield Reading("show network status", ((r"^tcp .*:8500 +([\d.]+):\d+ +ESTABLISHED$", others),))
    for ip in others:
        finds = ((r"(\d+) packets transmitted, (\d+) received", [("1", "1")]),)
        yield Reading(f"utils network ping {ip} 1", finds)


def _of_the_clock(profile, nodes, now):
    server = (*profile.ntp.servers, profile.gateway)[0]
    stratum = profile.ntp.stratum
    if profile.role != "Publisher":
        server, stratum = nodes[0][1], stratum + 1

    def at(form, zone=profile.timezone, tail=""):
        if now is None:
            return SOME
        when = datetime.datetime.fromtimestamp(now, zoneinfo.ZoneInfo(zone))
        return [when.strftime(form) + tail]

    date, day = "%a %b %e %H:%M:%S %Z %Y", r"(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \S+ \d{4})$"
    yield Reading("show date", ((f"^{day}", at(date)),))
    yield Reading(
        "utils ntp status",
        (
            (
                r"synchroni[sz]ed to NTP server \(([^)]+)\) at stratum (\d+)",
                [(server, str(stratum + 1))],
            ),
            (r"time correct to within\s+([\d.]+)\s*ms", ["32"]),
            (r"^\*(\S+)" if profile.ntp.daemon == "ntpd" else r"^\^\* (\S+)", [server]),
            (f"^Current time in UTC is : {day}", at(date, "UTC")),
            (f"^Current time in {profile.timezone} is : {day}", at(date)),
        ),
    )
    yield Reading("show process load", ((r"^top - (\S+) up", at("%H:%M:%S")), (r"COMMAND$", 1)))
    yield Reading("show process using-most cpu", ((r"^ *%CPU +PID +USER +COMMAND$", 1),))
    yield Reading(
        "show tech dbstateinfo",
        ((r"^Output is in /cm/trace/dbl/showtechdbstateinfo(\S+)$", at("%H%M%S", tail=".txt")),),
    )
    yield Reading(
        "utils dbreplication status",
        (
            (
                r"file cm/trace/dbl/sdi/ReplicationStatus\.(\S+)$",
                at("%Y_%m_%d_%H_%M_%S", tail=".out"),
            ),
        ),
    )


def _of_the_machine(profile):
    busy = profile.status["cpu"]["user"] + profile.status["cpu"]["system"]
    disks = re.findall(r"^Disk \d+: (\d+)GB", "\n".join(profile.hardware), re.MULTILINE)
    inactive = profile.inactive_version
    yield Reading(
        "show hardware",
        (
            (r"^HW Platform +: (.+)$", [profile.machine.platform]),
            (r"^Processors +: (\d+)$", [profile.hardware[0].partition(" ")[0]]),
            (r"^(?:Type|CPU Speed|Memory|OS Version|Serial Number) +: (.+)$", 5),
            (r"Size \(in GB\)\s*:\s*(\d+)", disks),
        ),
    )
    yield Reading(
        "show network eth0 detail",
        (
            (r"^IP Address\s*:\s*(\S+)", [profile.ip]),
            (r"^Host Name\s*:\s*(\S+)", [profile.hostname]),
            (r"Status\s*:\s*(\w+)", ["up"]),
            (r"Duplicate IP\s*:\s*(\w+)", ["no"]),
        ),
    )
    yield Reading(
        "show version inactive",
        ((r"Inactive Master Version: (\S+)", [inactive] if inactive else []),),
    )
    yield Reading(
        "utils diagnose test",
        (
            (TEST, [(name, "Passed", "") for name in TESTS]),
            (r"(\w+\s-\s\w+)\s+:\s(.+)", len(TESTS) + 4),
            (r"Log file:\s(.+)", ["platform/log/diag1.log"] * 2),
            (r"(?i)^skip\s+-", 4),
        ),
    )
    yield Reading(
        "show perf query class Processor",
        ((COUNTER, SOME), (r"_Total\s+-> % CPU Time\s+= (\d+)$", [f"{busy:.0f}"])),
    )
    yield Reading("show network ipprefs all", ((r"^sshd +tcp +22 ", 1),))
    yield Reading("utils snmp config mib2 list", ((r"^System Name +: (\S+)", [profile.hostname]),))


def _of_what_there_is_not():
    history = ((r"\.tar", 0), (r"^drfCliMsg:  No history data is available$", 1))
    yield Reading("utils disaster_recovery history backup", history)
    none = tuple((rf"{word}:\s(.+)", 0) for word in BACKUP)
    status = (*none, (r"^drfCliMsg: No backup status available$", 1))
    yield Reading("utils disaster_recovery status backup", status)
    yield Reading("show risdb query phone", ((r"^Total count (\d+)$", ["0"]),))
    yield Reading("utils core active list", ((r"^No core files found$", 1),))
    yield Reading("utils core active analyze core.1", ((r"is not a known core file", 1),))
    for kind in ("community-string", "inform", "trap"):
        yield Reading(f"utils snmp config 1/2c {kind} list", ((r"^No .* are configured$", 1),))
    for word in ("status", "cancel"):
        yield Reading(f"utils system upgrade {word}", ((r"^No upgrade is in progress\.$", 1),))


def _of_the_product(profile, nodes):
    yield Reading("show tech ccm_service", ((r"GroupName: (.+)", [profile.machine.service_group]),))
    yield Reading("set trace enable Error cdps", ((r"^cdps tracing set to Error\.$", 1),))
    yield Reading("set password change-at-login disable admin", ((r"unsuccessfully", 0),))
    if "utils ha" in profile.commands:
        groups = [(name, "Unknown", "High") for name, *_ in nodes]
        yield Reading("utils ha status", ((GROUP, groups),))
    if "utils fips" in profile.commands:
        yield Reading("utils fips disable", ((r"unsuccessfully", 1),))
    if "show cuc" in profile.commands:
        states = (("Primary", "Pri Active"), ("Secondary", "Sec Active"))
        rows = [(name, str(i), *states[i > 0], "Normal") for i, (name, *_) in enumerate(nodes)]
        row = r"^(\S+) +(\d+) +(Primary|Secondary) +(\w+ Active) +(\w+)$"
        yield Reading("show cuc cluster status", ((row, rows),))
        line = "run cuc dbquery unitydirdb select displayname,ipaddress from vw_vmsserver"
        found = [(name, ip) for name, ip, _ in nodes]
        yield Reading(line, ((r"^-+  -+$", 1), (r"^(\S+) +([\d.]+)$", found)))
        yield Reading("utils cuc cluster makeprimary", ((r"is the primary server$", 1),))
