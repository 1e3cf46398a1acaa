"""What a trained model reaches on months it has not seen, and whether that is enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from conf.model_settings import SellerRisk
from ml import evaluation
from ml.evaluation import Draws, Interval
from ml.seller_risk.encoding import Columns
from ml.seller_risk.leakage import Finding

Array = npt.NDArray[Any]
PER_SLICE = 100
"""Draws for an interval of a slice: there are many slices."""
TENURES = ((90, "under 90 days"), (365, "under a year"), (10**9, "a year and more"))


@dataclass(frozen=True)
class Scored:
    """Rows of the test months as several models see them; arrays [rows]."""

    seller: Array
    month: Array
    label: Array
    margin: Array
    probability: Array
    logistic: Array
    disjoint: Array  # margins of models that have not seen the seller
    groups: Mapping[str, Array]
    native: Array  # margins of a native fit of the same parameters
    champion: Array | None = None


@dataclass(frozen=True)
class Judged:
    """Everything that a reader of the model card wants to know, as numbers."""

    ap: Interval
    logistic_ap: float
    base_rate: float
    rows: int
    positives: int
    roc_auc: float
    ece: float
    brier: float
    capacities: Sequence[Mapping[str, float]]
    months: Sequence[Mapping[str, Any]]
    slices: Sequence[Mapping[str, Any]]
    reliability: Sequence[Mapping[str, float]]
    disjoint: Interval
    over_native: Interval
    over_champion: Interval | None


@dataclass(frozen=True)
class Gate:
    """One condition of promotion."""

    name: str
    found: float | str
    bound: float | str
    passed: bool


def judge(scored: Scored, settings: SellerRisk) -> Judged:
    rules, label, margin = settings.evaluation, scored.label, scored.margin
    draws = Draws(scored.seller, rules.bootstraps, settings.training.seed)
    return Judged(
        ap=draws.average_precision(label, margin),
        logistic_ap=evaluation.average_precision(label, scored.logistic),
        base_rate=float(label.mean()), rows=len(label), positives=int(label.sum()),
        roc_auc=evaluation.roc_auc(label, margin),
        ece=evaluation.calibration_error(label, scored.probability, rules.ece_bins),
        brier=evaluation.brier(label, scored.probability),
        capacities=[
            {"share": share, **evaluation.at_capacity(label, margin, share)}
            for share in rules.capacities
        ],
        months=_by_month(scored),
        slices=evaluation.slices(label, margin, scored.seller, scored.groups, PER_SLICE,
                                 settings.training.seed),
        reliability=evaluation.reliability(label, scored.probability, rules.ece_bins),
        disjoint=draws.average_precision(label, scored.disjoint),
        over_native=draws.difference(label, margin, scored.native),
        over_champion=None if scored.champion is None
        else draws.difference(label, margin, scored.champion),
    )  # fmt: skip


def _by_month(scored: Scored) -> list[dict[str, Any]]:
    found = []
    for month in sorted(set(scored.month)):
        rows = scored.month == month
        found.append({
            "month": str(month), "rows": int(rows.sum()), "base_rate": scored.label[rows].mean(),
            "ap": evaluation.average_precision(scored.label[rows], scored.margin[rows]),
        })  # fmt: skip
    return found


def groups(columns: Columns) -> dict[str, Array]:
    """What results are told apart by."""
    bounds = [bound for bound, _ in TENURES[:-1]]
    tenure = np.searchsorted(bounds, np.nan_to_num(columns["tenure_days"]), side="right")
    return {
        "marketplace": columns["marketplace"],
        "tenure": np.array([name for _, name in TENURES], object)[tenure],
        "channel": columns["fulfillment_channel"],
        "advertising": np.where(np.isnan(columns["ad_spend_30d"]), "missing", "known"),
    }  # fmt: skip


def gates(judged: Judged, findings: Sequence[Finding], measured: Mapping[str, float],
          settings: SellerRisk) -> list[Gate]:  # fmt: skip
    """All of them, passed or not; `measured` holds parity and additivity."""
    rules = settings.gates
    # Two trainers draw other rows for their trees: on few rows that alone sets them apart.
    apart = max(0.0, judged.over_native.low, -judged.over_native.high)
    worst = min(month["ap"] for month in judged.months)
    over = judged.ap.value - judged.logistic_ap
    found = [
        _least("average precision", judged.ap.value, rules.ap_least),
        _least("its lower bound", judged.ap.low, rules.ap_lower_bound_least),
        _least("average precision of the worst month", worst, rules.worst_month_ap_least),
        _least("average precision over logistic regression", over, rules.over_logistic_least),
        _most("expected calibration error", judged.ece, rules.ece_most),
        *(_most(name.replace("_", " "), value, getattr(rules, f"{name}_most"))
          for name, value in {**measured, "trainers_ap_distance": apart}.items()),
        Gate("leakage findings", len(findings), 0, not findings),
        *_slice_gates(judged, settings),
    ]  # fmt: skip
    if judged.over_champion is not None:
        low = judged.over_champion.low
        found.append(_least("lower bound of the difference to the champion", low,
                            rules.champion_difference_least))  # fmt: skip
    return found


def _slice_gates(judged: Judged, settings: SellerRisk) -> Iterator[Gate]:
    """A slice fails only if it is large enough and surely below its floor."""
    rules = settings.gates
    for part in judged.slices:
        if part["positives"] >= rules.slice_positives_least:
            name = f"upper bound for {part['slice']} {part['group']}"
            yield _least(name, part["ap_high"], rules.slice_ap_floor)


def _least(name: str, found: float, bound: float) -> Gate:
    return Gate(name, found, bound, bool(found >= bound))


def _most(name: str, found: float, bound: float) -> Gate:
    return Gate(name, found, bound, bool(found <= bound))
