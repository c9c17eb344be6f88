"""By paramiko alone: a shell, read until the prompt."""

import time
from typing import Any

import paramiko

from scripts import RestartFailed

PROMPT = "admin:"


def until(channel: paramiko.Channel, end: str, seconds: float = 20) -> str:
    """What comes, up to `end`. Raises TimeoutError if that takes more than `seconds`.

    A time limit of the channel alone would be one for each read, and a node goes on saying that a
    service is STARTING.
    """
    deadline = time.monotonic() + seconds
    said = ""
    while not said.rstrip().endswith(end):
        channel.settimeout(max(0.01, deadline - time.monotonic()))
        data = channel.recv(65536).decode()
        if not data:
            raise RuntimeError(f"The session was closed behind {said!r}")
        said += data
    return said


def renew(login: dict[str, Any], unit: str, service: str, seconds: float = 60) -> None:
    """Renew the certificate of `unit`; `login` is what `paramiko.SSHClient.connect` takes."""
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(**login)
        channel = client.invoke_shell()
        until(channel, PROMPT)
        channel.sendall(f"set cert regen {unit}\r".encode())
        until(channel, "(yes|no)?")
        channel.sendall(b"yes\r")
        said = until(channel, PROMPT)
        if "Successfully Regenerated" not in said:
            raise RuntimeError(said)
        channel.sendall(f"utils service restart {service}\r".encode())
        try:
            said = until(channel, PROMPT, seconds)
        except TimeoutError as timeout:
            raise RestartFailed(service) from timeout
        if f"{service}[STARTED]" not in said:
            raise RestartFailed(said)
