"""The colours of the rich console, and what is coloured: the same words everywhere.

The terminal's background is not known and not asked for. So what stands on it has colours of
middle brightness, which are readable on a dark one and on a light one; menu and toolbar bring their
own background. Without colours (NO_COLOR) reverse, underline and italic are left.
"""

from __future__ import annotations

import re

from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from re import Match

# By class: the number among 256 colours on the terminal's own background, the escape code where
# there are 16 colours only, and the number on the dark background of menu and toolbar.
COLOURS = {
    "good": (64, 32, 114), "soon": (166, 33, 215), "bad": (196, 31, 210), "faint": (244, 90, 248),
    "word": (32, 34, 75), "value": (30, 36, 80), "filter": (133, 35, 176),
}  # fmt: skip
# Background and text of the menu, of its selected entry, and of the toolbar.
MENU, SELECTED, TOOLBAR = (237, 255), (24, 231), (236, 252)
# Days that are left: few enough to be told from what is merely soon.
FEW_DAYS, SOON_DAYS = 7, 30

_WORDS = re.compile(
    r"\b(?P<good>STARTED)\b|\b(?P<soon>STARTING|STOPPING)\b"
    r"|\b(?P<bad>STOPPED|NOTRUNNING|FAILED)\b"
    r"|(?P<ended>(?:\[#*\]  )?\bexpired (?:today|\d+ days? ago))\b"
    r"|^(?P<failed>Executed command unsuccessfully)$"
    r"|^(?P<warned>(?:WARNING|Warning|CAUTION)\b.*)$|\b(?P<early>not yet valid)\b"
    r"|(?P<left>(?:\[#*\.*\]  )?(?<!\d)(?P<days>\d{1,6}) days? left)\b",
    re.MULTILINE,
)
_CLASSES = {"ended": "bad", "failed": "bad", "warned": "soon", "early": "soon"}


def hexadecimal(number: int) -> str:
    """The colour of that number (16 and more) among 256, as `#RRGGBB`."""
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return f"#{grey:02x}{grey:02x}{grey:02x}"
    steps = (0, 95, 135, 175, 215, 255)
    red, green, blue = (steps[(number - 16) // part % 6] for part in (36, 6, 1))
    return f"#{red:02x}{green:02x}{blue:02x}"


def style(depth: ColorDepth) -> Style:
    """The style for prompt_toolkit."""
    return Style.from_dict(_plain() if depth == ColorDepth.DEPTH_1_BIT else _coloured())


def _plain() -> dict[str, str]:
    return {
        "wrong": "underline",
        "menu.selected": "reverse",
        "bottom-toolbar": "reverse",
        "auto-suggestion": "italic",
    }


def _coloured() -> dict[str, str]:
    styles = {name: hexadecimal(number) for name, (number, _, _) in COLOURS.items()}
    for place, (background, text) in (("menu", MENU), ("bottom-toolbar", TOOLBAR)):
        styles[place] = f"noreverse bg:{hexadecimal(background)} {hexadecimal(text)}"
        for name, (_, _, number) in COLOURS.items():
            styles[f"{place} {name}"] = hexadecimal(number)
    styles["menu.selected"] = f"bg:{hexadecimal(SELECTED[0])} {hexadecimal(SELECTED[1])} bold"
    styles["wrong"] = f"{styles['bad']} underline"
    styles["auto-suggestion"] = styles["faint"]
    return styles


def _class(found: Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "left":
        return days_class(int(found["days"]))
    return _CLASSES.get(kind, kind)


def days_class(days: int) -> str:
    """The class of a certificate that has so many days left; less than 0 if it has ended."""
    return "bad" if days < FEW_DAYS else "soon" if days < SOON_DAYS else "good"


def parts(text: str) -> Iterator[tuple[str, str]]:
    """`text` in parts, each behind its class: states, warnings, what is left; else empty."""
    place = 0
    for found in _WORDS.finditer(text):
        if found.start() > place:
            yield "", text[place : found.start()]
        yield _class(found), found[0]
        place = found.end()
    if place < len(text):
        yield "", text[place:]


class Paint:
    """Colours for what goes to the terminal past prompt_toolkit."""

    def __init__(self, depth: ColorDepth) -> None:
        self._codes = {
            name: "" if depth == ColorDepth.DEPTH_1_BIT
            else f"\x1b[{ansi}m" if depth == ColorDepth.DEPTH_4_BIT
            else f"\x1b[38;5;{number}m"
            for name, (number, ansi, _) in COLOURS.items()
        }  # fmt: skip

    def one(self, text: str, name: str) -> str:
        """`text` in the colour of the class `name`."""
        code = self._codes.get(name, "")
        return f"{code}{text}\x1b[39m" if code else text

    def __call__(self, text: str) -> str:
        """`text`, whose words are coloured as `parts` has them."""
        return _WORDS.sub(lambda found: self.one(found[0], _class(found)), text)
