"""Lakes with seller-months as their jobs would have published them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from conf.seller_features import COUNTS
from conf.settings import Settings
from conf.tables import features
from jobs.lake.ddl import struct_of
from jobs.lake.io import Lake
from jobs.lake.records import open_lake
from jobs.runner import run_job
from jobs.window import Window
from tests.support.seller_months import as_a_file


def put(lake: Lake, months: pd.DataFrame) -> None:
    """Publishes (ds, seller_id, 36 columns, label); counts and currency are made up where they are
    not given."""
    given = {"currency": "USD", **dict.fromkeys(COUNTS, 10)}
    rows = months.drop(columns="label")
    rows = rows.assign(**{name: value for name, value in given.items() if name not in rows})
    label = pd.DataFrame({
        "ds": months["ds"], "seller_id": months["seller_id"],
        "high_risk_60d": months["label"].map({1: True, 0: False}),
        "label_available_on": [ds + timedelta(days=60) for ds in months["ds"]],
        "label_state": ["mature" if known else "immature" for known in months["label"].notna()],
    })  # fmt: skip
    for table, frame in ((features.SELLER_SNAPSHOTS, rows), (features.SELLER_LABELS, label)):
        whole = frame[list(table.column_names)].astype(object)
        whole = whole.where(whole.notna(), None)
        values = [tuple(_plain(value) for value in row) for row in whole.itertuples(index=False)]
        written = lake.spark.createDataFrame(values, struct_of(table))
        lake.replace_ds(table, written, sorted(set(frame["ds"])))


def of_a_file(
    spark: SparkSession, settings: Settings, folder: Path, months: pd.DataFrame, *jobs: str
) -> tuple[Lake, Settings]:
    """A lake whose seller-months came as a file that others made, through `ingest.seller_months`;
    then each of the jobs over its month-ends. (the lake, settings that name it)"""
    as_a_file(months, folder / "months.parquet")
    here = replace(settings, lake_root=str(folder / "lake"))
    lake = open_lake(spark, here, zone="UTC", create=True)
    given = {"input": str(folder / "months.parquet")}
    run_job("ingest.seller_months", lake, here, None, "test", given)
    days: list[date] = sorted(set(months["ds"]))
    for job in jobs:
        run_job(job, lake, here, Window(days[0], days[-1]), "test", {"month_ends": True})
    return lake, here


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
