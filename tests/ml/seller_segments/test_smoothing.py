"""Who moves and who stays, month by month."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conf.model_settings import load_seller_segments
from ml.seller_segments.smoothing import ABSENT, LOW_HISTORY, History, smoothed

RULES = load_seller_segments()
IDS = np.array([3, 7])


def history(distances: list, orders: list | None = None, tenure: list | None = None) -> History:
    """One seller; a month is a pair of distances, or None where he has no row."""
    months = len(distances)
    pairs = [(np.inf, np.inf) if pair is None else pair for pair in distances]
    return History(
        here=np.array([[pair is not None for pair in distances]]),
        tenure_days=np.array([tenure or [500] * months], float),
        orders_90d=np.array([orders or [100] * months], float),
        distances=np.array([pairs], float), ids=IDS,
    )  # fmt: skip


def path(*given, **more) -> list[int]:
    return smoothed(history(*given, **more), RULES.low_history, 0.25)[0].tolist()


NEAR_3, NEAR_7 = (1.0, 1.2), (1.2, 1.0)
FAR_NEAR_7 = (2.0, 1.0)


@pytest.mark.parametrize(
    ("distances", "expected"),
    [
        ([NEAR_3, NEAR_7, NEAR_3], [3, 3, 3]),  # once is not enough
        ([NEAR_3, NEAR_7, NEAR_7], [3, 3, 7]),  # two month-ends are
        ([NEAR_3, NEAR_7, None, NEAR_7], [3, 3, ABSENT, 7]),  # his month-ends, not the calendar's
        ([NEAR_3, FAR_NEAR_7, NEAR_7], [3, 7, 7]),  # nearer by more than a quarter: at once
        ([NEAR_3, (1.0, 0.75)], [3, 3]),  # exactly a quarter is not more
        ([None, NEAR_7], [ABSENT, 7]),
        ([(1.0, 1.0)], [3]),  # of equally near ones the first
    ],
)
def test_moves(distances: list, expected: list[int]) -> None:
    assert path(distances) == expected


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([29, 30, 39, 40], [0, 0, 0, 3]),  # once in, he leaves at 40
        ([30, 20, 19, 39, 40], [3, 3, 0, 0, 3]),  # once out, he returns below 20
    ],
)
def test_low_history_has_two_bounds(orders: list[int], expected: list[int]) -> None:
    assert path([NEAR_3] * len(orders), orders=orders) == expected


def test_a_young_account_is_new_whatever_it_sells() -> None:
    assert path([NEAR_3] * 3, tenure=[59, 60, 90]) == [0, 3, 3]


def test_who_leaves_low_history_goes_where_he_is_nearest() -> None:
    assert path([NEAR_3, NEAR_7], orders=[5, 100]) == [LOW_HISTORY, 7]


@given(
    st.lists(st.one_of(st.none(), st.tuples(st.floats(0.1, 9), st.floats(0.1, 9))), min_size=1,
             max_size=7),
    st.integers(1, 7),
)  # fmt: skip
def test_a_month_rests_on_none_after_it(distances: list, cut: int) -> None:
    assert path(distances)[:cut] == path(distances[:cut])


def test_sellers_are_smoothed_one_by_one() -> None:
    one, two = history([NEAR_3, NEAR_7, NEAR_7]), history([NEAR_7, NEAR_7, None])
    both = History(**{
        name: np.concatenate([getattr(one, name), getattr(two, name)])
        for name in ("here", "tenure_days", "orders_90d", "distances")
    }, ids=IDS)  # fmt: skip
    found = smoothed(both, RULES.low_history, 0.25).tolist()
    assert found == [[3, 3, 7], [7, 7, ABSENT]]


def test_a_smaller_margin_moves_sooner() -> None:
    rule = replace(RULES.hysteresis, nearer_least=0.1)
    given = history([NEAR_3, (1.0, 0.85)])
    assert smoothed(given, RULES.low_history, rule.nearer_least)[0].tolist() == [3, 7]
