"""The segmentation's card: what a reviewer of the registry reads before he signs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from conf.model_settings import SellerSegments
from ml.pages import write_card
from ml.seller_segments.train import Outcome


def metrics(outcome: Outcome) -> dict[str, float]:
    """The figures of a run, flat."""
    chosen = outcome.chosen
    found = {
        "k": chosen.k, "segments": len(outcome.model.ids), "least_share": chosen.share_least,
        "least_jaccard": min(chosen.jaccards), "half_sample_ari": chosen.half_sample_ari,
        "kept": chosen.kept, "inertia": chosen.inertia, "place_ratio": chosen.place_ratio,
        "ari_of_search_and_final_fit": outcome.spark_ari,
        "ari_with_champion": outcome.match.ari if outcome.match else float("nan"),
    }  # fmt: skip
    known = {name: float(value) for name, value in found.items() if value is not None}
    return {name: value for name, value in known.items() if np.isfinite(value)}


def write(folder: Path, read: Mapping[str, int], outcome: Outcome, rules: SellerSegments) -> None:
    """card.html, card.md and the plot of effects; `read` are the versions of the tables read."""
    folder.mkdir(parents=True, exist_ok=True)
    _effects(outcome).savefig(folder / "effects.svg")
    content = {"outcome": outcome, "model": outcome.model, "rules": rules, "read": read}
    write_card(folder, "seller_segments", content)


def _effects(outcome: Outcome) -> Figure:
    """How far each segment lies from all others, by feature, in standard deviations."""
    model, effects = outcome.model, outcome.effects
    figure = Figure(figsize=(9, 1.2 + 0.5 * len(effects)), layout="constrained")
    axes = figure.subplots()
    drawn = axes.imshow(effects, cmap="RdBu", vmin=-2, vmax=2, aspect="auto")
    axes.set_xticks(range(effects.shape[1]), model.coordinates, rotation=60, ha="right")
    names = [model.names[outcome.new_ids[n]] for n in sorted(outcome.new_ids)]
    axes.set_yticks(range(len(effects)), names)
    figure.colorbar(drawn, label="standard deviations")
    return figure
