"""Who may sign in: accounts with levels, passwords and public keys, and what guards them.

Accounts are a document of the store (`accounts.json`, 0600), changed in its transactions.
Failures are counted in `<state>/run/failures.json`, which all processes of a node share.
"""

from __future__ import annotations

import binascii
import contextlib
import math
import re

from cucmos_shell.errors import BadValue, Refused
from cucmos_shell.node.access import passwords
from cucmos_shell.node.access.networks import network_of
from cucmos_shell.results import Value
from cucmos_shell.store import per_state
from cucmos_shell.store.shared_json import SharedJson
from cucmos_shell.text import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.store import Store
    from cucmos_shell.store.transaction import Reader, Transaction
    from cucmos_shell.world import World

DOCUMENT = "accounts.json"
LOCKING, EDITORS = "account_locking", "editors"
INSTALLER = "admin"
ADMINISTRATOR = 4
MAX_ACCOUNTS = 200
MAX_KEYS = 16

# Failures of an address or a name: the first few are free, then each answer takes longer.
FREE_FAILURES = 3
FIRST_DELAY, MAX_DELAY = 0.25, 4.0
FAILURES_FADE = 600.0
MAX_FAILURES = 1024

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\Z")


class Account(Value):
    """One account. `password` is a PHC string, empty if it cannot sign in by password.

    `id` is what no other account has, before or after it; an account that was written down without
    one has its name (see `identity`).
    """

    name: str
    level: int
    password: str = ""
    keys: tuple[str, ...] = ()
    installer: bool = False
    id: str = ""

    @property
    def identity(self) -> str:
        """What tells the account from any other, also from a later one of its name."""
        return self.id or self.name

    def __repr__(self) -> str:
        return f"Account({self.name!r}, level={self.level})"


class Locking(Value):
    """When an account is locked: after `count` failures, for `unlock` seconds."""

    enabled: bool = True
    count: int = 3
    unlock: int = 300


class AccountChanged(Refused):
    """The account of a session is not what it was; the message says how."""

    kind = "account-changed"


def new_identity(world: World) -> str:
    """The identity of a new account, which cannot be the name of one."""
    return f"+{world.new_serial():032x}"


def check_name(text: str) -> str:
    """A name an account may have. Raises BadValue."""
    if not _NAME.match(text):
        raise BadValue(
            "{name} cannot name an account: letters, digits, _ . and -, a letter first, 32 at most",
            name=text,
        )
    return text


def all_accounts(reader: Reader) -> dict[str, Account]:
    """Every account that was written down, by name, in order of creation (see `everybody`)."""
    kept: dict[str, dict[str, Any]] = reader.document(DOCUMENT).get("accounts", {})
    return {
        name: Account(
            name,
            int(row["level"]),
            str(row.get("password", "")),
            tuple(row.get("keys", ())),
            bool(row.get("installer", False)),
            str(row.get("id", "")),
        )
        for name, row in kept.items()
    }


def has_key(account: Account, blob: str) -> bool:
    """Whether the public key `KIND BASE64` is one of the account's."""
    wanted = tuple(blob.split()[:2])
    return any(tuple(key.split()[:2]) == wanted for key in account.keys)


def _keys_by_name(reader: Reader) -> dict[str, frozenset[tuple[str, ...]]]:
    return {
        name: frozenset(tuple(key.split()[:2]) for key in account.keys)
        for name, account in all_accounts(reader).items()
    }


def installer(reader: Reader) -> Account:
    """The account the node was installed with; without a password as long as none was set."""
    for account in all_accounts(reader).values():
        if account.installer:
            return account
    return Account(INSTALLER, ADMINISTRATOR, installer=True)


def everybody(reader: Reader) -> dict[str, Account]:
    """The accounts a person can name: the installer's first, written down or not, then the others.

    `all_accounts` is empty as long as nobody has made one or given the installer a password.
    """
    first = installer(reader)
    return {first.name: first, **all_accounts(reader)}


def put(transaction: Transaction, account: Account) -> None:
    """Create or replace an account."""
    document = transaction.document(DOCUMENT)
    rows = dict(document.get("accounts", {}))
    if account.name not in rows and len(rows) >= MAX_ACCOUNTS:
        raise Refused("There are {most} accounts already", most=MAX_ACCOUNTS)
    row: dict[str, Any] = {"level": account.level, "password": account.password}
    if account.keys:
        row["keys"] = list(account.keys)
    if account.installer:
        row["installer"] = True
    if account.id:
        row["id"] = account.id
    rows[account.name] = row
    transaction.put_document(DOCUMENT, {**document, "accounts": rows})


