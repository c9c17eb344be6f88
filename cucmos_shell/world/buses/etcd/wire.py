"""Questions to the members of an etcd by its JSON gateway, over mutual TLS.

Whatever the members do, a question ends by its deadline: a member that says nothing for a while is
left for the next one, and every answer is limited.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import ssl
import threading
import time
import weakref

from cucmos_shell.world.connect import Deadline, connect
from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    T = TypeVar("T")

# Octets of an answer, and of a line of a stream: 64 items of the largest size in base64.
MAX_ANSWER = 24 * 1024 * 1024
# Seconds that a member may be silent: at first, and how much longer each time all were.
PATIENCE, LONGER = 1.0, 1.5
# Seconds until all are asked once more, where none was silent: an election takes about one.
PAUSE = 0.1
CA, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"
# Codes of gRPC: what a member refuses for good, and what the caller is to understand.
_REFUSED = frozenset((3, 7, 8, 9, 12, 16))
_MEANT = frozenset((5, 11))

Member = tuple[str, int]


class EtcdNonsense(Exception):
    """What a member has answered cannot be what etcd says."""


class EtcdTooLarge(EtcdNonsense):
    """An answer is larger than any that is awaited."""


class EtcdRefusal(Exception):
    """A member has understood and refused; `code` is one of gRPC, the text may be foreign."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class _SilentMember(Unanswered):
    """A member has said nothing for as long as it is waited for; nothing was asked of it."""


class _Incoming(io.RawIOBase):
    """Reads one answer from a socket, as long as silence, deadline and limit allow."""

    def __init__(self, made: socket.socket, deadline: Deadline, patience: float) -> None:
        self._socket = made
        self._deadline = deadline
        self._patience = patience
        self.left = MAX_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._socket.settimeout(min(self._patience, self._deadline.left()))
        count = self._socket.recv_into(buffer)
        self.left -= count
        if self.left < 0:
            raise EtcdTooLarge(f"an answer of more than {MAX_ANSWER >> 20} MiB")
        return count

    def makefile(self, mode: str) -> io.BufferedReader:
        """As much of a socket as `http.client` wants for reading an answer."""
        return io.BufferedReader(self, 64 * 1024)


