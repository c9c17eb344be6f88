"""What one account has over all of its connections, and what no client may have the server do."""

import asyncio
import contextlib
import shutil
from types import SimpleNamespace

import asyncssh
import pytest
from asyncssh.packet import UInt32
from console_session import Session
from ssh_server import Served, run

from cucmos_shell.frontends.sshd import limits
from cucmos_shell.frontends.sshd.access import MAX_CHANNELS
from cucmos_shell.frontends.sshd.channel import Channel
from cucmos_shell.frontends.sshd.door import CHANNELS_EACH
from cucmos_shell.frontends.sshd.faults import Pasting
from cucmos_shell.frontends.sshd.terminal_channel import TerminalChannel
from cucmos_shell.terminal import Terminal


@pytest.fixture(scope="module")
def served(imp_template, tmp_path_factory):
    node = shutil.copytree(imp_template, tmp_path_factory.mktemp("attack") / "node", symlinks=True)
    with Served(node) as server:
        yield server


class Wire:
    """A channel that takes everything; turns come when `turns` are given."""

    stalled = False

    def __init__(self):
        self.sent, self.waiting, self.status = b"", [], None

    def write(self, data):
        self.sent += data

    def flow(self):
        pass

    def turn(self, function):
        self.waiting.append(function)

    def finish(self, status):
        self.status = status


class Desk:
    """A terminal on a wire, whose commands take no time."""

    def __init__(self):
        self.wire = Wire()
        terminal = Terminal(Session(), columns=80, rows=24, history=["ab" * 200] * 20)
        self.channel = TerminalChannel(terminal, self.run, self.wire, Pasting(lambda: None, print))
        terminal.start((), asyncio.get_running_loop().time())
        self.channel.pump()

    def run(self, work, then):
        then(work())

    async def turns(self):
        """Give one turn after the other until nobody wants any; how many there were."""
        count = 0
        await asyncio.sleep(0)
        while self.wire.waiting:
            self.wire.waiting.pop(0)()
            count += 1
            await asyncio.sleep(0)
        return count


class TestKeysTypedAheadTakeTurns:
    def test_a_few_at_a_time(self):
        """Else sixteen thousand searches in the history would be one turn of the loop."""

        async def main():
            desk = Desk()
            desk.channel.feed(b"\x12a" * 8300)
            assert desk.channel.full
            assert await desk.turns() > 1000
            assert not desk.channel.full
            desk.channel.feed(b"\x03echo hello\r")
            await desk.turns()
            assert b"[hello]" in desk.wire.sent
            desk.channel.lose()
            assert desk.wire.status == 0

        run(main())

    def test_those_who_type_wait_for_none(self):
        async def main():
            desk = Desk()
            for _ in range(20):
                desk.channel.feed(b"echo hello\r")
                assert await desk.turns() == 0
            assert desk.wire.sent.count(b"[hello]") == 20
            desk.channel.lose()

        run(main())


class TestAnAccountHasSoManyChannels:
    """Beside its shells, which `set session maxlimit` counts; each holds a window of what came."""

    def test_over_all_its_connections(self, served):
        async def main():
            async with contextlib.AsyncExitStack() as stack:
                channels, refused = [], 0
                for _ in range(CHANNELS_EACH // MAX_CHANNELS + 1):
                    connection = await stack.enter_async_context(served.connect())
                    for _ in range(MAX_CHANNELS):
                        try:
                            channels.append(await connection.start_sftp_client())
                        except asyncssh.ChannelOpenError:
                            refused += 1
                assert len(channels) == CHANNELS_EACH
                assert refused == MAX_CHANNELS - CHANNELS_EACH % MAX_CHANNELS
                channels[0].exit()
                await channels[0].wait_closed()
                async with asyncio.timeout(10):
                    while refused:
                        with contextlib.suppress(asyncssh.ChannelOpenError):
                            await connection.start_sftp_client()
                            refused = 0

        run(main(), 60)


class TestTheLibraryHasLimits:
    def test_a_message_of_sftp_is_no_larger_than_openssh_takes(self, served):
        """What has come of one is kept until it is whole."""

        async def main():
            async with served.connect() as connection:
                client = await connection.start_sftp_client()
                async with client.open("/upload/x", "wb") as file:
                    await file.write(bytes(10 * limits.MAX_OCTETS))
                assert (await client.stat("/upload/x")).size == 10 * limits.MAX_OCTETS
                writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None)
                writer.write(UInt32(limits.MAX_MESSAGE + 1))
                assert await reader.read() == b""

        run(main())

    def test_no_certificate_of_a_key_is_looked_at(self):
        """To check one takes as long as the key of whoever is said to have made it wants."""
        module = asyncssh.connection
        before = module.decode_ssh_certificate
        key = asyncssh.generate_private_key("ssh-ed25519")
        certificate = key.generate_user_certificate(key.convert_to_public(), "ann")
        try:
            assert before(certificate.public_data).principals == []
            limits._refuse_certificates()
            with pytest.raises(asyncssh.KeyImportError):
                module.decode_ssh_certificate(certificate.public_data)
        finally:
            module.decode_ssh_certificate = before

    def test_a_certificate_signs_nobody_in(self, served):
        async def main():
            key = asyncssh.generate_private_key("ssh-ed25519")
            certificate = key.generate_user_certificate(key.convert_to_public(), "admin")
            with pytest.raises(asyncssh.PermissionDenied):
                await served.connect(client_keys=[(key, certificate)], preferred_auth="publickey")

        run(main())

    def test_another_version_is_told_from_this_one(self):
        """Its parts may have other names."""
        with pytest.raises(RuntimeError, match="has no _no_such_part"):
            limits._replace(asyncssh.connection, "_no_such_part", 1)
        names = asyncssh.connection.SSHConnection.__init__.__code__.co_names
        assert {"_inpbuf", "_deferred_packets"} <= set(names)


class Held:
    """The library's channel: what came while it was paused, and whether it is."""

    def __init__(self, channel, pieces):
        self.channel, self.pieces, self.paused = channel, pieces, True

    def is_closing(self):
        return False

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False
        while self.pieces and not self.paused:
            self.channel.data_received(self.pieces.pop(0), None)


class Work:
    """Takes what comes, and is full from then on."""

    def __init__(self):
        self.data = b""

    @property
    def full(self):
        return bool(self.data)

    def feed(self, data):
        self.data += data


def test_all_that_was_held_is_taken_at_once():
    """For each piece that is taken alone the library lets the client send a whole window more."""
    door = SimpleNamespace(node=SimpleNamespace(now=lambda: 0.0))
    access = SimpleNamespace(outflow=lambda *_: None, pasting=lambda _: None)
    channel = Channel(door, access, "ann")
    channel._served, channel._reading, channel._work = True, False, Work()
    channel._chan = held = Held(channel, [b"x"] * 40)
    channel.flow()
    assert channel._work.data == b"x" * 40
    assert held.paused
    channel._work.data = b""
    channel.flow()
    assert not held.paused
    channel.data_received(b"y", None)
    assert held.paused
