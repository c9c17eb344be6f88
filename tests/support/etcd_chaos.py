"""Five nodes with agents over an etcd of three members, and all that befalls them for a while."""

import contextlib
import datetime
import random
import shutil
import signal
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from etcd_hostile import Proxy
from etcd_servers import DAY, etcd_servers
from etcd_servers import name as common_name
from harness import Conversation, clock_world
from ssh_server import PROGRAM
from three_nodes import PASSWORD

from cucmos_shell.cluster import membership
from cucmos_shell.node import Node

NAMES = ("ann", "bob", "cay", "dan", "eve")
STORE = "tomcat-trust"
# Seconds that all may take to come together once nothing befalls them any more.
SETTLING = 180.0


def pem(text, key):
    """A root certificate of that name."""
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = (
        x509.CertificateBuilder(common_name(text), common_name(text), key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 900 * DAY)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(usage, critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


class Chaos:
    """Nodes, members and what was done. Each node reaches each member by a proxy of its own."""

    def __init__(self, template, folder, keys, servers, seed):
        self.random = random.Random(seed)
        self.folder, self.servers = folder, servers
        world, _ = clock_world(keys, start=time.time())
        self.world = world.replace(
            sleep=time.sleep, monotonic=time.monotonic, patience=time.monotonic, now=time.time
        )
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.proxies = {name: [Proxy(port) for port in servers.ports] for name in NAMES}
        self.agents = dict.fromkeys(NAMES)
        # Names of certificates: of those acknowledged, and of those of which nobody can tell.
        self.uploaded, self.deleted, self.unsure = set(), set(), set()
        self.kept_out = set()
        self.counts = {}
        for name in NAMES:
            shutil.copytree(template, folder / name, symlinks=True)
            shutil.copytree(servers.client, folder / name / "bus")

    def url(self, name):
        hosts = ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.proxies[name])
        return f"etcd+https://{hosts}/long"

    def say(self, name, line, *answers):
        """What a node answers in this process, and its status."""
        node = Node.open(str(self.folder / name), self.world)
        node.profile = node.profile.replace(hostname=name)
        talk = Conversation(node, level=4)
        return talk(line, *answers), talk.status

    def begin(self):
        for i, name in enumerate(NAMES):
            verb = "join" if i else "create"
            answer, status = self.say(name, f"utils cluster {verb} {self.url(name)}", PASSWORD)
            assert status == 0, answer
            self.start_agent(name)

    def held(self, name):
        """The uploads of a node."""
        snapshot = Node.open(str(self.folder / name), self.world).snapshot()
        return {row.name for row in snapshot.trust(STORE) if not row.owner}

    def start_agent(self, name):
        command = [*PROGRAM, "agent", "--state", str(self.folder / name)]
        with open(self.folder / f"{name}.log", "ab") as log:
            self.agents[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def stop_agent(self, name):
        agent, self.agents[name] = self.agents[name], None
        if agent is not None:
            agent.kill()
            agent.wait()

    # --- what people do ------------------------------------------------------------------------

    def upload(self):
        """One that nobody has had, so that it can be told afterwards where it has to be."""
        name, root = self.random.choice(NAMES), f"Root_{len(self.uploaded) + len(self.unsure)}"
        _, status = self.say(name, "set cert import trust tomcat", pem(root, self.key))
        (self.unsure if status else self.uploaded).add(root)

    def delete(self):
        """Whatever a node holds at this moment."""
        name = self.random.choice(NAMES)
        if held := sorted(self.held(name)):
            root = self.random.choice(held)
            _, status = self.say(name, f"set cert delete {STORE} {root}.pem", "yes")
            # A round may have taken it away meanwhile, or hold the store.
            (self.unsure if status else self.deleted).add(root)

    def look_after(self):
        """What a person does who looks at each node: note what was kept out there, and let go what
        others have deleted while nobody at that node could hear of it.

        Its state was put back to before, and nobody remembers the deletions any more.
        """
        for name in NAMES:
            snapshot = Node.open(str(self.folder / name), self.world).snapshot()
            self.kept_out |= {one.name for one in membership.said(snapshot)}
            if "sync confirm" in "".join(self._log(name)):
                _, status = self.say(name, "utils cluster sync confirm")
                self.counts["confirm"] = self.counts.get("confirm", 0) + (status == 0)

    def _log(self, name, lines=4):
        """The last that an agent has said."""
        return (self.folder / f"{name}.log").read_text().splitlines()[-lines:]

    def _untold(self, name):
        """Those of which the cluster may not have heard what was done on a node."""
        snapshot = Node.open(str(self.folder / name), self.world).snapshot()
        wishes = membership.wishes(snapshot).get(STORE, {})
        return {told.name for told in wishes.values()}

    # --- what befalls them ---------------------------------------------------------------------

    def kill_agent(self):
        name = self.random.choice(NAMES)
        self.stop_agent(name)
        self.start_agent(name)

    def freeze_agent(self):
        name = self.random.choice(NAMES)
        if self.agents[name]:
            self.agents[name].send_signal(signal.SIGSTOP)
            self.wait(0.5)
            self.agents[name].send_signal(signal.SIGCONT)

    def kill_member(self):
        number = self.random.randrange(3)
        self.servers.kill(number)
        self.wait(1.0)
        self.servers.start(number)

    def freeze_member(self):
        number = self.random.randrange(3)
        self.servers.signal(number, signal.SIGSTOP)
        self.wait(2.0)
        self.servers.signal(number, signal.SIGCONT)

    def partition(self):
        """A node reaches no member, or only one."""
        name = self.random.choice(NAMES)
        lost = self.random.sample(self.proxies[name], self.random.choice((2, 3)))
        for proxy in lost:
            proxy.lose()
        self.wait(2.0)
        for proxy in lost:
            proxy.passing()

    def cut(self):
        """The next answers to a node are cut off."""
        for proxy in self.proxies[self.random.choice(NAMES)]:
            proxy.cut()

    def restore(self):
        """A node's state folder is put back from a copy; what was done there since may be undone."""
        name = self.random.choice(NAMES)
        self.stop_agent(name)
        place, kept = self.folder / name, self.folder / f"{name}.kept"
        if kept.exists():
            self.unsure |= self._untold(name)
            shutil.rmtree(place)
            shutil.copytree(kept, place, symlinks=True)
            self.unsure |= self._untold(name)
            shutil.rmtree(kept)
        else:
            shutil.copytree(place, kept, symlinks=True)
        self.start_agent(name)

    def wait(self, seconds):
        """Let them be for a while, at random."""
        time.sleep(self.random.uniform(0.1, seconds))

    def run(self, seconds):
        """All of it until so many seconds have passed."""
        people = (self.upload, self.upload, self.delete)
        faults = (self.kill_agent, self.freeze_agent, self.kill_member, self.freeze_member,
                  self.partition, self.cut, self.restore)  # fmt: skip
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for act in (*self.random.choices(people, k=4), self.random.choice(faults)):
                act()
                self.look_after()
                self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1

    def settle(self):
        """What all nodes hold, once it is the same and nobody has anything to tell."""
        self.servers.wait()
        assert [name for name, agent in self.agents.items() if agent.poll() is not None] == []
        end = time.monotonic() + SETTLING
        while True:
            self.look_after()
            sets = [self.held(name) for name in NAMES]
            said, status = self.say("ann", "show cert distribution")
            if status == 0 and said.count("in sync") == 5 and all(one == sets[0] for one in sets):
                # What was kept out last may have been while the sets were read.
                self.look_after()
                return sets[0]
            logs = [self._log(name) for name in NAMES]
            lacking = [sorted(set().union(*sets) - one) for one in sets]
            assert time.monotonic() < end, (logs, lacking, said)
            time.sleep(0.5)

    def close(self):
        for name in NAMES:
            self.stop_agent(name)
        for proxies in self.proxies.values():
            for proxy in proxies:
                proxy.close()


@contextlib.contextmanager
def chaos(template, folder, keys, seed):
    """Nodes and members that are gone afterwards."""
    with (
        etcd_servers() as servers,
        contextlib.closing(Chaos(template, folder, keys, servers, seed)) as made,
    ):
        made.begin()
        yield made
