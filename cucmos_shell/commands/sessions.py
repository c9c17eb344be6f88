"""Sessions: how long they may idle, how many there may be, who is there, and the second sign-in."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.render import Table
from cucmos_shell.commands.arguments.common import number
from cucmos_shell.commands.dialogues.settings import put_setting
from cucmos_shell.errors import Refused
from cucmos_shell.node.access.sessions import LIMIT, LIMIT_DEFAULT, REAUTH, TIMEOUT
from cucmos_shell.results import (
    MOMENT,
    TEXT,
    TRUTH,
    WHOLE,
    Ask,
    Notice,
    Progress,
    each,
    maybe,
    one_of,
    record,
)
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.node.logs.audit import LogEntry
    from cucmos_shell.results import Conversation

family = Family()

MINUTES = Argument("minutes", "minutes without a key (5-99999)", parse=number(5, 99_999))
SESSIONS = Argument("sessions", "sessions an account may have (1-1000)", parse=number(1, 1000))
LAST = Argument("entries", "how many entries", parse=number(1, 1000))
LAST_DEFAULT = 20
TIMEOUT_WARNING = (
    "The new timeout holds for new sessions only;",
    "sessions that are open now keep the one they began with.",
)
TIMEOUT_FORM = record(timeout_minutes=WHOLE)
LIMIT_FORM = record(max_sessions=WHOLE)
LOGIN = record(
    account=TEXT,
    origin=TEXT,
    begun=MOMENT,
    state=one_of("live", "ended", "gone", "refused"),
    ended=maybe(MOMENT),
    reason=maybe(TEXT),
)
REAUTH_FORM = record(reauth=TRUTH)
STILL, GONE, REFUSED = "still logged in", "gone", "refused ("


@family.command("show cli session timeout", level=0, form=TIMEOUT_FORM)
def show_timeout(node: Node) -> Notice:
    """Show after how many idle minutes a session ends."""
    minutes = int(node.logins.timeout() / 60)
    return Notice((f"CLI session timeout : {minutes} minutes",), {"timeout_minutes": minutes})


@family.command(
    "set cli session timeout <minutes>",
    level=1,
    arguments=(MINUTES,),
    changes=True,
    form=maybe(TIMEOUT_FORM),
)
def set_timeout(node: Node, minutes: int) -> Conversation[Notice]:
    """Say after how many idle minutes a session ends; sessions there are keep what they have."""
    for line in TIMEOUT_WARNING:
        yield Progress(line)
    if (yield Ask("Continue (y/n)?", ("y", "n"))) == "n":
        return Notice(("The CLI session timeout was not changed",))
    yield put_setting(TIMEOUT, minutes)
    return Notice((f"CLI session timeout is {minutes} minutes",), {"timeout_minutes": minutes})


@family.command("show session maxlimit", level=0, form=LIMIT_FORM)
def show_limit(node: Node) -> Notice:
    """Show how many sessions an account may have at once."""
    limit = int(node.snapshot().settings().get(LIMIT, LIMIT_DEFAULT))
    return Notice((f"Maximum number of sessions : {limit}",), {"max_sessions": limit})


@family.command(
    "set session maxlimit <sessions>", level=1, arguments=(SESSIONS,), changes=True, form=LIMIT_FORM
)
def set_limit(node: Node, sessions: int) -> Conversation[Notice]:
    """Say how many sessions an account may have at once over SSH.

    The original allows 1 to 10, and has 10 unless told otherwise; so has this node, which allows
    more.
    """
    yield put_setting(LIMIT, sessions)
    return Notice((f"Maximum number of sessions is {sessions}",), {"max_sessions": sessions})


@family.command("show logins [last <entries>]", level=0, arguments=(LAST,), form=each(LOGIN))
def show_logins(node: Node, entries: int = LAST_DEFAULT) -> Table:
    """Show who is signed in, and who was, or tried to: the newest last."""
    live = {login.id: login for login in node.logins.now()}
    # A beginning and an end each, and those that are still there.
    events = node.audit.entries(2 * entries + len(live), sessions=True)
    found = _past(events, set(live))
    found += [(m.account, m.origin, iso_time(m.since), STILL) for m in live.values()]
    found = sorted(found, key=lambda row: row[2])[-entries:]
    return Table(
        ("Account", "From", "Begun", "Ended"), tuple(found), [_json(*r) for r in found], "No logins"
    )


def _json(account: str, origin: str, begun: str, ended: str) -> dict[str, str | None]:
    state = {STILL: "live", GONE: "gone"}.get(ended, "ended")
    reason = None
    if ended.startswith(REFUSED):
        state, reason = "refused", ended[len(REFUSED) : -1]
    when = ended if state == "ended" else None
    return {
        "account": account, "origin": origin, "begun": begun,
        "state": state, "ended": when, "reason": reason,
    }  # fmt: skip


def _past(events: list[LogEntry], live: set[str]) -> list[tuple[str, str, str, str]]:
    """Rows of the sessions that have ended and of refusals, in order of their beginning.

    An id may come again, since processes' numbers do: each end belongs to the last beginning.
    """
    rows: list[tuple[str, str, str, str]] = []
    begun: dict[str, int] = {}
    for event in events:
        if event.what == "session refused":
            rows.append((event.account, event.origin, event.when, f"{REFUSED}{event.outcome})"))
        elif event.what == "session begun":
            begun[event.id] = len(rows)
            rows.append((event.account, event.origin, event.when, GONE))
        elif event.id in begun:
            i = begun.pop(event.id)
            rows[i] = (*rows[i][:3], event.when)
    now = {i for name, i in begun.items() if name in live}
    return [row for i, row in enumerate(rows) if i not in now]


@family.command("show security reauth", level=0, form=REAUTH_FORM)
def show_reauth(node: Node) -> Notice:
    """Show whether commands that touch security want the password once more."""
    state = "on" if node.snapshot().settings().get(REAUTH) is True else "off"
    return Notice((f"Second sign-in : {state}",), {"reauth": state == "on"})


@family.command(
    "set security reauth {on|off:state}", level=1, changes=True, reauth=True, form=REAUTH_FORM
)
def set_reauth(node: Node, caller: Caller, state: str) -> Conversation[Notice]:
    """Want the password once more before the first security command of a session, or don't.

    These are the commands that begin with set cert, set csr, set ocsp, set web-security or
    utils cert. Scripts that do not expect the question fail then, so it is off unless switched on.
    """
    account = node.accounts.find(caller.account)
    if state == "on" and (account is None or not account.password):
        raise Refused(
            "Account {name} has no password to ask for",
            name=caller.account,
            details=("Set one: set password user admin",),
        )
    yield put_setting(REAUTH, state == "on")
    return Notice((f"Second sign-in is {state}",), {"reauth": state == "on"})
