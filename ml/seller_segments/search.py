"""How many segments there are: the largest number at which each of them is found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from conf.model_settings import SegmentGates, SellerSegments
from ml.seller_segments import stability
from ml.seller_segments.bisecting import cheapest, inertia, labels
from ml.seller_segments.identity import best_jaccards
from ml.seller_segments.stability import Resample

Array = npt.NDArray[Any]
COMPARED_HALVES = 1
"""Pairs of halves that the comparator is fitted on too."""
Said = Callable[[str], None]
Kept = Callable[[Array], float]
"""The least share of common sellers, of all steps, who keep their smoothed segment, for some
centres; NaN where there is no step."""


@dataclass(frozen=True)
class Refits:
    """All that the search refitted, for every k at once."""

    best: Mapping[int, Array]  # centres by k, on all rows
    bootstraps: Sequence[Resample]
    halves: Sequence[tuple[Resample, Resample]]


@dataclass(frozen=True)
class Judged:
    """One k and what its segments reach; `missed` says which gates it did not pass."""

    k: int
    share_least: float
    place_ratio: float  # share of a segment's largest marketplace, to its share of all sellers
    jaccards: Sequence[float]
    half_sample_ari: float
    kept: float
    inertia: float
    missed: Sequence[str]


@dataclass(frozen=True)
class Comparator:
    """Plain k-means at the same k."""

    k: int
    inertia_ratio: float  # to bisecting k-means; below 1 it is tighter
    ari: float  # with bisecting k-means
    half_sample_ari: float


def refitted(matrix: Array, sellers: Array, rules: SellerSegments, said: Said) -> Refits:
    """The fits on all rows and on resamples of sellers."""
    search, rounds = rules.search, rules.fit.rounds
    ks = range(search.k_least, search.k_most + 1)
    ones = np.ones(len(matrix))
    with threadpool_limits(1):  # thousands of fits of milliseconds: threads would only meet
        best = cheapest(matrix, ones, ks, range(search.seed, search.seed + search.seeds), rounds)
        found = []
        for number, one in enumerate(stability.bootstraps(matrix, sellers, ks, search, rounds), 1):
            found.append(one)
            if number % 20 == 0:
                said(f"resample {number} of {search.resamples}")
        pairs = list(stability.halves(matrix, sellers, ks, search, rounds, search.half_samples))
    return Refits(best, found, pairs)


def judged(matrix: Array, places: Array, centres: Array, refits: Refits, kept: Kept,
           gates: SegmentGates) -> Judged:  # fmt: skip
    """What these centres reach; k is their number. A resample without k segments found none of
    them again. `places` [rows] are marketplaces."""
    k, own = len(centres), labels(matrix, centres)
    shares = np.bincount(own, minlength=k) / max(len(own), 1)
    jaccards = np.mean([
        best_jaccards(own[one.rows], labels(matrix[one.rows], one.centres[k]), k)
        if k in one.centres else np.zeros(k)
        for one in refits.bootstraps
    ] or [np.zeros(k)], axis=0)  # fmt: skip
    aris = [stability.ari(matrix, one.centres[k], other.centres[k])
            if k in one.centres and k in other.centres else 0.0
            for one, other in refits.halves]  # fmt: skip
    half = float(np.median(aris)) if aris else 0.0
    place = place_ratio(own, places)
    stays = kept(centres)
    found = {
        f"its smallest segment has {shares.min():.1%} of the sellers, not {gates.share_least:.0%}":
            shares.min() >= gates.share_least,
        f"a segment's mean Jaccard is {jaccards.min():.2f}, not {gates.jaccard_least:.2f}":
            jaccards.min() >= gates.jaccard_least,
        f"the halves agree at {half:.2f}, not {gates.half_sample_ari_least:.2f}":
            half >= gates.half_sample_ari_least,
        # Without a step nothing can be kept: so it is in the first month after a break of units.
        f"{stays:.1%} keep their segment, not {gates.kept_least:.0%}":
            np.isnan(stays) or stays >= gates.kept_least,
        f"a segment has {place:.1f} times its largest marketplace's share of all sellers, "
        f"not {gates.place_ratio_most:g}": place <= gates.place_ratio_most,
    }  # fmt: skip
    missed = [sentence for sentence, passed in found.items() if not passed]
    cost = inertia(matrix, np.ones(len(matrix)), centres)
    return Judged(k, float(shares.min()), place, jaccards.tolist(), half, stays, cost, missed)


def place_ratio(own: Array, places: Array) -> float:
    """The worst segment's share of its largest marketplace, over that one's share of all rows: a
    segment that is a marketplace, or a currency, is no behaviour."""
    names, of_row = np.unique(places, return_inverse=True)
    overall = np.bincount(of_row, minlength=len(names)) / max(len(places), 1)
    worst = 0.0
    for segment in np.unique(own):
        mine = np.bincount(of_row[own == segment], minlength=len(names))
        largest = int(mine.argmax())
        worst = max(worst, mine[largest] / mine.sum() / overall[largest])
    return float(worst)


def comparator(matrix: Array, centres: Array, refits: Refits, seed: int, rounds: int) -> Comparator:
    """k-means with as many centres, on the same rows and halves."""
    k = len(centres)

    def plain(rows: Array) -> Array:
        fit = KMeans(k, n_init=1, max_iter=20 * rounds, random_state=seed).fit(rows)
        found: Array = fit.cluster_centers_
        return found

    with threadpool_limits(1):
        own = plain(matrix)
        aris = [stability.ari(matrix, plain(matrix[one.rows]), plain(matrix[other.rows]))
                for one, other in list(refits.halves)[:COMPARED_HALVES]]  # fmt: skip
    ones = np.ones(len(matrix))
    ratio = inertia(matrix, ones, own) / max(inertia(matrix, ones, centres), 1e-12)
    median = float(np.median(aris)) if aris else float("nan")
    return Comparator(k, ratio, stability.ari(matrix, own, centres), median)
