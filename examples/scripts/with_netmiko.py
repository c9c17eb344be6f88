"""By Netmiko's generic driver."""

from typing import Any

import netmiko

from scripts import RestartFailed

PROMPT = "admin:"


def renew(device: dict[str, Any], unit: str, service: str, seconds: float = 60) -> None:
    """Renew the certificate of `unit`; `device` is what `netmiko.ConnectHandler` takes."""
    with netmiko.ConnectHandler(**device) as node:
        node.send_command(f"set cert regen {unit}", expect_string=r"\(yes\|no\)\?")
        said = node.send_command("yes", expect_string=PROMPT)
        if "Successfully Regenerated" not in said:
            raise RuntimeError(said)
        try:
            said = node.send_command(
                f"utils service restart {service}", expect_string=PROMPT, read_timeout=seconds
            )
        except netmiko.ReadTimeout as timeout:
            raise RestartFailed(service) from timeout
        if f"{service}[STARTED]" not in said:
            raise RestartFailed(said)
