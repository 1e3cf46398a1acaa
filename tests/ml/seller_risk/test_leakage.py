"""A feature that knows the label is named; one that does not is left in peace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conf.model_settings import SellerRisk
from ml.seller_risk import leakage
from ml.seller_risk.encoding import NAMES
from ml.seller_risk.train import Chosen, Rows, fit
from ml.seller_risk.training import Data

PLACE = NAMES.index("support_tickets_90d")


def with_feature(rows: Rows, values: np.ndarray) -> Rows:
    features = rows.features.copy()
    features[:, PLACE] = values
    return replace(rows, features=features)


def found(data: Data, rows: Rows, chosen: Chosen, rules: SellerRisk) -> set[tuple[str, str]]:
    bounds = replace(rules.leakage, single_feature_ap_most=0.6, pure_rows_least=30)
    return {(f.feature, f.test) for f in leakage.findings(rows, data.test, chosen, bounds, 1)}


def test_an_honest_table_has_no_finding(data, chosen, rules) -> None:
    assert found(data, data.train, chosen, rules) == set()


def test_a_copy_of_the_label_is_named(data, chosen, rules) -> None:
    leaking = with_feature(data.train, data.train.label + 0.0)
    names = {name for name, _ in found(data, leaking, chosen, rules)}
    assert names == {"support_tickets_90d"}


def test_a_value_that_only_positives_have_is_named(data, chosen, rules) -> None:
    train = data.train
    some = (train.label == 1) & (np.arange(len(train)) % 3 == 0)
    values = np.where(some, 77.0, train.features[:, PLACE])
    assert ("support_tickets_90d", "pure level") in found(
        data, with_feature(train, values), chosen, rules
    )


def test_a_change_that_only_positives_have_is_named(data, chosen, rules) -> None:
    train = data.train
    order = np.lexsort((train.month, train.seller))
    steps = np.where(train.label == 1, 13.0, 100.0 + np.arange(len(train)) % 50)
    values = np.empty(len(train))
    values[order] = np.cumsum(steps[order])
    tests = {test for _, test in found(data, with_feature(train, values), chosen, rules)}
    assert "pure change" in tests


def test_missingness_that_tells_the_label_is_named(data, chosen, rules) -> None:
    gone = np.where(data.train.label == 1, np.nan, data.train.features[:, PLACE])
    assert ("support_tickets_90d", "pure level") in found(
        data, with_feature(data.train, gone), chosen, rules
    )


def test_single_features_are_tried_in_both_directions(data) -> None:
    rows = data.train
    falling = with_feature(rows, -1.0 * rows.label)
    assert leakage.singles(falling)["support_tickets_90d"] == pytest.approx(1.0)


def test_a_training_that_gets_at_the_true_labels_all_the_same_is_found(
    data, chosen, rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leakage, "fit", lambda rows, *how: fit(data.train, *how))
    found = list(leakage._permuted(data.train, data.test, chosen, rules.leakage, 1))
    assert [finding.test for finding in found] == ["permuted label"]
    assert found[0].found > 0.1
