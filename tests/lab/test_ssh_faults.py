"""The faults of the SSH server, each over one that is served; and that resetting ends them."""

import contextlib
import time

import asyncssh
import pytest
from quick_authority import Authority, pem
from ssh_server import Shell, client_key, run

from cucmos_shell.frontends.sshd.faults import Limit
from cucmos_shell.world.fault_forms import fault_of
from cucmos_shell.world.faults import POINTS, SSH

WAITS = 0.3
LINE = "show cli pagination"
ANSWER = "Automatic Pagination : On."


@pytest.fixture(scope="module")
def certificate():
    return pem(Authority("Lab Root").certificate).strip()


def connects(served, **options):
    """Whether a client comes in, and the error that it meets; and how long that took."""

    async def work():
        async with served.connect(**options) as connection:
            return (await connection.run(LINE)).stdout

    begun = time.monotonic()
    try:
        said = run(work())
    except (OSError, asyncssh.Error) as error:
        said = error
    return said, time.monotonic() - begun


def logged(served):
    return (served.node_dir / "log/platform/log/cli00001.log").read_text()


# --- coming in ---------------------------------------------------------------------------------


def accept(served, do, said, took):
    return isinstance(said, OSError | asyncssh.Error) if do != "delay" else took >= WAITS


def auth(served, do, said, took):
    if do == "delay":
        return took >= WAITS
    if do == "reset":
        return isinstance(said, ConnectionResetError | asyncssh.ConnectionLost)
    reason = "locked" if do == "locked" else "password"
    return isinstance(said, asyncssh.PermissionDenied) and f"outcome={reason}" in logged(served)


COMING_IN = [
    *((("ssh.accept", do), accept) for do in ("refuse", "reset", "delay")),
    *((("ssh.auth", do), auth) for do in ("refuse", "reset", "delay", "locked")),
]


@pytest.mark.parametrize(
    ("key", "happens"), COMING_IN, ids=lambda one: " ".join(one) if isinstance(one, tuple) else ""
)
def test_a_client_does_not_come_in_as_ever(served, faults, key, happens):
    """And afterwards does."""
    seconds = {"seconds": WAITS} if key[1] == "delay" else {}
    where = {"address": "127.0.0.*"}
    # A client may try once more by another method.
    times = 1 if key[0] == "ssh.accept" or seconds else 2
    faults.add(fault_of("it", {"at": key[0], "do": key[1], "times": times, **where, **seconds}))
    said, took = connects(served)
    assert happens(served, key[1], said, took), said
    assert 1 <= faults.hits("it").fired <= times
    faults.reset()
    assert ANSWER in connects(served)[0]


def test_a_key_is_refused_as_a_password_is(served, faults, tmp_path):
    """But what is locked is the password."""
    path, line = client_key(tmp_path)
    served.account("keyed", key=line)
    by_key = {"username": "keyed", "password": None, "client_keys": [str(path)]}
    assert ANSWER in connects(served, **by_key)[0]
    faults.add(fault_of("it", {"at": "ssh.auth", "do": "refuse", "account": "keyed"}))
    assert isinstance(connects(served, **by_key)[0], asyncssh.PermissionDenied)
    assert ANSWER in connects(served)[0]
    faults.add(fault_of("it", {"at": "ssh.auth", "do": "locked"}))
    assert ANSWER in connects(served, **by_key)[0]


# --- what is sent ------------------------------------------------------------------------------


class Client(asyncssh.SSHClient):
    """One that knows how its connection has ended."""

    end = None

    def connection_lost(self, exc):
        self.end = exc


async def output(served, line, term=True):
    """What a shell, or a command without one, gets: all of it, its pieces, how it has ended."""
    client, pieces = Client(), []
    async with served.connect(client_factory=lambda: client) as connection:
        if term:
            writer, reader, _ = await connection.open_session(
                encoding=None, term_type="vt100", term_size=(80, 24)
            )
            writer.write(line.encode() + b"\rexit\r")
        else:
            writer, reader, _ = await connection.open_session(line, encoding=None)
        with contextlib.suppress(ConnectionResetError):
            while more := await reader.read(65536):
                pieces.append(more)
        await writer.channel.wait_closed()
        if writer.channel.get_exit_status() != 0:
            await connection.wait_closed()
    return b"".join(pieces), pieces, client.end


OUTPUT = {
    "slow": ({"rate": 2000}, lambda said, pieces, end, took: took > len(said) / 4000),
    "split": (
        {"count": 3, "seconds": 0.001},
        lambda said, pieces, end, took: len(pieces) > 10,
    ),
}


