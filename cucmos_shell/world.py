"""The outside, as plain callables a test can replace: clock, waiting, keys, randomness."""

from __future__ import annotations

import os
import time

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey

_CURVES = {"ec256": "SECP256R1", "ec384": "SECP384R1", "ec521": "SECP521R1"}


def new_key(kind: str) -> PrivateKey:
    """A fresh private key: `rsa1024` … `rsa4096`, `ec256`, `ec384`, `ec521`."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if kind in _CURVES:
        return ec.generate_private_key(getattr(ec, _CURVES[kind])())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))


def new_serial() -> int:
    """A positive serial number with 127 random bits (RFC 5280, 4.1.2.2 allows 20 octets)."""
    return int.from_bytes(os.urandom(16), "big") >> 1 | 1 << 120


class World(Value):
    """What the appliance may ask of the world around it.

    `now` gives seconds since the epoch, `monotonic` seconds from any origin, `sleep` takes seconds.
    """

    now: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    new_key: Callable[[str], PrivateKey]
    new_serial: Callable[[], int]

    @staticmethod
    def real() -> World:
        """The world as it is."""
        return World(
            now=time.time,
            monotonic=time.monotonic,
            sleep=time.sleep,
            new_key=new_key,
            new_serial=new_serial,
        )
