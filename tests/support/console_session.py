"""A small session, run at the terminal it is started on: what the console's tests talk to.

It follows the contract of `cucmos_shell.session.session` without a node behind it:
`python console_session.py [--idle SECONDS | --broken | --rich [SECONDS]]`.
"""

import contextlib
import os
import sys
import time

from cucmos_shell.cli.suggest import Completion, Menu, MenuEntry
from cucmos_shell.node.node import Attention
from cucmos_shell.results import Ask, AskText, Done, Paste, Pause, Say, Secret

BANNER = (
    "Command Line Interface is starting up, please wait ...",
    "",
    "   Welcome to the Platform Command Line Interface",
    "",
    "VMware Installation:",
    "\t2 vCPU: Test CPU",
    "",
)
WORDS = ("set", "show", "utils")
ATTENTION = Attention(("Cisco Tomcat", "Cisco AMC Service"))


class Execution:
    def __init__(self, session, line):
        self.session = session
        self.events = self.run(line)

    def step(self, answer=None):
        try:
            return self.events.send(answer)
        except StopIteration:
            return Done(0, self.session.ended)

    def interrupt(self):
        self.events.close()
        self.events = iter(())
        self.events = (event for event in (Say("Control-C pressed\n"),))
        return next(self.events)

    def refuse(self, reason):
        self.interrupt()
        self.events = (event for event in (Say(f"{reason}\n"),))
        return next(self.events)

    def run(self, line):
        word, _, rest = line.strip().partition(" ")
        yield from getattr(self, f"do_{word}", self.unknown)(rest)

    def unknown(self, rest):
        yield Say("Executed command unsuccessfully\nNo valid command entered\n")

    def do_echo(self, rest):
        yield Say(f"[{rest}]\n")

    def do_exit(self, rest):
        self.session.ended = True
        yield from ()

    def do_confirm(self, rest):
        answer = None
        while answer not in ("yes", "no"):
            answer = (yield Ask("Proceed (yes|no)? ")).lower()
        yield Say(f"answered {answer}\n")

    def do_name(self, rest):
        yield Say(f"name {(yield AskText('Name: '))!r}\n")

    def do_secret(self, rest):
        yield Say(f"secret of {len((yield Secret('Password: ')))}\n")

    def do_paste(self, rest):
        text = yield Paste("Paste the Certificate and Hit Enter")
        yield Say(f"pasted {text.count('-----BEGIN')} of {len(text)}\n")

    def do_lines(self, rest):
        yield Say("".join(f"line {i}\n" for i in range(1, int(rest) + 1)))

    def do_pages(self, rest):
        yield Say("".join(f"line {i}\n" for i in range(1, int(rest) + 1)), True)

    def do_view(self, rest):
        text = "".join(f"line {i}\n" for i in range(1, int(rest) + 1))
        yield Say(text, paged=True, viewer=True)
        yield Say("viewed\n")

    def do_wait(self, rest):
        yield Say("waiting\n")
        yield Pause(float(rest))
        yield Say("waited\n")

    def do_busy(self, rest):
        """Work that nothing can interrupt, in steps of `rest` seconds."""
        for i in range(1, 101):
            yield Say(f"step {i}\n")
            end = time.monotonic() + float(rest)
            while time.monotonic() < end:
                time.sleep(0.01)

    def do_stuck(self, rest):
        """Work that takes longer than anybody waits."""
        yield Say("stuck\n")
        time.sleep(float(rest))

    def do_bug(self, rest):
        yield Say("before\n")
        raise ZeroDivisionError("secret text")


class Walker:
    def menu(self, text):
        start = text.rfind(" ") + 1
        found = [word for word in WORDS if word.startswith(text[start:])]
        return Menu(start, tuple(MenuEntry(word, f"what {word} does") for word in found))

    def marks(self, text, end=None):
        return ()

    def families(self):
        return iter(())


class Session:
    prompt = "admin:"
    walker = Walker()

    def __init__(self):
        self.ended = False

    def execute(self, line):
        return Execution(self, line)

    def complete(self, text):
        found = [word for word in WORDS if word.startswith(text)]
        if len(found) == 1:
            return Completion(found[0][len(text) :] + " ", ())
        return Completion("", tuple(f"{word}*" for word in found))

    def help(self, text):
        return tuple(f"\t{word}*" for word in WORDS if word.startswith(text))

    def understands(self, line):
        return bool(line.strip())

    def remember(self, line):
        return "private" not in line


def broken_banner():
    """A front end's own mistake, in the middle of things."""
    yield "first line"
    raise ZeroDivisionError


def main():
    option = sys.argv[1] if len(sys.argv) > 1 else ""
    if option == "--rich":
        from cucmos_shell.frontends import rich as rich_console

        sys.exit(
            rich_console.run(
                Session(),
                0,
                1,
                BANNER,
                attention=lambda: ATTENTION,
                idle_timeout=float(sys.argv[2]) if sys.argv[2:] else None,
            )
        )
    from cucmos_shell.frontends import console

    idle = float(sys.argv[2]) if option == "--idle" else None
    banner = broken_banner() if option == "--broken" else BANNER
    status = console.run(Session(), 0, 1, banner, idle_timeout=idle)
    if status < 128:
        # Whoever was ended by a signal may have nobody who reads.
        with contextlib.suppress(OSError):
            os.write(1, f"left with {status}\n".encode())
    sys.exit(status)


if __name__ == "__main__":
    main()