@pytest.mark.parametrize("term", [True, False], ids=["shell", "exec"])
@pytest.mark.parametrize("do", OUTPUT)
def test_output_comes_otherwise_and_is_the_same(served, faults, do, term):
    """Slowly, or in pieces: all of it, and the end of the channel behind it."""
    arguments, fits = OUTPUT[do]
    line = "show version active" if term else "utils service list"
    plain, _, _ = run(output(served, line, term))
    faults.add(fault_of("it", {"at": "ssh.output", "do": do, "account": "admin", **arguments}))
    begun = time.monotonic()
    said, pieces, end = run(output(served, line, term))
    assert said == plain
    assert end is None
    assert fits(said, pieces, end, time.monotonic() - begun)
    assert faults.hits("it").fired >= 1


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(
    ("arguments", "last"),
    [({"text": "Service Manager is"}, b"Service Manager is"), ({"lines": 2}, b"\n"), ({}, b"")],
    ids=["text", "lines", "at once"],
)
def test_output_is_cut(served, faults, arguments, last, how):
    """Behind a text, after lines, or at once; in order, or by a reset."""
    faults.add(fault_of("it", {"at": "ssh.output", "do": "cut", "how": how, **arguments}))
    said, _, end = run(output(served, "utils service list", term=False))
    assert said.endswith(last)
    assert len(said) < 200
    assert isinstance(end, ConnectionResetError) is (how == "reset"), end
    assert faults.hits("it").fired == 1
    faults.reset()
    said, _, end = run(output(served, "utils service list", term=False))
    assert end is None
    assert b"Primary Node" in said


def test_output_freezes_until_the_fault_is_taken_away(served, faults):
    """Nothing comes, the connection stands; then all of it does."""

    async def work():
        async with served.connect() as connection, Shell(connection) as shell:
            faults.add(fault_of("it", {"at": "ssh.output", "do": "freeze", "text": "Automatic"}))
            shell.send(f"{LINE}\r".encode())
            said = await shell.until(b"Automatic")
            with pytest.raises(TimeoutError):
                await shell.until(seconds=0.5)
            faults.reset()
            return said + await shell.until()

    assert ANSWER in run(work()).decode()


# --- what is pasted ----------------------------------------------------------------------------


def test_a_paste_is_cut(served, faults, certificate):
    """After so many lines; nothing of it is kept."""
    faults.add(fault_of("it", {"at": "ssh.paste", "do": "cut", "lines": 3, "how": "reset"}))

    async def work():
        async with served.connect() as connection, Shell(connection) as shell:
            await shell("set cert import trust tomcat", end=b"Enter\r\n")
            shell.send(certificate.replace("\n", "\r").encode() + b"\r\r")
            with pytest.raises((OSError, asyncssh.Error, EOFError)):
                await shell.until()

    run(work())
    assert faults.hits("it").fired == 1
    assert "Lab_Root" not in served.run("show cert list trust").stdout


def test_the_echo_of_a_paste_is_dropped(served, faults, certificate):
    """And of that alone; the certificate arrives."""
    faults.add(fault_of("it", {"at": "ssh.paste", "do": "drop-echo"}))

    async def work():
        async with served.connect() as connection, Shell(connection) as shell:
            said = await shell("set cert import trust tomcat", end=b"Enter\r\n")
            shell.send(certificate.replace("\n", "\r").encode() + b"\r\r")
            return said.encode() if isinstance(said, str) else said, await shell.until()

    before, said = run(work())
    assert b"set cert import trust tomcat" in before
    assert b"BEGIN" not in said
    assert b"END CERT" not in said
    assert faults.hits("it").fired >= 1
    assert "Lab_Root" in served.run("show cert list trust").stdout


TESTED = {
    *(key for key, _ in COMING_IN),
    *(("ssh.output", do) for do in ("slow", "split", "cut", "freeze")),
    *(("ssh.paste", do) for do in ("cut", "drop-echo")),
}


def test_every_fault_of_the_server_has_its_test():
    """The table and the tests know the same."""
    points = [point for point in POINTS.values() if point.where == SSH]
    assert {(point.name, one.name) for point in points for one in point.actions} == TESTED


@pytest.mark.parametrize(
    ("arguments", "pieces", "takes"),
    [
        ({}, [b"abc"], [0]),
        ({"bytes": 4}, [b"abc", b"def"], [None, 1]),
        ({"bytes": 3}, [b"abc", b"def"], [3]),
        ({"lines": 2}, [b"a\nb", b"c\nd"], [None, 2]),
        ({"lines": 1}, [b"a\n", b"b"], [2]),
        ({"text": "end"}, [b"an e", b"nd here"], [None, 2]),
        ({"text": "end", "bytes": 1}, [b"end"], [1]),
    ],
)
def test_up_to_where_output_goes(arguments, pieces, takes):
    """Counted over pieces."""
    limit = Limit(fault_of("it", {"at": "ssh.output", "do": "cut", **arguments}))
    assert [limit.take(piece) for piece in pieces[: len(takes)]] == takes
