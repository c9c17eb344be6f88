"""Secrets that leave the node: a key for one member, and the key of a cluster for who knows its
password."""

from __future__ import annotations

import os
import threading

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

# Argon2id, second choice of RFC 9106 section 4.
MEMORY_KIB, PASSES, LANES = 65_536, 3, 4
SALT_SIZE, NONCE_SIZE = 16, 12
# With several lanes the library has threads of its own, which all that derive at once wait for:
# some for ever, others fail for want of memory.
_turn = threading.Lock()


def _suite() -> hpke.Suite:
    return hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def new_private() -> bytes:
    """A new private key for `seal`, raw (X25519, RFC 7748)."""
    return X25519PrivateKey.generate().private_bytes_raw()


def public_of(private: bytes) -> bytes:
    """The public key that belongs to a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal(public: bytes, secret: bytes, context: bytes) -> bytes:
    """`secret` for the holder of the private key alone (HPKE base mode, RFC 9180).

    It opens with the same `context` only. Raises ValueError where `public` is no key.
    """
    return _suite().encrypt(secret, X25519PublicKey.from_public_bytes(public), info=context)


def unseal(private: bytes, sealed: bytes, context: bytes) -> bytes | None:
    """What was sealed; None if it was for another one, or another context."""
    try:
        return _suite().decrypt(sealed, X25519PrivateKey.from_private_bytes(private), info=context)
    except InvalidTag:
        return None


def _derived(password: str, salt: bytes) -> AESGCM:
    kdf = Argon2id(salt=salt, length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB)
    with _turn:
        return AESGCM(kdf.derive(password.encode("utf-8", "surrogatepass")))


def lock(password: str, secret: bytes, context: bytes) -> bytes:
    """`secret` for whoever knows the password (Argon2id, AES-256-GCM): salt, nonce, ciphertext."""
    salt, nonce = os.urandom(SALT_SIZE), os.urandom(NONCE_SIZE)
    return salt + nonce + _derived(password, salt).encrypt(nonce, secret, context)


def unlock(password: str, locked: bytes, context: bytes) -> bytes | None:
    """What was locked; None for another password or context."""
    salt, rest = locked[:SALT_SIZE], locked[SALT_SIZE:]
    try:
        return _derived(password, salt).decrypt(rest[:NONCE_SIZE], rest[NONCE_SIZE:], context)
    except (InvalidTag, ValueError):
        return None


def wrap(key: bytes, secret: bytes, context: bytes) -> bytes:
    """`secret` for whoever has the key of 256 bits (AES-256-GCM): nonce, ciphertext."""
    nonce = os.urandom(NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, secret, context)


def unwrap(key: bytes, wrapped: bytes, context: bytes) -> bytes | None:
    """What was wrapped; None for another key or context."""
    try:
        return AESGCM(key).decrypt(wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:], context)
    except (InvalidTag, ValueError):
        return None
