"""What the features look like on a large world: `docs/feature_shapes.json`, shown by `make docs`.

    ./spark-submit.sh simulate.world --preset seed --out landing
    ./spark-submit.sh ingest.landing --landing landing --from 2024-10-01 --to 2026-06-30
    ./spark-submit.sh run.day --from 2024-10-01 --to 2026-06-30
    python -m benchmarks.feature_shapes --lake-root lake --from 2025-01-31

Quantiles are of all seller-months at once; by month stands the mean, or of a category the share of
the most common one.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from conf.docs import SHAPES
from conf.seller_features import SELLER_FEATURES, Feature
from conf.tables import features

QUANTILES = (0.05, 0.5, 0.95)


def shapes(snapshots: pl.DataFrame) -> dict[str, Any]:
    """Share missing, quantiles (or shares of categories) and a figure a month, by feature."""
    months = snapshots.with_columns(pl.col("ds").dt.strftime("%Y-%m").alias("month"))
    return {
        "seller_months": months.height,
        "first_month": months["month"].min(),
        "last_month": months["month"].max(),
        "features": {feature.name: _shape(months, feature) for feature in SELLER_FEATURES},
    }


def _shape(months: pl.DataFrame, feature: Feature) -> dict[str, Any]:
    values = months.select("month", pl.col(feature.name).alias("value"))
    known = values.drop_nulls("value")
    missing = 1 - known.height / max(values.height, 1)
    shape: dict[str, Any] = {"missing": round(missing, 4)}
    if feature.type == "string":
        shares = known["value"].value_counts(normalize=True, sort=True).head(4)
        shape["shares"] = {name: round(share, 3) for name, share in shares.iter_rows()}
        figure = (pl.col("value") == next(iter(shape["shares"]), "")).mean()
    else:
        shape["quantiles"] = [_short(known["value"].quantile(q)) for q in QUANTILES]
        figure = pl.col("value").mean()
    by_month = known.group_by("month").agg(figure.alias("figure")).sort("month")
    return shape | {"by_month": [_short(value) for value in by_month["figure"]]}


def is_month_end() -> pl.Expr:
    """Is the row's ds the last day of its month?"""
    return pl.col("ds").dt.offset_by("1d").dt.day() == 1


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lake-root", required=True)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True,
                        help="the first month-end that counts: those before warm up")  # fmt: skip
    parser.add_argument("--world", default="simulate.world --preset seed",
                        help="the command that made it, for the page")  # fmt: skip
    options = parser.parse_args()
    table = pl.scan_delta(str(Path(options.lake_root) / features.SELLER_SNAPSHOTS.path))
    found = table.filter(is_month_end() & (pl.col("ds") >= options.first)).collect()
    shown = {"world": options.world, **shapes(found)}
    SHAPES.write_text(json.dumps(shown, indent=1) + "\n")
    print(f"{found.height} seller-months; now run `make docs`")


if __name__ == "__main__":
    main()
