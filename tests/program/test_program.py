"""The program from outside: batches, answers, pastes, JSON, exit statuses, broken states."""

import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

from cucmos_shell.frontends.agent import ENDING, until_signal

PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]


def run(node_dir, *arguments, stdin="", **options):
    """The finished program."""
    return subprocess.run(
        [*PROGRAM, "--state", str(node_dir), *arguments],
        input=stdin, capture_output=True, text=True, timeout=60, check=False, **options,
    )  # fmt: skip


def test_commands_by_option_print_their_output_only(node_dir):
    """No banner, no prompt, no echo, LF line ends."""
    done = run(node_dir, "-c", "show cli pagination", "-c", "show cert list own | count")
    assert done.stdout == "Automatic Pagination : On.\nCount: 5 lines\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_a_failure_stops_a_batch_unless_told_to_keep_going(node_dir):
    """The first failure decides the exit status."""
    script = "bogus\nshow cli pagination\n"
    done = run(node_dir, stdin=script)
    assert done.returncode == 1
    assert "Pagination" not in done.stdout
    done = run(node_dir, "--keep-going", stdin=script)
    assert done.returncode == 1
    assert done.stdout.endswith("Automatic Pagination : On.\n")


def test_answers_are_the_lines_that_follow(node_dir):
    """A script reads as what one would type."""
    done = run(node_dir, stdin="set cert regen tomcat\nyes\nshow cli pagination\n")
    assert "Successfully Regenerated Certificate for tomcat.\n" in done.stdout
    assert done.stdout.endswith("Automatic Pagination : On.\n")
    assert done.returncode == 0


def test_a_line_that_is_no_answer_stays_a_command(node_dir):
    """The question fails, nothing changes, the line runs."""
    done = run(node_dir, "--keep-going", stdin="set cert regen tomcat\nshow cli pagination\n")
    assert done.returncode == 1
    assert "Executed command unsuccessfully\nAutomatic Pagination : On.\n" in done.stdout


def test_yes_answers_and_eats_a_following_answer(node_dir):
    """The same script works with and without `--yes`."""
    script = "set cert regen tomcat\nyes\nshow cli pagination\n"
    done = run(node_dir, "--yes", stdin=script)
    assert done.returncode == 0
    assert "Successfully Regenerated Certificate for tomcat.\n" in done.stdout


def test_option_commands_take_answers_from_standard_input(node_dir):
    """Standard input supplies answers only."""
    done = run(node_dir, "-c", "set cert regen tomcat", stdin="yes\n")
    assert done.returncode == 0
    assert run(node_dir, "-c", "set cert regen tomcat", stdin="").returncode == 1


