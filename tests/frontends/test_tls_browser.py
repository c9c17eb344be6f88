"""A browser at a port of a service: it shows the page, and which certificate that came with."""

import asyncio
import base64
import hashlib
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import Conversation
from ssh_server import run
from tls_clients import serving

CHROMIUM = shutil.which("chromium")
TOMCAT = "Cisco Tomcat"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium"),
]


def loaded_key(node):
    """The key of the store's certificate, as the browser names keys."""
    certificate = x509.load_pem_x509_certificate(node.snapshot().own_pem("tomcat"))
    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


async def seen(port, key, folder):
    """The page as the browser has it, which takes only a certificate with that `key`."""
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-background-networking", f"--user-data-dir={folder}",
        f"--ignore-certificate-errors-spki-list={key}", "--dump-dom", f"https://127.0.0.1:{port}/",
    ]  # fmt: skip
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout


def test_a_browser_shows_what_a_restart_does(node, tmp_path):
    """The serial number on the page is that of the certificate it has taken."""
    say = Conversation(node)
    serial, key = node.snapshot().own("tomcat").row.serial, loaded_key(node)

    async def main():
        async with serving(node) as ports:
            port = ports.of(TOMCAT)
            page = await seen(port, key, tmp_path / "first")
            assert f"<td>{serial}</td>" in page
            assert "no restart is pending" in page
            say("set cert regen tomcat", "yes")
            new = loaded_key(node)
            await ports.look()
            assert serial not in await seen(port, new, tmp_path / "second")
            assert "A restart is pending" in await seen(port, key, tmp_path / "third")
            say(f"utils service restart {TOMCAT}")
            await ports.look()
            row = node.snapshot().own("tomcat").row
            assert f"<td>{row.serial}</td>" in await seen(port, new, tmp_path / "fourth")

    run(main(), 600)
