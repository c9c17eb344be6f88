"""Histories by chance, in which a fault that is planted in a model has to be noticed."""

import random


class Broken(AssertionError):
    """An invariant does not hold; its letter comes first."""


def demand(true, letter, what):
    """Raise Broken unless it is true."""
    if not true:
        raise Broken(f"{letter}: {what}")


def noticed(run, name, letters, *, turns, longest):
    """Run histories until one breaks an invariant with one of `letters`; an error if none does."""
    chance = random.Random(name)
    found = set()
    for _ in range(turns):
        try:
            run(chance.randbytes(chance.randrange(6, longest)))
        except Broken as broken:
            found.add(str(broken)[0])
            if found & set(letters):
                return
    raise AssertionError(f"nothing noticed; only {found}")
