"""The certificate commands from outside: on a terminal by pexpect, in batches, in JSON."""

import json
import pathlib
import subprocess
import sys

import pexpect
import pytest
from certificate_authority import CertificateAuthority
from harness import PRINT_PEAK

PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]
FAILURE = "Executed command unsuccessfully"


@pytest.fixture
def outside(tmp_path):
    """An authority that keeps today's time, as the finished program does."""
    return CertificateAuthority(tmp_path / "today")


@pytest.fixture
def terminal(node_dir):
    """The finished program on a terminal, at its first prompt."""
    child = pexpect.spawn(
        PROGRAM[0], [*PROGRAM[1:], "--state", str(node_dir)], encoding="utf-8", timeout=30
    )
    child.expect_exact("admin:")
    yield child
    child.close(force=True)


def batch(node_dir, script, *options):
    """Lines through standard input."""
    done = subprocess.run(
        [*PROGRAM, "--state", str(node_dir), *options],
        input=script, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done


def command(child, line, prompt="admin:"):
    """Send a line; what is printed before the prompt."""
    child.sendline(line)
    child.expect_exact(f"{line}\r\n")
    child.expect_exact(prompt)
    return child.before.replace("\r\n", "\n")


def test_the_main_conversation_on_a_terminal(terminal, outside):
    """Request, trust, import, list: as an administrator or a vendor's driver does it."""
    root = outside.root()
    assert command(terminal, "set csr gen tomcat") == "Successfully Generated CSR  for tomcat\n"
    shown = command(terminal, "show csr own tomcat")
    csr = shown[shown.index("-----BEGIN") :]
    assert csr.endswith("-----END CERTIFICATE REQUEST-----\n")
    signed = outside.sign(csr.encode(), root)
    for line, issued in (("trust", root), ("own", signed)):
        terminal.sendline(f"set cert import {line} tomcat")
        terminal.expect_exact("Paste the Certificate and Hit Enter\r\n")
        for text in issued.pem.decode().splitlines():
            terminal.sendline(text)
        terminal.sendline("")
        terminal.expect_exact("Successfully imported certificate for tomcat.\r\n")
        terminal.expect_exact("admin:")
    listed = command(terminal, "show cert list own")
    assert "tomcat/tomcat.pem: Certificate Signed by Example Root CA\n" in listed
    terminal.sendline("exit")
    terminal.expect(pexpect.EOF)


def test_a_refused_paste_never_becomes_commands(terminal, outside):
    """Paste first, then the refusal, then a clean prompt."""
    terminal.sendline("set cert import own tomcat")
    terminal.expect_exact("Paste the Certificate and Hit Enter\r\n")
    terminal.send(outside.root().pem.decode().replace("\n", "\r") + "\r\r")
    terminal.expect_exact("CSR does not exist for tomcat\r\n")
    terminal.expect_exact(f"{FAILURE}\r\nadmin:")
    assert command(terminal, "show csr list") == "No CSR found\n"


def test_a_script_with_pastes(node_dir, outside):
    """A paste takes the lines that follow, up to the next command."""
    root = outside.root()
    batch(node_dir, "set csr gen cup\nutils cert download csr cup\n")
    csr = pathlib.Path(node_dir, "download", "cup.csr").read_bytes()
    signed = outside.sign(csr, root)
    script = (
        f"set cert import trust cup\n{root.pem.decode()}\n"
        f"set cert import own cup\n{signed.pem.decode()}"
        "show cert list own where certificate-name is-exactly cup\n"
        "set cert delete cup-trust Example_Root_CA.pem\n"
    )
    done = batch(node_dir, script)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Successfully imported certificate for cup.\n") == 2
    assert "cup/cup.pem: Certificate Signed by Example Root CA\n" in done.stdout
    assert done.stdout.endswith("Successfully deleted certificate cup-trust/Example_Root_CA.pem.\n")


def test_exit_status_tells_refusals_from_policy(node_dir, outside):
    """1 for a refused certificate, 3 where only the policy is against it."""
    assert (
        batch(node_dir, f"set cert import own tomcat\n{outside.root().pem.decode()}").returncode
        == 1
    )
    weak = outside.root("Weak", key="rsa1024")
    assert batch(node_dir, f"set cert import trust ipsec\n{weak.pem.decode()}").returncode == 0
    batch(node_dir, "set csr gen ipsec\nutils cert download csr ipsec\n")
    csr = pathlib.Path(node_dir, "download", "ipsec.csr").read_bytes()
    signed = outside.sign(csr, weak)
    assert batch(node_dir, f"set cert import own ipsec\n{signed.pem.decode()}").returncode == 3


def test_json_is_one_line_a_command(node_dir, outside):
    """Every command of the family, failures too; nothing between the lines."""
    root = outside.root().pem.decode()
    script = (
        f"set cert import trust tomcat\n{root}"
        "set csr gen tomcat key ec256\nshow csr list own\nshow csr own tomcat\n"
        "show cert list trust where common-name contains example\n"
        "show cert chain tomcat-trust/Example_Root_CA.pem\nshow cert expiry within 30 days\n"
        "show web-security\nutils cert download store tomcat-trust p7b\n"
        f"set cert import own tomcat\n{root}"
        "set csr delete tomcat\nset cert delete tomcat-trust Example_Root_CA.pem\n"
    )
    done = batch(node_dir, script, "--json", "--keep-going")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 12
    failed = [answer for answer in answers if not answer["ok"]]
    assert [answer["command"] for answer in failed] == ["set cert import own tomcat"]
    assert failed[0]["error"]["kind"] == "refused"
    assert failed[0]["error"]["lines"][0].startswith(
        "Expected: the key of the pending CSR of tomcat: EC 256"
    )
    assert done.returncode == 1


@pytest.mark.unmeasured
def test_a_gigabyte_costs_no_memory(node_dir):
    """In a process of its own."""
    with open(pathlib.Path(node_dir, "upload", "huge.pem"), "wb") as file:
        file.truncate(1 << 30)
    code = (
        "import sys, cucmos_shell.frontends.start as m\n"
        "from cucmos_shell.world.world import World\n"
        f"line = 'utils cert upload trust tomcat huge.pem'\n"
        f"status = m.run(['--state', {str(node_dir)!r}, '-c', line], World.real())\n"
        "print(status, end=' ')\n"
    ) + PRINT_PEAK
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    status, peak = map(int, done.stdout.splitlines()[-1].split())
    assert (status, done.stderr) == (1, "")
    assert peak < 80 * 1024
