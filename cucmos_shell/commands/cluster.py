"""The node's cluster: into it, out of it, one round with it, and who has what."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.node.tasks import agent, bus_files, joining
from cucmos_shell.node.tasks.standing import Standing, standing
from cucmos_shell.results import TEXT, WHOLE, Ask, Commit, Notice, Secret, each, maybe, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.node.tasks.agent import Synced
    from cucmos_shell.results import Conversation

family = Family()

URL = Argument(
    "url",
    "where the cluster's bus is: dir:PATH, a folder on this machine, or"
    " etcd+https://HOST:PORT,HOST:PORT,HOST:PORT/NAME",
)
NODE = Argument("hostname", "host name of a node of the cluster")
STORE = Argument("store", "trust store", choices=lambda node: node.profile.distribution.stores)
ENTERED = record(cluster=TEXT, service=TEXT)
QUESTION = "Please enter the security password : "


@family.command(
    "utils cluster create <url>",
    level=4,
    changes=True,
    arguments=(URL,),
    examples=("utils cluster create dir:../bus",),
    form=ENTERED,
)
def create(node: Node, url: str) -> Conversation[Notice]:
    """Begin a cluster with this node.

    Its nodes share trust certificates over a bus: a folder on this machine, relative to the node's
    state folder, or an etcd. They trust each other by the security password. What an etcd asks of a
    node is taken from the upload area, as utils cluster credentials does.
    """
    password = yield Secret(QUESTION)
    joining.refuse_if_joined(node)
    yield from _take_uploaded(node)
    member = yield from joining.create(node, url, password)
    return _entered(node, member.cluster, "The cluster {} begins with this node")


@family.command(
    "utils cluster join <url>",
    level=4,
    changes=True,
    arguments=(URL,),
    examples=("utils cluster join dir:../bus",),
    form=ENTERED,
)
def join(node: Node, url: str) -> Conversation[Notice]:
    """Become a node of a cluster.

    What was uploaded to this node's trust stores before goes to all nodes with the next round, and
    theirs comes here; what was deleted there is kept out. What an etcd asks of a node is taken from
    the upload area, as utils cluster credentials does.
    """
    password = yield Secret(QUESTION)
    joining.refuse_if_joined(node)
    yield from _take_uploaded(node)
    member = yield from joining.join(node, url, password)
    return _entered(node, member.cluster, "This node belongs to the cluster {} now")


def _take_uploaded(node: Node) -> Conversation[None]:
    if bus_files.are_uploaded(node):
        yield Commit(lambda _: bus_files.take(node))


@family.command("utils cluster credentials", level=4, changes=True, form=record(names=each(TEXT)))
def credentials(node: Node) -> Conversation[Notice]:
    """Take what an etcd asks of this node from the upload area.

    bus-ca.pem is the certificate of the CA that the etcd's certificates are of, bus-cert.pem the
    node's certificate for it, bus-key.pem its private key, without a password. They leave the
    upload area and take the place of the former ones.
    """
    yield Commit(lambda _: bus_files.take(node))
    return Notice(
        ("The bus is used with the files of the upload area from now on",),
        {"names": [bus_files.UPLOADED + name for name in bus_files.NAMES]},
    )


def _entered(node: Node, cluster: str, done: str) -> Notice:
    service = node.profile.distribution.service
    lines = [done.format(cluster)]
    if not node.services.running(service):
        lines.append(f"Nothing is told or applied until {service} is started")
    return Notice(tuple(lines), {"cluster": cluster, "service": service})


@family.command(
    "utils cluster leave",
    level=4,
    changes=True,
    form=maybe(record(cluster=TEXT, others_not_told=maybe(TEXT))),
)
def leave(node: Node) -> Conversation[Notice]:
    """Leave the cluster. Uploaded certificates stay; copies of the others' own ones go."""
    member = agent.joined(node.snapshot())
    if (yield Ask("Continue (yes|no)? ")) != "yes":
        return Notice(("Nothing was changed",))
    trouble = yield from joining.leave(node)
    lines = ["This node belongs to no cluster now"]
    if trouble:
        lines += [f"The others were not told: {trouble}", "There: utils cluster remove"]
    return Notice(tuple(lines), {"cluster": member.cluster, "others_not_told": trouble or None})


@family.command(
    "utils cluster remove <hostname>",
    level=4,
    changes=True,
    arguments=(NODE,),
    form=maybe(record(hostname=TEXT, units_to_replace=each(TEXT))),
)
def remove(node: Node, hostname: str) -> Conversation[Notice]:
    """Take another node out of the cluster; nothing that it tells is heard any more.

    Multi-server certificates whose private key it has are named: ask the CA for new ones.
    """
    agent.joined(node.snapshot())
    if (yield Ask("Continue (yes|no)? ")) != "yes":
        return Notice(("Nothing was changed",))
    units = joining.remove(node, hostname)
    lines = [f"{hostname} is no node of the cluster now"]
    lines += [
        f"It knows the private key of the multi-server certificate of {unit}: replace it"
        for unit in units
    ]
    return Notice(tuple(lines), {"hostname": hostname, "units_to_replace": units})


@family.command(
    "utils cluster sync [confirm]", level=1, own=True, changes=True, form=agent.Synced.form
)
def sync(node: Node, confirm: bool = False) -> Conversation[Synced]:
    """Tell the cluster what was changed here, and apply what it says: one round.

    The server and `cucmos-shell agent` do it by themselves. Where a large part of a trust store
    would go although nobody deleted it, nothing is changed; `confirm` lets it go. A node that has
    just joined takes nothing that no other node has confirmed; `confirm` takes it.
    """
    return (yield from agent.sync(node, confirmed=confirm))


@family.command("utils cluster rebuild", level=1, changes=True, form=record(told=WHOLE))
def rebuild(node: Node) -> Conversation[Notice]:
    """Tell a bus that was lost, emptied or put back from a copy all that this node knows.

    Nothing is deleted by it. Run it on every node. A bus that is not there is made anew.
    """
    agent.joined(node.snapshot())
    password = yield Secret(QUESTION)
    count = yield from joining.rebuild(node, password)
    return Notice((f"Told to the cluster: {count}",), {"told": count})


@family.command(
    "show cert distribution [<store>]", level=0, own=True, arguments=(STORE,), form=Standing.form
)
def show_distribution(node: Node, store: str = "") -> Standing:
    """Show what of the trust stores the cluster shares, and which node has applied what.

    Untold is what was changed here since the last round, kept out what the cluster says was
    deleted.
    """
    return standing(node, store)
