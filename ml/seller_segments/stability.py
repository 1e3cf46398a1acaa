"""How far segments would be others if other sellers, other seeds or mere chance had made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from conf.model_settings import SegmentFeature, SegmentSearch, SellerSegments
from ml.seller_segments.behaviour import ORDERS, ORDERS_30D, Behaviour, together
from ml.seller_segments.bisecting import cheapest, labels
from ml.seller_segments.model import Model
from ml.seller_segments.smoothing import ABSENT, is_low
from ml.seller_segments.transforms import orders_90d

Array = npt.NDArray[Any]
GMV = "gmv_30d"
HALVES = 3
"""Pairs of halves whose median is a month's figure."""


@dataclass(frozen=True)
class Resample:
    """A refit: the rows it saw, and its centres by k."""

    rows: Array  # indices
    centres: Mapping[int, Array]


def bootstraps(matrix: Array, sellers: Array, ks: Sequence[int], rules: SegmentSearch,
               rounds: int) -> Iterator[Resample]:  # fmt: skip
    """Refits on sellers drawn with replacement, each with all its rows."""
    rng = np.random.default_rng(rules.seed)
    names, of_row = np.unique(sellers, return_inverse=True)
    drawn = _enough(len(names), len(matrix), rules.rows_least)
    evenly = np.full(len(names), 1 / max(len(names), 1))
    for number in range(rules.resamples):
        weight = rng.multinomial(drawn, evenly)[of_row].astype(float)
        seeds = _seeds(rules, number)
        yield Resample(np.flatnonzero(weight), cheapest(matrix, weight, ks, seeds, rounds))


