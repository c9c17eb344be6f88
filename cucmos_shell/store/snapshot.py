"""One consistent state of the store, read without a lock, every file checked."""

from __future__ import annotations

import errno
import os
import sys

from cucmos_shell.errors import Damaged, ShellError, Unavailable, from_os
from cucmos_shell.store import paths
from cucmos_shell.store.durable import read
from cucmos_shell.store.json_text import loads
from cucmos_shell.store.rows import CertificateRow, Own, TrustIndex, own_from_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from hashlib import sha256 as _small
    from typing import Any, NoReturn
else:
    try:
        from _sha256 import sha256 as _small
    except ImportError:  # as it is called from Python 3.12 on
        from _sha2 import sha256 as _small

FORMAT = 1
SMALL, LARGE = 1 << 10, 1 << 18
UNKNOWN_SUM = "0" * 64


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data` in lower-case hexadecimal.

    Python's built-in one costs nothing to load; OpenSSL's is seven times faster on large data.
    """
    if len(data) < (SMALL if "_hashlib" in sys.modules else LARGE):
        return str(_small(data).hexdigest())
    from _hashlib import openssl_sha256

    return openssl_sha256(data).hexdigest()


def damaged(path: str, reason: str) -> Damaged:
    """The error for a file that is not what it was when it was written."""
    return Damaged("The certificate store is damaged: {file} {reason}", file=path, reason=reason)


def _fail(error: OSError) -> NoReturn:
    raise from_os(error, "read") from error


def _no_link(path: str, error: OSError) -> ShellError:
    """What it means that a link cannot be read. A disk that fails is no damage that is healed."""
    if error.errno in (errno.EINVAL, errno.ENOTDIR):
        return damaged(path, "is not a link")
    return from_os(error, "read")


def read_current(layout: paths.Layout) -> int:
    """The number of the head that is the state. Raises Unavailable (nothing installed), Damaged."""
    try:
        target = os.readlink(layout.current)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unavailable("No node is installed in {folder}", folder=layout.state) from error
    except OSError as error:
        raise _no_link(layout.current, error) from error
    number = paths.parse_current(target)
    if number is None:
        raise damaged(layout.current, "does not lead to a state of this store")
    return number


def manifest_of(sums: Mapping[str, str]) -> bytes:
    """A MANIFEST's contents: lines as `sha256sum` reads them, and a comment with their own sum."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sums.items()).encode("ascii")
    return lines + f"# {sha256_hex(lines)}\n".encode("ascii")


def parse_manifest(raw: bytes, path: str) -> dict[str, str]:
    """File name to SHA-256, from what `manifest_of` has made. Raises Damaged."""
    lines, own_sum = raw[:-67], raw[-67:]
    if own_sum != f"# {sha256_hex(lines)}\n".encode("ascii"):
        raise damaged(path, "does not agree with its check sum")
    return {line[66:]: line[:64] for line in lines.decode("ascii").splitlines()}


class SnapshotExpired(Unavailable):
    """What this snapshot showed has been cleared away by later changes; nothing is wrong."""


class Snapshot:
    """The state that `current` led to when it was taken. Files are read when they are asked for.

    Raises Damaged, naming the file, for anything that does not agree with its check sum, and
    Unavailable for anything that cannot be read.
    """

    def __init__(self, layout: paths.Layout, number: int) -> None:
        self.layout = layout
        self.head = number
        self._versions: dict[str, int] = {}
        self._manifests: dict[str, dict[str, str]] = {}
        self._indexes: dict[str, TrustIndex] = {}
        self._owns: dict[str, Own] = {}
        path = layout.head(number, paths.NOTE)
        note = self._file(path)
        self._note = self._parse_note(path, note)
        manifest = layout.head(number, paths.MANIFEST)
        self._sums = parse_manifest(self._file(manifest), manifest)
        self._check(path, note, self._sums.get(paths.NOTE))
        self.when = float(self._note["when"])
        kinds: dict[str, str] = self._note["units"]
        self._kinds = kinds
        self.units = tuple(unit for unit, kind in kinds.items() if kind == "own")
        self.stores = tuple(unit for unit, kind in kinds.items() if kind == "trust")

    def note(self) -> dict[str, Any]:
        """Who made this state, when, by which command, and from which head."""
        return dict(self._note)

    # --- files ---------------------------------------------------------------------------------

    def _parse_note(self, path: str, raw: bytes) -> dict[str, Any]:
        try:
            note = loads(raw)
            number = note["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(path, "is not a note of a change") from error
        if isinstance(number, int) and number > FORMAT:
            raise Unavailable(
                "The store in {folder} was written by a newer version of this program"
                " (format {number}; this one knows {known})",
                folder=self.layout.state,
                number=number,
                known=FORMAT,
            )
        return dict(note)

    def _lost(self, path: str, error: OSError) -> NoReturn:
        try:
            now = read_current(self.layout)
        except Unavailable:
            now = self.head
        if now != self.head:
            raise SnapshotExpired(
                "The store has changed meanwhile; try the command again"
            ) from error
        raise damaged(path, "is missing") from error

    def _file(self, path: str) -> bytes:
        try:
            return read(path)
        except (FileNotFoundError, NotADirectoryError) as error:
            self._lost(path, error)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR):
                raise damaged(path, "is not a plain file") from error
            raise from_os(error, "read") from error

    def _check(self, path: str, data: bytes, expected: str | None) -> None:
        if expected is None:
            raise damaged(path, "is not in the list of check sums")
        if sha256_hex(data) != expected:
            raise damaged(path, "does not agree with its check sum")

    def version(self, unit: str) -> int:
        """The number of the unit's folder below `versions`."""
        if unit not in self._versions:
            link = self.layout.head(self.head, unit)
            try:
                target = os.readlink(link)
            except FileNotFoundError as error:
                self._lost(link, error)
            except OSError as error:
                raise _no_link(link, error) from error
            number = paths.parse_version(target, unit)
            if number is None:
                raise damaged(link, "does not lead to a version of its unit")
            self._versions[unit] = number
        return self._versions[unit]

    def manifest(self, unit: str) -> dict[str, str]:
        """The check sums of the unit's files; reading it checks it against the head's."""
        if unit not in self._manifests:
            path = self.path(unit, paths.MANIFEST)
            raw = self._file(path)
            self._check(path, raw, self._sums.get(f"{unit}/{paths.MANIFEST}"))
            self._manifests[unit] = parse_manifest(raw, path)
        return self._manifests[unit]

    def manifest_sum(self, unit: str) -> str:
        """The check sum of the unit's list of check sums, as the head has it."""
        return self._sums[f"{unit}/{paths.MANIFEST}"]

    def file(self, unit: str, name: str) -> bytes:
        """A file of the unit's version, checked."""
        sums, path = self.manifest(unit), self.path(unit, name)
        data = self._file(path)
        self._check(path, data, sums.get(name))
        return data

    def as_is(self, unit: str, but_for: Container[str]) -> dict[str, tuple[bytes | None, str]]:
        """The unit's files, damaged or not: name → contents, and the check sum they should have.

        For a new version that takes over what a change leaves alone. Contents are None where a file
        is missing. Where the list of check sums is damaged, none of them is known to be right.
        """
        try:
            sums = self.manifest(unit)
        except Damaged:
            sums = dict.fromkeys(self._names(unit), UNKNOWN_SUM)
        found: dict[str, tuple[bytes | None, str]] = {}
        for name in sums:
            if name not in but_for:
                try:
                    found[name] = self._file(self.path(unit, name)), sums[name]
                except Damaged:
                    found[name] = None, sums[name]
        return found

    def _names(self, unit: str) -> list[str]:
        root = self.path(unit, "")
        names = [
            os.path.relpath(os.path.join(folder, name), root)
            for folder, _, files in os.walk(root, onerror=_fail)
            for name in files
        ]
        return [name for name in names if name != paths.MANIFEST]

    def has(self, unit: str) -> bool:
        """Whether there is a unit of that name, of any kind."""
        return unit in self._kinds

    def find_file(self, unit: str, name: str) -> bytes | None:
        """A file of a unit that is nothing but files; None if there is none of that name."""
        if not self.has(unit) or name not in self.manifest(unit):
            return None
        return self.file(unit, name)

    def path(self, unit: str, name: str) -> str:
        """Where a file of the unit's version lies."""
        return self.layout.version(unit, self.version(unit), name)

    # --- what the files say ----------------------------------------------------------------------

    def own(self, unit: str) -> Own:
        """The unit's certificate, request and history."""
        if unit not in self._owns:
            raw = self.file(unit, paths.INDEX)
            try:
                self._owns[unit] = own_from_json(raw, self.version(unit))
            except (ValueError, KeyError, TypeError) as error:
                raise damaged(self.path(unit, paths.INDEX), "is not an index") from error
        return self._owns[unit]

    def index(self, store: str) -> TrustIndex:
        """The rows of a trust store, for searching."""
        if store not in self._indexes:
            try:
                self._indexes[store] = TrustIndex(self.file(store, paths.INDEX))
            except ValueError as error:
                raise damaged(self.path(store, paths.INDEX), "is not an index") from error
        return self._indexes[store]

    def trust(self, store: str) -> tuple[CertificateRow, ...]:
        """The rows of a trust store in listing order."""
        try:
            return self.index(store).rows()
        except (ValueError, TypeError) as error:
            raise damaged(self.path(store, paths.INDEX), "is not an index") from error

    def listed(self, kind: str) -> Iterator[tuple[str, tuple[CertificateRow, ...]]]:
        """Each unit with its `own` certificate, or each `trust` store with its certificates."""
        if kind == "trust":
            yield from ((store, self.trust(store)) for store in self.stores)
        else:
            yield from ((unit, (row,)) for unit in self.units if (row := self.own(unit).row))

    def find_trust(self, store: str, name: str) -> CertificateRow | None:
        """The row of that file name (without extension), in any case."""
        return self.index(store).find(name)

    def owned(self, store: str, unit: str) -> CertificateRow | None:
        """The copy of the unit's own certificate in a trust store."""
        return next((row for row in self.index(store).search(unit) if row.owner == unit), None)

    def certificate_der(self, sha256: str) -> bytes:
        """A certificate of a trust store."""
        path = self.layout.pool_file(sha256, "der")
        data = self._file(path)
        self._check(path, data, sha256)
        return data

    def certificate_pem(self, sha256: str) -> bytes:
        """A certificate of a trust store."""
        path = self.layout.pool_file(sha256, "pem")
        data = self._file(path)
        try:
            from cucmos_shell.pki.der import from_pem

            der = from_pem(data)
        except ValueError as error:
            raise damaged(path, "is not a certificate in PEM") from error
        self._check(path, der, sha256)
        return data

    def own_pem(self, unit: str) -> bytes:
        """The unit's own certificate in PEM."""
        return self.file(unit, paths.own_pem(unit))

    def own_der(self, unit: str) -> bytes:
        """The unit's own certificate in DER."""
        return self.file(unit, paths.own_der(unit))

    def chain_pem(self, unit: str) -> bytes:
        """The certificates between the unit's own one and its root, which may be none."""
        if paths.CHAIN not in self.manifest(unit):
            return b""
        return self.file(unit, paths.CHAIN)

    def private_key_pem(self, unit: str) -> bytes:
        """The unit's private key, PKCS#8 without a password: for its own use, never shown."""
        return self.file(unit, paths.private_key(unit))

    def request_pem(self, unit: str) -> bytes:
        """The unit's pending request in PEM."""
        return self.file(unit, paths.request(unit))

    def request_key_pem(self, unit: str) -> bytes:
        """The private key of the pending request: for its own use, never shown."""
        return self.file(unit, paths.request_key(unit))

    def settings(self) -> dict[str, Any]:
        """The node's settings."""
        return self.document(paths.SETTINGS)

    def document(self, name: str) -> dict[str, Any]:
        """A JSON file of the node; empty when nothing was ever put into it."""
        if name not in self.manifest(paths.NODE):
            return {}
        try:
            return dict(loads(self.file(paths.NODE, name)))
        except (ValueError, TypeError) as error:
            raise damaged(self.path(paths.NODE, name), "is not JSON") from error
