"""A small store without real certificates: what a store test needs, and nothing slow."""

import hashlib

from cucmos_shell.store import CertificateRow, Store

UNITS = ("alpha", "beta")
STORES = ("alpha-trust", "beta-trust")


def row(name, der, **fields):
    """The row of a made-up certificate `der`."""
    return CertificateRow(
        **{
            "name": name,
            "common_name": name,
            "issuer": f"CN={name}, O=Ex\u00e4mple",
            "issuer_name": name,
            "serial": "1f",
            "not_before": 1_700_000_000,
            "not_after": 1_900_000_000,
            "key_type": "RSA 2048",
            "sha256": hashlib.sha256(der).hexdigest(),
            "description": "Trust Certificate",
            "subject_hash": hashlib.sha256(name.encode()).hexdigest()[:8],
            "ca": True,
            "owner": "",
            "subject": f"CN={name}, O=Ex\u00e4mple",
            "alternative_names": [f"DNS:{name}"],
            **fields,
        }
    )


def give_own(change, unit, der):
    """Give `unit` the certificate `der` with a key that belongs to it, and the store its copy."""
    change.put_own(unit, row(unit, der), der, b"key of " + der)
    return change.put_copy(f"{unit}-trust", unit, row("host", der), der)


def new_store(folder, *, now=1000.0):
    """A store with two units, each with an own certificate and its copy."""
    store = Store(str(folder))
    with store.try_lock() as lock:
        change = store.create(lock, who="test", what="install", now=now)
        change.define(UNITS, STORES)
        for unit in UNITS:
            give_own(change, unit, f"first {unit}".encode())
        change.put_settings({"speed": 0})
        change.commit()
    return store


def change(store, function, *, now=2000.0):
    """Run `function(transaction)` under the lock and commit; returns the head's number."""
    with store.try_lock() as lock:
        transaction = store.begin(lock, who="admin", what="test", now=now)
        function(transaction)
        return transaction.commit()


def tree(folder):
    """Every path below `folder` with what it is: a file's octets, a link's target, a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = path.read_bytes() if path.is_file() else "folder"
    return found


def read_everything(store):
    """Read all that a snapshot can show, each file checked; returns it as plain data."""
    snapshot = store.snapshot()
    seen = {"head": snapshot.head, "settings": snapshot.settings()}
    for unit in snapshot.units:
        own = snapshot.own(unit)
        seen[unit] = (own.row, own.request, own.history, snapshot.own_pem(unit))
        assert snapshot.own_der(unit)
        seen[f"{unit} key"] = snapshot.private_key_pem(unit)
        if own.request:
            seen[f"{unit} csr"] = snapshot.request_pem(unit) + snapshot.request_key_pem(unit)
    for name in snapshot.stores:
        rows = snapshot.trust(name)
        seen[name] = [(r, snapshot.certificate_pem(r.sha256)) for r in rows]
        for r in rows:
            assert hashlib.sha256(snapshot.certificate_der(r.sha256)).hexdigest() == r.sha256
    return seen
