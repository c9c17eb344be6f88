"""Public keys in OpenSSH's one-line form (`ssh-ed25519 AAAA… comment`): checked before kept."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cucmos_shell.errors import Refused
from cucmos_shell.text import safe

MIN_RSA_BITS = 2048
MAX_LINE = 8192
KINDS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def _strings(blob: bytes) -> list[bytes]:
    """The length-prefixed strings a key blob is made of (RFC 4253, 6.6). Raises ValueError."""
    found = []
    place = 0
    while place < len(blob):
        size = int.from_bytes(blob[place : place + 4], "big")
        place += 4
        if place + size > len(blob):
            raise ValueError("a length is beyond the end")
        found.append(blob[place : place + size])
        place += size
    return found


def normalize(text: str) -> str:
    """`text` as `KIND BASE64 [COMMENT]`. Raises Refused with the reason."""
    line = text.strip()
    if "PRIVATE KEY" in line:
        raise Refused("That is a private key; give its public key. Nothing was stored")
    words = line.split(None, 2)
    if len(line) > MAX_LINE or len(words) < 2 or words[0] not in KINDS:
        raise Refused(
            "That is not a public key in OpenSSH's form: KIND BASE64 [COMMENT], without options",
            details=("Kinds:", *(f"\t{kind}" for kind in KINDS)),
        )
    try:
        blob = base64.b64decode(words[1], validate=True)
        parts = _strings(blob)
    except (ValueError, binascii.Error):
        raise Refused("The public key is damaged or cut off") from None
    if len(parts) < 2 or parts[0] != words[0].encode() or not all(parts[:2]):
        raise Refused("The public key is damaged, or of another kind than it says")
    if words[0] == "ssh-rsa":
        bits = int.from_bytes(parts[-1], "big").bit_length()
        if bits < MIN_RSA_BITS:
            raise Refused(
                "An RSA key of {bits} bits is too weak; {least} is the least",
                bits=bits,
                least=MIN_RSA_BITS,
            )
    comment = safe(words[2], 100) if len(words) == 3 else ""
    return f"{words[0]} {words[1]} {comment}".strip()


def fingerprint(key: str) -> str:
    """`SHA256:…` of a key in one-line form, as ssh-keygen prints it."""
    blob = base64.b64decode(key.split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
