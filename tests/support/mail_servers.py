"""Mail servers on loopback: a real one (aiosmtpd), and ones that misbehave, on sockets."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import socket
import socketserver
import ssl
import threading

from aiosmtpd.smtp import SMTP, AuthResult
from key_watch import WATCH

ACCOUNT, PASSWORD = "appliance", "correct horse battery"


class MailServer:
    """A real SMTP server; `received` holds `(recipient, message)`, messages parsed."""

    def __init__(self, **options):
        self.received = []
        self.signed_in = []
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._ready = threading.Event()
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)

        async def start():
            self._server = await self._loop.create_server(
                lambda: SMTP(self, loop=self._loop, **self._options), "127.0.0.1", 0
            )

        self._loop.run_until_complete(start())
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.signed_in.append(session.authenticated)
        self.received.append((*envelope.rcpt_tos, message))
        for part in message.walk():
            WATCH.received(part.get_payload(decode=True) or b"")
        return "250 OK"

    def close(self):
        async def stop():
            self._server.close()
            await self._server.wait_closed()
            tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def signing_in(server, session, envelope, mechanism, data):
    """aiosmtpd's authenticator."""
    good = (data.login, data.password) == (ACCOUNT.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


def tls_context(issued):
    """A server's context with a certificate of the test authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.path, issued.key)
    return context


class BadServer:
    """Misbehaves as `behaviour` says; counts the messages that it has seen the end of."""

    def __init__(self, behaviour, context=None):
        self.swallowed = 0
        self.visits = 0
        self.over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.behaviour = behaviour
        self.context = context
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


# Behaviour → replies that differ from a good server's, by verb; None closes the connection.
REPLIES = {
    "banner-421": {"": "421 too busy"},
    "banner-554": {"": "554 go away"},
    "close-at-once": {"": None},
    "garbage": {"": "\x00\xff\x01 what"},
    "ehlo-refused": {"EHLO": "502 no", "HELO": "502 no"},
    "mail-450": {"MAIL": "450 later"},
    "rcpt-450": {"RCPT": "450 greylisted"},
    "rcpt-550": {"RCPT": "550 no such person"},
    "data-451": {"DATA": "451 not now"},
    "end-421": {".": "421 closing"},
    "end-450": {".": "450 later"},
    "end-552": {".": "552 mailbox full"},
    "drop-after-data": {".": None},
    "drop-at-data": {"DATA": None},
    "starttls-not-offered": {},
    "starttls-454": {"STARTTLS": "454 TLS not available"},
    "starttls-garbage": {"STARTTLS": "220 go ahead\r\nnonsense nonsense nonsense"},
    "starttls-close": {"STARTTLS": None},
    "auth-535": {"AUTH": "535 wrong"},
    "quit-drop": {"QUIT": None},
}  # fmt: skip
SILENT = ("no-banner", "silent-after-banner", "drip-banner", "endless-reply", "silent-at-end")


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.owner.visits += 1
        with contextlib.suppress(OSError, ssl.SSLError):
            self._talk(self.server.owner)
        if isinstance(self.connection, ssl.SSLSocket):
            for part in (self.rfile, self.wfile, self.connection):
                with contextlib.suppress(OSError):
                    part.close()

    def _say(self, line):
        self.wfile.write(line.encode("latin-1") + b"\r\n")

    def _talk(self, owner):
        behaviour = owner.behaviour
        replies = REPLIES.get(behaviour, {})
        if behaviour == "no-banner":
            owner.over.wait()
        if behaviour == "drip-banner":
            while not owner.over.wait(0.05):
                self.wfile.write(b"2")
        if behaviour == "endless-reply":
            while not owner.over.wait(0.001):
                self._say("220-welcome")
        if not self._reply(replies, "", "220 bad.example.com"):
            return
        if behaviour == "silent-after-banner":
            owner.over.wait()
        while line := self.rfile.readline():
            verb = line.split()[0].decode("latin-1").upper() if line.split() else ""
            good = {"DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 welcome"}
            reply = good.get(verb, "250 fine")
            if verb == "EHLO":
                offers = "" if behaviour == "starttls-not-offered" else "250-STARTTLS\r\n"
                reply = f"250-bad.example.com\r\n{offers}250 AUTH PLAIN LOGIN"
            if verb == "STARTTLS" and verb not in replies:
                self._say("220 go ahead")
                self._encrypt(owner.context)
                continue
            if behaviour == "silent-at-quit" and verb == "QUIT":
                owner.over.wait()
            if not self._reply(replies, verb, reply):
                return
            if verb == "DATA" and "DATA" not in replies:
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                owner.swallowed += 1
                if behaviour == "silent-at-end":
                    owner.over.wait()
                if not self._reply(replies, ".", "250 taken"):
                    return

    def _reply(self, replies, verb, good):
        reply = replies.get(verb, good)
        if reply is None:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return False
        self._say(reply)
        return True

    def _encrypt(self, context):
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
