"""The keys of the rich console that prompt_toolkit does not have, or has otherwise."""

from __future__ import annotations

from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition, completion_is_selected, has_completions, has_focus
from prompt_toolkit.key_binding import KeyBindings

from cucmos_shell.terminal.decoder import in_quotes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPressEvent

    from cucmos_shell.frontends.rich.protocols import EditedLine


def bindings(line: EditedLine) -> KeyBindings:
    """`?`, Tab, Escape, and Enter on an entry of the menu."""
    keys = KeyBindings()
    at_line = has_focus("DEFAULT_BUFFER")

    @Condition
    def outside_quotes() -> bool:
        return not in_quotes(get_app().current_buffer.document.text_before_cursor)

    @keys.add("?", filter=at_line & outside_quotes)
    def _(event: KeyPressEvent) -> None:
        line.show_help(event.current_buffer.document)

    @keys.add("tab", filter=at_line & completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_next()

    @keys.add("tab", filter=at_line & outside_quotes & ~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        line.complete()

    @keys.add("enter", filter=at_line & completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        buffer.complete_state = None
        if not buffer.document.current_char:
            buffer.insert_text(" ")

    @keys.add("escape", filter=at_line & has_completions)
    def _(event: KeyPressEvent) -> None:
        line.close_menu()

    return keys
