"""What programs written for the product's command line expect, byte for byte."""

import pytest
from harness import Conversation
from screen import Screen

FAILED = "Executed command unsuccessfully\r\n"
PASSWORD = "Blue-Harbour7"
MAKE = "set account name ann\r"
LEVELS = "Privilege Levels are:\r\nOrdinary - Level 0\r\nAdvanced - Level 1\r\n"


@pytest.fixture
def screen(node):
    """A terminal with a session at its prompt."""
    return Screen(node, banner=False)


def make(screen):
    """An account is there."""
    for answer in (MAKE, "1\r", f"{PASSWORD}\r", f"{PASSWORD}\r"):
        screen.type(answer)


def writes(screen, keys):
    """What `keys` have written, a list of writes, each taken as soon as it may be."""
    terminal, found = screen.terminal, []
    now = screen.node.world.monotonic
    terminal.receive(keys.encode(), now())
    while True:
        if work := terminal.take_work():
            terminal.worked(work(), now())
        elif out := terminal.take_output(now()):
            found.append(out.decode())
        elif terminal.deadline is not None and terminal.deadline - now() < 5:
            screen.node.world.sleep(max(0.0, terminal.deadline - now()))
            terminal.tick(now())
        else:
            return found


def test_the_session_timeout_is_asked(screen, node):
    """The question is the last of the write, nothing behind it."""
    found = writes(screen, "set cli session timeout 30\r")
    assert found[-1].endswith("\r\nContinue (y/n)?")
    assert screen.type("y\r") == "y\r\nCLI session timeout is 30 minutes\r\nadmin:"
    screen.type("set cli session timeout 99\r")
    text = screen.type("n\r")
    assert text == "n\r\nThe CLI session timeout was not changed\r\nadmin:"
    assert node.logins.timeout() == 1800


def test_the_prompts_of_a_new_account_are_aligned(screen):
    """To 34 columns, the first one flush left."""
    assert screen.type(MAKE) == f"{MAKE}\n{LEVELS}Please enter the privilege level :"
    assert screen.type("1\r") == "1\r\n       Please enter the password :"
    stars = "*" * len(PASSWORD)
    assert screen.type(f"{PASSWORD}\r") == f"{stars}\r\n             re-enter to confirm :"
    assert screen.type(f"{PASSWORD}\r") == f"{stars}\r\nAccount successfully created\r\nadmin:"


def test_an_existing_account_is_refused_at_once(screen):
    """And what was typed ahead for its questions is neither shown, run nor logged."""
    make(screen)
    refused = f"{MAKE}\nAccount name already exists\r\n{FAILED}admin:"
    assert screen.type(MAKE) == refused
    assert screen.type(f"{MAKE}1\r{PASSWORD}\r{PASSWORD}\r") == refused
    for line in ("show cli pagination", "sh cli pag"):
        text = screen.type(f"{MAKE}1\r{PASSWORD}\r{line}\r")
        assert text == f"{refused}{line}\r\nAutomatic Pagination : On.\r\nadmin:"
    fourth = screen.type(f"{MAKE}1\r\n{PASSWORD}\r\n{PASSWORD}\r\nbogus\r\n")
    assert fourth == f"{refused}bogus\r\n{FAILED}No valid command entered\r\nadmin:"
    with open(screen.node.layout.audit_log(0), encoding="utf-8") as log:
        assert PASSWORD not in log.read()


def test_what_comes_later_is_a_line_again(screen):
    """Only 300 ms belong to the refused command; half a line stays."""
    make(screen)
    screen.type(MAKE)
    assert "No valid command entered" in screen.type("1\r")
    assert screen.type(f"{MAKE}sho").endswith("admin:sho")


@pytest.mark.parametrize("name", ["ann;id", "`id`", "-x", "a" * 200])
def test_a_bad_name_is_refused_at_once_too(screen, name):
    """Hostile and over-long ones."""
    text = screen.type(f"set account name {name}\r1\r{PASSWORD}\r{PASSWORD}\r")
    assert text.endswith(f"{FAILED}admin:")
    assert "level" not in text
    assert "Privilege" not in text
    assert PASSWORD not in text


def test_the_details_of_the_interface_follow_its_first_block(say):
    """Nothing of it changes."""
    plain, detailed = say("show network eth0"), say("show network eth0 detail")
    assert detailed.startswith(plain)
    assert detailed.removeprefix(plain) == (
        "\nHost Name    : imp-pub\nNetwork      : 192.0.2.0\nBroadcast    : 192.0.2.255\n"
    )
    assert "Too many parameters" in say("show network eth0 detail more")
    assert "nonsense is not one of: detail" in say("show network eth0 nonsense")


def test_a_changed_password_is_a_write_of_its_own(screen):
    """The prompt comes in the next one."""
    make(screen)
    for answer in ("set password user admin\r", "x\r", "Green-Harbour8\r"):
        screen.type(answer)
    found = writes(screen, "Green-Harbour8\r")
    assert found[-2].endswith("\r\nPassword updated successfully.\r\n")
    assert found[-1] == "admin:"


@pytest.mark.parametrize("line", ["run loadxml x.xml", "ru loadx", "RUN LOADXML"])
def test_what_is_not_simulated_says_so_and_fails(screen, line):
    """By its full name, however it was shortened; programs see the failure line."""
    assert screen.type(f"{line}\r") == (
        f"{line}\r\nrun loadxml: a command of the real node that this one does not simulate\r\n"
        f"{FAILED}admin:"
    )


def test_what_the_release_does_not_have_is_no_command(screen):
    """The product's own two lines."""
    assert screen.type("utils nonsense\r") == (
        f"utils nonsense\r\n{FAILED}No valid command entered\r\nadmin:"
    )


def test_the_inactive_side(ucm_node):
    """The call manager has one."""
    assert Conversation(ucm_node)("show version inactive") == (
        "Inactive Master Version: 9.0.1.10000-37\n"
        "Inactive Version Installed Software Options:\n"
        "No Installed Software Options Found.\n"
    )
