"""What is known of a bus in an etcd, and what its members do, as errors of a bus."""

from __future__ import annotations

import contextlib
import threading

from cucmos_shell.world.bus import BusAway, BusDamaged, BusNewer, BusWentBack
from cucmos_shell.world.buses.etcd import forms
from cucmos_shell.world.buses.etcd.places import places
from cucmos_shell.world.buses.etcd.wire import EtcdMembers, EtcdNonsense, EtcdRefusal, members_of
from cucmos_shell.world.unanswered import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.world.buses.etcd.forms import EtcdHead, Form
    from cucmos_shell.world.buses.etcd.places import EtcdAddress
    from cucmos_shell.world.connect import Deadline

# Seconds that a call may last, all members together.
SECONDS = 10.0
RANGE, TXN, WATCH, COMPACT = "/v3/kv/range", "/v3/kv/txn", "/v3/watch", "/v3/kv/compaction"
GRANT, KEEP = "/v3/lease/grant", "/v3/lease/keepalive"


class EtcdState:
    """The bus at an address, called `url` in messages; `folder` has the files for TLS.

    `head` is the latest one known, `seen` its revision.
    """

    def __init__(self, address: EtcdAddress, url: str, folder: str) -> None:
        self.url = url
        self.places = places(address.name)
        self.seen = 0
        self.head: EtcdHead | None = None
        self._address, self._folder = address, folder
        self._members: EtcdMembers | None = None
        self._identity = ""
        self._lock = threading.Lock()

    @property
    def members(self) -> EtcdMembers:
        """The members, from the first use on until `let_go`."""
        found = self._members
        if found is None:
            found = self._members = members_of(self._address.members, self._folder)
        return found

    def let_go(self) -> None:
        """Need no connections for now; they are closed with the last bus that needs them.

        The files are read anew by whoever connects next.
        """
        if self._members is not None:
            self._members.forget_files()
        self._members = None

    @contextlib.contextmanager
    def meaning(self) -> Iterator[None]:
        """What the members do, as errors of a bus."""
        try:
            yield
        except Unanswered as error:
            raise BusAway(self.url, error.reason) from None
        except EtcdRefusal as error:
            raise BusAway(self.url, str(error)) from None
        except EtcdNonsense as error:
            raise BusDamaged(self.url, str(error)) from None

    def ask(self, path: str, form: Form, deadline: Deadline) -> tuple[Form, bool]:
        """As EtcdMembers does; what it says has a revision."""
        answer, unsure = self.members.ask(path, form, deadline)
        forms.revision_of(answer)
        return answer, unsure

    def look(self, deadline: Deadline) -> EtcdHead:
        """The head, if it is still the bus that it was."""
        seen = self.seen
        answer, _ = self.ask(RANGE, {"key": forms.b64(self.places.head)}, deadline)
        return self.met(answer, seen)

    def met(self, answer: Form, seen: int) -> EtcdHead:
        """The head that an answer has. `seen` is the revision known when it was asked for."""
        rows = forms.rows_of(answer)
        if not rows:
            if self._identity:
                raise BusWentBack(self.url)
            raise BusAway(self.url, "there is no bus")
        if len(rows) > 1 or rows[0].key != self.places.head:
            raise EtcdNonsense("another key than was asked for")
        head = forms.head_of(rows[0])
        if head.format > forms.FORMAT:
            raise BusNewer(self.url, head.format)
        with self._lock:
            if head.revision < seen or self._identity not in ("", head.identity):
                raise BusWentBack(self.url)
            self._identity = head.identity
            self._keep(head)
        return head

    def _keep(self, head: EtcdHead) -> None:
        if head.revision >= self.seen:
            self.seen, self.head = head.revision, head

    def knows(self, head: EtcdHead) -> None:
        """Take note of a head that a change of this bus's has made."""
        with self._lock:
            self._keep(head)
