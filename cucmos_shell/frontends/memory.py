"""Memory that a process which serves many gives back to the system when nobody uses it."""

from __future__ import annotations

# As in the C library's malloc.h. What is freed at the end of a heap stays there up to so much, and
# a block from so much on is none of a heap: answers of SFTP, of half of that, are made often.
M_TRIM_THRESHOLD, TRIM = -1, 1024 * 1024
M_MMAP_THRESHOLD, LARGE = -3, 512 * 1024


def give_back() -> None:
    """Have the C library return what was freed, for all that this process does from now on.

    By itself glibc takes each large block that was freed, up to 32 MiB, as a sign that more will
    come, and keeps as much and twice that in each thread's heap; a word of ours ends that habit
    (mallopt(3), M_MMAP_THRESHOLD). Elsewhere nothing is changed.
    """
    _call("mallopt", M_TRIM_THRESHOLD, TRIM)
    _call("mallopt", M_MMAP_THRESHOLD, LARGE)


def trim() -> None:
    """Return what is free in the middle of heaps, too, of all threads: it takes milliseconds."""
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    """Call a function of the C library, if it has one of that name."""
    try:
        import ctypes

        function = getattr(ctypes.CDLL(None), name)
    except (ImportError, OSError, AttributeError):
        return
    function(*numbers)
