"""When certificates end, as a picture."""

from __future__ import annotations

from cucmos_shell.node.expiry.life import DAY, SOON
from cucmos_shell.results import Value
from cucmos_shell.text import counted, iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cucmos_shell.node.expiry.life import Life

_ROW, _TOP, _LEFT, _TRACK, _WIDTH = 34, 104, 24, 300, 980
_BAR_LEFT = 420
# Days that stand at equal distances, so that a bar is long in days that count.
_TICKS = (7, 30, 90, 365, 1825)
_TICK_WORDS = {7: "7 days", 30: "30", 90: "90", 365: "1 year", 1825: "5 years"}
FEW = _TICKS[0]
_COLOURS = {
    "expired": "#7f1d1d",
    "few": "#dc2626",
    "soon": "#d97706",
    "future": "#6b7280",
    "valid": "#2f7d4f",
}
_LEGEND = (
    ("valid", "valid"), ("soon", f"less than {SOON} days"), ("few", f"less than {FEW}"),
    ("expired", "expired"), ("future", "not yet valid"),
)  # fmt: skip
_STYLE = """
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
.page{fill:#fff}.title{font-size:20px;font-weight:600;fill:#1f2937}.sub{font-size:12px;fill:#6b7280}
.name{font-size:13px;fill:#1f2937}.note{font-size:11px;fill:#6b7280}\
.left{font-size:12px;fill:#374151}
.track{fill:#e5e7eb}.rule{stroke:#f3f4f6}.tick{stroke:#9ca3af;stroke-dasharray:1 4}
@media (prefers-color-scheme:dark){.page{fill:#111827}.title,.name{fill:#f3f4f6}.left{fill:#d1d5db}
.sub,.note{fill:#9ca3af}.track{fill:#374151}.rule{stroke:#1f2937}}
"""
_NAME_LENGTH, _NOTE_LENGTH, _TITLE_LENGTH = 52, 60, 2000


def _xml(text: str, length: int) -> str:
    """Foreign text for XML: safe for a terminal first, so it holds no character XML forbids."""
    shown = safe(text, None)
    shown = shown if len(shown) <= length else shown[: length - 1] + "…"
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        shown = shown.replace(mark, entity)
    return shown


class Bar(Value):
    """One certificate in the picture, and all places that hold it."""

    life: Life
    places: tuple[str, ...]


def grouped(lives: Iterable[tuple[str, Life]]) -> list[Bar]:
    """A bar for each certificate of `(SHA-256, Life)`, in the order of their first places."""
    places: dict[str, list[Life]] = {}
    for sha256, life in lives:
        places.setdefault(sha256, []).append(life)
    return [Bar(same[0], tuple(one.name for one in same)) for same in places.values()]


def svg(bars: Sequence[Bar], node_name: str, now: float) -> str:
    """An SVG picture with a row for each certificate, and in it what is left of its life.

    The scale is that of days, wide where they are few: two days are not twenty-seven. It is
    well-formed whatever the certificates say. `now` is in seconds since the epoch.
    """
    height = _TOP + max(1, len(bars)) * _ROW + 24
    expired = sum(one.life.state == "expired" for one in bars)
    soon = sum(one.life.state == "soon" for one in bars)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="title">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}"/>',
        f'<text class="title" id="title" x="{_LEFT}" y="36">Certificates of '
        f"{_xml(node_name, _NAME_LENGTH)}</text>",
        f'<text class="sub" x="{_LEFT}" y="56">{counted(len(bars), "certificate")}, '
        f"{soon} ending within {SOON} days, {expired} expired; as of {iso_time(now)}</text>",
        *_legend(),
        *_scale(height),
    ]
    for i, one in enumerate(bars):
        parts += _svg_row(one, _TOP + i * _ROW)
    if not bars:
        parts.append(f'<text class="name" x="{_LEFT}" y="{_TOP + 20}">No certificates found</text>')
    return "\n".join([*parts, "</svg>", ""])


def _length(days: float) -> float:
    """How long the bar of so many days is, up to the whole track."""
    days = max(0.0, days)
    before = 0
    for i, tick in enumerate(_TICKS):
        if days < tick:
            return (i + (days - before) / (tick - before)) * _TRACK / len(_TICKS)
        before = tick
    return _TRACK


def _scale(height: int) -> list[str]:
    """The days at their places, and a line down from each."""
    parts = []
    for days, words in ((0, "today"), *((tick, _TICK_WORDS[tick]) for tick in _TICKS)):
        x = _BAR_LEFT + _length(days)
        parts.append(
            f'<line class="tick" x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - 24}"/>'
            f'<text class="note" text-anchor="middle" x="{x:.1f}" y="{_TOP - 13}">{words}</text>'
        )
    return parts


def _legend() -> list[str]:
    parts, x = [], _BAR_LEFT
    for state, words in _LEGEND:
        parts.append(
            f'<rect x="{x}" y="27" width="10" height="10" rx="2" fill="{_COLOURS[state]}"/>'
            f'<text class="note" x="{x + 15}" y="36">{words}</text>'
        )
        x += 32 + 6 * len(words)
    return parts


def _colour(life: Life) -> str:
    few = life.state == "soon" and life.days < FEW
    return _COLOURS["few" if few else life.state]


def _svg_row(bar: Bar, y: int) -> list[str]:
    one = bar.life
    full = _TRACK if one.state == "expired" else max(3.0, _length((one.not_after - one.now) / DAY))
    faint = ' opacity="0.45"' if one.state == "expired" else ""
    middle = y + 12
    note = f"{one.common_name} · {one.key_type}" if one.common_name else one.key_type
    if len(bar.places) > 1:
        note = f"also {', '.join(bar.places[1:])}"
    return [
        f'<line class="rule" x1="{_LEFT}" y1="{y - 6}" x2="{_WIDTH - _LEFT}" y2="{y - 6}"/>',
        f'<text class="name" x="{_LEFT}" y="{y + 8}">{_xml(one.name, _NAME_LENGTH)}</text>',
        f'<text class="note" x="{_LEFT}" y="{y + 22}">{_xml(note, _NOTE_LENGTH)}</text>',
        f'<rect class="track" x="{_BAR_LEFT}" y="{middle - 5}" width="{_TRACK}" height="10" '
        'rx="2"/>',
        f'<rect x="{_BAR_LEFT}" y="{middle - 5}" width="{full:.1f}" height="10" rx="2" '
        f'fill="{_colour(one)}"{faint}><title>{_xml(", ".join(bar.places), _TITLE_LENGTH)}</title>'
        "</rect>",
        f'<text class="left" x="{_BAR_LEFT + _TRACK + 14}" y="{middle + 4}">'
        f"{iso_time(one.not_after)[:10]}, {one.words()}</text>",
    ]
