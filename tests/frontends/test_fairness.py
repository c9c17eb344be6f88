"""A server and clients that no other client sends as: what one does reaches nobody else.

The clients use private parts of asyncssh, since nothing else would send what they do. What is
compared are counts and octets; `benchmarks/hostile.py` has the times.
"""

import asyncio
import contextlib
import datetime
import pathlib
import shutil

import asyncssh
import psutil
import pytest
from asyncssh.packet import Boolean, String, UInt32
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from ssh_server import Served, Shell, run

GLOBAL_REQUEST, CHANNEL_REQUEST, UNKNOWN = 80, 98, 192
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def served(imp_template, tmp_path_factory):
    node = shutil.copytree(imp_template, tmp_path_factory.mktemp("fair") / "node", symlinks=True)
    with Served(node) as server:
        yield server
        # Nothing that a client can do makes it say anything.
        assert server.stop()[2] == ""


def memory(served):
    """Octets that belong to the server alone."""
    return psutil.Process(served.process.pid).memory_full_info().uss


async def until_closed(connection, step, most=200_000):
    """Take `step` until the server has ended the connection; how often that was."""
    async with asyncio.timeout(60):
        for number in range(most):
            if connection.is_closed():
                return number
            step(number)
            if number % 64 == 0:
                await asyncio.sleep(0.001)
    raise AssertionError("The connection was not ended")


class TestWhoDoesNotReadTakesNoMemory:
    """Nothing that is written waits in the server without a bound."""

    def test_answers(self, served):
        """To packets that nobody knows, and to requests that nobody serves."""

        async def main():
            async with served.connect() as connection:
                async with Shell(connection) as shell:
                    await shell("show version active")
                before = memory(served)
                connection._transport.pause_reading()
                for number in range(100_000):
                    connection.send_packet(UNKNOWN)
                    if number % 500 == 0:
                        await asyncio.sleep(0)
                async with served.connect() as other, Shell(other) as shell:
                    assert "tomcat" in await shell("show cert list own")
                assert memory(served) - before < 8 * MIB
                connection.abort()

        run(main(), 60)

    def test_a_window_of_four_gibibytes(self, served):
        """A terminal whose client says that it takes everything, and reads nothing."""

        async def main():
            async with served.connect() as connection:
                writer, _, _ = await connection.open_session(
                    term_type="vt100", encoding=None, window=0xFFFFFFFF
                )
                before = memory(served)
                connection._transport.pause_reading()
                for _ in range(500):
                    writer.write(b"utils service list\r" * 8)
                    await asyncio.sleep(0)
                async with served.connect() as other, Shell(other) as shell:
                    for _ in range(20):
                        await shell("show cert list own")
                assert memory(served) - before < 8 * MIB
                connection.abort()

        run(main(), 60)

    def test_files(self, served):
        """A thousand requests for 256 KiB each, of which no answer is taken."""
        upload = served.node_dir / "upload"
        upload.mkdir(exist_ok=True)

        async def main():
            async with served.connect() as connection:
                sftp = await connection.start_sftp_client()
                async with sftp.open("/upload/large", "wb") as file:
                    await file.write(bytes(4 * MIB))
                handle = (await sftp.open("/upload/large", "rb"))._handle
                before = memory(served)
                connection._transport.pause_reading()
                for number in range(1000):
                    body = UInt32(number) + String(handle) + bytes(8) + UInt32(256 * 1024)
                    sftp._handler._writer.write(String(b"\x05" + body))
                async with served.connect() as other, Shell(other) as shell:
                    for _ in range(20):
                        await shell("show cert list own")
                assert memory(served) - before < 8 * MIB
                connection.abort()

        run(main(), 60)


@pytest.mark.slow
def test_an_upload_of_thirty_thousand_certificates(imp_template, tmp_path):
    """It takes less than 150 MiB more than the server had, at its peak."""
    key = ec.generate_private_key(ec.SECP256R1())
    begin = datetime.datetime.now(datetime.UTC)
    bundle = tmp_path / "bundle.pem"
    with bundle.open("wb") as file:
        for number in range(30_000):
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"n{number}.example")])
            builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
            builder = builder.public_key(key.public_key()).serial_number(number + 1)
            builder = builder.not_valid_before(begin - datetime.timedelta(1))
            made = builder.not_valid_after(begin + datetime.timedelta(365)).sign(key, SHA256())
            file.write(made.public_bytes(Encoding.PEM))
    node = shutil.copytree(imp_template, tmp_path / "node", symlinks=True)

    def peak(server):
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024

    async def main(server):
        async with server.connect() as connection:
            async with Shell(connection) as shell:
                await shell("show cert list own")
            before = peak(server)
            async with connection.start_sftp_client() as client:
                await client.put(str(bundle), "/upload/bundle.pem")
            line = "utils cert upload trust tomcat bundle.pem"
            done = await connection.run(line, input="", check=True)
            assert "more certificates" in done.stdout
            return peak(server) - before

    with Served(node) as server:
        assert run(main(server), 300) < 150


