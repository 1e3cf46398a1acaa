"""Behaviour as coordinates: shrunk, relative to the marketplace, frozen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conf.model_settings import SellerSegments
from ml.seller_segments.behaviour import ESTIMATED, PUBLISHED, Behaviour, together
from ml.seller_segments.transforms import NoCounts, TooFew, Transforms, fitted, shrinkage
from tests.support.behaviours import as_behaviour


@pytest.fixture(scope="module")
def transforms(rows: Behaviour, segment_rules: SellerSegments) -> Transforms:
    return fitted(rows, PUBLISHED, segment_rules)


def column(transforms: Transforms, rows: Behaviour, rules: SellerSegments, name: str) -> np.ndarray:
    return transforms.coordinates(rows, rules.features)[:, list(transforms.scales).index(name)]


def test_prior_and_strength_of_a_beta_binomial_are_found_again() -> None:
    rng = np.random.default_rng(0)
    count = rng.integers(20, 400, 20_000)
    rate = rng.binomial(count, rng.beta(4, 36, len(count))) / count
    prior, strength = shrinkage(rate, count.astype(float))
    assert prior == pytest.approx(0.1, abs=0.005)
    assert strength == pytest.approx(40, rel=0.1)


def test_where_sellers_differ_by_chance_alone_all_get_the_prior() -> None:
    rng = np.random.default_rng(0)
    count = np.full(2_000, 50.0)
    rate = rng.binomial(50, 0.1, 2_000) / 50
    assert shrinkage(rate, count)[1] > 1_000


def test_few_orders_say_little(transforms: Transforms, rows: Behaviour, segment_rules) -> None:
    """The same bad rate lies nearer to all others when it rests on three lines than on three
    hundred."""
    name = "cancellation_rate"
    rates = {**rows.values, name: np.full(len(rows), 0.5)}
    at = []
    for count in (3.0, 300.0):
        counts = {**rows.counts, "lines_placed_90d": np.full(len(rows), count)}
        scale = replace(transforms.scales[name], high=99.0)
        wide = replace(transforms, scales={**transforms.scales, name: scale})
        at.append(column(wide, replace(rows, values=rates, counts=counts), segment_rules, name)[0])
    assert transforms.shift < at[0] < at[1]


def test_the_unit_of_a_currency_is_of_no_account(
    segment_months: pd.DataFrame, rows: Behaviour, segment_rules: SellerSegments
) -> None:
    other = segment_months.copy()
    japan = other["marketplace"] == "JP"
    for name in ("asp", "gmv_30d"):
        other.loc[japan, name] = other.loc[japan, name] * 1_000 + 0.0
    again = as_behaviour(other)
    for name in ("asp", "gmv_30d"):
        one = column(fitted(rows, PUBLISHED, segment_rules), rows, segment_rules, name)
        two = column(fitted(again, PUBLISHED, segment_rules), again, segment_rules, name)
        np.testing.assert_allclose(one, two, atol=0.02)


def test_an_unseen_marketplace_takes_the_median_of_all(
    transforms: Transforms, rows: Behaviour, segment_rules: SellerSegments
) -> None:
    medians = transforms.scales["asp"].medians
    assert medians is not None
    assert set(medians) == {"", "US", "DE", "GB", "JP"}
    few = rows.of(np.flatnonzero(rows.marketplace == "JP")[:50])
    alone = replace(rows, marketplace=np.where(rows.marketplace == "JP", "US", rows.marketplace))
    both = together(alone, replace(few, marketplace=np.full(50, "NZ", object)))
    scale = fitted(both, PUBLISHED, segment_rules).scales["asp"]
    assert scale.medians is not None
    assert "NZ" not in scale.medians  # fifty rows would tell of single sellers
    strange = replace(rows, marketplace=np.full(len(rows), "BR", object))
    assert np.isfinite(transforms.coordinates(strange, segment_rules.features)).all()


def test_a_missing_value_lies_at_the_median(
    transforms: Transforms, rows: Behaviour, segment_rules: SellerSegments
) -> None:
    missing = np.isnan(rows.values["avg_response_hours"])
    assert missing.any()
    found = column(transforms, rows, segment_rules, "avg_response_hours")
    assert (found[missing] == transforms.shift).all()


def test_coordinates_are_cut_centred_and_weighted(
    transforms: Transforms, rows: Behaviour, segment_rules: SellerSegments
) -> None:
    found = transforms.coordinates(rows, segment_rules.features)
    known = ~np.isnan(np.column_stack([rows.values[n] for n in transforms.scales]))
    for place, (name, scale) in enumerate(transforms.scales.items()):
        mine = found[known[:, place], place] - transforms.shift
        first, median, third = np.quantile(mine, [0.25, 0.5, 0.75])
        assert median == pytest.approx(0, abs=1e-6), name
        assert third - first == pytest.approx(scale.weight, rel=1e-6), name
        assert mine.max() <= scale.weight * (scale.high - scale.median) / scale.spread + 1e-9


def test_estimated_counts_are_thrice_the_orders(rows: Behaviour) -> None:
    assert rows.counted
    assert (rows.count("reviews_90d", ESTIMATED) == 3 * rows.values["orders_30d"]).all()
    assert (rows.count("reviews_90d", PUBLISHED) == rows.counts["reviews_90d"]).all()


def test_published_counts_are_never_guessed(
    transforms: Transforms, rows: Behaviour, segment_rules: SellerSegments
) -> None:
    gone = {**rows.counts, "orders_placed_90d": np.full(len(rows), np.nan)}
    with pytest.raises(NoCounts, match="published counts"):
        transforms.coordinates(replace(rows, counts=gone), segment_rules.features)


def test_a_constant_feature_is_left_out_and_too_many_are_refused(
    rows: Behaviour, segment_rules: SellerSegments
) -> None:
    names = list(segment_rules.features)
    for name, values, why in (
        ("asp", np.full(len(rows), np.nan), "no value in any row"),
        ("avg_handling_hours", np.full(len(rows), 5.0), "the same in all rows"),
    ):
        changed = replace(rows, values={**rows.values, name: values})
        found = fitted(changed, PUBLISHED, segment_rules)
        assert found.left_out == {name: why}
        assert name not in found.scales
    few = {**rows.values, **{name: np.full(len(rows), np.nan) for name in names[:6]}}
    with pytest.raises(TooFew, match="6 of 16 features tell nothing"):
        fitted(replace(rows, values=few), PUBLISHED, segment_rules)


@given(order=st.permutations(range(40)))
def test_rows_are_transformed_one_by_one(order, rows, transforms, segment_rules) -> None:
    part = rows.of(np.arange(40))
    whole = transforms.coordinates(part, segment_rules.features)
    shuffled = transforms.coordinates(part.of(np.array(order)), segment_rules.features)
    np.testing.assert_array_equal(whole[order], shuffled)


def test_frozen_transforms_are_read_back_as_they_were(
    transforms: Transforms, rows: Behaviour, segment_rules: SellerSegments
) -> None:
    again = Transforms.of_json(transforms.to_json())
    np.testing.assert_array_equal(
        again.coordinates(rows, segment_rules.features),
        transforms.coordinates(rows, segment_rules.features),
    )
