"""The control socket: what a program in any language does to a node of a lab that is served."""

import http.client
import json
import os
import re
import shutil
import socket
import stat
import subprocess

import pytest
from control_client import ByFile, ask
from places import DOCS
from ssh_server import PROGRAM, Served, run

from cucmos_shell.frontends.control_routes import Routes
from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import make_lab, open_lab


@pytest.fixture
def lab_dir(node_dir):
    make_lab(str(node_dir))
    return node_dir


def test_a_served_node_is_controlled_by_any_program(lab_dir, tmp_path):
    """Faults, clock, snapshots, commands: seen by sessions and by the verb at once."""
    path = tmp_path / "control"
    with Served(lab_dir, "--workers", "2", "--control", f"unix:{path}") as server:
        assert server.process.stdout.readline() == f"Control at unix:{path}\n"
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600

        def say(method, target, body=None):
            return ask(ByFile(path), method, target, body)

        assert say("GET", "/nodes")[1][0]["ssh"] == f"127.0.0.1:{server.port}"
        fault = {"at": "command.begin", "do": "busy", "words": "show cli*", "name": "b"}
        assert say("POST", "/faults", fault)[0] == 201

        async def main():
            async with server.connect() as connection:
                return (await connection.run("show cli pagination")).stdout

        assert "Another session is changing this node" in run(main())
        status, row = say("GET", "/faults/b")
        assert (status, row["hits"], row["set"]) == (200, 1, True)
        assert say("DELETE", "/faults/b") == (200, {"removed": "b"})
        assert say("GET", "/faults/b")[1] == {"name": "b", "calls": 1, "hits": 1, "set": False}
        assert say("GET", "/faults") == (200, [])
        assert say("POST", "/snapshots", {"name": "s1"}) == (201, {"saved": "s1"})
        status, clock = say("POST", "/clock", {"freeze": "2026-11-18T11:06:40Z", "advance": "26d"})
        assert (status, clock["now"], clock["rate"]) == (200, "2026-12-14T11:06:40Z", 0.0)
        assert "Dec 14, 2026" in server.run("show status").stdout
        assert say("GET", "/snapshots") == (200, ["s1"])
        assert say("POST", "/snapshots/s1") == (200, {"restored": "s1"})
        assert say("GET", "/clock")[1]["real"] is True
        commands = say("GET", "/commands?last=1000")[1]
        assert "show cli pagination" in [one["command"] for one in commands]
        assert say("DELETE", "/snapshots/s1") == (200, {"removed": "s1"})
    assert not path.exists()


