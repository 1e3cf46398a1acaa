"""Figures agree with scikit-learn, and intervals are those of sellers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from ml import evaluation
from ml.evaluation import Draws

RNG = np.random.default_rng(3)
LABEL = RNG.random(2_000) < 0.1
SCORE = LABEL + 1.5 * RNG.standard_normal(2_000)
SELLER = np.repeat([f"s{n}" for n in range(500)], 4)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=60))
def test_average_precision_is_that_of_scikit_learn_with_ties_and_weights(rows) -> None:
    label, score = (np.array(values) for values in zip(*rows, strict=True))
    found = Draws(np.arange(len(rows)), 20, 1)
    ranked = evaluation._Ranked(label, score)
    for weight in (None, *found.counts[:, found.of_row]):
        if not (label if weight is None else label * weight).any():
            continue
        expected = average_precision_score(label, score, sample_weight=weight)
        assert ranked.average_precision(weight) == pytest.approx(expected)


def test_an_interval_holds_its_value_and_is_wider_for_fewer_sellers() -> None:
    many = Draws(SELLER, 200, 1).average_precision(LABEL, SCORE)
    few = Draws(SELLER[:400], 200, 1).average_precision(LABEL[:400], SCORE[:400])
    assert many.low < many.value < many.high
    assert few.high - few.low > many.high - many.low


def test_the_same_ranking_differs_by_nothing() -> None:
    same = Draws(SELLER, 50, 1).difference(LABEL, SCORE, 2 * SCORE)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_capacity_costs_and_threshold_agree() -> None:
    label, score = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])
    assert evaluation.at_capacity(label, score, 0.5) == {
        "rows": 2, "precision": 0.5, "recall": 0.5,
    }  # fmt: skip
    assert list(evaluation.costs(label, score, 1, 10)) == [20, 11, 12, 3, 4]
    assert evaluation.cheapest_threshold(label, score, 1, 10) == 0.7
    assert evaluation.cheapest_threshold(label, score, 100, 1) == float("inf")


def test_a_probability_that_holds_has_no_calibration_error() -> None:
    chance = RNG.random(200_000)
    happened = RNG.random(200_000) < chance
    assert evaluation.calibration_error(happened, chance, 10) < 0.005
    assert evaluation.calibration_error(happened, chance / 2, 10) > 0.2


def test_slices_tell_rows_positives_and_interval() -> None:
    groups = {"place": np.where(np.arange(2_000) < 1_500, "US", None)}
    us, missing = evaluation.slices(LABEL, SCORE, SELLER, groups, 50, 1)
    assert (us["group"], us["rows"], missing["group"]) == ("US", 1_500, "missing")
    assert us["ap_low"] <= us["ap"] <= us["ap_high"]
