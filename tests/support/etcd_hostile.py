"""A server that takes TLS as etcd does and answers as a test says; and a proxy that loses things."""

import base64
import contextlib
import json
import socket
import ssl
import threading


class HostileEtcd:
    """Serves on `port` with the files in `folder`. `answer(path, form)` gives what goes out behind
    the head: octets, or an iterable of them; `head` replaces the head. It counts `asked`."""

    def __init__(self, folder, answer, head=None, version=b'{"etcdserver":"3.4.23"}'):
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self._context.load_verify_locations(folder / "ca.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        # The certificates of the tests lack what Python 3.13 asks for, as many do.
        self._context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._answer, self._head, self._version = answer, head, version
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self):
        while True:
            with contextlib.suppress(OSError):
                made, _ = self._listener.accept()
                if self._over.is_set():
                    made.close()
                    return
                thread = threading.Thread(target=self._talk, args=(made,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _talk(self, made):
        # Who is served badly goes at any moment.
        with contextlib.suppress(OSError, ValueError), made:
            made.settimeout(20)
            with self._context.wrap_socket(made, server_side=True) as secured:
                file = secured.makefile("rb")
                while line := file.readline():
                    self._one(secured, file, line.split()[1].decode())

    def _one(self, secured, file, path):
        length = 0
        while (line := file.readline().strip()) != b"":
            name, _, value = line.lower().partition(b":")
            length = int(value) if name == b"content-length" else length
        body = file.read(length)
        if path == "/version":
            size = len(self._version)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + self._version)
            return
        form = json.loads(body)
        self.asked.append((path, form))
        found = self._answer(path, form)
        if isinstance(found, bytes):
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(found)
            secured.sendall((head if self._head is None else self._head) + found)
            return
        secured.sendall(self._head or b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for piece in found:
            if self._over.is_set():
                return
            secured.sendall(piece)
        raise ConnectionError

    def pause(self, seconds):
        """Wait, unless it is over."""
        self._over.wait(seconds)

    def close(self):
        """End, and with it whoever is being served."""
        self._over.set()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            pass
        self._listener.close()


def b64(octets):
    return base64.b64encode(octets).decode()


class Proxy:
    """Passes octets on to `target`, a port. `lose()` and `cut()` say what befalls answers."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._mode = "pass"
        self._over = False
        self._pairs = set()
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()

    def passing(self):
        """Pass everything, for new connections and old ones."""
        self._mode = "pass"

    def lose(self):
        """From now on answers vanish, and so do the octets of who asks."""
        self._mode = "lose"

    def cut(self, times=1):
        """Let the next question through, and cut the connection instead of its answer."""
        self._left = times
        self._mode = "cut"

    def _serve(self):
        while not self._over:
            with contextlib.suppress(OSError):
                near, _ = self._listener.accept()
                self._pairs.add(near)
                if self._over:
                    return
                far = socket.create_connection(("127.0.0.1", self._target))
                self._pairs.add(far)
                for one, other, back in ((near, far, False), (far, near, True)):
                    threading.Thread(
                        target=self._pass, args=(one, other, back), daemon=True
                    ).start()

    def _pass(self, one, other, back):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if self._mode == "cut" and back:
                    self._left -= 1
                    if self._left <= 0:
                        self._mode = "pass"
                    break
                if self._mode != "lose":
                    other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        """End all connections."""
        self._over = True
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            pass
        self._serving.join()
        for one in (self._listener, *self._pairs):
            one.close()
