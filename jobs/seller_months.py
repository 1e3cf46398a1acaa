"""Snapshots of sellers as more than one verb reads them: on Spark, and in this process."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.model_settings import SegmentFeature
from conf.seller_features import SELLER_FEATURES
from conf.settings import LabelsPolicy
from conf.tables import features
from jobs.lake.io import Lake

if TYPE_CHECKING:
    from ml.seller_segments.behaviour import Behaviour

COLUMNS = tuple(feature.name for feature in SELLER_FEATURES)

log = logging.getLogger(__name__)


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


def on_days(lake: Lake, days: Sequence[date]) -> DataFrame:
    """The snapshots of these dates, whole."""
    return lake.read(features.SELLER_SNAPSHOTS).where(F.col("ds").isin(list(days)))


def for_driver(rows: DataFrame, most: int) -> DataFrame:
    """All rows, or those of as many sellers as one process can search and judge."""
    count = rows.count()
    if count <= most:
        return rows
    share = most / count
    log.info("%d rows: this process sees the sellers of %.1f %% of them", count, 100 * share)
    return rows.where(F.pmod(F.xxhash64("seller_id"), F.lit(1_000_000)) < int(1_000_000 * share))


def behaviour_of(
    rows: DataFrame, read: Mapping[str, SegmentFeature], driver_rows_most: int
) -> Behaviour:
    """The behaviour of snapshots, for this process."""
    from ml.seller_segments.behaviour import behaviour, columns

    seen = for_driver(rows.select("ds", "seller_id", *columns(read)), driver_rows_most).toPandas()
    return behaviour(pa.Table.from_pandas(seen, preserve_index=False), read)
