"""What a profile says of the machine under the node: nothing here can measure it."""

from __future__ import annotations

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Application, protocol, port, kind of access, port that is translated to it, what it is for.
PORTS = (
    "sshd tcp 22 public - sftp and ssh access",
    "tomcat tcp 8443 translated 443 secure web access",
    "tomcat tcp 8080 translated 80 web access",
    "clm tcp 8500 public - cluster manager",
    "clm udp 8500 public - cluster manager",
    "ntpd udp 123 public - network time sync",
    "snmpdm udp 161 public - SNMP",
    "dbl tcp 1500 clustered - database",
)


class MachineSpec(Value):
    """The machine. Processors, memory and disk are those of the profile's `hardware`.

    An empty `serial` is made from the node's name. `backup_service` answers for the backups;
    `service_group` is what the services of the product are called together. `processes` are the
    names of services' processes where they are not those of the services; `ports` are as PORTS.
    """

    platform: str = "VMware Virtual Machine"
    object_id: str = "1.3.6.1.4.1.9.1.1348"
    bios: str = "PhoenixTechnologiesLTD 6.00 09/21/2015"
    serial: str = ""
    backup_service: str = ""
    service_group: str = ""
    processes: Mapping[str, str] = {}
    ports: tuple[str, ...] = PORTS


class ListenSpec(Value):
    """A port of the machine where a service listens for TLS, with the certificate of `unit`.

    `speaks` is `https`, `tls`, `starttls-xmpp` or `starttls-xmpp-server`.
    """

    port: int
    unit: str
    speaks: str = "tls"


class TimeSourceSpec(Value):
    """Where the node has its time from: `daemon` asks `servers`, of which the first answers.

    `service` is the platform's service for it, empty for one that always runs. Without servers it
    is the gateway. `stratum` is the servers'; nodes beside the publisher ask the publisher.
    """

    daemon: str = "ntpd"
    service: str = ""
    servers: tuple[str, ...] = ()
    stratum: int = 2
