"""Reading seller-months for models: what was known by a business date, and no more."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.tables import features
from jobs.errors import ContractBroken
from jobs.lake.io import Lake
from jobs.seller_months import COLUMNS, on_days


def snapshot(lake: Lake, ds: date) -> DataFrame:
    """(ds, seller_id, 36 columns) of a date; ContractBroken where there are none."""
    require_rows(lake, ds)
    return on_days(lake, [ds]).select("ds", "seller_id", *COLUMNS)


def require_rows(lake: Lake, ds: date) -> None:
    """ContractBroken where the date has no snapshots."""
    if on_days(lake, [ds]).isEmpty():
        raise ContractBroken(
            f"{features.SELLER_SNAPSHOTS.path} has no rows of ds {ds}: run "
            f"featurize.seller_snapshots --ds {ds} first"
        )


def require_values(rows: DataFrame, where: str) -> None:
    """ContractBroken that names the features without any value in these rows."""
    counts = rows.agg(*(F.count(name).alias(name) for name in COLUMNS)).first()
    if empty := [name for name in COLUMNS if counts is None or counts[name] == 0]:
        raise ContractBroken(
            f"{features.SELLER_SNAPSHOTS.path}, {where}: {', '.join(empty)} has no value in any "
            "row; mend what it is computed from, or take it out of the contract"
        )
