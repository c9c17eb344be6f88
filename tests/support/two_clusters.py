"""Two clusters of two nodes each in one process, which reach each other's feeds by host names."""

import hashlib
from base64 import b64encode
from functools import partial

from three_nodes import Cluster

from cucmos_shell.frontends.feed_route import WHO
from cucmos_shell.node.tasks.offering import FeedOffer
from cucmos_shell.world.https import OtherCertificate
from cucmos_shell.world.unanswered import Unanswered

EAST, WEST = ("ann", "bob"), ("eve", "fay")
PASSWORD = "Gold-Meadow8"


def answered(offer, since, credentials):
    """Status and body for a question, as a server asks for them."""
    claim = offer.claim(credentials)
    if claim is None or not (claim.known or offer.proves(claim)):
        return 401, WHO
    return offer.answer(since)


class Network:
    """Who answers by which name. `liars` answer in place of nodes, `down` are those that do not."""

    def __init__(self):
        self.nodes = {}
        self.liars = {}
        self.down = set()
        self.asked = []

    def certificate(self, host, port, seconds):
        """What `World.server_certificate` gives."""
        if host not in self.nodes or host in self.down:
            raise Unanswered(f"{host} port {port}: Connection refused")
        return self.nodes[host]().snapshot().own_der("tomcat")

    def https(self, question):
        """What `World.https` gives."""
        found = hashlib.sha256(self.certificate(question.host, question.port, 1.0)).hexdigest()
        if found != question.pin:
            raise OtherCertificate(found)
        self.asked.append(question.path)
        if question.host in self.liars:
            return self.liars[question.host](question)
        who = b64encode(f"{question.account}:{question.password}".encode()).decode()
        since = question.path.partition("?since=")[2] or None
        status, body = answered(FeedOffer(self.nodes[question.host]()), since, f"Basic {who}")
        if status != 200:
            raise Unanswered(f"it answered {status} {body.decode().strip()}")
        return body


class Peers:
    """`east` has ann and bob, `west` eve and fay; each follows the other by its first node."""

    def __init__(self, template, folder, keys, **outside):
        def make(names, **world):
            return Cluster(template, folder, keys, names, **world, **outside)

        self._reach(partial(make, EAST), partial(make, WEST))

    def _reach(self, *making):
        self.network = Network()
        https, certificate = self.network.https, self.network.certificate
        self.east, self.west = (
            make(https=https, server_certificate=certificate) for make in making
        )
        for name in (*EAST, *WEST):
            self.network.nodes[name] = lambda name=name: self.of(name).node(name)

    def copy(self, folder, keys):
        """The same in another folder, as of now."""
        made = object.__new__(Peers)
        made._reach(*(partial(one.copy, folder, keys) for one in (self.east, self.west)))
        return made

    def of(self, name):
        """The cluster of a node."""
        return self.east if name in EAST else self.west

    def say(self, name, line, *answers, status=0):
        return self.of(name).say(name, line, *answers, status=status)

    def begin(self):
        """Both clusters are there, and follow each other."""
        for cluster, first in ((self.east, "ann"), (self.west, "eve")):
            cluster.begin()
            self.say(first, "set cluster feed other", PASSWORD, PASSWORD)
        self.say("ann", "set cluster peer west eve account other", PASSWORD, "yes")
        self.say("eve", "set cluster peer east ann account other", PASSWORD, "yes")
        self.settle()
        return self

    def settle(self):
        """Rounds of all nodes, and looks at the feeds between them."""
        for _ in range(2):
            self.east.settle()
            self.west.settle()
            for name in ("ann", "eve"):
                self.say(name, "utils cluster peer sync", status=None)
        self.east.settle()
        self.west.settle()
