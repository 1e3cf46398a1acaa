"""Behaviour as coordinates in which distances mean something: fitted once, then frozen.

Rates are shrunk by the counts they rest on, so that three orders say little; then log odds. Hours
and counts become logarithms, and so does money, less the marketplace's median: it is in the
seller's currency. All are cut at the winsorising bounds, centred at the median, divided by the
interquartile range, weighted by family, and shifted away from zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from conf.model_settings import SegmentFeature, SellerSegments
from ml.seller_segments.behaviour import ORDERS, PUBLISHED, Behaviour

Array = npt.NDArray[Any]

OVERALL = ""
"""Stands for all marketplaces: for one that the fit has not seen."""
ODDS_LEAST = 1e-3
"""A rate of 0 or 1 that nothing shrinks is taken for this far from it."""
STRENGTH_MOST = 1e4
"""Of a prior, in counts: where sellers do not differ beyond chance."""
IQR_PER_DEVIATION = 1.349
"""Interquartile ranges of a normal distribution per standard deviation."""
SPREAD_LEAST = 0.2
"""Of what the deviation says: a coordinate with narrower quartiles would outweigh all others."""


class NoCounts(ValueError):
    """The version was fitted on published counts, and rows have none."""


class TooFew(ValueError):
    """Too few sellers, or too few features that tell them apart; the message counts them."""


@dataclass(frozen=True)
class Scale:
    """One feature's frozen numbers. `prior` and `strength` (in counts) of shrunk rates only;
    `medians` of log money by marketplace."""

    low: float
    high: float
    median: float
    spread: float
    weight: float
    prior: float | None = None
    strength: float | None = None
    medians: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Transforms:
    """Frozen scales by feature, in the order of the coordinates."""

    counts: str  # published or estimated
    shift: float
    scales: Mapping[str, Scale]
    left_out: Mapping[str, str]  # feature: why

    def coordinates(self, rows: Behaviour, features: Mapping[str, SegmentFeature]) -> Array:
        """[rows, features]; a missing value lies at the median. NoCounts where the version needs
        counts that rows do not have."""
        if self.counts == PUBLISHED and len(rows) and not rows.counted:
            raise NoCounts(
                f"this version was fitted on published counts, and rows have no {ORDERS}: fit it "
                "anew with learn.seller_segments, or publish the snapshots with their counts"
            )
        found = [self._one(rows, features[name], name) for name in self.scales]
        return np.column_stack(found) if found else np.empty((len(rows), 0))

    def _one(self, rows: Behaviour, feature: SegmentFeature, name: str) -> Array:
        scale = self.scales[name]
        plain = _plain(rows, feature, name, scale.prior, scale.strength, self.counts)
        cut = np.clip(_relative(plain, rows, scale.medians), scale.low, scale.high)
        scaled = scale.weight * (cut - scale.median) / scale.spread
        return np.nan_to_num(scaled, nan=0.0) + self.shift

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Transforms:
        scales = {name: Scale(**scale) for name, scale in content["scales"].items()}
        return cls(**{**content, "scales": scales})


def orders_90d(rows: Behaviour, source: str) -> Array:
    """[rows] orders of 90 days."""
    return rows.count(ORDERS, source)


def fitted(rows: Behaviour, source: str, rules: SellerSegments) -> Transforms:
    """The transforms of these rows, all of sellers with enough history. A feature that tells
    nobody apart is left out; TooFew where that leaves too few."""
    scales: dict[str, Scale] = {}
    left_out: dict[str, str] = {}
    for name, feature in rules.features.items():
        weight = rules.scaling.family_weights[feature.family]
        if np.isnan(rows.values[name]).all():
            left_out[name] = "no value in any row"
        elif (scale := _scale(rows, feature, name, weight, source, rules)) is None:
            left_out[name] = "the same in all rows"
        else:
            scales[name] = scale
    most = rules.scaling.left_out_share_most * len(rules.features)
    if len(left_out) > most:
        said = ", ".join(f"{name} ({why})" for name, why in left_out.items())
        raise TooFew(f"{len(left_out)} of {len(rules.features)} features tell nothing: {said}")
    return Transforms(source, rules.scaling.shift, scales, left_out)


def shrinkage(rate: Array, count: Array) -> tuple[float, float]:
    """(prior, strength in counts) of a beta-binomial, by moments weighted by counts.

    Source: Kleinman, Proportions with extraneous variance, JASA 68 (1973).
    """
    known = ~np.isnan(rate) & (count > 0)
    rates, counts = rate[known], count[known]
    total = counts.sum()
    if total == 0:
        return 0.5, 0.0
    prior = float((counts * rates).sum() / total)
    chance, degrees = prior * (1 - prior), len(rates) - 1
    room = chance * (total - (counts**2).sum() / total - degrees)
    if room <= 0:
        return prior, STRENGTH_MOST
    overdispersion = ((counts * (rates - prior) ** 2).sum() - chance * degrees) / room
    if overdispersion <= 1 / (1 + STRENGTH_MOST):
        return prior, STRENGTH_MOST
    return prior, float(max(1 / overdispersion - 1, 0.0))


def _scale(
    rows: Behaviour, feature: SegmentFeature, name: str, weight: float, source: str,
    rules: SellerSegments,
) -> Scale | None:  # fmt: skip
    prior = strength = None
    if feature.count is not None:
        prior, strength = shrinkage(rows.values[name], rows.count(feature.count, source))
    plain = _plain(rows, feature, name, prior, strength, source)
    money = feature.scale == "log_money"
    least = rules.triggers.place_rows_least
    medians = _medians(plain, rows.marketplace, least) if money else None
    values = _relative(plain, rows, medians)
    low, high = (float(v) for v in np.nanquantile(values, rules.scaling.winsorised))
    cut = np.clip(values, low, high)
    first, median, third = (float(v) for v in np.nanquantile(cut, [0.25, 0.5, 0.75]))
    # Most sellers may share nearly one value, so that the quartiles are nearly one.
    spread = max(third - first, SPREAD_LEAST * IQR_PER_DEVIATION * float(np.nanstd(cut)))
    if not spread > 1e-12:
        return None
    return Scale(low, high, median, spread, weight, prior, strength, medians)


def _plain(
    rows: Behaviour, feature: SegmentFeature, name: str, prior: float | None,
    strength: float | None, source: str,
) -> Array:  # fmt: skip
    values = rows.values[name]
    if feature.scale != "logit":
        return np.log1p(np.maximum(values, 0))
    if feature.count is not None and prior is not None and strength is not None:
        count = rows.count(feature.count, source)
        shrunk = (count * values + strength * prior) / np.maximum(count + strength, 1e-9)
        values = np.where(count + strength > 0, shrunk, values)
    inside = np.clip(values, ODDS_LEAST, 1 - ODDS_LEAST)
    return np.log(inside / (1 - inside))


def _relative(plain: Array, rows: Behaviour, medians: Mapping[str, float] | None) -> Array:
    if medians is None:
        return plain
    return plain - np.array([medians.get(m, medians[OVERALL]) for m in rows.marketplace], float)


def _medians(plain: Array, marketplaces: Array, rows_least: int) -> dict[str, float]:
    """Of all, and of each marketplace with so many values: fewer would tell of single sellers."""
    found = {OVERALL: float(np.nanmedian(plain))}
    for place in sorted(set(marketplaces)):
        values = plain[marketplaces == place]
        if (~np.isnan(values)).sum() >= rows_least:
            found[place] = float(np.nanmedian(values))
    return found
