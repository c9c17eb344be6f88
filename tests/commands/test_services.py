"""The service commands: the product's strings, and what happens over time."""

import json
import shutil

import pytest
from harness import Conversation

from cucmos_shell.cli.caller import Settings
from cucmos_shell.node import Node
from cucmos_shell.results import Done, Pause, Say
from cucmos_shell.text import iso_time

PATIENCE = (
    " Don't press Ctrl-c while the service is getting RESTARTED."
    "If Service has not Restarted Properly, execute the same Command Again\n"
)
MANAGER = "Service Manager is running\n"
FAILED = "Executed command unsuccessfully\n"


def at_speed(node, speed):
    defaults = {**node.profile.defaults, "speed": speed}
    return Node(node.state_dir, node.profile.replace(defaults=defaults), node.world)


@pytest.fixture
def slowly(node):
    """Speak to the node while its services take their time."""
    return Conversation(at_speed(node, 1))


# --- list ------------------------------------------------------------------------------------------


def test_the_list_has_the_products_frame(say):
    """One blank before a platform service's state, none before the others', two before a reason."""
    lines = say("utils service list").split("\n")
    assert lines[:9] == [
        "Requesting service status, please wait...",
        "System NTP [STARTED]",
        "System SSH [STARTED]",
        "Cluster Manager [STARTED]",
        "Service Manager [STARTED]",
        "Service Manager is running",
        "Getting list of all services",
        ">> Return code = 0",
        "A Cisco DB[STARTED]",
    ]
    assert lines[-3:] == [
        "Cisco XCP XMPP Federation Connection Manager[STOPPED]  Service Not Activated",
        "Primary Node =true",
        "",
    ]
    assert "Cisco Presence Engine[STOPPED]  Service Not Activated" in lines
    assert not [line for line in lines if line != line.rstrip()]


def test_a_subscriber_is_not_the_primary_node(node):
    """The last line says so."""
    other = Node(node.state_dir, node.profile.replace(role="Subscriber"), node.world)
    assert Conversation(other)("utils service list").endswith("Primary Node =false\n")


def test_the_list_shows_why_something_is_down(say):
    """Its place is the one it has when it runs."""
    say("utils service stop Cisco Tomcat")
    say("utils service stop System NTP")
    lines = say("utils service list").splitlines()
    i = lines.index("Cisco Tomcat[STOPPED]  Commanded Out of Service")
    assert lines[i - 1] == "Cisco Syslog Agent[STARTED]"
    assert lines[i + 1] == "Cisco Tomcat Stats Servlet[STOPPED]  Component is not running"
    assert lines[1] == "System NTP [STOPPED] Commanded Out of Service"


def test_the_list_pages_when_asked(say):
    """`page` stops at each page; the plain list never does."""
    for line, paged in (("utils service list", False), ("utils service list page", True)):
        event = say.session.execute(line).step()
        assert (type(event), event.paged) == (Say, paged)


def test_the_list_as_data(node):
    """One object a service, with the reason apart from the state."""
    say = Conversation(node, settings=Settings(output="json"))
    say("utils service stop Cisco CDP")
    answer = json.loads(say("utils service list"))
    services = {row["service"]: row for row in answer["data"]["services"]}
    assert services["Cisco CDP"] == {
        "service": "Cisco CDP",
        "state": "STOPPED",
        "reason": "Commanded Out of Service",
        "activated": True,
    }
    assert len(answer["data"]["platform_services"]) == 4
    assert answer["data"]["primary"] is True


# --- restart, start, stop --------------------------------------------------------------------------


def test_a_restart_at_once_shows_each_state_once(say):
    """At speed 0 nothing lasts."""
    assert say("utils service restart Cisco Tomcat") == (
        PATIENCE
        + MANAGER
        + "Cisco Tomcat[STOPPING]  \nCisco Tomcat[STARTING]  \nCisco Tomcat[STARTED]  \n"
    )
    assert say.status == 0


