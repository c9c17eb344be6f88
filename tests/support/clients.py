"""The clients administrators' scripts are written with, each behind the same three calls.

`line(text, wait)` types a line, `key(text, wait)` types without Enter; both give what came, up to
`wait`. `leave()` says `exit` and sees the session closed.
"""

import contextlib
import importlib.util
import io
import pathlib
import re
import subprocess
import sys

import paramiko
import pexpect
from pexpect import pxssh
from ssh_server import PASSWORD

PROMPT = "admin:"
SECONDS = 20


def signed_in(port, user):
    """A client of paramiko's, by password."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect("127.0.0.1", port, user, PASSWORD, look_for_keys=False, allow_agent=False)
    return client


class Paramiko:
    """A bare channel, read until it ends in what is waited for."""

    paged = "utils service list page"

    def __init__(self, port, user, key):
        self._client = signed_in(port, user)
        self._channel = self._client.invoke_shell("vt100", 200, 40)
        self._channel.settimeout(SECONDS)
        self._until(PROMPT)

    def _until(self, wait):
        text = ""
        while not text.rstrip("\r\n").endswith(wait):
            data = self._channel.recv(65536).decode()
            assert data, text
            text += data
        return text

    def line(self, text, wait=PROMPT):
        return self.key(f"{text}\n", wait)

    def key(self, text, wait=PROMPT):
        self._channel.sendall(text.encode())
        return self._until(wait)

    def leave(self):
        self._channel.sendall(b"exit\n")
        while self._channel.recv(65536):
            pass
        assert self._channel.recv_exit_status() == 0
        self._client.close()


def paramiko_expect(version):
    """The module `paramiko_expect` of that version: the installed one, or one beside it."""
    if version == "0.3.5":
        import paramiko_expect

        return paramiko_expect
    place = pathlib.Path(sys.prefix, f"paramiko-expect-{version}", "paramiko_expect.py")
    if not place.exists():
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-warn-script-location",
             "--disable-pip-version-check", "--target", str(place.parent),
             f"paramiko-expect=={version}"],
            check=True, capture_output=True,
        )  # fmt: skip
    spec = importlib.util.spec_from_file_location(f"paramiko_expect_{version}", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class ParamikoExpect:
    """SSHClientInteraction, as its own examples use it."""

    version = "0.3.5"
    paged = "utils service list page"

    def __init__(self, port, user, key):
        self._client = signed_in(port, user)
        module = paramiko_expect(self.version)
        self._talk = module.SSHClientInteraction(
            self._client, timeout=SECONDS, display=False, buffer_size=65536
        )
        self._expect(PROMPT)

    def _expect(self, wait):
        # It looks whether all that came matches; its own example is `.*admin:.*`.
        with contextlib.redirect_stdout(io.StringIO()):
            found = self._talk.expect(
                [f".*{re.escape(wait)}.*"], timeout=SECONDS, default_match_prefix=""
            )
        assert found == 0, self._talk.current_output
        return self._talk.current_output

    def line(self, text, wait=PROMPT):
        self._talk.send(text)
        return self._expect(wait)

    def key(self, text, wait=PROMPT):
        self._talk.channel.sendall(text.encode())
        return self._expect(wait)

    def leave(self):
        self._talk.send("exit")
        self._talk.expect()
        self._client.close()


class OldParamikoExpect(ParamikoExpect):
    version = "0.2.8"


class Netmiko:
    """netmiko's generic driver."""

    device = "generic"
    # Its terminal has a thousand rows.
    paged = "file dump activelog demo/long.log | page"

    def __init__(self, port, user, key):
        import netmiko

        self._connection = netmiko.ConnectHandler(
            device_type=self.device, host="127.0.0.1", port=port, username=user, password=PASSWORD,
            fast_cli=True,
        )  # fmt: skip

    def line(self, text, wait=PROMPT):
        return self._connection.send_command(
            text, expect_string=re.escape(wait), strip_prompt=False, strip_command=False,
            read_timeout=SECONDS, normalize=True,
        )  # fmt: skip

    def key(self, text, wait=PROMPT):
        self._connection.write_channel(text)
        return self._connection.read_until_pattern(re.escape(wait), read_timeout=SECONDS)

    def leave(self):
        self._connection.write_channel("exit\n")
        self._connection.disconnect()


