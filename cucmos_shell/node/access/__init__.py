"""Who may use the node: accounts, passwords, SSH keys, and the sessions that are open."""
