"""Secrets under a password, in a process that has threads."""

import subprocess
import sys

MANY = """
from concurrent.futures import ThreadPoolExecutor
from cucmos_shell.pki.sealed import lock, unlock

def there_and_back(i):
    secret = bytes([i])
    return unlock("word", lock("word", secret, b"it"), b"it") == secret

with ThreadPoolExecutor(4) as pool:
    print(all(pool.map(there_and_back, range(6))))
"""


def test_threads_lock_and_unlock_at_once():
    """As nodes do that join a cluster in one process."""
    done = subprocess.run(
        [sys.executable, "-c", MANY], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