def test_a_restart_shows_each_state_every_second_it_lasts(slowly):
    """Eight seconds of stopping, twenty of starting, and the end once."""
    before = slowly.node.now()
    assert slowly("utils service restart Cisco Tomcat") == (
        PATIENCE
        + MANAGER
        + "Cisco Tomcat[STOPPING]  \n" * 8
        + "Cisco Tomcat[STARTING]  \n" * 20
        + "Cisco Tomcat[STARTED]  \n"
    )
    assert slowly.node.now() - before == 28


def test_a_state_of_less_than_a_second_is_shown_once(node):
    """A hundred times as fast."""
    fast = Conversation(at_speed(node, 100))
    text = fast("utils service restart Cisco Tomcat")
    assert text.endswith(
        "Cisco Tomcat[STOPPING]  \nCisco Tomcat[STARTING]  \nCisco Tomcat[STARTED]  \n"
    )
    assert text.count("Cisco Tomcat[") == 3


def test_a_restart_streams_and_ctrl_c_leaves_it_to_itself(slowly):
    """Lines come as states are entered; the plan goes on when the session does not watch."""
    execution = slowly.session.execute("utils service restart Cisco Tomcat")
    events = [execution.step() for _ in range(4)]
    assert [type(event) for event in events] == [Say, Say, Say, Pause]
    assert events[2].text == "Cisco Tomcat[STOPPING]  \n"
    assert events[3].seconds == 1
    slowly.node.world.sleep(0.5)
    assert execution.interrupt() == Say("Control-C pressed\n")
    assert isinstance(execution.step(), Done)
    assert "Cisco Tomcat[STOPPING]\n" in slowly("utils service list")
    slowly.node.world.sleep(28)
    assert "Cisco Tomcat[STARTED]\n" in slowly("utils service list")


def test_a_clock_that_stands_still_ends_a_restart_all_the_same(slowly):
    """What was waited for has passed."""
    execution = slowly.session.execute("utils service restart Cisco CDP")
    texts = []
    event = execution.step()
    while not isinstance(event, Done):
        if isinstance(event, Say):
            texts.append(event.text)
        event = execution.step()
    assert texts[-1] == "Cisco CDP[STARTED]  \n"
    assert len(texts) == 2 + 2 + 3 + 1


def test_another_sessions_command_is_seen_at_once(slowly):
    """A stop in the middle of a restart: the truth is shown, and the restart has failed."""
    execution = slowly.session.execute("utils service restart Cisco Tomcat")
    texts = []
    event = execution.step()
    other = Conversation(slowly.node)
    while not isinstance(event, Done):
        if isinstance(event, Say):
            texts.append(event.text)
        if isinstance(event, Pause):
            slowly.node.world.sleep(event.seconds)
            if len(texts) == 15:
                stopping = other.session.execute("utils service stop Cisco Tomcat")
                while not isinstance(stopping.step(), Pause):
                    pass
        event = execution.step()
    assert texts[15] == "Cisco Tomcat[STOPPING]  \n"
    assert texts[-2:] == [
        "Cisco Tomcat[STOPPED]  \n",
        "Cisco Tomcat is not running\n" + FAILED,
    ]
    assert event.status == 1


def test_a_stop_says_not_running(say):
    """The reason stands on a line of its own."""
    assert say("utils service stop Cisco DRF Local") == (
        MANAGER + "Commanded Out of Service\nCisco DRF Local[NOTRUNNING]  \n"
    )
    assert say("utils service stop Cisco DRF Local") == (
        MANAGER + "Commanded Out of Service\nCisco DRF Local[NOTRUNNING]  \n"
    )
    assert say("utils service start Cisco DRF Local") == (
        MANAGER + "Cisco DRF Local[STARTING]  \nCisco DRF Local[STARTED]  \n"
    )
    assert say("utils service start Cisco DRF Local") == MANAGER + "Cisco DRF Local[STARTED]  \n"


