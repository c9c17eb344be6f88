"""What a level-0 account may do as in the original, and how a profile asks for more."""

import pytest
import yaml
from harness import Conversation, Keys, clock_world

from cucmos_shell import commands
from cucmos_shell.errors import ProfileError, UsageError
from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.profile.profile import find


def installed(folder, levels):
    """A node of a profile with these levels."""
    with open(find("imp-9.1"), encoding="utf-8") as file:
        form = yaml.safe_load(file)
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({**form, "levels": levels}, sort_keys=False))
    world, _ = clock_world(Keys())
    state = str(folder / "raised")
    install(state, str(path), world, speed=0, check=commands.check_words)
    return Node.open(state, world)


def test_the_original_lets_every_account_do_it(node):
    low = Conversation(node, account="low", level=0)
    assert low("set smtp mail.example.com") == "SMTP hostname: mail.example.com\n"
    assert "Proceed" in (low("set web-security a b c d", "no"), *low.asked)[1]


class TestAProfileRaisesTheLevelOfACommand:
    """By its leading words, for that node alone."""

    @pytest.fixture
    def raised(self, tmp_path):
        return installed(tmp_path, {"set smtp": 1, "set web-security": 4, "utils service list": 1})

    def test_it_is_unknown_below(self, raised, node):
        low = Conversation(raised, account="low", level=0)
        for line in ("set smtp mail.example.com", "set web-security a b c d", "utils service list"):
            assert "No valid command entered" in low(line) or "Incomplete" in low(line), line
            assert not low.session.understands(line)
            assert low.status == 1
        assert "smtp" not in low.session.complete("set ").candidates
        assert "smtp" not in " ".join(low.session.help("set "))
        assert Conversation(node, level=0)("utils service list") != ""

    def test_it_is_there_from_that_level_on(self, raised):
        advanced = Conversation(raised, account="ann", level=1)
        assert "mail.example.com" in advanced("set smtp mail.example.com")
        advanced("set web-security a b c d", "no")
        assert advanced.status == 1
        assert Conversation(raised)("set web-security a b c d", "no").endswith("cancelled\n")

    def test_no_level_is_lowered(self, tmp_path):
        raised = installed(tmp_path, {"show account": 1})
        assert Conversation(raised, level=1)("show account").endswith("No valid command entered\n")

    @pytest.mark.parametrize("levels", [{"set smpt": 1}, {"set smtp x": 1}, {"": 1}])
    def test_other_words_are_refused(self, tmp_path, levels):
        """Before anything is made of it: nobody is to believe that it holds."""
        with pytest.raises((UsageError, ProfileError)):
            installed(tmp_path, levels)
        assert not (tmp_path / "raised" / "store").exists()

    @pytest.mark.parametrize("level", [0, 2, "high"])
    def test_other_levels_are_refused(self, tmp_path, level):
        with pytest.raises(ProfileError):
            installed(tmp_path, {"set smtp": level})
