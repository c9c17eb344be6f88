"""An etcd of three members on this machine, with mutual TLS; its files lie in memory where they can."""

import contextlib
import datetime
import functools
import ipaddress
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BOTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
HERE = x509.SubjectAlternativeName(
    [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
)
DAY = datetime.timedelta(days=1)
READY = 60.0  # seconds


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _is_frozen(pid):
    """Whether no thread goes on: a signal says only that they are to stop."""
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/stat")
    return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


class EtcdAuthority:
    """Makes certificates of one CA for etcd, in folders with `ca.pem`, `cert.pem`, `key.pem`."""

    def __init__(self, text="etcd CA"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = name(text)
        self.certificate = self._sign(self._name, self._key, 0, True)

    def _sign(self, subject, key, days_ago, ca=False, names=HERE):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder(self._name, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY - days_ago * DAY)
            .not_valid_after(now + DAY - days_ago * DAY)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if not ca:
            builder = builder.add_extension(BOTH, False).add_extension(names, False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, folder, subject="node", days_ago=0, names=HERE):
        """A folder with a certificate, its key and the CA's certificate; `days_ago` ends it early."""
        folder.mkdir(parents=True)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name(subject), key, days_ago, names=names)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for file, data in (
            ("ca.pem", self.certificate.public_bytes(Encoding.PEM)),
            ("cert.pem", certificate.public_bytes(Encoding.PEM)),
            ("key.pem", private),
        ):
            (folder / file).write_bytes(data)
            (folder / file).chmod(0o600)
        return folder


def free_ports(count):
    """Ports that nobody uses at this moment."""
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [one.getsockname()[1] for one in sockets]


class EtcdServers:
    """Members 0, 1, 2. `client` is a folder with what a node needs."""

    def __init__(self, folder, count=3):
        self.folder = folder
        self.authority = EtcdAuthority()
        self.client = self.authority.issue(folder / "client")
        self._served = self.authority.issue(folder / "server", "server")
        ports = free_ports(2 * count)
        self.ports, self._peers = ports[:count], ports[count:]
        self.hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        self._token = "first"
        self._running = [None] * count

    def address(self, bus="test"):
        """The address of a bus."""
        return f"etcd+https://{self.hosts}/{bus}"

    def start(self, *numbers):
        """Start members, all by default, and wait until they answer."""
        for number in numbers or range(len(self.ports)):
            self._running[number] = self._begun(number)
        self.wait(*numbers)
        return self

    def _begun(self, number):
        peer = f"https://127.0.0.1:{self._peers[number]}"
        client = f"https://127.0.0.1:{self.ports[number]}"
        files = [("cert-file", "cert"), ("key-file", "key"), ("trusted-ca-file", "ca")]
        options = {
            "name": f"m{number}",
            "data-dir": self.data(number),
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "initial-cluster": self._cluster(),
            "initial-cluster-token": self._token,
            "logger": "zap",
            "log-level": "error",
            **{option: self._served / f"{file}.pem" for option, file in files},
            **{f"peer-{option}": self._served / f"{file}.pem" for option, file in files},
        }
        command = ["etcd", "--client-cert-auth", "--peer-client-cert-auth"]
        command += [f"--{key}={value}" for key, value in options.items()]
        if shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with open(self.folder / f"m{number}.log", "ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=self._environment())

    def _environment(self):
        plain = {key: value for key, value in os.environ.items() if not key.startswith("ETCD")}
        return {**plain, "ETCDCTL_API": "3"}

    def _cluster(self):
        return ",".join(f"m{i}=https://127.0.0.1:{port}" for i, port in enumerate(self._peers))

    def data(self, number):
        """The folder with what a member knows."""
        return self.folder / f"m{number}.data"

    def control(self, *words, member=0, check=True):
        """What `etcdctl` says."""
        command = [
            "etcdctl", f"--endpoints=https://127.0.0.1:{self.ports[member]}",
            f"--cacert={self.client}/ca.pem", f"--cert={self.client}/cert.pem",
            f"--key={self.client}/key.pem", *map(str, words),
        ]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, env=self._environment(), check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if check else done.returncode

    def wait(self, *numbers):
        """Wait until members answer, which they do once there is a leader."""
        end = time.monotonic() + READY
        for number in numbers or range(len(self.ports)):
            while self.control("endpoint", "health", member=number, check=False):
                assert time.monotonic() < end, (self.folder / f"m{number}.log").read_text()[-2000:]

    def leader(self):
        """The number of the leader."""
        for number, running in enumerate(self._running):
            if running is not None:
                fields = self.control("endpoint", "status", "-w", "fields", member=number)
                values = dict(line.split(" : ", 1) for line in fields.splitlines() if ":" in line)
                if values['"Leader"'] == values['"MemberID"']:
                    return number
        raise AssertionError("no leader")

    def signal(self, number, what):
        """Send a signal to a member: SIGSTOP and SIGCONT freeze it and let it go on."""
        running = self._running[number]
        running.send_signal(what)
        while what == signal.SIGSTOP and not _is_frozen(running.pid):
            time.sleep(0.001)

    def kill(self, *numbers):
        """End members at once, all by default."""
        for number in numbers or range(len(self.ports)):
            running, self._running[number] = self._running[number], None
            if running is not None:
                running.kill()
                running.wait()

    def keep(self, path):
        """Keep a copy of what there is, as an administrator would."""
        self.control("snapshot", "save", path)

    def put_back(self, path):
        """Put a copy back on all members, and start them."""
        self.kill()
        self._token = "again"
        for number, port in enumerate(self._peers):
            shutil.rmtree(self.data(number))
            self.control(
                "snapshot", "restore", path, "--name", f"m{number}", "--data-dir",
                self.data(number), "--initial-cluster", self._cluster(),
                "--initial-cluster-token", self._token, "--skip-hash-check",
                "--initial-advertise-peer-urls", f"https://127.0.0.1:{port}",
            )  # fmt: skip
        self.start()


def memory_folder():
    """A folder in memory, where there is some."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return pathlib.Path(tempfile.mkdtemp(prefix="etcd-", dir=base))


@contextlib.contextmanager
def etcd_servers(count=3):
    """Members that are gone afterwards, with all they knew."""
    folder = memory_folder()
    servers = EtcdServers(folder, count)
    try:
        yield servers.start()
    finally:
        servers.kill()
        shutil.rmtree(folder)


_stack = contextlib.ExitStack()


@functools.cache
def shared_etcd():
    """Those that the tests of a process share; each takes a bus of another name."""
    return _stack.enter_context(etcd_servers())


def end_shared_etcd():
    """End them, if there are any."""
    _stack.close()
    shared_etcd.cache_clear()
