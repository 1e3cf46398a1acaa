"""Risk model and segments on the same months: what each finds, needs and costs.

All is learnt from training rows and measured on test rows. Intervals are draws of test sellers, and
a difference is taken within each draw: what the draws share does not blur it. A method is ahead
only where the whole interval says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd

from conf.method_settings import LabelCuts, SellerMethods
from ml.evaluation import (
    Draws,
    Interval,
    average_precision,
    by_group,
    population_stability,
)
from ml.seller_risk.encoding import NAMES, constraints
from ml.seller_risk.train import Rows, half_of, logistic_scores
from ml.splits import TooLittle
from ml.trees import margins

Array = npt.NDArray[Any]
T = TypeVar("T")

RATE, LOGISTIC, MODEL, BOTH = "rate", "logistic", "model", "both"
METHODS = (RATE, LOGISTIC, MODEL, BOTH)
"""From the simplest to the most complex: the later has to earn its place."""
SEGMENTS, NEITHER, NONE = "segments", "neither", "none"
ALL, SHARE, DELAY, OUTAGE, MARKETPLACE = "all", "share", "delay", "outage", "marketplace"
RULE_SEGMENT = 0
"""New sellers, by a rule: no behaviour that was found."""
RATE_COLUMN = "segment_rate"
ORDERS = 200
"""In how many orders segments without rates are tried."""


@dataclass(frozen=True)
class Part:
    """Seller-months of the training or the test months; arrays [rows].

    `gmv` is relative to the marketplace's median (a number without a unit, NaN where unknown),
    `segment` the id of the row's segment, `acted` whether an action or a warning was on record.
    """

    rows: Rows
    marketplace: Array
    gmv: Array
    segment: Array
    acted: Array

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, rows: Array) -> Part:
        """Those that a mask names."""
        return Part(self.rows.of(rows), self.marketplace[rows], self.gmv[rows],
                    self.segment[rows], self.acted[rows])  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """A method's score [test rows] and what it cost; `score_s` None: within `fit_s`."""

    score: Array
    fit_s: float
    score_s: float | None


@dataclass(frozen=True)
class Method:
    """A method trained on all labels. Precision and recall are those at capacity."""

    ap: Interval
    precision: Interval
    recall: Interval
    fit_s: float
    score_s: float | None


@dataclass(frozen=True)
class Trial:
    """Model and segment rate after learning from the same labels, on the same test rows.

    `detail` says how much was taken away: the share that kept labels, the months without, or the
    marketplace without, which is then the one that is tested. `full_ap` is the model's with all
    labels.
    """

    kind: str
    detail: str
    labelled_rows: int
    labelled_sellers: int
    labelled_positives: int
    test_rows: int
    test_positives: int
    model: Interval
    rate: Interval
    difference: Interval  # model less rate
    full_ap: float

    @property
    def base_rate(self) -> float:
        return self.test_positives / self.test_rows

    @property
    def winner(self) -> str:
        if self.difference.low > 0:
            return MODEL
        return RATE if self.difference.high < 0 else NEITHER


@dataclass(frozen=True)
class Skipped:
    """A trial that could not be made, and why, in words."""

    kind: str
    detail: str
    reason: str


@dataclass(frozen=True)
class Elsewhere:
    """Means over the marketplaces that were left without labels, each on its own test rows."""

    marketplaces: int
    model_ap: float
    rate_ap: float
    base_rate: float
    difference: Interval  # model less rate


@dataclass(frozen=True)
class Unordered:
    """Average precision of segments whose rates nobody knows: by lot, and the bounds of luck."""

    by_lot: float
    worst: float
    best: float


@dataclass(frozen=True)
class Segment:
    """A segment: its rate as learnt on the training months, and what the test months showed."""

    id: int
    name: str
    train_rows: int
    rate: float
    test_rows: int
    test_positives: int
    strained: bool


@dataclass(frozen=True)
class Found:
    """Test rows in strained segments with high GMV and without any action: are they queued?

    `missed`: outside the model's capacity. `rate`: what share of these came true. `model_rate`: of
    as many rows that the model ranks highest among all with high GMV, without any action and
    outside the capacity. `gmv_share`: of the relative GMV of all test rows. None without rows.
    """

    gmv_least: float
    rows: int
    queued_rows: int
    missed_rows: int
    missed_sellers: int
    missed_positives: int
    gmv_share: float
    rate: Interval | None
    model_rate: Interval | None
    over_model: Interval | None  # rate less model_rate
    model_only_rows: int  # queued by the model, in no strained segment
    model_only_positives: int


