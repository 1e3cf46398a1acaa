"""Why a seller's risk is raised: exact contributions, by family, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from conf.seller_features import COUNT, HOURS, MONEY, SELLER_FEATURES, SHARE, STARS
from ml.seller_risk.encoding import CATEGORIES, NAMES, Columns

Array = npt.NDArray[Any]
UNITS = {feature.name: feature.unit for feature in SELLER_FEATURES}
MOST_REASONS = 3
GRID = (1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 99)
"""Percentiles that are kept of each feature among peers."""
TENURE_DAYS = (90, 365, 1_095)
"""Bounds of the tenures that are compared with each other."""
PEERS_LEAST = 50
OVERALL = "all"


@dataclass(frozen=True)
class Catalogue:
    """conf/models/seller_risk_reasons.yaml: each feature's family, fact, missing and action."""

    families: Mapping[str, str]
    features: Mapping[str, Mapping[str, str]]

    def __post_init__(self) -> None:
        wrong = set(NAMES) ^ set(self.features)
        wrong |= {n for n, entry in self.features.items() if entry["family"] not in self.families}
        if wrong:
            raise ValueError(f"the reason catalogue does not fit: {', '.join(sorted(wrong))}")

    @cached_property
    def members(self) -> dict[str, list[int]]:
        """The places of each family's features."""
        return {
            family: [n for n, name in enumerate(NAMES) if self.features[name]["family"] == family]
            for family in self.families
        }


@dataclass(frozen=True)
class Peers:
    """Percentiles of each feature in groups of marketplace and tenure, frozen with the model."""

    groups: Mapping[str, Mapping[str, Sequence[float]]]

    def percentile(self, feature: str, value: float, group: str) -> float | None:
        """Share of peers below the value, in percent; None where peers have none."""
        grid = self.groups.get(group, self.groups[OVERALL]).get(feature)
        return None if grid is None else round(float(np.interp(value, grid, GRID)), 1)


def peers(columns: Columns) -> Peers:
    """Of one month's sellers; groups with few sellers are left to all of them."""
    group = groups_of(columns)
    names, counts = np.unique(group, return_counts=True)
    large = [OVERALL, *(str(name) for name in names[counts >= PEERS_LEAST])]
    found = {}
    for name in large:
        rows = slice(None) if name == OVERALL else group == name
        numbers = {n: columns[n][rows] for n in NAMES if n not in CATEGORIES}
        found[name] = {
            n: [float(q) for q in np.nanpercentile(values, GRID)]
            for n, values in numbers.items() if not np.isnan(values).all()
        }  # fmt: skip
    return Peers(found)


def groups_of(columns: Columns) -> Array:
    """The peer group of each row: marketplace and tenure."""
    tenure = np.searchsorted(TENURE_DAYS, np.nan_to_num(columns["tenure_days"]), side="right")
    places = columns["marketplace"].astype(str)
    return np.char.add(np.char.add(places.astype(np.str_), "/"), tenure.astype(np.str_))


def reasons(columns: Columns, contributions: Array, catalogue: Catalogue,
            known: Peers) -> list[list[dict[str, Any]]]:  # fmt: skip
    """Per row, at most three families that raise the risk, the strongest first.

    A family speaks through the feature that raises it most; `contribution` is the family's, in
    log odds.
    """
    group, names = groups_of(columns), list(catalogue.members)
    families = np.zeros((len(contributions), len(names)))
    best = np.zeros(families.shape, np.int64)
    for number, places in enumerate(catalogue.members.values()):
        for place in places:
            # One after the other: a sum must not depend on how many rows there are.
            families[:, number] += contributions[:, place]
        best[:, number] = np.array(places)[contributions[:, places].argmax(axis=1)]
    top = np.argsort(-families, axis=1, kind="stable")[:, :MOST_REASONS]
    found: list[list[dict[str, Any]]] = []
    for row, first in enumerate(top):
        found.append([
            _reason(columns, row, str(group[row]), names[n], NAMES[best[row, n]],
                    float(families[row, n]), catalogue, known)
            for n in first if families[row, n] > 0
        ])  # fmt: skip
    return found


def _reason(columns: Columns, row: int, group: str, family: str, feature: str, contribution: float,
            catalogue: Catalogue, known: Peers) -> dict[str, Any]:  # fmt: skip
    entry, value = catalogue.features[feature], columns[feature][row]
    number = None if feature in CATEGORIES or np.isnan(value) else float(value)
    missing = value is None or (number is None and feature not in CATEGORIES)
    percentile = None if number is None else known.percentile(feature, number, group)
    text = (
        entry.get("missing", "There is no figure")
        if missing
        else (entry["fact"].format(value=said(feature, value)) + _among_peers(percentile))
    )
    return {
        "code": f"{feature}_missing" if missing else feature, "family": family,
        "feature": feature, "value": None if missing else str(value) if number is None
        else f"{number:.6g}", "peer_percentile": percentile, "contribution": contribution,
        "text": f"{text}.", "action": f"{entry['action']}.",
    }  # fmt: skip


def _among_peers(percentile: float | None) -> str:
    if percentile is None:
        return ""
    side, share = ("more", percentile) if percentile >= 50 else ("less", 100 - percentile)
    return f", {side} than {share:.0f} of 100 comparable sellers"


def said(feature: str, value: Any) -> str:
    """A value with its unit, as people write it."""
    unit = UNITS[feature]
    if feature in CATEGORIES:
        return str(value)
    if unit == SHARE:
        return f"{100 * value:.1f} %"
    if unit == HOURS:
        return f"{value:.0f} hours"
    if unit == STARS:
        return f"{value:.1f} stars"
    if unit == MONEY:
        return f"{value:,.0f} (in the seller's currency)"
    return f"{value:,.0f}" if unit == COUNT else f"{value:,.0f} {unit}"
