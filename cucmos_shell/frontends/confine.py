"""What a session's process may not do, and what it does not see."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# All that is left of the environment; everything else could steer a library.
ALLOWED = (
    "CUCMOS_DEBUG", "CUCMOS_STATE", "HOME", "LANG", "LOGNAME", "NO_COLOR", "SSH_CONNECTION",
    "SSH_ORIGINAL_COMMAND", "TERM", "TZ", "USER", "XDG_STATE_HOME",
)  # fmt: skip
ALLOWED_PREFIX = "LC_"
MAX_VALUE = 65_536

_FORKS = frozenset(("os.fork", "os.forkpty"))
_STARTS = frozenset(
    (
        "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn",
        "subprocess.Popen",
    )
)  # fmt: skip
_refused = set(_STARTS)


def _refuse(event: str, _: object) -> None:
    if event in _refused:
        raise PermissionError(f"a session starts no program ({event})")


def no_programs(*, forks: bool = False) -> None:
    """From now on this process starts no other; nothing takes that back.

    With `forks` it may still divide itself, until it is called once more without.
    """
    if not forks:
        _refused.update(_FORKS)
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_refuse)


_hooked: list[bool] = []


def clean_environment(environment: MutableMapping[str, str]) -> None:
    """Leave the allowed variables only, with a fixed PATH."""
    for name in list(environment):
        allowed = name in ALLOWED or name.startswith(ALLOWED_PREFIX)
        if not allowed or len(environment[name]) > MAX_VALUE:
            del environment[name]
    environment["PATH"] = PATH
