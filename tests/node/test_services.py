"""Services: states worked out from plan and time, and which certificate each of them uses."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cucmos_shell.errors import Damaged, Refused, Unavailable
from cucmos_shell.node import Node
from cucmos_shell.node.certificates import issuing
from cucmos_shell.node.services.plan import Timeline, Transition, dependents, in_need_order
from cucmos_shell.profile.profile import ServiceSpec
from cucmos_shell.world.world import no_fault

TOMCAT, ROUTER, SERVLET = "Cisco Tomcat", "Cisco XCP Router", "Cisco Tomcat Stats Servlet"
CONNECTIONS = "Cisco XCP Connection Manager"


@pytest.fixture
def timed(node):
    """The node, its services at the profile's pace."""
    return at_speed(node, 1)


def at_speed(node, speed):
    defaults = {**node.profile.defaults, "speed": speed}
    return Node(node.state_dir, node.profile.replace(defaults=defaults), node.world)


def another(node):
    """The same node as another process sees it."""
    return Node(node.state_dir, node.profile, node.world)


def do(node, command, *arguments):
    """A command of `node.services`, locked and committed as a session does it."""
    with node.store.try_lock() as lock:
        change = node.store.begin(lock, who="admin", what=command, now=node.now())
        result = getattr(node.services, command)(change, *arguments)
        change.commit()
    return result


def renew(node, unit):
    """Give `unit` a new certificate."""
    key = node.world.new_key(node.profile.units[unit].key)
    with node.store.try_lock() as lock:
        change = node.store.begin(lock, who="admin", what="renew", now=node.now())
        serial = node.world.new_serial()
        material = issuing.first(node.profile, unit, key, now=change.now, serial=serial)
        issuing.stage(change, node.profile, material)
        change.commit()


def state(node, name):
    return node.services.state(name).state


def pending(node):
    return [row.service for row in node.services.pending(node.snapshot())]


def wait(node, seconds):
    node.world.sleep(seconds)


# --- states --------------------------------------------------------------------------------------


def test_a_fresh_node_runs_what_the_profile_says(node):
    """Nothing was commanded, so there is no file."""
    states = node.services.states()
    assert not os.path.exists(node.store.layout.services)
    assert {s.name for s in states} == set(node.profile.services)
    for s in states:
        spec = node.profile.services[s.name]
        assert s.state == ("STARTED" if spec.started else "STOPPED")
        assert s.reason == ("" if spec.started else "Service Not Activated")
        assert s.until is None


def test_the_list_is_in_ascii_order_with_the_not_activated_last(node):
    """Upper case before lower case, as the product sorts."""
    states = node.services.states()
    running = [s.name for s in states if s.activated]
    dormant = [s.name for s in states if not s.activated]
    assert [s.name for s in states] == sorted(running) + sorted(dormant)
    assert running.index("Cisco DRF Local") < running.index("Cisco Database Layer Monitor")


def test_a_service_that_was_stopped_keeps_its_place(node):
    """Only what is not activated moves to the end."""
    before = [s.name for s in node.services.states()]
    do(node, "stop", "Cisco DRF Local")
    assert [s.name for s in node.services.states()] == before
    assert node.services.state("Cisco DRF Local").reason == "Commanded Out of Service"


def test_a_restart_takes_the_profiles_time(timed):
    """STOPPING, STARTING and STARTED come when their time has come, in every process."""
    spec = timed.profile.services[TOMCAT]
    rows = do(timed, "restart", TOMCAT)
    assert [row.state for row in rows] == ["STOPPING", "STARTING", "STARTED"]
    assert rows[1].at - rows[0].at == spec.stop_seconds
    assert rows[2].at - rows[1].at == spec.start_seconds
    for elapsed, expected in ((0, "STOPPING"), (7, "STOPPING"), (1, "STARTING"), (19, "STARTING"),
                              (1, "STARTED"), (1000, "STARTED")):  # fmt: skip
        wait(timed, elapsed)
        assert state(timed, TOMCAT) == state(another(timed), TOMCAT) == expected


