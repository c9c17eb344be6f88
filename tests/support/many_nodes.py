"""Many nodes served by one process: `python many_nodes.py FOLDER...` prints their ports in a line.

Ends with SIGTERM. Each folder holds a node that has an administrator.
"""

import asyncio
import socket
import sys

from cucmos_shell.frontends.host import Host
from cucmos_shell.frontends.sshd.door import Door
from cucmos_shell.frontends.sshd.host_keys import host_keys
from cucmos_shell.frontends.sshd.server import SshServer
from cucmos_shell.frontends.sshd.watch import Watch
from cucmos_shell.node import Node
from cucmos_shell.world import World


def _server(folder, world, host):
    """The door of the node in `folder`, its SSH server, and its port."""
    node = Node.open(folder, world)
    keys = host_keys(node.layout, legacy=False)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    door = Door(node, host)
    return door, SshServer(door, listener, keys, legacy=False), listener.getsockname()[1]


async def serve(folders):
    """Serve all of them until a signal ends it."""
    world, host = World.real(), Host()
    found = (_server(folder, world, host) for folder in folders)
    doors, servers, ports = zip(*found, strict=True)
    await host.run((*servers, Watch(doors, host)), lambda: print(*ports, flush=True))


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
