"""Scripts that renew a certificate of a node, one a client: what the tests here are about.

Each regenerates the certificate of a unit and restarts the service that uses it, and raises
RestartFailed where that does not come up in time.
"""


class RestartFailed(Exception):
    """The service has not come up: the old certificate may be in use, or none."""
