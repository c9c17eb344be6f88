"""Which algorithms the server offers: no library's defaults.

What programs in use know at best is among them: two finite-field groups of 2048 and 4096 bits, and
SHA-2 MACs over plain text. ChaCha20-Poly1305 is left out (Terrapin); compression is off. The group
exchange is not offered: the library cannot hold a client to groups of 2048 bits and more. `LEGACY`
is added for clients that know nothing better.
"""

from __future__ import annotations

KEY_EXCHANGE = (
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
)
CIPHERS = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
SIGNATURES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)

LEGACY_KEY_EXCHANGE = (
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha1",
)
LEGACY_MACS = ("hmac-sha1",)
LEGACY_SIGNATURES = ("ssh-rsa",)


def algorithms(legacy: bool) -> dict[str, list[str]]:
    """Options of asyncssh's `listen`."""
    more = int(legacy)
    return {
        "kex_algs": [*KEY_EXCHANGE, *LEGACY_KEY_EXCHANGE * more],
        "encryption_algs": list(CIPHERS),
        "mac_algs": [*MACS, *LEGACY_MACS * more],
        "signature_algs": [*SIGNATURES, *LEGACY_SIGNATURES * more],
        "compression_algs": ["none"],
    }
