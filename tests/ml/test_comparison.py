"""Risk model against segments, in made-up worlds where the answer is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from conf.method_settings import SellerMethods, load_seller_methods
from conf.settings import SettingsError
from ml import comparison, evaluation, recommendation
from ml.comparison import (
    BOTH,
    DELAY,
    LOGISTIC,
    MARKETPLACE,
    MODEL,
    NEITHER,
    NONE,
    OUTAGE,
    RATE,
    SEGMENTS,
    SHARE,
    Comparison,
    Part,
    Steps,
    Trial,
)
from ml.evaluation import Draws, Interval
from ml.seller_risk.encoding import CATEGORIES, NAMES
from ml.seller_risk.train import Rows, half_of
from ml.splits import TooLittle
from tests.support.seller_months import month_ends

NAMED = {0: "new or low history", 1: "steady", 2: "late", 3: "strained"}
TRAIN, TEST, SELLERS = 5, 2, 700
LATE, DEFECT = NAMES.index("late_shipment_rate"), NAMES.index("defect_rate")
SURE = Interval(0.2, 0.1, 0.3)


@dataclass(frozen=True)
class World:
    """Training rows, test rows, and what was found."""

    train: Part
    test: Part
    found: Comparison


@pytest.fixture(scope="module")
def rules() -> SellerMethods:
    usual = load_seller_methods()
    quick = {**usual.model.parameters, "min_data_in_leaf": 20, "learning_rate": 0.1}
    return replace(
        usual, model=replace(usual.model, rounds=40, parameters=quick),
        evaluation=replace(usual.evaluation, bootstraps=60, positives_least=20),
        labels=replace(usual.labels, delay_months=2, outage_months=4),
    )  # fmt: skip


def drawn(chance: Callable[[np.ndarray, np.ndarray], np.ndarray], seed: int = 1) -> Part:
    """Seller-months of noise whose labels come from (features, segment); a segment is a seller's
    for good. Nothing happens in IT, and NEW has test rows only."""
    rng = np.random.default_rng(seed)
    months = month_ends(TRAIN + TEST)
    of_seller = rng.standard_normal((SELLERS, len(NAMES)))
    segment = rng.integers(0, 4, SELLERS)
    place = rng.choice(["US", "DE", "IT"], SELLERS, p=[0.5, 0.4, 0.1])
    parts = []
    for month in months:
        features = 0.8 * of_seller + 0.6 * rng.standard_normal(of_seller.shape)
        for name in CATEGORIES:
            features[:, NAMES.index(name)] = rng.integers(0, 3, SELLERS)
        label = (rng.random(SELLERS) < chance(features, segment)).astype(int)
        label[place == "IT"] = 0
        here = np.where((np.arange(SELLERS) < 40) & (month > months[TRAIN - 1]), "NEW", place)
        rows = Rows(features, label, np.array([f"s-{n:04d}" for n in range(SELLERS)]),
                    np.full(SELLERS, month))  # fmt: skip
        gmv = np.exp(rng.standard_normal(SELLERS))
        parts.append(Part(rows, here.astype(object), gmv, segment, rng.random(SELLERS) < 0.1))
    return Part(
        Rows(*(np.concatenate([getattr(part.rows, name) for part in parts])
               for name in ("features", "label", "seller", "month"))),
        *(np.concatenate([getattr(part, name) for part in parts])
          for name in ("marketplace", "gmv", "segment", "acted")),
    )  # fmt: skip


def made(chance: Callable[[np.ndarray, np.ndarray], np.ndarray], rules: SellerMethods) -> World:
    whole = drawn(chance)
    early = np.isin(whole.rows.month, np.array(month_ends(TRAIN), object))
    train, test = whole.of(early), whole.of(~early)
    return World(train, test, comparison.compared(train, test, rules, 1, NAMED))


@pytest.fixture(scope="module")
def features_tell(rules: SellerMethods) -> World:
    """One bad figure is enough, and segments tell little more than nothing."""

    def chance(features: np.ndarray, segment: np.ndarray) -> np.ndarray:
        worst = np.maximum(features[:, LATE], features[:, DEFECT])
        return 1 / (1 + np.exp(4.5 - 3.2 * worst - 0.3 * (segment == 3)))

    return made(chance, rules)


@pytest.fixture(scope="module")
def segments_tell(rules: SellerMethods) -> World:
    """The segment is all there is to know."""
    return made(lambda features, segment: np.array([0.02, 0.03, 0.08, 0.5])[segment], rules)


def said(world: World, rules: SellerMethods, use: str) -> recommendation.Recommendation:
    (found,) = [one for one in recommendation.recommendations(world.found, rules) if one.use == use]
    return found


def of_kind(found: Comparison, kind: str) -> list[Trial]:
    return [trial for trial in found.trials if trial.kind == kind]


# Who wins


def test_the_model_orders_the_queue_where_features_tell_more(features_tell, rules) -> None:
    methods = features_tell.found.methods
    assert methods[MODEL].ap.low > methods[RATE].ap.high
    assert methods[MODEL].precision.value > 2 * methods[RATE].precision.value
    found = said(features_tell, rules, "queue order")
    assert found.choice == MODEL
    assert str(methods[MODEL].ap) in found.sentence
    assert {trial.winner for trial in of_kind(features_tell.found, MARKETPLACE)} == {MODEL}
    assert "none of these labels" in recommendation.when_the_rate_wins(features_tell.found)


def test_the_rate_wins_with_few_labels_where_segments_tell_all(segments_tell, rules) -> None:
    tenth = of_kind(segments_tell.found, SHARE)[0]
    assert (tenth.detail, tenth.winner) == ("10%", RATE)
    assert tenth.rate.low > tenth.base_rate
    assert said(segments_tell, rules, "queue order").choice == RATE
    assert said(segments_tell, rules, "new marketplace without labels").choice == RATE
    assert said(segments_tell, rules, "label outage").choice == RATE
    told = recommendation.when_the_rate_wins(segments_tell.found)
    assert "rate is ahead of the risk model with all labels, the labels of 10%, 25%" in told


def test_the_segment_helps_the_model_where_both_tell(rules) -> None:
    def chance(features: np.ndarray, segment: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(4.5 - 2 * features[:, LATE] - 3 * (segment == 3)))

    world = made(chance, rules)
    assert world.found.differences[BOTH, MODEL].low > 0.05
    assert said(world, rules, "queue order").choice == BOTH


def test_other_data_give_other_sentences(features_tell, segments_tell, rules) -> None:
    pairs = zip(*(recommendation.recommendations(world.found, rules)
                  for world in (features_tell, segments_tell)), strict=True)  # fmt: skip
    for one, other in pairs:
        assert one.use == other.use
        assert one.sentence != other.sentence
        assert one.choice != other.choice


def test_thresholds_decide(features_tell, rules) -> None:
    def choice(use: str, **changed: float) -> str:
        other = replace(rules, thresholds=replace(rules.thresholds, **changed))
        return said(features_tell, other, use).choice

    assert choice("queue order", difference_least=0.9) == LOGISTIC  # the rate ranks too little
    assert choice("queue order", difference_least=0.9, lift_least=0.5) == RATE
    assert choice("queue order", lift_least=50.0) == NONE
    assert choice("label outage", difference_least=0.9) == MODEL  # undecided, but no ranking
    assert choice("label outage", difference_least=0.9, lift_least=0.5) == NEITHER
    assert choice("label outage", lift_least=50.0) == NONE
    undecided = choice("new marketplace without labels", difference_least=0.9, lift_least=0.5)
    assert undecided == NEITHER
    assert choice("outreach", outreach_sellers_least=10_000) == MODEL


@pytest.mark.parametrize(
    ("rate", "over_model", "choice", "words"),
    [(Interval(0.3, 0.25, 0.35), SURE, SEGMENTS, "less for certain"),
     (Interval(0.3, 0.25, 0.35), Interval(0, -0.1, 0.1), SEGMENTS, "not distinguishable"),
     (Interval(0.3, 0.25, 0.35), Interval(-0.2, -0.3, -0.1), BOTH, "more for certain"),
     (Interval(0.1, 0.01, 0.2), SURE, MODEL, "is asked")],
)  # fmt: skip
def test_whom_to_call_depends_on_what_came_true(
    features_tell, rules, rate, over_model, choice, words
) -> None:
    seen = replace(features_tell.found.found, missed_sellers=321, rate=rate, model_rate=SURE,
                   over_model=over_model)  # fmt: skip
    world = replace(features_tell, found=replace(features_tell.found, found=seen))
    found = said(world, rules, "outreach")
    assert found.choice == choice
    assert words in found.sentence
    assert "321 sellers" in found.sentence


def test_a_number_decides_only_beyond_its_threshold(features_tell, rules) -> None:
    bound = rules.thresholds.difference_least
    beyond = bound + 1e-6
    for low, high, choice in ((beyond, 0.9, MODEL), (bound, 0.9, NEITHER), (-0.9, -beyond, RATE),
                              (-0.9, -bound, NEITHER), (-0.9, 0.9, NEITHER)):  # fmt: skip
        gap = Interval((low + high) / 2, low, high)
        trials = [replace(trial, difference=gap, rate=trial.model) if trial.kind == OUTAGE
                  else trial for trial in features_tell.found.trials]  # fmt: skip
        world = replace(features_tell, found=replace(features_tell.found, trials=trials))
        assert said(world, rules, "label outage").choice == choice


# What may be looked at


def test_test_labels_change_no_score(features_tell, rules) -> None:
    train, test = features_tell.train, features_tell.test
    shuffled = np.random.default_rng(1).permutation(test.rows.label)
    other = replace(test, rows=replace(test.rows, label=shuffled))
    before, after = (comparison.scores(train, part, rules, 1) for part in (test, other))
    assert list(before) == [RATE, LOGISTIC, MODEL, BOTH]
    for name, scored in before.items():
        assert np.array_equal(scored.score, after[name].score), name
    again = comparison.compared(train, other, rules, 1, NAMED)
    rates = [{one.id: one.rate for one in found.segments} for found in (again, features_tell.found)]
    assert rates[0] == rates[1]
    assert again.score_psi == features_tell.found.score_psi
    assert again.methods[MODEL].ap.value < features_tell.found.methods[MODEL].ap.value / 2


def test_a_row_never_sees_its_sellers_label_in_a_rate(segments_tell) -> None:
    train = segments_tell.train
    before = comparison.other_half_rates(train, 5)
    mine = half_of(train.rows.seller)
    flipped = np.where(mine, 1 - train.rows.label, train.rows.label)
    after = comparison.other_half_rates(replace(train, rows=replace(train.rows, label=flipped)), 5)
    assert np.array_equal(before[mine], after[mine])
    assert (before[~mine] != after[~mine]).all()
    learnt = comparison.segment_rates(train.segment[~mine], train.rows.label[~mine], 5)
    assert np.array_equal(before[mine], learnt.score(train.segment[mine]))


def test_labels_that_are_taken_away_are_not_looked_at(segments_tell, rules) -> None:
    train = segments_tell.train
    months = month_ends(TRAIN)
    kept = comparison.keeps_labels(train.rows.seller, 0.1, rules.evaluation.seed)
    hidden = {
        (SHARE, "10%"): ~kept,
        (DELAY, "2"): np.isin(train.rows.month, np.array(months[-2:], object)),
        (OUTAGE, "4"): np.isin(train.rows.month, np.array(months[-4:], object)),
        (MARKETPLACE, "DE"): train.marketplace == "DE",
    }
    for (kind, detail), rows in hidden.items():
        label = np.where(rows, 1 - train.rows.label, train.rows.label)
        other = replace(train, rows=replace(train.rows, label=label))
        again = comparison.compared(other, segments_tell.test, rules, 1, NAMED)
        (before,), (after,) = ([trial for trial in found.trials
                                if (trial.kind, trial.detail) == (kind, detail)]
                               for found in (segments_tell.found, again))  # fmt: skip
        assert replace(after, full_ap=0) == replace(before, full_ap=0)
        assert before.labelled_rows == len(train) - rows.sum()
        assert again.methods[RATE] != segments_tell.found.methods[RATE]


def test_smaller_shares_lie_within_larger_ones() -> None:
    sellers = np.repeat([f"s-{n}" for n in range(4_000)], 3)
    tenth, quarter, half = (comparison.keeps_labels(sellers, s, 42) for s in (0.1, 0.25, 0.5))
    assert not (tenth & ~quarter).any()
    assert not (quarter & ~half).any()
    for mask, share in ((tenth, 0.1), (quarter, 0.25), (half, 0.5)):
        assert mask.mean() == pytest.approx(share, abs=0.03)
        assert not set(sellers[mask]) & set(sellers[~mask])
    assert (comparison.keeps_labels(sellers, 0.5, 43) != half).mean() == pytest.approx(0.5, abs=0.1)
    assert (half_of(sellers) == half).mean() == pytest.approx(0.5, abs=0.1)


# Which labels are left


def test_every_cut_says_what_is_left_and_on_what_it_is_tested(features_tell, rules) -> None:
    found, train, test = features_tell.found, features_tell.train, features_tell.test
    kinds = [(trial.kind, trial.detail) for trial in found.trials]
    assert kinds == [("all", ""), (SHARE, "10%"), (SHARE, "25%"), (SHARE, "50%"), (DELAY, "2"),
                     (OUTAGE, "4"), (MARKETPLACE, "DE"), (MARKETPLACE, "US")]  # fmt: skip
    germany = found.trials[-2]
    there, here = train.marketplace == "DE", test.marketplace == "DE"
    assert germany.labelled_rows == (~there).sum()
    assert germany.labelled_positives == train.rows.label[~there].sum()
    assert (germany.test_rows, germany.test_positives) == (here.sum(), test.rows.label[here].sum())
    rates = comparison.segment_rates(train.segment[~there], train.rows.label[~there],
                                     rules.segment_rate.pseudo_rows)  # fmt: skip
    expected = average_precision_score(test.rows.label[here], rates.score(test.segment[here]))
    assert germany.rate.value == pytest.approx(expected)
    full = comparison.scores(train, test, rules, 1)[MODEL].score[here]
    assert germany.full_ap == pytest.approx(average_precision_score(test.rows.label[here], full))
    assert germany.full_ap != germany.model.value
    places = of_kind(found, MARKETPLACE)
    assert found.elsewhere.marketplaces == len(places) == 2
    assert found.elsewhere.model_ap == pytest.approx(np.mean([p.model.value for p in places]))
    gap = found.elsewhere.difference
    assert gap.value == pytest.approx(np.mean([p.difference.value for p in places]))
    assert gap.low < gap.value < gap.high


def test_marketplaces_that_decide_nothing_are_told(features_tell) -> None:
    reasons = {one.detail: one.reason for one in features_tell.found.skipped}
    assert reasons["IT"] == "it has 0 positive test rows, fewer than 20"
    assert "no rows of it" in reasons["NEW"]
    assert set(reasons) == {"IT", "NEW"}


def test_where_nothing_can_be_left_out_nothing_is_said(features_tell, rules) -> None:
    first = month_ends(1)[0]
    train = features_tell.train.of(features_tell.train.rows.month == first)
    train, test = (replace(part, marketplace=np.full(len(part), "US", object))
                   for part in (train, features_tell.test))  # fmt: skip
    found = comparison.compared(train, test, rules, 1, NAMED)
    reasons = {one.kind: one.reason for one in found.skipped}
    assert set(reasons) == {DELAY, OUTAGE, MARKETPLACE}
    assert "one training month" in reasons[OUTAGE]
    assert "one class" in reasons[MARKETPLACE]
    assert found.elsewhere is None
    choices = {one.use: one for one in recommendation.recommendations(found, rules)}
    for use in ("new marketplace without labels", "label outage"):
        assert choices[use].choice == NONE
        assert choices[use].sentence.startswith("Nothing can be said")


def test_without_labels_segments_have_no_order(segments_tell, rules) -> None:
    lot = segments_tell.found.unordered
    rate = segments_tell.found.methods[RATE].ap.value
    assert lot.worst < lot.by_lot < lot.best
    assert rate == pytest.approx(lot.best)  # the order learnt is that of the test months
    assert f"{lot.by_lot:.3f}" in said(segments_tell, rules, "label outage").sentence
    segment, label = np.array([1, 2, 2, 2, 2]), np.array([1, 1, 1, 0, 0])
    best = (1 + 2 * 3 / 5) / 3  # the segment with the higher rate has fewer positives
    assert comparison.unordered(segment, label, 1).best == pytest.approx(best)
    by_hand = comparison.unordered(np.array([1, 1, 2, 2]), np.array([1, 1, 0, 0]), 1)
    assert (by_hand.worst, by_hand.best) == (0.5, 1.0)
    assert by_hand.by_lot == pytest.approx(0.75, abs=0.1)


def test_one_segment_ranks_like_chance(features_tell, rules) -> None:
    one = [replace(part, segment=np.ones(len(part), int))
           for part in (features_tell.train, features_tell.test)]  # fmt: skip
    found = comparison.compared(*one, rules, 1, NAMED)
    assert found.methods[RATE].ap.value == pytest.approx(found.base_rate)
    assert found.methods[RATE].precision.value == pytest.approx(found.base_rate)
    assert found.unordered.worst == found.unordered.best == pytest.approx(found.base_rate)
    assert found.segment_psi == 0
    assert found.found.rows == 0
    assert found.found.rate is None
    assert recommendation.recommendations(found, rules)[1].choice == MODEL


def test_too_little_to_compare_is_told(features_tell, rules) -> None:
    train, test = features_tell.train, features_tell.test

    def without(part: Part, label: int = 0) -> Part:
        return replace(part, rows=replace(part.rows, label=np.full(len(part), label)))

    with pytest.raises(TooLittle, match="0 positive rows"):
        comparison.compared(train, without(test), rules, 1, NAMED)
    for label in (0, 1):
        with pytest.raises(TooLittle, match="one class"):
            comparison.compared(without(train, label), test, rules, 1, NAMED)


# How it is measured


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=50))
def test_ties_count_as_in_scikit_learn(rows) -> None:
    label, segment = (np.array(values) for values in zip(*rows, strict=True))
    score = comparison.segment_rates(segment, label, 3).score(segment)
    draws = Draws(np.arange(len(rows)), 10, 1)
    steps = Steps(label, score)
    for weight in (None, *draws.counts[:, draws.of_row]):
        if (label if weight is None else label * weight).any():
            expected = average_precision_score(label, score, sample_weight=weight)
            assert steps.average_precision(weight) == pytest.approx(expected)
    if label.any():
        expected = average_precision_score(label, score)
        assert draws.average_precision(label, score).value == pytest.approx(expected)


def test_capacity_within_a_tie_counts_as_a_draw_would() -> None:
    label, tied = np.array([1, 1, 0, 0, 0, 0, 1, 0]), np.array([9, 5, 5, 5, 5, 1, 1, 1])
    assert Steps(label, tied).at(3 / 8, None) == pytest.approx((1.5 / 3, 1.5 / 3))
    score = np.random.default_rng(1).random(500)
    label = (np.random.default_rng(2).random(500) < score).astype(int)
    usual = evaluation.at_capacity(label, score, 0.13)
    found = Steps(label, score).at(0.13, None)
    assert found == pytest.approx((usual["precision"], usual["recall"]))
    twice = Steps(np.repeat(label, 2), np.repeat(score, 2)).at(0.13, None)
    assert Steps(label, score).at(0.13, np.full(500, 2)) == pytest.approx(twice)


def test_rates_are_shrunk_to_the_base_rate() -> None:
    segment, label = np.array([1, 1, 1, 1, 2, 2]), np.array([1, 1, 1, 0, 0, 0])
    rates = comparison.segment_rates(segment, label, 4)
    assert rates.of == {1: (3 + 4 * 0.5) / 8, 2: (0 + 4 * 0.5) / 6}
    assert list(rates.score(np.array([2, 7, 1]))) == [rates.of[2], 0.5, rates.of[1]]


def test_population_stability_is_the_textbooks() -> None:
    expected, observed = np.array([50, 30, 20]), np.array([80, 60, 60])
    by_hand = (0.4 - 0.5) * np.log(0.4 / 0.5) + 0.1 * np.log(0.3 / 0.2)
    assert comparison.psi(expected, observed) == pytest.approx(by_hand)
    assert comparison.psi(expected, 7 * expected) == pytest.approx(0)
    assert np.isfinite(comparison.psi(np.array([10, 0]), np.array([0, 10])))


def test_drift_is_seen_where_sellers_have_changed(features_tell, rules) -> None:
    found, test = features_tell.found, features_tell.test
    assert max(found.segment_psi, found.score_psi) < 0.1
    assert "drifted" not in recommendation.what_drifted(found, rules)
    worse = test.rows.features.copy()
    worse[:, [LATE, DEFECT]] += 2
    changed = replace(test, rows=replace(test.rows, features=worse),
                      segment=np.full(len(test), 3))  # fmt: skip
    after = comparison.compared(features_tell.train, changed, rules, 1, NAMED)
    assert min(after.segment_psi, after.score_psi) > 0.25
    assert recommendation.what_drifted(after, rules).count("have drifted") == 2


def test_a_model_that_has_learnt_by_heart_is_no_drift(segments_tell) -> None:
    """Its own sellers have more extreme scores than those of later months."""
    assert segments_tell.found.score_psi < 0.02


def test_each_month_has_the_ranking_of_its_own_rows(features_tell, rules) -> None:
    found, test = features_tell.found, features_tell.test
    assert [month.month for month in found.months] == [str(d) for d in month_ends(7)[TRAIN:]]
    scored = comparison.scores(features_tell.train, test, rules, 1)
    rows = test.rows.month == month_ends(7)[-1]
    for name in (RATE, MODEL, LOGISTIC, BOTH):
        expected = average_precision_score(test.rows.label[rows], scored[name].score[rows])
        assert found.months[-1].ap[name] == pytest.approx(expected)


def test_every_fit_has_the_same_parameters_and_the_models_constraints(features_tell, rules) -> None:
    rows = features_tell.train.rows
    wide = np.column_stack([rows.features, np.zeros(len(rows))])
    plain, both = (comparison.grown(x, rows.label, rules, 1) for x in (rows.features, wide))
    assert both.feature_name() == [*NAMES, "segment_rate"]
    bounds = plain.params["monotone_constraints"]
    assert bounds[LATE] == bounds[DEFECT] == 1
    assert both.params["monotone_constraints"] == [*bounds, 0]
    same = [{name: value for name, value in booster.params.items()
             if name != "monotone_constraints"} for booster in (plain, both)]  # fmt: skip
    assert same[0] == same[1]
    assert plain.num_trees() == both.num_trees() == rules.model.rounds
    assert min(method.fit_s for method in features_tell.found.methods.values()) > 0


# What segments find


def table(*rows: tuple[str, int, float, int, float, int]) -> tuple[Part, np.ndarray]:
    """(seller, segment, gmv, acted, score, label) as test rows and scores."""
    seller, segment, gmv, acted, score, label = (np.array(one) for one in zip(*rows, strict=True))
    features = np.zeros((len(rows), len(NAMES)))
    month = np.full(len(rows), month_ends(1)[0])
    part = Part(Rows(features, label, seller, month), np.full(len(rows), "US"), gmv, segment, acted)
    return part, score


def test_what_segments_find_is_counted_row_by_row() -> None:
    test, score = table(
        ("a", 3, 9.0, 0, 0.9, 1),     # strained and large, but queued
        ("b", 3, 8.0, 0, 0.2, 1),     # found
        ("b", 3, 8.0, 0, 0.3, 0),     # found, the same seller
        ("c", 3, 7.0, 1, 0.1, 1),     # has an action
        ("d", 3, 1.0, 0, 0.1, 1),     # small
        ("e", 1, 6.0, 0, 0.8, 1),     # queued, in no strained segment
        ("f", 1, 6.0, 0, 0.6, 1),     # what the model would take first of the pool
        ("g", 1, 6.0, 0, 0.1, 0),
        ("h", 3, np.nan, 0, 0.1, 0),  # nobody knows
        ("i", 1, 0.5, 0, 0.1, 0),
    )  # fmt: skip
    queue = comparison.riskiest(score, 0.2)
    assert list(np.flatnonzero(queue)) == [0, 5]
    draws = Draws(test.rows.seller, 50, 1)
    found = comparison.found(test, {3}, score, queue, draws, 0.7)
    assert found.gmv_least == pytest.approx(np.quantile([9, 8, 8, 7, 1, 6, 6, 6, 0, 0.5], 0.3))
    assert (found.rows, found.queued_rows) == (3, 1)
    assert (found.missed_rows, found.missed_sellers, found.missed_positives) == (2, 1, 1)
    assert found.gmv_share == pytest.approx(16 / 51.5)
    assert found.rate.value == 0.5
    assert found.model_rate.value == 0.5  # f and one month of b
    assert found.over_model.value == 0
    assert (found.model_only_rows, found.model_only_positives) == (1, 1)


def test_the_rule_for_new_sellers_is_no_strained_segment(rules) -> None:
    world = made(lambda features, segment: np.array([0.5, 0.03, 0.08, 0.4])[segment], rules)
    by_id = {one.id: one for one in world.found.segments}
    assert by_id[0].rate > by_id[3].rate  # riskier still, but no behaviour
    assert [one.name for one in world.found.segments if one.strained] == ["strained"]
    assert [one.id for one in world.found.segments] == [0, 3, 2, 1]
    mine = world.test.segment == 3
    assert by_id[3].test_rows == mine.sum()
    assert by_id[3].test_positives == world.test.rows.label[mine].sum()
    assert by_id[3].train_rows == (world.train.segment == 3).sum()


# What is kept of a run


def test_metrics_are_flat_finite_and_free_of_names_of_others(features_tell) -> None:
    found = comparison.metrics(replace(features_tell.found, score_psi=float("nan")))
    assert found["model_ap"] == features_tell.found.methods[MODEL].ap.value
    assert found["model_over_rate_low"] == features_tell.found.differences[MODEL, RATE].low
    tenth = of_kind(features_tell.found, SHARE)[0]
    assert found["share_labels_10_model_over_rate_high"] == tenth.difference.high
    assert "score_psi" not in found
    assert all(np.isfinite(value) for value in found.values())
    assert all(name.replace("_", "").isalnum() for name in found)
    assert not [name for name in found if "DE" in name or "US" in name]


@pytest.mark.parametrize(
    ("given", "message"),
    [({"labels": {"shares": [0.1], "delay_months": 1}}, "labels: .*outage_months"),
     ({"labels": {"shares": [1.0], "delay_months": 1, "outage_months": 2}}, "between 0 and 1"),
     ({"texts": {}}, "texts: .*model, segments"),
     ({"extra": 1}, "missing key extra")],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_seller_methods(**given)