def halves(matrix: Array, sellers: Array, ks: Sequence[int], rules: SegmentSearch, rounds: int,
           times: int) -> Iterator[tuple[Resample, Resample]]:  # fmt: skip
    """Pairs of refits on the two halves of the sellers, each half cut to enough rows."""
    rng = np.random.default_rng(rules.seed + 1)
    names, of_row = np.unique(sellers, return_inverse=True)
    size = min(len(names) // 2, _enough(len(names), len(matrix), rules.rows_least))
    for number in range(times):
        order = rng.permutation(len(names))
        pair = []
        for side, chosen in enumerate((order[:size], order[len(names) - size :])):
            weight = np.isin(of_row, chosen).astype(float)
            seeds = _seeds(rules, 10_000 + 2 * number + side)
            found = cheapest(matrix, weight, ks, seeds, rounds)
            pair.append(Resample(np.flatnonzero(weight), found))
        yield pair[0], pair[1]


def ari(matrix: Array, one: Array, other: Array) -> float:
    """Adjusted Rand index of two sets of centres on the same rows."""
    return float(adjusted_rand_score(labels(matrix, one), labels(matrix, other)))


def kept(model: Model, rows: Behaviour, ends: Sequence[date]) -> list[tuple[date, int, int]]:
    """(month-end, common sellers, those who keep their smoothed segment) for each step between
    neighbouring `ends`; every month-end looks back on its own last months."""
    distances = model.distances(model.matrix(rows))
    found = []
    before: Array | None = None
    for ds in ends:
        now = model.at(rows, ds, distances)[1]
        if before is not None:
            common = (before != ABSENT) & (now != ABSENT)
            found.append((ds, int(common.sum()), int((now == before)[common].sum())))
        before = now
    return found


def noise_kept(model: Model, rows: Behaviour, ds: date, seed: int) -> float:
    """The share of the sellers of a month-end who would keep their smoothed segment over the next
    month if nothing but chance drew its rates and orders anew."""
    following = (ds + timedelta(days=1)).replace(day=28) + timedelta(days=4)
    after = following - timedelta(days=following.day)
    ends = model.ends(ds) or [ds]
    _, at_ends = model.smoothed(rows, ends)
    next_month = redrawn(rows.on(ds), model.features, model.transforms.counts, seed)
    both = together(rows, replace(next_month, ds=np.full(len(next_month), np.datetime64(after))))
    _, again = model.smoothed(both, [*ends, after][-model.month_ends :])
    here = at_ends[:, -1] != ABSENT
    return float((at_ends[:, -1] == again[:, -1])[here].mean()) if here.any() else float("nan")


def redrawn(rows: Behaviour, features: Mapping[str, SegmentFeature], source: str,
            seed: int) -> Behaviour:  # fmt: skip
    """The rows drawn anew: rates as binomials of their own counts, orders as Poisson, and with them
    the GMV; means stay as they are."""
    rng = np.random.default_rng(seed)
    values, counts = dict(rows.values), dict(rows.counts)
    for name, feature in features.items():
        if feature.count is not None:
            count = np.round(rows.count(feature.count, source)).astype(np.int64)
            rate = np.clip(np.nan_to_num(rows.values[name]), 0, 1)
            drawn = rng.binomial(count, rate) / np.maximum(count, 1)
            again = (count > 0) & ~np.isnan(rows.values[name])
            values[name] = np.where(again, drawn, rows.values[name])
    for table, name in ((values, ORDERS_30D), (counts, ORDERS)):
        drawn = rng.poisson(np.nan_to_num(table[name])).astype(float)
        table[name] = np.where(~np.isnan(table[name]), drawn, table[name])
    if GMV in values:
        before = np.maximum(rows.values[ORDERS_30D], 1)
        values[GMV] = values[GMV] * values[ORDERS_30D] / before
    return Behaviour(rows.ds, rows.seller, rows.marketplace, rows.tenure_days, values, counts)


def _enough(sellers: int, rows: int, rows_least: int) -> int:
    """Sellers whose rows are about `rows_least`, or all."""
    return min(sellers, -(-sellers * rows_least // max(rows, 1)))


def _seeds(rules: SegmentSearch, number: int) -> list[int]:
    return [rules.seed + 1_000_003 * (number + 1) + n for n in range(rules.seeds)]


def of_fits(model: Model, rows: Behaviour, ds: date, rules: SellerSegments) -> dict[str, float]:
    """How fits agree that differ by chance, by sellers, or by a month, with the frozen transforms:
    ari_seeds, ari_halves and ari_months."""
    search, rounds, k = rules.search, rules.fit.rounds, len(model.centres)
    ends = np.array(model.ends(ds) or [ds], "datetime64[D]")
    pool = _known(model, rows.of(np.isin(rows.ds, ends)))
    if len(set(pool.seller)) < 2 * k:
        return {}
    matrix, sellers = model.matrix(pool), pool.seller.astype(str)
    ones = np.ones(len(matrix))
    with threadpool_limits(1):
        seeds = [cheapest(matrix, ones, [k], _seeds(search, number), rounds) for number in (1, 2)]
        pairs = list(halves(matrix, sellers, [k], search, rounds, HALVES))
        months = [_on_its_own(model, pool.of(pool.ds == end), k, search, rounds)
                  for end in ends[-2:]]  # fmt: skip
    found = {}
    if all(k in one for one in seeds):
        found["ari_seeds"] = ari(matrix, seeds[0][k], seeds[1][k])
    if aris := [ari(matrix, one.centres[k], other.centres[k]) for one, other in pairs
                if k in one.centres and k in other.centres]:  # fmt: skip
        found["ari_halves"] = float(np.median(aris))
    common = sorted(set.intersection(*(set(month) for month in months)))
    if common and len(months) > 1:
        found["ari_months"] = float(adjusted_rand_score(*([m[s] for s in common] for m in months)))
    return found


def _known(model: Model, rows: Behaviour) -> Behaviour:
    """The rows with enough history."""
    low = is_low(rows.tenure_days, orders_90d(rows, model.transforms.counts), model.low_history)
    return rows.of(~low)


def _on_its_own(model: Model, rows: Behaviour, k: int, search: SegmentSearch,
                rounds: int) -> dict[str, int]:  # fmt: skip
    """Segment by seller, of a fit of one month's rows."""
    if not len(rows):
        return {}
    matrix = model.matrix(rows)
    fits = cheapest(matrix, np.ones(len(matrix)), [k], _seeds(search, 1), rounds)
    if k not in fits:
        return {}
    return dict(zip(rows.seller.astype(str), labels(matrix, fits[k]).tolist(), strict=True))
