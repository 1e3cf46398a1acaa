"""Months are divided so that no label looks into the next part."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conf.model_settings import load_seller_risk
from ml.splits import TooLittle, month_index, split, walk_forward
from tests.support.seller_months import month_ends

RULES = load_seller_risk().split


def test_sixteen_months_are_ten_a_gap_two_a_gap_two() -> None:
    days = month_ends(16)
    parts = split(days, RULES)
    assert list(parts.train) == days[:10]
    assert list(parts.validation) == days[11:13]
    assert list(parts.test) == days[14:]


@given(st.sets(st.integers(0, 60), min_size=6))
def test_a_label_reaches_at_most_two_days_into_the_next_part(numbers: set[int]) -> None:
    days = [month_ends(61)[number] for number in sorted(numbers)]
    try:
        parts = split(days, RULES)
    except TooLittle:
        return
    for earlier, later in ((parts.train, parts.validation), (parts.validation, parts.test)):
        assert earlier[-1] + timedelta(days=60) <= later[0] + timedelta(days=2)
    assert len(parts.train) >= RULES.train_months_least


def test_a_missing_month_counts_in_the_gap_but_not_in_the_parts() -> None:
    days = [day for day in month_ends(16) if day != date(2026, 2, 28)]
    parts = split(days, RULES)
    assert month_index(parts.test[0]) - month_index(parts.validation[-1]) >= 2


@pytest.mark.parametrize(("months", "missing"), [(0, 6), (3, 3), (5, 1)])
def test_too_few_months_say_how_many_are_missing(months: int, missing: int) -> None:
    with pytest.raises(TooLittle, match=f"{missing} missing"):
        split(month_ends(months), RULES)


def test_walking_forward_trains_on_everything_before_the_gap() -> None:
    for parts in walk_forward(month_ends(8), RULES):
        assert month_index(parts.test[0]) - month_index(parts.train[-1]) == 2