def test_what_needs_a_service_stops_and_starts_with_it(timed):
    """The servlets in the web server are down until it is up, and come back by themselves."""
    do(timed, "restart", TOMCAT)
    wait(timed, 1)
    found = timed.services.state(SERVLET)
    assert (found.state, found.reason) == ("STOPPING", "")
    wait(timed, 8)
    assert (state(timed, TOMCAT), state(timed, SERVLET)) == ("STARTING", "STOPPED")
    assert timed.services.state(SERVLET).reason == "Component is not running"
    wait(timed, 20)
    assert (state(timed, TOMCAT), state(timed, SERVLET)) == ("STARTED", "STARTING")
    wait(timed, 3)
    assert state(timed, SERVLET) == "STARTED"
    assert all(s.until is None for s in timed.services.states())


def test_what_was_not_running_is_not_started_along(node):
    """A restart brings back what it took down, nothing else."""
    do(node, "activate", CONNECTIONS)
    do(node, "activate", "Cisco XCP Directory Service")
    do(node, "stop", "Cisco XCP Directory Service")
    do(node, "restart", ROUTER)
    assert state(node, CONNECTIONS) == "STARTED"
    assert state(node, "Cisco XCP Directory Service") == "STOPPED"
    assert state(node, "Cisco XCP Web Connection Manager") == "STOPPED"


def test_what_stopped_along_comes_back_with_a_start(node):
    """A service that was stopped by its own command does not."""
    do(node, "activate", CONNECTIONS)
    do(node, "activate", "Cisco XCP Directory Service")
    do(node, "stop", "Cisco XCP Directory Service")
    do(node, "stop", ROUTER)
    assert node.services.state(CONNECTIONS).reason == "Component is not running"
    assert node.services.state("Cisco XCP Directory Service").reason == "Commanded Out of Service"
    do(node, "start", ROUTER)
    assert state(node, CONNECTIONS) == "STARTED"
    assert state(node, "Cisco XCP Directory Service") == "STOPPED"


def test_a_service_cannot_run_without_what_it_needs(node):
    """The refusal names it, and the command that helps."""
    do(node, "activate", CONNECTIONS)
    do(node, "stop", ROUTER)
    for command in ("start", "restart"):
        with pytest.raises(Refused) as caught:
            do(node, command, CONNECTIONS)
        assert caught.value.message() == f"{CONNECTIONS} needs {ROUTER}, which is not running"
        assert caught.value.details == (f"Start it first: utils service start {ROUTER}",)


def test_a_feature_service_must_be_activated(node):
    """Before that it neither starts nor restarts."""
    for command in ("start", "restart"):
        with pytest.raises(Refused) as caught:
            do(node, command, "Cisco SIP Proxy")
        assert "Service Not Activated" in caught.value.message()
    do(node, "activate", "Cisco SIP Proxy")
    assert state(node, "Cisco SIP Proxy") == "STARTED"
    assert do(node, "activate", "Cisco SIP Proxy") == ()
    do(node, "deactivate", "Cisco SIP Proxy")
    found = node.services.state("Cisco SIP Proxy")
    assert (found.state, found.reason, found.activated) == (
        "STOPPED", "Service Not Activated", False,
    )  # fmt: skip


def test_a_service_activated_without_its_need_waits_for_it(node):
    """It starts when the other does."""
    do(node, "stop", ROUTER)
    rows = do(node, "activate", CONNECTIONS)
    assert rows[-1].reason == "Component is not running"
    do(node, "start", ROUTER)
    assert state(node, CONNECTIONS) == "STARTED"


def test_a_network_service_has_no_activation(node):
    """It always is."""
    for command in ("activate", "deactivate"):
        with pytest.raises(Refused):
            do(node, command, TOMCAT)


def test_a_start_of_what_runs_changes_nothing(node):
    """No rows, no file."""
    assert do(node, "start", TOMCAT) == ()
    assert not os.path.exists(node.store.layout.services)


def test_a_restart_of_a_stopped_service_starts_it(timed):
    """There is nothing to stop."""
    do(timed, "stop", TOMCAT)
    wait(timed, 60)
    rows = do(timed, "restart", TOMCAT)
    assert [row.state for row in rows] == ["STARTING", "STARTED"]


def test_a_start_while_it_stops_waits_for_the_stop(timed):
    """A service does not run twice."""
    do(timed, "stop", TOMCAT)
    wait(timed, 2)
    rows = do(timed, "start", TOMCAT)
    assert rows[0].at == timed.now() + 6
    assert state(timed, TOMCAT) == "STOPPING"
    wait(timed, 6)
    assert state(timed, TOMCAT) == "STARTING"


