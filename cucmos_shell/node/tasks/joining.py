"""Into a cluster and out of it: created, joined, left, a member removed, its log told anew."""

from __future__ import annotations

import contextlib

from cucmos_shell.cluster import membership, peering
from cucmos_shell.cluster.batches import batches
from cucmos_shell.cluster.entries import Meta
from cucmos_shell.cluster.log import META, Log, NotOfMembers, head, new_key
from cucmos_shell.cluster.membership import Membership, Secrets, Told
from cucmos_shell.cluster.peer_log import put_record
from cucmos_shell.cluster.rules import NOTHING, Wish, wished
from cucmos_shell.cluster.taking import Marks
from cucmos_shell.errors import Busy, NotFound, Refused, ShellError
from cucmos_shell.node.access import accounts, passwords
from cucmos_shell.node.tasks.agent import bus_of, joined, log_of, turn
from cucmos_shell.node.tasks.presence import described, new_id
from cucmos_shell.node.tasks.reports import REMOVED
from cucmos_shell.node.tasks.sharing import taken, wish_anew
from cucmos_shell.pki import sealed
from cucmos_shell.results import Commit
from cucmos_shell.store.paths import MEMBERSHIP

TAKEN = "There is a cluster on this bus already: join it"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cluster.entries import LogLine
    from cucmos_shell.cluster.log import Wanted
    from cucmos_shell.cluster.rules import Entry
    from cucmos_shell.cluster.view import View
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.store import Snapshot
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world.bus import Bus


def refuse_if_joined(node: Node) -> None:
    """Raise Refused for a member of a cluster, and where the product has none."""
    if not node.profile.distribution.service:
        raise Refused("{product} distributes nothing", product=node.profile.product)
    if membership.member(node.snapshot()) is not None:
        raise Refused("This node is a member of a cluster already")


def create(node: Node, url: str, password: str) -> Conversation[Membership]:
    """Begin a cluster at `url` with this node. Raises Refused where there is one, BusAway."""
    _check_password(node, password)
    with contextlib.suppress(Refused):
        node.world.create_bus(url, node.state_dir, node.world.now).close()
    bus = node.world.open_bus(url, node.state_dir, node.world.now)
    with contextlib.closing(bus):
        member = Membership(_name(node), _name(node), url, bus.identity(), era=_name(node))
        secrets = Secrets(new_key(), sealed.new_private())
        there = head(bus)
        if there is not None:
            member, secrets = _begun(node, bus, there, member, password)
        elif bus.read(META).items:
            raise Refused("The bus is not empty")
        else:
            begun = Meta(member.cluster, member.era, 0, 0, _locked(password, secrets, member))
            if not Log(bus, secrets.cluster).found(begun, described(node, member, secrets)):
                raise Refused(TAKEN)
    yield Commit(lambda change: _enter(node, change, member, secrets, password))
    return member


def _locked(password: str, secrets: Secrets, member: Membership) -> bytes:
    return sealed.lock(password, secrets.cluster, member.cluster.encode())


def _unlocked(meta: Meta, password: str) -> bytes | None:
    return sealed.unlock(password, meta.locked, meta.cluster.encode())


def relock(change: Transaction, password: str) -> None:
    """Wish that the cluster's key be locked with another password from now on."""
    member, secrets = membership.member(change), membership.secrets(change)
    if member is not None and secrets is not None:
        membership.put_locked(change, _locked(password, secrets, member))


def _begun(
    node: Node, bus: Bus, meta: Meta, member: Membership, password: str
) -> tuple[Membership, Secrets]:
    """The place in a cluster that a `create` of this node's has begun before a kill.

    Raises Refused where that cannot be.
    """
    key = _unlocked(meta, password)
    if key is None:
        raise Refused(TAKEN)
    log = Log(bus, key)
    members = list(log.members().values())
    alone = len(members) == 1 and members[0].hostname.lower() == node.hostname.lower()
    if not alone or log.reports():
        raise Refused(TAKEN)
    place: Membership = member.replace(cluster=meta.cluster, era=meta.era, node=members[0].id)
    secrets = Secrets(key, sealed.new_private())
    log.put_node(described(node, place, secrets))
    return place, secrets


