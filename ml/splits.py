"""Months into train, validation and test, so that no label of one looks into the next.

A label looks 60 days ahead, and snapshots are month-ends: a gap of one month on both sides of
validation leaves at most two days of a label window in the next part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from conf.model_settings import Split


class TooLittle(ValueError):
    """There is not enough to train on; the message says how much is missing."""


@dataclass(frozen=True)
class Months:
    """Month-ends of each part, ascending; those between them are used by none."""

    train: tuple[date, ...]
    validation: tuple[date, ...]
    test: tuple[date, ...]


def month_index(day: date) -> int:
    """Months since the year 0, so that the gap counts months of the calendar."""
    return day.year * 12 + day.month - 1


def split(mature: Sequence[date], rules: Split) -> Months:
    """The purged split of mature month-ends, the newest last; TooLittle if there are too few.

    With M months, test and validation have clamp(M // test_share, least, most) each and the rest
    trains: 16 are divided into 10, a gap, 2, a gap, 2.
    """
    days = sorted(mature)
    size = min(max(len(days) // rules.test_share, rules.months_least), rules.months_most)
    test = days[-size:]
    validation = _before(days, test, rules.gap_months)[-size:]
    train = _before(days, validation, rules.gap_months)
    if len(train) < rules.train_months_least:
        needed = rules.train_months_least + 2 * (size + rules.gap_months)
        raise TooLittle(
            f"{len(days)} month-ends have mature labels ({_range(days)}), at least {needed} are "
            f"needed to train on {rules.train_months_least}: {max(needed - len(days), 1)} missing"
        )
    return Months(tuple(train), tuple(validation), tuple(test))


def walk_forward(mature: Sequence[date], rules: Split) -> list[Months]:
    """Each month from the first on that can be tested after training on all before it."""
    days, found = sorted(mature), []
    for test in days:
        train = _before(days, [test], rules.gap_months)
        if len(train) >= rules.train_months_least:
            found.append(Months(tuple(train), (), (test,)))
    return found


def _before(days: Sequence[date], part: Sequence[date], gap: int) -> list[date]:
    if not part:
        return []
    last = month_index(part[0]) - gap
    return [day for day in days if month_index(day) < last]


def _range(days: Sequence[date]) -> str:
    return f"{days[0]} to {days[-1]}" if days else "none"
