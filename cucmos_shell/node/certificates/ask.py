"""The questions of one upload, side by side under one deadline."""

from __future__ import annotations

import queue
import threading

from cucmos_shell.errors import Refused
from cucmos_shell.pki.ocsp.verdict import UNKNOWN, OcspVerdict
from cucmos_shell.pki.ocsp.verify import Question, verify
from cucmos_shell.results import Value
from cucmos_shell.world.connect import Deadline
from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cucmos_shell.pki.ocsp.verify import Trusted
    from cucmos_shell.world import World

AT_ONCE = 16
ADDRESSES = 3
GRACE = 0.25


class Enquiry(Value):
    """A question, and the addresses that may be asked in turn until one of them knows.

    `max_age` is that of `verify`.
    """

    question: Question
    uris: tuple[str, ...]
    max_age: float


def ask_all(
    world: World, enquiries: Sequence[Enquiry], trusted: Trusted, seconds: float
) -> tuple[OcspVerdict, ...]:
    """A verdict for each enquiry, after `seconds` at the latest; those without are `unknown`.

    Raises Busy where nobody may be asked at the moment.
    """
    found: tuple[OcspVerdict, ...] = world.wait(
        lambda: _ask_all(world, enquiries, trusted, seconds)
    )
    return found


def _ask_all(
    world: World, enquiries: Sequence[Enquiry], trusted: Trusted, seconds: float
) -> tuple[OcspVerdict, ...]:
    deadline = Deadline(seconds)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, OcspVerdict | Exception]] = queue.SimpleQueue()
    for i in range(len(enquiries)):
        waiting.put(i)

    def work() -> None:
        while True:
            try:
                i = waiting.get_nowait()
            except queue.Empty:
                return
            verdict: OcspVerdict | Exception
            try:
                verdict = _ask(world, enquiries[i], trusted, deadline)
            except Exception as error:
                verdict = error
            done.put((i, verdict))

    # Daemons: one that is held up by the outside must not hold up the end of the process.
    for _ in range(min(AT_ONCE, len(enquiries))):
        threading.Thread(target=work, daemon=True, name="ocsp").start()
    verdicts = [OcspVerdict(UNKNOWN, deadline.missed().reason) for _ in enquiries]
    for _ in enquiries:
        try:
            i, found = done.get(timeout=_left(deadline) + GRACE)
        except queue.Empty:
            break
        if isinstance(found, Exception):
            raise found
        verdicts[i] = found
    return tuple(verdicts)


def _left(deadline: Deadline) -> float:
    try:
        return deadline.left()
    except Unanswered:
        return 0.0


def _ask(world: World, enquiry: Enquiry, trusted: Trusted, deadline: Deadline) -> OcspVerdict:
    """The first verdict that is one; else what the last responder had to say."""
    verdict = OcspVerdict(UNKNOWN, "no responder is named")
    try:
        request = enquiry.question.request()
    except Refused as error:
        return OcspVerdict(UNKNOWN, error.message())
    for uri in enquiry.uris[:ADDRESSES]:
        try:
            answer = world.http(uri, request, deadline.left())
        except Unanswered as error:
            # What was left for this address is no figure that anybody has set.
            reason = error.reason if _left(deadline) else deadline.missed().reason
            verdict = OcspVerdict(UNKNOWN, reason, uri=uri)
            continue
        found = verify(answer, enquiry.question, world.now(), trusted, enquiry.max_age)
        verdict = OcspVerdict(**{**found.__dict__, "uri": uri})
        if verdict.status != UNKNOWN:
            break
    return verdict
