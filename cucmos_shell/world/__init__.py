"""The outside, as callables that a test can replace; one file a protocol, imported when it is used.

Every function that goes over the network ends by its deadline whatever the other side does, and
raises `unanswered.Unanswered` with a reason for people when it has nothing better.
"""

from __future__ import annotations

from cucmos_shell.world.world import World

__all__ = ["World"]
