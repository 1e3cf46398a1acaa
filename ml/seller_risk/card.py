"""The model card: what a reviewer of the registry reads before he signs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shap
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from conf.model_settings import SellerRisk
from ml.pages import write_card
from ml.seller_risk.encoding import NAMES
from ml.seller_risk.model import Model
from ml.seller_risk.training import Outcome

SWARMED, DOTS = 10, 2_000


def metrics(outcome: Outcome) -> dict[str, float]:
    """The figures of a run, flat."""
    judged = outcome.judged
    found = {
        "average_precision": judged.ap.value, "average_precision_low": judged.ap.low,
        "average_precision_high": judged.ap.high, "logistic_average_precision": judged.logistic_ap,
        "disjoint_average_precision": judged.disjoint.value, "base_rate": judged.base_rate,
        "roc_auc": judged.roc_auc, "ece": judged.ece,
        "brier": judged.brier, "test_rows": judged.rows, "test_positives": judged.positives,
        "best_single_feature": next(iter(outcome.singles.values())),
        **{f"precision_at_{part['share']:g}": part["precision"] for part in judged.capacities},
        **{f"recall_at_{part['share']:g}": part["recall"] for part in judged.capacities},
        **{f"average_precision_{part['month'][:7]}": part["ap"] for part in judged.months},
    }  # fmt: skip
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def write(folder: Path, read: Mapping[str, int], model: Model, outcome: Outcome,
          rules: SellerRisk) -> None:  # fmt: skip
    """card.html, card.md and their plots; `read` are the versions of the tables read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        figure = Figure(figsize=(5, 3.6), layout="constrained")
        draw(figure.subplots(), outcome, model)
        figure.savefig(folder / f"{name}.svg")
    content = {
        "trained": model.trained, "judged": outcome.judged, "gates": outcome.gates,
        "findings": outcome.findings, "warnings": outcome.warnings, "walked": outcome.walked,
        "singles": list(outcome.singles.items())[:10],
        "missed": outcome.missed, "calibration": model.calibration, "bands": model.bands,
        "threshold": outcome.threshold, "rules": rules, "read": read, "plots": list(PLOTS),
    }  # fmt: skip
    write_card(folder, "seller_risk", content)


def _precision_recall(axes: Any, outcome: Outcome, model: Model) -> None:
    scored = outcome.scored
    for name, score in (("model", scored.margin), ("logistic regression", scored.logistic)):
        precision, recall, _ = precision_recall_curve(scored.label, score)
        axes.plot(recall, precision, label=name)
    axes.axhline(outcome.judged.base_rate, color="grey", linestyle=":", label="base rate")
    axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1))
    axes.legend(frameon=False)


def _reliability(axes: Any, outcome: Outcome, model: Model) -> None:
    parts = outcome.judged.reliability
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.plot([p["expected"] for p in parts], [p["observed"] for p in parts], marker="o")
    top = 1.1 * max(max(p["expected"], p["observed"]) for p in parts)
    axes.set(xlabel="expected", ylabel="observed", xlim=(0, top), ylim=(0, top))


def _importance(axes: Any, outcome: Outcome, model: Model) -> None:
    gains = model.booster.feature_importance("gain")
    first = np.argsort(gains)[-15:]
    axes.barh([NAMES[n] for n in first], gains[first] / gains.sum())
    axes.set(xlabel="share of gain")


def _costs(axes: Any, outcome: Outcome, model: Model) -> None:
    """What reviews and misses cost if so many are reviewed, with the threshold of validation."""
    major, reviewed = outcome.costs_minor / 100, np.arange(len(outcome.costs_minor))
    axes.plot(100 * reviewed / max(len(outcome.test), 1), major)
    chosen = int((outcome.scored.margin >= outcome.threshold).sum())
    axes.plot(100 * chosen / max(len(outcome.test), 1), major[chosen], marker="o", color="black")
    axes.set(xlabel="share reviewed, %", ylabel="cost, reporting currency", ylim=(0, None))


def _months(axes: Any, outcome: Outcome, model: Model) -> None:
    months = outcome.judged.months
    axes.bar(range(len(months)), [m["ap"] for m in months], width=0.5)
    axes.set_xticks(range(len(months)), [m["month"][:7] for m in months])
    axes.set(ylabel="average precision", ylim=(0, 1))


def _beeswarm(axes: Any, outcome: Outcome, model: Model) -> None:
    """The features that move margins most: each dot a seller, its colour the feature's value."""
    shown = slice(None, None, max(1, len(outcome.contributions) // DOTS))
    dots = shap.Explanation(outcome.contributions[shown], data=outcome.test.features[shown],
                            feature_names=list(NAMES))  # fmt: skip
    shap.plots.beeswarm(dots, max_display=SWARMED, ax=axes, show=False, plot_size=None,
                        color_bar=False, group_remaining_features=False, s=4)  # fmt: skip
    axes.set(xlabel="contribution, log odds")


PLOTS = {
    "precision_recall": _precision_recall, "reliability": _reliability,
    "importance": _importance, "contributions": _beeswarm, "months": _months, "costs": _costs,
}  # fmt: skip