def join(node: Node, url: str, password: str) -> Conversation[Membership]:
    """Become a member of the cluster at `url`. Raises Refused, BusAway."""
    bus = node.world.open_bus(url, node.state_dir, node.world.now)
    with contextlib.closing(bus):
        meta = head(bus)
        if meta is None:
            raise Refused("There is no cluster on this bus")
        key = _unlocked(meta, password)
        if key is None:
            raise Refused("The security password is not that of the cluster")
        log, secrets = Log(bus, key), Secrets(key, sealed.new_private())
        begun = log.meta()
        for other in log.members().values():
            if not other.removed and other.hostname.lower() == node.hostname.lower():
                raise Refused(
                    "The cluster has a node of that name: {name}",
                    name=node.hostname,
                    details=("If it is this one, put back to before: utils cluster remove, there",),
                )
        place = Membership(meta.cluster, _name(node), url, bus.identity(), era=begun.era)
        member: Membership = place.replace(era_number=begun.number, unsure=True)
        # First here: where a kill comes between, the next round tells the others.
        yield Commit(lambda change: _enter(node, change, member, secrets, password))
        with contextlib.suppress(ShellError):
            log.put_node(described(node, member, secrets))
    return member


def _name(node: Node) -> str:
    return f"{node.world.new_serial():032x}"[-8:]


def _check_password(node: Node, password: str) -> None:
    kept = accounts.security_password(node.snapshot())
    if kept and not passwords.matches(password, kept):
        raise Refused("The security password is not right")
    if not kept:
        passwords.check_strength(password, "security")


def _enter(
    node: Node, change: Transaction, member: Membership, secrets: Secrets, password: str
) -> None:
    """Keep the membership; what was uploaded here before is wished for the whole cluster."""
    if membership.member(change) is not None:
        raise Refused("This node has joined a cluster meanwhile")
    if not accounts.security_password(change):
        accounts.put_security_password(change, passwords.make_hash(password))
    wishes: dict[str, dict[str, Told]] = {}
    for store in node.profile.distribution.stores:
        rows = wishes.setdefault(store, {})
        for row in change.trust(store):
            if not row.owner:
                wish = wished(None, None, True, new_id(node, member))
                rows[row.sha256] = Told(wish, row.name, row.description, change.who, change.now)
    membership.put_wishes(change, wishes)
    membership.put_member(change, member)
    membership.put_secrets(change, secrets)


def leave(node: Node) -> Conversation[str]:
    """Leave the cluster: certificates stay, copies of the others' own ones go.

    Why the others could not be told, or nothing: a bus that is gone for ever holds nobody. Raises
    Busy where they may only not be told at the moment.
    """
    snapshot = node.snapshot()
    member, secrets = joined(snapshot), membership.secrets(snapshot)
    trouble = ""
    try:
        with contextlib.closing(bus_of(node, member)) as bus:
            log = _own_log(bus, snapshot, member)
            if secrets is not None:
                log.put_node(described(node, member, secrets).replace(removed=True))
                log.take_keys(member.node)
    except Busy:
        raise
    except ShellError as error:
        trouble = error.message()
    yield Commit(lambda change: forget(node, change))
    return trouble


def _own_log(bus: Bus, snapshot: Snapshot, member: Membership) -> Log:
    """The log of the member's cluster. Raises Refused where another cluster's is there, or none."""
    log = log_of(bus, snapshot)
    there = head(bus)
    if there is None:
        raise Refused("There is no cluster on this bus")
    if there.cluster != member.cluster:
        raise Refused("The bus belongs to another cluster")
    log.meta()
    return log


