"""What is due, as a pure function: bands, repetitions, clocks that jump."""

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmos_shell.node.expiry.due import (
    DAY,
    HOUR,
    LastNotice,
    MonitorSettings,
    Watched,
    all_due,
    band,
    run_after,
)
from cucmos_shell.store import CertificateRow

NOW = 1_800_000_000.0
DAILY = MonitorSettings(30, 1, "days", False, ())


def certificate(left, name="x", now=NOW):
    row = CertificateRow(
        name, name, "CN=y", "y", "1", 0, int(now + left), "EC 256", "ab" * 32, "", "", False, ""
    )
    return Watched("some-trust", False, row)


def alarms(left, settings=DAILY, said=None, now=NOW):
    one = certificate(left)
    said = {one.key: said} if said else {}
    return [found.alarm for found in all_due([one], settings, said, now)]


@pytest.mark.parametrize(
    ("left", "alarm"),
    [
        (-DAY, "CertExpired"), (-1, "CertExpired"), (0, "CertValidLessthanADay"),
        (DAY - 1, "CertValidLessthanADay"), (DAY, "CertValidfor7days"),
        (7 * DAY - 1, "CertValidfor7days"), (7 * DAY, "CertValidLessThanMonth"),
        (30 * DAY, "CertValidLessThanMonth"),
    ],
)  # fmt: skip
def test_the_time_left_decides_the_alarm(left, alarm):
    assert alarms(left) == [alarm]


def test_nothing_is_said_before_the_period():
    assert alarms(30 * DAY + 1) == []
    assert alarms(5 * DAY, MonitorSettings(3, 1, "days", False, ())) == []


def test_beyond_thirty_days_the_first_notice_has_a_name_of_its_own():
    far = MonitorSettings(90, 1, "days", False, ())
    assert alarms(60 * DAY, far) == ["CertExpiryApproaching"]
    assert alarms(60 * DAY, far, LastNotice(4, NOW - DAY, 1)) == ["CertValidityOver30Days"]


@pytest.mark.parametrize(
    ("settings", "ago", "said"),
    [
        (DAILY, DAY, True), (DAILY, 23 * HOUR, True), (DAILY, 23 * HOUR - 300, True),
        (DAILY, 23 * HOUR - 301, False), (DAILY, 0, False), (DAILY, 400 * DAY, True),
        (MonitorSettings(30, 3, "hours", False, ()), 3 * HOUR - 60, True),
        (MonitorSettings(30, 3, "hours", False, ()), 2 * HOUR, False),
        (MonitorSettings(30, 1, "hours", False, ()), HOUR - 60, True),
        (MonitorSettings(30, 1, "hours", False, ()), HOUR / 2, False),
        (MonitorSettings(30, 7, "days", False, ()), 6 * DAY, False),
        (MonitorSettings(30, 7, "days", False, ()), 7 * DAY - HOUR, True),
    ],
)  # fmt: skip
def test_a_notice_is_repeated_by_the_frequency_give_or_take_a_change_of_the_clock(
    settings, ago, said
):
    """A daily run at two o'clock is 23 hours after the last one when summer time begins."""
    assert bool(alarms(3 * DAY, settings, LastNotice(2, NOW - ago, 1))) == said


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_a_nightly_run_says_it_every_night_of_the_year(zone):
    """By the clock on the wall, through both changes of it."""
    place = zoneinfo.ZoneInfo(zone)
    one, said = certificate(-DAY, now=datetime.datetime(2027, 1, 1, tzinfo=place).timestamp()), {}
    for day in range(366):
        night = datetime.datetime(2027, 1, 2, 3, 30) + datetime.timedelta(days=day)
        now = night.replace(tzinfo=place).timestamp() + (day * 37) % 50
        (found,) = all_due([one], DAILY, said, now)
        said[found.watched.key] = found.notice


def test_a_severer_band_is_said_at_once_and_a_milder_one_is_not():
    assert alarms(HOUR, said=LastNotice(2, NOW - 1, 4)) == ["CertValidLessthanADay"]
    assert alarms(20 * DAY, said=LastNotice(2, NOW - 1, 4)) == []


def test_early_repetitions_do_not_creep():
    """Hourly runs with an allowance of an hour: still one notice a day."""
    one, said, times = certificate(-DAY), {}, []
    for hour in range(24 * 10):
        for found in all_due([one], DAILY, said, NOW + hour * HOUR):
            said[found.watched.key] = found.notice
            times.append(hour)
    assert len(times) == 10 + 1
    assert times == [0, *(24 * day + 23 for day in range(10))]


def test_a_clock_set_back_for_good_does_not_silence_the_monitor():
    last = LastNotice(2, NOW + 365 * DAY, 9)
    assert alarms(3 * DAY, said=last) == ["CertValidfor7days"]


def test_a_clock_set_back_a_little_repeats_nothing():
    assert alarms(3 * DAY, said=LastNotice(2, NOW + HOUR, 1)) == []


def test_a_clock_that_jumps_over_all_bands_and_back_says_each_state_once():
    """Forward by a year and back: `expired`, then what is true again, by the frequency."""
    one, said, seen = certificate(20 * DAY), {}, []
    for now in (NOW, NOW + 365 * DAY, NOW + 365 * DAY + 60, NOW + 120, NOW + 180):
        for found in all_due([one], DAILY, said, now):
            said[found.watched.key] = found.notice
            seen.append(found.alarm)
    assert seen == ["CertValidLessThanMonth", "CertExpired", "CertValidLessThanMonth"]


def test_the_leap_day_is_a_day():
    import calendar

    leap = calendar.timegm((2028, 2, 28, 12, 0, 0))
    march = calendar.timegm((2028, 3, 1, 12, 0, 0))
    assert march - leap == 2 * DAY
    one = certificate(0, now=march)
    (found,) = all_due([one], DAILY, {}, leap)
    assert found.alarm == "CertValidfor7days"


def test_a_renewed_certificate_of_the_same_name_is_another_one():
    old = certificate(DAY / 2)
    new = Watched("some-trust", False, old.row._replace(sha256="cd" * 32))
    said = {old.key: LastNotice(1, NOW, 1)}
    assert [found.watched for found in all_due([old, new], DAILY, said, NOW)] == [new]


@given(st.floats(-400 * DAY, 400 * DAY), st.floats(0, 400 * DAY))
def test_bands_only_get_severer(left, later):
    assert band(left - later) <= band(left)


# --- when to run -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "soonest", "retries", "expected"),
    [
        (None, None, [], 0), (-HOUR, None, [], 23 * HOUR), (-HOUR, 3 * DAY, [], 23 * HOUR),
        (-HOUR, DAY - 1, [], 0), (-60, -DAY, [], HOUR - 60), (-2 * DAY, None, [], 0),
        (-HOUR, None, [15 * 60], 15 * 60), (-HOUR, None, [-5], 0), (5, None, [], 0),
        (-HOUR, None, [400 * DAY], 0),
    ],
)  # fmt: skip
def test_the_monitor_runs_daily_or_hourly_and_for_mail_that_waits(last, soonest, retries, expected):
    last = last if last is None else NOW + last
    soonest = soonest if soonest is None else NOW + soonest
    assert run_after(last, soonest, [NOW + at for at in retries], NOW) == NOW + expected