def test_a_second_restart_takes_along_what_waits_for_the_first(timed):
    """Nothing comes up before what it needs."""
    do(timed, "restart", TOMCAT)
    wait(timed, 12)
    assert state(timed, SERVLET) == "STOPPED"
    do(timed, "restart", TOMCAT)
    wait(timed, 25)
    assert (state(timed, TOMCAT), state(timed, SERVLET)) == ("STARTING", "STOPPED")
    wait(timed, 10)
    assert (state(timed, TOMCAT), state(timed, SERVLET)) == ("STARTED", "STARTED")


def test_a_stop_ends_what_waits_for_a_restart(timed):
    """It stays down, and comes back with the next start."""
    do(timed, "restart", TOMCAT)
    wait(timed, 12)
    do(timed, "stop", TOMCAT)
    wait(timed, 100)
    assert (state(timed, TOMCAT), state(timed, SERVLET)) == ("STOPPED", "STOPPED")
    do(timed, "start", TOMCAT)
    wait(timed, 100)
    assert (state(timed, TOMCAT), state(timed, SERVLET)) == ("STARTED", "STARTED")


def test_speed_divides_the_times(node):
    """Ten times as fast; 0 is at once."""
    fast = at_speed(node, 10)
    rows = do(fast, "restart", TOMCAT)
    assert rows[-1].at - rows[0].at == pytest.approx(2.8)
    wait(node, 10)
    rows = do(node, "restart", TOMCAT)
    assert rows[-1].at == rows[0].at
    assert state(node, TOMCAT) == "STARTED"


def test_the_speed_may_be_changed_in_the_nodes_settings(node):
    """What is set there wins over the profile."""
    with node.store.try_lock() as lock:
        change = node.store.begin(lock, who="admin", what="speed", now=node.now())
        change.put_settings({"speed": 2})
        change.commit()
    rows = do(node, "restart", TOMCAT)
    assert rows[-1].at - rows[0].at == 14


def test_a_failure_takes_down_what_needs_it(timed):
    """Without automatic restart somebody has to start it again."""
    do(timed, "set_auto_restart", TOMCAT, False)
    do(timed, "fail", TOMCAT)
    assert state(timed, TOMCAT) == "FAILED"
    wait(timed, 100)
    assert (state(timed, TOMCAT), state(timed, SERVLET)) == ("FAILED", "STOPPED")
    rows = do(timed, "restart", TOMCAT)
    assert [row.state for row in rows] == ["STARTING", "STARTED"]
    wait(timed, 100)
    assert (state(timed, TOMCAT), state(timed, SERVLET)) == ("STARTED", "STARTED")


def test_a_failure_with_automatic_restart_heals(timed):
    """The service and what needs it come back by themselves."""
    assert timed.services.state(TOMCAT).auto_restart
    do(timed, "fail", TOMCAT)
    assert state(timed, TOMCAT) == "FAILED"
    wait(timed, 8)
    assert state(timed, TOMCAT) == "STARTING"
    wait(timed, 100)
    assert (state(timed, TOMCAT), state(timed, SERVLET)) == ("STARTED", "STARTED")


def test_automatic_restart_is_for_some_services_only(node):
    """The refusal lists them."""
    with pytest.raises(Refused) as caught:
        do(node, "set_auto_restart", "Cisco CDP", True)
    assert f"\t{TOMCAT}" in caught.value.details
    do(node, "set_auto_restart", TOMCAT, False)
    assert another(node).services.state(TOMCAT).auto_restart is False


# --- the whole node ------------------------------------------------------------------------------


def test_a_restart_of_the_node_stops_and_starts_everything(timed):
    """Needs before what needs them; the time since the start begins anew."""
    installed = timed.services.booted()
    wait(timed, 500)
    do(timed, "activate", CONNECTIONS)
    do(timed, "stop", "Cisco CDP")
    wait(timed, 500)
    boot = do(timed, "restart_node")
    assert boot == timed.now() + 60
    assert {s.state for s in timed.services.states() if s.activated} == {"STOPPING", "STOPPED"}
    wait(timed, 30)
    assert {s.state for s in timed.services.states()} == {"STOPPED"}
    assert timed.services.booted() == installed
    wait(timed, 31)
    assert timed.services.booted() == boot
    assert (state(timed, ROUTER), state(timed, CONNECTIONS)) == ("STARTING", "STOPPED")
    wait(timed, 300)
    down = [s.name for s in timed.services.states() if s.state != "STARTED"]
    assert all(not timed.services.state(name).activated for name in down)
    assert state(timed, CONNECTIONS) == state(timed, "Cisco CDP") == "STARTED"
    assert {s.state for s in timed.services.platform_states()} == {"STARTED"}


