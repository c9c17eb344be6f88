"""Secrets to plant in a node, and whether anything of them is found where it has no business."""

import base64
import pathlib
import re

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from key_watch import Watch

PASSWORD = "Plum-Lantern-7421"
# Shorter stretches of base64 occur by chance, or are words.
STRETCH, SHORTEST_LINE = 16, 8
_RUN = re.compile(rb"[A-Za-z0-9+/]{%d,}" % STRETCH)


def _made(kind):
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "ed448":
        return ed448.Ed448PrivateKey.generate()
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


PKCS8, OLD = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL
OPEN, LOCKED = NoEncryption(), BestAvailableEncryption(PASSWORD.encode())
# The kind of key, how it is written, and how many characters of it other keys have, too.
FORMS = {
    "ed25519": ("ed25519", PKCS8, OPEN, 24),
    "ed448": ("ed448", PKCS8, OPEN, 24),
    "rsa": ("rsa", PKCS8, OPEN, 64),
    "rsa-pkcs1": ("rsa", OLD, OPEN, 64),
    "ec": ("ec", PKCS8, OPEN, 48),
    "ec-sec1": ("ec", OLD, OPEN, 24),
    "encrypted": ("ed448", PKCS8, LOCKED, 96),
    "rsa-encrypted": ("rsa", OLD, LOCKED, 24),
}


class PlantedKey:
    """A private key in a form of `FORMS`, in lines of so many columns."""

    def __init__(self, form, width=64):
        kind, written, locked, common = FORMS[form]
        key = _made(kind)
        pem = key.private_bytes(Encoding.PEM, written, locked).decode()
        first, *middle, last = pem.splitlines()
        # What stands before an empty line are the headers of RFC 1421.
        head = middle[: middle.index("") + 1] if "" in middle else []
        self.body = "".join(middle[len(head) :])
        self.wrapped = [self.body[i : i + width] for i in range(0, len(self.body), width)]
        self.lines = [first, *head, *self.wrapped, last]
        self._common = common
        self._stretches = {
            self.body[i : i + STRETCH].encode() for i in range(common, len(self.body) - STRETCH + 1)
        }
        self._watch = Watch()
        self._watch.learn(key.private_bytes(Encoding.PEM, PKCS8, OPEN), form)

    def occurs_in(self, data):
        """What of the key occurs in `data`: its text as typed, or its numbers in any writing."""
        found = set()
        for run in _RUN.findall(data):
            for i in range(len(run) - STRETCH + 1):
                if run[i : i + STRETCH] in self._stretches:
                    found.add(run.decode())
                    break
        at = 0
        for line in self.wrapped:
            at += len(line)
            if len(line) >= SHORTEST_LINE and at > self._common + STRETCH:
                found.update({line} if line.encode() in data else ())
        self._watch.received(data)
        return found | self._watch.found()


class PlantedPassword:
    """A password nobody else has."""

    lines = (PASSWORD,)
    body = PASSWORD

    def occurs_in(self, data):
        """The password, or it in base64."""
        forms = {PASSWORD.encode(), base64.b64encode(PASSWORD.encode())[:-4]}
        return {form.decode() for form in forms if form in data}


def contents(folder):
    """The files of a state folder, and their names: octets by path."""
    folder = pathlib.Path(folder)
    return {
        str(path.relative_to(folder)): path.read_bytes() + b"\n" + bytes(path)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
