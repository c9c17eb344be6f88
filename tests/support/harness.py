"""What tests share: a clock, keys from a pool, a conversation without a terminal."""

import itertools

from key_watch import WATCH

from cucmos_shell.results import Ask, AskText, Done, Paste, Pause, Say, Secret
from cucmos_shell.session import Session
from cucmos_shell.world import World
from cucmos_shell.world import world as real

START = 1_795_000_000.0  # 2026-11-18T11:06:40Z


# One row of numbers for the whole run: keys are used again, so equal numbers would make equal
# certificates, and a regenerated one would be the old one.
SERIALS = itertools.count(0x4000_0000_0000_0000)


# For a process that prints its peak memory in KiB. `ru_maxrss` begins with the peak of whoever
# started the process, which a long test run has driven up.
PRINT_PEAK = """
with open("/proc/self/status") as file:
    print(next(line.split()[1] for line in file if "VmHWM" in line))
"""


class Clock:
    """Time that moves only when told to, or slept."""

    def __init__(self, start=START):
        self.time = start

    def __call__(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


class Keys:
    """Real keys, each kind made a few times and then handed out in turn."""

    SIZE = 12

    def __init__(self):
        self._made = {}
        self._turn = {}

    def __call__(self, kind):
        made = self._made.setdefault(kind, [])
        turn = self._turn[kind] = self._turn.get(kind, -1) + 1
        if len(made) < self.SIZE:
            # An installation asks from several threads: each gets the key it made.
            key = real.new_key(kind)
            made.append(key)
            return key
        return made[turn % self.SIZE]


class Syslog(list):
    """A syslog that takes everything and keeps it: `(target, severity, text)`."""

    def __call__(self, target, lines):
        self.extend((target, severity, text) for severity, text in lines)
        WATCH.received("".join(text for _, text in lines))


def clock_world(keys, start=START, **outside):
    """`(world, clock)`: serial numbers count up, keys come from `keys`.

    The network is real but for this machine's syslog; `outside` replaces parts of the world.
    """
    clock = Clock(start)
    made = World(
        now=clock,
        monotonic=clock,
        patience=clock,
        sleep=clock.sleep,
        new_key=keys,
        new_serial=lambda: next(SERIALS),
        **{"syslog": Syslog(), **outside},
    )
    return made, clock


class Conversation:
    """Runs lines in a session; `answers` are given to questions and pastes in turn."""

    def __init__(self, node, **options):
        self.node = node
        self.session = Session(node, **options)
        self.status = 0
        self.asked = []

    def __call__(self, line, *answers):
        """The text `line` printed; a question that finds no answer left is broken off by Ctrl-C."""
        execution = self.session.execute(line)
        given = iter(answers)
        text = []
        event = execution.step()
        while not isinstance(event, Done):
            answer = None
            if isinstance(event, Say):
                text.append(event.text)
            elif isinstance(event, Pause):
                self.node.world.sleep(event.seconds)
            elif isinstance(event, Ask | AskText | Secret | Paste):
                self.asked.append(event.prompt)
                answer = next(given, None)
                if answer is None and self.session.interactive:
                    event = execution.interrupt()
                    continue
            event = execution.step(answer)
        self.status = event.status
        WATCH.received("".join((*text, *self.asked)))
        return "".join(text)
