"""By pexpect, with OpenSSH's client."""

from collections.abc import Sequence

import pexpect

from scripts import RestartFailed

PROMPT = "admin:"


def renew(ssh: Sequence[str], password: str, unit: str, service: str, seconds: float = 60) -> None:
    """Renew the certificate of `unit`; `ssh` is the command line that signs in."""
    program, *arguments = ssh
    node = pexpect.spawn(program, arguments, encoding="utf-8", timeout=20)
    node.expect("[Pp]assword: ")
    node.sendline(password)
    node.expect_exact(PROMPT)
    node.sendline(f"set cert regen {unit}")
    node.expect_exact("(yes|no)?")
    node.sendline("yes")
    node.expect_exact("Successfully Regenerated")
    node.expect_exact(PROMPT)
    node.sendline(f"utils service restart {service}")
    try:
        node.expect_exact(f"{service}[STARTED]", timeout=seconds)
        node.expect_exact(PROMPT)
    except pexpect.TIMEOUT:
        raise RestartFailed(service) from None
    finally:
        node.close(force=True)
