"""The form of a profile's `dialogues`: what commands ask and print where releases differ."""

from __future__ import annotations

from typing import Literal

from cucmos_shell.profile import schema
from cucmos_shell.profile.dialogues import DialogueSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.profile.source import Source

_DEFAULT = DialogueSpec()
Manner = Literal["early", "later"]


class Dialogues(schema.Section):
    """What is asked and printed; what is left out is as in release 9.1."""

    csr_asks_ou: bool = _DEFAULT.csr_asks_ou
    csr_generated: schema.Text = _DEFAULT.csr_generated
    multi_server_paste: bool = _DEFAULT.multi_server_paste
    itl_reset: Manner = "early"
    power: Manner = "early"


def dialogues(source: Source, profile: schema.ProfileForm) -> DialogueSpec:
    """What is said, after noting every mistake in it."""
    row = schema.section(Dialogues, source, profile.dialogues, ("dialogues",))
    if row is None:
        return _DEFAULT
    return DialogueSpec(**{name: getattr(row, name) for name in DialogueSpec._fields})
