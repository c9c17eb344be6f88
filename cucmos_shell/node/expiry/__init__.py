"""Which certificates end, what was said about it, and the mail that waits."""
