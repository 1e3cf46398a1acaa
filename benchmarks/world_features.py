"""How predictable a simulated marketplace is from its features, against what its truth allows.

    python -m benchmarks.world_features --truth landing/truth --lake-root lake --from 2025-01-31

The lake holds what `ingest.landing` and `run.day` made of the landing files. The same figures as
`benchmarks.world_truth`, which draws what a model would see from the truth alone, here from the 36
features as of each month-end; the model needs LightGBM.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.feature_shapes import is_month_end
from benchmarks.world_truth import (
    TESTED,
    TRAINED,
    allowed,
    average_precision,
    modelled,
    say_figures,
    singles,
)
from conf.seller_features import SELLER_FEATURES
from conf.tables import features

MOST_SAID = 10


def seller_months(lake: Path, truth: Path, first: date) -> pl.DataFrame:
    """One row a seller and month-end from `first` on: features, label, risk, `month` from 0."""
    keys = ["seller_id", "ds"]
    counts = is_month_end() & (pl.col("ds") >= first)
    snapshots = pl.scan_delta(str(lake / features.SELLER_SNAPSHOTS.path)).filter(counts)
    labels = pl.scan_delta(str(lake / features.SELLER_LABELS.path))
    risks = pl.scan_parquet(str(truth / "seller_risks" / "*.parquet")).rename({"day": "ds"})
    return (
        snapshots.join(labels.select(*keys, "high_risk_60d", "label_state"), keys, how="left")
        .join(risks, keys, how="left")
        .with_columns((pl.col("ds").rank("dense") - 1).alias("month"))
        .sort(keys)
        .collect()
    )


def as_arrays(months: pl.DataFrame) -> dict[str, Any]:
    """Columns as `world_truth` has them; a category is the number of its name in order."""
    table: dict[str, Any] = {}
    for feature in SELLER_FEATURES:
        column = months[feature.name]
        if feature.type == "string":
            column = column.rank("dense")
        table[feature.name] = column.cast(pl.Float64).to_numpy()
    table["_label"] = months["high_risk_60d"].fill_null(False).cast(pl.Boolean).to_numpy()
    table["_risk"] = months["risk_60d"].cast(pl.Float64).to_numpy()
    table["_month"] = months["month"].to_numpy()
    table["_mature"] = (months["label_state"] == "mature").fill_null(False).to_numpy()
    return table


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    months = seller_months(options.lake_root, options.truth, options.first)
    table = as_arrays(months)
    label = table["_label"]
    mature = table["_mature"] & ~np.isnan(table["_risk"])
    train, test = (mature & np.isin(table["_month"], list(m)) for m in (TRAINED, TESTED))
    each = singles(table, mature)
    figures = allowed(table, mature, test) | {"best single": max(each.values())}
    score = modelled(table, train, test, set()) if train.any() and test.any() else None
    if score is not None:
        figures["model"] = average_precision(label[test], score)
        figures["model / ceiling"] = figures["model"] / figures["ceiling, tested"]
    say_figures(figures)
    print("\n| feature alone | average precision |\n|---|---|")
    print("\n".join(f"| {name} | {value:.3f} |" for name, value in [*each.items()][:MOST_SAID]))
    print("\n| feature | missing |\n|---|---|")
    for feature in SELLER_FEATURES:
        if gone := months[feature.name].null_count():
            print(f"| {feature.name} | {gone / months.height:.3f} |")
    print("\n| month-end | seller-months | mature | positive |\n|---|---|---|---|")
    for day, number in months.group_by("ds").len().sort("ds").iter_rows():
        rows = mature & (months["ds"] == day).to_numpy()
        share = f"{label[rows].mean():.4f}" if rows.any() else ""
        print(f"| {day} | {number} | {rows.sum()} | {share} |")
    return 0


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="python -m benchmarks.world_features", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    whole.add_argument("--truth", type=Path, required=True, help="folder of the world's truth")
    whole.add_argument("--lake-root", type=Path, required=True)
    whole.add_argument("--from", dest="first", type=date.fromisoformat, required=True,
                       help="the first month-end that counts: those before warm up")  # fmt: skip
    return whole


if __name__ == "__main__":
    sys.exit(main())
