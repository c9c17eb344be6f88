"""Words of one release in another: refused as unknown, or by name where they are not simulated."""

import pytest
from harness import Conversation

from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import find, names

UNKNOWN = "No valid command entered"
NAMED = "a command of the real node that this one does not simulate"
LATER = {"ucm-12.5", "ucm-14", "ucm-15", "imp-14", "imp-15", "cuc-15"}
CALL_MANAGERS = {"ucm-12.5", "ucm-14", "ucm-15"}
SINCE_14 = LATER - {"ucm-12.5"}
# A line, who has the command, and who refuses it by name.
WORDS = {
    "show tls min-version": (LATER, set()),
    "utils fips status": (LATER, {"ucm-9.1", "imp-9.1"}),
    "utils tls client-auth-validation status": (set(), set()),
    "show cert default-ca-list": (CALL_MANAGERS | {"imp-14", "imp-15"}, set()),
    "set cert default-ca-list enable all": (CALL_MANAGERS, set()),
    "utils itl reset remotekey": (set(names()) - {"ucm-15"}, set()),
    "utils ha status": ({"imp-9.1", "imp-14", "imp-15"}, set()),
    "show cuc cluster status": ({"cuc-15"}, set()),
    "utils vmtools refresh": (set(), {"ucm-12.5", "ucm-14", "imp-14"}),
    "utils container-engine status": (set(), SINCE_14),
    "utils EnhancedSecurityMode status": (set(), LATER),
}


@pytest.mark.parametrize("name", names())
def test_the_words_of_another_release_are_refused(name, ucm_15_node):
    """What a node can do depends on its profile alone."""
    ucm_15_node.profile = load_yaml(find(name))
    tell = Conversation(ucm_15_node)
    for line, (has, refuses) in WORDS.items():
        said = tell(line)
        assert (UNKNOWN in said) == (name not in has | refuses), (line, said)
        assert (NAMED in said) == (name in refuses), (line, said)
        assert name in has or tell.status == 1
