"""Where everything in a state folder lies, and how file names are cleaned: the only such place.

<state>/lock, installing, profile.json, services.json, sent.json
<state>/log/platform/log/{cliNNNNN.log, errors.log}, log/syslog/CiscoSyslog
<state>/run/{sessions/ACCOUNT/..., history/ACCOUNT, failures.json, known_hosts.json, ...}
<state>/lab, restoring, snapshots/NAME, run/{faults.json, fault-hits, faults.log, clock}: in a lab
<state>/ssh/, bus/, upload/, download/
<state>/store/current -> heads/000042
<state>/store/heads/000042/{UNIT -> ../../versions/UNIT/N, note.json, ...}
<state>/store/versions/UNIT/N/{certs/UNIT.{pem,der,json}, keys/..., chain.pem, index.json, MANIFEST}
<state>/store/pool/SHA256.{pem,der,json}
<state>/store/view/UNIT/{NAME.pem, NAME.der, HASH.n}
"""

from __future__ import annotations

import os

MANIFEST = "MANIFEST"
INDEX = "index.json"
NOTE = "note.json"
CHANGES = "changes.json"
CHAIN = "chain.pem"
NODE = "node"
SETTINGS = "settings.json"
SMTP = "smtp.json"
LISTS = "lists"
MEMBERSHIP = "cluster"
MEMBER_KEYS = "cluster-keys.json"
PEERS = "cluster-peers.json"
KEYS = "keys"
MAX_NAME = 200