# --- time ----------------------------------------------------------------------------------------


def test_time_never_runs_back(timed):
    """A clock that is set back neither undoes a restart nor stops the next one."""
    do(timed, "restart", TOMCAT)
    wait(timed, 100)
    do(timed, "restart", "Cisco CDP")
    late = timed.services.now()
    wait(timed, -5000)
    fresh = another(timed)
    assert timed.services.now() == late
    assert fresh.services.now() == late
    assert state(fresh, TOMCAT) == "STARTED"
    do(fresh, "restart", TOMCAT)
    assert state(fresh, TOMCAT) == "STOPPING"
    wait(timed, 9)
    assert state(another(timed), TOMCAT) == "STARTING"
    wait(timed, 60)
    assert state(another(timed), TOMCAT) == "STARTED"


def test_one_process_remembers_the_latest_time_it_has_seen(timed):
    """Even where nothing was written since."""
    do(timed, "restart", TOMCAT)
    wait(timed, 10)
    assert state(timed, TOMCAT) == "STARTING"
    wait(timed, -9)
    assert state(timed, TOMCAT) == "STARTING"


# --- certificates --------------------------------------------------------------------------------


def current(node, unit):
    return node.snapshot().own(unit).row.sha256


def test_a_new_certificate_is_pending_until_its_service_restarts(node):
    """The mission in one test: it becomes active then, not before."""
    old = current(node, "tomcat")
    assert pending(node) == []
    assert node.services.loaded(TOMCAT, node.snapshot()) == {"tomcat": old}
    wait(node, 100)
    renew(node, "tomcat")
    first = node.now()
    wait(node, 100)
    renew(node, "tomcat")
    assert node.services.loaded(TOMCAT, node.snapshot()) == {"tomcat": old}
    (row,) = node.services.pending(node.snapshot())
    assert (row.service, row.changed, row.since) == (TOMCAT, {"tomcat": first}, first)
    assert row.trust == ("tomcat-trust",)
    do(node, "restart", "Cisco CDP")
    assert pending(node) == pending(another(node)) == [TOMCAT]
    do(node, "restart", TOMCAT)
    assert pending(node) == pending(another(node)) == []
    assert node.services.loaded(TOMCAT, node.snapshot()) == {"tomcat": current(node, "tomcat")}


def test_what_is_loaded_is_fixed_when_the_start_begins(timed):
    """A certificate that comes while the service stops is loaded; one that comes later is not."""
    do(timed, "restart", TOMCAT)
    wait(timed, 5)
    renew(timed, "tomcat")
    meanwhile = current(timed, "tomcat")
    assert pending(timed) == [TOMCAT]
    wait(timed, 4)
    assert state(timed, TOMCAT) == "STARTING"
    assert pending(timed) == []
    assert timed.services.loaded(TOMCAT, timed.snapshot()) == {"tomcat": meanwhile}
    renew(timed, "tomcat")
    assert pending(timed) == [TOMCAT]
    wait(timed, 100)
    assert timed.services.loaded(TOMCAT, timed.snapshot()) == {"tomcat": meanwhile}
    do(timed, "restart", "Cisco CDP")
    assert timed.services.loaded(TOMCAT, timed.snapshot()) == {"tomcat": meanwhile}
    assert pending(another(timed)) == [TOMCAT]


def test_at_once_means_before_the_next_change(node):
    """Restart and renewal at one and the same time: the order of the changes decides."""
    do(node, "restart", TOMCAT)
    renew(node, "tomcat")
    assert pending(node) == [TOMCAT]
    do(node, "restart", TOMCAT)
    assert pending(node) == []


