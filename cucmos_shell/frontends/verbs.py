"""The verbs and options of the program, declared once.

What is understood, `--help`, the manual page and what a shell completes come from these rows.
"""

from __future__ import annotations

from cucmos_shell.frontends.options import Option, Verb

DEFAULT_PROFILE = "imp-9.1"
LEVELS = ("0", "1", "4")
ROLES = ("publisher", "subscriber")

# What the exit status of the program says; that of a batch is the first failure's.
EXIT_STATUSES = {
    0: "all good",
    1: "a command failed, or a certificate was refused",
    2: "the program was started wrongly, or a profile has a mistake",
    3: "refused by policy: revoked, revocation unknown, weak key or hash",
    4: "unavailable or busy; nothing was changed",
    5: "the state folder is damaged",
    6: "a change was made, but it is not certain that it lasts, or its answer could not be written",
    70: "a mistake of the program",
    130: "broken off by Ctrl-C",
}
ENVIRONMENT = {
    "CUCMOS_STATE": "the node's folder, unless --state names one",
    "XDG_STATE_HOME": "the folder in which cucmos-shell is the node's, without either",
    "CUCMOS_DEBUG": "1: print the traceback of a mistake of the program",
}


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 <= speed < 1e6:
        raise ValueError(text)
    return speed


def _profiles() -> list[str]:
    from cucmos_shell.profile import profile

    return profile.names()


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 65_536:
        raise ValueError(text)
    return port


def _tls_ports(text: str) -> str:
    if text not in ("0", "real") and not (text[:1] == "+" and _port(text[1:]) > 0):
        raise ValueError(text)
    return text


