"""Whether a frozen version still fits the sellers: shares, distances, and features it scales by.

Population stability as in `features.drift` (Siddiqi, Credit Risk Scorecards, 2006).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from conf.model_settings import SellerSegments, Triggers
from ml.evaluation import population_stability
from ml.seller_segments.behaviour import Behaviour, month_ends_to
from ml.seller_segments.model import Model
from ml.seller_segments.smoothing import ABSENT, LOW_HISTORY, is_low, smoothed
from ml.seller_segments.transforms import OVERALL, Transforms, orders_90d

Array = npt.NDArray[Any]
TENTHS = np.arange(1, 10) / 10


@dataclass(frozen=True)
class Figure:
    """One figure of a version on a date. `bound`: where it begins to speak for a refit; None where
    it is said only. `about`: a feature, a month-end, or empty."""

    metric: str
    value: float | None
    bound: float | None = None
    about: str = ""
    note: str = ""
    is_least: bool = False  # the bound is one from below

    @property
    def tripped(self) -> bool:
        if self.bound is None or self.value is None:
            return False
        return self.value < self.bound if self.is_least else self.value > self.bound


def reference(model: Model, rows: Behaviour, pool: Behaviour, matrix: Array,
              ds: date) -> dict[str, Any]:  # fmt: skip
    """What later days are compared with: shares and mean distance of the newest month-end, and the
    tenths of the pooled coordinates, of money by marketplace too."""
    shares, distance = _at(model, rows, ds, model.distances(model.matrix(rows)))
    return {
        "shares": {str(n): share for n, share in shares.items()}, "distance": distance,
        "tenths": _tenths_by_place(model.transforms, pool, matrix),
        "marketplaces": sorted({str(m) for m in pool.marketplace}),
    }  # fmt: skip


def tenths(scales: Transforms, rows: Behaviour, rules: SellerSegments) -> dict[str, Any]:
    """The part of a reference that `drifts` needs, for rows that stand for themselves."""
    matrix = scales.coordinates(rows, rules.features)
    return {"tenths": _tenths_by_place(scales, rows, matrix)}


def figures(model: Model, rows: Behaviour, ds: date, rules: Triggers) -> list[Figure]:
    """The figures that speak for a refit, on a month-end."""
    distances = model.distances(model.matrix(rows))
    return [_share_psi(model, rows, ds, rules, distances),
            *_distances(model, rows, ds, rules, distances),
            *_features(model, rows, ds, rules)]  # fmt: skip


def triggers(found: Sequence[Figure], rules: Triggers) -> list[str]:
    """Why a refit is due, as sentences; empty: it is not."""
    reasons = []
    for figure in found:
        if figure.metric == "share_psi" and figure.tripped:
            reasons.append(f"the segments' shares have moved: {figure.value:.2f} stability, "
                           f"above {figure.bound}")  # fmt: skip
    grown = [figure for figure in found if figure.metric == "distance_growth" and figure.tripped]
    if len(grown) >= rules.distance_months:
        reasons.append(f"sellers are {grown[-1].value:.0%} farther from their centres than at the "
                       f"fit, for {len(grown)} month-ends")  # fmt: skip
    drifted = [f.about for f in found if f.metric == "feature_psi" and f.tripped]
    if len(drifted) >= rules.features_least:
        reasons.append(f"{len(drifted)} features have drifted: {', '.join(drifted)}")
    return reasons


def _at(
    model: Model, rows: Behaviour, ds: date, distances: Array
) -> tuple[dict[int, float], float]:
    """(share of each smoothed segment, mean distance to the own centre) on a month-end."""
    _, history = model.history(rows, model.ends(ds) or [ds], distances)
    segment = smoothed(history, model.low_history, model.hysteresis.nearer_least)[:, -1]
    here = segment != ABSENT
    shares = {n: float((segment[here] == n).mean()) if here.any() else 0.0
              for n in model.every_name}  # fmt: skip
    own = here & (segment != LOW_HISTORY)
    place = np.searchsorted(model.ids, segment[own])
    mean = history.distances[own, -1][np.arange(own.sum()), place]
    return shares, float(mean.mean()) if len(mean) else 0.0


def _share_psi(
    model: Model, rows: Behaviour, ds: date, rules: Triggers, distances: Array
) -> Figure:
    if len(rows.on(ds)) < rules.place_rows_least:
        return Figure("share_psi", None, rules.share_psi_most, note="too few sellers")
    now, then = _at(model, rows, ds, distances)[0], model.reference["shares"]
    shares, expected = ([now[n] for n in sorted(now)], [then[str(n)] for n in sorted(now)])
    value = population_stability(np.array(shares), np.array(expected))
    return Figure("share_psi", value, rules.share_psi_most, note="against the shares at the fit")


def _distances(
    model: Model, rows: Behaviour, ds: date, rules: Triggers, distances: Array
) -> Iterator[Figure]:
    then = model.reference["distance"]
    for day in month_ends_to(ds, rules.distance_months):
        mean = _at(model, rows, day, distances)[1]
        value = mean / then - 1 if then and mean else None
        yield Figure("distance_growth", value, rules.distance_growth_most, str(day),
                     "mean distance to the own centre, against the fit")  # fmt: skip


def _features(model: Model, rows: Behaviour, ds: date, rules: Triggers) -> Iterator[Figure]:
    """The drift of each coordinate among sellers with enough history; of money the worst of all
    marketplaces, because a currency's unit is a matter of one."""
    today = rows.on(ds)
    orders = orders_90d(today, model.transforms.counts)
    yield from drifts(model, today.of(~is_low(today.tenure_days, orders, model.low_history)), rules)