def test_a_file_is_a_batch(node_dir, tmp_path):
    """CR LF line ends and a comment are fine; a missing file is a usage error."""
    script = tmp_path / "script"
    script.write_bytes(b"# all of it\r\nshow cli pagination\r\n")
    assert run(node_dir, "-f", str(script)).stdout == "Automatic Pagination : On.\n"
    done = run(node_dir, "-f", str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_json_is_one_line_a_command(node_dir):
    """Also for a conversation, whose dialogue is not in the way."""
    done = run(node_dir, "--json", stdin="show cert list own\nset cert regen tomcat\nyes\n")
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["ok"]
    assert first["command"] == "show cert list own"
    assert second["ok"]
    assert second["command"] == "set cert regen tomcat"


def test_usage_errors_are_status_two(node_dir):
    """One line on standard error says what is wrong."""
    done = run(node_dir, "--bogus")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "--bogus: no such option" in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [["-c"], ["--json=x"], ["init", "--speed", "fast"], ["init", "a"], ["reference", "a", "b"]],
)
def test_options_say_what_is_wrong_with_them(tmp_path, wrong):
    """One line and the way to the help; nothing is installed."""
    done = subprocess.run([*PROGRAM, *wrong], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "--help" in done.stderr
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("verb", [[], ["init"], ["reference"], ["agent"]])
def test_help_lists_every_option(verb):
    """The page comes from the rows that parse."""
    done = subprocess.run([*PROGRAM, *verb, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: cucmos-shell")
    assert subprocess.run([*PROGRAM, "--version"], capture_output=True).stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_agent_ends_when_it_is_told_to(node_dir, number):
    """Soon and in order, whatever signal says so."""
    program = [*PROGRAM, "agent", "--state", str(node_dir)]
    with subprocess.Popen(program, stderr=subprocess.PIPE) as agent:
        while not caught(agent.pid) >> (signal.SIGHUP - 1) & 1:
            assert agent.poll() is None
            os.sched_yield()
        agent.send_signal(number)
        assert agent.communicate(timeout=20) == (None, b"")
    assert agent.returncode == 0


def caught(pid):
    """The signals that a process has handlers for, as bits."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16)


def test_a_round_is_not_broken_off_by_a_signal():
    """The first one only says that it is to be the last; the second one ends all."""
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        going = until_signal()
        assert going()
        os.kill(os.getpid(), signal.SIGINT)
        assert not going()
        assert {signal.getsignal(number) for number in ENDING} == {signal.SIG_DFL}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_the_reference_is_printed_or_written(tmp_path):
    """To standard output unless a file is named; nothing else is touched, and nothing installed."""

    def ask(*arguments):
        return subprocess.run(
            [*PROGRAM, "reference", *arguments],
            capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip

    printed = ask()
    assert printed.returncode == 0
    assert printed.stdout.startswith("# Commands\n")
    assert ask("-").stdout == printed.stdout
    assert not os.listdir(tmp_path)
    written = ask("all.md")
    assert (written.returncode, written.stdout) == (0, "")
    assert (tmp_path / "all.md").read_text() == printed.stdout
    assert os.listdir(tmp_path) == ["all.md"]
    refused = ask("no/all.md")
    assert refused.returncode == 4
    assert refused.stderr == "cucmos-shell: no/all.md: No such file or directory\n"
    assert "write it to FILE" in ask("--help").stdout


@pytest.mark.parametrize(
    "data", [b"\x00\xff\xfe\n", b"\x1b[2J\n", b"a" * 70_000 + b"\n", b"\xc3\n"]
)
def test_binary_and_endless_lines_fail_in_one_line(node_dir, data):
    """Nothing raw is printed back, and there is no traceback."""
    done = subprocess.run(
        [*PROGRAM, "--state", str(node_dir)], input=data, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert done.stdout.endswith((b"unsuccessfully\n", b"No valid command entered\n"))
    assert done.stderr == b""


@pytest.mark.unmeasured
def test_a_line_without_end_does_not_eat_the_memory(node_dir):
    """Of 64 MiB without a line end no more than the limit is kept."""
    code = (
        "import sys, cucmos_shell.frontends.start as m\n"
        "from cucmos_shell.world.world import World\n"
        f"status = m.run(['--state', {str(node_dir)!r}], World.real())\n"
        "peak = next(l for l in open('/proc/self/status') if l.startswith('VmHWM'))\n"
        "print(peak.split()[1], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], input=b"x" * (64 << 20), capture_output=True, check=True
    )
    assert int(done.stderr) < 60 * 1024


def test_an_installed_state_may_be_moved(node_dir, tmp_path):
    """Nothing in it names its own place."""
    os.rename(node_dir, tmp_path / "elsewhere")
    assert run(tmp_path / "elsewhere", "-c", "show cert list own").returncode == 0


def damage(path):
    """Change one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def unit_file(node_dir, name):
    """A file of the current version of tomcat."""
    return pathlib.Path(node_dir, "store", "current", "tomcat", name).resolve()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("index.json", "show cert list own"),
        ("certs/tomcat.pem", "show cert own tomcat"),
        ("MANIFEST", "show cert list own"),
    ],
)
def test_damage_is_named_and_nothing_repaired(node_dir, name, command):
    """The file that does not agree is in the message; exit status 5; the file stays as it is."""
    target = unit_file(node_dir, name)
    damage(target)
    before = target.read_bytes()
    done = run(node_dir, "-c", command)
    assert done.returncode == 5
    assert name in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert target.read_bytes() == before


def test_a_damaged_services_file_is_named(node_dir):
    """It is not replaced by a guess."""
    path = node_dir / "services.json"
    path.write_text("{")
    done = run(node_dir, "-c", "utils service list")
    assert done.returncode == 5
    assert "services.json" in done.stdout
    assert path.read_text() == "{"


def test_a_state_of_a_newer_version_is_refused(node_dir):
    """One line says so; nothing is touched."""
    path = node_dir / "profile.json"
    data = json.loads(path.read_text())
    data["format"] = 99
    del data["sha256"]
    path.chmod(0o600)
    path.write_text(json.dumps(data))
    done = run(node_dir, "-c", "show cert list own")
    assert done.returncode == 4
    assert "newer version" in done.stdout + done.stderr


def without_privileges():
    """Root as it would be if files had owners for it too: no CAP_DAC_OVERRIDE, no ..._READ_SEARCH."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):
        libc.prctl(24, capability)


def test_a_state_one_may_not_read_is_one_clear_line(node_dir):
    """Another user's folder: status 4, no traceback."""
    if os.geteuid() == 0:
        os.chown(node_dir, 65534, 65534)
        os.chmod(node_dir, 0o700)
        done = run(node_dir, "-c", "show cert list own", preexec_fn=without_privileges)
    else:
        os.chmod(node_dir, 0)
        done = run(node_dir, "-c", "show cert list own")
        os.chmod(node_dir, 0o700)
    assert done.returncode == 4
    assert "ermission denied" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("\n") <= 3


def test_a_state_one_may_not_write_still_answers_questions(node_dir):
    """Reading goes on with a warning; a change is refused and changes nothing."""
    if os.geteuid() == 0:
        for folder, _, files in os.walk(node_dir):
            for name in [folder, *(os.path.join(folder, file) for file in files)]:
                os.chown(name, 65534, 65534, follow_symlinks=False)
                os.chmod(name, 0o755) if not os.path.islink(name) else None
    before = os.readlink(node_dir / "store" / "current")
    options = {"preexec_fn": without_privileges} if os.geteuid() == 0 else {}
    done = run(node_dir, "-c", "show cert list own", **options)
    assert done.returncode == 0
    assert "tomcat/tomcat.pem: " in done.stdout
    done = run(node_dir, "--yes", "-c", "set cert regen tomcat", **options)
    assert done.returncode == 4
    assert "Traceback" not in done.stdout + done.stderr
    assert os.readlink(node_dir / "store" / "current") == before


def test_a_file_where_the_state_folder_should_be(tmp_path):
    """It is said, not overwritten."""
    place = tmp_path / "state"
    place.write_text("mine")
    done = run(place, "-c", "show cert list own")
    assert done.returncode == 4
    assert place.read_text() == "mine"
    assert "Traceback" not in done.stderr


def test_init_installs_once_and_says_where(tmp_path, keys):
    """A second init is refused; profile, host name and speed are taken."""
    place = tmp_path / "made"
    options = ["--profile", "ucm-9.1", "--hostname", "lab-pub", "--speed", "0"]
    command = [*PROGRAM, "init", "--state", str(place), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert str(place) in done.stdout
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
    assert "lab-pub" in run(place, "-c", "show myself").stdout


def test_an_unknown_profile_is_a_usage_error(tmp_path):
    """The ones there are get named."""
    done = run(tmp_path / "x", "--profile", "nonsense", "-c", "show status")
    assert done.returncode == 2
    assert "imp-9.1" in done.stderr
    assert not (tmp_path / "x" / "store").exists()


def test_two_first_uses_at_once_make_one_node(tmp_path):
    """One installs, the other waits; both answer alike."""
    place = str(tmp_path / "both")
    command = [*PROGRAM, "--state", place, "-c", "show cert own tomcat"]
    first, second = (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
    )
    one, two = first.communicate(timeout=60), second.communicate(timeout=60)
    assert first.returncode == second.returncode == 0, one[1] + two[1]
    assert one[0] == two[0]


def test_a_closed_pipe_is_no_traceback(node_dir):
    """`| head` is a normal thing to do."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, "--state", str(node_dir), "-c", "utils service list"],
        stdout=writer, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writer)
    assert done.stderr == b""


@pytest.mark.parametrize("lost", [["store/current"], ["store"], ["profile.json"]])
def test_a_node_that_has_lost_something_is_damaged_and_never_installed_anew(node_dir, lost):
    """Status 5 names the file; the keys that are left stay."""
    for name in lost:
        path = node_dir / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    before = sorted(str(p) for p in node_dir.rglob("*") if "log" not in p.parts)
    done = run(node_dir, "-c", "show cert list own")
    assert done.returncode == 5
    assert "missing" in done.stdout + done.stderr
    after = sorted(str(p) for p in node_dir.rglob("*") if "log" not in p.parts)
    assert [p for p in before if p not in after] == []


def test_what_a_broken_off_installation_leaves_is_written_over(node_dir):
    """The marker tells it from a node that has lost its state."""
    (node_dir / "store" / "current").unlink()
    (node_dir / "installing").write_text("")
    done = run(node_dir, "-c", "show cert list own | count")
    assert done.stdout == "Count: 5 lines\n"
    assert not (node_dir / "installing").exists()


def test_the_view_is_brought_up_to_date_at_the_next_start(node_dir):
    """It is derived: whoever loses it gets it back."""
    shutil.rmtree(node_dir / "store" / "view")
    assert run(node_dir, "-c", "show cert list own").returncode == 0
    assert (node_dir / "store" / "view" / "tomcat" / "tomcat.pem").exists()


def test_json_says_also_what_keeps_the_program_from_starting(node_dir):
    """One line on standard output, status as ever."""
    (node_dir / "profile.json").unlink()
    done = run(node_dir, "--json", "-c", "show cert list own")
    assert done.returncode == 5
    assert json.loads(done.stdout)["error"]["kind"] == "damaged"


def test_another_product_than_the_installed_one_is_a_usage_error(node_dir):
    """A forgotten folder is not silently another node."""
    assert run(node_dir, "--profile", "imp-9.1", "-c", "help").returncode == 0
    done = run(node_dir, "--profile", "ucm-9.1", "-c", "help")
    assert done.returncode == 2
    assert "imp-9.1" in done.stderr


def test_filters_work_in_json_too(node_dir):
    """On the items of a list, and on nothing else."""
    command = "show cert list own | include ipsec"
    assert len(json.loads(run(node_dir, "--json", "-c", command).stdout)["data"]) == 1
    done = run(node_dir, "--json", "-c", "show cert list own | exclude ipsec | count")
    assert json.loads(done.stdout)["data"] == {"count": 4}
    assert run(node_dir, "--json", "-c", "show myself | count").returncode == 1


def test_warnings_stay_out_of_what_a_program_reads(node_dir):
    """A log that cannot be written is told on standard error."""
    shutil.rmtree(node_dir / "log")
    (node_dir / "log").write_text("")
    done = run(node_dir, "-c", "show cert list own")
    assert done.stdout.count("\n") == 5
    assert done.stderr.startswith("Warning: The audit log cannot be written")


@pytest.mark.unmeasured
@pytest.mark.parametrize("syscall", ["rename:signal=SIGINT:when=1", "fsync:signal=SIGINT:when=1"])
def test_control_c_in_a_batch_never_lies_about_a_change(node_dir, syscall):
    """What it says is what happened: the change is done, or it is not."""
    before = os.readlink(node_dir / "store" / "current")
    command = [*PROGRAM, "--state", str(node_dir), "--yes", "-c", "set cert regen tomcat"]
    trace = ["strace", "-f", "-o", "/dev/null", "-e", f"inject={syscall}"]
    done = subprocess.run([*trace, *command], capture_output=True, text=True, check=False)
    changed = os.readlink(node_dir / "store" / "current") != before
    assert ("Successfully Regenerated" in done.stdout) == changed


def test_a_deeply_nested_state_or_profile_is_one_line(node_dir, tmp_path):
    """Neither the parser of JSON nor that of YAML gets to its limits."""
    (node_dir / "profile.json").write_text("[" * 100_000)
    assert run(node_dir, "-c", "help").returncode == 5
    nested = tmp_path / "nested.yaml"
    nested.write_text("[" * 200_000)
    done = run(tmp_path / "new", "--profile", str(nested), "-c", "help")
    assert done.returncode == 2
    assert "nested too deeply" in done.stderr


def test_options_that_contradict_each_other_are_refused(node_dir):
    """Nothing is silently left out."""
    assert run(node_dir, "-c", "help", "-f", "x").returncode == 2
    assert run(node_dir, "-f", "x", "-f", "y").returncode == 2
    assert run("", "-c", "help").returncode == 2


def test_a_level_at_the_console_takes_rights_away(node_dir):
    """For trying what somebody with that level would see."""
    done = run(node_dir, "--level", "0", "-c", "show cert list own")
    assert "No valid command entered" in done.stdout
    assert run(node_dir, "-c", "show cert list own").returncode == 0


def to_a_full_disk(*arguments, **options):
    """The finished program, whose output goes to a disk that takes nothing."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        return subprocess.run(
            [*PROGRAM, *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True, env=environment, **options,
        )  # fmt: skip


UNTOLD = "cucmos-shell: The change was made, but its answer could not be written: {}\n"


@pytest.mark.parametrize("options", [["--json"], []])
def test_a_change_whose_answer_cannot_be_written_is_status_six(node_dir, options):
    """And says so; the log knows how it ended."""
    before = os.readlink(node_dir / "store" / "current")
    done = to_a_full_disk("--state", str(node_dir), "--yes", *options, "set", "csr", "gen", "cup")
    assert (done.returncode, done.stderr) == (6, UNTOLD.format("No space left on device"))
    assert os.readlink(node_dir / "store" / "current") != before
    assert "set csr gen cup" in run(node_dir, "-c", "show audit last 2").stdout


def test_a_change_that_nobody_hears_of_is_status_six(node_dir):
    """Whoever read the output has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [*PROGRAM, "--state", str(node_dir), "--json", "--yes", "set csr gen cup"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (6, UNTOLD.format("Broken pipe"))


@pytest.mark.parametrize(
    "line",
    [
        ["show", "cert", "list", "own"],
        ["--yes", "set", "cert", "regen", "tomcat"],
        ["-c", "utils service restart Cisco Tomcat"],
        ["--help"],
        ["--version"],
    ],
)
def test_output_that_cannot_be_written_before_any_change_is_status_four(node_dir, line):
    """A question that cannot be asked changes nothing."""
    before = os.readlink(node_dir / "store" / "current")
    done = to_a_full_disk("--state", str(node_dir), *line)
    assert (done.returncode, done.stderr) == (4, "cucmos-shell: No space left on device\n")
    assert os.readlink(node_dir / "store" / "current") == before


def test_an_installation_that_nobody_hears_of_is_status_six(tmp_path):
    """The node is there."""
    done = to_a_full_disk("init", "--state", str(tmp_path / "node"))
    assert (done.returncode, done.stderr) == (6, UNTOLD.format("No space left on device"))
    assert run(tmp_path / "node", "-c", "show cert list own").returncode == 0


def test_a_file_that_cannot_be_read_installs_nothing(tmp_path):
    """It is looked for first."""
    done = run(tmp_path / "node", "-f", str(tmp_path / "none"))
    assert done.returncode == 2
    assert not os.listdir(tmp_path)
