"""The embedded SSH server: shells, single commands, SFTP and scp, over asyncssh.

`door` knows who may come in to a node and who is there, `access` signs a connection in, `channel`
serves a shell (`terminal_channel`), a command (`batch_channel`) or SFTP (`files`), `schedule` does
what the node does by itself; `server` listens.
"""