class _EtcdWire:
    """A connection to a member, used by one thread at a time."""

    def __init__(self, made: socket.socket, host: str) -> None:
        self._socket = made
        self._host = host
        self._answer: http.client.HTTPResponse | None = None
        self.process = os.getpid()

    def send(
        self, path: str, body: bytes, deadline: Deadline, patience: float
    ) -> tuple[http.client.HTTPResponse, _Incoming]:
        """Ask; the answer, of which the head was read."""
        verb = "POST" if body else "GET"
        head = (
            f"{verb} {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._socket.settimeout(min(patience, deadline.left()))
        self._socket.sendall(head.encode("ascii") + body)
        incoming = _Incoming(self._socket, deadline, patience)
        response = http.client.HTTPResponse(incoming, method=verb)  # type: ignore[arg-type]
        self._answer = response
        response.begin()
        return response, incoming

    def close(self) -> None:
        """Let go of it, and of an answer that was not read to its end."""
        if self._answer is not None:
            self._answer.close()
        self._socket.close()


class EtcdMembers:
    """The members; `folder` has the files CA, CERTIFICATE and KEY. Connects when asked."""

    def __init__(self, members: tuple[Member, ...], folder: str) -> None:
        self._members = members
        self._folder = folder
        self._first = 0
        self._lock = threading.Lock()
        self._idle: list[tuple[Member, _EtcdWire]] = []
        self._context: ssl.SSLContext | None = None

    def ask(self, path: str, form: dict[str, Any], deadline: Deadline) -> tuple[Any, bool]:
        """The answer to a form, and whether an earlier attempt may have reached a member, too.

        Raises Unanswered (`uncertain`: a member may have done it), EtcdRefusal, EtcdNonsense.
        """
        body = json.dumps(form).encode("ascii")

        def attempt(member: Member, patience: float) -> Any:
            wire = self._take(member) or self._connect(member, deadline, patience)
            try:
                response, _ = _sent(lambda: wire.send(path, body, deadline, patience))
                found = _sent(response.read)
                if response.will_close:
                    wire.close()
            except BaseException:
                wire.close()
                raise
            if not response.will_close:
                self._put_back(member, wire)
            return _understood(response.status, found)

        return self._from_any(attempt, deadline)

    def listen(
        self, path: str, form: dict[str, Any], deadline: Deadline, take: Callable[[Any], T | None]
    ) -> T:
        """What `take` makes of the answers of a stream, the first that is not None.

        Each attempt begins with a None to `take`. Raises as `ask`.
        """
        body = json.dumps(form).encode("ascii")

        def attempt(member: Member, patience: float) -> T:
            take(None)
            wire = self._connect(member, deadline, patience)
            try:
                response, incoming = _sent(lambda: wire.send(path, body, deadline, patience))
                if response.status != 200:
                    _understood(response.status, _sent(response.read))
                for line in _lines(response, incoming):
                    found = take(_understood(200, line))
                    if found is not None:
                        return found
            finally:
                wire.close()
            raise Unanswered("its answer ends early", uncertain=True)

        return self._from_any(attempt, deadline)[0]

    def forget_files(self) -> None:
        """Let go of what the files said: they may be others now."""
        with self._lock:
            self._context = None

    def close(self) -> None:
        """Let go of all connections, and of what the files said."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._context = None
        for _, wire in idle:
            wire.close()

    def __del__(self) -> None:
        self.close()

    def _from_any(
        self, attempt: Callable[[Member, float], T], deadline: Deadline
    ) -> tuple[T, bool]:
        """What the first member gives that gives anything; all others are left at once."""
        dead: dict[Member, str] = {}
        unsure, patience, count, reason = False, PATIENCE, 0, ""
        while len(dead) < len(self._members) and not deadline.over():
            member = self._members[self._first % len(self._members)]
            if member not in dead:
                try:
                    return attempt(member, patience), unsure
                except Unanswered as error:
                    reason = f"{member[0]} port {member[1]}: {error.reason}"
                    unsure = unsure or error.uncertain
                    if not (error.uncertain or isinstance(error, _SilentMember)):
                        dead[member] = reason
                    self._forget(member)
            self._first += 1
            count += 1
            if count % len(self._members) == 0:
                patience *= LONGER
                if len(dead) < len(self._members):
                    time.sleep(PAUSE)
        reasons = dict.fromkeys([*dead.values(), reason])
        raise Unanswered("; ".join(filter(None, reasons)) or "no time", uncertain=unsure)

    def _take(self, member: Member) -> _EtcdWire | None:
        with self._lock:
            # What was opened before this process was copied belongs to its parent.
            self._idle = [one for one in self._idle if one[1].process == os.getpid()]
            for i, (one, wire) in enumerate(self._idle):
                if one == member:
                    del self._idle[i]
                    return wire
        return None

    def _put_back(self, member: Member, wire: _EtcdWire) -> None:
        with self._lock:
            self._idle.append((member, wire))

    def _forget(self, member: Member) -> None:
        """Close the idle connections to a member that has failed."""
        with self._lock:
            gone = [wire for one, wire in self._idle if one == member]
            self._idle = [pair for pair in self._idle if pair[0] != member]
        for wire in gone:
            wire.close()

    def _connect(self, member: Member, deadline: Deadline, patience: float) -> _EtcdWire:
        """A connection to a member that takes this node's certificate. Raises Unanswered."""
        context = self._trusting()
        share = Deadline(min(patience, deadline.left()))
        try:
            made = connect(*member, share)
        except Unanswered as error:
            raise (_SilentMember if share.over() else Unanswered)(error.reason) from None
        try:
            made.settimeout(min(patience, deadline.left()))
            secured = context.wrap_socket(made, server_hostname=member[0])
        except ssl.SSLCertVerificationError as error:
            made.close()
            raise Unanswered(f"its certificate is not good: {error.verify_message}") from None
        except TimeoutError:
            made.close()
            raise _SilentMember("no answer to TLS") from None
        except (OSError, ValueError) as error:
            made.close()
            raise Unanswered(f"no TLS with it: {_reason(error)}") from None
        wire = _EtcdWire(secured, member[0])
        try:
            self._see_that_it_is_taken(wire, deadline, patience)
        except BaseException:
            wire.close()
            raise
        return wire

    def _see_that_it_is_taken(self, wire: _EtcdWire, deadline: Deadline, patience: float) -> None:
        """Ask what changes nothing: only with the first answer is it known whether the server has
        taken the client's certificate (TLS 1.3)."""
        try:
            response, _ = wire.send("/version", b"", deadline, patience)
            response.read()
        except ssl.SSLError as error:
            raise Unanswered(f"it refuses this node's certificate: {_reason(error)}") from None
        except TimeoutError:
            raise _SilentMember("no answer") from None
        except (OSError, EtcdNonsense, http.client.HTTPException, ValueError) as error:
            raise Unanswered(f"it does not speak etcd: {_reason(error)}") from None

    def _trusting(self) -> ssl.SSLContext:
        context = self._context
        if context is None:
            context = self._context = trusting(self._folder)
        return context


_IN_USE: weakref.WeakValueDictionary[tuple[tuple[Member, ...], str], EtcdMembers] = (
    weakref.WeakValueDictionary()
)
_LOCK = threading.Lock()


def members_of(members: tuple[Member, ...], folder: str) -> EtcdMembers:
    """Those that the process uses already, with their connections; else new ones.

    An agent and each of its rounds have a bus of their own, and need no TLS of their own.
    """
    with _LOCK:
        found = _IN_USE.get((members, folder))
        if found is None:
            found = _IN_USE[members, folder] = EtcdMembers(members, folder)
        return found


def trusting(folder: str) -> ssl.SSLContext:
    """What the files in a folder say whom to trust, and who this node is. Raises Unanswered."""
    ca, certificate, key = (f"{folder}/{name}" for name in (CA, CERTIFICATE, KEY))
    try:
        context = ssl.create_default_context(cafile=ca)
        # Python 3.13 asks for extensions that many a CA leaves out; the chain is checked anyhow.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_cert_chain(certificate, key, _no_password)
    except (OSError, ValueError) as error:
        raise Unanswered(f"{folder}: {CA}, {CERTIFICATE}, {KEY}: {_reason(error)}") from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no reason given").replace("_", " ").lower()
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _sent(act: Callable[[], T]) -> T:
    """What `act` gives; it fails as something that may have been done."""
    try:
        return act()
    except (TimeoutError, Unanswered):
        raise Unanswered("no answer", uncertain=True) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unanswered(f"no whole answer: {_reason(error)}", uncertain=True) from None


def _lines(response: http.client.HTTPResponse, incoming: _Incoming) -> Iterator[bytes]:
    """The lines of a stream, each limited as an answer is."""
    rest = b""
    while piece := _sent(lambda: response.read1(256 * 1024)):
        first, *others = piece.split(b"\n")
        rest += first
        for other in others:
            incoming.left = MAX_ANSWER
            if rest.strip():
                yield rest
            rest = other


def _understood(status: int, raw: bytes) -> Any:
    """What an answer says. Raises as `ask`."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise EtcdNonsense("an answer that is no JSON object")
    if status == 200 and "error" not in found:
        return found
    error = found.get("error")
    error = error if isinstance(error, dict) else found
    code, text = error.get("code", error.get("grpc_code")), str(error.get("message"))[:200]
    if type(code) is int and code in _REFUSED | _MEANT:
        raise EtcdRefusal(code, text)
    raise Unanswered(f"it answered {status} {text}", uncertain=True)