_DIGITS = frozenset("0123456789")
_FIRST = _DIGITS.union("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_CLEAN = _FIRST.union("._-")


def clean_name(text: str) -> str:
    """`text` as a file name of the form `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 200 characters.

    Blanks and everything else that is not in the form become `_`, one for a run, as the product
    writes common names (`VeriSign_Class_3_-_G3`). Leading and trailing characters that a name may
    not begin with, or that say nothing, are dropped.
    """
    import re

    name = re.sub(r"[^A-Za-z0-9._-]+", "_", text[: 4 * MAX_NAME])
    name = name.lstrip("._-").rstrip("_")[:MAX_NAME]
    return name or "certificate"


def is_clean(name: str) -> bool:
    """Whether `name` is of the form that names of files have."""
    return name[:1] in _FIRST and _CLEAN.issuperset(name) and len(name) <= 255


class Layout:
    """The paths below one state folder. Makes no system call."""

    def __init__(self, state_dir: str) -> None:
        self.state = state_dir
        self.lock = os.path.join(state_dir, "lock")
        self.installing = os.path.join(state_dir, "installing")
        self.profile = os.path.join(state_dir, "profile.json")
        self.sent = os.path.join(state_dir, "sent.json")
        self.services = os.path.join(state_dir, "services.json")
        self.upload = os.path.join(state_dir, "upload")
        self.download = os.path.join(state_dir, "download")
        self.host_keys = os.path.join(state_dir, "ssh")
        # Where `world.buses` looks for what a bus asks of the node.
        self.bus = os.path.join(state_dir, "bus")
        self.logs = os.path.join(state_dir, "log")
        self.run = os.path.join(state_dir, "run")
        self.sessions = os.path.join(self.run, "sessions")
        self.histories = os.path.join(self.run, "history")
        self.failures = os.path.join(self.run, "failures.json")
        self.known_hosts = os.path.join(self.run, "known_hosts.json")
        self.log_reserve = os.path.join(self.run, "log-reserve")
        self.monitor_lock = os.path.join(self.run, "monitor.lock")
        self.schedule_lock = os.path.join(self.run, "schedule.lock")
        self.agent_lock = os.path.join(self.run, "agent.lock")
        self.agent_place = os.path.join(self.run, "agent.place")
        self.owner_lock = os.path.join(self.run, "owner.lock")
        self.agent_reported = os.path.join(self.run, "agent.reported")
        self.lab = os.path.join(state_dir, "lab")
        self.lab_authority = os.path.join(self.run, "lab-authority.pem")
        self.faults = os.path.join(self.run, "faults.json")
        self.fault_hits = os.path.join(self.run, "fault-hits")
        self.clock = os.path.join(self.run, "clock")
        self.control_token = os.path.join(self.run, "control-token")
        self.snapshots = os.path.join(state_dir, "snapshots")
        self.restoring = os.path.join(state_dir, "restoring")
        self.store = os.path.join(state_dir, "store")
        self.current = os.path.join(self.store, "current")
        self.heads = os.path.join(self.store, "heads")
        self.versions = os.path.join(self.store, "versions")
        self.pool = os.path.join(self.store, "pool")
        self.purging = os.path.join(self.store, "purging")
        self.view = os.path.join(self.store, "view")

    # --- ports of services -----------------------------------------------------------------------

    @property
    def tls_ports(self) -> str:
        """Where each port of a service is."""
        return os.path.join(self.run, "ports.json")

    @property
    def tls_open(self) -> str:
        """Which of them are open, and what is shown there."""
        return os.path.join(self.run, "ports-open.json")

    @property
    def tls_lock(self) -> str:
        """The lock of the process that has them."""
        return os.path.join(self.run, "ports.lock")

    def host_key(self, name: str) -> str:
        """A host key of the server."""
        return os.path.join(self.host_keys, name)

    # --- logs; `age` is how many rotations ago the file was the log ------------------------------

    def audit_log(self, age: int = 0) -> str:
        """The audit log."""
        return os.path.join(self.logs, "platform", "log", f"cli{age + 1:05d}.log")

    def error_log(self, age: int = 0) -> str:
        """The log of the program's own mistakes."""
        name = "errors.log"
        return os.path.join(self.logs, "platform", "log", f"{name}.{age}" if age else name)

    def alarm_log(self, age: int = 0) -> str:
        """The log of alarms."""
        name = "CiscoSyslog"
        return os.path.join(self.logs, "syslog", f"{name}.{age}" if age else name)

    def fault_log(self, age: int = 0) -> str:
        """The log of faults that have happened."""
        name = "faults.log"
        return os.path.join(self.run, f"{name}.{age}" if age else name)

    def diagnostic_log(self, number: int) -> str:
        """The log of the `number`-th diagnosis."""
        return os.path.join(self.logs, "platform", "log", f"diag{number}.log")

    def database_output(self, name: str) -> str:
        """A file that a command about the database has written."""
        return os.path.join(self.logs, "cm", "trace", "dbl", name)

    def command_output(self, name: str) -> str:
        """A file that another command has written."""
        return os.path.join(self.logs, "platform", "cli", name)

    # --- the store -------------------------------------------------------------------------------

    @property
    def next_current(self) -> str:
        """The link that is renamed to `current`."""
        return self.current + ".next"

    @property
    def stamp(self) -> str:
        """The link that says which head the view shows."""
        return os.path.join(self.view, ".head")

    def head(self, number: int, *name: str) -> str:
        """The folder of head `number`, or what is called `name` in it."""
        return os.path.join(self.heads, head_name(number), *name)

    def unit(self, unit: str) -> str:
        """The folder of a unit's versions."""
        return os.path.join(self.versions, unit)

    def version(self, unit: str, number: int, *name: str) -> str:
        """The folder of version `number` of a unit, or what is called `name` in it."""
        return os.path.join(self.versions, unit, str(number), *name)

    def pool_file(self, sha256: str, extension: str) -> str:
        """A certificate of the pool, `pem` or `der`, or what it says, `json`."""
        return os.path.join(self.pool, f"{sha256}.{extension}")

    def links(self, unit: str) -> str:
        """The folder of a unit's links in the view."""
        return os.path.join(self.view, unit)


def head_name(number: int) -> str:
    """The name of head `number` in the folder of heads."""
    return f"{number:06d}"


def current_target(number: int) -> str:
    """What `current` says when head `number` is the state."""
    return f"heads/{head_name(number)}"


def parse_current(target: str) -> int | None:
    """The head number in `current`'s target, or None if it is not of the form."""
    folder, _, number = target.partition("/")
    fits = folder == "heads" and 6 <= len(number) <= 12 and _DIGITS.issuperset(number)
    return int(number) if fits else None


def version_target(unit: str, number: int) -> str:
    """What a head's link for `unit` says."""
    return f"../../versions/{unit}/{number}"


def parse_version(target: str, unit: str) -> int | None:
    """The version number in a head's link for `unit`, or None if it is not of the form."""
    start = version_target(unit, 0)[:-1]
    number = target.removeprefix(start)
    fits = target.startswith(start) and 1 <= len(number) <= 12 and _DIGITS.issuperset(number)
    return int(number) if fits else None


def own_pem(unit: str) -> str:
    """Where a unit's version has its certificate in PEM."""
    return f"certs/{unit}.pem"


def own_der(unit: str) -> str:
    """Where a unit's version has its certificate in DER."""
    return f"certs/{unit}.der"


def own_description(unit: str) -> str:
    """Where a unit's version has what its certificate says."""
    return f"certs/{unit}.json"


def private_key(unit: str) -> str:
    """Where a unit's version has its private key."""
    return f"{KEYS}/{unit}_priv.pem"


def request(unit: str) -> str:
    """Where a unit's version has its pending request."""
    return f"{KEYS}/{unit}.csr"


def request_key(unit: str) -> str:
    """Where a unit's version has the private key of its pending request."""
    return f"{KEYS}/{unit}_csr_priv.pem"
