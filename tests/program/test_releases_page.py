"""`docs/releases.md` says what the profiles say."""

import os

from places import DOCS
from releases_page import page


def test_the_page_of_releases_is_made_from_the_profiles():
    """Nobody looks up what is no longer so."""
    path = DOCS / "releases.md"
    now = page()
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        path.write_text(now)
    assert path.read_text() == now