class TestWhatALibraryKeepsHasAnEnd:
    """What nobody asks for is kept by asyncssh as long as it comes."""

    def test_an_environment(self, served):
        async def main():
            async with served.connect() as connection:
                writer, _, _ = await connection.open_session(encoding=None)

                def step(number):
                    name, value = String(b"LC_%d" % number), String(bytes(200))
                    with contextlib.suppress(OSError):
                        writer.channel.send_packet(
                            CHANNEL_REQUEST, String(b"env"), Boolean(False), name, value
                        )

                assert await until_closed(connection, step) < 10_000

        run(main(), 60)

    def test_an_ordinary_environment(self, served):
        async def main():
            names = {f"LC_{number}": "en_US.UTF-8" for number in range(20)}
            async with served.connect() as connection:
                done = await connection.run("show version active", env=names)
                assert done.exit_status == 0

        run(main())

    def test_a_key_exchange_without_an_end(self, served):
        """While it lasts, the library holds back what it would answer."""

        async def main():
            async with served.connect() as connection:
                connection._send_kexinit()
                connection._kex_complete = True

                def step(_):
                    name = String(b"keepalive@openssh.com")
                    connection.send_packet(GLOBAL_REQUEST, name, Boolean(True))

                assert await until_closed(connection, step) < 10_000

        run(main(), 60)


class TestBeforeTheSignInLittleIsRead:
    def test_a_flood_before_the_key_exchange_ends(self, served):
        async def main():
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            packet = bytes([0, 0, 0, 12, 6, 2]) + bytes(10)
            writer.write(b"SSH-2.0-x\r\n" + packet * 50_000)
            with contextlib.suppress(OSError):
                async with asyncio.timeout(20):
                    while await reader.read(65536):
                        pass
            writer.close()

        run(main())

    def test_twenty_four_keys_fit(self, served):
        """Of the largest kind that people have."""
        keys = [asyncssh.generate_private_key("ssh-rsa", key_size=4096) for _ in range(2)] * 11

        async def main():
            async with served.connect(client_keys=keys) as connection:
                assert (await connection.run("show version active")).exit_status == 0

        run(main())


class TestASilentServerHoldsNobody:
    """Commands that wait for somebody outside, of several accounts."""

    def test_others_are_served_while_forty_wait(self, served, ca):
        """More than there are threads for steps; each waits for five minutes in a single step."""
        names = [f"silent{number}" for number in range(5)]
        for name in names:
            served.account(name)
        root = ca.root("Silent CA")
        leaf = ca.leaf(root, "silent.example")
        for one in (root, leaf):
            done = served.run("set cert import trust tomcat", stdin=one.pem.decode())
            assert done.returncode == 0, done.stdout
        served.run("set ocsp deadline 300")

        async def main():
            asked = []

            async def silent(reader, writer):
                asked.append(writer)
                await reader.read()

            server = await asyncio.start_server(silent, "127.0.0.1", 0)
            uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            async with served.connect() as other, contextlib.AsyncExitStack() as stack:
                await other.run(f"set ocsp enable configured-uri {uri}", check=True)
                tasks = []
                for name in names:
                    connection = await stack.enter_async_context(served.connect(name))
                    check = "utils ocsp check tomcat-trust/silent.example.pem"
                    tasks += [asyncio.ensure_future(connection.run(check)) for _ in range(8)]
                async with asyncio.timeout(40):
                    while len(asked) < 40:
                        await asyncio.sleep(0.01)
                async with Shell(other) as shell:
                    assert "tomcat" in await shell("show cert list own")
                assert not [task for task in tasks if task.done()]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await other.run("set ocsp disable", check=True)
            for writer in asked:
                writer.close()
            server.close()

        run(main(), 90)