def test_a_stop_that_takes_time_shows_it(slowly):
    """The last state is NOTRUNNING, not STOPPED."""
    assert slowly("utils service stop Cisco Tomcat") == (
        MANAGER
        + "Cisco Tomcat[STOPPING]  \n" * 8
        + "Commanded Out of Service\nCisco Tomcat[NOTRUNNING]  \n"
    )


def test_a_start_shows_what_another_session_has_begun(slowly):
    """Starting what starts already is watched to its end."""
    execution = slowly.session.execute("utils service restart Cisco CDP")
    while not isinstance(execution.step(), Pause):
        pass
    execution.interrupt()
    slowly.node.world.sleep(2.5)
    assert slowly("utils service start Cisco CDP") == (
        MANAGER + "Cisco CDP[STARTING]  \n" * 3 + "Cisco CDP[STARTED]  \n"
    )


def test_a_failed_start_fails_the_command(slowly):
    """FAILED is shown as it is."""
    execution = slowly.session.execute("utils service restart Cisco CDP")
    while not isinstance(execution.step(), Pause):
        pass
    node = slowly.node
    with node.store.try_lock() as lock:
        node.change(lock, "test", "fail", lambda change: node.services.fail(change, "Cisco CDP"))
    assert execution.step() == Say("Cisco CDP[FAILED]  \n")
    assert execution.step() == Say("Cisco CDP is not running\n" + FAILED)
    assert "Cisco CDP[FAILED]\n" in slowly("utils service list")


def test_what_needs_another_service_goes_along(say):
    """The message router takes the messaging services along, and only it is shown."""
    say("utils service activate Cisco XCP Connection Manager")
    text = say("utils service stop Cisco XCP Router")
    assert "Connection Manager" not in text
    assert "Cisco XCP Connection Manager[STOPPED]  Component is not running" in say(
        "utils service list"
    )
    assert say("utils service start Cisco XCP Connection Manager") == (
        MANAGER
        + "Cisco XCP Connection Manager needs Cisco XCP Router, which is not running\n"
        + "Start it first: utils service start Cisco XCP Router\n"
        + FAILED
    )
    say("utils service start Cisco XCP Router")
    assert "Cisco XCP Connection Manager[STARTED]\n" in say("utils service list")


# --- names -----------------------------------------------------------------------------------------


def test_the_exact_name_wins_over_a_longer_one(say):
    """The rest of the line is the name, in any case, with any blanks between its words."""
    assert say("utils service restart  CISCO   tomcat").endswith("Cisco Tomcat[STARTED]  \n")
    text = say("utils service restart cisco tomcat stats servlet")
    assert text.endswith("Cisco Tomcat Stats Servlet[STARTED]  \n")


def test_an_unknown_name_is_told_with_its_neighbours(say):
    """Nothing is guessed."""
    text = say("utils service restart Cisco Tomcta")
    assert text.startswith("Cisco Tomcta is not a known service\nDid you mean:\n\tCisco Tomcat\n")
    assert text.endswith(FAILED)
    assert say.status == 1


def test_names_complete_over_several_words(say):
    """Tab goes on where the name stands."""
    assert say.session.complete("utils service restart Cisco Tom").insert == "cat"
    candidates = say.session.complete("utils service restart Cisco Tomcat").candidates
    assert candidates == ("Cisco Tomcat", "Cisco Tomcat Stats Servlet")


def test_platform_services_take_the_commands_they_can(say):
    """Their lines are those of the others."""
    assert say("utils service restart System SSH").endswith("System SSH[STARTED]  \n")
    assert say("utils service stop Service Manager") == (
        f"Service Manager cannot be told to stop\nIt takes: restart\n{FAILED}"
    )


# --- activation ------------------------------------------------------------------------------------


