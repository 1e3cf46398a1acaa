"""How good a ranking and its probabilities are, with intervals by seller.

Average precision is scikit-learn's: the mean precision over the steps of the curve. Spark's
`areaUnderPR` interpolates and bins, and is too high with ties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, roc_auc_score

Array = npt.NDArray[Any]
CONFIDENCE = 0.95
LEAST_SHARE = 1e-4
"""Stands for the share of an empty bin, whose logarithm does not exist."""


@dataclass(frozen=True)
class Interval:
    """A figure with the bounds between which it would lie for 95 of 100 draws of sellers."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def population_stability(shares: Array, expected: Array) -> float:
    """Index of shares against those expected, bin by bin: the sum of (p - q) ln(p / q). Source:
    Siddiqi, Credit Risk Scorecards (2006); `features.drift` is the same on Spark."""
    p, q = (np.maximum(part, LEAST_SHARE) for part in (shares, expected))
    return float(((p - q) * np.log(p / q)).sum())


def wilson(positives: int, rows: int) -> Interval:
    """A share with its 95 % interval. Source: Wilson, JASA 22 (1927)."""
    interval = binomtest(positives, rows).proportion_ci(CONFIDENCE, "wilson")
    return Interval(positives / rows, float(interval.low), float(interval.high))


def average_precision(label: Array, score: Array) -> float:
    """NaN without a positive row."""
    return float(average_precision_score(label, score)) if label.any() else float("nan")


def roc_auc(label: Array, score: Array) -> float:
    """NaN where only one class is there."""
    if label.all() or not label.any():
        return float("nan")
    return float(roc_auc_score(label, score))


class Draws:
    """Bootstrap draws of sellers: each counts as often as it was drawn, with all its rows."""

    def __init__(self, sellers: Array, draws: int, seed: int) -> None:
        names, self.of_row = np.unique(sellers, return_inverse=True)
        rng = np.random.default_rng(seed)
        evenly = np.full(len(names), 1 / max(len(names), 1))
        self.counts = rng.multinomial(len(names), evenly, size=draws)

    def interval(self, statistic: Callable[[Array | None], float]) -> Interval:
        """Of a statistic that takes each row's weight (None: all count once)."""
        drawn = [statistic(count[self.of_row]) for count in self.counts]
        spare = (1 - CONFIDENCE) / 2
        low, high = np.nanquantile(drawn, [spare, 1 - spare])
        return Interval(statistic(None), float(low), float(high))

    def average_precision(self, label: Array, score: Array) -> Interval:
        ranked = _Ranked(label, score)
        return self.interval(ranked.average_precision)

    def difference(self, label: Array, score: Array, other: Array) -> Interval:
        """Average precision of `score` less that of `other`, on the same draws."""
        one, two = _Ranked(label, score), _Ranked(label, other)
        return self.interval(lambda w: one.average_precision(w) - two.average_precision(w))


class _Ranked:
    """Rows sorted once, so that each draw costs a cumulative sum and no sorting."""

    def __init__(self, label: Array, score: Array) -> None:
        self.order = np.argsort(-score, kind="stable")
        self.label = label[self.order].astype(float)
        self.last = np.append(np.flatnonzero(np.diff(score[self.order])), len(score) - 1)

    def average_precision(self, weight: Array | None) -> float:
        """The mean precision at each step of equal scores, weighted."""
        mine = np.ones(len(self.label)) if weight is None else weight[self.order].astype(float)
        hits = np.cumsum(mine * self.label)[self.last]
        seen = np.cumsum(mine)[self.last]
        if hits[-1] == 0:
            return float("nan")
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        return float((np.diff(hits, prepend=0) * precision).sum() / hits[-1])


def at_capacity(label: Array, score: Array, share: float) -> dict[str, float]:
    """Precision and recall among the riskiest `share` of the rows; rounded up to a whole row."""
    count = int(np.ceil(share * len(label)))
    first = np.argsort(-score, kind="stable")[:count]
    hits = float(label[first].sum())
    return {
        "rows": count, "precision": hits / max(count, 1), "recall": hits / max(label.sum(), 1),
    }  # fmt: skip


def costs(label: Array, score: Array, review_minor: int, missed_minor: int) -> Array:
    """[rows + 1] minor units if the 0, 1, 2, ... riskiest are reviewed: reviews and misses."""
    hits = np.concatenate([[0], np.cumsum(label[np.argsort(-score, kind="stable")])])
    reviewed = np.arange(len(label) + 1)
    result: Array = reviewed * review_minor + (label.sum() - hits) * missed_minor
    return result


def cheapest_threshold(label: Array, score: Array, review_minor: int, missed_minor: int) -> float:
    """The score from which on reviewing costs least; infinity if reviewing nobody does."""
    best = int(np.argmin(costs(label, score, review_minor, missed_minor)))
    return float(-np.sort(-score)[best - 1]) if best else float("inf")


def reliability(label: Array, probability: Array, bins: int) -> list[dict[str, float]]:
    """Mean probability and observed share in bins of equal numbers of rows."""
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    return [
        {"rows": len(part), "expected": float(probability[part].mean()),
         "observed": float(label[part].mean())}
        for part in parts if len(part)
    ]  # fmt: skip


def calibration_error(label: Array, probability: Array, bins: int) -> float:
    """Expected calibration error: the mean distance of observed from expected, by rows."""
    parts = reliability(label, probability, bins)
    gaps = [part["rows"] * abs(part["observed"] - part["expected"]) for part in parts]
    return float(sum(gaps) / max(len(label), 1))


def brier(label: Array, probability: Array) -> float:
    return float(np.mean((probability - label) ** 2))


def by_group(groups: Array, least_rows: int = 1) -> Iterable[tuple[str, Array]]:
    """(group, its rows as a mask), by name; a missing group is `missing`."""
    named = np.array(["missing" if group is None else str(group) for group in groups])
    for name in np.unique(named):
        rows = named == name
        if rows.sum() >= least_rows:
            yield str(name), rows


def slices(label: Array, score: Array, sellers: Array, groups: Mapping[str, Array], draws: int,
           seed: int) -> list[dict[str, Any]]:  # fmt: skip
    """Average precision with its interval in each group of each grouping."""
    found = []
    for grouping, values in groups.items():
        for group, rows in by_group(values):
            interval = Draws(sellers[rows], draws, seed).average_precision(label[rows], score[rows])
            found.append({
                "slice": grouping, "group": group, "rows": int(rows.sum()),
                "positives": int(label[rows].sum()), "base_rate": float(label[rows].mean()),
                "ap": interval.value, "ap_low": interval.low, "ap_high": interval.high,
            })  # fmt: skip
    return found
