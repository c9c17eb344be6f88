"""A client of the control socket."""

import http.client
import json
import socket


class ByFile(http.client.HTTPConnection):
    """A connection over a socket in the file system."""

    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self._path))


def ask(connection, method, path, body=None, **headers):
    """Status and data of an answer."""
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, headers)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found
