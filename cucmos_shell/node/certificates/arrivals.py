"""What the log of a cluster says comes into a node's trust stores, in one transaction.

Under what is still wished there; see `cluster.rules`. What the node's own checks refuse is kept
out, and said.
"""

from __future__ import annotations

import io

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.membership import Said, Told
from cucmos_shell.cluster.peering import all_marks, put_marks
from cucmos_shell.cluster.rules import UNTOLD, Entry, later, meet
from cucmos_shell.cluster.rules import wished as wish_after
from cucmos_shell.cluster.taking import Marks
from cucmos_shell.errors import ShellError
from cucmos_shell.node.certificates import issuing, trust_import
from cucmos_shell.pki import bundle, certs
from cucmos_shell.store import CertificateRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cucmos_shell.cluster.entries import LogLine
    from cucmos_shell.cluster.known import Known
    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.cluster.view import View
    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store.transaction import Transaction

LOST = "the bus has lost it, and nobody has deleted it; utils cluster rebuild tells it anew"
STRANGE = "no member of the cluster has written this to the bus ({}); it has no effect"
TAKEN = "no member of the cluster has taken this from the bus ({}); it has no effect"
BACK = "upload it again to bring it back"
IGNORED, MAX_STRANGE = "ignored", 10


class Arrivals:
    """The coming in of one view of the log, with what was `told` on top of it.

    `back`: what was deleted elsewhere is told again from here.
    `added` and `removed` are the listed names of what came and went, `said` what was dropped.
    """

    def __init__(
        self,
        change: Transaction,
        profile: Profile,
        member: Membership,
        view: View,
        told: Mapping[tuple[str, str], Entry],
        new_id: Callable[[], str],
        *,
        back: bool = False,
    ) -> None:
        self._change = change
        self._profile = profile
        self._member = member
        self._view = view
        self._all_seen = member.has_seen(view.meta.floor)
        self._told = told
        self._new_id = new_id
        self._back = back
        self._wishes = membership.wishes(change)
        self._known: Known | None = None
        self.added: list[str] = []
        self.removed: list[str] = []
        self.said: list[Said] = []

    def run(self, more: Iterable[Said]) -> None:
        """Let everything come in, and keep what is known of it, is still wished, and was `said`,
        with `more` of that."""
        for store in self._profile.distribution.stores:
            self._store(store)
        self._copies()
        for key, revision in sorted(self._view.foreign.items())[:MAX_STRANGE]:
            why = TAKEN if self._view.strange.get(key) == 0 else STRANGE
            self._note("", key, key, IGNORED, why.format(f"revision {revision}"), "")
        change = self._change
        membership.put_wishes(change, self._wishes)
        self.said += more
        before = {(one.sha256, one.why) for one in membership.said(change)}
        self.said = [one for one in self.said if (one.sha256, one.why) not in before]
        if self.said:
            membership.put_said(change, self.said)

    # --- one store -------------------------------------------------------------------------------

    def _store(self, store: str) -> None:
        view, rows = self._view, self._wishes.setdefault(store, {})
        wished = set(rows)
        known = self._known = membership.known(self._change, store)
        keys = {h for s, h in (*view.lines, *view.gone, *self._told) if s == store} | rows.keys()
        if view.full:
            keys |= {sha256 for sha256, _ in known.items()}
        changes: dict[str, Entry | None] = {}
        # What goes makes room for names before anything comes.
        for sha256 in sorted(keys, key=lambda one: (self._present(store, one), one)):
            before = known.find(sha256)
            entry = self._entry(store, sha256, before)
            self._notice_loss(store, sha256, entry)
            if self._back and entry is not None and not entry.present:
                self._bring_back(store, sha256, entry)
            held = self._meet(store, sha256, entry)
            if entry is None and before is not None and not before.present:
                pass  # collected: kept, so that nobody can write the old value once more
            elif entry is None or before is None or entry[:2] != before[:2]:
                changes[sha256] = entry
            self._hold(store, sha256, held, entry)
        if changes:
            membership.put_known(self._change, store, known.changed(changes))
        self._mark(store, wished)

    def _bring_back(self, store: str, sha256: str, entry: Entry) -> None:
        row, rows = self._change.upload(store, sha256), self._wishes[store]
        if row is not None and sha256 not in rows:
            wish = wish_after(entry, None, True, self._new_id())
            rows[sha256] = Told(wish, row.name, row.description, "cluster", self._change.now)

    def _mark(self, store: str, wished: set[str]) -> None:
        """Keep what entries say of peers. What is told because it was `wished` here keeps what was
        heard of them, and comes from none."""
        lines = self._view.lines.items()
        said = {sha256: line.marks for (s, sha256), line in lines if s == store}
        mine = {sha256 for s, sha256 in self._told if s == store and sha256 in wished}
        if said or mine:
            before = all_marks(self._change, store)
            told = {h: said.get(h, before.get(h, Marks())).replace(origin="") for h in mine}
            put_marks(self._change, store, {**said, **told})

    def _present(self, store: str, sha256: str) -> bool:
        line = self._view.lines.get((store, sha256))
        return line is not None and line.entry.present

    def _entry(self, store: str, sha256: str, before: Entry | None) -> Entry | None:
        key = store, sha256
        if key in self._told:
            return self._told[key]
        return self._view.entry(key, before, all_seen=self._all_seen)

    def _notice_loss(self, store: str, sha256: str, entry: Entry | None) -> None:
        key = store, sha256
        lost = entry is not None and entry.present and self._view.absent(key)
        if lost and key not in self._told:
            row = self._change.upload(store, sha256)
            self._note(store, sha256, row.name if row else sha256, "kept", LOST, "")

    def _meet(self, store: str, sha256: str, entry: Entry | None) -> bool:
        """Let the wish meet the entry; whether the certificate is to be held."""
        rows = self._wishes[store]
        told = rows.get(sha256)
        if told:
            wish = self._view.aimed((store, sha256), told.wish)
            told = rows[sha256] = told.replace(wish=wish)
        meeting = meet(entry, told.wish if told else None, all_seen=self._all_seen)
        if told and not meeting.tell:
            del rows[sha256]
        if told and meeting.refused:
            self._say(store, sha256, told)
        return meeting.held

    def _say(self, store: str, sha256: str, told: Told) -> None:
        line = self._view.lines.get((store, sha256))
        by = f"on {self._view.hostname(line.node)} by {line.account}" if line else ""
        if not told.wish.present:
            what, why = "deleted", f"it was uploaded again {by}"
        elif line is None:
            what, why = "kept out", f"the cluster may have deleted it long ago; {BACK}"
        elif line.reason:
            what, why = "kept out", line.reason
        else:
            what, why = "kept out", f"it was deleted {by}; {BACK}"
        self._note(store, sha256, told.name, what, why, told.account)

    def _note(self, store: str, sha256: str, name: str, what: str, why: str, account: str) -> None:
        now = self._change.now
        self.said.append(Said(store, sha256, name, what, why, account, now))

    # --- one certificate -------------------------------------------------------------------------

    def _hold(self, store: str, sha256: str, held: bool, entry: Entry | None) -> None:
        row = self._change.upload(store, sha256)
        if row is not None and not held:
            self._change.remove_trust(store, row.name)
            self.removed.append(f"{store}/{row.name}")
        line = self._view.lines.get((store, sha256))
        if row is None and held and line is not None and entry is not None:
            self._put(store, sha256, line, entry)

    def _put(self, store: str, sha256: str, line: LogLine, entry: Entry) -> None:
        spec, change = self._profile.trust_stores[store], self._change
        try:
            found = bundle.read_file(io.BytesIO(line.der))
            policy, now = self._profile.policy, change.now
            (one,) = trust_import.read(found, spec, policy, now=now, text=line.description)
        except (ShellError, ValueError) as error:
            why = error.message() if isinstance(error, ShellError) else "it is no certificate"
            self._note(store, sha256, line.name, "kept out", why, line.account)
            return
        if one.row.sha256 != sha256:
            why = "it is another certificate than the cluster says"
            self._note(store, sha256, line.name, "kept out", why, line.account)
            return
        if self._makes_room(store, one.row, entry):
            row = one.row._replace(name=change.free_name(store, one.row.name))
            change.put_trust(store, row, one.der)
            self.added.append(f"{store}/{row.name}")

    def _makes_room(self, store: str, row: CertificateRow, entry: Entry) -> bool:
        """Whether an upload holds against those of its common name; the loser is wished away."""
        change = self._change
        for rival in change.named(store, row.common_name):
            if rival.owner or rival.sha256 == row.sha256:
                continue
            age = rival.not_before, self._revision(store, rival.sha256)
            wins = later((row.not_before, entry.revision), age)
            loser, name = (rival.sha256, rival.name) if wins else (row.sha256, row.name)
            self._wish_away(store, loser, name, None if wins else entry)
            if not wins:
                return False
            change.remove_trust(store, rival.name)
            self.removed.append(f"{store}/{rival.name}")
        return True

    def _revision(self, store: str, sha256: str) -> int:
        if sha256 in self._wishes[store]:
            return UNTOLD
        entry = self._entry(store, sha256, self._known.find(sha256) if self._known else None)
        return entry.revision if entry else UNTOLD

    def _wish_away(self, store: str, sha256: str, name: str, entry: Entry | None) -> None:
        rows = self._wishes[store]
        told = rows.pop(sha256, None)
        if entry is None:
            before = self._known.find(sha256) if self._known else None
            entry = self._entry(store, sha256, before)
        wish = wish_after(entry, told.wish if told else None, False, self._new_id())
        reason = "a later certificate of the same name holds"
        rows[sha256] = Told(wish, name, "", "cluster", self._change.now, reason)

    # --- copies of own certificates --------------------------------------------------------------

    def _copies(self) -> None:
        nodes, mine = self._view.nodes, self._member.node
        for (node, unit), der in self._view.copies.items():
            if node != mine and node in nodes and not nodes[node].removed:
                self._copy(f"{node}/{unit}", self._stores_of(unit), der)
        gone = [node for node, one in nodes.items() if one.removed and node != mine]
        for node in gone:
            for unit in self._profile.distribution.copies:
                self._copy(f"{node}/{unit}", self._stores_of(unit), None)

    def _stores_of(self, unit: str) -> Iterable[str]:
        return self._profile.distribution.copies.get(unit, ())

    def _copy(self, owner: str, stores: Iterable[str], der: bytes | None) -> None:
        change = self._change
        for store in stores:
            before = change.owned(store, owner)
            if der is None:
                if before is not None:
                    change.remove_trust(store, before.name)
                    self.removed.append(f"{store}/{before.name}")
                continue
            try:
                description = certs.describe(certs.load_der(der))
            except ShellError:
                continue
            if before is not None and before.sha256 == description.sha256:
                continue
            name = issuing.file_name(self._profile.trust_stores[store], description)
            row = CertificateRow(**certs.row(description, name, certs.TRUSTED, owner))
            put = change.put_copy(store, owner, row, der)
            self.added.append(f"{store}/{put.name}")
