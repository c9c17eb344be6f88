"""The one way a state comes to be: write, sync, rename, sync."""

from __future__ import annotations

import contextlib
import json
import os

from cucmos_shell.errors import OutcomeUnknown, ShellError, from_os
from cucmos_shell.pki.der import to_pem
from cucmos_shell.results import Value
from cucmos_shell.store import described, paths
from cucmos_shell.store.durable import (
    FILE_MODE,
    FOLDER_MODE,
    SECRET_FILE_MODE,
    SECRET_FOLDER_MODE,
    Writer,
    find_syncfs,
    read,
    settle_folder,
    sweep_unfinished,
    sync_folder,
)
from cucmos_shell.store.prune import forget, numbers, prune, sweep
from cucmos_shell.store.rows import HistoryEntry, TrustIndex, own_to_json, shortened
from cucmos_shell.store.snapshot import FORMAT, Snapshot, manifest_of, sha256_hex
from cucmos_shell.store.view import rebuild, refresh, stamped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cucmos_shell.store.draft import OwnDraft, TrustDraft
    from cucmos_shell.store.prune import Pins
    from cucmos_shell.store.rows import CertificateRow

find_syncfs()  # now, and not while somebody waits for the lock
SECRETS = frozenset(("accounts.json", "bulk.json", paths.MEMBER_KEYS, paths.PEERS, paths.SMTP))


class CommitPlan(Value):
    """What a transaction wants done. `base` is None at installation.

    `forgotten` are files, `(unit, name)`, of which no version but the new one is to be left, as
    they hold secrets. `pins` tells which versions are not to be cleared away; `boot` is as in
    `view`.
    """

    base: Snapshot | None
    who: str
    what: str
    when: float
    kinds: dict[str, str]
    owns: dict[str, OwnDraft]
    trusts: dict[str, TrustDraft]
    documents: dict[str, dict[str, Any]]
    files: dict[str, dict[str, bytes | None]]
    forgotten: set[tuple[str, str]]
    pins: Pins
    boot: str


def _json(data: object) -> bytes:
    return json.dumps(data).encode("ascii") + b"\n"


