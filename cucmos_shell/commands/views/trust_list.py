"""What is said of a trust list wherever it is shown or made."""

from __future__ import annotations

from cucmos_shell.pki.trust_lists import form
from cucmos_shell.results import Finding, remark


def too_large(title: str, size: int) -> tuple[Finding, ...]:
    """The warning that phones do not load a list of so many octets, if they do not."""
    if size < form.MAX_PHONE:
        return ()
    most = form.MAX_PHONE - 1
    return (remark(f"the {title} file has {size} bytes; phones load no more than {most}"),)
