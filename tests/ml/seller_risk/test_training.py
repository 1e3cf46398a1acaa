"""A training, step by step: what it looks at, what it reaches, and what it is held to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.calibration import Calibration
from ml.seller_risk import card, training
from ml.seller_risk.train import calibrated, fit
from tests.support.seller_months import seller_months


@pytest.fixture(scope="session")
def outcome(model, data, chosen, rules) -> training.Outcome:
    return training.judged(model, data, chosen, rules, 1, 0.0, None)


def gate(outcome: training.Outcome, name: str) -> bool:
    (found,) = [gate.passed for gate in outcome.gates if gate.name == name]
    return found


def test_search_and_calibration_never_see_the_same_seller(data) -> None:
    assert not set(data.stop.seller) & set(data.held.seller)
    assert set(data.stop.month) == set(data.held.month) == set(data.months.validation)
    assert not set(data.test.month) & {*data.months.train, *data.months.validation}


def test_shuffled_rows_are_the_same_training(months, data, rules) -> None:
    again = training.prepared(months.sample(frac=1, random_state=3), data.months, rules)
    assert np.array_equal(again.rows.features, data.rows.features, equal_nan=True)
    assert again.encoding == data.encoding


def test_the_test_months_change_nothing_of_the_model(months, data, chosen, rules, model) -> None:
    changed = months.copy()
    later = changed["ds"].isin(data.months.test)
    changed.loc[later, "late_shipment_rate"] = 0.99
    changed.loc[later, "label"] = 1 - changed.loc[later, "label"]
    other = training.prepared(changed, data.months, rules)
    assert training.searched(other, rules, 1, lambda sentence: None) == chosen
    text = fit(other.train, chosen, 1).model_to_string()
    from_other = training.assembled(text, other, chosen, rules, months["ds"].max())
    assert (from_other.trees, from_other.bands) == (model.trees, model.bands)


def test_the_model_finds_what_the_features_tell(outcome) -> None:
    judged = outcome.judged
    assert judged.ap.low > 2 * judged.base_rate
    assert judged.ap.low < judged.ap.value < judged.ap.high
    assert gate(outcome, "additivity")
    assert gate(outcome, "leakage findings")


def test_a_gate_that_is_missed_is_told_with_both_figures(model, data, chosen, rules) -> None:
    strict = replace(rules, gates=replace(rules.gates, ap_least=0.99))
    outcome = training.judged(model, data, chosen, strict, 1, 0.5, None)
    assert not gate(outcome, "average precision")
    assert any("instead of 0.99" in sentence for sentence in outcome.missed)
    assert any("parity is 0.5" in sentence for sentence in outcome.missed)


def test_a_worse_model_than_the_champion_is_held_back(model, data, chosen, rules) -> None:
    one_tree = fit(data.train, replace(chosen, rounds=1), 1).model_to_string()
    weak = training.assembled(one_tree, data, chosen, rules, data.months.test[-1])
    outcome = training.judged(weak, data, chosen, rules, 1, 0.0, model)
    assert outcome.judged.over_champion.value < -0.01
    assert not gate(outcome, "lower bound of the difference to the champion")
    same = training.judged(model, data, chosen, rules, 1, 0.0, model)
    assert gate(same, "lower bound of the difference to the champion")


def test_calibration_mends_probabilities_and_keeps_the_rank() -> None:
    rng = np.random.default_rng(1)
    margin = rng.standard_normal(20_000)
    label = (rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * margin - 2)))).astype(int)
    mended = calibrated(label, margin)
    assert mended.slope == pytest.approx(0.5, abs=0.1)
    assert mended.offset == pytest.approx(-2, abs=0.1)
    assert (np.argsort(mended.probability(margin)) == np.argsort(margin)).all()


def test_a_margin_that_tells_the_wrong_way_is_left_as_it_is() -> None:
    assert calibrated(np.array([1, 1, 0, 0]), np.array([-2.0, -1, 1, 2])) == Calibration()


def test_a_constant_feature_and_an_empty_one(rules, data) -> None:
    months = seller_months(400, 8).assign(suspension_history=0, asp=np.nan)
    found = training.prepared(months, data.months, rules)
    assert found.empty == ["asp"]


def test_the_card_tells_figures_gates_and_limits(outcome, model, rules, tmp_path: Path) -> None:
    card.write(tmp_path, {"features/seller_snapshots": 3}, model, outcome, rules)
    markdown, html = ((tmp_path / f"card.{end}").read_text() for end in ("md", "html"))
    for text in (markdown, html):
        assert str(outcome.judged.ap) in text
        assert "features/seller_snapshots version 3" in text
        assert all(found.name in text for found in outcome.gates)
        assert all(f"{part:.0f} %" in text for part in (1, 2, 5))
    assert {file.stem for file in tmp_path.glob("*.svg")} == set(card.PLOTS)
    assert set(card.metrics(outcome)) >= {"average_precision", "ece", "precision_at_0.01"}