@dataclass(frozen=True)
class Month:
    """Average precision of each method in one test month; NaN without a positive row."""

    month: str
    rows: int
    positives: int
    ap: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """All that was measured; `differences` by (method, simpler method), the first less the
    second."""

    train_months: tuple[str, str]  # the first and the last
    test_months: tuple[str, str]
    train_rows: int
    train_positives: int
    test_rows: int
    test_sellers: int
    test_positives: int
    queue_rows: int
    methods: Mapping[str, Method]
    differences: Mapping[tuple[str, str], Interval]
    trials: Sequence[Trial]
    skipped: Sequence[Skipped]
    elsewhere: Elsewhere | None
    unordered: Unordered
    segments: Sequence[Segment]
    found: Found
    months: Sequence[Month]
    segment_psi: float
    score_psi: float

    @property
    def base_rate(self) -> float:
        return self.test_positives / self.test_rows

    def trial(self, kind: str) -> Trial | None:
        """The first of a kind."""
        return next((trial for trial in self.trials if trial.kind == kind), None)


@dataclass(frozen=True)
class Rates:
    """A rate per segment; `base` for a segment that was not seen."""

    base: float
    of: Mapping[int, float]

    def score(self, segment: Array) -> Array:
        """[rows] the rate of each row's segment: rows of one segment tie."""
        ids, place = np.unique(segment, return_inverse=True)
        return np.array([self.of.get(int(one), self.base) for one in ids])[place]


class Steps:
    """Rows by falling score, equal scores as one step: a tie is as good as drawn by lot."""

    def __init__(self, label: Array, score: Array) -> None:
        self.order = np.argsort(-score, kind="stable")
        self.label = label[self.order].astype(float)
        self.last = np.append(np.flatnonzero(np.diff(score[self.order])), len(score) - 1)

    def curve(self, weight: Array | None) -> tuple[Array, Array]:
        """(rows seen, positives among them) after each step, weighted."""
        mine = np.ones(len(self.label)) if weight is None else weight[self.order].astype(float)
        return np.cumsum(mine)[self.last], np.cumsum(mine * self.label)[self.last]

    def average_precision(self, weight: Array | None) -> float:
        """As ml.evaluation's; NaN without a positive row."""
        return _average_precision(*self.curve(weight))

    def at(self, share: float, weight: Array | None) -> tuple[float, float]:
        """(precision, recall) of the first `share` of the rows, rounded up to a whole row.

        Where capacity ends within a step, as many of its positives count as a draw would give.
        """
        seen, hits = self.curve(weight)
        room = np.ceil(share * seen[-1])
        found = float(np.interp(room, np.append(0, seen), np.append(0, hits)))
        recall = found / hits[-1] if hits[-1] else np.nan
        return float(found / room), float(recall)


def compared(train: Part, test: Part, rules: SellerMethods, threads: int,
             segment_names: Mapping[int, str]) -> Comparison:  # fmt: skip
    """Measures both methods; TooLittle if a class is missing in training, or positives in test."""
    _enough(train, test, rules)
    scored = scores(train, test, rules, threads)
    label, how = test.rows.label, rules.evaluation
    draws = Draws(test.rows.seller, how.bootstraps, how.seed)
    trials, skipped, elsewhere = _trials(train, test, scored, draws, rules, threads)
    segments = _segments(train, test, segment_names, rules)
    queue = riskiest(scored[MODEL].score, how.capacity)
    return Comparison(
        train_months=_ends(train), test_months=_ends(test),
        train_rows=len(train), train_positives=int(train.rows.label.sum()),
        test_rows=len(test), test_sellers=len(set(test.rows.seller)),
        test_positives=int(label.sum()), queue_rows=int(queue.sum()),
        methods={name: _method(label, scored[name], draws, how.capacity) for name in METHODS},
        differences={
            (name, simpler): draws.difference(label, scored[name].score, scored[simpler].score)
            for place, name in enumerate(METHODS) for simpler in METHODS[:place]
        },
        trials=trials, skipped=skipped, elsewhere=elsewhere,
        unordered=unordered(test.segment, label, how.seed), segments=segments,
        found=found(test, {one.id for one in segments if one.strained}, scored[MODEL].score, queue,
                    draws, rules.strained.high_gmv_share),
        months=_months(test, scored), segment_psi=_segment_psi(train, test),
        score_psi=_score_psi(train, test, rules, threads),
    )  # fmt: skip


