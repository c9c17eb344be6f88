"""When certificates end, as a picture."""

from __future__ import annotations

from cucmos_shell.node.expiry.life import SOON
from cucmos_shell.text import counted, iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cucmos_shell.node.expiry.life import Life

_ROW, _TOP, _LEFT, _TRACK, _WIDTH = 34, 84, 24, 300, 980
_BAR_LEFT = 420
_COLOURS = {"expired": "#b3261e", "soon": "#d97706", "future": "#6b7280", "valid": "#2f7d4f"}
_LEGEND = (
    ("valid", "valid"), ("soon", f"less than {SOON} days"), ("expired", "expired"),
    ("future", "not yet valid"),
)  # fmt: skip
_STYLE = """
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
.page{fill:#fff}.title{font-size:20px;font-weight:600;fill:#1f2937}.sub{font-size:12px;fill:#6b7280}
.name{font-size:13px;fill:#1f2937}.note{font-size:11px;fill:#6b7280}\
.left{font-size:12px;fill:#374151}
.track{fill:#e5e7eb}.rule{stroke:#f3f4f6}
@media (prefers-color-scheme:dark){.page{fill:#111827}.title,.name{fill:#f3f4f6}.left{fill:#d1d5db}
.sub,.note{fill:#9ca3af}.track{fill:#374151}.rule{stroke:#1f2937}}
"""
_NAME_LENGTH, _NOTE_LENGTH = 52, 60


def _xml(text: str, length: int) -> str:
    """Foreign text for XML: safe for a terminal first, so it holds no character XML forbids."""
    shown = safe(text, None)
    shown = shown if len(shown) <= length else shown[: length - 1] + "…"
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        shown = shown.replace(mark, entity)
    return shown


def svg(lives: Sequence[Life], node_name: str, now: float) -> str:
    """An SVG picture with a row for each certificate, and the bar of its life in it.

    It is well-formed whatever the certificates say. `now` is in seconds since the epoch.
    """
    height = _TOP + max(1, len(lives)) * _ROW + 24
    expired = sum(one.state == "expired" for one in lives)
    soon = sum(one.state == "soon" for one in lives)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="title">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}"/>',
        f'<text class="title" id="title" x="{_LEFT}" y="36">Certificates of '
        f"{_xml(node_name, _NAME_LENGTH)}</text>",
        f'<text class="sub" x="{_LEFT}" y="56">{counted(len(lives), "certificate")}, '
        f"{soon} ending within {SOON} days, {expired} expired; as of {iso_time(now)}</text>",
        *_legend(),
    ]
    for i, one in enumerate(lives):
        parts += _svg_row(one, _TOP + i * _ROW)
    if not lives:
        parts.append(f'<text class="name" x="{_LEFT}" y="{_TOP + 20}">No certificates found</text>')
    return "\n".join([*parts, "</svg>", ""])


def _legend() -> list[str]:
    parts, x = [], _BAR_LEFT
    for state, words in _LEGEND:
        parts.append(
            f'<rect x="{x}" y="27" width="10" height="10" rx="2" fill="{_COLOURS[state]}"/>'
            f'<text class="note" x="{x + 15}" y="36">{words}</text>'
        )
        x += 32 + 6 * len(words)
    return parts


def _svg_row(one: Life, y: int) -> list[str]:
    full = max(3.0, one.used * _TRACK)
    middle = y + 12
    note = f"{one.common_name} · {one.key_type}" if one.common_name else one.key_type
    return [
        f'<line class="rule" x1="{_LEFT}" y1="{y - 6}" x2="{_WIDTH - _LEFT}" y2="{y - 6}"/>',
        f'<text class="name" x="{_LEFT}" y="{y + 8}">{_xml(one.name, _NAME_LENGTH)}</text>',
        f'<text class="note" x="{_LEFT}" y="{y + 22}">{_xml(note, _NOTE_LENGTH)}</text>',
        f'<rect class="track" x="{_BAR_LEFT}" y="{middle - 5}" width="{_TRACK}" height="10" '
        'rx="5"/>',
        f'<rect x="{_BAR_LEFT}" y="{middle - 5}" width="{full:.1f}" height="10" rx="5" '
        f'fill="{_COLOURS[one.state]}"><title>{one.used:.0%} of its life is over</title></rect>',
        f'<text class="left" x="{_BAR_LEFT + _TRACK + 14}" y="{middle + 4}">'
        f"{iso_time(one.not_after)[:10]}, {one.words()}</text>",
    ]
