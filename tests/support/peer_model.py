"""A model of clusters that follow each other: random histories, invariants, and planted faults.

Three clusters, each one log, and four certificates. People put in and delete; a cluster reads the
feed of another, at once or one that was caught earlier; a log is told anew, or begins a new era;
tombstones are collected. What a feed says is made and read by the real functions; the rules are
those of `cluster.taking`. At the end everybody reads everything until nothing changes.

An onlooker gives each life a number of its own, which no rule sees, and keeps which of them a
cluster had heard of when somebody there deleted the certificate.
"""

import dataclasses
import hashlib
import json

from histories import Broken, demand

from cucmos_shell.cluster import feed, taking
from cucmos_shell.cluster.entries import LogLine, Meta
from cucmos_shell.cluster.rules import Entry
from cucmos_shell.cluster.taking import Marks

SITES, KEYS, STORE = 3, 4, "tomcat-trust"
DERS = [b"certificate %d" % n for n in range(KEYS)]
NAMES = [(STORE, hashlib.sha256(der).hexdigest()) for der in DERS]
ROUNDS = 12


class Rules:
    """The rules under test; a planted fault replaces one."""

    letters = ""
    take = staticmethod(taking.take)
    words = staticmethod(feed.words)
    keeps_heard = True
    keeps_begin = True
    offers_all = False

    def since(self, meta):
        return meta


@dataclasses.dataclass
class Row:
    """An entry as a log has it; `life` is the onlooker's number. `there`: it is not collected.

    `anew`: an era has begun since its life did.
    """

    line: LogLine
    life: int
    anew: bool = False
    there: bool = True


class Site:
    """One cluster."""

    def __init__(self, name):
        self.name = name
        self.meta = Meta(name, "era", 0, 0, b"", number=1)
        self.revision = 0
        self.rows = {}
        self.read = {}  # peer → (number, revision) of the last feed that counted
        self.heard = {}  # (peer, key) → lives that were heard of
        self.blocked = {}  # key → lives that are not to come back here

    def say(self, key, present, life, marks, anew=False, **more):
        self.revision += 1
        entry = Entry(present, self.revision, "")
        der = DERS[NAMES.index(key)] if present else b""
        row = LogLine(entry, "", "", "", "", 0.0, "", der, marks=marks, **more)
        self.rows[key] = Row(row, life, anew)

    def present(self, key):
        return key in self.rows and self.rows[key].line.entry.present

    def marks(self, key):
        return self.rows[key].line.marks if key in self.rows else Marks()

    def own(self, key):
        """Whether it offers the certificate."""
        return self.present(key) and not self.marks(key).origin