class CommitWriter:
    """The writing of one plan."""

    def __init__(self, plan: CommitPlan, layout: paths.Layout) -> None:
        self._plan = plan
        self._layout = layout
        self._parent = plan.base.head if plan.base else 0
        self._number = 0
        self._leftovers = False
        self._versions: dict[str, int] = {}
        self._sums: dict[str, str] = {}
        self._indexes: dict[str, TrustIndex] = {}

    def run(self) -> int:
        """Carry the plan out; returns the number of the new head."""
        layout = self._layout
        try:
            if self._plan.base is None:
                _make_root(layout)
            writer = Writer(layout.store)
        except OSError as error:
            raise from_os(error, "written") from error
        try:
            self._write(writer)
            writer.sync()
            os.rename(layout.next_current, layout.current)
        except BaseException as error:
            self._give_up(writer, error)
        finally:
            writer.close()
        try:
            sync_folder(layout.store)
        except OSError as error:
            self._afterwards()
            raise _unknown(error) from error
        self._afterwards()
        return self._number

    def _give_up(self, writer: Writer, error: BaseException) -> None:
        """Clean up and raise; but return if the new state is current all the same."""
        try:
            made = os.readlink(self._layout.current) == paths.current_target(self._number)
        except FileNotFoundError:
            made = False
        except OSError as problem:
            raise _unknown(problem) from error
        if not made:
            writer.undo()
            if isinstance(error, OSError):
                raise from_os(error, "written") from error
            raise error
        if not isinstance(error, OSError):
            raise error

    # --- before the rename -----------------------------------------------------------------------

    def _write(self, writer: Writer) -> None:
        layout, plan = self._layout, self._plan
        if plan.base is None:
            for folder in (layout.heads, layout.versions, layout.pool):
                writer.folder_if_missing(folder)
        heads = numbers(layout.heads)
        self._leftovers = any(number > self._parent for number in heads) or self._orphans()
        self._number = 1 + max((*heads, self._parent))
        # The head's folder comes first: what a killed change leaves behind is found by it.
        writer.folder(layout.head(self._number))
        added = self._write_pool(writer)
        for unit, own in plan.owns.items():
            self._write_own(writer, unit, own)
        for store, trust in plan.trusts.items():
            index = self._completed(writer, trust)
            self._indexes[store] = index
            self._write_version(
                writer, store, {paths.INDEX: index.raw}, {paths.INDEX: sha256_hex(index.raw)}
            )
        if plan.documents or plan.base is None:
            self._write_node(writer)
        for unit, changes in plan.files.items():
            self._write_files(writer, unit, changes)
        self._write_head(writer, added)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(layout.next_current)
        writer.link(paths.current_target(self._number), layout.next_current)

    def _orphans(self) -> bool:
        """Whether there is a version above the one of the state: a power cut may leave it, and
        take the head away that it was made for.
        """
        base, layout = self._plan.base, self._layout
        if base is None:
            return False
        known = base.note()["units"]
        return any(
            number > (base.version(unit) if unit in known else 0)
            for unit in os.listdir(layout.versions)
            for number in numbers(layout.unit(unit))[-1:]
        )

    def _write_pool(self, writer: Writer) -> list[str]:
        added: dict[str, bytes] = {}
        for trust in self._plan.trusts.values():
            added.update(trust.added)
        for sha256, der in added.items():
            self._pool_file(writer, self._layout.pool_file(sha256, "der"), der)
            self._pool_file(writer, self._layout.pool_file(sha256, "pem"), to_pem(der))
            if len(added) <= described.MAX_KEPT:
                self._describe(writer, sha256, der)
        return list(added)

    def _pool_file(self, writer: Writer, path: str, data: bytes) -> None:
        try:
            writer.file(path, data)
            return
        except FileExistsError:
            pass
        if read(path) == data:
            writer.keep(path)
            return
        # Its name is its check sum, so these octets are no certificate's: a torn leftover. (Or what
        # another version of the program has said of it.)
        os.unlink(path)
        writer.file(path, data)

    def _describe(self, writer: Writer, sha256: str, der: bytes) -> None:
        """Keep what a certificate of the pool says beside it."""
        about = described.octets(der)
        if about is not None:
            self._pool_file(writer, self._layout.pool_file(sha256, "json"), about)

    def _completed(self, writer: Writer, draft: TrustDraft) -> TrustIndex:
        """The changed index, with what rows of an earlier version lack.

        A row whose certificate is damaged stays as it is.
        """
        index, base = TrustIndex(draft.base.changed(draft.changes)), self._plan.base
        lacking = index.lacking()[: described.MAX_COMPLETED] if base else []
        whole: dict[str, CertificateRow | None] = {}
        for row in lacking:
            with contextlib.suppress(ShellError):
                assert base is not None
                der = draft.added.get(row.sha256) or base.certificate_der(row.sha256)
                whole[row.name] = described.completed(row, der)
                if len(lacking) <= described.MAX_KEPT:
                    self._describe(writer, row.sha256, der)
        return TrustIndex(index.changed(whole)) if whole else index

    def _write_own(self, writer: Writer, unit: str, draft: OwnDraft) -> None:
        own, changes, base = draft.own, draft.changes, self._plan.base
        der = changes.get(paths.own_der(unit))
        if base is not None and own.row is not None and own.row.subject is None:
            with contextlib.suppress(ShellError):
                der = der or base.own_der(unit)
                own = own.replace(row=described.completed(own.row, der))
        if der is not None:
            changes = {**changes, paths.own_description(unit): described.octets(der)}
        version = self._next_version(unit)
        history = own.history
        if own.row is not None and (not history or history[-1].sha256 != own.row.sha256):
            entry = HistoryEntry(version, self._number, self._plan.when, own.row.sha256)
            history = shortened((*history, entry))
        index = own_to_json(own.replace(history=history, version=version))
        self._write_files(writer, unit, {**changes, paths.INDEX: index})

    def _write_node(self, writer: Writer) -> None:
        changes: dict[str, bytes | None] = {
            name: _json(data) for name, data in self._plan.documents.items()
        }
        self._write_files(writer, paths.NODE, changes)

    def _write_files(self, writer: Writer, unit: str, changes: Mapping[str, bytes | None]) -> None:
        """A version of a unit: the files of the one before, with `changes`.

        What was damaged before and is left alone stays so, and hinders no change of the others.
        """
        base = self._plan.base
        files = {name: data for name, data in changes.items() if data is not None}
        sums = {name: sha256_hex(data) for name, data in files.items()}
        if base is not None and base.has(unit):
            for name, (data, known) in base.as_is(unit, changes).items():
                sums[name] = known
                if data is not None:
                    files[name] = data
        self._write_version(writer, unit, files, sums)

    def _next_version(self, unit: str) -> int:
        if unit not in self._versions:
            base = self._plan.base
            known = base.version(unit) if base and unit in base.note()["units"] else 0
            taken = numbers(self._layout.unit(unit))
            self._versions[unit] = 1 + max((*taken, known))
        return self._versions[unit]

    def _write_version(
        self, writer: Writer, unit: str, files: dict[str, bytes], sums: dict[str, str]
    ) -> None:
        version = self._next_version(unit)
        root = self._layout.version(unit, version)
        writer.folder_if_missing(os.path.dirname(root))
        writer.folder(root)
        for folder in dict.fromkeys(os.path.dirname(name) for name in files):
            if folder:
                secret = folder == paths.KEYS
                writer.folder(f"{root}/{folder}", SECRET_FOLDER_MODE if secret else FOLDER_MODE)
        for name, data in files.items():
            secret = name.startswith(f"{paths.KEYS}/") or name in SECRETS
            writer.file(f"{root}/{name}", data, SECRET_FILE_MODE if secret else FILE_MODE)
        manifest = manifest_of(sums)
        writer.file(f"{root}/{paths.MANIFEST}", manifest)
        self._sums[unit] = sha256_hex(manifest)

    def _write_head(self, writer: Writer, added: list[str]) -> None:
        plan, folder = self._plan, self._layout.head(self._number)
        files = {
            paths.NOTE: _json(
                {
                    "format": FORMAT,
                    "head": self._number,
                    "parent": self._parent,
                    "when": plan.when,
                    "who": plan.who,
                    "what": plan.what,
                    "changed": list(self._sums),
                    "units": plan.kinds,
                    "forgotten": sorted(plan.forgotten),
                }
            ),
            paths.CHANGES: _json(
                {
                    "added": added,
                    "dropped": [sha for t in plan.trusts.values() for sha in t.dropped()],
                }
            ),
        }
        sums = {name: sha256_hex(data) for name, data in files.items()}
        for name, data in files.items():
            writer.file(f"{folder}/{name}", data)
        for unit in plan.kinds:
            if unit not in self._sums:
                assert plan.base is not None
                self._versions[unit] = plan.base.version(unit)
                self._sums[unit] = plan.base.manifest_sum(unit)
            writer.link(paths.version_target(unit, self._versions[unit]), f"{folder}/{unit}")
            sums[f"{unit}/{paths.MANIFEST}"] = self._sums[unit]
        writer.file(f"{folder}/{paths.MANIFEST}", manifest_of(sums))

    # --- after the rename ------------------------------------------------------------------------

    def _afterwards(self) -> None:
        """What is derived or superfluous; its failure is nobody's failure."""
        layout, plan = self._layout, self._plan
        try:
            if plan.base is None or stamped(layout, plan.boot) == self._parent:
                stores = {
                    store: (self._indexes[store], draft.base, draft.changes)
                    for store, draft in plan.trusts.items()
                }
                units = {unit: self._versions[unit] for unit in plan.owns}
                refresh(layout, self._number, plan.boot, units, stores)
            else:
                rebuild(layout, plan.boot, Snapshot(layout, self._number))
        except (OSError, ShellError, ValueError):
            pass
        try:
            # What was to be forgotten before is looked after once more: a kill or a power cut may
            # have come between that change and its end.
            earlier = plan.base.note().get("forgotten", ()) if plan.base else ()
            forget(layout, self._number, {*plan.forgotten, *map(tuple, earlier)})
            if self._leftovers or os.path.lexists(layout.purging):
                sweep(layout, self._number, plan.pins)
            prune(layout, self._number, plan.pins)
            # The small files beside the store are replaced under its lock only.
            sweep_unfinished(layout.state)
            settle_folder(layout.bus)
        except (OSError, ShellError, ValueError):
            pass


def _make_root(layout: paths.Layout) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(layout.store, FOLDER_MODE)
    sync_folder(layout.state)


def _unknown(error: OSError) -> OutcomeUnknown:
    return OutcomeUnknown(
        "The change is made, but the disk did not confirm that it will last: {reason}",
        reason=error.strerror or str(error),
    )
