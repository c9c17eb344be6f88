"""Terminals, files and sockets: where a person or a program meets a session.

`start` reads the `options` and chooses: `batch`, `console` (over `tty`), `rich`, `reference`, or
the SSH server in `sshd`. `who` says whose session it is, `confine` what its process may not do.
"""
