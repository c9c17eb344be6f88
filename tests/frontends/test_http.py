"""One request a connection, answered by routes; whatever else comes is answered, too, or closed."""

import asyncio
import socket

import pytest

from cucmos_shell.errors import Unavailable
from cucmos_shell.frontends import http
from cucmos_shell.frontends.http import MAX_HEAD, HttpProblem, Response, answer


async def hello(request):
    name = request.query.get("name", "nobody")
    return Response(body=f"hello {name}\n".encode(), headers={"X-Agent": request.headers["agent"]})


async def closed(request):
    raise HttpProblem(401, "who are you?", {"WWW-Authenticate": 'Basic realm="x"'})


async def broken(request):
    raise ZeroDivisionError("a secret of the node")


async def unavailable(request):
    raise Unavailable("a secret of the node")


ROUTES = {"/": hello, "/a b": hello, "/in": closed, "/bug": broken, "/down": unavailable}


def said(octets, *, ends=True, routes=ROUTES):
    """What is answered to a client that sends `octets`, and then no more if that `ends` it."""

    async def main():
        here, there = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=here, limit=MAX_HEAD)
        answering = asyncio.ensure_future(answer(reader, writer, routes))
        client, sender = await asyncio.open_connection(sock=there)
        sender.write(octets)
        if ends:
            sender.write_eof()
        found = await client.read()
        sender.close()
        await answering
        return found

    return asyncio.run(main())


def get(path, method="GET"):
    return said(f"{method} {path} HTTP/1.1\r\nHost: x\r\nAGENT: test\r\n\r\n".encode())


def test_a_route_answers():
    """With a length, and the end of the connection."""
    assert get("/?name=x&name=Ann%20B").decode("latin-1").split("\r\n") == [
        "HTTP/1.1 200 OK",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Length: 12",
        "X-Agent: test",
        "Connection: close",
        "",
        "hello Ann B\n",
    ]
    assert get("/a%20b").startswith(b"HTTP/1.1 200 ")


def test_a_head_has_no_body():
    """But its length, and so an error."""
    for path, length in (("/", 13), ("/none", 22)):
        head, _, body = get(path, "HEAD").partition(b"\r\n\r\n")
        assert f"Content-Length: {length}".encode() in head
        assert body == b""


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"GET / SPDY/3\r\n\r\n", 400),
        (b"GET /none HTTP/1.1\r\n\r\n", 404),
        (b"POST / HTTP/1.1\r\n\r\n", 405),
        (b"GET /in HTTP/1.1\r\n\r\n", 401),
        (b"GET /bug HTTP/1.1\r\n\r\n", 500),
        (b"GET /down HTTP/1.1\r\n\r\n", 503),
        (b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"\xff" * 100 + b"\r\n\r\n", 500),
    ],
)
def test_what_goes_wrong_is_a_status(octets, status):
    """And says nothing that was not meant for the client."""
    found = said(octets)
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"secret" not in found
    assert (b"WWW-Authenticate: Basic" in found) is (status == 401)
    assert (b"Allow: GET, HEAD" in found) is (status == 405)


@pytest.mark.parametrize("octets", [b"", b"GET / HT"])
def test_half_a_request_is_no_request(octets):
    """The client has gone: nothing is said."""
    assert said(octets) == b""


def test_who_says_nothing_is_closed(monkeypatch):
    """When the time for a head is over."""
    monkeypatch.setattr(http, "SECONDS", 0.05)
    assert said(b"GET / HT", ends=False) == b""


def test_no_answer_takes_for_ever(monkeypatch):
    """When the time for all together is over, the connection ends."""

    async def never(request):
        await asyncio.Event().wait()

    monkeypatch.setattr(http, "WHOLE_SECONDS", 0.05)
    assert said(b"GET / HTTP/1.1\r\n\r\n", ends=False, routes={"/": never}) == b""


def test_a_request_shows_no_header():
    """It may be a password."""
    request = http.Request("GET", "/x", "/x", {}, {"authorization": "Basic c2VjcmV0"})
    assert "c2Vj" not in repr(request)