def forget(node: Node, change: Transaction) -> None:
    """Let a node be no member any more."""
    for name in change.base.manifest(MEMBERSHIP):
        change.put_file(MEMBERSHIP, name, None)
    membership.put_secrets(change, None)
    peering.forget(change)
    spec = node.profile.distribution
    for store in {*spec.stores, *(store for found in spec.copies.values() for store in found)}:
        for row in change.trust(store):
            if "/" in row.owner:
                change.remove_trust(store, row.name)


def remove(node: Node, hostname: str) -> list[str]:
    """Take a member out of the cluster; the units of which it knows the private key.

    Raises NotFound, Refused for this node, BusAway.
    """
    snapshot = node.snapshot()
    member = joined(snapshot)
    with contextlib.closing(bus_of(node, member)) as bus:
        log = _own_log(bus, snapshot, member)
        known = log.members().values()
        found = [n for n in known if not n.removed and n.hostname.lower() == hostname.lower()]
        if not found:
            raise NotFound("{name} is no node of the cluster", name=hostname)
        if found[0].id == member.node:
            raise Refused("This node leaves with: utils cluster leave")
        log.put_node(found[0].replace(removed=True))
        return taken(log, snapshot, found[0].id)


# --- telling everything anew ---------------------------------------------------------------------


def rebuild(node: Node, password: str) -> Conversation[int]:
    """Tell a bus that has lost something all that this node knows; how many entries those were.

    Nothing is deleted by it: where the bus knows something newer, that stays. One that is not there
    is made. Raises Refused for a wrong password or the bus of another cluster, BusAway.
    """
    member = joined(node.snapshot())
    _check_password(node, password)
    with contextlib.suppress(Refused):
        node.world.create_bus(member.url, node.state_dir, node.world.now).close()
    with turn(node), contextlib.closing(bus_of(node, member)) as bus:
        snapshot = node.snapshot()
        log, secrets = _found_again(node, bus, member, password)
        fresh = Membership(member.cluster, member.node, member.url, bus.identity())
        view = log.look(fresh, nothing_known)
        if member.node in view.nodes and view.nodes[member.node].removed:
            raise Refused(REMOVED[0], details=REMOVED[1:])
        count = 0
        for batch in batches(_known_anew(node, snapshot, member, view)):
            if log.tell(member.node, view, batch) is None:
                raise Refused("The bus is being changed at this moment; try again")
            count += len(batch)
        for other in membership.nodes(snapshot):
            if other.removed and other.id not in view.nodes:
                log.put_node(other)
        log.put_node(described(node, member, secrets))
        _tell_records(log, snapshot, view, secrets)
        after = log.look(fresh, nothing_known)
        mine = after.reports.get(member.node)
        place = fresh.replace(
            turn=mine.turn if mine else 0, era=after.meta.era, era_number=after.meta.number
        )
        yield Commit(lambda change: _renumber(node, change, after, place, secrets))
    return count


def nothing_known(key: str) -> int:
    """The revision of a key that a node knows which knows none."""
    return 0


def _found_again(node: Node, bus: Bus, member: Membership, password: str) -> tuple[Log, Secrets]:
    """The cluster's log, begun anew where the bus has lost it or somebody else has written its
    head; and the node's secrets, which a node that joined by an earlier version gets now.

    Raises Refused: another cluster's, or another password.
    """
    secrets = membership.secrets(node.snapshot())
    there = head(bus)
    if there is not None and there.cluster != member.cluster:
        raise Refused("The bus belongs to another cluster")
    key = _unlocked(there, password) if there else None
    if there is not None and key is None and secrets is not None:
        with contextlib.suppress(NotOfMembers):
            Log(bus, secrets.cluster).meta()
            raise Refused("The security password is not that of the cluster")
    if secrets is None or (key is not None and secrets.cluster != key):
        secrets = Secrets(key or new_key(), secrets.private if secrets else sealed.new_private())
    log = Log(bus, secrets.cluster)
    same = bus.identity() == member.identity
    known = membership.revisions(node.snapshot())(META) if same else 0
    found = None
    with contextlib.suppress(NotOfMembers):
        found = log.meta(known) if key is not None else None
    if found is None or found.number < member.era_number:
        at = bus.read(META)
        revision = next((item.revision for item in at.items if item.key == META), 0)
        locked = _locked(password, secrets, member)
        meta = Meta(
            member.cluster, _name(node), at.revision, 0, locked, revision,
            number=member.era_number + 1,
        )  # fmt: skip
        if not log.found(meta, described(node, member, secrets)):
            raise Refused("The bus is being changed at this moment; try again")
    elif found.era == member.era:
        log.begin_era(_name(node))
    return log, secrets