class World:
    """All of them."""

    def __init__(self, under_test=None):
        self.rules = under_test or Rules()
        self.sites = [Site(name) for name in ("ann", "bob", "cay")[:SITES]]
        self.caught = {}
        self.lives = 0

    # --- people ----------------------------------------------------------------------------------

    def put(self, site, key):
        if not site.present(key):
            self.lives += 1
            site.say(key, True, self.lives, site.marks(key).replace(origin=""))
            site.blocked.pop(key, None)

    def delete(self, site, key):
        if site.present(key):
            marks = site.marks(key).replace(origin="") if self.rules.keeps_heard else Marks()
            site.say(key, False, 0, marks)
            lives = [lives for (_, k), lives in site.heard.items() if k == key]
            site.blocked[key] = set().union(*lives)

    # --- what becomes of a log -------------------------------------------------------------------

    def rebuild(self, site):
        """A lost log is told anew."""
        since = site.revision
        site.meta = site.meta.replace(number=site.meta.number + 1, since=since)
        for key, row in list(site.rows.items()):
            line = row.line
            was = line.entry.revision
            site.say(key, line.entry.present, row.life, line.marks, True, was=was)

    def new_era(self, site):
        """A log that has lost nothing is told to be complete."""
        site.meta = site.meta.replace(number=site.meta.number + 1, since=site.revision)
        for row in site.rows.values():
            row.anew = True

    def collect(self, site):
        for row in site.rows.values():
            row.there = row.line.entry.present

    # --- feeds -----------------------------------------------------------------------------------

    def catch(self, source, since=None):
        """The feed now, with the onlooker's numbers of what it offers."""
        lines = {
            key: row.line
            for key, row in source.rows.items()
            if row.there and (since is None or row.line.entry.revision > since)
        }
        if self.rules.offers_all:
            lines = {key: line.replace(marks=Marks()) for key, line in lines.items()}
        meta = self.rules.since(source.meta)
        data = feed.made(meta, source.revision, lines, full=since is None)
        lives = {key: row.life for key, row in source.rows.items() if source.own(key)}
        return feed.read(json.dumps(data).encode()), lives

    def deliver(self, site, caught):
        """What `tell_words` does with a feed."""
        found, lives = caught
        peer = found.cluster
        now = found.number, found.revision
        if taking.went_back(site.read.get(peer, (0, 0)), now):
            return
        site.read[peer] = now
        heard = {key: row.line.marks.heard.get(peer) for key, row in site.rows.items()}
        heard = {key: one for key, one in heard.items() if one is not None}
        for key, word in self.rules.words(found, heard, (STORE,)).items():
            row = site.rows.get(key)
            entry = row.line.entry if row else None
            done = self.rules.take(entry, site.marks(key), peer, word)
            self.do(site, peer, key, done, lives.get(key, 0))
            if word.present:
                site.heard.setdefault((peer, key), set()).add(lives.get(key, 0))

    def do(self, site, peer, key, done, life):
        row = site.rows.get(key)
        if done.what == taking.PUT:
            if row and not row.line.marks.origin:
                demand((peer, key) in site.heard, "B", f"{peer} was never heard of it before")
                demand(life not in site.blocked.get(key, ()), "B", f"{life} came back")
            site.say(key, True, life, done.marks)
        elif done.what == taking.DROP:
            demand(site.marks(key).origin == peer, "O", f"{peer} deletes what is not its own")
            site.say(key, False, 0, done.marks)
        elif done.what in (taking.NOTE, taking.KEEP_OUT):
            if done.what == taking.KEEP_OUT:
                demand((peer, key) not in site.heard, "K", f"{peer} was heard of it before")
                site.blocked.setdefault(key, set()).add(life)
            line = row.line
            begun = line.begun or (0 if line.was else line.entry.revision)
            more = {"was": line.was or line.entry.revision}
            if self.rules.keeps_begin:
                more["begun"] = begun
            site.say(key, line.entry.present, row.life, done.marks, row.anew, **more)

    # --- histories -------------------------------------------------------------------------------

    def step(self, octet):
        site = self.sites[octet % SITES]
        other = self.sites[(octet + 1 + octet // SITES % 2) % SITES]
        key, what = NAMES[octet // 6 % KEYS], octet // 24
        if what < 3:
            self.put(site, key)
        elif what < 5:
            self.delete(site, key)
        elif what < 6:
            self.caught[site.name, other.name] = self.catch(other)
        elif what < 7:
            late = self.caught.get((site.name, other.name))
            self.deliver(site, late or self.catch(other, site.read.get(other.name, (0, 0))[1]))
        elif what < 9:
            self.deliver(site, self.catch(other))
        elif octet % 4 == 0:
            self.rebuild(site)
        elif octet % 4 == 1:
            self.new_era(site)
        else:
            self.collect(site)

    def run(self, octets):
        """The history, and then everybody reads everything; the invariants."""
        for octet in octets:
            self.step(octet)
        for _ in range(ROUNDS):
            before = [site.revision for site in self.sites]
            for site in self.sites:
                for other in self.sites:
                    if other is not site:
                        self.deliver(site, self.catch(other))
            if before == [site.revision for site in self.sites]:
                self.check()
                return
        raise Broken("A: the clusters do not come to an end")

    # --- invariants ------------------------------------------------------------------------------

    def check(self):
        for source in self.sites:
            for site in self.sites:
                for key in NAMES if site is not source else ():
                    self.check_pair(source, site, key)

    def check_pair(self, source, site, key):
        ours = site.marks(key).origin == source.name and site.present(key)
        demand(not ours or source.own(key), "L", f"{site.name} has what {source.name} has not")
        if not source.own(key) or site.present(key):
            return
        demand(not site.marks(key).origin, "D", f"{site.name} lacks what {source.name} offers")
        row = source.rows[key]
        kept = row.life in site.blocked.get(key, ())
        demand(kept or row.anew, "N", f"{site.name} lacks a new life of {source.name}")


# --- planted faults ------------------------------------------------------------------------------


def _fault(letters, **overrides):
    return type("Planted", (Rules,), {**overrides, "letters": letters})


def _taking(**changes):
    """`take` with a change of what it is given."""

    def take(entry, marks, peer, word):
        for name, change in changes.items():
            if name == "word":
                word = change(word)
            else:
                marks = change(marks, peer)
        return taking.take(entry, marks, peer, word)

    return staticmethod(take)


def _no_absence(found, heard, stores):
    return feed.words(found.replace(full=False), heard, stores)


def _first_word_counts(entry, marks, peer, word):
    done = taking.take(entry, marks, peer, word)
    if done.what == taking.KEEP_OUT:
        return taking.Taking(taking.PUT, done.marks.replace(origin=peer))
    return done


def _anything_goes(entry, marks, peer, word):
    done = taking.take(entry, marks, peer, word)
    if not word.present and entry and entry.present and done.what == taking.NOTE:
        return taking.Taking(taking.DROP, done.marks)
    return done


def _nobody_else(entry, marks, peer, word):
    done = taking.take(entry, marks, peer, word)
    if not word.present and done.what == taking.NOTE and marks.origin == peer:
        return taking.Taking(taking.DROP, done.marks.replace(origin=peer))
    return done


def _never_heard(marks, peer):
    return marks.replace(heard={p: h for p, h in marks.heard.items() if p != peer})


FAULTS = {
    "what was taken is offered on": _fault("LA", offers_all=True),
    "a deletion forgets what was heard": _fault("KN", keeps_heard=False),
    "what is told anew is a new life": _fault(
        "B", take=_taking(word=lambda word: word._replace(again=False))),
    "a new era is a new life": _fault("B", since=lambda self, meta: meta.replace(since=0)),
    "what is absent is not deleted": _fault("L", words=staticmethod(_no_absence)),
    "another that has it is not asked": _fault("D", take=staticmethod(_nobody_else)),
    "the first word undoes a deletion": _fault("B", take=staticmethod(_first_word_counts)),
    "a peer deletes what is not its own": _fault("O", take=staticmethod(_anything_goes)),
    "nothing is ever heard": _fault("NADK", take=_taking(marks=_never_heard)),
    "a note begins a life": _fault("N", keeps_begin=False),
}  # fmt: skip