def test_the_same_certificate_again_is_no_reason_to_restart(node):
    """Contents are compared, not numbers of versions."""
    snapshot = node.snapshot()
    row, der = snapshot.own("tomcat").row, snapshot.own_der("tomcat")
    key = snapshot.private_key_pem("tomcat")
    renew(node, "tomcat")
    assert pending(node) == [TOMCAT]
    with node.store.try_lock() as lock:
        change = node.store.begin(lock, who="admin", what="back", now=node.now())
        change.put_own("tomcat", row, der, key)
        change.commit()
    assert pending(node) == []


def test_a_stopped_service_is_never_pending(node):
    """It uses no certificate; it will load the new one when it starts."""
    renew(node, "tomcat")
    do(node, "stop", TOMCAT)
    assert pending(node) == []
    assert node.services.loaded(TOMCAT, node.snapshot()) == {}
    renew(node, "cup")
    assert pending(node) == [], "the services of that unit are not activated"
    do(node, "start", TOMCAT)
    assert pending(node) == []


def test_services_that_go_along_load_too(node):
    """Two units and two services; one restart is enough."""
    do(node, "activate", CONNECTIONS)
    renew(node, "cup-xmpp")
    renew(node, "cup-xmpp-s2s")
    rows = {row.service: set(row.changed) for row in node.services.pending(node.snapshot())}
    assert rows == {ROUTER: {"cup-xmpp", "cup-xmpp-s2s"}, CONNECTIONS: {"cup-xmpp"}}
    do(node, "restart", ROUTER)
    assert pending(node) == []


def test_a_restart_of_the_node_loads_all(timed):
    """At the moment each service starts."""
    for unit in timed.profile.units:
        renew(timed, unit)
    assert pending(timed) == ["Cisco DRF Local", "Cisco DRF Master", TOMCAT, ROUTER]
    do(timed, "restart_node")
    wait(timed, 300)
    assert pending(timed) == []


def test_what_is_loaded_outlives_the_stores_history(node):
    """After more renewals than the store remembers, the loaded certificate is still known."""
    do(node, "restart", TOMCAT)
    loaded = current(node, "tomcat")
    for _ in range(70):
        wait(node, 1)
        renew(node, "tomcat")
    assert len(node.snapshot().own("tomcat").history) < 70
    assert node.services.loaded(TOMCAT, node.snapshot()) == {"tomcat": loaded}
    assert pending(node) == [TOMCAT]


# --- the file ------------------------------------------------------------------------------------

GOOD = {"format": 1, "high": 1.0, "ahead": 0.0, "boots": [1.0], "services": {}}
LOADED = {"planned_at": None, "head": 1, "own": {"tomcat": [1, "ab"]}, "trust": {}}


def contents(node):
    with open(node.store.layout.services, "rb") as file:
        return file.read()


def rows(*found):
    return {**GOOD, "services": {TOMCAT: {"rows": list(found)}}}


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"format": "1"}',
        json.dumps({**GOOD, "high": None}).encode(),
        json.dumps({**GOOD, "boots": 5}).encode(),
        json.dumps({**GOOD, "services": []}).encode(),
        json.dumps({**GOOD, "services": {TOMCAT: 5}}).encode(),
        json.dumps({**GOOD, "services": {TOMCAT: {"activated": "yes"}}}).encode(),
        json.dumps(rows({"state": "ASLEEP", "at": 1})).encode(),
        json.dumps(rows({"state": "STARTED"})).encode(),
        json.dumps(rows({"state": "STARTED", "at": 2}, {"state": "STOPPED", "at": 1})).encode(),
        json.dumps(rows({"state": "STARTED", "at": 1, "loaded": {}})).encode(),
        json.dumps(rows({"state": "STARTED", "at": 1, "loaded": {**LOADED, "own": [1]}})).encode(),
        json.dumps({**GOOD, "high": float("nan")}).encode(),
        json.dumps(rows({"state": "STARTED", "at": float("inf")})).encode(),
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_named_and_left_alone(octets, node):
    """Listing and commanding both say so; nothing is guessed, nothing repaired."""
    path = node.store.layout.services
    with open(path, "wb") as file:
        file.write(octets)
    for ask in (
        node.services.states,
        lambda: node.services.pending(node.snapshot()),
        lambda: do(node, "restart", TOMCAT),
    ):
        with pytest.raises(Damaged) as caught:
            ask()
        assert path in caught.value.message()
    assert contents(node) == octets