class NetmikoLinux(Netmiko):
    """The linux driver, told which character its prompt ends with."""

    device = "linux"


def _ssh(port, user, key):
    return [
        "-F", "/dev/null", "-p", str(port), "-i", str(key), "-o", "IdentitiesOnly=yes",
        "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={key}.known",
        "-o", "LogLevel=ERROR", "-tt", f"{user}@127.0.0.1",
    ]  # fmt: skip


class Pexpect:
    """OpenSSH's client on a terminal of pexpect's."""

    paged = "utils service list page"

    def __init__(self, port, user, key):
        self._child = pexpect.spawn(
            "ssh", _ssh(port, user, key), timeout=SECONDS, encoding="utf-8", echo=False
        )
        self._child.expect_exact(PROMPT)

    def line(self, text, wait=PROMPT):
        self._child.sendline(text)
        self._child.expect_exact(wait)
        return self._child.before

    def key(self, text, wait=PROMPT):
        self._child.send(text)
        self._child.expect_exact(wait)
        return self._child.before

    def leave(self):
        self._child.sendline("exit")
        self._child.expect(pexpect.EOF)
        self._child.close()
        assert self._child.exitstatus == 0


class Pxssh(Pexpect):
    """pexpect's own wrapper, its prompt tricks off as for any appliance."""

    def __init__(self, port, user, key):
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": f"{key}.known",
            "IdentitiesOnly": "yes",
        }
        self._child = pxssh.pxssh(timeout=SECONDS, encoding="utf-8", options=options)
        self._child.PROMPT = PROMPT
        assert self._child.login(
            "127.0.0.1", user, port=port, ssh_key=str(key), original_prompt=PROMPT,
            auto_prompt_reset=False, check_local_ip=False, sync_multiplier=1.0,
        )  # fmt: skip


EXPECT = r"""
set timeout 20
log_user 1
set pem [open [lindex $argv 0]]
set paste [read $pem]
eval spawn -noecho ssh [lrange $argv 1 end]
expect_before {
    timeout { puts "TIMEOUT"; exit 7 }
    eof { puts "EOF"; exit 8 }
}
expect -exact "admin:"
send "set cli pagination off\r"
expect -exact "Automatic pagination is turned off\r\nadmin:"
send "show cert list own\r"
expect -re {tomcat/tomcat\.pem: [^\r\n]*\r\n.*admin:}
send "set cert regen cup\r"
expect -exact "Proceed with regeneration (yes|no)? "
send "yes\r"
expect -exact "Successfully Regenerated Certificate for cup."
expect -exact "admin:"
send "set cert import trust tomcat\r"
expect -exact "Paste the Certificate and Hit Enter"
send -- "$paste\r"
expect -exact "Successfully imported certificate for tomcat."
expect -exact "admin:"
send "utils service restart Cisco Tomcat\r"
expect -exact {Cisco Tomcat[STARTED]}
expect -exact "admin:"
send "utils service list page\r"
expect -exact "or <q> to quit"
send " "
expect -exact "or <q> to quit"
send "q"
expect -exact "admin:"
send "exit\r"
expect_before
expect eof
exit [lindex [wait] 3]
"""


def expect_script(port, user, key, pem_file, folder):
    """The finished expect(1) with the whole scenario in its own language."""
    script = pathlib.Path(folder) / "scenario.exp"
    script.write_text(EXPECT)
    return subprocess.run(
        ["expect", "-f", str(script), str(pem_file), *_ssh(port, user, key)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