def scores(train: Part, test: Part, rules: SellerMethods, threads: int) -> dict[str, Scored]:
    """Each method's score of the test rows, whose labels are not looked at."""
    pseudo_rows = rules.segment_rate.pseudo_rows
    rates, rates_s = timed(lambda: segment_rates(train.segment, train.rows.label, pseudo_rows))
    rate, rate_s = timed(lambda: rates.score(test.segment))
    plain, logistic_s = timed(lambda: logistic_scores(train.rows, test.rows))
    wide = np.column_stack([train.rows.features, other_half_rates(train, pseudo_rows)])
    asked = np.column_stack([test.rows.features, rate])
    return {
        RATE: Scored(rate, rates_s, rate_s), LOGISTIC: Scored(plain, logistic_s, None),
        MODEL: _grown(train.rows.features, train.rows.label, test.rows.features, rules, threads),
        BOTH: _grown(wide, train.rows.label, asked, rules, threads),
    }  # fmt: skip


def segment_rates(segment: Array, label: Array, pseudo_rows: float) -> Rates:
    """(positives + pseudo_rows * base rate) / (rows + pseudo_rows) of each segment.

    The shrinkage keeps a small segment near the base rate: its order must not hang on a few rows.
    """
    base = float(label.mean()) if len(label) else 0.0
    ids, place = np.unique(segment, return_inverse=True)
    rows, positives = np.bincount(place, minlength=len(ids)), np.bincount(place, label, len(ids))
    rates = (positives + pseudo_rows * base) / (rows + pseudo_rows)
    return Rates(base, dict(zip(ids.tolist(), rates.tolist(), strict=True)))


def other_half_rates(part: Part, pseudo_rows: float) -> Array:
    """[rows] the rate of the row's segment among the half of the sellers that the row's is not in.

    A rate that contains the row's own label, or its seller's, would tell the model that label.
    """
    half = half_of(part.rows.seller)
    result = np.zeros(len(part))
    for mine in (half, ~half):
        learnt = segment_rates(part.segment[~mine], part.rows.label[~mine], pseudo_rows)
        result[mine] = learnt.score(part.segment[mine])
    return result


def grown(features: Array, label: Array, rules: SellerMethods, threads: int) -> lightgbm.Booster:
    """The one way in which trees are grown here; a 37th column is the segment's rate."""
    names = [*NAMES, RATE_COLUMN][: features.shape[1]]
    bounds = [*constraints(rules.features), 0][: features.shape[1]]
    own = {"monotone_constraints": bounds, "num_threads": threads}
    data = lightgbm.Dataset(features, label, feature_name=names)
    return lightgbm.train({**rules.model.parameters, **own}, data, rules.model.rounds)


def keeps_labels(sellers: Array, share: float, seed: int) -> Array:
    """A share of the sellers as a mask, by a keyed hash: a smaller share lies within a larger."""
    names = np.asarray(sellers, object)
    place = pd.util.hash_array(names, hash_key=f"{seed:016d}", categorize=True)
    kept: Array = place / 2.0**64 < share
    return kept


def riskiest(score: Array, share: float) -> Array:
    """The first `share` of the rows as a mask, rounded up; ties in the order of the rows."""
    chosen = np.zeros(len(score), bool)
    chosen[np.argsort(-score, kind="stable")[: int(np.ceil(share * len(score)))]] = True
    return chosen


def unordered(segment: Array, label: Array, seed: int) -> Unordered:
    """What segments reach without rates: by lot, and if luck knew the labels' own order."""
    ids, place = np.unique(segment, return_inverse=True)
    rows = np.bincount(place, minlength=len(ids))
    positives = np.bincount(place, label, len(ids))

    def reached(order: Array) -> float:
        return _average_precision(np.cumsum(rows[order]), np.cumsum(positives[order]))

    rng = np.random.default_rng(seed)
    by_lot = np.mean([reached(rng.permutation(len(ids))) for _ in range(ORDERS)])
    rising = np.argsort(positives / rows, kind="stable")
    return Unordered(float(by_lot), reached(rising), reached(rising[::-1]))


