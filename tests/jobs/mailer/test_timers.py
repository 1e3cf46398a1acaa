"""When a step is due and when it is stale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from conf.notice_settings import NoticesPolicy
from jobs.mailer.timers import due_at, expires_at, holds
from tests.jobs.mailer.post import NOON

HOUR = timedelta(hours=1)


def test_a_seller_is_reminded_at_twelve_hours_and_until_thirty_six_later(
    rules: NoticesPolicy,
) -> None:
    step = rules.steps["remind_seller"]
    assert due_at(step, NOON) == NOON + 12 * HOUR
    assert expires_at(step, NOON) == NOON + 48 * HOUR


@pytest.mark.parametrize(
    ("step", "since", "hours"),
    [
        ("remind_seller", "asked_at", 12),
        ("warn_seller", "asked_at", 24),
        ("escalate", "asked_at", 24),
        ("ask_review", "delivered_at", 48),
        ("payment_action", "action_required_at", 0),
    ],
)
def test_the_policy_counts_as_agreed(
    rules: NoticesPolicy, step: str, since: str, hours: int
) -> None:
    assert (rules.steps[step].since, rules.steps[step].after_hours) == (since, hours)


@pytest.mark.parametrize(
    ("hours", "found"), [(11.999, False), (12, True), (47.999, True), (48, False)]
)
def test_the_first_moment_counts_and_the_last_does_not(
    rules: NoticesPolicy, hours: float, found: bool
) -> None:
    assert holds(rules.steps["remind_seller"], NOON, None, NOON + hours * HOUR) is found


@pytest.mark.parametrize(
    ("done_after", "found"), [(None, True), (13, False), (14, False), (15, True)]
)
def test_what_has_happened_by_now_ends_the_waiting(
    rules: NoticesPolicy, done_after: int | None, found: bool
) -> None:
    done_at = None if done_after is None else NOON + done_after * HOUR
    assert holds(rules.steps["remind_seller"], NOON, done_at, NOON + 14 * HOUR) is found


def test_nothing_is_due_before_it_has_begun(rules: NoticesPolicy) -> None:
    assert not holds(rules.steps["remind_seller"], None, None, NOON)


def test_hours_are_elapsed_time_when_the_clocks_change(rules: NoticesPolicy) -> None:
    evening = datetime(2026, 3, 28, 20, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    due = due_at(rules.steps["remind_seller"], evening)
    assert due.astimezone(ZoneInfo("Europe/Berlin")).hour == 9
