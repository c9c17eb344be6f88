"""What is no client of TLS, and too many of them: the port goes on for everybody else."""

import asyncio
import contextlib
import errno
import socket
import ssl

import pytest
from harness import Conversation
from ssh_server import run
from tls_clients import REFUSED, client_context, raw, serving, shown, visit

from cucmos_shell.frontends.tls import port as ports_module
from cucmos_shell.frontends.tls.port import Crowd

TOMCAT, PROXY = "Cisco Tomcat", "Cisco SIP Proxy"
CONNECTIONS, FEDERATION = (
    "Cisco XCP Connection Manager",
    "Cisco XCP XMPP Federation Connection Manager",
)
NAMESPACE = b"urn:ietf:params:xml:ns:xmpp-tls"
STREAM = b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='x' version='1.0'>"
STARTTLS = b"<starttls xmlns='" + NAMESPACE + b"'/>"


def own(node, unit="tomcat"):
    return node.snapshot().own(unit).row.sha256


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(ports_module, "HELLO_SECONDS", 0.2)
    monkeypatch.setattr(ports_module, "END_SECONDS", 0.2)


def hello(size=0):
    """What a client of TLS says first; with names of protocols up to about `size` octets."""
    context = client_context()
    if size:
        names = [f"{i:03d}".ljust(250, "x") for i in range(size // 251)]
        context.set_alpn_protocols(names)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


SSL3 = bytes.fromhex("16030000 2f 0100002b 0300".replace(" ", "")) + bytes(32) + bytes.fromhex(
    "00 0004 0005000a 0100".replace(" ", "")
)  # fmt: skip
SSL2 = bytes.fromhex("802e0100020015000000100100800200800300800400800500800600") + bytes(20)


# The alerts of RFC 8446 that OpenSSL has for them.
OVERFLOW, FAILURE, DECODE, VERSION = b"\x16", b"\x28", b"\x32", b"\x46"


@pytest.mark.parametrize(
    ("octets", "alert"),
    [
        (b"", b""),
        (hello()[:5], b""),
        (hello()[:100], b""),
        (b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + b"\x03\x03" + b"\xff" * 16_378, DECODE),
        (b"\x16\x03\x01\xff\xff" + b"\x01" * 100, OVERFLOW),
        (b"\x16\x03\x01\xff\xff" + b"\x01" * 65_535, None),
        (SSL3, FAILURE),
        (SSL2, VERSION),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (b"\x00" * 100_000, b""),
    ],
    ids=[
        "silence",
        "5 octets",
        "half",
        "16 KiB",
        "of 64 KiB",
        "64 KiB",
        "SSLv3",
        "SSLv2",
        "HTTP",
        "zeros",
    ],
)
def test_what_is_no_hello_ends(node, impatient, octets, alert):
    """Soon, with an alert where there is one for it, and with no more; others are served."""

    async def main():
        async with serving(node) as ports:
            said = await raw(ports.of(TOMCAT), octets)
            if alert:
                assert (said[:1], said[3:]) == (b"\x15", b"\0\2\2" + alert)
            else:
                # A client that still sends when the connection ends may lose what it was told.
                assert len(said) <= (0 if alert == b"" else 7)
            assert await shown(ports.of(TOMCAT)) == own(node)

    run(main())


@pytest.mark.parametrize(
    ("changes", "ciphers", "said"),
    [
        ({"maximum_version": ssl.TLSVersion.TLSv1_1}, "DEFAULT:@SECLEVEL=0", "PROTOCOL_VERSION"),
        (
            {"maximum_version": ssl.TLSVersion.TLSv1_2},
            "ECDHE-ECDSA-AES128-SHA",
            "HANDSHAKE_FAILURE",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_client_that_wants_something_else_is_told(node, changes, ciphers, said):
    """By an alert, which programs tell from a connection that was reset."""
    context = client_context(minimum_version=ssl.TLSVersion.MINIMUM_SUPPORTED, **changes)
    context.set_ciphers(ciphers)

    async def main():
        async with serving(node) as ports:
            with pytest.raises(ssl.SSLError, match=f"ALERT_{said}"):
                await shown(ports.of(TOMCAT), context)
            async with asyncio.timeout(10):
                while len(ports.task._crowd):
                    await asyncio.sleep(0.001)

    run(main())


def test_a_hello_of_16_kib_is_one(node):
    """It is as large as a record may be."""
    octets = hello(15_500)
    assert 15_000 < len(octets) < 16_500
    context = client_context()
    context.set_alpn_protocols([f"{i:03d}".ljust(250, "x") for i in range(15_500 // 251)])

    async def main():
        async with serving(node) as ports:
            assert await shown(ports.of(TOMCAT), context) == own(node)

    run(main())


def test_a_thousand_that_find_it_closed_are_nothing(node):
    """They are refused by the machine, and the port opens as ever."""
    say = Conversation(node)

    async def main():
        async with serving(node) as ports:
            say(f"utils service stop {TOMCAT}")
            await ports.look()
            port = ports.of(TOMCAT)
            for _ in range(1000):
                with socket.socket() as client:
                    assert client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
            say(f"utils service start {TOMCAT}")
            await ports.look()
            assert await shown(port) == own(node)
            say(f"utils service stop {TOMCAT}")
            await ports.look()
            assert await shown(port) == REFUSED

    run(main())


def test_a_crowd_keeps_nobody_out(node):
    """Who says nothing leaves first, and the oldest of these; then the oldest at all."""
    Conversation(node)(f"utils service activate {PROXY}")

    async def main():
        async with serving(node) as ports:
            crowd = ports.task._crowd
            crowd._most = 3
            port = ports.of(PROXY)
            first = await visit(port)
            mute = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            while len(crowd) < 3:
                await asyncio.sleep(0.001)
            second = await visit(port)
            assert await mute[0][0].read() == b""
            third = await visit(port)
            assert await mute[1][0].read() == b""
            assert not first.reader.at_eof()
            fourth = await visit(port)
            assert await first.ended()
            assert len(crowd) == 3
            for one in (first, second, third, fourth):
                one.leave()
            for _, writer in mute:
                writer.close()
            while len(crowd):
                await asyncio.sleep(0.001)

    run(main())


class Guest:
    """A connection of a crowd, which knows whether it has to leave."""

    def __init__(self):
        self.left = False

    def cancel(self):
        self.left = True


def entered(crowd, network, number, *, protected=False):
    """So many that come one after the other, from one network."""
    guests = [Guest() for _ in range(number)]
    for guest in guests:
        crowd.enter(guest, network)
        if protected:
            crowd.greet(guest)
    return guests


@pytest.mark.parametrize("protected", [False, True])
def test_a_crowd_of_one_network_keeps_others_in(protected):
    """Whatever it does: its own leave for those that come, whoever these are."""
    crowd = Crowd(20)
    quiet = entered(crowd, "quiet", 2, protected=True)
    begins = entered(crowd, "quiet", 1)
    many = entered(crowd, "many", 100, protected=protected)
    late = entered(crowd, "late", 3)
    many += entered(crowd, "many", 100)
    assert not any(guest.left for guest in (*quiet, *begins, *late))
    assert sum(not guest.left for guest in many) == 20 - 6 == len(crowd) - 6


def test_of_the_largest_network_the_oldest_leaves():
    """First of those that are not protected, then at all; later another network is the largest."""
    crowd = Crowd(6)
    protected = entered(crowd, "one", 2, protected=True)
    silent = entered(crowd, "one", 2)
    two, three = entered(crowd, "two", 2), entered(crowd, "three", 2)
    assert [guest.left for guest in (*silent, *protected)] == [True, True, False, False]
    three += entered(crowd, "three", 1)
    assert [guest.left for guest in protected] == [True, False]
    three += entered(crowd, "three", 2)
    assert [guest.left for guest in (*two, *three)] == [False] * 2 + [True] * 2 + [False] * 3


def test_a_client_is_of_its_network(node):
    """An address of IPv4 is one; so one host keeps no other from being served."""
    Conversation(node)(f"utils service activate {PROXY}")

    async def main():
        async with serving(node) as ports:
            crowd, port = ports.task._crowd, ports.of(PROXY)
            crowd._most = 3
            first = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.7", 0))
            mute = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            assert await mute[0][0].read() == b""
            assert not first[0].at_eof()
            assert sorted(crowd._there.values()) == ["127.0.0.1", "127.0.0.1", "127.0.0.7"]
            for _, writer in (first, *mute):
                writer.close()
            while len(crowd):
                await asyncio.sleep(0.001)

    run(main())


def test_a_crowd_forgets_who_has_gone():
    """Whether it was protected or not, and whoever left by itself."""

    async def main():
        crowd = Crowd(2)
        guests = [asyncio.ensure_future(asyncio.Event().wait()) for _ in range(3)]
        crowd.enter(guests[0], "net")
        crowd.greet(guests[0])
        crowd.leave(guests[0])
        crowd.greet(guests[0])
        assert len(crowd) == 0
        for guest in guests:
            crowd.enter(guest, "net")
        assert len(crowd) == 2
        await asyncio.sleep(0)
        assert [guest.cancelled() for guest in guests] == [True, False, False]
        for guest in guests:
            guest.cancel()

    run(main())


@pytest.mark.parametrize(
    ("octets", "end"),
    [
        (b"GET / HTTP/1.1\r\n\r\n<", b""),
        (b"<html>", b"</stream:error></stream:stream>"),
        (STREAM.replace(b"client", b"server"), b"</stream:error></stream:stream>"),
        (STREAM + b"<auth/>", b"</stream:error></stream:stream>"),
        (STREAM + b"<starttls xmlns='x'/>", b"</stream:error></stream:stream>"),
        (STREAM + STARTTLS + b"<auth/>", b"</stream:error></stream:stream>"),
        (b"<" + b"x" * 5000, b""),
        (STREAM, b"<required/></starttls></stream:features>"),
        (STREAM + STARTTLS, b"<proceed xmlns='" + NAMESPACE + b"'/>"),
        (STREAM + STARTTLS[:-10], b"<required/></starttls></stream:features>"),
    ],
)
def test_what_is_no_stream_ends(node, impatient, octets, end):
    """With an error where there is one; nothing that came before TLS counts behind it."""
    Conversation(node)(f"utils service activate {CONNECTIONS}")

    async def main():
        async with serving(node) as ports:
            said = await raw(ports.of(CONNECTIONS), octets)
            assert said.endswith(end)
            assert bool(said) is bool(end)
            if said:
                assert said.startswith(b"<?xml version='1.0'?><stream:stream xmlns='jabber:client'")
            async with asyncio.timeout(10):
                while len(ports.task._crowd):
                    await asyncio.sleep(0.001)

    run(main())


def test_a_stream_goes_on_behind_tls(node):
    """It is opened once more, and there is nothing in it for whoever is not known."""
    Conversation(node)(f"utils service activate {FEDERATION}")
    stream = STREAM.replace(b"client", b"server")

    async def main():
        async with serving(node) as ports:
            reader, writer = await asyncio.open_connection("127.0.0.1", ports.of(FEDERATION))
            writer.write(stream)
            await reader.readuntil(b"</stream:features>")
            writer.write(STARTTLS)
            await reader.readuntil(b"/>")
            await writer.start_tls(client_context())
            writer.write(stream)
            said = await reader.readuntil(b"<stream:features/>")
            assert b"from='imp-pub.example.com'" in said
            assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
            writer.transport.abort()

    run(main())


def test_a_certificate_that_is_gone_is_told(node, capfd):
    """The port stays closed, as long as that is so."""

    async def main():
        lost = node.layout.version("tomcat", node.snapshot().version("tomcat"))
        key = f"{lost}/keys/tomcat_priv.pem"
        with open(key, "rb") as file:
            octets = file.read()
        with open(key, "wb"):
            pass
        async with serving(node) as ports:
            assert await shown(ports.of(TOMCAT)) == REFUSED
            with open(key, "wb") as file:
                file.write(octets)
            Conversation(node)(f"utils service restart {TOMCAT}")
            await ports.look()
            assert await shown(ports.of(TOMCAT)) == own(node)

    run(main())
    assert capfd.readouterr().err.startswith(
        "cucmos-shell: port 8443 of Cisco Tomcat cannot be shown: "
    )


def test_a_port_that_is_taken_meanwhile_is_told(node, capfd):
    """And had as soon as it is free again."""
    say = Conversation(node)
    say(f"utils service stop {TOMCAT}")

    async def main():
        async with serving(node) as ports:
            sock = ports.places.listen((TOMCAT, 8443))
            say(f"utils service start {TOMCAT}")
            await ports.look()
            sock.close()
            await ports.look()
            assert await shown(ports.of(TOMCAT)) == own(node)

    run(main())
    assert "cannot be listened on (port 8443 of Cisco Tomcat): Addr" in capfd.readouterr().err


def test_a_store_that_cannot_be_read_changes_nothing(node, capfd):
    """What is open stays so; it is told when it is not over with the next look."""

    async def main():
        async with serving(node) as ports:
            Conversation(node)("set cert regen tomcat", "yes")
            broken = node.layout.head(node.snapshot().head, "note.json")
            with open(broken, "rb") as file:
                octets = file.read()
            old = await shown(ports.of(TOMCAT))
            with open(broken, "wb") as file:
                file.write(b"{}")
            await ports.look()
            assert not capfd.readouterr().err
            await ports.look()
            assert "The certificate store is damaged" in capfd.readouterr().err
            assert await shown(ports.of(TOMCAT)) == old
            with open(broken, "wb") as file:
                file.write(octets)
            Conversation(node)(f"utils service restart {TOMCAT}")
            await ports.look()
            assert await shown(ports.of(TOMCAT)) == own(node) != old

    run(main())