def test_a_file_of_a_newer_program_is_left_alone(node):
    """That is no damage."""
    with open(node.store.layout.services, "w") as file:
        json.dump({**GOOD, "format": 2}, file)
    with pytest.raises(Unavailable) as caught:
        node.services.states()
    assert caught.value.kind == "unavailable"
    assert "newer version" in caught.value.message()


def test_services_that_the_profile_does_not_know_are_kept(node):
    """Another program's entry is not ours to drop."""
    with open(node.store.layout.services, "w") as file:
        json.dump({**GOOD, "services": {"Cisco Unheard Of": {"auto_restart": False}}}, file)
    do(node, "restart", TOMCAT)
    with open(node.store.layout.services) as file:
        assert json.load(file)["services"]["Cisco Unheard Of"] == {"auto_restart": False}


def test_a_file_that_cannot_be_written_changes_nothing(node):
    """The command fails, the state is the one before, and the next command works."""
    do(node, "restart", "Cisco CDP")
    before = contents(node)
    os.mkdir(node.store.layout.services + ".next")
    with pytest.raises(Unavailable):
        do(node, "stop", TOMCAT)
    assert contents(node) == before
    assert state(node, TOMCAT) == "STARTED"
    os.rmdir(node.store.layout.services + ".next")
    do(node, "stop", TOMCAT)
    assert state(node, TOMCAT) == "STOPPED"


def test_what_a_killed_command_left_is_written_over(node):
    """A half-written file beside the real one means nothing."""
    with open(node.store.layout.services + ".next", "w") as file:
        file.write('{"format": 1, "services"')
    assert state(node, TOMCAT) == "STARTED"
    do(node, "stop", TOMCAT)
    assert state(node, TOMCAT) == "STOPPED"
    assert not os.path.exists(node.store.layout.services + ".next")


def test_the_file_stays_small(timed):
    """Past rows are drawn together, however often a service restarts."""
    for _ in range(3):
        do(timed, "restart", TOMCAT)
        wait(timed, 100)
    size = os.path.getsize(timed.store.layout.services)
    for _ in range(20):
        do(timed, "restart", TOMCAT)
        wait(timed, 100)
    assert os.path.getsize(timed.store.layout.services) < size * 1.1


def test_processes_agree(node_dir, node):
    """Commands from several processes at once all take effect."""
    names = ("Cisco CDP", "Cisco DRF Local", "Cisco AMC Service", "Cisco OAM Agent")
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "cucmos_shell", "--state", str(node_dir), "-c",
             f"utils service stop {name}"],
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )
        for name in names
    ]  # fmt: skip
    assert [process.wait() for process in running] == [0] * len(names)
    stopped = [s.name for s in node.services.states() if s.activated and s.state == "STOPPED"]
    assert sorted(stopped) == sorted(names)


# --- the planner ---------------------------------------------------------------------------------


def specs(**needs):
    return {
        name: ServiceSpec(name=name, needs=tuple(others), stop_seconds=1, start_seconds=2)
        for name, others in needs.items()
    }


def test_needs_come_first():
    """However the profile orders its services."""
    known = specs(a=["b"], b=["d"], c=[], d=[], e=["a", "c"])
    order = in_need_order(known, known)
    assert order.index("d") < order.index("b") < order.index("a") < order.index("e")
    assert dependents(known, "d") == ["b", "a", "e"]
    assert dependents(known, "e") == []


def test_a_chain_of_needs_stops_from_its_end_and_starts_from_its_beginning():
    """Each waits for the one before."""
    known = specs(a=[], b=["a"], c=["b"])
    timeline = Timeline(known, 100.0, 1.0, no_fault)
    timeline.stop(known)
    timeline.start(known, {}, {})
    down = {name: next(r.at for r in rows[1:]) for name, rows in timeline.rows.items()}
    up = {name: rows[-1].at for name, rows in timeline.rows.items()}
    assert down == {"c": 101, "b": 101, "a": 101}
    assert up == {"a": 103, "b": 105, "c": 107}
    assert timeline.rows["a"] == [
        Transition("STOPPING", 100),
        Transition("STARTING", 101),
        Transition("STARTED", 103),
    ]


