"""Quiet hours by the wall clock, in every zone, also when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.notice_settings import QuietHours
from jobs.mailer.quiet import first_open, is_quiet

ZONES = sorted(name for name in available_timezones() if "/" in name)
CHANGING = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo",
            "Pacific/Apia", "Asia/Tehran", "Africa/Casablanca", "Asia/Gaza", "Europe/London",
            "America/Santiago", "Antarctica/Troll", "Pacific/Kwajalein"]  # fmt: skip
WALLS = st.times(min_value=time(0, 0)).map(lambda wall: wall.replace(second=0, microsecond=0))
QUIET = st.builds(QuietHours, WALLS, WALLS).filter(lambda quiet: quiet.starts != quiet.ends)
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


def near_a_change(zone: str, around: datetime, minutes: int) -> datetime:
    """An instant at most so far from the first change of the offset behind `around`."""
    local, day = ZoneInfo(zone), timedelta(days=1)
    days = (around + day * number for number in range(400))
    changes = (at for at in days if at.astimezone(local).utcoffset()
               != (at + day).astimezone(local).utcoffset())  # fmt: skip
    return next(changes, around) + timedelta(minutes=minutes)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), INSTANTS, QUIET)
def test_the_first_open_instant_is_outside_and_none_before_it(
    zone: str, at: datetime, quiet: QuietHours
) -> None:
    assert_first_open(zone, at, quiet)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CHANGING), INSTANTS, st.integers(-60, 26 * 60), QUIET)
def test_so_it_is_around_a_change_of_the_clocks(
    zone: str, around: datetime, minutes: int, quiet: QuietHours
) -> None:
    assert_first_open(zone, near_a_change(zone, around, minutes), quiet)


def assert_first_open(zone: str, at: datetime, quiet: QuietHours) -> None:
    """By looking at every minute: no cleverness."""
    local, found = ZoneInfo(zone), first_open(at, quiet, ZoneInfo(zone))
    assert not quiet.cover(found.astimezone(local).time())
    if not quiet.cover(at.astimezone(local).time()):
        assert found == at
        return
    assert found > at
    between = [at, found - timedelta(microseconds=1)]
    minute = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while minute < found:
        between.append(minute)
        minute += timedelta(minutes=1)
    assert all(quiet.cover(moment.astimezone(local).time()) for moment in between)


@pytest.mark.parametrize(
    ("what", "at", "quiet", "opens_at"),
    [
        ("an ordinary night", "2026-06-10T22:00+00:00", "21:00-07:00", "2026-06-11T05:00+00:00"),
        ("the last second", "2026-06-11T04:59:59+00:00", "21:00-07:00", "2026-06-11T05:00+00:00"),
        ("the end itself", "2026-06-11T05:00+00:00", "21:00-07:00", "2026-06-11T05:00+00:00"),
        ("the first second", "2026-06-10T19:00+00:00", "21:00-07:00", "2026-06-11T05:00+00:00"),
        ("a night of an hour less", "2026-03-28T20:00+00:00", "21:00-07:00",
         "2026-03-29T05:00+00:00"),
        ("02:30 does not exist: the clocks leap to 03:00", "2026-03-29T00:00+00:00", "21:00-02:30",
         "2026-03-29T01:00+00:00"),
        ("02:30 exists twice: the first", "2026-10-25T00:10+00:00", "21:00-02:30",
         "2026-10-25T00:30+00:00"),
        ("02:30 exists twice: the second", "2026-10-25T01:10+00:00", "21:00-02:30",
         "2026-10-25T01:30+00:00"),
        ("quiet from 02:30, and the clocks go back before it", "2026-10-25T00:45+00:00",
         "02:30-09:00", "2026-10-25T01:00+00:00"),
    ],
)  # fmt: skip
def test_in_berlin(what: str, at: str, quiet: str, opens_at: str) -> None:
    hours = QuietHours(*(time.fromisoformat(part) for part in quiet.split("-")))
    found = first_open(datetime.fromisoformat(at), hours, ZoneInfo("Europe/Berlin"))
    assert found == datetime.fromisoformat(opens_at), what


def test_who_has_no_quiet_hours_is_always_awake() -> None:
    night = datetime(2026, 6, 10, 1, tzinfo=UTC)
    assert first_open(night, None, UTC) == night


def test_hours_that_do_not_pass_midnight() -> None:
    siesta = QuietHours(time(13), time(15))
    assert is_quiet(datetime(2026, 6, 10, 14, tzinfo=UTC), siesta, UTC)
    assert not is_quiet(datetime(2026, 6, 10, 15, tzinfo=UTC), siesta, UTC)
