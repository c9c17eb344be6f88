"""`show hardware`: the machine under the node."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.cli.grammar import DATA
from cucmos_shell.node import machine
from cucmos_shell.results import TEXT, WHOLE, Value, each, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.machine import Hardware
    from cucmos_shell.profile.machine import MachineSpec

family = Family()

RULE = "-" * 71
CYLINDER = 255 * 63 * 512  # octets


class Machine(Value):
    """The machine; `partitions` are sizes in KiB, all on the first disk."""

    form = record(
        platform=TEXT,
        processors=WHOLE,
        type=TEXT,
        mhz=WHOLE,
        memory_mib=WHOLE,
        object_id=TEXT,
        os_version=TEXT,
        serial_number=TEXT,
        bios=TEXT,
        disks_gb=each(WHOLE),
    )

    spec: MachineSpec
    hardware: Hardware
    os_version: str
    serial: str
    partitions: tuple[int, ...]

    def lines(self) -> list[str]:
        """The text: the product's layout."""
        fields = (
            ("HW Platform", self.spec.platform),
            ("Processors", self.hardware.processors),
            ("Type", self.hardware.kind),
            ("CPU Speed", self.hardware.mhz),
            ("Memory", f"{self.hardware.memory} MBytes"),
            ("Object ID", self.spec.object_id),
            ("OS Version", f"UCOS {self.os_version}.i386"),
            ("Serial Number", self.serial),
        )
        return [
            "",
            *(f"{label:<18}: {value}" for label, value in fields),
            "",
            "RAID Version      :",
            "No RAID controller information is available",
            "",
            "BIOS Information  :",
            self.spec.bios,
            "",
            "RAID Details      :",
            "No RAID information is available",
            RULE,
            "Physical device information",
            RULE,
            f"Number of Disks   : {len(self.hardware.disks)}",
            *self._disks(),
            "",
            "Partition Details :",
            *self._partitions(),
        ]

    def _disks(self) -> Iterator[str]:
        for number, size in enumerate(self.hardware.disks, 1):
            yield f"Hard Disk #{number}"
            yield f"Size (in GB)      : {size}"

    def _partitions(self) -> Iterator[str]:
        """As fdisk(8) lists them."""
        if not self.hardware.disks:
            return
        octets = self.hardware.disks[0] * machine.GIB
        yield ""
        yield f"Disk /dev/sda: {octets / 1e9:.1f} GB, {octets} bytes"
        yield f"255 heads, 63 sectors/track, {octets // CYLINDER} cylinders"
        yield f"Units = cylinders of 16065 * 512 = {CYLINDER} bytes"
        yield ""
        yield "   Device Boot      Start         End      Blocks   Id  System"
        start = 1
        for number, blocks in enumerate(self.partitions, 1):
            end = start + -(-blocks * 1024 // CYLINDER) - 1
            boot = "*" if number == 1 else " "
            yield f"/dev/sda{number}   {boot}{start:>12}{end:>12}{blocks:>12}   83  Linux"
            start = end + 1

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "platform": self.spec.platform,
            "processors": self.hardware.processors,
            "type": self.hardware.kind,
            "mhz": self.hardware.mhz,
            "memory_mib": self.hardware.memory,
            "object_id": self.spec.object_id,
            "os_version": self.os_version,
            "serial_number": self.serial,
            "bios": self.spec.bios,
            "disks_gb": list(self.hardware.disks),
        }


@family.command("show hardware", basis=DATA, level=0, form=Machine.form)
def show_hardware(node: Node) -> Machine:
    """Show processors, memory and disks of the machine, as the product's profile has them."""
    profile = node.profile
    sizes = tuple(disk["total"] for disk in profile.status["disks"].values())
    found = machine.hardware(profile.hardware)
    serial = machine.serial_number(node)
    return Machine(profile.machine, found, profile.os_version, serial, sizes)