_STATE = Option("--state", "the node's folder", metavar="DIR")
_PROFILE = Option("--profile", "product of a new node", metavar="NAME|FILE", names=_profiles)
SHELL = Verb(
    "",
    "The command line of an open appliance: a session, a command of the node, or a batch.",
    (
        _STATE,
        _PROFILE,
        Option("-c", "run this; may be given several times", metavar="COMMAND", many=True),
        Option("-f", "run the lines of FILE, - for standard input", metavar="FILE"),
        Option("--json", "one line of JSON a command"),
        Option("--yes", "answer yes to every question"),
        Option("--keep-going", "go on after a failure"),
        Option("--rich", "menus, history search, a toolbar"),
        Option("--forced", "run SSH_ORIGINAL_COMMAND, for sshd's ForceCommand"),
        Option("--account", "whose session this is (--forced)", metavar="NAME"),
        Option(
            "--level", "of a user without account: 0, 1 or 4",
            metavar="N", convert=int, choices=LEVELS,
        ),
        Option("--version", "say which version this is"),
    ),
    words="COMMAND...",
    examples=(
        ("cucmos-shell", "a session at the prompt"),
        ("cucmos-shell show cert list own", "one command of the node"),
        ("cucmos-shell --json -c 'show cert list own | include tomcat'", "its answer as JSON"),
        ("cucmos-shell --yes set cert regen tomcat", "without a question"),
        ("cucmos-shell --state DIR -f FILE", "a batch, in another node"),
    ),
)  # fmt: skip
INIT = Verb(
    "init",
    "Install a node, and say where.",
    (
        _STATE,
        Option(
            "--profile", "the product",
            metavar="NAME|FILE", default=DEFAULT_PROFILE, names=_profiles,
        ),
        Option("--hostname", "host name, instead of the profile's", metavar="NAME"),
        Option("--ip", "IPv4 address, instead of the profile's", metavar="ADDRESS"),
        Option(
            "--role", "publisher or subscriber",
            metavar="ROLE", convert=str.capitalize, choices=ROLES,
        ),
        Option("--cluster", "so many nodes below DIR, joined", metavar="N", convert=int),
        Option("--security-password-file", "of the cluster", metavar="FILE"),
        Option("--speed", "services are N times as fast; 0: at once", metavar="N", convert=_speed),
        Option("--lab", "a node of a lab, with faults and a clock to set"),
    ),
    examples=(
        ("cucmos-shell init --state node --speed 0", "services start at once"),
        ("cucmos-shell init --state lab --profile ucm-9.1 --cluster 3", "lab/NAME for each node"),
    ),
)  # fmt: skip
SERVE = Verb(
    "serve",
    "Serve the node over SSH.",
    (
        _STATE,
        _PROFILE,
        Option("--inventory", "the nodes and clusters of a YAML file instead", metavar="FILE"),
        Option("--host", "address to listen on (127.0.0.1)", metavar="HOST"),
        Option("--port", "port (2222), 0 for a free one", metavar="PORT", convert=_port),
        Option("--admin", "the administrator's name (admin)", metavar="NAME"),
        Option(
            "--admin-password-file", "the password, on the first start; may be a pipe",
            metavar="FILE",
        ),
        Option("--workers", "processes on the one port", metavar="N", default=1, convert=int),
        Option("--legacy-algorithms", "also what old clients need"),
        Option(
            "--control", "of a lab: where programs set faults and the clock, by HTTP",
            metavar="unix:PATH|127.0.0.1:PORT",
        ),
        Option(
            "--tls-ports", "where services show their certificates: free ports, theirs, N higher",
            metavar="0|real|+N", convert=_tls_ports,
        ),
        Option("--pid-file", "where to write the process number", metavar="FILE"),
    ),
    examples=(
        ("cucmos-shell serve --state node --admin-password-file password", "on port 2222"),
        ("cucmos-shell serve --state node --tls-ports +20000", "8443 of Cisco Tomcat at 28443"),
        ("cucmos-shell serve --inventory lab.yaml", "many nodes by one process"),
    ),
)  # fmt: skip
AGENT = Verb(
    "agent",
    "Keep the node in step with its cluster, until interrupted. `serve` does it, too.",
    (_STATE,),
)
LAB = Verb(
    "lab",
    "Put a node of a lab, which init --lab makes, into states: faults, another time, the past.",
    (
        _STATE,
        Option("--json", "the answer as a line of JSON"),
        Option("--ansible", "an inventory as Ansible reads it"),
    ),
    words="ACTION...",
    examples=(
        (
            "cucmos-shell lab fault add service.start hang 'service=Cisco Tomcat' times=1",
            "its next start never ends",
        ),
        ("cucmos-shell lab show", "what is set: the clock, faults, snapshots"),
        ("cucmos-shell lab fault list", "what is set, and how often it has happened"),
        ("cucmos-shell lab fault reset", "nothing goes wrong any more"),
        ("cucmos-shell lab clock freeze 2026-11-18T11:06:40Z", "the node's clock stands there"),
        ("cucmos-shell lab clock advance 26d", "as if so much time had passed"),
        ("cucmos-shell lab state tomcat-expires-in-5-days", "with such a certificate"),
        ("cucmos-shell lab scenario bad-day.yaml", "all of that from a file"),
        ("cucmos-shell lab snapshot before", "keep all of it; restore before: put it back"),
        ("cucmos-shell lab inventory lab.yaml", "which nodes a file names, and their addresses"),
        ("cucmos-shell lab inventory --ansible lab.yaml", "the same for Ansible"),
    ),
)
REFERENCE = Verb(
    "reference",
    "Print the command reference as Markdown, or write it to FILE.",
    (
        Option("--man", "the manual page of the program instead"),
        Option("--faults", "the page of the faults that labs know instead"),
        Option("--json", "JSON Schemas instead: of all commands, or of those that begin so"),
    ),
    words="FILE|COMMAND...",
    examples=(
        ("cucmos-shell reference --man | man -l -", "read the manual page"),
        ("cucmos-shell reference --json show cert list", "what its answers look like in JSON"),
    ),
)
COMPLETE = Verb(
    "complete",
    "Say what may follow on a command line, for the completions of shells.",
    (),
    words="SHELL LINE WORD",
    hidden=True,
)
VERBS = {verb.name: verb for verb in (SHELL, INIT, SERVE, AGENT, LAB, REFERENCE, COMPLETE)}
