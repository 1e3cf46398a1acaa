"""Contributions are those of TreeSHAP: LightGBM's own `pred_contrib` is the reference."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from ml.leaf_tables import MOST_REMEMBERED, leaf_tables

RNG = np.random.default_rng(5)
ROWS = RNG.standard_normal((4_000, 20))
ROWS[RNG.random(ROWS.shape) < 0.1] = np.nan
ROWS[:, 3] = np.floor(2 * np.nan_to_num(ROWS[:, 3]))  # without a missing value, with ties
LABEL = np.nan_to_num(ROWS[:, 0] + ROWS[:, 1] * ROWS[:, 2] + ROWS[:, 3]) > 1


def trained(**parameters: object) -> lightgbm.Booster:
    given = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}
    return lightgbm.train({**given, **parameters}, lightgbm.Dataset(ROWS, LABEL), 15)


@pytest.mark.parametrize("leaves", [2, 15, 63])
def test_contributions_equal_the_reference(leaves: int) -> None:
    booster = trained(num_leaves=leaves)
    tables, rows = leaf_tables(booster), ROWS[:1_500].copy()
    rows[:200, 3] = np.nan  # missing where training saw none
    rows[200:400] *= 100
    expected = booster.predict(rows, pred_contrib=True)
    assert np.abs(tables.contributions(rows) - expected[:, :-1]).max() < 1e-9
    assert tables.bias == pytest.approx(expected[0, -1], abs=1e-9)


def test_paths_with_more_features_than_are_remembered_are_reckoned_too() -> None:
    booster = trained(num_leaves=127, feature_fraction=0.9)
    tables = leaf_tables(booster)
    assert np.diff(tables.first).max() > MOST_REMEMBERED
    expected = booster.predict(ROWS[:300], pred_contrib=True)[:, :-1]
    assert np.abs(tables.contributions(ROWS[:300]) - expected).max() < 1e-9


def test_contributions_add_up_to_the_margin_and_one_row_is_as_good_as_many() -> None:
    booster = trained(num_leaves=31)
    tables = leaf_tables(booster)
    found = tables.contributions(ROWS)
    margin = booster.predict(ROWS, raw_score=True)
    assert np.abs(found.sum(axis=1) + tables.bias - margin).max() < 1e-9
    assert (tables.contributions(ROWS[7:8]) == found[7:8]).all()


def test_a_model_of_one_leaf_says_nothing() -> None:
    booster = trained(min_data_in_leaf=10_000)
    assert not leaf_tables(booster).contributions(ROWS[:10]).any()


def test_categorical_splits_are_refused() -> None:
    data = lightgbm.Dataset(np.abs(ROWS[:, 3:4]), ROWS[:, 3] == 0, categorical_feature=[0])
    booster = lightgbm.train(
        {"objective": "binary", "verbose": -1, "min_data_per_group": 1}, data, 2
    )
    with pytest.raises(ValueError, match="only numbers"):
        leaf_tables(booster)
