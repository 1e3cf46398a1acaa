"""Reading seller-months for models: what was known by a business date, and no more."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.seller_features import SELLER_FEATURES
from conf.settings import LabelsPolicy
from conf.tables import features
from jobs.errors import ContractBroken
from jobs.lake.io import Lake

COLUMNS = tuple(feature.name for feature in SELLER_FEATURES)


def labelled(lake: Lake, known_on: date, policy: LabelsPolicy) -> DataFrame:
    """(ds, seller_id, 36 columns, label): month-ends whose labels are sure at the end of the date.

    A label counts from the end of its window on, even where a file gave it earlier.
    """
    sure = F.date_add("ds", policy.sure_after_days) <= F.lit(known_on)
    month_end = F.last_day("ds") == F.col("ds")
    labels = lake.read(features.SELLER_LABELS).where(sure & F.col("high_risk_60d").isNotNull())
    rows = lake.read(features.SELLER_SNAPSHOTS).where(sure & month_end)
    return rows.join(labels, ["ds", "seller_id"]).select(
        "ds", "seller_id", *COLUMNS, F.col("high_risk_60d").cast("int").alias("label")
    )


def snapshot(lake: Lake, ds: date) -> DataFrame:
    """(ds, seller_id, 36 columns) of a date; ContractBroken where there are none."""
    rows = lake.read(features.SELLER_SNAPSHOTS).where(F.col("ds") == F.lit(ds))
    if rows.isEmpty():
        raise ContractBroken(
            f"{features.SELLER_SNAPSHOTS.path} has no rows of ds {ds}: run "
            f"featurize.seller_snapshots --ds {ds} first"
        )
    return rows.select("ds", "seller_id", *COLUMNS)


def require_values(rows: DataFrame, where: str) -> None:
    """ContractBroken that names the features without any value in these rows."""
    counts = rows.agg(*(F.count(name).alias(name) for name in COLUMNS)).first()
    if empty := [name for name in COLUMNS if counts is None or counts[name] == 0]:
        raise ContractBroken(
            f"{features.SELLER_SNAPSHOTS.path}, {where}: {', '.join(empty)} has no value in any "
            "row; mend what it is computed from, or take it out of the contract"
        )
