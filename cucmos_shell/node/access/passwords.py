"""Passwords: Argon2id hashes, strength, and a short memory of those that were right.

Hashes are PHC strings, parameters after OWASP's second choice (19 MiB, two passes, one lane):
some 40 ms and little memory, since many sessions may sign in at once.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import os
import unicodedata

from cucmos_shell.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
SALT_SIZE, HASH_SIZE = 16, 32
MIN_LENGTH, MAX_LENGTH = 6, 256
MIN_DISTINCT = 4
REMEMBERED_SECONDS = 300.0
MAX_REMEMBERED = 4096

_COMMON = frozenset((
    "123456", "abc123", "access", "admin", "admin123", "administrator", "cisco", "cisco123",
    "changeme", "default", "dragon", "iloveyou", "letmein", "login", "master", "monkey", "p4ssw0rd",
    "passw0rd", "password", "password1", "qwerty", "qwerty123", "secret", "security", "shadow",
    "sunshine", "system", "trustno1", "welcome", "welcome1",
))  # fmt: skip
_LOOKALIKES = str.maketrans("4@301!5$7", "aaeoiisst")


def _octets(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def make_hash(password: str) -> str:
    """`password` as a PHC string, for keeping."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    salt = os.urandom(SALT_SIZE)
    return Argon2id(
        salt=salt, length=HASH_SIZE, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB
    ).derive_phc_encoded(_octets(password))


def new() -> str:
    """A password that nobody has chosen, strong by the rules for chosen ones."""
    return f"{os.urandom(12).hex()}-Aa"


def matches(password: str, phc: str) -> bool:
    """Whether `phc` is the hash of `password`; an empty hash takes its time and says no."""
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    if not _affordable(phc):
        make_hash(password)
        return False
    try:
        Argon2id.verify_phc_encoded(_octets(password), phc)
    except (InvalidKey, ValueError):
        return False
    return True


def _affordable(phc: str) -> bool:
    """Whether checking against `phc` takes no more than a few times what one of ours does."""
    costs = dict(part.split("=", 1) for part in phc.split("$")[3:4] for part in part.split(","))
    most = {"m": 4 * MEMORY_KIB, "t": 4 * PASSES, "p": 4 * LANES}
    return costs.keys() == most.keys() and all(
        value.isascii() and value.isdigit() and int(value[:12]) <= most[name]
        for name, value in costs.items()
    )


def check_strength(password: str, account: str) -> None:
    """Raises Refused with the reason when `password` is too easily guessed."""
    reason = _weakness(password, account.casefold())
    if reason:
        raise Refused("The password is not strong enough: it {reason}", reason=reason)


def would_do(text: str) -> bool:
    """Whether `text` could be somebody's password, or is too long to be anything else one types."""
    return len(text) > MAX_LENGTH or not _weakness(text, "")


def _weakness(password: str, account: str) -> str:
    if len(password) < MIN_LENGTH:
        return f"must have at least {MIN_LENGTH} characters"
    if len(password) > MAX_LENGTH:
        return f"must have at most {MAX_LENGTH} characters"
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in password):
        return "must not contain control characters"
    if len(set(password)) < MIN_DISTINCT:
        return f"must have at least {MIN_DISTINCT} different characters"
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(password)}
    if len(steps) == 1:
        return "is a simple sequence"
    plain = password.casefold()
    if account and (account in plain or account[::-1] in plain) and len(plain) < 2 * len(account):
        return "is too much like the account's name"
    spelled = plain.translate(_LOOKALIKES)
    if plain in _COMMON or spelled in _COMMON or spelled.rstrip("0123456789oils.!") in _COMMON:
        return "is one of the most used ones"
    kinds = (str.islower, str.isupper, str.isdigit)
    used = sum(any(kind(c) for c in password) for kind in kinds)
    used += any(not c.isalnum() for c in password)
    if used < 2 and len(password) < 2 * MIN_LENGTH:
        return "needs letters of both cases, digits or other characters mixed, or more length"
    return ""


class Remembered:
    """Keyed MACs of passwords that were verified in the last minutes; nothing outlives the process.

    The account's hash is part of what is authenticated, so a changed password is forgotten by
    itself.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._key = os.urandom(32)
        self._monotonic = monotonic
        self._until: dict[bytes, float] = {}
        # Eight bits of the last right one of each account: too few to find it by.
        self._traces: dict[str, int] = {}

    def _mac(self, account: str, phc: str, password: str) -> bytes:
        text = b"\0".join((_octets(account), phc.encode(), _octets(password)))
        return hmac.digest(self._key, text, hashlib.sha256)

    def knows(self, account: str, phc: str, password: str) -> bool:
        """Whether this very password was verified against this very hash lately."""
        until = self._until.get(self._mac(account, phc, password))
        return until is not None and self._monotonic() < until

    def add(self, account: str, phc: str, password: str) -> None:
        """Remember a password that was just verified."""
        now, mac = self._monotonic(), self._mac(account, phc, password)
        self._traces[account] = mac[0]
        if len(self._until) >= MAX_REMEMBERED:
            self._until = {mac: until for mac, until in self._until.items() if until > now}
            if len(self._until) >= MAX_REMEMBERED:
                self._until.clear()
        self._until[mac] = now + REMEMBERED_SECONDS

    def resembles(self, account: str, phc: str, password: str) -> bool:
        """Whether this may be the password that was verified last, however long ago.

        One of 256 others seems so, too.
        """
        return self._traces.get(account) == self._mac(account, phc, password)[0]