COMMANDS = ("start", "stop", "restart", "activate", "deactivate", "fail")
ACTORS = (TOMCAT, SERVLET, ROUTER, CONNECTIONS, "A Cisco DB", "A Cisco DB Replicator")


@settings(
    max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    st.lists(
        st.tuples(st.sampled_from(COMMANDS), st.sampled_from(ACTORS), st.integers(0, 20)),
        min_size=1,
        max_size=8,
    )
)
def test_nothing_ever_runs_without_what_it_needs(node, steps):
    """Whatever is commanded, in whatever moment: at every later second, and when all is still."""
    if os.path.exists(node.store.layout.services):
        os.unlink(node.store.layout.services)
    timed = at_speed(node, 1)
    for command, name, seconds in steps:
        try:
            do(timed, command, name)
        except Refused:
            continue
        for _ in range(seconds):
            check(timed)
            wait(timed, 1)
    for _ in range(60):
        check(timed)
        wait(timed, 1)
    assert all(s.until is None for s in timed.services.states())
    assert {s.state for s in timed.services.states()} <= {"STARTED", "STOPPED", "FAILED"}


def check(node):
    states = {s.name: s for s in node.services.states()}
    for name, found in states.items():
        if found.state == "STARTED":
            for need in node.profile.services[name].needs:
                assert states[need].state == "STARTED", (name, need, states[need].state)
        if found.state == "STARTED" and not found.activated:
            pytest.fail(f"{name} runs and is not activated")


# --- crashes -------------------------------------------------------------------------------------


@pytest.mark.unmeasured
@pytest.mark.skipif(not os.path.exists("/usr/bin/strace"), reason="strace is not installed")
@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [
        ("fsync:error=EIO:when=1", 4, "STARTED"),
        ("rename:error=EIO:when=1", 4, "STARTED"),
        ("fsync:error=EIO:when=2", 6, "STOPPED"),
        ("fsync:signal=SIGKILL:when=1", -9, "STARTED"),
        ("rename:signal=SIGKILL:when=1", -9, "STARTED"),
        ("fsync:signal=SIGKILL:when=2", -9, "STOPPED"),
    ],
)
def test_a_command_is_carried_out_or_not(fault, status, expected, node_dir, node):
    """A failing disk and a kill at each step: the old state or the new one, and the truth told."""
    run = subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"inject={fault}",
         sys.executable, "-S", "-B", "-m", "cucmos_shell", "--state", str(node_dir),
         "-c", "utils service stop Cisco CDP"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert run.returncode == status, run.stdout + run.stderr
    assert state(node, "Cisco CDP") == expected
    do(node, "restart", "Cisco CDP")
    assert state(node, "Cisco CDP") == "STARTED"


def test_a_change_that_is_refused_moves_no_service(node):
    """The plan is replaced after the commit, and what follows every change has its say before."""

    def refuse(_):
        raise Refused("not now")

    node.store.before_commit = (refuse,)
    with node.store.try_lock() as lock, pytest.raises(Refused):
        node.change(lock, "ann", "restart", lambda c: node.services.restart(c, TOMCAT))
    assert not os.path.exists(node.layout.services)


def test_a_change_sees_what_it_has_planned(node):
    """Two starts in one change: the second comes on top of the first."""

    def both(change):
        node.services.stop(change, TOMCAT)
        assert node.services.start(change, TOMCAT)

    with node.store.try_lock() as lock:
        node.change(lock, "ann", "both", both)
    assert node.services.running(TOMCAT)
    assert node.services.running(SERVLET)


def test_a_certificate_of_a_start_is_known_after_the_clock_was_set_back(timed):
    """The services' time is ahead of the clock then, and certificates have the clock's."""
    do(timed, "restart", "Cisco CDP")
    wait(timed, 100)
    wait(timed, -5000)
    do(timed, "restart", TOMCAT)
    wait(timed, 2)
    renew(timed, "tomcat")
    assert timed.snapshot().own("tomcat").row.not_before <= timed.now()
    wait(timed, 100)
    assert timed.services.loaded(TOMCAT, timed.snapshot())["tomcat"] == (
        timed.snapshot().own("tomcat").row.sha256
    )
    renew(timed, "tomcat")
    assert [row.service for row in timed.services.pending(timed.snapshot())].count(TOMCAT) == 1