def test_activate_and_deactivate_have_the_lines_of_start_and_stop(say):
    """Deactivated, it is at the end of the list again."""
    assert say("utils service start Cisco SIP Proxy") == (
        MANAGER
        + "Cisco SIP Proxy[STOPPED]  Service Not Activated\n"
        + "Activate it first: utils service activate Cisco SIP Proxy\n"
        + FAILED
    )
    assert say("utils service activate Cisco SIP Proxy") == (
        MANAGER + "Cisco SIP Proxy[STARTING]  \nCisco SIP Proxy[STARTED]  \n"
    )
    assert say("utils service activate Cisco SIP Proxy") == MANAGER + "Cisco SIP Proxy[STARTED]  \n"
    assert say("utils service deactivate Cisco SIP Proxy") == (
        MANAGER + "Commanded Out of Service\nCisco SIP Proxy[NOTRUNNING]  \n"
    )
    assert "Cisco SIP Proxy[STOPPED]  Service Not Activated\n" in say("utils service list")


def test_activation_without_what_is_needed_says_so(say):
    """Activated it is, but not running."""
    say("utils service stop Cisco XCP Router")
    assert say("utils service activate Cisco XCP Directory Service") == (
        MANAGER + "Cisco XCP Directory Service[STOPPED]  Component is not running\n"
    )
    assert say.status == 0


def test_a_network_service_cannot_be_deactivated(say):
    """It is always activated."""
    assert say("utils service deactivate Cisco Tomcat") == (
        MANAGER
        + "Cisco Tomcat is a network service: it is always activated and cannot be deactivated\n"
        + FAILED
    )


def test_auto_restart_is_shown_and_set(say):
    """For the services that have it."""
    show = "utils service auto-restart show Cisco Tomcat"
    assert say(show) == "Automatic restart of Cisco Tomcat is enabled\n"
    assert say("utils service auto-restart disable Cisco Tomcat") == (
        "Automatic restart of Cisco Tomcat is disabled\n"
    )
    assert say(show) == "Automatic restart of Cisco Tomcat is disabled\n"
    say("utils service auto-restart enable Cisco Tomcat")
    assert say(show) == "Automatic restart of Cisco Tomcat is enabled\n"
    text = say("utils service auto-restart enable Cisco CDP")
    assert text.startswith("Automatic restart cannot be set for Cisco CDP\nIt can be set for:\n\t")
    assert text.endswith(FAILED)


# --- pending ---------------------------------------------------------------------------------------


NONE_PENDING = (
    "No service is waiting for a restart\nEach one that runs uses the node's present certificates\n"
)


def test_pending_shows_what_waits_for_a_restart(say):
    """Which certificate, since when, and which trust stores changed besides."""
    assert say("show service pending") == NONE_PENDING
    say.node.world.sleep(3600)
    say("set cert regen tomcat", "yes")
    assert say("show service pending").splitlines() == [
        "Service       Certificate  Changed               Trust store changed",
        "============  ===========  ====================  ===================",
        "Cisco Tomcat  tomcat       2026-11-18T12:06:40Z  tomcat-trust",
        "",
        "Started before a trust store changed (no reason to restart by itself):",
        "\tCisco Intercluster Sync Agent: tomcat-trust",
    ]
    assert say("show service pending | count") == "Count: 1 line\n"
    say("utils service restart Cisco Tomcat")
    assert say("show service pending") == (
        f"{NONE_PENDING}\nStarted before a trust store changed (no reason to restart by itself):\n"
        "\tCisco Intercluster Sync Agent: tomcat-trust\n"
    )
    assert say.status == 0
    assert say("show service pending | count") == "Count: 0 lines\n"
    say("utils service restart Cisco Intercluster Sync Agent")
    assert say("show service pending") == NONE_PENDING


def test_pending_and_an_import_name_the_same_services(say, outside_ca):
    """Of those that read the trust store, the ones that run; none is to restart for that alone."""
    pem = outside_ca.root().pem.decode()
    text = say("set cert import trust cup", pem)
    assert "Running services that read cup-trust: Cisco Intercluster Sync Agent\n" in text
    assert "Cisco SIP Proxy" not in text
    assert "Services to restart" not in text
    assert say("show service pending").endswith("\tCisco Intercluster Sync Agent: cup-trust\n")
    text = say("set cert import trust cup", pem)
    assert "cup-trust/Example_Root_CA.pem: was there already\n" in text
    assert "Running services" not in text
    assert say("show service pending").endswith("\tCisco Intercluster Sync Agent: cup-trust\n")


