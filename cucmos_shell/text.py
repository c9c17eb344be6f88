"""Foreign text made safe, and the product's own forms of dates and numbers."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SAFE_LENGTH = 256
_UNSAFE_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
PROMPT = "admin:"
FAILURE = "Executed command unsuccessfully"
HIDDEN_PROMPT = "admin\\u{3A}"


class _Escapes(dict[int, str]):
    """What stands for each character, by its code; made when it is met first."""

    def __missing__(self, code: int) -> str:
        import unicodedata

        found = chr(code)
        if found != "\t" and unicodedata.category(found) in _UNSAFE_CATEGORIES:
            found = f"\\u{{{code:X}}}"
        if code < _CACHED:
            self[code] = found
        return found


_CACHED = 0x800
_ESCAPES = _Escapes()


def safe_line(line: str) -> str:
    """`line` as a screen may get it, whatever is in it: one line, and never the prompt.

    Characters that steer a terminal or hide themselves (categories Cc Cf Cs Co Cn Zl Zp), all but
    TAB, become `\\u{XX}`. A safe line stays as it is.
    """
    if not line.replace("\t", "").isprintable():
        line = line.translate(_ESCAPES)
    return line.replace(PROMPT, HIDDEN_PROMPT)


def safe(text: str, limit: int | None = SAFE_LENGTH) -> str:
    """`text`, a foreign value, as it may stand in a log, a mail or a column.

    As `safe_line` shows it; TAB becomes `\\u{9}`, and a backslash is doubled. Over `limit`
    characters, the rest is replaced by its count; `limit=None` keeps all.
    """
    rest = 0
    if limit is not None and len(text) > limit:
        rest = len(text) - limit
        text = text[:limit]
    text = safe_line(text.replace("\\", "\\\\")).replace("\t", "\\u{9}")
    return f"{text}... ({rest} more characters)" if rest else text


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 certificate`, `2 certificates`; `plural` where that is not the noun and an s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def iso_time(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def zone_abbreviation(seconds: float, zone: str) -> tuple[float, str]:
    """`(offset in seconds east of UTC, abbreviation)` of the IANA `zone` at that time."""
    if zone in ("UTC", "Etc/UTC"):
        return 0.0, "UTC"
    import datetime
    import zoneinfo

    moment = datetime.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(zone))
    offset = moment.utcoffset()
    return (offset.total_seconds() if offset else 0.0), moment.tzname() or "UTC"


def local_time(seconds: float, zone: str) -> time.struct_time:
    """Seconds since the epoch as a clock in the IANA `zone` shows them."""
    return time.gmtime(seconds + zone_abbreviation(seconds, zone)[0])


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def java_date(seconds: float, zone: str = "UTC") -> str:
    """The certificate view's dates: `EEE MMM dd HH:mm:ss zzz yyyy` in the node's zone."""
    offset, name = zone_abbreviation(seconds, zone)
    t = time.gmtime(seconds + offset)
    return (
        f"{_DAYS[t.tm_wday]} {_MONTHS[t.tm_mon - 1]} {t.tm_mday:02d} "
        f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} {name} {t.tm_year}"
    )


def unix_date(seconds: float, zone: str = "UTC") -> str:
    """As date(1) says it, in the IANA `zone`: `Wed Jul  3 07:40:36 CDT 2019`."""
    offset, name = zone_abbreviation(seconds, zone)
    t = time.gmtime(seconds + offset)
    day = f"{_DAYS[t.tm_wday]} {_MONTHS[t.tm_mon - 1]} {t.tm_mday:2d}"
    return f"{day} {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} {name} {t.tm_year}"


def uptime(seconds: float) -> str:
    """`5 min`, ` 1:05`, `1 day,  2:03`, `72 days, 21:01`, as uptime(1) says it."""
    minutes = int(max(0.0, seconds)) // 60
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours:2d}:{minutes:02d}" if hours else f"{minutes} min"
    return f"{days} day{'s' if days > 1 else ''}, {clock}" if days else clock


def columns(rows: Iterable[Sequence[str]], gap: int = 2) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell; no blanks at line ends."""
    table = [tuple(row) for row in rows]
    if not table:
        return []
    widths = [0] * max(map(len, table))
    for row in table:
        for i, cell in enumerate(row):
            widths[i] = max(widths[i], len(cell))
    return [
        (" " * gap).join(cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip()
        for row in table
    ]


# Names are listed a line each up to MAX_DOWN of them, side by side beyond; no more than MAX_LISTED.
MAX_DOWN, MAX_LISTED = 24, 240
_INDENT, _USUAL_WIDTH = 8, 80


def listing(names: Sequence[str], width: int = 0) -> list[str]:
    """`names` as lines that begin with a TAB; `width` is that of the terminal, 0 if unknown.

    Many stand in columns, read downwards; of very many the rest is only counted.
    """
    shown = [safe_line(name) for name in names[:MAX_LISTED]]
    more = [f"\t({len(names) - MAX_LISTED} more)"] if len(names) > MAX_LISTED else []
    if len(shown) > MAX_DOWN:
        shown = _side_by_side(shown, (width or _USUAL_WIDTH) - _INDENT)
    return [*(f"\t{line}" for line in shown), *more]


def _side_by_side(names: list[str], room: int) -> list[str]:
    """`names` in as many columns as `room` characters take, at least one."""
    shortest = min(map(len, names)) + 2
    for side in range(max(1, room // shortest), 1, -1):
        down = -(-len(names) // side)
        lines = columns(names[i::down] for i in range(down))
        if max(map(len, lines)) <= room:
            return lines
    return names


def described(rows: Sequence[tuple[str, str]], width: int = 0) -> list[str]:
    """Names with what they are, laid out as in `listing`; many of them without it."""
    if len(rows) > MAX_DOWN or not any(about for _, about in rows):
        return listing([name for name, _ in rows], width)
    names = [safe_line(name) for name, _ in rows]
    indent = max(map(len, names)) + _BESIDE
    room = (width or _USUAL_WIDTH) - _INDENT - indent
    if room < LEAST_ABOUT:
        return listing(names, width)
    pairs = zip(names, rows, strict=True)
    return [f"\t{line}" for n, (_, about) in pairs for line in beside(n.ljust(indent), about, room)]


# Blanks between a name and what it is, and the least room for that.
_BESIDE = 3
LEAST_ABOUT = 8


def beside(name: str, text: str, room: int) -> list[str]:
    """`name` with `text` to the right of it, in as many lines of `room` characters as it needs."""
    first, *others = wrapped(text, room)
    return [f"{name}{first}".rstrip(), *(" " * len(name) + line for line in others)]


def wrapped(text: str, room: int) -> list[str]:
    """`text` in lines of at most `room` characters, broken at blanks only; at least one line."""
    lines = [""]
    for word in text.split(" "):
        if not lines[-1]:
            lines[-1] = word
        elif len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
