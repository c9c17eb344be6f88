"""The certificates that could make up a chain, and why they don't: a bounded walk, in words.

Nothing here accepts a chain. `gather` finds by name who may take part, so that ten thousand anchors
cost as much as three; `explain` follows the names upwards, at most `depth` CA certificates high and
never through the same one twice, and names the first obstacle on the path that came farthest.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature

from cucmos_shell.pki.chains.names import names_trouble
from cucmos_shell.pki.chains.rules import (
    UNREADABLE,
    ChainProblem,
    Member,
    Rules,
    date_trouble,
    hash_name,
    identifier_trouble,
    is_root,
    name_words,
)
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Anchors = Callable[[bytes], Iterable[Member]]

CANDIDATES = 64
_PATHS = 64
_SIGNATURES = 128
_OLD_HASHES = ("md5", "sha1")
MISSING = "CA certificate is not available in the trust-store"


class Candidates:
    """Who may stand above the leaf: `by_subject` all of them, `roots` who may end a chain."""

    def __init__(self) -> None:
        self.by_subject: dict[bytes, list[Member]] = {}
        self.roots: list[Member] = []
        self.others: list[Member] = []

    def add(self, member: Member, root: bool) -> None:
        """Take in a member, one that may end a chain as `root`."""
        self.by_subject.setdefault(member.subject, []).append(member)
        (self.roots if root else self.others).append(member)

    def without(self, der: bytes) -> Candidates:
        """These candidates without one certificate (DER)."""
        return self._kept(lambda member: member.der != der)

    def only(self, der: bytes) -> Candidates:
        """The same without the namesakes of one of them and, where it is a root, other roots."""
        chosen = next((one for one in (*self.roots, *self.others) if one.der == der), None)
        if chosen is None:
            return self
        rivals = self.roots if chosen in self.roots else []
        return self._kept(
            lambda one: one is chosen or (one.subject != chosen.subject and one not in rivals)
        )

    def _kept(self, keep: Callable[[Member], bool]) -> Candidates:
        kept = Candidates()
        for root, members in ((True, self.roots), (False, self.others)):
            for member in filter(keep, members):
                kept.add(member, root)
        return kept


def gather(
    leaf: Member, intermediates: Iterable[Member], anchors: Anchors, depth: int, partial: bool
) -> Candidates:
    """Everyone whose name is reached from the leaf's issuer, the trust store's before the others.

    At most CANDIDATES; a certificate that is in the trust store counts as that one. With `partial`,
    every trusted certificate may end a chain.
    """
    given: dict[bytes, list[Member]] = {}
    for member in intermediates:
        given.setdefault(member.subject, []).append(member)
    found = Candidates()
    known = {leaf.der}
    if partial or leaf.self_issued:
        for member in anchors(leaf.subject):
            if member.der == leaf.der and (partial or is_root(member)):
                found.add(member, root=True)
    names = [leaf.issuer]
    asked: set[bytes] = set()
    for _ in range(depth + 2):
        fresh = [name for name in dict.fromkeys(names) if name not in asked]
        asked.update(fresh)
        names = []
        for name in fresh:
            for member in (*anchors(name), *given.get(name, ())):
                if member.der in known or len(known) > CANDIDATES:
                    continue
                known.add(member.der)
                root = member.trusted and (partial or is_root(member))
                found.add(member, root)
                if not root:
                    names.append(member.issuer)
    return found


class Walk:
    """One explanation. `store` is what sentences call the trust store."""

    def __init__(self, candidates: Candidates, rules: Rules, store: str) -> None:
        self._candidates = candidates
        self._rules = rules
        self._store = store
        self._roots = {member.der for member in candidates.roots}
        self._signed: dict[tuple[bytes, bytes], bool] = {}
        self._paths = 0
        self._best: tuple[tuple[int, ...], list[Member], ChainProblem | None] | None = None

    def explain(self, leaf: Member) -> tuple[list[Member], ChainProblem | None]:
        """The most promising path from the leaf, and what is wrong with it.

        No trouble means that the walk knows of none, not that the chain is good.
        """
        self._climb([leaf])
        if self._best is None:
            return [leaf], None
        return self._best[1], self._best[2]

    def _climb(self, path: list[Member]) -> None:
        member = path[-1]
        if self._paths >= _PATHS:
            return
        if member.der in self._roots:
            self._arrived(path)
            return
        above = self._candidates.by_subject.get(member.issuer, [])
        above = [one for one in above if one.trusted or not member.trusted]
        fresh = [one for one in above if all(one.der != below.der for below in path)]
        if not fresh:
            self._end(path, self._nobody(path, circle=bool(above)))
            return
        if len(path) - 1 > self._rules.depth:
            self._end(path, self._too_long(path))
            return
        signers = [one for one in fresh if self._made_by(member, one)]
        for issuer in signers:
            self._climb([*path, issuer])
        if not signers:
            self._end(path, self._bad_signature(member, fresh[0]))

    def _arrived(self, path: list[Member]) -> None:
        troubles = list(self._troubles(path))
        firm = sum(not trouble.weak for trouble in troubles)
        troubles.sort(key=lambda trouble: trouble.weak)
        self._remember((1, -firm, -len(troubles), -len(path)), path, next(iter(troubles), None))

    def _end(self, path: list[Member], trouble: ChainProblem) -> None:
        """A path that reaches no anchor; the farther, the better it explains."""
        stale = next(filter(None, (date_trouble(one, self._rules.when) for one in path)), None)
        self._remember((0, -(stale is not None), len(path), 0), path, trouble)

    def _remember(
        self, rank: tuple[int, ...], path: list[Member], trouble: ChainProblem | None
    ) -> None:
        self._paths += 1
        if self._best is None or rank > self._best[0]:
            self._best = rank, path, trouble

    def _troubles(self, path: Sequence[Member]) -> Iterator[ChainProblem]:
        """What is wrong on a path that ends in an anchor, from the leaf upwards."""
        for i, member in enumerate(path):
            if trouble := date_trouble(member, self._rules.when):
                yield trouble
            below = i - 1 if i else None
            yield from self._rules.troubles(member, member.der in self._roots, below)
            if i and (trouble := identifier_trouble(path[i - 1], member)):
                yield trouble
        if trouble := names_trouble(path):
            yield trouble

    def _made_by(self, child: Member, issuer: Member) -> bool:
        key = (child.der, issuer.der)
        if key not in self._signed:
            if len(self._signed) >= _SIGNATURES:
                return False
            self._signed[key] = signed_by(child, issuer)
        return self._signed[key]

    def _nobody(self, path: list[Member], circle: bool) -> ChainProblem:
        last = path[-1]
        issuer = name_words(last.certificate.issuer)
        if circle and not last.self_issued:
            return ChainProblem(
                "circle",
                "the chain turns in a circle at {who} and reaches no root in {store}",
                {"who": issuer, "store": self._store},
            )
        return missing(issuer, self._store)

    def _too_long(self, path: list[Member]) -> ChainProblem:
        return ChainProblem(
            "too-long",
            "the chain above {who} is longer than {depth} CA certificates",
            {"who": path[0].words, "depth": self._rules.depth},
        )

    def _bad_signature(self, child: Member, issuer: Member) -> ChainProblem:
        return ChainProblem(
            "bad-signature",
            "the signature on {who} was not made with the key of {issuer}",
            {"who": child.words, "issuer": issuer.words},
            issuer=issuer.der,
        )


def missing(issuer: str, store: str) -> ChainProblem:
    """The trust store lacks a certificate called `issuer` (foreign text)."""
    advice = f"issuer {safe(issuer)} is not in {store}; import it first"
    return ChainProblem("missing", MISSING, {"issuer": issuer, "store": store}, (advice,))


def signed_by(child: Member, issuer: Member) -> bool:
    """Whether the signature on `child` verifies with the key of `issuer`, policy aside.

    Signatures over SHA-1 and older are checked by nobody any more; they pass here, for the walk to
    go on to the rule that refuses them.
    """
    try:
        child.certificate.verify_directly_issued_by(issuer.certificate)
    except InvalidSignature:
        return False
    except UNREADABLE:
        return hash_name(child.certificate) in _OLD_HASHES
    return True
