"""Windows of business dates, and where days begin in zones that change their clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.window import DAY, Window, end_of, start_of


def test_both_ends_are_included() -> None:
    window = Window(date(2024, 5, 1), date(2024, 5, 3))
    assert len(window) == len(list(window)) == 3
    assert date(2024, 5, 3) in window
    assert date(2024, 5, 4) not in window


def test_a_window_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        Window(date(2024, 5, 2), date(2024, 5, 1))


@pytest.mark.parametrize(
    ("zone", "ds", "hours"),
    [
        ("Europe/Berlin", date(2024, 3, 31), 23),
        ("Europe/Berlin", date(2024, 10, 27), 25),
        ("America/Sao_Paulo", date(2017, 10, 15), 23),
        ("America/Sao_Paulo", date(2018, 2, 17), 25),
        ("UTC", date(2024, 3, 31), 24),
    ],
)
def test_days_have_23_24_or_25_hours(zone: str, ds: date, hours: int) -> None:
    """In Sao Paulo the clock changes at midnight: the day of 23 hours has no hour from 0 to 1."""
    assert end_of(ds, zone) - start_of(ds, zone) == timedelta(hours=hours)


ZONES = ["UTC", "America/Sao_Paulo", "Europe/Berlin", "Pacific/Auckland"]


@given(st.dates(date(2000, 1, 1), date(2037, 12, 30)), st.sampled_from(ZONES))
def test_days_follow_each_other_without_a_gap(ds: date, zone: str) -> None:
    assert end_of(ds, zone) == start_of(ds + DAY, zone)
    assert start_of(ds, zone) < end_of(ds, zone)


def test_a_day_begins_at_local_midnight() -> None:
    assert start_of(date(2018, 8, 15), "America/Sao_Paulo") == datetime(2018, 8, 15, 3, tzinfo=UTC)


def test_lately_is_the_last_day_and_so_many_before_it_as_far_as_the_window_goes() -> None:
    window = Window(date(2026, 6, 1), date(2026, 6, 30))
    assert window.lately(7) == Window(date(2026, 6, 23), date(2026, 6, 30))
    assert window.lately(90) == window
    assert Window.day(date(2026, 6, 1)).lately(7) == Window.day(date(2026, 6, 1))
