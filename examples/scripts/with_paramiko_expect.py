"""By paramiko-expect: what many scripts for the real CLI are written with."""

from typing import Any

import paramiko
from paramiko_expect import SSHClientInteraction

from scripts import RestartFailed

PROMPT = ".*admin:.*"


def renew(login: dict[str, Any], unit: str, service: str, seconds: float = 60) -> None:
    """Renew the certificate of `unit`; `login` is what `paramiko.SSHClient.connect` takes."""
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(**login)
        with SSHClientInteraction(client, timeout=seconds, display=False) as talk:
            talk.expect(PROMPT)
            talk.send(f"set cert regen {unit}")
            talk.expect(r".*\(yes\|no\)\?.*")
            talk.send("yes")
            talk.expect(PROMPT)
            if "Successfully Regenerated" not in talk.current_output:
                raise RuntimeError(talk.current_output)
            talk.send(f"utils service restart {service}")
            try:
                talk.expect(PROMPT)
            except TimeoutError as timeout:
                raise RestartFailed(service) from timeout
            if f"{service}[STARTED]" not in talk.current_output:
                raise RestartFailed(talk.current_output)
            # It waits for the end of a session that nobody ends.
            talk.send("exit")
            talk.expect()