def test_services_that_do_not_run_are_not_advised(say):
    """They load the new certificate when they start."""
    text = say("set cert regen cup", "yes")
    assert "None of them runs: Cisco SIP Proxy, Cisco Presence Engine\n" in text
    say("utils service activate Cisco SIP Proxy")
    text = say("set cert regen cup", "yes")
    assert "Services to restart: Cisco SIP Proxy\nshow service pending says which " in text
    assert say("show service pending").splitlines()[2].startswith("Cisco SIP Proxy  cup ")


def test_the_menu_of_services_points_to_what_is_pending(say):
    """It stands under show, where people do not look for it."""
    assert say.session.help("utils service ")[-1] == "See also: show service pending"


def test_pending_as_data(node):
    """Times are ISO 8601; who has an older trust store only is not to restart, and not there."""
    say = Conversation(node, settings=Settings(output="json"))
    say("set cert regen tomcat", "yes")
    assert json.loads(say("show service pending"))["data"] == [
        {
            "service": "Cisco Tomcat",
            "since": "2026-11-18T11:06:40Z",
            "certificates": [{"unit": "tomcat", "since": "2026-11-18T11:06:40Z"}],
            "trust_stores": ["tomcat-trust"],
        },
    ]
    say("utils service restart Cisco Tomcat")
    assert json.loads(say("show service pending"))["data"] == []


def test_a_restart_as_data_is_one_line(node):
    """Progress is for people; JSON has the end."""
    say = Conversation(at_speed(node, 1), settings=Settings(output="json"))
    answer = say("utils service restart Cisco CDP")
    assert answer.count("\n") == 1
    assert json.loads(answer) == {
        "schema": 1,
        "command": "utils service restart Cisco CDP",
        "ok": True,
        "data": {"service": "Cisco CDP", "state": "STARTED", "reason": None, "activated": True},
        "error": None,
        "warnings": [],
    }


# --- levels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "utils service restart Cisco Tomcat",
        "utils service stop Cisco Tomcat",
        "utils service activate Cisco SIP Proxy",
        "utils service auto-restart show Cisco Tomcat",
        "utils system restart",
    ],
)
def test_an_ordinary_account_may_look_only(node, line):
    """What is above its level is unknown to it."""
    say = Conversation(node, level=0)
    assert say(line) == FAILED + "No valid command entered\n"
    assert say("utils service list").startswith("Requesting service status")
    assert say("show service pending") == NONE_PENDING


# --- what is loaded, and restarts of all that waits -------------------------------------------------


def loads(node):
    say = Conversation(node)
    say("set output json")
    return {row["service"]: row for row in json.loads(say("show cert loaded"))["data"]}


def test_a_service_holds_what_it_found_when_it_started(node, say):
    """The old certificate, by its serial number, until the restart."""
    row, begun = node.snapshot().own("tomcat").row, iso_time(node.now())
    node.world.sleep(60)
    say("set cert regen tomcat", "yes")
    (before,) = loads(node)["Cisco Tomcat"]["certificates"]
    name = "tomcat/tomcat.pem"
    assert before == {"name": name, "serial": row.serial, "sha256": row.sha256, "current": False}
    assert loads(node)["Cisco Tomcat"]["since"] == begun
    line = next(r for r in say("show cert loaded").splitlines() if r.startswith("Cisco Tomcat "))
    assert line.split()[2:] == [name, row.serial, begun, "another:", "restart"]
    node.world.sleep(60)
    say("utils service restart Cisco Tomcat")
    fresh = node.snapshot().own("tomcat").row
    (after,) = loads(node)["Cisco Tomcat"]["certificates"]
    assert (after["serial"], after["current"]) == (fresh.serial, True)
    assert loads(node)["Cisco Tomcat"]["since"] == iso_time(node.now())
    # What was not restarted holds what it held, since when it did.
    assert loads(node)["Cisco DRF Local"]["since"] == begun