def found(test: Part, strained: set[int], score: Array, queue: Array, draws: Draws,
          high_gmv_share: float) -> Found:  # fmt: skip
    """What segments find outside the queue (a mask [test rows]) of the model's score."""
    gmv, label = np.nan_to_num(test.gmv), test.rows.label
    least = float(np.quantile(gmv, 1 - high_gmv_share))
    eligible = (gmv >= least) & (gmv > 0) & ~test.acted.astype(bool)
    in_strained = np.isin(test.segment, list(strained))
    wanted = in_strained & eligible
    pool = eligible & ~queue
    missed = pool & in_strained
    by_model = pool & (_rank(np.where(pool, score, -np.inf)) < missed.sum())
    model_only = queue & ~in_strained
    return Found(
        gmv_least=least, rows=int(wanted.sum()), queued_rows=int((wanted & queue).sum()),
        missed_rows=int(missed.sum()), missed_sellers=len(set(test.rows.seller[missed])),
        missed_positives=int(label[missed].sum()),
        gmv_share=float(gmv[missed].sum() / max(gmv.sum(), 1e-12)),
        rate=_share(draws, label, missed), model_rate=_share(draws, label, by_model),
        over_model=_share(draws, label, missed, by_model),
        model_only_rows=int(model_only.sum()), model_only_positives=int(label[model_only].sum()),
    )  # fmt: skip