def drifts(model: Model, today: Behaviour, rules: Triggers) -> Iterator[Figure]:
    """The same of rows with enough history; with too few of them there is nothing to measure."""
    matrix = model.matrix(today)
    for column, name in enumerate(model.coordinates):
        tenths = model.reference["tenths"][name]
        worst, where = 0.0, OVERALL
        for place, mine in _places(model.transforms, name, today.marketplace):
            if place in tenths and mine.sum() >= rules.place_rows_least:
                drift = _drift(matrix[mine, column], tenths[place])
                worst, where = max((worst, where), (drift, place))
        note = f"in marketplace {where}" if where else "all marketplaces"
        value = worst if len(today) >= rules.place_rows_least else None
        yield Figure("feature_psi", value, rules.feature_psi_most, name, note)


def _places(scales: Transforms, name: str, marketplaces: Array) -> Iterator[tuple[str, Array]]:
    """All rows, and for money those of each marketplace with a median of its own."""
    yield OVERALL, np.ones(len(marketplaces), bool)
    medians = scales.scales[name].medians or {}
    for place in sorted(set(medians) - {OVERALL}):
        yield place, marketplaces == place


def _tenths_by_place(scales: Transforms, rows: Behaviour, matrix: Array) -> dict[str, Any]:
    return {
        name: {place: _tenths(matrix[mine, column])
               for place, mine in _places(scales, name, rows.marketplace)}
        for column, name in enumerate(scales.scales)
    }  # fmt: skip


def _tenths(values: Array) -> dict[str, list[float]]:
    """Bounds, and the shares between them: equal values fall into one."""
    bounds = np.unique(np.quantile(values, TENTHS)) if len(values) else np.array([])
    return {"bounds": bounds.tolist(), "shares": _shares(values, bounds)}


def _drift(values: Array, tenths: Mapping[str, Sequence[float]]) -> float:
    shares = _shares(values, np.array(tenths["bounds"]))
    return population_stability(np.array(shares), np.array(tenths["shares"]))


def _shares(values: Array, bounds: Array) -> list[float]:
    place = np.searchsorted(bounds, values, side="right")
    counts = np.bincount(place, minlength=len(bounds) + 1)
    shares: list[float] = (counts / max(len(values), 1)).tolist()
    return shares


def stability_figures(found: Mapping[str, float | None], rules: SellerSegments) -> list[Figure]:
    """Figures that are said and start nothing."""
    notes = {
        "ari_seeds": "two fits of the same rows with other seeds",
        "ari_halves": "fits of two halves of the sellers, on all rows",
        "ari_months": "own fits of this month-end and the one before, on common sellers",
        "kept": "common sellers who keep their smoothed segment since the month-end before",
        "noise_kept": "who would keep it over a month if nothing but chance drew it; at least",
    }
    least = {"noise_kept": rules.triggers.noise_kept_least}
    return [Figure(name, found.get(name), least.get(name), note=note, is_least=name in least)
            for name, note in notes.items()]  # fmt: skip
