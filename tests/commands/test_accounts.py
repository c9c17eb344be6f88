"""Accounts: the dialogues, levels, hashes, strength, locking, and how long a refusal takes."""

import json
import os
import pathlib
import stat
import statistics
import subprocess
import time

import pytest
from harness import Conversation, clock_world
from screen import Screen
from ssh_server import PROGRAM

from cucmos_shell.errors import Refused
from cucmos_shell.node import Node
from cucmos_shell.node.access import passwords
from cucmos_shell.node.access.accounts import (
    MAX_ACCOUNTS,
    Account,
    SignInRefused,
    all_accounts,
    put,
)
from cucmos_shell.node.access.ssh_keys import fingerprint, normalize

GOOD = "Blue-Harbour7"
OTHER = "Green-Valley8"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGq9Uo7rmjSdf7ZvQ3kPa1Q0yNmFbJPKCmBSD9wDxbDd ann@desk"
OLD_NEW_NEW = [
    "Please enter the old password: ",
    "   Please enter the new password: ",
    "Reenter new password to confirm: ",
]


def make(say, name, level="1", password=GOOD):
    return say(f"set account name {name}", level, password, password)


def test_an_account_is_made_in_the_products_words(say):
    """The dialogue of the CLI reference; nothing secret is shown."""
    text = make(say, "ann")
    assert text == (
        "Privilege Levels are:\nOrdinary - Level 0\nAdvanced - Level 1\n"
        "Account successfully created\n"
    )
    assert say.asked == [
        "Please enter the privilege level :",
        "       Please enter the password :",
        "             re-enter to confirm :",
    ]
    assert "ann" in say("show account")
    assert GOOD not in say("show account")


