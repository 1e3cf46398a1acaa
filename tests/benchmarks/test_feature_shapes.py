"""The shapes of features: what is missing, where values lie, how they go by month."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from benchmarks.feature_shapes import shapes
from conf.docs import SPARKS, sparkline
from conf.seller_features import SELLER_FEATURES

JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)


@pytest.fixture
def seen():
    text = {f.name for f in SELLER_FEATURES if f.type == "string"}
    empty = {f.name: pl.Series([None] * 4, dtype=pl.String if f.name in text else pl.Float64)
             for f in SELLER_FEATURES}  # fmt: skip
    own = {
        "ds": [JANUARY, JANUARY, FEBRUARY, FEBRUARY],
        "orders_30d": [1.0, 3.0, 10.0, None],
        "business_type": ["charity", "individual", "individual", "individual"],
    }
    return shapes(pl.DataFrame(empty | own))


def test_a_number_has_its_share_missing_its_quantiles_and_its_monthly_mean(seen):
    assert seen["seller_months"] == 4
    assert (seen["first_month"], seen["last_month"]) == ("2026-01", "2026-02")
    orders = seen["features"]["orders_30d"]
    assert orders["missing"] == 0.25
    assert orders["quantiles"][1] == 3.0
    assert orders["by_month"] == [2.0, 10.0]


def test_a_category_has_its_shares_and_that_of_its_most_common_value_by_month(seen):
    kind = seen["features"]["business_type"]
    assert kind["shares"] == {"individual": 0.75, "charity": 0.25}
    assert kind["by_month"] == [0.5, 1.0]


def test_what_is_never_known_has_no_figures(seen):
    assert seen["features"]["refund_rate"] == {
        "missing": 1.0, "quantiles": [None, None, None], "by_month": [],
    }  # fmt: skip


def test_a_sparkline_goes_from_the_least_to_the_greatest():
    assert sparkline([1, 2, 8]) == f"{SPARKS[0]}{SPARKS[1]}{SPARKS[-1]}"
    assert sparkline([5, 5]) == SPARKS[0] * 2
    assert sparkline([]) == ""