def psi(expected: Array, observed: Array) -> float:
    """Population stability of counts per bin."""
    shares, before = (rows / max(rows.sum(), 1) for rows in (observed, expected))
    return population_stability(shares, before)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result and the seconds that it took: they are shown and decide nothing."""
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def metrics(comparison: Comparison) -> dict[str, float]:
    """The figures of a run, flat, for a tracker; without those that are not a number.

    Marketplaces are left out: their names are not ours, and a tracker refuses some.
    """
    flat: dict[str, float] = {
        "base_rate": comparison.base_rate, "test_rows": comparison.test_rows,
        "test_positives": comparison.test_positives, "segment_psi": comparison.segment_psi,
        "score_psi": comparison.score_psi, "unordered_ap": comparison.unordered.by_lot,
        "missed_rows": comparison.found.missed_rows,
        "missed_sellers": comparison.found.missed_sellers,
    }  # fmt: skip
    intervals = {
        **{f"{name}_ap": method.ap for name, method in comparison.methods.items()},
        **{f"{name}_precision": method.precision for name, method in comparison.methods.items()},
        **{f"{one}_over_{two}": gap for (one, two), gap in comparison.differences.items()},
        **{f"{trial.kind}_labels_{trial.detail.strip('%')}_model_over_rate": trial.difference
           for trial in comparison.trials if trial.kind not in (ALL, MARKETPLACE)},
    }  # fmt: skip
    if comparison.elsewhere:
        intervals["elsewhere_model_over_rate"] = comparison.elsewhere.difference
    if comparison.found.rate:
        intervals["missed_rate"] = comparison.found.rate
    for name, interval in intervals.items():
        flat |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return {name: float(value) for name, value in flat.items() if np.isfinite(value)}


def _enough(train: Part, test: Part, rules: SellerMethods) -> None:
    positives, least = int(test.rows.label.sum()), rules.evaluation.positives_least
    if positives < least:
        raise TooLittle(
            f"the test months have {positives} positive rows, to compare needs at least {least}"
        )
    if train.rows.label.all() or not train.rows.label.any():
        raise TooLittle("the training months have rows of one class only")


def _grown(features: Array, label: Array, asked: Array, rules: SellerMethods,
           threads: int) -> Scored:  # fmt: skip
    booster, fit_s = timed(lambda: grown(features, label, rules, threads))
    score, score_s = timed(lambda: margins(booster, asked, threads))
    return Scored(score, fit_s, score_s)


def _method(label: Array, scored: Scored, draws: Draws, capacity: float) -> Method:
    steps = Steps(label, scored.score)
    return Method(
        draws.average_precision(label, scored.score),
        draws.interval(lambda weight: steps.at(capacity, weight)[0]),
        draws.interval(lambda weight: steps.at(capacity, weight)[1]),
        scored.fit_s, scored.score_s,
    )  # fmt: skip


def _average_precision(seen: Array, hits: Array) -> float:
    if not hits[-1]:
        return float("nan")
    precision = np.divide(hits, seen, out=np.zeros(len(hits)), where=seen > 0)
    return float((np.diff(hits, prepend=0) * precision).sum() / hits[-1])


@dataclass(frozen=True)
class _Cut:
    """Which training rows keep their labels [training rows], who is tested [test rows]."""

    kind: str
    detail: str
    labelled: Array
    asked: Array


def _trials(
    train: Part, test: Part, scored: Mapping[str, Scored], draws: Draws, rules: SellerMethods,
    threads: int,
) -> tuple[list[Trial], list[Skipped], Elsewhere | None]:  # fmt: skip
    """Every cut of the labels, and the mean over marketplaces."""
    full = scored[MODEL].score
    whole = _Cut(ALL, "", _all(train), _all(test))
    trials = [_trial(whole, train, test, full, scored[RATE].score, full, draws)]
    skipped, places = [], []
    for cut in _cuts_of(train, test, rules):
        if reason := _reason(cut, train, test, rules):
            skipped.append(Skipped(cut.kind, cut.detail, reason))
            continue
        known, asked = train.of(cut.labelled), test.of(cut.asked)
        model = _grown(known.rows.features, known.rows.label, asked.rows.features, rules, threads)
        rates = segment_rates(known.segment, known.rows.label, rules.segment_rate.pseudo_rows)
        rate, how = rates.score(asked.segment), rules.evaluation
        its_draws = (Draws(asked.rows.seller, how.bootstraps, how.seed)
                     if cut.kind == MARKETPLACE else draws)  # fmt: skip
        trials.append(_trial(cut, train, test, model.score, rate, full, its_draws))
        if cut.kind == MARKETPLACE:
            label = asked.rows.label
            places.append(_Place(trials[-1], cut.asked, Steps(label, model.score),
                                 Steps(label, rate)))  # fmt: skip
    return trials, skipped, _elsewhere(places, draws) if places else None


@dataclass(frozen=True)
class _Place:
    """A marketplace that was left without labels; `asked`: its rows [test rows]."""

    trial: Trial
    asked: Array
    model: Steps
    rate: Steps

    def difference(self, weight: Array | None) -> float:
        mine = None if weight is None else weight[self.asked]
        return self.model.average_precision(mine) - self.rate.average_precision(mine)


def _trial(cut: _Cut, train: Part, test: Part, model: Array, rate: Array, full: Array,
           draws: Draws) -> Trial:  # fmt: skip
    """`model` and `rate` are scores of the rows that are asked, `full` of all test rows."""
    known, label = train.rows.of(cut.labelled), test.rows.label[cut.asked]
    return Trial(
        cut.kind, cut.detail, labelled_rows=len(known), labelled_sellers=len(set(known.seller)),
        labelled_positives=int(known.label.sum()), test_rows=len(label),
        test_positives=int(label.sum()), model=draws.average_precision(label, model),
        rate=draws.average_precision(label, rate), difference=draws.difference(label, model, rate),
        full_ap=average_precision(label, full[cut.asked]),
    )  # fmt: skip


def _cuts_of(train: Part, test: Part, rules: SellerMethods) -> Iterator[_Cut]:
    everyone = _all(test)
    for share in sorted(rules.labels.shares):
        kept = keeps_labels(train.rows.seller, share, rules.evaluation.seed)
        yield _Cut(SHARE, f"{share:.0%}", kept, everyone)
    yield from (_older(train, everyone, kind, rules.labels) for kind in (DELAY, OUTAGE))
    for place, asked in by_group(test.marketplace):
        elsewhere = ~_in(train.marketplace, place)
        yield _Cut(MARKETPLACE, place, elsewhere, asked)


def _older(train: Part, everyone: Array, kind: str, rules: LabelCuts) -> _Cut:
    """Without the labels of the newest months; the oldest month always keeps its labels."""
    wanted = rules.delay_months if kind == DELAY else rules.outage_months
    days = sorted(set(train.rows.month))
    count = min(wanted, len(days) - 1)
    labelled = np.isin(train.rows.month, np.array(days[: len(days) - count], object))
    return _Cut(kind, f"{count}", labelled, everyone)


def _in(marketplace: Array, name: str) -> Array:
    """The rows of a marketplace by the name that `by_group` gives it."""
    masks = dict(by_group(marketplace))
    return masks.get(name, np.zeros(len(marketplace), bool))


def _all(part: Part) -> Array:
    return np.ones(len(part), bool)


def _reason(cut: _Cut, train: Part, test: Part, rules: SellerMethods) -> str:
    """Why a trial cannot be made; empty if it can."""
    label, positives = train.rows.label[cut.labelled], int(test.rows.label[cut.asked].sum())
    if cut.labelled.all() and cut.kind in (DELAY, OUTAGE):
        return "there is one training month only"
    if cut.labelled.all() and cut.kind == MARKETPLACE:
        return "the training months have no rows of it, so it has no labels to miss"
    if not len(label) or label.all() or not label.any():
        return "the labels that are left are of one class only"
    if positives < rules.evaluation.positives_least:
        rows, least = "row" if positives == 1 else "rows", rules.evaluation.positives_least
        return f"it has {positives:,} positive test {rows}, fewer than {least:,}"
    return ""


def _elsewhere(places: Sequence[_Place], draws: Draws) -> Elsewhere:
    """Each draw is one of all sellers, and gives every marketplace its difference."""

    def mean(of: Callable[[Trial], float]) -> float:
        return float(np.mean([of(place.trial) for place in places]))

    return Elsewhere(
        len(places), mean(lambda trial: trial.model.value), mean(lambda trial: trial.rate.value),
        mean(lambda trial: trial.base_rate),
        draws.interval(lambda weight: float(np.mean([p.difference(weight) for p in places]))),
    )  # fmt: skip


def _segments(train: Part, test: Part, names: Mapping[int, str],
              rules: SellerMethods) -> list[Segment]:  # fmt: skip
    """Every segment of either part, the riskiest first."""
    rates = segment_rates(train.segment, train.rows.label, rules.segment_rate.pseudo_rows)
    least = rules.strained.rate_times_least * rates.base
    result = []
    for one in sorted({*train.segment.tolist(), *test.segment.tolist()}):
        mine, rate = test.segment == one, rates.of.get(one, rates.base)
        result.append(Segment(
            one, names.get(one, f"segment {one}"), int((train.segment == one).sum()), rate,
            int(mine.sum()), int(test.rows.label[mine].sum()),
            strained=one != RULE_SEGMENT and rate >= least,
        ))  # fmt: skip
    return sorted(result, key=lambda segment: -segment.rate)


def _rank(score: Array) -> Array:
    """[rows] the place of each by falling score, from 0."""
    place = np.empty(len(score), np.int64)
    place[np.argsort(-score, kind="stable")] = np.arange(len(score))
    return place


def _share(draws: Draws, label: Array, rows: Array, less: Array | None = None) -> Interval | None:
    """The share of positives among rows (a mask), less that among others; None without rows."""
    if not rows.any() or (less is not None and not less.any()):
        return None

    def among(mask: Array, weight: Array | None) -> float:
        mine = mask.astype(float) if weight is None else mask * weight
        return float((mine * label).sum() / mine.sum()) if mine.any() else float("nan")

    def share(weight: Array | None) -> float:
        return among(rows, weight) - (0.0 if less is None else among(less, weight))

    return draws.interval(share)


def _months(test: Part, scored: Mapping[str, Scored]) -> list[Month]:
    result = []
    for month in sorted(set(test.rows.month)):
        rows = test.rows.month == month
        label = test.rows.label[rows]
        ap = {name: average_precision(label, one.score[rows]) for name, one in scored.items()}
        result.append(Month(str(month), int(rows.sum()), int(label.sum()), ap))
    return result


def _segment_psi(train: Part, test: Part) -> float:
    ids, place = np.unique(np.concatenate([train.segment, test.segment]), return_inverse=True)
    before, after = np.split(place, [len(train)])
    return psi(np.bincount(before, minlength=len(ids)), np.bincount(after, minlength=len(ids)))


def _score_psi(train: Part, test: Part, rules: SellerMethods, threads: int) -> float:
    """Over the tenths of the training rows; NaN where a half of the sellers has no rows.

    Both parts are scored by models of the half of the sellers that the row's is not in: a model is
    surer of sellers that it has seen, which would look like drift.
    """
    bins, half = rules.evaluation.psi_bins, half_of(train.rows.seller)
    if half.all() or not half.any():
        return float("nan")
    asked = half_of(test.rows.seller)
    before, after = np.zeros(len(train)), np.zeros(len(test))
    for learns, own, later in ((half, ~half, ~asked), (~half, half, asked)):
        booster = grown(train.rows.features[learns], train.rows.label[learns], rules, threads)
        for result, part, mine in ((before, train, own), (after, test, later)):
            if mine.any():
                result[mine] = margins(booster, part.rows.features[mine], threads)
    bounds = np.quantile(before, np.arange(1, bins) / bins)
    counts = [np.bincount(np.searchsorted(bounds, score, side="right"), minlength=bins)
              for score in (before, after)]  # fmt: skip
    return psi(*counts)


def _ends(part: Part) -> tuple[str, str]:
    return str(min(part.rows.month)), str(max(part.rows.month))