def remove(transaction: Transaction, name: str) -> None:
    """Take an account away, and the choice of its editor."""
    document = transaction.document(DOCUMENT)
    rows = {key: row for key, row in document.get("accounts", {}).items() if key != name}
    transaction.put_document(DOCUMENT, {**document, "accounts": rows})
    editors = transaction.settings().get(EDITORS, {})
    if name in editors:
        transaction.put_setting(EDITORS, {key: editors[key] for key in editors if key != name})


def security_password(reader: Reader) -> str:
    """The PHC string of the cluster's security password; empty if none was set."""
    return str(reader.document(DOCUMENT).get("security", ""))


def put_security_password(transaction: Transaction, phc: str) -> None:
    """Set the cluster's security password, a PHC string."""
    document = transaction.document(DOCUMENT)
    transaction.put_document(DOCUMENT, {**document, "security": phc})


def locking(reader: Reader) -> Locking:
    """The rules of account locking."""
    kept = reader.settings().get(LOCKING, {})
    return Locking(**{name: kept[name] for name in Locking._fields if name in kept})


def put_locking(transaction: Transaction, **changes: object) -> Locking:
    """Change the rules of account locking; returns them."""
    transaction.change_setting(LOCKING, **changes)
    return locking(transaction)


class SignInRefused(Refused):
    """Not signed in; why is told to the log only (`reason`), never to who asked."""

    kind = "sign-in"

    def __init__(self, reason: str) -> None:
        super().__init__("Permission denied")
        self.reason = reason