def test_a_port_wants_a_token(lab_dir):
    """Which lies in a file for its user alone."""
    with Served(lab_dir, "--control", "127.0.0.1:0") as server:
        words = server.process.stdout.readline().split()
        port, file = int(words[2].rpartition(":")[2].rstrip(",")), words[-1]
        assert stat.S_IMODE(os.lstat(file).st_mode) == 0o600
        with open(file) as opened:
            token = opened.read().strip()

        def say(**headers):
            return ask(http.client.HTTPConnection("127.0.0.1", port), "GET", "/faults", **headers)

        assert say(Authorization=f"Bearer {token}") == (200, [])
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer \xe9"}):
            status, data = say(**headers)
            assert status == 401
            assert token not in json.dumps(data)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_refused(lab_dir, tmp_path):
    """Even if somebody has opened the socket's file to all."""
    path = tmp_path / "control"
    with Served(lab_dir, "--control", f"unix:{path}") as server:
        server.process.stdout.readline()
        os.chmod(path, 0o666)
        for folder in (tmp_path, *tmp_path.parents):
            os.chmod(folder, stat.S_IMODE(folder.stat().st_mode) | 0o111)
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            status = 0
            try:
                os.setuid(65_534)
                status, _ = ask(ByFile(path), "GET", "/faults")
            finally:
                os.write(writer, str(status).encode())
                os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reader, 10) == b"403"
        assert ask(ByFile(path), "GET", "/faults")[0] == 200
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /faults SPDY/3\r\n\r\n", 400),
        (b"GET /nothing HTTP/1.1\r\n\r\n", 404),
        (b"PUT /faults HTTP/1.1\r\n\r\n", 405),
        (b"POST /faults HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]", 400),
        (b"POST /faults HTTP/1.1\r\nContent-Length: 1\r\n\r\n{", 400),
        (b"POST /faults HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /faults HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /faults HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 413),
        (b"GET /commands?last=none HTTP/1.1\r\n\r\n", 400),
        (b"GET /commands?last=inf HTTP/1.1\r\n\r\n", 400),
        (b"GET /commands?last=nan HTTP/1.1\r\n\r\n", 400),
        (
            b'POST /clock HTTP/1.1\r\nContent-Length: 413\r\n\r\n{"advance": 1' + b"0" * 399 + b"}",
            400,
        ),
        (b"POST /snapshots/none HTTP/1.1\r\n\r\n", 404),
        (b"GET /faults/a/b HTTP/1.1\r\n\r\n", 404),
    ],
)
def test_what_is_no_request_is_answered(controlled, octets, status):
    """And the server goes on."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(controlled))
        client.sendall(octets)
        said = b""
        while more := client.recv(65536):
            said += more
    assert said.startswith(f"HTTP/1.1 {status} ".encode())
    assert "message" in json.loads(said.partition(b"\r\n\r\n")[2])["error"]
    assert ask(ByFile(controlled), "GET", "/faults")[0] == 200


@pytest.fixture(scope="module")
def controlled(imp_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    node_dir = shutil.copytree(imp_template, folder / "node", symlinks=True)
    make_lab(str(node_dir))
    path = folder / "socket"
    with Served(node_dir, "--control", f"unix:{path}"):
        yield path


@pytest.fixture
def routes(lab_dir, world):
    node = Node.open(str(lab_dir), world)
    return Routes(node, open_lab(str(lab_dir), world), "127.0.0.1:2222")


def test_the_page_has_every_route(routes):
    """And no other."""
    page = (DOCS / "lab.md").read_text()
    known = {
        f"{method} /{first}{'/NAME' if named else ''}" for method, first, named in routes.known
    }
    assert set(re.findall(r"^\| `([A-Z]+ /\S+)`", page, re.M)) == known


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/faults", {"at": "nowhere"}, "at"),
        ("/faults", {"at": "http", "do": "dead", "when": {"unit": "x"}}, "unit"),
        ("/faults", {"at": "http", "do": "dead", "name": ""}, None),
        ("/clock", {}, "error"),
        ("/clock", {"freeze": "noon"}, "error"),
        ("/clock", {"run": "fast"}, "error"),
        ("/clock", {"run": True}, "error"),
        ("/clock", {"advance": "soon"}, "error"),
        ("/clock", {"stop": True}, "error"),
        ("/snapshots", {}, "error"),
        ("/snapshots", {"name": "../x"}, "error"),
    ],
)
def test_what_cannot_be_done_is_said(routes, path, body, key):
    """With the key that is wrong in a fault."""
    if key is None:
        assert routes.answer("POST", path, body)[0] == 201
        return
    with pytest.raises(Exception) as caught:  # noqa: PT011 - several kinds, each with a message
        routes.answer("POST", path, body)
    assert getattr(caught.value, "key", "error") == key
    assert caught.value.message()


def test_the_clock_by_routes(routes):
    """Frozen where it is, moved by seconds, hurried, and given back."""
    assert routes.answer("POST", "/clock", {"freeze": True})[1]["rate"] == 0
    assert routes.answer("POST", "/clock", {"advance": -60})[1]["now"] == "2026-11-18T11:05:40Z"
    assert routes.answer("POST", "/clock", {"run": 60})[1]["rate"] == 60
    assert routes.answer("DELETE", "/clock", {})[1]["real"]
    assert routes.answer("GET", "/nodes", {})[1][0]["name"] == "imp-pub"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("unix:", "is neither unix:PATH nor 127.0.0.1:PORT"),
        ("0.0.0.0:1", "is neither"),
        ("127.0.0.1:x", "is neither"),
        ("unix:/nowhere/at/all", "cannot be listened on: No such file"),
    ],
)
def test_where_it_cannot_listen(lab_dir, where, said):
    """The server says so, and does not start."""
    assert said in refused(lab_dir, where)


def refused(lab_dir, where):
    """What a server says that does not start."""
    secret = lab_dir.parent / "secret"
    secret.write_text("Blue-Harbour7\n")
    command = [*PROGRAM, "serve", "--state", str(lab_dir), "--port", "0", "--control", where]
    done = subprocess.run(
        [*command, "--admin-password-file", str(secret)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode in (1, 2, 4)
    return done.stderr


def test_a_socket_that_is_left_is_taken_over_and_a_live_one_is_not(lab_dir, tmp_path):
    """A second server on the same path does not start; nor is there one without a lab."""
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with Served(lab_dir, "--control", f"unix:{path}"):
        assert ask(ByFile(path), "GET", "/faults")[0] == 200
        assert "cannot be listened on: Address already in use" in refused(lab_dir, f"unix:{path}")
        assert ask(ByFile(path), "GET", "/faults")[0] == 200
    (lab_dir / "lab").unlink()
    assert "is not one of a lab" in refused(lab_dir, f"unix:{path}")
