"""When a frozen version asks to be fitted anew."""

from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation import population_stability
from ml.seller_segments import health, search, stability, train
from ml.seller_segments.health import Figure
from tests.ml.seller_segments.conftest import ENDS
from tests.support.behaviours import SLOW, as_behaviour, kinds

LAST = ENDS[-1]


def asked(segments, months, rules) -> list[str]:
    rows = as_behaviour(months)
    return health.triggers(health.figures(segments, rows, LAST, rules.triggers), rules.triggers)


def test_what_it_was_fitted_on_asks_for_nothing(segments, segment_months, segment_rules) -> None:
    assert asked(segments, segment_months, segment_rules) == []


def test_a_change_of_mix_moves_shares_and_no_feature_of_a_seller(
    segments, segment_months, segment_rules
) -> None:
    seller = segment_months["seller_id"].str[2:].astype(int)
    gone = (segment_months["ds"] == LAST) & (kinds(300)[seller] == SLOW) & (seller % 10 > 0)
    (said, *_) = asked(segments, segment_months[~gone], segment_rules)
    assert "shares have moved" in said


def test_cents_in_place_of_dollars_are_two_features(
    segments, segment_months, segment_rules
) -> None:
    changed = segment_months.copy()
    mine = (changed["ds"] == LAST) & (changed["marketplace"] == "US")
    for name in ("asp", "gmv_30d"):
        changed.loc[mine, name] *= 100
    figures = health.figures(segments, as_behaviour(changed), LAST, segment_rules.triggers)
    tripped = {f.about: f.note for f in figures if f.metric == "feature_psi" and f.tripped}
    assert tripped == {"gmv_30d": "in marketplace US", "asp": "in marketplace US"}
    assert any("2 features have drifted" in s for s in asked(segments, changed, segment_rules))


def test_the_definition_of_rates_is_a_feature_change(
    segments, segment_months, segment_rules
) -> None:
    changed = segment_months.copy()
    for name in ("cancellation_rate", "defect_rate"):
        changed.loc[changed["ds"] == LAST, name] /= 4
    said = " ".join(asked(segments, changed, segment_rules))
    assert "features have drifted" in said
    assert "cancellation_rate" in said
    assert "defect_rate" in said


def test_distances_have_to_grow_for_two_months(segment_rules) -> None:
    rules = segment_rules.triggers

    def grown(*values: float) -> list[Figure]:
        return [Figure("distance_growth", value, rules.distance_growth_most) for value in values]

    assert health.triggers(grown(0.3, 0.1), rules) == []
    assert "farther from their centres" in health.triggers(grown(0.3, 0.25), rules)[0]


def test_one_feature_is_not_enough(segment_rules) -> None:
    rules = segment_rules.triggers
    drifted = [Figure("feature_psi", 9.0, rules.feature_psi_most, name) for name in ("a", "b")]
    assert health.triggers(drifted[:1], rules) == []
    assert health.triggers(drifted, rules) == ["2 features have drifted: a, b"]


def test_stability_index_by_hand() -> None:
    expected = (0.4 - 0.5) * np.log(0.4 / 0.5) + (0.6 - 0.5) * np.log(0.6 / 0.5)
    even = np.array([0.5, 0.5])
    assert population_stability(np.array([0.4, 0.6]), even) == pytest.approx(expected)
    assert population_stability(np.array([1.0, 0.0]), even) > 1


def test_a_marketplace_that_vanishes_or_is_new_is_named(segments, segment_months) -> None:
    last = segment_months["ds"] == LAST
    changed = segment_months[~(last & (segment_months["marketplace"] == "JP"))].copy()
    american = changed.loc[changed["marketplace"] == "US", "seller_id"].iloc[0]
    changed.loc[changed["seller_id"] == american, "marketplace"] = "BR"
    here = set(as_behaviour(changed).on(LAST).marketplace)
    assert segments.vanished(here) == ["JP"]
    assert segments.unseen(here) == ["BR"]


def test_few_sellers_have_no_stability(segments, segment_months, segment_rules) -> None:
    few = segment_months[segment_months["seller_id"] < "s-00060"]
    figures = health.figures(segments, as_behaviour(few), LAST, segment_rules.triggers)
    psis = [figure.value for figure in figures if figure.metric.endswith("psi")]
    assert psis == [None] * len(psis)


def test_after_a_break_of_units_older_months_are_left_out_and_nothing_asks_again(
    segment_months, segment_rules
) -> None:
    """Cents in place of dollars from the newest but one on: the refit makes no segment of it."""
    changed = segment_months.copy()
    mine = changed["ds"].isin(ENDS[-2:]) & (changed["marketplace"] == "US")
    for name in ("asp", "gmv_30d"):
        changed.loc[mine, name] *= 100
    rows = as_behaviour(changed)
    data = train.prepared(rows, LAST, segment_rules)
    assert data.since == ENDS[-2]
    assert data.days == ENDS[-2:]
    refits = train.refitted(data, segment_rules, lambda said: None)
    table, final, centres = train.chosen(
        data, refits, lambda k: refits.best[k], segment_rules, lambda said: None
    )
    assert not final.missed
    assert final.place_ratio <= 2
    model = train.assembled(data, final, centres, table, refits, segment_rules, LAST, None, 0).model
    assert model.since == ENDS[-2]
    assert model.ends(LAST) == ENDS[-2:]
    rules = segment_rules.triggers
    assert health.triggers(health.figures(model, rows, LAST, rules), rules) == []


def test_a_segment_that_is_a_marketplace_does_not_pass() -> None:
    own = np.repeat([0, 1], [50, 50])
    mixed = np.array(["US", "JP"] * 50, object)
    assert search.place_ratio(own, mixed) == 1
    assert search.place_ratio(own, np.repeat(["US", "JP"], [50, 50])) == 2
    split = np.where(np.arange(100) < 10, "JP", "US")
    assert search.place_ratio(np.where(split == "JP", 1, 0), split) == pytest.approx(10)


def test_one_known_seller_has_no_fits(segments, rows, segment_rules) -> None:
    one = rows.of(rows.seller == "s-00001")
    assert stability.of_fits(segments, one, LAST, segment_rules) == {}