def _known_anew(node: Node, snapshot: Snapshot, member: Membership, view: View) -> Iterator[Wanted]:
    for store in node.profile.distribution.stores:
        marks = peering.all_marks(snapshot, store)
        for sha256, entry in membership.known(snapshot, store).items():
            line = view.lines.get((store, sha256))
            if line is not None and _holds(line, entry, view.meta.since):
                continue
            row = next((r for r in snapshot.index(store).search(sha256) if not r.owner), None)
            if entry.present and row is None:
                continue  # kept out here by the node's own checks
            der = snapshot.certificate_der(sha256) if entry.present else b""
            wish = Wish(entry.present, 0, (new_id(node, member),))
            name, text = (row.name, row.description) if row else ("", "")
            said = marks.get(sha256, Marks())
            told = Told(wish, name, text, "cluster", node.now(), "told anew", said)
            yield store, sha256, line.entry.revision if line else 0, told, der, entry.revision


def _tell_records(log: Log, snapshot: Snapshot, view: View, secrets: Secrets) -> None:
    """Tell anew which peers there are, where the bus does not say it; a password of one as well,
    sealed with a new key where the cluster has one now."""
    before = membership.secrets(snapshot) or secrets
    for key, one in peering.records(snapshot).items():
        if key in view.records:
            continue
        if isinstance(one, peering.PeerCluster) and before.cluster != secrets.cluster:
            known = peering.password(before, one) or ""
            one = one.replace(password=peering.sealed_password(secrets, one.name, known))
        put_record(log, one)


def _holds(line: LogLine, entry: Entry, since: int) -> bool:
    """Whether what the bus says is newer than what a node knows; no old value, written again."""
    if not line.was and line.seen >= since and line.entry.revision > since:
        return True  # said since the first node has told the bus anew
    stale = line.seen < entry.revision < line.entry.revision
    return not stale and (line.was or line.entry.revision) >= entry.revision


def _renumber(
    node: Node, change: Transaction, view: View, member: Membership, secrets: Secrets
) -> None:
    """What was known by the old numbers is known by the new ones, and so is what wishes saw."""
    wishes = membership.wishes(change)
    for store in node.profile.distribution.stores:
        known = membership.known(change, store)
        for sha256, told in wishes.get(store, {}).items():
            before = known.find(sha256) or NOTHING
            line = view.lines.get((store, sha256))
            if line is not None and told.wish.seen == before.revision:
                seen = told.wish._replace(seen=line.entry.revision)
                wishes[store][sha256] = told.replace(wish=seen)
        now = {h: line.entry for (s, h), line in view.lines.items() if s == store}
        # Where the bus says otherwise, the next round applies it.
        agreed = {
            h: now[h] if h in now and now[h].present == entry.present else None
            for h, entry in known.items()
        }
        membership.put_known(change, store, known.changed(agreed))
    membership.put_wishes(change, wishes)
    membership.put_member(change, member)
    membership.put_secrets(change, secrets)
    wish_anew(change, view.things, lambda: new_id(node, member))
    membership.put_seen(change, view.seen)
