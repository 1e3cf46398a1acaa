"""Refine the current state of every entity but orders: one row a natural key.

Each landing's touched keys are computed anew from their history in bronze and merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.settings import Settings
from conf.tables import silver
from features import asof
from jobs.lake.io import GONE, Lake
from jobs.lake.records import record_day
from jobs.refine import days, history
from jobs.state import SOURCE, computed
from jobs.window import Window

TABLES = (*silver.LATEST_VERSION, *silver.ROLLED_UP)
READS = tuple(SOURCE[table.name] for table in TABLES)
WRITES = TABLES
JOB = "refine.entities"
AT_ONCE = 4


def run(lake: Lake, settings: Settings, window: Window) -> None:
    new = days.not_refined_yet(lake, window, JOB)
    if new is None:
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(_refine, lake, table, new) for table in TABLES]:
            done.result()
    record_day(lake, new.last, "refined", JOB)


def _refine(lake: Lake, table: Table, window: Window) -> None:
    source = SOURCE[table.name]
    landed = lake.read(source).where(F.col("ds").between(window.first, window.last))
    if landed.isEmpty():
        return
    rows = history.of_keys(lake, source, table.key, window)
    merge_touched(lake, table, {source.name: rows}, window)


def merge_touched(lake: Lake, table: Table, rows: dict[str, DataFrame], window: Window) -> None:
    """Merges the state of every key in `rows`; a key that no longer exists is deleted."""
    now = computed(table, rows, window.last, lake.zone)
    source = rows[table.name]
    keys = source.select(*table.key).dropna().distinct()
    here = F.col("_here").isNull()
    merged = keys.join(now.withColumn("_here", F.lit(True)), list(table.key), "left")
    lake.merge(table, merged.withColumn(GONE, here), _months(source, table, lake.zone))


def _months(rows: DataFrame, table: Table, zone: str) -> Sequence[date] | None:
    """The months in which the keys may stand now: those of all their versions."""
    if not table.partition_by:
        return None
    month = asof.month_of(F.col("occurred_at"), zone).alias("month")
    return [row["month"] for row in rows.select(month).distinct().collect()]