def test_accounts_are_kept_as_argon2id_in_a_file_for_the_owner_only(say, node):
    """PHC strings in a document of the store, mode 0600."""
    make(say, "ann")
    path = node.snapshot().path("node", "accounts.json")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    row = json.loads(pathlib.Path(path).read_text())["accounts"]["ann"]
    assert row["password"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(GOOD, row["password"])
    assert not passwords.matches(OTHER, row["password"])
    assert row["password"] not in repr(all_accounts(node.snapshot()))


@pytest.mark.parametrize("answers", [("2",), ("1", GOOD, OTHER), ("1", "short", "short"), ()])
def test_a_dialogue_that_goes_wrong_makes_no_account(say, answers):
    """Wrong level, two passwords, a weak one, Ctrl-C."""
    say("set account name ann", *answers)
    assert say.status == 1
    assert "ann" not in say("show account")


@pytest.mark.parametrize("name", ["1ann", "a b", "-x", "a" * 40, "ann;id", "../x", "ann\x1b"])
def test_bad_names_are_refused(say, name):
    """They would be file names, log fields and user names elsewhere."""
    make(say, f'"{name}"')
    assert say.status == 1


def test_a_name_is_taken_once_in_any_case(say):
    """The installer's name counts, too."""
    make(say, "ann")
    assert "already" in make(say, "ANN")
    assert "already" in make(say, "admin")


@pytest.mark.parametrize(
    "password",
    ["abc", "aaaaaaaa", "abcdefgh", "87654321", "password", "P4ssw0rd", "Cisco123", "ann1234",
     "plainword", "Welcome1", "new\x1bline9", "x" * 300],
)  # fmt: skip
def test_weak_passwords_are_refused_with_the_reason(password):
    """Short, simple, common, the account's own name."""
    with pytest.raises(Refused, match="not strong enough"):
        passwords.check_strength(password, "ann1")


@pytest.mark.parametrize("password", [GOOD, "plain words but many", "aB3!xy", "pässwörter9"])
def test_strong_passwords_pass(password):
    """Mixed, or long."""
    passwords.check_strength(password, "ann")


def test_levels_hide_commands(say, node):
    """A command above the level is unknown; below it runs."""
    make(say, "ann", "0")
    ordinary = Conversation(node, account="ann", level=0)
    assert "No valid command entered" in ordinary("set account name bob")
    assert "No valid command entered" in ordinary("set password user admin")
    assert "Account Lockout is enabled" in ordinary("show accountlocking")
    advanced = Conversation(node, account="ann", level=1)
    assert "No valid command entered" in advanced("delete account ann")


def test_the_installer_is_among_the_accounts_from_the_beginning(say, node, node_dir):
    """Also without a password, and when others were made before it was written down."""
    assert "admin" in say("show account")
    make(say, "bob")
    assert [line.split()[0] for line in say("show account").splitlines()[2:]] == ["admin", "bob"]
    assert "stays" in say("delete account Admin")
    assert "is unlocked" in say("set accountlocking unlock admin")
    assert candidates(say, "set account ssh-key ") == ["admin", "bob"]
    assert candidates(say, "set accountlocking unlock ") == ["admin", "bob"]
    assert "Added key" in say("set account ssh-key admin", KEY)
    assert Node.open(str(node_dir), node.world).accounts.by_key("admin", KEY).level == 4


def candidates(say, line):
    """The words Tab lists behind `line`, or the one it completes to."""
    found = say.session.complete(line)
    return [name.strip() for name in found.candidates] or [found.insert.strip()]


def test_an_unknown_account_is_told_with_those_there_are(say):
    """Near names, else all; nothing is offered for deletion that cannot be deleted."""
    make(say, "bob")
    make(say, "ann")
    assert say("delete account zed") == (
        "zed is not a known account\nOne of:\n\tadmin\n\tbob\n\tann\n"
        "Executed command unsuccessfully\n"
    )
    assert "Did you mean:\n\tann\n" in say("delete account anne")
    assert "Did you mean:\n\tadmin\n" in say("set accountlocking unlock adnim")
    assert candidates(say, "delete account ") == ["ann", "bob"]
    say("delete account ANN")
    assert candidates(say, "delete account ") == ["bob"]
    assert "admin" not in "".join(say.session.help("delete account "))


def test_deleting(say, node):
    """The installer's account stays; a deleted account cannot sign in."""
    make(say, "ann")
    say("set password user admin", "", GOOD, GOOD)
    assert "stays" in say("delete account admin")
    assert say("delete account ann") == "Account successfully deleted\n"
    with pytest.raises(SignInRefused):
        node.accounts.verify("ann", GOOD, "192.0.2.1")


def test_the_own_password_changes_in_the_products_words(say, node):
    """Three questions, three lines; where there is no old password any answer is one."""
    done = "Please wait...\n\n\nPassword updated successfully.\n"
    assert say("set password user admin", "whatever", GOOD, GOOD) == done
    assert say.asked == OLD_NEW_NEW
    say.asked.clear()
    assert say("set password user admin", GOOD, OTHER, OTHER) == done
    assert say.asked == OLD_NEW_NEW
    assert node.accounts.verify("admin", OTHER, "192.0.2.1").level == 4


@pytest.mark.parametrize(
    ("line", "level", "reason"),
    [
        ("set account name ann", "1", "already"),
        ("set account name ann;id", "1", "cannot name an account"),
        ("set account name bob", "4", "not a privilege level"),
        ("set smtp mail.example.com account ann", "", "needs starttls or tls"),
        ("set smtp mail/ tls account ann", "", "not of the form"),
        ("set smtp mail tls account ännchen", "", "cannot be the name"),
    ],
)
def test_a_refusal_comes_after_the_last_answer(say, node, node_dir, line, level, reason):
    """Whatever is wrong from the beginning: no password typed ahead is left over as a command."""
    make(say, "ann")
    screen = Screen(node)
    shown = screen.type(f"{line}\r" + (f"{level}\r{OTHER}\r" if level else "") + f"{OTHER}\r")
    assert reason in shown
    assert shown.count("Executed command unsuccessfully") == 1
    log = (node_dir / "log" / "platform" / "log" / "cli00001.log").read_text()
    assert OTHER not in shown + log
    assert "bob" not in say("show account")


def test_an_unknown_account_is_told_after_its_key_was_given(say):
    """What is pasted behind the command is the answer, not the next command."""
    assert "not a known account" in say("set account ssh-key bob", KEY)
    assert say.asked == ["Please enter the public key :"]


PRIVATE = (
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU",
    "show myself",
    "",
    "-----END OPENSSH PRIVATE KEY-----",
)


def test_a_private_key_pasted_for_a_public_one_is_dropped_whole(node, node_dir):
    """To its END: neither run, nor shown, nor logged; the line behind it is a command again."""
    screen = Screen(node, banner=False)
    shown = screen.type("\r".join(("set account ssh-key admin", *PRIVATE, "show cli editor", "")))
    assert "That is a private key" in shown
    assert shown.count("Executed command unsuccessfully") == 1
    assert "admin:show cli editor\r\nCommand line editor : quiet\r\nadmin:" in shown
    log = (node_dir / "log" / "platform" / "log" / "cli00001.log").read_text()
    for line in filter(None, PRIVATE[1:]):
        assert line not in shown + log


def test_a_private_key_in_a_batch_is_dropped_whole(node_dir):
    """The same where lines come from a file; one without END takes what there is."""
    script = "\n".join(("set account ssh-key admin", *PRIVATE, "show cli editor", ""))
    for text, last in (
        (script, "Command line editor : quiet"),
        (script.replace("-----END", "---"), "Executed command unsuccessfully"),
    ):
        done = subprocess.run(
            [*PROGRAM, "--state", str(node_dir), "--keep-going"],
            input=text, capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == last
        assert done.stdout.count("Executed command unsuccessfully") == 1
        assert "Machine Name" not in done.stdout


def test_a_block_as_any_answer_is_dropped(say):
    """Whatever was asked for, and whatever is in it."""
    say("set account name ann", "1", *PRIVATE, GOOD)
    assert say.status == 1
    assert say.asked == [
        "Please enter the privilege level :", "       Please enter the password :",
        "", "", "", "", "             re-enter to confirm :",
    ]  # fmt: skip


def test_there_are_only_so_many_accounts(say, node, node_dir):
    """Told after the answers, too."""
    lock = node.store.try_lock()
    with lock:
        transaction = node.store.begin(lock, who="test", what="many", now=node.now())
        for i in range(MAX_ACCOUNTS):
            put(transaction, Account(f"a{i}", 0))
        transaction.commit()
    assert "200 accounts already" in make(say, "ann")
    assert len(say.asked) == 3


@pytest.mark.parametrize("which", ["admin", "security"])
def test_passwords_typed_ahead_are_never_commands(node, node_dir, which):
    """Old, new, new in one go, on a node without a password: no line is left over for the log."""
    screen = Screen(node)
    shown = screen.type(f"set password user {which}\r{OTHER}\r{GOOD}\r{GOOD}\r")
    shown += screen.type("y\r" if which == "security" else "")
    assert "success" in shown
    assert "No valid command" not in shown
    log = (node_dir / "log" / "platform" / "log" / "cli00001.log").read_text()
    assert GOOD not in shown + log
    assert OTHER not in shown + log


def test_a_wrong_old_password_is_told_after_all_three_answers(say, node):
    """So that a script's passwords never become commands."""
    say("set password user admin", "", GOOD, GOOD)
    assert "old password is not right" in say("set password user admin", "Wrong-One1", OTHER, OTHER)
    assert say.status == 1
    assert node.accounts.verify("admin", GOOD, "192.0.2.1")


def test_a_locked_account_is_told_so_when_it_changes_its_password(node_dir, keys):
    """It is signed in; how long, and what helps. The right password is right again afterwards."""
    world, clock = clock_world(keys)
    say = Conversation(Node.open(str(node_dir), world))
    say("set password user admin", "", GOOD, GOOD)
    for _ in range(2):
        refused = say("set password user admin", "Wrong-One1", OTHER, OTHER)
        assert refused.startswith("The old password is not right; nothing was changed\n")
    say("set password user admin", "Wrong-One1", OTHER, OTHER)
    clock.sleep(0.5)
    assert say("set password user admin", GOOD, OTHER, OTHER) == (
        "Account admin is locked for 300 seconds, after too many wrong passwords\n"
        "A level-4 account unlocks it: set accountlocking unlock admin\n"
        "Executed command unsuccessfully\n"
    )
    say("set accountlocking unlock admin")
    say("set password user admin", GOOD, OTHER, OTHER)
    assert say.status == 0


def test_the_security_password(say):
    """The warning, then the question in its own form; `n` changes nothing."""
    text = say("set password user security", "", GOOD, GOOD, "n")
    assert text.startswith("WARNING:\nPlease make sure that the security password on the publisher")
    assert say.asked == [*OLD_NEW_NEW, "Continue (y/n)?"]
    assert say("set password user security", "", GOOD, GOOD, "y").endswith(
        "Please wait...\nCommand successful.\n"
    )
    assert "not right" in say("set password user security", OTHER, OTHER, OTHER, "y")


def test_locking_rules_in_the_products_words(say):
    """Show after set shows it."""
    assert say("show accountlocking") == (
        "Account Lockout is enabled\nUnlock Time : 300 seconds\nRetry Count : 3 attempts\n"
    )
    say("set accountlocking count 5")
    say("set accountlocking unlocktime 30")
    assert say("set accountlocking disable") == (
        "Account Lockout is disabled\nUnlock Time : 30 seconds\nRetry Count : 5 attempts\n"
    )
    for line in ("set accountlocking count 1", "set accountlocking unlocktime 3601"):
        assert "whole number" in say(line)


def test_an_account_is_locked_and_unlocked(node_dir, keys):
    """After three failures even the right password is refused, until the time is over."""
    world, clock = clock_world(keys)
    node = Node.open(str(node_dir), world)
    make(Conversation(node), "ann")
    Conversation(node)("set account ssh-key ann", KEY)
    for _ in range(3):
        with pytest.raises(SignInRefused) as refused:
            node.accounts.verify("ann", "wrong", "192.0.2.1")
    assert str(refused.value) == "Permission denied"
    with pytest.raises(SignInRefused) as refused:
        node.accounts.verify("ann", GOOD, "192.0.2.9")
    assert refused.value.reason == "locked"
    # Wrong passwords, which anybody may send, close no keys.
    assert node.accounts.by_key("ann", KEY).name == "ann"
    # Another process of the node knows it, too.
    with pytest.raises(SignInRefused):
        Node.open(str(node_dir), world).accounts.verify("ann", GOOD, "192.0.2.9")
    clock.sleep(301)
    assert node.accounts.verify("ann", GOOD, "192.0.2.1").name == "ann"


def test_an_administrator_unlocks(say, node):
    """At once."""
    make(say, "ann")
    for _ in range(3):
        with pytest.raises(SignInRefused):
            node.accounts.verify("ann", "wrong", "192.0.2.1")
    assert say("set accountlocking unlock ann") == "Account ann is unlocked\n"
    assert node.accounts.verify("ann", GOOD, "192.0.2.1")


def test_answers_to_failures_take_longer_and_longer(say, node):
    """By address and by name, whether the name is known or not; an IPv6 host is its /64."""
    make(say, "ann")
    say("set accountlocking disable")
    for name, address in (("ann", "2001:db8::1"), ("nobody", "2001:db8:0:1::1")):
        delays = []
        for i in range(8):
            delays.append(node.accounts.delay(name, f"{address}{i}"))
            with pytest.raises(SignInRefused):
                node.accounts.verify(name, "wrong", f"{address}{i}")
        assert delays[:3] == [0, 0, 0]
        assert delays[3:] == [0.25, 0.5, 1, 2, 4]
    assert node.accounts.delay("bob", "2001:db8::ffff") > 0
    assert node.accounts.delay("bob", "192.0.2.1") == 0


@pytest.mark.unmeasured
def test_a_verified_password_is_remembered_until_it_changes(say, node):
    """The second time costs no Argon2id; a new password, or a deletion, ends that at once."""
    make(say, "ann")
    node.accounts.verify("ann", GOOD, "192.0.2.1")
    begun = time.process_time()
    for _ in range(20):
        node.accounts.verify("ann", GOOD, "192.0.2.1")
    assert (time.process_time() - begun) / 20 < 0.01
    ann = Conversation(node, account="ann", level=1)
    ann("set password user admin", GOOD, OTHER, OTHER)
    with pytest.raises(SignInRefused):
        node.accounts.verify("ann", GOOD, "192.0.2.1")
    assert node.accounts.verify("ann", OTHER, "192.0.2.1")


@pytest.mark.unmeasured
def test_an_unknown_account_takes_as_long_as_a_wrong_password(say, node):
    """Medians within a quarter of each other."""
    make(say, "ann")
    say("set accountlocking disable")

    def took(name):
        begun = time.process_time()
        with pytest.raises(SignInRefused):
            node.accounts.verify(name, "wrong", "192.0.2.1")
        return time.process_time() - begun

    pairs = [(took("ann"), took("nobody")) for _ in range(11)]
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert 0.75 < known / unknown < 1.33


def test_public_keys_are_added_and_removed(say, node):
    """By their fingerprint; a key is there once."""
    make(say, "ann")
    assert say("set account ssh-key ann", KEY) == (
        f"Added key {fingerprint(KEY)} for account ann\n"
    )
    again = say("set account ssh-key ann", KEY.replace("ann@desk", "ann@home"))
    assert again == f"Account ann has key {fingerprint(KEY)} already\n"
    assert say.status == 0
    assert node.accounts.by_key("ann", KEY).keys == (KEY,)
    assert node.accounts.by_key("ann", KEY.replace("Dd ann", "De ann")) is None
    assert "All keys are removed" in say("set account ssh-key ann remove")
    assert node.accounts.by_key("ann", KEY) is None
    assert say("set account ssh-key ann remove") == "Account ann has no keys\n"


def test_only_an_administrator_changes_the_keys_of_others(say, node):
    """The own ones anybody of level 1."""
    make(say, "ann")
    make(say, "bob")
    ann = Conversation(node, account="ann", level=1)
    assert "Only a level-4 account" in ann("set account ssh-key bob", KEY)
    assert "Added key" in ann("set account ssh-key ann", KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 !!!!",
        "ssh-dss AAAAB3NzaC1kc3M=",
        'command="sh" ' + KEY,
        KEY.replace("ssh-ed25519 ", "ssh-rsa "),
        KEY[:40],
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "ssh-rsa AAAAB3NzaC1yc2EAAAABAwAAAAIBAQ==",
    ],
)
def test_what_is_no_public_key_is_refused(text):
    """Damaged, weak, with options, private."""
    with pytest.raises(Refused):
        normalize(text)


def test_json_never_has_a_hash(say):
    """Nor anything else that is secret."""
    make(say, "ann")
    say("set output json")
    data = json.loads(say("show account"))
    assert [row["account"] for row in data["data"]] == ["admin", "ann"]
    assert "argon2" not in json.dumps(data)


def test_what_was_right_once_is_likely_whenever(say, node):
    """Of guesses one in 256 seems so: they cannot all come before who has an account."""
    make(say, "ann")
    assert not node.accounts.likely("ann", GOOD)
    node.accounts.verify("ann", GOOD, "192.0.2.1")
    assert node.accounts.likely("ann", GOOD)
    guesses = sum(node.accounts.likely("ann", f"Guess-{number}-x") for number in range(2560))
    assert guesses < 40
    assert not node.accounts.likely("bob", GOOD)
