"""By asyncssh, without a terminal: a command, its exit status."""

import asyncio
from typing import Any

import asyncssh

from scripts import RestartFailed


async def renew(login: dict[str, Any], unit: str, service: str, seconds: float = 60) -> None:
    """Renew the certificate of `unit`; `login` is what `asyncssh.connect` takes."""
    async with asyncssh.connect(**login) as node:
        done = await node.run(f"--yes set cert regen {unit}")
        if done.exit_status:
            raise RuntimeError(done.stdout)
        try:
            done = await asyncio.wait_for(node.run(f"utils service restart {service}"), seconds)
        except TimeoutError as timeout:
            raise RestartFailed(service) from timeout
        if done.exit_status:
            raise RestartFailed(done.stdout)
