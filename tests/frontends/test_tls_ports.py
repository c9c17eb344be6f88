"""The ports of services: what was loaded at the start is shown until the next one, from outside."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Conversation
from quick_authority import Authority, pem
from ssh_server import PROGRAM, Served, run
from tls_clients import (
    REFUSED,
    client_context,
    is_free,
    openssl,
    openssl_now,
    page,
    serving,
    shown,
    visit,
)

from cucmos_shell.errors import Unavailable, UsageError
from cucmos_shell.frontends.tls.places import hold, served
from cucmos_shell.node import Node
from cucmos_shell.profile.machine import ListenSpec
from cucmos_shell.results import Pause
from cucmos_shell.session import Session
from cucmos_shell.store.locks import is_held

TOMCAT = "Cisco Tomcat"
CONNECTIONS, FEDERATION = (
    "Cisco XCP Connection Manager",
    "Cisco XCP XMPP Federation Connection Manager",
)
PROXY = "Cisco SIP Proxy"
CAPF = "Cisco Certificate Authority Proxy Function"


def own(node, unit="tomcat"):
    """The SHA-256 of what the store has."""
    return node.snapshot().own(unit).row.sha256


def regenerate(say, unit="tomcat"):
    say(f"set cert regen {unit}", "yes")
    assert not say.status
    return own(say.node, unit)


def do(say, line, *answers):
    text = say(line, *answers)
    assert not say.status, text


# --- what a restart does ----------------------------------------------------------------------


def test_a_restart_is_what_brings_the_new_certificate(say):
    """Old before, old after it was made anew, refused while the service is down, new then."""

    async def main():
        async with serving(say.node) as ports:
            port, old = ports.of(TOMCAT), own(say.node)
            seen = [(await openssl(port))[0]]
            new = regenerate(say)
            await ports.look()
            seen.append((await openssl(port))[0])
            do(say, f"utils service stop {TOMCAT}")
            await ports.look()
            seen.append((await openssl(port))[0])
            do(say, f"utils service start {TOMCAT}")
            await ports.look()
            seen.append((await openssl(port))[0])
            assert seen == [old, old, REFUSED, new]
            assert new != old

    run(main())


def test_what_is_loaded_outlives_its_state(say):
    """A hundred certificates later, and in a server that begins then, it is still shown."""

    async def main():
        old = own(say.node)
        async with serving(say.node) as ports:
            for _ in range(100):
                regenerate(say)
            await ports.look()
            assert await shown(ports.of(TOMCAT)) == old
        states = os.listdir(say.node.layout.heads)
        assert len(states) < 100
        async with serving(say.node) as ports:
            assert (await openssl(ports.of(TOMCAT)))[0] == old
            do(say, f"utils service restart {TOMCAT}")
            await ports.look()
            assert await shown(ports.of(TOMCAT)) == own(say.node)

    run(main(), 120)


def test_a_service_that_takes_its_time_is_closed_meanwhile(say):
    """Until the clock says that it has started: nobody has told the server."""
    slow = say.node.profile.replace(defaults={**say.node.profile.defaults, "speed": 1})
    node, clock = Node(say.node.state_dir, slow, say.node.world), say.node.world.now

    async def main():
        async with serving(node) as ports:
            port, new = ports.of(TOMCAT), regenerate(say)
            execution = Session(node).execute(f"utils service restart {TOMCAT}")
            while not isinstance(execution.step(), Pause):
                pass
            for seconds, state in ((0, "STOPPING"), (8, "STARTING"), (20, "STARTED")):
                clock.time += seconds
                await ports.look()
                assert node.services.state(TOMCAT).state == state
                assert await shown(port) == (new if state == "STARTED" else REFUSED)

    run(main())


def test_a_connection_keeps_what_it_was_shown(say):
    """Until the service ends; whoever comes meanwhile is shown the same."""
    do(say, f"utils service activate {PROXY}")

    async def main():
        async with serving(say.node) as ports:
            port, old = ports.of(PROXY), own(say.node, "cup")
            before = await visit(port)
            new = regenerate(say, "cup")
            await ports.look()
            assert await shown(port) == before.sha256 == old
            before.writer.write(b"still there")
            await before.writer.drain()
            assert not before.reader.at_eof()
            do(say, f"utils service restart {PROXY}")
            await ports.look()
            assert await before.ended()
            assert await shown(port) == new

    run(main())


def test_what_needs_no_restart_is_shown_at_once(ucm_15_node):
    """From release 14 on CAPF takes its new certificate by itself."""
    say = Conversation(ucm_15_node)

    async def main():
        async with serving(ucm_15_node) as ports:
            port = ports.of(CAPF)
            before = await visit(port)
            assert before.sha256 == own(ucm_15_node, "CAPF")
            new = regenerate(say, "CAPF")
            await ports.look()
            assert await before.ended()
            assert await shown(port) == new
            assert await shown(ports.of(TOMCAT, 443)) == await shown(ports.of(TOMCAT, 8443))

    run(main())


# --- what is shown ------------------------------------------------------------------------------


def test_the_chain_comes_along(say, outside_ca):
    """As it was imported: a client that knows the root only is content."""
    node = say.node
    root = Authority("Root")
    middle = Authority("Middle", key=root.key)
    middle.certificate = root.issue(middle.name, middle.key.public_key(), (), ca=True)
    do(say, "set cert import trust tomcat", pem(root.certificate), "")
    do(say, "set csr gen tomcat", "yes")
    answer = middle.answer(node.snapshot().request_pem("tomcat"))
    do(say, "set cert import own tomcat", pem(answer) + pem(middle.certificate), "")
    do(say, f"utils service restart {TOMCAT}")
    anchor = Path(node.state_dir).parent / "root.pem"
    anchor.write_text(pem(root.certificate))

    async def main():
        async with serving(node) as ports:
            sha256, said = await openssl(
                ports.of(TOMCAT), "-CAfile", str(anchor), "-attime", str(int(node.now()))
            )
            assert sha256 == own(node)
            assert said.count("BEGIN CERTIFICATE") == 2
            assert "Verify return code: 0 (ok)" in said

    run(main())


def test_elliptic_curves_are_shown(ucm_15_node):
    """By a profile that lets a service listen with such a certificate."""
    services = dict(ucm_15_node.profile.services)
    ports = (ListenSpec(9443, "tomcat-ECDSA"),)
    services[TOMCAT] = services[TOMCAT].replace(listens=ports)
    profile = ucm_15_node.profile.replace(services=services)
    node = Node(ucm_15_node.state_dir, profile, ucm_15_node.world)

    async def main():
        async with serving(node) as ports:
            sha256, said = await openssl(ports.of(TOMCAT))
            assert sha256 == own(node, "tomcat-ECDSA")
            assert "ECDSA" in said

    run(main())


def test_the_least_version_is_the_one_that_was_set(ucm_15_node):
    """And holds for the next client."""
    say = Conversation(ucm_15_node)
    old = client_context(maximum_version=ssl.TLSVersion.TLSv1_2)

    async def main():
        async with serving(ucm_15_node) as ports:
            port = ports.of(TOMCAT, 8443)
            assert await shown(port, old) == await shown(port)
            do(say, "set tls min-version 1.3", "yes")
            await ports.look()
            assert await shown(port) == own(ucm_15_node)
            with pytest.raises(ssl.SSLError, match="protocol version"):
                await shown(port, old)

    run(main())


@pytest.mark.parametrize(
    ("service", "unit", "options"),
    [
        (CONNECTIONS, "cup-xmpp", ("-starttls", "xmpp", "-xmpphost", "example.com")),
        (FEDERATION, "cup-xmpp-s2s", ("-starttls", "xmpp-server")),
        (PROXY, "cup", ("-tls1_2",)),
    ],
)
def test_other_protocols_show_theirs(say, service, unit, options):
    """As openssl speaks them."""
    do(say, f"utils service activate {service}")

    async def main():
        async with serving(say.node) as ports:
            assert (await openssl(ports.of(service), *options))[0] == own(say.node, unit)

    run(main())


def test_the_page_says_what_a_restart_would_do(say):
    """Node, service, certificate, and whether the store has another one."""

    async def main():
        async with serving(say.node) as ports:
            port, row = ports.of(TOMCAT), say.node.snapshot().own("tomcat").row
            text = await page(port)
            assert text.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n")
            for part in ("imp-pub.example.com", TOMCAT, row.serial, row.sha256, row.subject):
                assert f"<td>{part}</td>" in text
            assert "no restart is pending" in text
            regenerate(say)
            await ports.look()
            text = await page(port)
            assert f"<td>{row.sha256}</td>" in text
            assert "The store has another certificate since 2026-11-18T11:06:40Z" in text
            do(say, f"utils service restart {TOMCAT}")
            await ports.look()
            text = await page(port)
            assert f"<td>{own(say.node)}</td>" in text
            assert "no restart is pending" in text

    run(main())


def test_the_page_is_text_whatever_is_in_a_certificate(say):
    """A name may be HTML, or steer a terminal; it is shown as it is."""
    do(say, 'set web-security "<script>alert(1)</script>" "a&b" City State US', "yes")
    do(say, f"utils service restart {TOMCAT}")

    async def main():
        async with serving(say.node) as ports:
            text = await page(ports.of(TOMCAT))
            assert "<script" not in text
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
            assert "Content-Security-Policy: default-src 'none'\r\n" in text

    run(main())


def test_other_routes_stand_beside_the_page(node):
    """Whoever puts a server together may give some."""
    from cucmos_shell.frontends.http import Response

    async def more(request):
        return Response(body=request.query["x"].encode())

    async def main():
        async with serving(node, routes={"/more": more}) as ports:
            visitor = await visit(ports.of(TOMCAT))
            answer = await visitor.ask(b"GET /more?x=y HTTP/1.1\r\n\r\n")
            assert answer.endswith(b"\r\n\r\ny")

    run(main())


# --- where the ports are ------------------------------------------------------------------------


def test_ports_may_be_the_products_own_or_so_many_higher(node):
    """And are written down, those that are closed as well."""
    # Below those that the machine gives away, and apart from those of another test.
    more = 3000 + os.getpid() % 20_000
    places = hold(node, "127.0.0.1", f"+{more}")
    here = 8443 + more
    try:
        assert places.ports[TOMCAT, 8443] == here
        assert not is_free(here)
        written = json.loads(Path(node.layout.tls_ports).read_text())
        assert written[TOMCAT] == {"8443": here}
        assert written[CONNECTIONS] == {"5222": 5222 + more}
        assert f"Port 8443 of Cisco Tomcat at 127.0.0.1:{here}" in places.lines()
    finally:
        places.remove()
    assert is_free(here)
    assert not os.path.lexists(node.layout.tls_ports)


def test_ports_that_cannot_be_had_are_told(node):
    """Which it is, for which service, and why; and none is held then."""
    with pytest.raises(
        UsageError, match=r"--tls-ports \+60000: there is no port 68443 for Cisco Tomcat"
    ):
        hold(node, "127.0.0.1", "+60000")
    places = hold(node, "127.0.0.1", "0")
    try:
        taken = places.ports[TOMCAT, 8443]
        sock = places.listen((TOMCAT, 8443))
        with pytest.raises(Unavailable, match=f"127.0.0.1:{taken} cannot be listened on"):
            hold(node, "127.0.0.1", f"+{taken - 8443}")
        sock.close()
        bare = {name: one.replace(listens=()) for name, one in node.profile.services.items()}
        mute = Node(node.state_dir, node.profile.replace(services=bare), node.world)
        with pytest.raises(UsageError, match="knows no service that listens"):
            hold(mute, "127.0.0.1", "0")
    finally:
        places.remove()


def test_one_process_has_the_ports(node):
    """Another one that serves the node takes them over when it has gone."""

    async def main():
        async with serving(node) as first:
            with pytest.raises(Unavailable, match="Another server has the TLS ports"):
                hold(node, "127.0.0.1", "0")
            second = type(first.task)(node, first.places, first.task._host)
            await second.start()
            before = served(node.layout)
            assert before[TOMCAT] == {"8443": {"at": first.of(TOMCAT), "open": True}}
            assert before[PROXY] == {"5061": {"at": first.of(PROXY), "open": False}}
            first.task.stop()
            first.task.close()
            assert await shown(first.of(TOMCAT)) == REFUSED
            await second.look()
            assert await shown(first.of(TOMCAT)) == own(node)
            second.stop()
            second.close()

    run(main())


def test_a_whole_server_has_them(node_dir):
    """Several workers, of which one has the ports; told by the verb, gone at the end."""
    with Served(node_dir, "--tls-ports", "0", "--workers", "2") as server:
        told = [server.process.stdout.readline() for _ in range(5)]
        here = json.loads((node_dir / "run/ports.json").read_text())[TOMCAT]["8443"]
        assert f"Port 8443 of Cisco Tomcat at 127.0.0.1:{here}\n" in told
        node = Node.look(str(node_dir), _real())
        assert openssl_now(here)[0] == own(node)
        again = subprocess.run(
            [*PROGRAM, "serve", "--state", str(node_dir), "--port", "0", "--tls-ports", "0"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert again.returncode == 4
        assert "Another server has the TLS ports of this node" in again.stderr
        holder = _holder(node.layout.tls_lock)
        os.kill(holder, signal.SIGKILL)
        assert run(_open_again(node.layout, here, holder)) == own(node)
    assert not is_held(node.layout.tls_lock)
    assert not (node_dir / "run/ports.json").exists()


async def _open_again(layout, port, before):
    while True:
        if is_held(layout.tls_lock) and _holder(layout.tls_lock) != before:
            found = await shown(port)
            if found != REFUSED:
                return found
        await asyncio.sleep(0.05)


def _holder(path):
    """The process that has a lock."""
    inode = f":{os.stat(path).st_ino} "
    for line in Path("/proc/locks").read_text().splitlines():
        if inode in line and "->" not in line:
            return int(line.split()[4])
    return None


def _real():
    from cucmos_shell.world import World

    return World.real()


@pytest.mark.parametrize("text", ["", "1", "+", "+0", "+70000", "-1", "all", "+x"])
def test_an_option_that_says_no_ports_is_refused(text, tmp_path):
    """Before anything is made."""
    from cucmos_shell.frontends.start import understood

    with pytest.raises(UsageError, match="--tls-ports"):
        understood(["serve", "--tls-ports", text])


def test_the_ports_need_no_ssh():
    """None of the packages of that extra."""
    code = "import sys, cucmos_shell.frontends.tls.ports; sys.exit('asyncssh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
