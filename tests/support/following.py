"""Following a bus as agents do: by asking, again and again, what has come since."""

PAUSE = 0.02


def follow(bus, prefix, revision, stop, wait):
    """Each revision once, from the one after `revision` on, until `stop` says so.

    `wait` is given the seconds between two looks.
    """
    while not stop():
        for changes in bus.since(prefix, revision):
            revision = changes.revision
            yield changes
        wait(PAUSE)