def test_a_service_that_is_down_holds_nothing(node, say):
    """And says why."""
    row = loads(node)["Cisco SIP Proxy"]
    assert (row["since"], row["certificates"]) == (None, [])
    assert row["reason"] == "Service Not Activated"
    assert "  none (Service Not Activated)  " in say("show cert loaded | include SIP")


def test_a_certificate_that_no_kept_state_has_is_known_by_its_hash(node, say):
    """Its version has gone; the service holds it all the same."""
    old = node.snapshot().own("tomcat")
    say("set cert regen tomcat", "yes")
    shutil.rmtree(node.layout.version("tomcat", old.version))
    (held,) = loads(node)["Cisco Tomcat"]["certificates"]
    assert (held["serial"], held["sha256"]) == (None, old.row.sha256)


@pytest.mark.parametrize("speed", [0, 1])
def test_all_that_waits_is_restarted_in_order(node, speed):
    """Each after what it needs, each once; nothing waits afterwards."""
    say = Conversation(at_speed(node, speed))
    for unit in ("cup-xmpp", "tomcat", "ipsec"):
        say(f"set cert regen {unit}", "yes")
    text = say("utils service restart pending")
    assert say.status == 0
    assert text.startswith(PATIENCE + MANAGER)
    started = [line[: -len("[STARTED]  ")] for line in text.splitlines() if "[STARTED]" in line]
    assert started == ["Cisco Tomcat", "Cisco DRF Local", "Cisco DRF Master", "Cisco XCP Router"]
    assert say("show service pending").startswith(NONE_PENDING)
    assert say("utils service restart pending") == "No service is waiting for a restart\n"
    assert say.status == 0


def test_what_goes_along_is_not_restarted_twice(node):
    """A service that needs another, and loads the same certificate, has it from that restart."""
    services = dict(node.profile.services)
    servlet = services["Cisco Tomcat Stats Servlet"]
    services[servlet.name] = servlet.replace(units=("tomcat",))
    node.profile = node.profile.replace(services=services)
    say = Conversation(Node(node.state_dir, node.profile, node.world))
    say("set cert regen tomcat", "yes")
    assert len(say.node.services.pending(say.node.snapshot())) == 2
    say("set output json")
    data = json.loads(say("utils service restart pending"))["data"]
    assert [row["service"] for row in data["restarted"]] == ["Cisco Tomcat"]
    assert data["left"] == []
    assert not say.node.services.pending(say.node.snapshot())


def test_what_cannot_be_restarted_is_named(node):
    """And waits on."""
    services = dict(node.profile.services)
    services["Cisco Tomcat"] = services["Cisco Tomcat"].replace(controls=("start",))
    say = Conversation(Node(node.state_dir, node.profile.replace(services=services), node.world))
    for unit in ("tomcat", "ipsec"):
        say(f"set cert regen {unit}", "yes")
    text = say("utils service restart pending")
    assert text.endswith("Cisco Tomcat waits, too, but cannot be told to restart\n")
    assert "Cisco DRF Master[STARTED]" in text


def test_the_rest_waits_on_when_one_does_not_come_up(node):
    """Another session stops it meanwhile."""
    slow = at_speed(node, 1)
    say = Conversation(slow)
    for unit in ("tomcat", "ipsec"):
        say(f"set cert regen {unit}", "yes")
    execution = say.session.execute("utils service restart pending")
    event = execution.step()
    while not isinstance(event, Pause):
        event = execution.step()
    Conversation(slow)("utils service stop Cisco Tomcat")
    while not isinstance(event, Done):
        if isinstance(event, Pause):
            node.world.sleep(event.seconds)
        event = execution.step()
    assert event.status == 1
    waiting = {row.service for row in slow.services.pending(slow.snapshot())}
    assert waiting == {"Cisco DRF Local", "Cisco DRF Master"}
