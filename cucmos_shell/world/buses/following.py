"""Following a bus that has to be asked: often while something happens, else seldom."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cucmos_shell.world.bus import Changes

SHORTEST, LONGEST = 0.02, 0.2  # seconds between two looks
_SLOWER = 1.25  # so that the longest is reached in about a second


def follow(
    after: Callable[[int], tuple[int, tuple[Changes, ...]]],
    revision: int,
    stop: Callable[[], bool],
    wait: Callable[[float], object],
) -> Iterator[Changes]:
    """What `Bus.watch` gives; `after(revision)` is the bus's own revision, and what came since."""
    pause = SHORTEST
    while not stop():
        # The bus's revision and not that of the last change: others may have been compacted since.
        revision, found = after(revision)
        for changes in found:
            yield changes
            if stop():
                return
        pause = SHORTEST if found else min(pause * _SLOWER, LONGEST)
        wait(pause)