class Accounts:
    """Signing in to a node."""

    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._all = per_state(store, all_accounts)
        self._everybody = per_state(store, everybody)
        self._keys_of = per_state(store, _keys_by_name)
        self._world = world
        self._failures = SharedJson(store.layout.failures)
        self._remembered = passwords.Remembered(world.monotonic)

    def find(self, name: str) -> Account | None:
        """The account of that name."""
        return self._all().get(name)

    def check(
        self, name: str, identity: str, level: int, *, provisional: bool, by_key: bool
    ) -> None:
        """Raise AccountChanged unless the account `name` is the one of `identity`, of that level.

        An empty `identity`: there was no account of that name, and if `provisional` none at all. A
        locked one is refused, too, but for who signed in `by_key`: what locks it are passwords.
        """
        found = self._everybody().get(name)
        if provisional and self._all():
            problem = "The node has accounts now, and {name} has none: this session is over"
        elif found is None and identity:
            problem = "Account {name} was deleted: this session is over"
        elif found is not None and not identity:
            problem = "Account {name} was made meanwhile: this session is over; sign in again"
        elif found is not None and found.identity != identity:
            problem = "Account {name} was deleted, and a new one made: this session is over"
        elif found is not None and found.level != level:
            problem = "Account {name} has another level now: this session is over; sign in again"
        elif found is not None and not by_key and (seconds := self.locked_for(name)) > 0:
            raise AccountChanged(
                "Account {name} is locked for {time}: this session is over",
                name=name,
                time=counted(math.ceil(seconds), "second"),
            )
        else:
            return
        raise AccountChanged(problem, name=name)

    def shown(self, name: str) -> str:
        """What a log may have of a name that somebody wanted to sign in by.

        One that is nobody's may be the password, typed too early, or anything pasted.
        """
        if self.find(name) or not passwords.would_do(name):
            return name[:64]
        return f"({len(name)} characters not logged)"

    def verify(self, name: str, password: str, address: str) -> Account:
        """The account, if `password` is its password and it is not locked.

        An unknown, keyless or locked account takes as long as a wrong password. Raises
        SignInRefused.
        """
        if len(password) > passwords.MAX_LENGTH:
            # It is nobody's, and bringing it into its normal form could take minutes.
            password = ""
        account = self._all().get(name)
        phc = account.password if account else ""
        locked = self.locked_for(name) > 0
        right = not locked and bool(phc) and self._remembered.knows(name, phc, password)
        if not right:
            right = passwords.matches(password, phc)
            if right and not locked:
                self._remembered.add(name, phc, password)
        if account is None or not right or locked:
            reason = "unknown account" if account is None else "locked" if locked else "password"
            self.failed(name, address, locking(self._store.snapshot()))
            raise SignInRefused(reason)
        self.succeeded(name)
        return account

    def recall(self, name: str, password: str) -> Account | None:
        """The account, if `password` was right lately and it is not locked; None says nothing."""
        account = self._all().get(name)
        if account is None or not account.password or len(password) > passwords.MAX_LENGTH:
            return None
        if not self._remembered.knows(name, account.password, password):
            return None
        if self.locked_for(name) > 0:
            return None
        self.succeeded(name)
        return account

    def likely(self, name: str, password: str) -> bool:
        """Whether `password` may be one that was right before, as few guesses may."""
        account = self._all().get(name)
        return account is not None and self._remembered.resembles(name, account.password, password)

    def by_key(self, name: str, blob: str) -> Account | None:
        """The account, if the public key `KIND BASE64` is one of its keys.

        Locked or not: what locks it are wrong passwords, which anybody may send. It takes as long
        for an account that is not there.
        """
        keys = self._keys_of().get(name, frozenset())
        return self.find(name) if tuple(blob.split()[:2]) in keys else None

    # --- failures -------------------------------------------------------------------------------

    def failed(self, name: str, address: str, rules: Locking) -> None:
        """Count a failure of `name` from `address`; a full disk keeps nobody out."""
        with contextlib.suppress(OSError), self._failures.change() as entries:
            # Under the lock: what another has counted meanwhile would be later than now.
            now = self._world.now()
            self._fade(entries, now, rules.unlock)
            for key in self._keys(name, address):
                entry = entries.get(key, {})
                entry = {**entry, "count": int(entry.get("count", 0)) + 1, "last": now}
                if key[0] == "n" and rules.enabled and entry["count"] >= rules.count:
                    entry["until"] = now + rules.unlock
                    entry["count"] = 0
                entries[key] = entry

    def succeeded(self, name: str) -> None:
        """Forget the failures of `name`."""
        key = self._keys(name, "")[0]
        if key in self._failures.read():
            with contextlib.suppress(OSError), self._failures.change() as entries:
                entries.pop(key, None)

    def unlock(self, name: str) -> None:
        """Let a locked account in again."""
        self.succeeded(name)

    def locked_for(self, name: str) -> float:
        """Seconds until `name` may sign in again; 0 if it may."""
        entry = _counters(self._failures.read()).get(self._keys(name, "")[0], {})
        until, last = float(entry.get("until", 0.0)), float(entry.get("last", 0.0))
        left = until - self._world.now()
        # A clock that was set back must not lock for longer than the rule says.
        return left if 0 < left <= until - last else 0.0

    def refuse_locked(self, name: str) -> None:
        """Raise Refused if it is locked; for its owner, who is signed in, that is no secret."""
        seconds = self.locked_for(name)
        if seconds > 0:
            raise Refused(
                "Account {name} is locked for {time}, after too many wrong passwords",
                name=name,
                time=counted(math.ceil(seconds), "second"),
                details=(f"A level-4 account unlocks it: set accountlocking unlock {name}",),
            )

    def delay(self, name: str, address: str) -> float:
        """Seconds an answer to `name` from `address` should wait, known account or not."""
        entries, now = _counters(self._failures.read()), self._world.now()
        counts = [
            int(entries[key].get("count", 0))
            for key in self._keys(name, address)
            if key in entries and 0 <= now - float(entries[key]["last"]) < FAILURES_FADE
        ]
        extra = max(counts, default=0) - FREE_FAILURES
        return min(FIRST_DELAY * 2.0**extra, MAX_DELAY) if extra >= 0 else 0.0

    def _keys(self, name: str, address: str) -> tuple[str, str]:
        """The names of the two counters.

        Of a name that may be a password there are twelve bits of a sum: enough to count by, and
        too little to try guesses by.
        """
        if self.shown(name) != name[:64]:
            name = f"?{binascii.crc32(name.encode('utf-8', 'replace')) & 0xFFF:03x}"
        return f"n:{name[:64]}", f"a:{network_of(address)}"

    @staticmethod
    def _fade(entries: dict[str, Any], now: float, unlock: int) -> None:
        """Forget what is old; if there is too much left, the older half, but no lock that holds."""
        keep = max(FAILURES_FADE, float(unlock))
        sound = _counters(entries)
        for key in entries.keys() - {
            k for k, e in sound.items() if 0 <= now - float(e["last"]) < keep
        }:
            del entries[key]
        if len(entries) >= MAX_FAILURES:
            free = [k for k, e in entries.items() if float(e.get("until", 0.0)) <= now]
            free.sort(key=lambda k: float(entries[k]["last"]))
            for key in free[: len(entries) // 2]:
                del entries[key]


def _counters(entries: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries that are what was written; such a file may hold anything."""

    def sound(entry: object) -> bool:
        if not isinstance(entry, dict) or "last" not in entry:
            return False
        return all(isinstance(value, int | float) for value in entry.values())

    return {key: entry for key, entry in entries.items() if sound(entry)}
